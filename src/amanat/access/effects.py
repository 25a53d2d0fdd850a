"""What an act will do, said before anyone signs it: computed from the state as it is.

A room writes, in its `effects.py`,

    @effects(SetLevel)
    def accounts_of_level(command: SetLevel, seen: Seen) -> Iterator[Message]:
        \"\"\"How many accounts change with their participant.\"\"\"

and a later room may add what the same act does to its own things: instructions, bids, payments.
They are computed when the act is proposed, stored with the proposal, part of the digest that its
approvers sign, and computed again whenever it is looked at while it is open; where the two differ,
both are shown.  An effect is a message with typed arguments, so that it is read in any language and
checked against what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from amanat.core.errors import Refusal, Refusals
from amanat.core.messages import Face, Message, Word
from amanat.core.money import Money

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from amanat.access.acts import Command
    from amanat.ledger.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Seen:
    """The state from which effects are computed; `institution` is that of whoever proposes."""

    connection: Connection
    programme: str
    business_date: date
    institution: str
    ledger: Gateway


Announces = Callable[[Any, Seen], Iterable[Message]]
A = TypeVar("A", bound=Announces)

EFFECTS: dict[str, list[Announces]] = {}
"""By the name of the act, in the order of the rooms."""


def effects(*commands: type[Command]) -> Callable[[A], A]:
    """Declare what acts do; each room for its own things."""

    def declare(announces: A) -> A:
        for command in commands:
            EFFECTS.setdefault(command.__name__, []).append(announces)
        return announces

    return declare


def effects_of(command: Command, seen: Seen) -> tuple[Message, ...]:
    """All that an act would do now, in the order of the rooms; empty where none is declared.

    Refuses what the rooms refuse of the things that the command names.
    """
    found: list[Message] = []
    for announces in EFFECTS.get(type(command).__name__, ()):
        found.extend(announces(command, seen))
    return tuple(found)


def effects_now(command: Command, seen: Seen) -> dict[str, Any]:
    """As `effects_of`, as JSON; or the messages of why the act would be refused now."""
    try:
        return {"effects": as_json(effects_of(command, seen)), "refused": None}
    except Refusals as error:
        return {"effects": None, "refused": as_json([_plain(one) for one in error.refusals])}
    except Refusal as error:
        return {"effects": None, "refused": as_json([_plain(error)])}


def _plain(refusal: Refusal) -> Message:
    """A refusal's message with arguments that JSON can carry."""
    said = refusal.said
    fields = {
        name: value if isinstance(value, _TYPED) else str(value)
        for name, value in said.fields.items()
    }
    return Message.stated(str(said), said.template, fields)


def refusal_json(refusal: Refusal) -> dict[str, Any]:
    """Why something would be refused, as JSON that `from_json` reads."""
    return _message_json(_plain(refusal))


def as_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages with their English text, keys and typed arguments, as JSON of strings."""
    return [_message_json(one) for one in messages]


def from_json(stated: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The messages that `as_json` wrote."""
    return tuple(_message(one) for one in stated)


def _message_json(message: Message) -> dict[str, Any]:
    arguments = {name: _typed(value) for name, value in message.fields.items()}
    return {"text": str(message), "key": message.template, "arguments": arguments}


def _message(stated: Mapping[str, Any]) -> Message:
    arguments = {name: _read(value) for name, value in stated["arguments"].items()}
    return Message.stated(stated["text"], stated["key"], arguments)


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, Message):
        return {"type": "message", "value": _message_json(value)}
    if isinstance(value, Money):
        return {"type": "money", "value": str(value.minor), "currency": value.currency}
    if isinstance(value, Face):
        return {"type": "face", "value": str(value.units), "currency": value.currency}
    for kind, name in _NAMES:
        if isinstance(value, kind):
            text = value.isoformat() if isinstance(value, date) else str(value)
            return {"type": name, "value": text}
    raise TypeError(f"an effect has no argument of type {type(value).__name__}")


def _read(stated: Mapping[str, Any]) -> Any:
    value = stated["value"]
    match stated["type"]:
        case "message":
            return _message(value)
        case "money":
            return Money(int(value), stated["currency"])
        case "face":
            return Face(int(value), stated["currency"])
        case kind:
            return _READERS[kind](value)


# The first that fits: a datetime is a date, and a word is a text.
_NAMES: tuple[tuple[type, str], ...] = (
    (datetime, "time"),
    (date, "day"),
    (int, "count"),
    (Decimal, "figure"),
    (Word, "word"),
    (str, "text"),
)
_TYPED = (Money, Face, *(kind for kind, _name in _NAMES))
_READERS: Mapping[str, Callable[[str], Any]] = {
    "time": datetime.fromisoformat,
    "day": date.fromisoformat,
    "count": int,
    "figure": Decimal,
    "word": Word,
    "text": str,
}
