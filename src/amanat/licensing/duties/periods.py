"""Periodic duties of providers: which periods are open, when they are due, what met them.

Periods follow from the pack and from the day of the first permission that brings a status with the
duty; a row is written when one is met.  A duty that comes by event (an incident) has no periods.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext
from amanat.core.dates import add_months
from amanat.core.ids import new_id
from amanat.jurisdictions.licensing import LicensingPack, ObligationTemplate
from amanat.licensing.ordering import written
from amanat.licensing.records import pack_of
from amanat.licensing.tables import obligation, permission, provider

_PERIODS_MAX = 1_200

HOLDERS_AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Duty:
    """One period of a duty of a provider; due on a business date, `title` as the pack has it."""

    provider: str
    code: str
    title: str
    period_end: date
    due_on: date


def periods(template: ObligationTemplate, since: date, until: date) -> Iterable[tuple[date, date]]:
    """Every period's end and due day, of those that end up to `until`, the earliest first."""
    if not template.months:
        return
    for count in range(1, _PERIODS_MAX):
        end = add_months(since, template.months * count)
        if end > until:
            return
        yield end, end + timedelta(days=template.days)


def open_duties(
    connection: Connection,
    programme: str,
    until: date,
    code: str | None = None,
    limit: int | None = None,
) -> list[Duty]:
    """Periods that ended, or end, by a day and are not met, of one provider or all; by due day.

    Who has no status with the duty any more owes nothing further.  `limit` is how many, the
    earliest due, are enough.
    """
    pack = pack_of(connection, programme)
    met = _met(connection, programme, code)
    found: list[Duty] = []
    for template in pack.obligations:
        rows = _holders(connection, programme, template, pack, until, code)
        found += _unmet(template, rows, until, met, limit)
    return sorted(found, key=lambda one: (one.due_on, one.provider, one.code))[:limit]


def _unmet(
    template: ObligationTemplate,
    rows: Iterable[tuple[str, str]],
    until: date,
    met: set[tuple[str, str, str]],
    limit: int | None,
) -> list[Duty]:
    """Periods of one duty that nothing has met, of providers by the day since which they owe it."""
    found: list[Duty] = []
    since, ends = "", list[tuple[str, date, date]]()
    before = 0
    for name, first_day in rows:
        if first_day != since:
            # Thousands of providers began on few days: each day's periods are counted once.
            since = first_day
            ends = [
                (end.isoformat(), end, due)
                for end, due in periods(template, date.fromisoformat(since), until)
            ]
            before = sum(1 for one in found if ends and one.due_on < ends[0][2])
        if limit is not None and before >= limit:
            break  # whatever follows is due later than enough of these
        unmet = [one for one in ends if (name, template.code, one[0]) not in met]
        found += [Duty(name, template.code, template.title, end, due) for _, end, due in unmet]
        before += bool(unmet) and unmet[0] is ends[0]
    return found


def _met(connection: Connection, programme: str, code: str | None) -> set[tuple[str, str, str]]:
    table = obligation
    query = sql.select(table.c.provider, table.c.code, table.c.period_end).where(
        table.c.programme == programme, table.c.done_on.is_not(None)
    )
    if code is not None:
        query = query.where(table.c.provider == code)
    return {(row.provider, row.code, row.period_end) for row in connection.execute(query)}


def _holders(
    connection: Connection,
    programme: str,
    template: ObligationTemplate,
    pack: LicensingPack,
    until: date,
    code: str | None,
) -> Iterator[tuple[str, str]]:
    """Providers with a duty of which a period ends by a day, and since when they have the duty.

    Who has it longest comes first.
    """
    kinds = [one.code for one in pack.permissions if one.status in template.statuses]
    if not template.months or not kinds:
        return
    # A month may be three days shorter than the one from which it is counted.
    latest = add_months(until, -template.months) + timedelta(days=3)
    query = (
        sql.select(permission.c.provider, permission.c.first_day)
        .join(
            provider,
            (permission.c.programme == provider.c.programme)
            & (permission.c.provider == provider.c.code),
        )
        .where(
            permission.c.programme == programme,
            permission.c.kind.in_(kinds),
            permission.c.first_day <= latest.isoformat(),
            provider.c.status.in_(template.statuses),
        )
        .order_by(permission.c.first_day, permission.c.provider, permission.c.id)
    )
    if code is not None:
        query = query.where(permission.c.provider == code)
    # In parts, as who asks mostly stops early; the first permission of each provider counts.
    place, seen = 0, set[str]()
    while True:
        rows = connection.execute(query.offset(place).limit(HOLDERS_AT_ONCE)).all()
        for name, first_day in rows:
            if name not in seen:
                seen.add(name)
                yield name, first_day
        if len(rows) < HOLDERS_AT_ONCE:
            return
        place += HOLDERS_AT_ONCE


def open_duty(
    connection: Connection, programme: str, code: str, duty: str, as_of: date
) -> Duty | None:
    """The earliest period of a duty that had ended by a day and is not met; None where none is."""
    found = open_duties(connection, programme, as_of, code)
    return next((one for one in found if one.code == duty), None)


def meet_duty(context: ActContext, duty: Duty, evidence: str, entry: str) -> None:
    """Note that a period is met on the business date, by a journal entry."""
    today = context.business_date.isoformat()
    context.uow.connection.execute(
        obligation.insert().values(
            id=new_id(),
            programme=context.programme,
            provider=duty.provider,
            code=duty.code,
            period_end=duty.period_end.isoformat(),
            due_on=duty.due_on.isoformat(),
            done_on=today,
            done_entry=entry,
            evidence=evidence,
            **written(context, entry),
        )
    )
