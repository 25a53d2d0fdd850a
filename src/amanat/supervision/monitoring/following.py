"""Monitors the days of accepted returns by itself: each return in force, and what corrects it.

A return is monitored when a run that is done read rows of it and covers all of its days.  Days
after it whose windows reach back into it are looked at again: what they found may have changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.jurisdictions.supervision import SupervisionTable
from amanat.store.uow import Store
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.keeping import Progress
from amanat.supervision.monitoring.running import (
    INPUT,
    RunDone,
    Running,
    RunPlan,
    plan_run,
)
from amanat.supervision.monitoring.tables import coverage, run
from amanat.supervision.returns.tables import manifest


@dataclass(frozen=True, slots=True)
class Waiting:
    """Returns in force that no run that is done has read: how many, their days, since when."""

    returns: int
    first_day: date | None = None
    last_day: date | None = None
    since: str | None = None


def mark(connection: Connection, programme: str) -> tuple[str, ...]:
    """Changes whenever a further return may wait."""
    last = connection.execute(
        sql.select(sql.func.max(manifest.c.id), sql.func.count()).where(
            manifest.c.programme == programme
        )
    ).one()
    return tuple(str(one) for one in last)


def _runs(programme: str) -> sql.Select[Any]:
    """Runs that are done and read a return of the manifest on all of its days."""
    return (
        sql.select(run.c.id)
        .join(coverage, sql.and_(coverage.c.run == run.c.id, coverage.c.scenario == INPUT))
        .where(
            run.c.programme == programme,
            run.c.state == "done",
            run.c.first_day <= manifest.c.first_day,
            run.c.last_day >= manifest.c.last_day,
            coverage.c.source == manifest.c.id,
        )
    )


def last_run_of(connection: Connection, programme: str, return_id: str) -> Row[Any] | None:
    """The latest run that is done and read a return on all of its days."""
    query = _runs(programme).add_columns(run.c.ended_at)
    query = query.join(manifest, manifest.c.id == coverage.c.source)
    query = query.where(manifest.c.id == return_id).order_by(run.c.id.desc()).limit(1)
    return connection.execute(query).one_or_none()


def waiting(connection: Connection, programme: str) -> Waiting:
    """What no run has read.  A return without transactions has nothing to be read."""
    read = _runs(programme).correlate(manifest)
    row = connection.execute(
        sql.select(
            sql.func.count().label("returns"),
            sql.func.min(manifest.c.first_day).label("first"),
            sql.func.max(manifest.c.last_day).label("last"),
            sql.func.min(manifest.c.received_at).label("since"),
        ).where(
            manifest.c.programme == programme,
            manifest.c.superseded_by.is_(None),
            manifest.c.rows > 0,
            ~sql.exists(read),
        )
    ).one()
    if not row.returns:
        return Waiting(0)
    days = (date.fromisoformat(row.first), date.fromisoformat(row.last))
    return Waiting(row.returns, *days, row.since)


def plan_waiting(
    connection: Connection, programme: str, table: SupervisionTable, data_dir: Path
) -> RunPlan | None:
    """The run that reads what waits, with the days after it that look back on it."""
    found = waiting(connection, programme)
    if found.first_day is None or found.last_day is None:
        return None
    plan = plan_run(connection, programme, table, data_dir, found.first_day, found.last_day)
    reach = found.last_day + timedelta(days=max(plan.lookback, plan.history))
    newest = connection.execute(
        sql.select(sql.func.max(manifest.c.last_day)).where(
            manifest.c.programme == programme, manifest.c.superseded_by.is_(None)
        )
    ).scalar_one()
    last = min(reach, date.fromisoformat(newest))
    if last <= found.last_day:
        return plan
    return plan_run(connection, programme, table, data_dir, found.first_day, last)


def monitor_waiting(
    store: Store,
    engine_of: Callable[[], Engine],
    programme: str,
    table: SupervisionTable,
    data_dir: Path,
    day: date,
    progress: Progress = lambda _days, _scenario: None,
) -> RunDone | None:
    """Read what waits, in one run; None where nothing does.  Refuses as `Running.carry_out`."""
    with store.reading() as connection:
        plan = plan_waiting(connection, programme, table, data_dir)
    if plan is None:
        return None
    engine = engine_of()
    try:
        return Running(store, engine, plan, day, progress).carry_out()
    finally:
        engine.close()
