"""Holdings and holds: what an account has, and what of it may move.

Nominal is an integer of units (1 unit = 1 rupee of face).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid

_HASH = re.compile(r"[0-9a-f]{64}")
REASON_LENGTH_MAX = 200


class HoldState(StrEnum):
    """The life of a hold.

    What withdraws binds here from `requested`, what grants takes effect at `released`.
    """

    REQUESTED = "requested"
    HELD = "held"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUSED = "refused"


BINDING = frozenset({HoldState.REQUESTED, HoldState.HELD, HoldState.RELEASING})
"""States in which a hold binds."""


class MovementKind(StrEnum):
    """Why a quorum moves a holding without its holder."""

    FORCED = "forced"
    """By order of a court or authority, to the account that the order names."""
    REREGISTRATION = "reregistration"
    """The holder's key is lost: the holding goes to the same holder's new account."""


class InvalidOrder(Invalid):
    """An order names its paper by SHA-256 and gives a reason in words."""

    template: ClassVar[str] = "{reason}."


@dataclass(frozen=True, slots=True)
class Hold:
    """A freeze in force: of a whole account, of one holding, or of part of it.

    Without `isin` nothing of the account moves; without `nominal` nothing of the holding does.
    """

    isin: str | None
    nominal: int | None


@dataclass(frozen=True, slots=True)
class Holding:
    """What an account has of one security, and how much of it is held."""

    isin: str
    nominal: int
    held: int

    @property
    def free(self) -> int:
        """Units that may move."""
        return self.nominal - self.held


def held_of(isin: str, nominal: int, holds: Iterable[Hold]) -> int:
    """Units of `nominal` that `holds` keep in place: partial ones add up, at most the whole."""
    held = 0
    for hold in holds:
        if hold.isin is None or (hold.isin == isin and hold.nominal is None):
            return nominal
        if hold.isin == isin and hold.nominal is not None:
            held += hold.nominal
    return min(held, nominal)


def check_order(order_hash: str, reason: str) -> None:
    """Refuse `InvalidOrder`: a hash that is not 64 lower-case hex digits, or no reason."""
    if not _HASH.fullmatch(order_hash):
        raise InvalidOrder(reason="the order's hash is not 64 hexadecimal digits of a SHA-256")
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        raise InvalidOrder(reason=f"a reason has 1 to {REASON_LENGTH_MAX} characters")
