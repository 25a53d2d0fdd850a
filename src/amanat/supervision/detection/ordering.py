"""Scores the open alerts of an installation by its live model: what orders the queue.

    files in force of the model's window -> features -> scores of the alerts' movements -> rows

An alert's score is the highest of its movements'.  An alert without a movement between accounts
has none and keeps its place by its scenario's own score.  No alert is changed, closed or left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork
from amanat.supervision.detection.events import ALERTS_SCORED
from amanat.supervision.detection.features import MEMORY_LIMIT, Features
from amanat.supervision.detection.model import NoLiveModel
from amanat.supervision.detection.records import live_model, rank_alerts
from amanat.supervision.detection.tables import alert_score
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.returns.manifest import files_in_force

if TYPE_CHECKING:
    from amanat.supervision.detection.scoring import DetectionModel, Moved

_AT_ONCE = 1_000
_OPEN = ("open", "shadow")
_FRESH_DAYS = 7
"""Days of alerts that are scored together where only those without a score are."""


@dataclass(frozen=True, slots=True)
class Best:
    """The movement of an alert that has the highest score, and why."""

    score: float
    movement: int
    reasons: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Ordered:
    """How many alerts were looked at, and how many of them have a score."""

    model: str
    until: date
    alerts: int
    scored: int


def score_alerts(
    store: Store,
    data_dir: Path,
    programme: str,
    until: date,
    business_date: date,
    memory_limit: str = MEMORY_LIMIT,
    *,
    fresh: bool = False,
) -> Ordered:
    """Score all open alerts up to a day.  Refuses `NoLiveModel`.

    Doing it again replaces this model's scores and changes nothing else.  `fresh`: only those of
    the last seven days that this model has not scored.
    """
    with store.reading() as connection:
        model = live_model(connection, programme)
        if model is None:
            raise NoLiveModel(programme=programme)
        wanted_only = unscored(programme, model.digest) if fresh else sql.true()
        alerts = dict(_open_alerts(connection, programme, until, wanted_only, fresh=fresh))
        first = until - timedelta(days=int(model.trained["window_days"]) - 1)
        files = files_in_force(connection, programme, first, until)
    best: dict[int, Best] = {}
    if any(alerts.values()) and files:
        paths = [one.at(data_dir) for one in files]
        best = _scored(model, paths, (first, until), list(alerts.values()), memory_limit)
    by = Provenance(programme, "installation", "operator", "operator", "detection", business_date)
    names = list(alerts)
    now = store.clock().isoformat()
    for begin in range(0, len(names), _AT_ONCE):
        part = names[begin : begin + _AT_ONCE]
        with store.work(by) as uow:
            _write(
                uow, programme, model.digest, {one: alerts[one] for one in part}, best, until, now
            )
            uow.commit()
    with store.work(by) as uow:
        uow.journal.append(
            ALERTS_SCORED,
            {"digest": model.digest, "until": until.isoformat()},
            subject=f"detection:{model.digest}",
        )
        uow.commit()
    found = sum(any(one in best for one in ids) for ids in alerts.values())
    return Ordered(model.digest, until, len(alerts), found)


def unscored(programme: str, model: str) -> sql.ColumnElement[bool]:
    """That an alert is open and a model has not scored it."""
    scored = sql.select(alert_score.c.alert).where(
        alert_score.c.programme == alert.c.programme,
        alert_score.c.alert == alert.c.id,
        alert_score.c.model == model,
    )
    return sql.and_(alert.c.programme == programme, alert.c.state.in_(_OPEN), ~sql.exists(scored))


def _open_alerts(
    connection: Connection,
    programme: str,
    until: date,
    also: sql.ColumnElement[bool],
    *,
    fresh: bool,
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Open alerts up to a day with the ids of their transactions."""
    first = until - timedelta(days=_FRESH_DAYS - 1) if fresh else date.min
    query = sql.select(alert.c.id, alert.c.transactions).where(
        alert.c.programme == programme,
        alert.c.state.in_(_OPEN),
        alert.c.day <= until.isoformat(),
        alert.c.day >= first.isoformat(),
        also,
    )
    for row in connection.execute(query.order_by(alert.c.id)):
        yield row.id, tuple(int(one) for one in row.transactions)


def _scored(
    model: DetectionModel,
    paths: Sequence[Path],
    days: tuple[date, date],
    alerts: Sequence[Sequence[int]],
    memory_limit: str,
) -> dict[int, Best]:
    """Score of the alerts' movements that lie in the days; reasons of each alert's highest alone.

    What moved a score takes a hundred times as long to tell as the score itself.
    """
    scores: dict[int, float] = {}
    reasons: dict[int, tuple[Moved, ...]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="amanat-detection-") as folder,
        Features(paths, Path(folder), memory_limit) as features,
    ):
        features.prepare(days[0].isoformat(), days[1].isoformat())
        features.lend(model.likenesses(features))
        _want(features, {one for ids in alerts for one in ids})
        for ids, rows in features.measures(_WANTED):
            scores |= zip(ids.tolist(), model.scores(rows).tolist(), strict=True)
        tops = (highest(ids, scores) for ids in alerts)
        _want(features, {one for one in tops if one is not None})
        for ids, rows in features.measures(_WANTED):
            reasons |= zip(ids.tolist(), map(tuple, model.reasons(rows)), strict=True)
    return {key: Best(score, key, reasons.get(key, ())) for key, score in scores.items()}


_WANTED = "id IN (SELECT id FROM wanted)"


def _want(features: Features, ids: Iterable[int]) -> None:
    features.want(pa.table({"id": pa.array(sorted(ids), pa.int64())}))


def highest(ids: Iterable[int], scores: Mapping[int, float]) -> int | None:
    """The movement with the highest score, of equal ones the smallest id; None: none has one."""
    return max(
        (one for one in ids if one in scores), key=lambda one: (scores[one], -one), default=None
    )


def _write(
    uow: UnitOfWork,
    programme: str,
    digest: str,
    alerts: dict[str, tuple[int, ...]],
    best: dict[int, Best],
    until: date,
    now: str,
) -> None:
    """Replace this model's rows of these alerts."""
    connection = uow.connection
    connection.execute(
        alert_score.delete().where(
            alert_score.c.programme == programme,
            alert_score.c.model == digest,
            alert_score.c.alert.in_(list(alerts)),
        )
    )
    rows: list[dict[str, Any]] = []
    scores = {one: best[one].score for ids in alerts.values() for one in ids if one in best}
    for name, ids in alerts.items():
        movement = highest(ids, scores)
        top = None if movement is None else best[movement]
        rows.append(
            {
                "programme": programme,
                "alert": name,
                "model": digest,
                "score": None if top is None else f"{top.score:.4f}",
                "movement": None if top is None else top.movement,
                "movements": sum(one in scores for one in ids),
                "reasons": [] if top is None else [stated(one) for one in top.reasons],
                "until": until.isoformat(),
                "scored_at": now,
            }
        )
    connection.execute(alert_score.insert(), rows)
    rank_alerts(connection, programme, alert.c.id.in_(list(alerts)))


def stated(moved: Moved) -> dict[str, str | None]:
    """A reason as it is kept: figures as decimal strings."""
    return {
        "measure": moved.code,
        "value": None if moved.value is None else f"{moved.value:.6g}",
        "effect": f"{moved.effect:.4f}",
    }
