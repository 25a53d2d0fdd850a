"""Files of transactions put straight into an installation, as intake would have stored them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from sqlalchemy.engine import Connection

from amanat.core.ids import new_id
from amanat.supervision.returns.manifest import ID_SUM_MODULUS, folder_in, path_of
from amanat.supervision.returns.tables import manifest
from amanat.supervision.transactions import TRANSACTIONS, transaction_id

USUAL: Mapping[str, Any] = {
    "kind": "transfer",
    "from_party": None,
    "from_account": 1,
    "from_exchange": None,
    "from_country": "PK",
    "to_party": None,
    "to_account": 2,
    "to_exchange": None,
    "to_country": "PK",
    "asset": "PKR",
    "quantity": Decimal(1),
    "value": 100,
    "cash": False,
    "network": None,
    "transaction_hash": None,
    "address": None,
    "hosted": None,
    "travel_rule": None,
}


def row(exchange: str, reference: str, day: date, **fields: Any) -> dict[str, Any]:
    """One transaction at noon of a day; what is not given is as `USUAL`."""
    return {
        "id": transaction_id(exchange, reference),
        "exchange": exchange,
        "reference": reference,
        "day": day,
        "at": datetime.combine(day, time(12), tzinfo=UTC),
        **USUAL,
        **fields,
    }


def store_transactions(
    connection: Connection,
    data_dir: Path,
    programme: str,
    exchange: str,
    sequence: int,
    rows: Iterable[Mapping[str, Any]] | pa.Table,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    supersedes: str | None = None,
) -> str:
    """Write one file and its row of the manifest; the return's id.

    `supersedes` is the id of a return that is in force no more.
    """
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(list(rows), TRANSACTIONS)
    table = table.cast(TRANSACTIONS)
    days = table.column("day").to_pylist()
    digest = hashlib.sha256(f"{programme} {exchange} {sequence}".encode()).hexdigest()
    path = folder_in(data_dir) / path_of(exchange, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)
    made = new_id()
    if supersedes is not None:
        connection.execute(
            manifest.update().where(manifest.c.id == supersedes).values(superseded_by=made)
        )
    connection.execute(
        manifest.insert().values(
            id=made,
            programme=programme,
            exchange=exchange,
            digest=digest,
            sequence=sequence,
            first_day=(first_day or min(days)).isoformat(),
            last_day=(last_day or max(days)).isoformat(),
            rows=table.num_rows,
            id_sum=str(sum(table.column("id").to_pylist()) % ID_SUM_MODULUS),
            path=path_of(exchange, digest),
            scope="whole" if supersedes else "period",
            supersedes=supersedes,
            received_at="2026-03-09T05:00:00+00:00",
            business_date="2026-03-09",
            person=f"{exchange}_officer",
            received={"transactions": table.num_rows},
            quality={},
            entry="-",
        )
    )
    return made
