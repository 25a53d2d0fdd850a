"""The adapter of labelled files: nothing of the file's order or numbers is left in the rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from amanat.supervision.detection.labelled import LABELS, NotLabelled, adapt
from amanat.supervision.transactions import TRANSACTIONS

ROWS = {
    "step": [0, 3, 3, 4, 4, 9],
    "type": ["INITALBALANCE", "TRANSFER", "TRANSFER", "CASH", "TRANSFER", "TRANSFER"],
    "amount": [1.0, 500.25, 500.25, 20.0, 9.0, 7.5],
    "nameOrig": [-2, 0, 0, 1, -2, 1],
    "nameDest": [0, 1, 1, -1, 0, 0],
    "bankOrig": ["source", "bank_a", "bank_a", "bank_b", "source", "bank_b"],
    "bankDest": ["bank_a", "bank_b", "bank_b", "sink", "bank_a", "bank_a"],
    "isSAR": [0, 0, 0, 0, 0, 1],
    "patternID": [-1, 4, 4, -1, -1, 8],
    "modelType": [0, 11, 11, 0, 0, 3],
}


def adapted(table: pa.Table, folder: Path) -> tuple[pa.Table, pa.Table]:
    """Rows and labels of a labelled table."""
    folder.mkdir()
    parquet.write_table(table, folder / "labelled.parquet")
    made = adapt(folder / "labelled.parquet", folder / "out")
    (rows,) = made.transactions
    return parquet.read_table(rows), parquet.read_table(made.labels)


def test_a_labelled_file_becomes_stored_rows_and_labels(tmp_path: Path) -> None:
    rows, labels = adapted(pa.table(ROWS), tmp_path / "a")
    assert rows.schema.names == TRANSACTIONS.names
    assert labels.schema.names == LABELS.names
    assert sorted(rows["kind"].to_pylist()) == [
        "fiat_in", "fiat_out", "transfer", "transfer", "transfer",
    ]  # fmt: skip
    assert sorted(rows["value"].to_pylist())[-1] == 500_25 * 280
    assert sum(rows["cash"].to_pylist()) == 1
    assert len(set(rows["id"].to_pylist())) == 5
    assert labels["typology"].to_pylist() == ["cycle"]
    (label,) = labels["id"].to_pylist()
    assert label in rows["id"].to_pylist()


def test_the_order_of_the_file_tells_nothing(tmp_path: Path) -> None:
    table = pa.table(ROWS)
    turned = table.take(list(reversed(range(table.num_rows))))
    assert adapted(table, tmp_path / "a") == adapted(turned, tmp_path / "b")


def test_a_file_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotLabelled, match="lacks the columns isSAR"):
        adapted(pa.table(ROWS).drop_columns(["isSAR"]), tmp_path / "a")
