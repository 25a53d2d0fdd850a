"""What openness rests on: who licenses, who advises and applies, who is recused, which rulebook."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext, ViewContext
from amanat.access.tables import institution
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.model import Conflicted
from amanat.licensing.openness.tables import agreement, agreement_party, rulebook_version
from amanat.licensing.records import pack_of
from amanat.licensing.tables import provider, recusal
from amanat.participants.records import check_authority, find_class

ADVISES = "advises_programme"
"""The flag of the register for a provider that advises the programme."""
_CITED_MAX = 200


def require_authority(context: ActContext) -> LicensingPack:
    """The programme's pack, asked by who licenses.  Refuses `NotClassAuthority`."""
    pack = pack_of(context.uow.connection, context.programme)
    found = find_class(context.uow.connection, context.programme, pack.participant_class)
    check_authority(found, context)
    return pack


# -- who advises and applies ----------------------------------------------------------------------


def advisers(
    connection: Connection, programme: str, day: date, codes: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """Providers and applicants that advise the programme on a day, with their agreements' numbers.

    It follows from the register of agreements and from who applied: a party is known by its
    institution here, or by the same name.  An agreement counts until its end is published.
    """
    today = day.isoformat()
    rows = connection.execute(
        sql.select(agreement_party.c.party, agreement_party.c.name, agreement.c.number)
        .join(agreement, agreement.c.id == agreement_party.c.agreement)
        .where(
            agreement.c.programme == programme,
            agreement.c.advises.is_(True),
            agreement.c.recorded_on <= today,
            sql.or_(agreement.c.ended_on.is_(None), agreement.c.ended_on > today),
        )
        .order_by(agreement.c.number)
    ).all()
    if not rows:
        return {}
    named = _providers_by_name(connection, programme, codes)
    found: dict[str, list[str]] = {}
    for row in rows:
        theirs = {code for code, name in named.items() if name == _plain(row.name)}
        if row.party in named:
            theirs.add(row.party)
        for code in sorted(theirs):
            if row.number not in found.setdefault(code, []):
                found[code].append(row.number)
    return dict(sorted(found.items()))


def _providers_by_name(
    connection: Connection, programme: str, codes: Iterable[str] | None
) -> dict[str, str]:
    query = (
        sql.select(provider.c.code, institution.c.name)
        .join(
            institution,
            (institution.c.programme == provider.c.programme)
            & (institution.c.code == provider.c.code),
        )
        .where(provider.c.programme == programme)
    )
    if codes is not None:
        query = query.where(provider.c.code.in_(list(codes)))
    return {row.code: _plain(row.name) for row in connection.execute(query)}


def _plain(name: str) -> str:
    """A name as it is compared: without case, and with single spaces."""
    return " ".join(name.casefold().split())


# -- who is recused -------------------------------------------------------------------------------


def recusals_of(connection: Connection, programme: str, person: str) -> dict[str, str]:
    """Providers from whose files a person is recused, each with the reason."""
    rows = connection.execute(
        sql.select(recusal.c.provider, recusal.c.reason).where(
            recusal.c.programme == programme,
            recusal.c.recused == person,
            recusal.c.ended_on.is_(None),
        )
    )
    return {row.provider: row.reason for row in rows}


def require_not_recused(context: ViewContext, code: str | None) -> None:
    """Refuse `Conflicted` to a reader who is recused from the files of a provider."""
    if context.actor is None or code is None:
        return
    found = recusals_of(context.connection, context.programme, context.actor.person)
    if code in found:
        raise Conflicted(person=context.actor.person, provider=code, reason=found[code])


# -- rulebooks ------------------------------------------------------------------------------------


def rulebooks_in_force(connection: Connection, programme: str, day: date) -> dict[str, int]:
    """Of each rulebook the version that is in force on a day."""
    table = rulebook_version
    rows = connection.execute(
        sql.select(table.c.rulebook, sql.func.max(table.c.version).label("version"))
        .where(table.c.programme == programme, table.c.in_force_from <= day.isoformat())
        .group_by(table.c.rulebook)
        .order_by(table.c.rulebook)
    )
    return {row.rulebook: row.version for row in rows}


def rulebooks_cited(connection: Connection, programme: str, day: date) -> str | None:
    """The versions in force as steps and conditions cite them: `custody/1, general/2`."""
    found = rulebooks_in_force(connection, programme, day)
    text = ", ".join(f"{code}/{version}" for code, version in found.items())
    return text[:_CITED_MAX] or None
