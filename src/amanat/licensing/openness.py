"""What openness rests on: who licenses, who advises the programme and applies, who is recused."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.records import pack_of
from amanat.licensing.tables import provider
from amanat.licensing.tables_openness import agreement, agreement_party
from amanat.participants.records import check_authority, find_class


def require_authority(context: ActContext) -> LicensingPack:
    """The programme's pack, asked by who licenses.  Refuses `NotClassAuthority`."""
    pack = pack_of(context.uow.connection, context.programme)
    found = find_class(context.uow.connection, context.programme, pack.participant_class)
    check_authority(found, context)
    return pack


def advisers(
    connection: Connection, programme: str, day: date, codes: Iterable[str] | None = None
) -> dict[str, list[str]]:
    """Providers and applicants that advise the programme on a day, with their agreements' numbers.

    It follows from the register of agreements and from who applied; nobody types it.
    """
    today = day.isoformat()
    query = (
        sql.select(agreement_party.c.party, agreement.c.number)
        .join(agreement, agreement.c.id == agreement_party.c.agreement)
        .join(
            provider,
            (provider.c.programme == agreement.c.programme)
            & (provider.c.code == agreement_party.c.party),
        )
        .where(
            agreement.c.programme == programme,
            agreement.c.advises.is_(True),
            agreement.c.first_day <= today,
            sql.or_(agreement.c.last_day.is_(None), agreement.c.last_day >= today),
            sql.or_(agreement.c.ended_on.is_(None), agreement.c.ended_on > today),
        )
        .order_by(agreement_party.c.party, agreement.c.number)
    )
    if codes is not None:
        query = query.where(agreement_party.c.party.in_(list(codes)))
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(row.party, []).append(row.number)
    return found
