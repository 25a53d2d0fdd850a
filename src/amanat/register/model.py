"""Holdings and holds: what an account has, and what of it may move.

Nominal is an integer of units (1 unit = 1 rupee of face).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message

_HASH = re.compile(r"[0-9a-f]{64}")
REASON_LENGTH_MAX = 200


class HoldState(StrEnum):
    """The life of a hold.

    What withdraws binds here from `requested`, what grants takes effect at `released`.  A freeze
    that the ledger refused binds here until it is released.
    """

    REQUESTED = "requested"
    HELD = "held"
    RELEASING = "releasing"
    RELEASED = "released"
    REFUSED = "refused"


PLEDGE_BINDING = frozenset({HoldState.REQUESTED, HoldState.HELD, HoldState.RELEASING})
"""States in which what a holder set aside binds."""
BINDING = PLEDGE_BINDING | {HoldState.REFUSED}
"""States in which a hold by order binds here: also where the ledger did not take it."""
RELEASABLE = frozenset({HoldState.HELD, HoldState.REFUSED})
"""States from which a hold by order can be released."""


class MovementKind(StrEnum):
    """Why a quorum moves a holding without its holder."""

    FORCED = "forced"
    """By order of a court or authority, to the account that the order names."""
    REREGISTRATION = "reregistration"
    """The holder's key is lost: the holding goes to the same holder's new account."""


class InvalidOrder(Invalid):
    """An order names its paper by SHA-256 and gives a reason in words."""

    template: ClassVar[str] = "{reason}."


ALL_FROZEN = 2**80 - 1
"""The frozen amount by which the ledger freezes an account in a security for good and all."""


class OrderKind(IntEnum):
    """What a quorum orders, as the ledger numbers it."""

    FREEZE = 1
    FORCED_TRANSFER = 2
    REREGISTRATION = 3


class HoldingIsHeld(Refusal):
    """A forced transfer moves what is free; what is frozen is released first."""

    template: ClassVar[str] = "{account}: {nominal} of {isin} asked, {free} free ({held} held)."


class NotReleasable(Refusal):
    """Only a hold that the ledger has can be released."""

    template: ClassVar[str] = "Hold {hold} is {state}; it cannot be released."


class QuorumNotReached(Refusal):
    """An order is signed by as many institutions as the ledger's quorum asks for."""

    template: ClassVar[str] = "{given} institutions would sign an order that takes {quorum}."


class TooManySecurities(Refusal):
    """One order freezes as many securities as the ledger takes steps in a batch."""

    template: ClassVar[str] = "There are {count} securities; one order freezes {maximum}."


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


def frozen_amount(holds: Iterable[int | None]) -> int:
    """What the ledger freezes for these holds of one holding: their sum; None means all."""
    total = 0
    for nominal in holds:
        if nominal is None:
            return ALL_FROZEN
        total += nominal
    return min(total, ALL_FROZEN)


def held_of(nominal: int, holds: Iterable[int | None]) -> int:
    """Units of a holding that its holds keep in place: partial ones add up, at most the whole."""
    return min(nominal, frozen_amount(holds))


def check_order(order_hash: str, reason: str) -> None:
    """Refuse `InvalidOrder`: a hash that is not 64 lower-case hex digits, or no reason."""
    if not _HASH.fullmatch(order_hash):
        raise InvalidOrder(reason="the order's hash is not 64 hexadecimal digits of a SHA-256")
    if not reason.strip() or len(reason) > REASON_LENGTH_MAX:
        raise InvalidOrder(
            reason=Message("a reason has 1 to {maximum} characters", maximum=REASON_LENGTH_MAX)
        )
