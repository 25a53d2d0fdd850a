"""Where scenarios run: DuckDB on one machine, Spark on a cluster.  Both take the same expressions.

An engine opens the files of transactions, keeps what several scenarios share, and gives answers as
Arrow tables.  It knows no scenario.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from amanat.supervision.monitoring.model import SourceFile, day_of
from amanat.supervision.transactions import TRANSACTIONS

MEMORY_LIMIT = "4GB"
_DUCK_READS = {
    "day": "CAST(r.day - DATE '1970-01-01' AS INTEGER) AS day",
    "at": "epoch_us(r.at) AS at",
}


def numbers_of(files: Sequence[SourceFile]) -> pa.Table:
    """location and file: what rows are told by which file they came from."""
    return pa.table(
        {
            "location": pa.array([one.location for one in files], pa.string()),
            "file": pa.array([one.number for one in files], pa.int32()),
        }
    )


class Engine(Protocol):
    """What a run asks of an engine."""

    name: str

    def scan(
        self, files: Sequence[SourceFile], columns: Sequence[str], first: int, last: int
    ) -> ir.Table:
        """These columns of the files' rows of the days from `first` to `last`, and `file`.

        `file` is the file's number; `day` comes as days and `at` as microseconds since 1970.
        """
        ...

    def keep(self, expression: ir.Table, name: str) -> ir.Table:
        """The expression's rows, computed once, until `forget`."""
        ...

    def forget(self, table: ir.Table) -> None:
        """Give back what `keep` took."""
        ...

    def fetch(self, expression: ir.Table) -> pa.Table:
        """The expression's rows here."""
        ...

    def lend(self, rows: pa.Table, name: str) -> ir.Table:
        """A small table of ours for joins: one column of 64-bit integers."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class DuckEngine:
    """DuckDB in this process, with bounded memory; what does not fit is spilled to `spill`."""

    name = "duckdb"

    def __init__(
        self, spill: Path, memory_limit: str = MEMORY_LIMIT, threads: int | None = None
    ) -> None:
        spill.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
        }
        if threads is not None:
            settings["threads"] = threads
        self._native = duckdb.connect(":memory:", config=settings)
        self._ibis = ibis.duckdb.from_connection(self._native)
        self._serial = itertools.count(1)

    def scan(
        self, files: Sequence[SourceFile], columns: Sequence[str], first: int, last: int
    ) -> ir.Table:
        """As `Engine.scan`."""
        listed = ", ".join(_DUCK_READS.get(column, f"r.{column}") for column in columns)
        view = f"scan_{next(self._serial)}"
        numbers = self._registered(numbers_of(files))
        if files:
            locations = ", ".join("'" + one.location.replace("'", "''") + "'" for one in files)
            source = f"read_parquet([{locations}], filename = true, hive_partitioning = false)"
        else:
            empty = TRANSACTIONS.empty_table().append_column("filename", pa.array([], pa.string()))
            source = self._registered(empty)
        self._native.execute(
            f"CREATE TEMP VIEW {view} AS SELECT {listed}, f.file FROM {source} r"
            f" JOIN {numbers} f ON r.filename = f.location"
            f" WHERE r.day BETWEEN DATE '{day_of(first)}' AND DATE '{day_of(last)}'"
        )
        return self._ibis.table(view)

    def _registered(self, rows: pa.Table) -> str:
        """A table of DuckDB's own with these rows."""
        name = f"lent_{next(self._serial)}"
        self._native.register("lending", rows)
        self._native.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM lending")
        self._native.unregister("lending")
        return name

    def keep(self, expression: ir.Table, name: str) -> ir.Table:
        """As `Engine.keep`."""
        kept = f"{name}_{next(self._serial)}"
        # A sum of 64-bit integers is wider in DuckDB than Ibis knows; it is stored as what it is.
        listed = ", ".join(
            f'CAST("{column}" AS BIGINT) AS "{column}"' if kind == dt.int64 else f'"{column}"'
            for column, kind in expression.schema().items()
        )
        query = self._ibis.compile(expression)
        self._native.execute(f"CREATE TEMP TABLE {kept} AS SELECT {listed} FROM ({query})")
        return self._ibis.table(kept)

    def forget(self, table: ir.Table) -> None:
        """As `Engine.forget`."""
        self._native.execute(f"DROP TABLE IF EXISTS {table.get_name()}")

    def fetch(self, expression: ir.Table) -> pa.Table:
        """As `Engine.fetch`."""
        return self._ibis.to_pyarrow(expression)

    def write(self, expression: ir.Table, path: Path) -> None:
        """Write the expression's rows to a Parquet file."""
        self._ibis.to_parquet(expression, path)

    def lend(self, rows: pa.Table, name: str) -> ir.Table:
        """As `Engine.lend`."""
        del name
        return self._ibis.table(self._registered(rows))

    def close(self) -> None:
        """As `Engine.close`."""
        self._native.close()
