"""Which files are in force, and whether they are as they were accepted."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from sqlalchemy.engine import Engine

from amanat.core.errors import Corrupt
from amanat.store.migrate import migrate
from amanat.supervision.returns.manifest import files_in_force, require_as_stated
from amanat.supervision.returns.sums import sum_of

from .stored_rows import row, store_transactions

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture
def database(engine: Engine) -> Engine:
    """Every table, nothing in them."""
    migrate(engine)
    return engine


def test_files_of_the_days_that_are_in_force(database: Engine, tmp_path: Path) -> None:
    with database.begin() as connection:
        one = store_transactions(
            connection, tmp_path, "pib", "exchange_x", 1, [row("exchange_x", "a", FIRST)]
        )
        store_transactions(
            connection, tmp_path, "pib", "exchange_x", 2, [row("exchange_x", "b", SECOND)]
        )
        store_transactions(
            connection, tmp_path, "pib", "exchange_y", 1, [row("exchange_y", "a", FIRST)]
        )
        store_transactions(
            connection, tmp_path, "other", "exchange_x", 1, [row("exchange_x", "a", FIRST)]
        )
        found = files_in_force(connection, "pib", FIRST, FIRST)
        assert [(file.exchange, file.sequence) for file in found] == [
            ("exchange_x", 1),
            ("exchange_y", 1),
        ]
        corrected = store_transactions(
            connection,
            tmp_path,
            "pib",
            "exchange_x",
            3,
            [row("exchange_x", "a", FIRST, value=300)],
            supersedes=one,
        )
        found = files_in_force(connection, "pib", FIRST, FIRST, ["exchange_x"])
        assert [file.return_id for file in found] == [corrected]
        assert files_in_force(connection, "pib", THIRD, THIRD) == []


def test_a_file_is_as_it_was_accepted(database: Engine, tmp_path: Path) -> None:
    rows = [row("exchange_x", str(number), FIRST) for number in range(50)]
    with database.begin() as connection:
        store_transactions(connection, tmp_path, "pib", "exchange_x", 1, rows)
        (file,) = files_in_force(connection, "pib", FIRST, FIRST)
    require_as_stated(tmp_path, file)
    assert file.id_sum == sum(one["id"] for one in rows) % 2**128
    kept = file.at(tmp_path)
    parquet.write_table(parquet.read_table(kept).slice(1), kept)
    with pytest.raises(Corrupt, match="49 rows, not the 50"):
        require_as_stated(tmp_path, file)
    kept.unlink()
    with pytest.raises(Corrupt, match="is not there"):
        require_as_stated(tmp_path, file)


def test_sums_are_exact() -> None:
    ids = np.array([2**63 - 1] * 1000 + [0, 1], dtype=np.int64)
    assert sum_of(ids) == sum(ids.tolist())
    assert sum_of(pa.array([], pa.int64()).to_numpy()) == 0
