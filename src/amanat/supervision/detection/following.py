"""Scores alerts that the live model has not scored, by itself, a week of them at a time."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.store.uow import Store
from amanat.supervision.detection.ordering import Ordered, score_alerts, unscored
from amanat.supervision.detection.records import live_row
from amanat.supervision.monitoring.tables import alert, run


def mark(connection: Connection, programme: str) -> tuple[str, ...]:
    """Changes whenever alerts may wait: another run, another live model."""
    row = live_row(connection, programme)
    last = connection.execute(
        sql.select(sql.func.max(run.c.ended_at), sql.func.count()).where(
            run.c.programme == programme
        )
    ).one()
    return (row.digest if row is not None else "", *(str(one) for one in last))


def waiting(connection: Connection, programme: str) -> tuple[int, str | None]:
    """How many open alerts the live model has not scored, and when the first was found."""
    row = live_row(connection, programme)
    if row is None:
        return 0, None
    found = connection.execute(
        sql.select(sql.func.count(), sql.func.min(alert.c.found_at)).where(
            unscored(programme, row.digest)
        )
    ).one()
    return int(found[0]), found[1]


def score_waiting(store: Store, data_dir: Path, programme: str, day: date) -> Ordered | None:
    """Score the latest week of what waits; None where no model is live or nothing waits."""
    with store.reading() as connection:
        row = live_row(connection, programme)
        if row is None:
            return None
        last = connection.execute(
            sql.select(sql.func.max(alert.c.day)).where(unscored(programme, row.digest))
        ).scalar_one_or_none()
    if last is None:
        return None
    until = date.fromisoformat(last)
    return score_alerts(store, data_dir, programme, until, day, fresh=True)
