"""What the desks of supervision do: returns, lists, hits, freezes, monitoring, cases, reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from amanat.replay.acting.returning import send
from amanat.replay.performing import Performer
from amanat.replay.plan import Step
from amanat.replay.supervision_model import Does, Event

Take = Callable[[Performer, Step, Event], None]


def happen(performer: Performer, step: Step) -> None:
    """Let one event of a pilot's supervision happen."""
    event: Event = step.about
    TAKES[event.does](performer, step, event)


TAKES: Mapping[Does, Take] = {
    Does.SEND: send,
}
