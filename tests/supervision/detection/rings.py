"""Three months of four hundred accounts, some of which pass money round in rings.

Everybody pays the same few partners again and again and withdraws to a bank.  The accounts of a
ring also pay each other once, within some days.  Nothing else tells them apart but that they deal
with many who deal in rings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from tests.supervision.returns.stored_rows import USUAL

from amanat.supervision.detection.labelled import LABELS
from amanat.supervision.detection.model import Split
from amanat.supervision.transactions import TRANSACTIONS, transaction_id

FIRST = date(2025, 1, 1)
DAYS = 90
ACCOUNTS, RINGED, RINGS = 400, 40, 40
SPLIT = Split(FIRST + timedelta(50), FIRST + timedelta(65))
BANK = 9


@dataclass(frozen=True)
class Months:
    """Files of rows and of confirmed movements."""

    transactions: Path
    labels: Path


def account(number: int) -> int:
    """A pseudonym, spread as intake spreads them."""
    return int.from_bytes(hashlib.sha256(f"account {number}".encode()).digest()[:8], "big") >> 1


def movement(
    serial: int, day: int, kind: str, sender: int, receiver: int, value: int
) -> dict[str, Any]:
    """One stored row."""
    on = FIRST + timedelta(day)
    reference = f"R-{serial}"
    return {
        **USUAL,
        "id": transaction_id("exchange_x", reference),
        "exchange": "exchange_x",
        "reference": reference,
        "day": on,
        "at": datetime.combine(on, time(12), tzinfo=UTC),
        "kind": kind,
        "from_account": sender,
        "to_account": receiver,
        "quantity": Decimal(value) / 100,
        "value": value,
    }


def movements() -> Iterator[tuple[dict[str, Any], bool]]:
    """All rows, and whether each is of a ring."""
    random = np.random.default_rng(20250101)
    serial = 0
    for payer in range(ACCOUNTS):
        for partner in random.choice(ACCOUNTS, 3, replace=False):
            for day in random.choice(DAYS, random.integers(1, 5), replace=False):
                if int(partner) != payer:
                    serial += 1
                    value = max(5_000, int(random.normal(60_000, 15_000)))
                    ends = account(payer), account(int(partner))
                    yield movement(serial, int(day), "transfer", *ends, value), False
        for day in random.choice(DAYS, 6, replace=False):
            serial += 1
            value = max(5_000, int(random.normal(50_000, 8_000)))
            yield movement(serial, int(day), "fiat_out", account(payer), BANK, value), False
    for ring in range(RINGS):
        start = ring * (DAYS - 12) // RINGS
        members = random.choice(RINGED, 5, replace=False)
        days = start + np.sort(random.choice(12, 5, replace=False))
        for place, day in enumerate(days):
            serial += 1
            ends = account(int(members[place])), account(int(members[(place + 1) % 5]))
            value = max(5_000, int(random.normal(62_000, 9_000)))
            yield movement(serial, int(day), "transfer", *ends, value), True


def labels_of(rows: list[dict[str, Any]]) -> pa.Table:
    """These rows as confirmed movements."""
    return pa.Table.from_pylist(
        [{**{name: one[name] for name in LABELS.names[:4]}, "typology": "cycle"} for one in rows],
        LABELS,
    )


def months(folder: Path) -> Months:
    """Write rows and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    found = list(movements())
    made = Months(folder / "transactions.parquet", folder / "labels.parquet")
    parquet.write_table(
        pa.Table.from_pylist([row for row, _ in found], TRANSACTIONS), made.transactions
    )
    parquet.write_table(labels_of([row for row, ringed in found if ringed]), made.labels)
    return made
