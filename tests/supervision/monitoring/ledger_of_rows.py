"""Transactions as tests write them, one line each, and the files and manifest that hold them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

from amanat.store.uow import Store
from amanat.supervision.monitoring.model import SUM_MODULUS, SourceFile
from amanat.supervision.returns.tables import manifest
from amanat.supervision.transactions import TRANSACTIONS, transaction_id

FIRST = date(2025, 3, 1)
RUPEES = 100
"""Paisa."""
_serial = itertools.count(1)


def moved(
    day: int,
    kind: str,
    sender: int | None,
    receiver: int | None,
    rupees: int,
    *,
    exchange: str = "alpha",
    **further: Any,
) -> dict[str, Any]:
    """One stored transaction on the day FIRST + `day`; a side that is None is outside."""
    reference = further.pop("reference", f"r{next(_serial)}")
    at = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC)
    row = dict.fromkeys(TRANSACTIONS.names)
    row |= {
        "id": transaction_id(exchange, reference),
        "exchange": exchange,
        "reference": reference,
        "day": FIRST + timedelta(days=day),
        "at": at + timedelta(hours=further.pop("hour", 12)),
        "kind": kind,
        "from_party": sender,
        "from_account": sender + 10**9 if sender else 10**12 + (receiver or 0),
        "from_country": "PK" if sender else None,
        "to_party": receiver,
        "to_account": receiver + 10**9 if receiver else 10**12 + (sender or 0),
        "to_country": "PK" if receiver else None,
        "asset": "PKR" if kind.startswith("fiat") else "BTC",
        "quantity": Decimal(1),
        "value": rupees * RUPEES,
        "cash": False,
        "travel_rule": "told",
    }
    return row | further


@dataclass
class Stored:
    """An installation's folder with files of transactions, and their rows in the manifest."""

    store: Store
    folder: Path
    programme: str = "test"

    def put(self, rows: Iterable[dict[str, Any]], name: str | None = None) -> list[str]:
        """One file per exchange; their returns' ids."""
        by_exchange: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_exchange.setdefault(row["exchange"], []).append(row)
        found = []
        for exchange, own in sorted(by_exchange.items()):
            identifier = f"{name or next(_serial)}-{exchange}"
            path = f"transactions/exchange={exchange}/{identifier}.parquet"
            place = self.folder / "supervision" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            parquet.write_table(pa.Table.from_pylist(own, schema=TRANSACTIONS), place)
            self._enter(identifier, exchange, own, path)
            found.append(identifier)
        return found

    def _enter(
        self, identifier: str, exchange: str, rows: Sequence[dict[str, Any]], path: str
    ) -> None:
        with self.store.engine.begin() as connection:
            connection.execute(
                manifest.insert().values(
                    id=identifier,
                    programme=self.programme,
                    exchange=exchange,
                    digest=identifier,
                    sequence=next(_serial),
                    first_day=min(row["day"] for row in rows).isoformat(),
                    last_day=max(row["day"] for row in rows).isoformat(),
                    rows=len(rows),
                    id_sum=str(sum(row["id"] for row in rows) % SUM_MODULUS),
                    path=path,
                    scope="period",
                    received_at="2025-03-01T00:00:00+00:00",
                    business_date="2025-03-01",
                    person="officer",
                    received={},
                    quality={},
                    entry="entry",
                )
            )


def source_files(rows: Sequence[dict[str, Any]], folder: Path) -> list[SourceFile]:
    """The rows in two files, without a database."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, own in enumerate((rows[::2], rows[1::2]), 1):
        if not own:
            continue
        place = folder / f"{number}.parquet"
        parquet.write_table(pa.Table.from_pylist(list(own), schema=TRANSACTIONS), place)
        found.append(
            SourceFile(
                number=number,
                source=f"file{number}",
                exchange=f"exchange{number}",
                first_day=min(row["day"] for row in own),
                last_day=max(row["day"] for row in own),
                rows=len(own),
                id_sum=sum(row["id"] for row in own) % SUM_MODULUS,
                location=str(place),
            )
        )
    return found
