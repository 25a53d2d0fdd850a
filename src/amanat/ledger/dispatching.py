"""What the dispatcher is told, its limits, and what it refuses by itself."""

from __future__ import annotations

from dataclasses import dataclass

from amanat.core.errors import Refusal


class DependencyRefused(Refusal):
    """What this order depends on was refused, so it is never sent."""

    template = "It depends on order {order}, which was refused: {reason}"


@dataclass(frozen=True, slots=True)
class DispatchTimes:
    """Limits of the dispatcher, in seconds where not said otherwise.

    `in_flight_max` is for each signer, so that one's queue does not hold up another's.
    """

    in_flight_max: int = 500
    look_again_s: float = 3.0
    replace_after_s: float = 30.0
    overdue_after_s: float = 120.0
    fee_floor_wei: int = 1_000_000_000
    gas_max: int = 100_000_000
    unestimated_gas: int = 20_000_000
