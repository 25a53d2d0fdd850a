"""A trained model goes live, or out of use, with a second person; nothing trains itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import NotFound
from amanat.participants.acts_people import second_person
from amanat.supervision.detection.commands import PutModelLive, RetireModel
from amanat.supervision.detection.events import MODEL_MOVED
from amanat.supervision.detection.model import SUPERVISES, AlreadyLive, NotLive
from amanat.supervision.detection.records import (
    LIVE,
    RETIRED,
    find_model,
    live_row,
    rank_alerts,
    require_unaltered,
)
from amanat.supervision.detection.tables import detection_model


def _ask_live(command: PutModelLive, context: ActContext) -> Ask:
    """A second person of the supervisor."""
    _check_live(command, context)
    return second_person(context, f"detection:{command.digest}")


@act(capacities=[SUPERVISES], approvals=_ask_live, confidential=True)
def put_model_live(command: PutModelLive, context: ActContext) -> Result:
    """Put a model live and retire the one before.

    Refuses, in order: `NotFound`, `AlreadyLive`, and `NotAModel` or `OtherDigest` where its
    content was altered.
    """
    _check_live(command, context)
    before = live_row(context.uow.connection, context.programme)
    if before is not None:
        _move(context, before.digest, RETIRED, command.reason)
    entry = _move(context, command.digest, LIVE, command.reason)
    return {"model": command.digest, "state": LIVE, "entry": entry}


def _check_live(command: PutModelLive, context: ActContext) -> None:
    row = _row(context, command.digest)
    if row.state == LIVE:
        raise AlreadyLive(digest=command.digest)
    require_unaltered(row)


def _ask_retiring(command: RetireModel, context: ActContext) -> Ask:
    """A second person of the supervisor."""
    _check_retiring(command, context)
    return second_person(context, f"detection:{command.digest}")


@act(capacities=[SUPERVISES], approvals=_ask_retiring, confidential=True)
def retire_model(command: RetireModel, context: ActContext) -> Result:
    """Take the live model out of use.  Refuses, in order: `NotFound`, `NotLive`."""
    _check_retiring(command, context)
    entry = _move(context, command.digest, RETIRED, command.reason)
    return {"model": command.digest, "state": RETIRED, "entry": entry}


def _check_retiring(command: RetireModel, context: ActContext) -> None:
    row = _row(context, command.digest)
    if row.state != LIVE:
        raise NotLive(digest=command.digest, state=row.state)


def _row(context: ActContext, digest: str) -> Row[Any]:
    row = find_model(context.uow.connection, context.programme, digest)
    if row is None:
        raise NotFound(thing="model", value=digest)
    return row


def _move(context: ActContext, digest: str, state: str, reason: str) -> str:
    """Write a model's new state beside its entry in the journal."""
    entry = context.uow.journal.append(
        MODEL_MOVED,
        {"digest": digest, "state": state, "reason": reason},
        subject=f"detection:{digest}",
    )
    since = "live_from" if state == LIVE else "retired_from"
    context.uow.connection.execute(
        detection_model.update()
        .where(detection_model.c.programme == context.programme, detection_model.c.digest == digest)
        .values(
            {
                "state": state,
                "reason": reason,
                "entry": entry,
                since: context.business_date.isoformat(),
            }
        )
    )
    rank_alerts(context.uow.connection, context.programme)
    return entry
