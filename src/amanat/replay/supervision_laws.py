"""What the supervision of a pilot must keep: small named laws, all of them asked."""

from __future__ import annotations

from collections.abc import Iterator

from amanat.core.errors import Refusal
from amanat.replay.model import Pilot


def findings(pilot: Pilot) -> Iterator[Refusal]:
    """Everything that is wrong with the supervision of a pilot."""
    del pilot
    yield from ()
