"""How a replay acts and looks as a desk: by the same acts and views as that desk's people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amanat.replay.acting.returning import supervision_of
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.supervision_model import Does, Event

Fields = Callable[[], dict[str, Any]]
_OF_FIU = frozenset({Does.RECEIVE, Does.ASK, Does.DISSEMINATE})


def act(
    performer: Performer, key: str, name: str, institution: str, fields: Fields
) -> dict[str, Any]:
    """Perform an act; what it says is composed only where it was not submitted before."""
    known = performer.former(key, institution) is not None
    return performer.perform(key, name, {} if known else fields(), institution=institution)


def seen(performer: Performer, institution: str, name: str, **asked: Any) -> Any:
    """What a view shows the person who proposes for an institution."""
    actor = performer.actor(performer.pilot.institutions[institution].proposes)
    return performer.application.desk.view(actor, performer.programme, name, asked)


def of_earlier(
    performer: Performer, event: Event, does: Does, name: str, **said: str
) -> dict[str, Any]:
    """What came of the last event of a kind before this one; `name` is the act that it was."""
    supervision = supervision_of(performer)
    found = supervision.before(event, does, **said)
    if found is None:
        raise ReplayStopped(f"event {event.code} rests on none that is {does}")
    who = found.said.get("exchange", "")
    if does in _OF_FIU:
        who = supervision.fiu
    return performer.perform(key_of(found), name, {}, institution=who or supervision.supervisor)


def key_of(event: Event) -> str:
    """The key of an event's step, as the plan gives it."""
    return f"supervision/{event.code}/{event.does}"
