"""What stands in the tables of monitoring, as acts and views read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound
from amanat.supervision.monitoring.planning import LIVE, RETIRED, SHADOW
from amanat.supervision.monitoring.tables import (
    backtest,
    backtest_asked,
    run,
    scenario_version,
)


def version_row(connection: Connection, programme: str, code: str, version: str) -> Row[Any]:
    """A stated version.  Refuses `NotFound`."""
    table = scenario_version
    row = connection.execute(
        sql.select(table).where(
            table.c.programme == programme, table.c.code == code, table.c.version == version
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="scenario", value=f"{code} {version}")
    return row


def state_on(row: Row[Any], day: date) -> str:
    """What a version is on a day: what was decided for tomorrow is not yet so today."""
    stated = day.isoformat()
    if row.retired_from is not None and row.retired_from <= stated:
        return RETIRED
    if row.live_from is not None and row.live_from <= stated:
        return LIVE
    return SHADOW if row.shadow_from is not None else str(row.state)


def backtests_of(
    connection: Connection, programme: str, code: str, version: str
) -> Sequence[Row[Any]]:
    """What a version found on history, latest first."""
    table = backtest
    query = sql.select(table).where(
        table.c.programme == programme, table.c.code == code, table.c.version == version
    )
    return connection.execute(query.order_by(table.c.id.desc())).all()


def backtests_asked_of(
    connection: Connection, programme: str, code: str, limit: int
) -> Sequence[Row[Any]]:
    """Back-tests of a scenario that were asked for, latest first."""
    table = backtest_asked
    query = sql.select(table).where(table.c.programme == programme, table.c.code == code)
    return connection.execute(query.order_by(table.c.id.desc()).limit(limit)).all()


def shadow_runs_of(connection: Connection, programme: str, code: str, version: str) -> list[str]:
    """Runs that are done and in which a version was in shadow."""
    rows = connection.execute(
        sql.select(run.c.id, run.c.scenarios).where(
            run.c.programme == programme, run.c.state == "done"
        )
    )
    return [
        row.id
        for row in rows
        if any(
            (one["code"], one["version"], one["state"]) == (code, version, SHADOW)
            for one in row.scenarios
        )
    ]
