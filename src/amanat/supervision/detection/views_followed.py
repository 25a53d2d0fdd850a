"""How far what follows accepted returns is behind them: to the authorities and the operator."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.supervision.detection import following as scores
from amanat.supervision.detection.commands import FollowedAsked
from amanat.supervision.identities.model import AUDITOR, FIU, SUPERVISES
from amanat.supervision.monitoring import asked as backtests
from amanat.supervision.monitoring import following as monitoring
from amanat.supervision.monitoring.tables import run
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening import following as screening

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
