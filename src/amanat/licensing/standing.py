"""The one place that says what a provider may do: register, interface, bidding, settlement ask it.

Grants count from when the ledger had them, withdrawals from when they were decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.jurisdictions.licensing import LicensingPack, SectionNotInForce
from amanat.licensing.deriving import (
    ENDED,
    NO_LEVEL,
    ON_LEDGER,
    Changed,
    Granted,
    Standing,
    Suspended,
    standing_from,
)
from amanat.licensing.model import (
    Accounts,
    CategoryNotOpen,
    Change,
    NotAProvider,
    Outcome,
    PermissionMissing,
    ProviderSuspended,
)
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.tables import (
    decision,
    licensing_file,
    permission,
    permission_change,
    provider,
)
from amanat.participants.model import Level
from amanat.participants.tables import participant


def standing_on(connection: Connection, programme: str, code: str, day: date) -> Standing:
    """What a provider may do on `day`; give the business date for now.

    Refuses `NotFound`: no such provider.
    """
    found = standings(connection, programme, day, [code])
    if code not in found:
        raise NotFound(thing="provider", value=code)
    return found[code]


def standings(
    connection: Connection, programme: str, day: date, codes: Iterable[str] | None = None
) -> dict[str, Standing]:
    """The standing of these providers, or of all, in three queries; by code, in their order."""
    pack = pack_of(connection, programme)
    wanted = None if codes is None else list(codes)
    query = sql.select(provider.c.code).where(provider.c.programme == programme)
    if wanted is not None:
        query = query.where(provider.c.code.in_(wanted))
    known = list(connection.execute(query.order_by(provider.c.number)).scalars())
    granted = granted_of(connection, programme, wanted)
    changes = changes_of(connection, programme, wanted)
    refused = _refused(connection, programme, day, wanted)
    return {
        code: standing_from(
            pack,
            code,
            granted.get(code, ()),
            changes.get(code, ()),
            day,
            refused=code in refused,
        )
        for code in known
    }


def granted_of(
    connection: Connection, programme: str, codes: list[str] | None = None
) -> dict[str, list[Granted]]:
    """Every permission that was asked of the ledger, done or not, by provider."""
    table = permission
    query = sql.select(table).where(table.c.programme == programme).order_by(table.c.id)
    if codes is not None:
        query = query.where(table.c.provider.in_(codes))
    found: dict[str, list[Granted]] = {}
    for row in connection.execute(query):
        found.setdefault(row.provider, []).append(
            Granted(row.id, row.kind, row.number, tuple(row.categories))
        )
    return found


def changes_of(
    connection: Connection, programme: str, codes: list[str] | None = None
) -> dict[str, list[Changed]]:
    """Every change that has taken effect, by provider."""
    table = permission_change
    query = (
        sql.select(table)
        .where(table.c.programme == programme, table.c.effective_at.is_not(None))
        .order_by(table.c.id)
    )
    if codes is not None:
        query = query.where(table.c.provider.in_(codes))
    found: dict[str, list[Changed]] = {}
    for row in connection.execute(query):
        found.setdefault(row.provider, []).append(changed(row))
    return found


def changed(row: Row[Any], *, effective_at: str | None = None, on: date | None = None) -> Changed:
    """A row of history as the derivation takes it; `effective_at` and `on` as if it took effect."""
    return Changed(
        permission=row.permission,
        change=Change(row.change),
        effective_at=effective_at or row.effective_at,
        effective_on=on or date.fromisoformat(row.effective_on),
        order=row.id,
        level=row.level,
        suspension=row.suspension,
        expires_on=date.fromisoformat(row.expires_on) if row.expires_on else None,
        section=row.section,
        law=row.law,
        accounts=row.accounts,
    )


def _refused(
    connection: Connection, programme: str, day: date, codes: list[str] | None
) -> set[str]:
    """Providers of which an application was refused by that day."""
    query = sql.select(decision.c.provider).where(
        decision.c.programme == programme,
        decision.c.outcome == Outcome.REFUSE.value,
        decision.c.recorded_on <= day.isoformat(),
    )
    if codes is not None:
        query = query.where(decision.c.provider.in_(codes))
    return set(connection.execute(query).scalars())


def refused_on(connection: Connection, programme: str) -> dict[str, list[date]]:
    """The days on which applications of each provider were refused."""
    found: dict[str, list[date]] = {}
    for row in connection.execute(
        sql.select(decision.c.provider, decision.c.recorded_on).where(
            decision.c.programme == programme, decision.c.outcome == Outcome.REFUSE.value
        )
    ):
        found.setdefault(row.provider, []).append(date.fromisoformat(row.recorded_on))
    return found


def first_refusal(connection: Connection, programme: str, code: str) -> date | None:
    """The business date on which an application of a provider was refused first; None: never."""
    found = connection.execute(
        sql.select(sql.func.min(decision.c.recorded_on)).where(
            decision.c.programme == programme,
            decision.c.provider == code,
            decision.c.outcome == Outcome.REFUSE.value,
        )
    ).scalar_one_or_none()
    return date.fromisoformat(found) if found else None


# -- what other rooms ask -------------------------------------------------------------------------


def require_permission(
    connection: Connection,
    programme: str,
    code: str,
    what: str,
    day: date,
    *,
    category: str | None = None,
    accounts: Accounts | None = None,
) -> Standing:
    """What a provider may do, if it may do this: an activity, or a service of a category.

    `accounts` says on which of its accounts; a suspension may be about its own, or its clients'.

    Refuses, in order: `NotFound`, `ProviderSuspended`, `PermissionMissing`, `CategoryNotOpen`; all
    but the first are HTTP 403 and name what is missing with its section.
    """
    pack = pack_of(connection, programme)
    found = standing_on(connection, programme, code, day)
    if what not in found.opens:
        raise _refusal(connection, pack, found, what, day)
    if accounts is not None and what in found.shut_for(pack, accounts):
        raise _suspended(connection, pack, found, what, found.dealing[accounts])
    if category is not None and category not in found.services:
        alone = [one for one in found.held if one.suspended and category in one.categories]
        if alone:
            theirs = (None, alone[0].id)
            over = [one for one in found.suspensions if one.permission in theirs]
            raise _suspended(connection, pack, found, what, _strictest(pack, over))
        raise CategoryNotOpen(
            provider=code,
            category=Word(category),
            status=Word(found.status),
            **_lacking(pack, found, day, category),
        )
    return found


@dataclass(frozen=True, slots=True)
class Measure:
    """What took an activity from a provider: a status, since when, and the refusal that says so."""

    status: str
    since: date
    refusal: PermissionMissing


def measure_against(
    connection: Connection, programme: str, code: str, what: str, day: date
) -> Measure | None:
    """The suspension, of whatever level, or the end that lies over all permissions for an activity.

    One that leaves another permission for it standing, or is of one kind of accounts alone, is
    none.  Refuses `NotFound`: no such provider.
    """
    pack = pack_of(connection, programme)
    found = standing_on(connection, programme, code, day)
    if not found.held:
        ends = [
            one
            for one in changes_of(connection, programme, [code]).get(code, [])
            if one.effective_on <= day and ENDED.get(one.change) == found.status
        ]
        if not ends:
            return None
        since = max(one.effective_on for one in ends)
        refusal = _refusal(connection, pack, found, what, day)
        return Measure(found.status, since, refusal)
    over = [one for one in found.suspensions if one.accounts is None]
    whole = [one for one in over if one.permission is None]
    opening = [
        one for one in found.held if what in pack.status(pack.permission(one.kind).status).opens
    ]
    alone = [[one for one in over if one.permission == held.id] for held in opening]
    if opening and all(alone):
        # The last of them to be suspended left none that stands.
        whole.append(max((min(one, key=_since) for one in alone), key=_since))
    if not whole:
        return None
    first = min(whole, key=_since)
    refusal = _suspended(connection, pack, found, what, first)
    return Measure("suspended", first.since, refusal)


def _since(suspended: Suspended) -> tuple[date, str]:
    return suspended.since, suspended.suspension


def level_after(
    connection: Connection, programme: str, code: str, suspended: Changed
) -> Level | None:
    """The ledger's level with one suspension more; None where it has no standing there."""
    known = connection.execute(
        sql.select(participant.c.level).where(
            participant.c.programme == programme, participant.c.code == code
        )
    ).scalar_one_or_none()
    if known is None:
        return None
    found = standing_from(
        pack_of(connection, programme),
        code,
        granted_of(connection, programme, [code]).get(code, ()),
        [*changes_of(connection, programme, [code]).get(code, ()), suspended],
        suspended.effective_on,
    )
    return None if found.level == NO_LEVEL else Level(found.level)


def require_participant(
    connection: Connection,
    programme: str,
    code: str,
    what: str,
    day: date,
    accounts: Accounts | None = None,
) -> None:
    """As `require_permission` for a provider, and for a participant of the class that is licensed.

    Banks, funds and dealers stand under other laws and pass: their class's authority sets their
    level.
    """
    licensed = connection.execute(
        sql.select(participant.c.participant_class).where(
            participant.c.programme == programme, participant.c.code == code
        )
    ).scalar_one_or_none()
    pack = pack_of(connection, programme)
    if licensed not in (None, pack.participant_class):
        return
    try:
        find_provider(connection, programme, code)
    except NotAProvider:
        if licensed is None:
            return
        # It was admitted on the ledger by other means than a licence.
        nothing = standing_from(pack, code, (), (), day)
        raise _refusal(connection, pack, nothing, what, day) from None
    require_permission(connection, programme, code, what, day, accounts=accounts)


@dataclass(frozen=True, slots=True)
class Cancelling:
    """That trades matched earlier are cancelled: whose, what is shut to them, and why in words."""

    provider: str
    shut: frozenset[str]
    reason: str


def cancelling(
    connection: Connection, programme: str, day: date
) -> dict[tuple[str, Accounts], Cancelling]:
    """The rule of finality where it cancels, by provider and kind of account.

    An urgent suspension, which ends by itself, cancels nothing: what it shuts waits.
    """
    pack = pack_of(connection, programme)
    found: dict[tuple[str, Accounts], Cancelling] = {}
    for code, one in standings(connection, programme, day).items():
        status = pack.status(one.status)
        for kind in Accounts:
            over = one.dealing.get(kind)
            if over is not None and over.until is None:
                level = pack.suspension(over.level)
                if level.matched == CANCELLED:
                    words = f"{code}: suspended ({over.level}) since {over.since}, {over.law}"
                    found[code, kind] = Cancelling(code, ON_LEDGER & set(level.shuts), words)
            elif not one.held and status.matched == CANCELLED:
                law = pack.section_on(status.section, day).text
                shut = ON_LEDGER - set(status.opens)
                found[code, kind] = Cancelling(code, shut, f"{code}: {one.status}, {law}")
    return found


def shut_accounts(
    connection: Connection, programme: str, day: date
) -> dict[tuple[str, Accounts], frozenset[str]]:
    """What is shut on the ledger to accounts of one kind alone, by provider and kind."""
    table = permission_change
    codes = list(
        connection.execute(
            sql.select(table.c.provider)
            .where(table.c.programme == programme, table.c.accounts.is_not(None))
            .distinct()
        ).scalars()
    )
    if not codes:
        return {}
    pack = pack_of(connection, programme)
    found = {
        (code, kind): one.shut_for(pack, kind)
        for code, one in standings(connection, programme, day, codes).items()
        for kind in Accounts
    }
    return {key: shut for key, shut in found.items() if shut}


def _refusal(
    connection: Connection, pack: LicensingPack, found: Standing, what: str, day: date
) -> PermissionMissing:
    could = found.status in _SUSPENDED or what in pack.status(found.status).opens
    shut = [one for one in found.suspensions if what in pack.suspension(one.level).shuts]
    if shut and could:
        return _suspended(connection, pack, found, what, _strictest(pack, shut))
    return PermissionMissing(
        provider=found.provider,
        activity=Message(pack.activities.get(what, what)),
        status=Word(found.status),
        **_lacking(pack, found, day),
    )


CANCELLED = "cancelled"
"""The rule of finality that ends trades matched before."""
_SUSPENDED = ("suspended", "wind_down")


def _strictest(pack: LicensingPack, suspensions: Sequence[Suspended]) -> Suspended:
    return max(suspensions, key=lambda one: pack.suspensions.index(pack.suspension(one.level)))


def _suspended(
    connection: Connection,
    pack: LicensingPack,
    found: Standing,
    what: str,
    worst: Suspended,
) -> ProviderSuspended:
    number = connection.execute(
        sql.select(licensing_file.c.number).where(licensing_file.c.id == worst.suspension)
    ).scalar_one()
    return ProviderSuspended(
        provider=found.provider,
        activity=Message(pack.activities.get(what, what)),
        level=Word(worst.level),
        since=worst.since,
        section=worst.law,
        suspension=number,
    )


def _lacking(
    pack: LicensingPack, found: Standing, day: date, category: str | None = None
) -> dict[str, Any]:
    """What the next status needs, in words, and the section that says so."""
    status = pack.status(found.status)
    code, rule = status.lacks, status.section
    if category is not None and not code:
        words = Message("licence for {category}", category=Word(category))
    else:
        titles = {one.fact: one.title for one in pack.confirmations}
        titles |= {one.code: one.title for one in pack.permissions}
        words = Message(titles.get(code, code))
    try:
        section: str = pack.section_on(rule, day).text
    except SectionNotInForce as refusal:
        section = refusal.message
    return {"missing": words, "section": section}
