"""Returns that are owed, on the calendar of what is due: to the authority, and to who owes them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.jurisdictions.holidays import load_calendar
from amanat.jurisdictions.returns import load_returns
from amanat.licensing.records import pack_of
from amanat.licensing.standing import standings
from amanat.licensing.views_due import adds_due
from amanat.supervision.returns.manifest import REPORT
from amanat.supervision.returns.quality import due_on
from amanat.supervision.returns.tables import manifest

PERIOD = "period"


@adds_due
def returns_due(
    connection: Connection, programme: str, today: date, last: date, own: str | None
) -> list[dict[str, Any]]:
    """Of each exchange that reports, its first return or that after its latest, if due by a day.

    Periods follow each other without a gap, so that of several only the first can come next; it is
    taken to be as long as the one before.  An exchange that never reported owes its first from the
    day of its permission, over the longest period that the pack takes.  An exchange that may not
    report owes none.
    """
    table = manifest
    latest = (
        sql.select(table.c.exchange, sql.func.max(table.c.last_day).label("last_day"))
        .where(table.c.programme == programme, table.c.scope == PERIOD)
        .group_by(table.c.exchange)
        .subquery()
    )
    wanted = (
        sql.select(table.c.exchange, table.c.first_day, table.c.last_day)
        .join(
            latest,
            (latest.c.exchange == table.c.exchange) & (latest.c.last_day == table.c.last_day),
        )
        .where(table.c.programme == programme, table.c.scope == PERIOD)
        .order_by(table.c.exchange)
    )
    if own is not None:
        wanted = wanted.where(table.c.exchange == own)
    rows = connection.execute(wanted).all()
    pack = load_returns(pack_of(connection, programme).code)
    calendar = load_calendar(pack.calendar)
    reporting = {
        code: found
        for code, found in standings(
            connection, programme, today, None if own is None else [own]
        ).items()
        if REPORT in found.opens
    }
    owed = [
        (row.exchange, *_following(date.fromisoformat(row.first_day), row.last_day))
        for row in rows
        if row.exchange in reporting
    ]
    reported = {row.exchange for row in rows}
    for code, found in reporting.items():
        began = min((one.since for one in found.held), default=None)
        if code not in reported and began is not None:
            # Nobody has said how long its periods are: the longest that the pack takes.
            owed.append((code, began, began + timedelta(pack.period_days_max - 1)))
    return [
        {
            "due_on": due.isoformat(),
            "what": "return",
            "owed_by": code,
            "provider": code,
            "file": None,
            "text": f"{first} – {ends}",
        }
        for code, first, ends in sorted(owed)
        if (due := due_on(ends, pack.due_days, calendar)) <= last
    ]


def _following(first_day: date, last_day: str) -> tuple[date, date]:
    """The days after a period, as many as it had."""
    ended = date.fromisoformat(last_day)
    return ended + timedelta(1), ended + (ended - first_day) + timedelta(1)
