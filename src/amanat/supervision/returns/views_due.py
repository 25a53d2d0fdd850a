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
    """Of each exchange that reports, the return after its latest one, if due up to a day.

    Periods follow each other without a gap, so that of several only the first can come next; it is
    taken to be as long as the one before.  An exchange that may not report owes none.
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
    if not rows:
        return []
    pack = load_returns(pack_of(connection, programme).code)
    calendar = load_calendar(pack.calendar)
    reporting = standings(connection, programme, today, [row.exchange for row in rows])
    found = []
    for row in rows:
        ended = date.fromisoformat(row.last_day)
        first, ends = ended + timedelta(1), ended + (ended - date.fromisoformat(row.first_day))
        ends += timedelta(1)
        due = due_on(ends, pack.due_days, calendar)
        if due > last or REPORT not in reporting[row.exchange].opens:
            continue
        found.append(
            {
                "due_on": due.isoformat(),
                "what": "return",
                "owed_by": row.exchange,
                "provider": row.exchange,
                "file": None,
                "text": f"{first} – {ends}",
            }
        )
    return found
