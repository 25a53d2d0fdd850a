"""What putting a model live or out of use will do, said before the second person."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message
from amanat.supervision.detection.commands import PutModelLive, RetireModel
from amanat.supervision.detection.records import find_model, live_row


@effects(PutModelLive)
def model_put_live(command: PutModelLive, seen: Seen) -> Iterator[Message]:
    """What it is worth, and which one it takes the place of."""
    row = find_model(seen.connection, seen.programme, command.digest)
    if row is not None:
        figures = row.trained["figures"]
        yield Message(
            "On {confirmed} confirmed movements after its training it has an average precision of"
            " {precision} and finds a share of {recall} at its threshold",
            confirmed=int(figures["confirmed"]),
            precision=Decimal(str(figures["average_precision"])),
            recall=Decimal(str(figures["recall"])),
        )
    before = live_row(seen.connection, seen.programme)
    if before is not None:
        yield Message("Model {model} is retired", model=before.digest[:12])
    yield Message("The queue of alerts takes its order; no alert leaves the queue")


@effects(RetireModel)
def model_retired(command: RetireModel, seen: Seen) -> Iterator[Message]:
    """What orders the queue then."""
    del command, seen
    yield Message("The scenarios' own scores order the queue; no alert leaves the queue")
