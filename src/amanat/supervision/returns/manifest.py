"""Which files of transactions are in force: the one place that readers ask.

A return is stored once and never altered.  A correction is a further return whose file takes the
place of another's; the one that it supersedes stays where it is and is in force no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import Corrupt
from amanat.supervision.returns.tables import manifest

FOLDER = "supervision"
"""Under the folder of the installation: the files of transactions."""
ID_SUM_MODULUS = 2**128
REPORT = "report"
"""The activity that a permission opens to who sends returns."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of transactions: how many rows, the sum of their ids, and whose days they are."""

    return_id: str
    exchange: str
    sequence: int
    first_day: date
    last_day: date
    rows: int
    id_sum: int
    path: str
    """Relative to the folder of supervision."""

    def at(self, data_dir: Path) -> Path:
        """Where it lies in an installation."""
        return folder_in(data_dir) / self.path


def folder_in(data_dir: Path) -> Path:
    """The folder of supervision in an installation's folder."""
    return data_dir / FOLDER


def path_of(exchange: str, digest: str) -> str:
    """Where the transactions of a return lie, under the folder of supervision."""
    return f"transactions/exchange={exchange}/{digest}.parquet"


def files_in_force(
    connection: Connection,
    programme: str,
    first_day: date,
    last_day: date,
    exchanges: list[str] | None = None,
) -> list[StoredFile]:
    """Every file that may hold transactions of these days, by exchange and sequence.

    A file holds the days of its return, and a return may begin before `first_day`: readers bound
    the days themselves.
    """
    table = manifest
    query = sql.select(table).where(
        table.c.programme == programme,
        table.c.superseded_by.is_(None),
        table.c.first_day <= last_day.isoformat(),
        table.c.last_day >= first_day.isoformat(),
    )
    if exchanges is not None:
        query = query.where(table.c.exchange.in_(exchanges))
    query = query.order_by(table.c.exchange, table.c.first_day, table.c.sequence)
    return [stored(row) for row in connection.execute(query)]


def stored(row: Row[Any]) -> StoredFile:
    """A row of the manifest as readers take it."""
    return StoredFile(
        return_id=row.id,
        exchange=row.exchange,
        sequence=row.sequence,
        first_day=date.fromisoformat(row.first_day),
        last_day=date.fromisoformat(row.last_day),
        rows=row.rows,
        id_sum=int(row.id_sum),
        path=row.path,
    )


def count_of(path: Path) -> tuple[int, int]:
    """The rows of a stored file and the sum of their ids; reads the column of ids alone."""
    import pyarrow.parquet as parquet

    from amanat.supervision.returns.sums import sum_of

    rows, total = 0, 0
    with parquet.ParquetFile(path) as opened:
        for batch in opened.iter_batches(columns=["id"]):
            rows += batch.num_rows
            total += sum_of(batch.column(0).to_numpy())
    return rows, total % ID_SUM_MODULUS


def require_as_stated(data_dir: Path, file: StoredFile) -> None:
    """Raise `Corrupt` unless a file is there with its rows and the sum of their ids."""
    path = file.at(data_dir)
    if not path.is_file():
        raise Corrupt(f"{file.path} of the return {file.return_id} is not there")
    rows, total = count_of(path)
    if (rows, total) != (file.rows, file.id_sum):
        raise Corrupt(f"{file.path} holds {rows} rows, not the {file.rows} that were accepted")
