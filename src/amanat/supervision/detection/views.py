"""The queue of alerts in its order, why an alert stands where it does, and the models kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.supervision.detection.commands import ModelsAsked, QueueAsked, ScoreAsked
from amanat.supervision.detection.measures import WORDS
from amanat.supervision.detection.records import live_digest, require_supervisor
from amanat.supervision.detection.tables import alert_score, detection_model
from amanat.supervision.monitoring.tables import alert


@view("alert_queue")
def alert_queue(query: QueueAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Every open alert, the highest score first; without one, by its scenario's own score.

    Of equal ones the oldest first.  `after` is the alert after which a page goes on.  Refuses
    `NotFound`: no desk, or no such alert.
    """
    require_supervisor(context)
    wanted = [alert.c.programme == context.programme, alert.c.state == "open"]
    if query.scenario is not None:
        wanted.append(alert.c.scenario == query.scenario)
    if query.exchange is not None:
        # Codes have no quotes in them: a JSON list holds one where its text does.
        wanted.append(sql.cast(alert.c.exchanges, sql.Text).contains(f'"{query.exchange}"'))
    if query.age_days_min is not None:
        until = context.business_date - timedelta(query.age_days_min)
        wanted.append(alert.c.day <= until.isoformat())
    before = query.offset
    if query.after is not None:
        before += _places_to(context, query.after, wanted)
    return [
        {
            "place": place,
            "alert": row.id,
            "scenario": row.scenario,
            "subject": row.subject,
            "exchanges": row.exchanges,
            "day": row.day,
            "age_days": (context.business_date - date.fromisoformat(row.day)).days,
            "learned_score": row.learned,
            "scenario_score": row.score,
            "reason": _first(row),
        }
        for place, row in enumerate(_queued(context, wanted, query), before + 1)
    ]


_PLACE = sql.tuple_(alert.c.rank, alert.c.day, alert.c.id)


def _places_to(context: ViewContext, last: str, wanted: list[sql.ColumnElement[bool]]) -> int:
    """How many alerts stand up to one, which `wanted` then leaves out."""
    found = context.connection.execute(
        sql.select(alert.c.rank, alert.c.day, alert.c.id).where(
            alert.c.programme == context.programme, alert.c.id == last
        )
    ).one_or_none()
    if found is None:
        raise NotFound(thing="alert", value=last)
    place = sql.tuple_(*(sql.literal(one) for one in found))
    counted = context.connection.execute(
        sql.select(sql.func.count()).select_from(alert).where(*wanted, place >= _PLACE)
    ).scalar_one()
    wanted.append(place < _PLACE)
    return counted


def _queued(
    context: ViewContext, wanted: Sequence[sql.ColumnElement[bool]], query: QueueAsked
) -> Sequence[Row[Any]]:
    """The page's alerts; an index alone says which they are, however far down the queue."""
    order = (alert.c.rank, alert.c.day, alert.c.id)
    page = (
        sql.select(alert.c.id)
        .where(*wanted)
        .order_by(*order)
        .offset(query.offset)
        .limit(query.limit)
        .subquery()
    )
    judged = sql.and_(
        alert_score.c.programme == alert.c.programme,
        alert_score.c.alert == alert.c.id,
        alert_score.c.model == (live_digest(context.connection, context.programme) or ""),
    )
    shown: list[Any] = [
        *(alert.c[name] for name in ("id", "scenario", "subject", "exchanges", "day", "score")),
        alert_score.c.score.label("learned"),
        alert_score.c.reasons,
    ]
    return context.connection.execute(
        sql.select(*shown)
        .join_from(alert, page, page.c.id == alert.c.id)
        .join(alert_score, judged, isouter=True)
        .where(alert.c.programme == context.programme)
        .order_by(*order)
    ).all()


def _first(row: Row[Any]) -> Message | None:
    reasons = row.reasons or []
    return told(reasons[0]) if reasons else None


@view("alert_score")
def alert_score_shown(query: ScoreAsked, context: ViewContext) -> dict[str, Any]:
    """An alert's score by each model that judged it, with the measures that moved it most.

    Refuses `NotFound`: no desk, or no such alert.
    """
    require_supervisor(context)
    known = context.connection.execute(
        sql.select(alert.c.id, alert.c.score).where(
            alert.c.programme == context.programme, alert.c.id == query.alert
        )
    ).one_or_none()
    if known is None:
        raise NotFound(thing="alert", value=query.alert)
    rows = context.connection.execute(
        sql.select(alert_score, detection_model.c.state)
        .join(
            detection_model,
            (detection_model.c.programme == alert_score.c.programme)
            & (detection_model.c.digest == alert_score.c.model),
        )
        .where(alert_score.c.programme == context.programme, alert_score.c.alert == query.alert)
        .order_by(detection_model.c.live_from.desc(), alert_score.c.model)
    )
    return {
        "alert": query.alert,
        "scenario_score": known.score,
        "scores": [
            {
                "model": row.model,
                "state": row.state,
                "score": row.score,
                "transaction": None if row.movement is None else str(row.movement),
                "movements": row.movements,
                "until": row.until,
                "reasons": [told(one) for one in row.reasons],
                "contributions": [
                    {
                        "measure": WORDS[one["measure"]],
                        "value": one["value"],
                        "effect": one["effect"],
                    }
                    for one in row.reasons
                ],
            }
            for row in rows
        ],
    }


def told(reason: Mapping[str, Any]) -> Message:
    """A kept reason in words."""
    measure = WORDS[reason["measure"]]
    if reason["value"] is None:
        if Decimal(reason["effect"]) > 0:
            return Message("{measure}: none; raises the score", measure=measure)
        return Message("{measure}: none; lowers the score", measure=measure)
    value = Decimal(reason["value"])
    if Decimal(reason["effect"]) > 0:
        return Message("{measure}: {value}; raises the score", measure=measure, value=value)
    return Message("{measure}: {value}; lowers the score", measure=measure, value=value)


@view("detection_models")
def detection_models(query: ModelsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Trained models, newest first, with what each was worth after its training.

    Refuses `NotFound`: no desk.
    """
    del query
    require_supervisor(context)
    rows = context.connection.execute(
        sql.select(detection_model)
        .where(detection_model.c.programme == context.programme)
        .order_by(detection_model.c.kept_at.desc(), detection_model.c.digest)
    )
    return [
        {
            "model": row.digest,
            "state": row.state,
            "trained_before": row.trained["train_before"],
            "confirmed": row.trained["figures"]["confirmed"],
            "average_precision": str(row.trained["figures"]["average_precision"]),
            "f1": str(row.trained["figures"]["f1"]),
            "live_from": row.live_from,
            "retired_from": row.retired_from,
            "reason": row.reason,
        }
        for row in rows
    ]
