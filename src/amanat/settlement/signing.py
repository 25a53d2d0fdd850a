"""What parties sign for the ledger, and the bounds of what one chain transaction carries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from amanat.access.acts import ActContext
from amanat.core.canonical import canonical_bytes
from amanat.core.dates import business_day_from_date
from amanat.ledger.typed_data import (
    INSTRUCTION,
    MAX_BATCH_ACCOUNTS,
    MAX_BATCH_SECURITIES,
    NUMBER_BURN,
    Domain,
)
from amanat.participants.signing import ToSign
from amanat.register.signing import struct_to_sign

POSITIONS_MAX = 64
CYCLE_SECURITIES_MAX = 8
GAS_BASE = 900_000
GAS_PER_INSTRUCTION = 130_000
"""More than any instruction uses, even one that opens four slots; unused gas costs nothing."""


@dataclass(frozen=True, slots=True)
class Leg:
    """An instruction as the ledger takes it: addresses, units, paisa, day numbers."""

    security: str
    deliverer: str
    receiver: str
    nominal: int
    consideration: int
    number: int
    first_day: int
    last_day: int

    @property
    def struct(self) -> tuple[str, str, str, int, int, int, int, int]:
        """The fields in the order of the contract's struct."""
        return (
            self.security,
            self.deliverer,
            self.receiver,
            self.nominal,
            self.consideration,
            self.number,
            self.first_day,
            self.last_day,
        )

    def digest(self, domain: Domain) -> bytes:
        """What both parties sign."""
        return domain.digest(INSTRUCTION.hash(*self.struct))

    @classmethod
    def of(cls, row: Any, security: str) -> Leg:
        """The leg of a row of instructions whose security lies at an address."""
        return cls(
            security=security,
            deliverer=row.deliverer,
            receiver=row.receiver,
            nominal=row.nominal,
            consideration=row.consideration_paisa,
            number=row.number,
            first_day=day_number(row.first_day),
            last_day=day_number(row.last_day),
        )


def day_number(day: str) -> int:
    """The ledger's number of a day given as ISO text."""
    return business_day_from_date(date.fromisoformat(day))


def burn_to_sign(context: ActContext, deliverer: str, number: int, party: str) -> ToSign:
    """What a party signs to burn a number of the deliverer's."""
    return struct_to_sign(context, "Settlement", NUMBER_BURN, deliverer, number, party)


def batch_gas(instructions: int) -> int:
    """The gas limit of a batch of so many instructions."""
    return GAS_BASE + GAS_PER_INSTRUCTION * instructions


def split_batches(legs: Sequence[Leg], size: int) -> list[list[int]]:
    """Positions in `legs` by batch, in their order, within the bounds of one batch."""
    batches: list[list[int]] = []
    accounts: set[str] = set()
    securities: set[str] = set()
    for position, leg in enumerate(legs):
        accounts |= {leg.deliverer, leg.receiver}
        securities.add(leg.security)
        full = len(accounts) > MAX_BATCH_ACCOUNTS or len(securities) > MAX_BATCH_SECURITIES
        if not batches or full or len(batches[-1]) == size:
            batches.append([])
            accounts, securities = {leg.deliverer, leg.receiver}, {leg.security}
        batches[-1].append(position)
    return batches


def trades_digest(cycle: str, trades: Sequence[Mapping[str, Any]]) -> bytes:
    """SHA-256 over a cycle's identifier and its trades, for which every position is signed."""
    return hashlib.sha256(canonical_bytes({"cycle": cycle, "trades": list(trades)})).digest()
