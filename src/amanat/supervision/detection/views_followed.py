"""How far what follows accepted returns is behind them: to the authorities and the operator."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.supervision.detection import following as scores
from amanat.supervision.detection.commands import FollowedAsked, ReturnFollowedAsked
from amanat.supervision.detection.ordering import unscored
from amanat.supervision.detection.records import live_digest
from amanat.supervision.identities.model import AUDITOR, FIU, SUPERVISES
from amanat.supervision.monitoring import asked as backtests
from amanat.supervision.monitoring import following as monitoring
from amanat.supervision.monitoring.tables import alert, run
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening import following as screening
from amanat.supervision.screening.running import written_versions
from amanat.supervision.screening.sources import behind_of_return

OPERATOR = "operator"


@view("returns_followed")
def returns_followed(query: FollowedAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What still waits after accepted returns, stage by stage: how much, and since when.

    Persons of returns that are not in the vault yet, customers who wait for screening, returns that
    no run of monitoring has read, alerts that the live model has not scored, back-tests that were
    asked for.  `failed` says that the last run of monitoring was refused.
    """
    del query
    if not context.sees(SUPERVISES, FIU, AUDITOR, OPERATOR):
        return []  # as of nothing: that others report is theirs to know
    connection, programme = context.connection, context.programme
    unsettled = connection.execute(
        sql.select(sql.func.count(), sql.func.min(manifest.c.received_at)).where(
            manifest.c.programme == programme, manifest.c.settled_at.is_(None)
        )
    ).one()
    unread = monitoring.waiting(connection, programme)
    last = connection.execute(
        sql.select(run.c.state)
        .where(run.c.programme == programme)
        .order_by(run.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    found = (
        ("vault", unsettled[0], unsettled[1], False),
        ("screening", *screening.waiting(connection, programme), False),
        ("monitoring", unread.returns, unread.since, last == "failed"),
        ("scores", *scores.waiting(connection, programme), False),
        ("backtests", *backtests.waiting(connection, programme), False),
    )
    return [
        {"stage": stage, "waiting": count, "waiting_since": since, "failed": failed}
        for stage, count, since, failed in found
    ]


@view("return_followed")
def return_followed(query: ReturnFollowedAsked, context: ViewContext) -> list[dict[str, Any]]:
    """How far one accepted return was followed, stage by stage, to the supervisor alone.

    `in_all` is how many persons of whom it says something new, transactions, and open alerts of its
    days that rest on the exchange; `waiting` how many of them are still to be looked at, none of
    alerts where no model is live.
    """
    connection, programme = context.connection, context.programme
    row = connection.execute(
        sql.select(manifest).where(
            manifest.c.programme == programme, manifest.c.id == query.accepted
        )
    ).one_or_none()
    if row is None or not context.sees(SUPERVISES):
        return []
    persons, behind = behind_of_return(
        connection, programme, written_versions(connection, programme), row
    )
    read = monitoring.last_run_of(connection, programme, row.id)
    alerts = sql.and_(
        alert.c.programme == programme,
        alert.c.state == "open",
        alert.c.day.between(row.first_day, row.last_day),
        # Codes have no quotes in them: a JSON list holds one where its text does.
        sql.cast(alert.c.exchanges, sql.Text).contains(f'"{row.exchange}"'),
    )
    found = _count(context, alerts)
    model = live_digest(connection, programme)
    unjudged = None if model is None else _count(context, alerts & unscored(programme, model))
    of_day = (
        ("vault", persons, persons if row.settled_at is None else 0, row.settled_at),
        ("screening", persons, behind, None),
        ("monitoring", row.rows, 0 if read or not row.rows else row.rows, read and read.ended_at),
        ("scores", found, unjudged, None),
    )
    return [
        {
            "stage": stage,
            "measured_in": _MEASURED_IN[stage],
            "in_all": count,
            "waiting": waits,
            "done_at": at,
            "monitoring_run": read.id if read and stage == "monitoring" else None,
        }
        for stage, count, waits, at in of_day
    ]


_MEASURED_IN = {
    "vault": "new_persons",
    "screening": "new_persons",
    "monitoring": "transactions",
    "scores": "open_alerts",
}


def _count(context: ViewContext, wanted: sql.ColumnElement[bool]) -> int:
    query = sql.select(sql.func.count()).select_from(alert).where(wanted)
    return int(context.connection.execute(query).scalar_one())
