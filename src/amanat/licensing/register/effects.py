"""What publishing or withdrawing a warning will do, said before it is approved."""

from __future__ import annotations

from collections.abc import Iterator

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message
from amanat.licensing.register.commands import PublishWarning, WithdrawWarning


@effects(PublishWarning)
def warning_published(command: PublishWarning, seen: Seen) -> Iterator[Message]:
    """Who is named, and where everybody reads it."""
    del seen
    yield Message(
        "Everybody is warned of {name}, on the register and in its feed", name=command.name
    )
    yield Message("It can be withdrawn, and stays in the register's history")


@effects(WithdrawWarning)
def warning_withdrawn(command: WithdrawWarning, seen: Seen) -> Iterator[Message]:
    """What no longer stands."""
    yield Message(
        "Warning {warning} is shown as withdrawn from {day} on",
        warning=command.warning,
        day=seen.business_date,
    )
