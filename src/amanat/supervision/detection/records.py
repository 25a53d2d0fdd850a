"""Models and scores as they are kept."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, ViewContext
from amanat.core.errors import NotFound
from amanat.store.uow import UnitOfWork
from amanat.supervision.detection.events import MODEL_KEPT
from amanat.supervision.detection.model import SUPERVISES, NotAModel, OtherDigest
from amanat.supervision.detection.tables import alert_score, detection_model
from amanat.supervision.monitoring.model import RANK_MAX
from amanat.supervision.monitoring.tables import alert

if TYPE_CHECKING:
    from amanat.supervision.detection.scoring import DetectionModel

# LightGBM is imported when a model scores, so that help is there at once.

KEPT, LIVE, RETIRED = "kept", "live", "retired"


def require_supervisor(context: ViewContext | ActContext) -> None:
    """Refuse `NotFound` to all but the supervisor: what is alerted is secret to all others."""
    actor = context.actor
    if actor is None or SUPERVISES not in actor.capacities:
        raise NotFound(thing="desk", value=actor.institution if actor else "for the public")


def keep_model(uow: UnitOfWork, programme: str, model: DetectionModel) -> bool:
    """Keep a trained model, not yet live; whether it was new here."""
    known = find_model(uow.connection, programme, model.digest)
    if known is not None:
        return False
    entry = uow.journal.append(
        MODEL_KEPT, {"digest": model.digest}, subject=f"detection:{model.digest}"
    )
    uow.connection.execute(
        detection_model.insert().values(
            programme=programme,
            digest=model.digest,
            state=KEPT,
            content=gzip.compress(model.content(), mtime=0),
            trained=dict(model.trained),
            kept_at=uow.store.clock().isoformat(),
            reason="",
            entry=entry,
        )
    )
    return True


def find_model(connection: Connection, programme: str, digest: str) -> Row[Any] | None:
    """A kept model's row."""
    return connection.execute(
        sql.select(detection_model).where(
            detection_model.c.programme == programme, detection_model.c.digest == digest
        )
    ).one_or_none()


def live_row(connection: Connection, programme: str) -> Row[Any] | None:
    """The row of the model that orders the queue, if one does."""
    return connection.execute(
        sql.select(detection_model).where(
            detection_model.c.programme == programme, detection_model.c.state == LIVE
        )
    ).one_or_none()


def live_digest(connection: Connection, programme: str) -> str | None:
    """The digest of the model that orders the queue, without its content."""
    return connection.execute(
        sql.select(detection_model.c.digest).where(
            detection_model.c.programme == programme, detection_model.c.state == LIVE
        )
    ).scalar_one_or_none()


def rank_alerts(connection: Connection, programme: str, *only: sql.ColumnElement[bool]) -> None:
    """Put alerts at the place in the queue that the live model's score gives them.

    Without such a score an alert stands by its scenario's own.
    """
    learned = (
        sql.select(alert_score.c.score)
        .join(
            detection_model,
            (detection_model.c.programme == alert_score.c.programme)
            & (detection_model.c.digest == alert_score.c.model),
        )
        .where(
            detection_model.c.state == LIVE,
            alert_score.c.programme == alert.c.programme,
            alert_score.c.alert == alert.c.id,
        )
        .scalar_subquery()
    )
    score = sql.cast(sql.func.coalesce(learned, alert.c.score), sql.Numeric(6, 4))
    rank = RANK_MAX - sql.cast(sql.func.round(score * RANK_MAX), sql.Integer)
    connection.execute(
        sql.update(alert)
        .where(alert.c.programme == programme, alert.c.rank != rank, *only)
        .values(rank=rank)
    )


def require_unaltered(row: Row[Any]) -> None:
    """Refuse `NotAModel` or `OtherDigest` where a kept model is not what was trained."""
    try:
        content = gzip.decompress(row.content)
    except (OSError, EOFError, zlib.error):
        raise NotAModel(file=row.digest) from None
    found = hashlib.sha256(content).hexdigest()
    if found != row.digest:
        raise OtherDigest(digest=row.digest, found=found)


def live_model(connection: Connection, programme: str) -> DetectionModel | None:
    """The model that orders the queue.  Refuses `OtherDigest` where its content was altered."""
    from amanat.supervision.detection.scoring import model_of

    row = live_row(connection, programme)
    return None if row is None else model_of(row.content, row.digest, row.digest)
