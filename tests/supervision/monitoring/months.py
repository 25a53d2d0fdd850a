"""Some weeks of transactions of two exchanges with patterns of every kind among them."""

from __future__ import annotations

import random
from typing import Any

from tests.supervision.monitoring.ledger_of_rows import moved
from tests.supervision.monitoring.test_scenarios import PATTERNS

DAYS = 72
KINDS = ("fiat_in", "fiat_out", "trade", "deposit", "withdrawal", "transfer", "transfer")


def weeks(per_day: int = 12, seed: int = 7) -> list[dict[str, Any]]:
    """Everyday transactions, with each pattern once; the same for the same seed."""
    drawn = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for day in range(DAYS):
        for at in range(per_day):
            kind = drawn.choice(KINDS)
            sender, receiver = drawn.sample(range(1, 60), 2)
            rows.append(
                moved(
                    day,
                    kind,
                    None if kind in ("fiat_in", "deposit") else sender,
                    None if kind in ("fiat_out", "withdrawal") else receiver,
                    drawn.choice((20_000, 48_000, 100_000, 250_000, 900_000, 2_500_000)),
                    exchange=drawn.choice(("alpha", "beta")),
                    reference=f"{seed}-{day}-{at}",
                    travel_rule=drawn.choice((None, "told")),
                    hosted=drawn.choice((None, True, False)),
                    cash=drawn.random() < 0.1,
                    hour=drawn.randrange(24),
                )
            )
    for at, pattern in enumerate(PATTERNS.values(), 1):
        for number, row in enumerate(pattern):
            further = {"reference": f"pattern-{at}-{number}", "id": at * 10_000 + number}
            parties = {
                name: row[name] + 1_000 * at
                for name in ("from_party", "to_party")
                if row[name] is not None
            }
            rows.append(row | further | parties)
    return rows
