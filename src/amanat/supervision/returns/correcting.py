"""A return among others: no transaction twice, and corrections by rows as files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.stated import Stated
from amanat.supervision.returns.storing import Storing
from amanat.supervision.transactions import TRANSACTIONS, transaction_id

_MEMORY = "1GB"


def overlapping(made: Path, others: Sequence[Path], findings: Findings) -> None:
    """Note every transaction of a file that another one has by its reference."""
    if not others:
        return
    with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 2}) as asked:
        asked.execute(f"SET temp_directory = '{made.parent}'")
        query = (
            "SELECT new.reference, count(*) OVER () AS together FROM read_parquet($new) new "
            "SEMI JOIN read_parquet($others) former USING (id) LIMIT 20"
        )
        found = asked.execute(
            query, {"new": str(made), "others": [str(one) for one in others]}
        ).fetchall()
    if found:
        first = [(None, reference) for reference, _ in found]
        findings.add_many("transactions", "overlap", "reference", first, int(found[0][1]))


def merge(storing: Storing, former: Path, stated: Stated, findings: Findings) -> Path:
    """What a correction by rows makes of a return: its rows in the place of those of the same id.

    A row that the return does not have cannot be corrected, nor withdrawn.
    """
    assert stated.corrects is not None
    fresh = parquet.read_table(storing.path)
    ids = fresh.column("id").to_numpy()
    withdrawn = {transaction_id(stated.exchange, one): one for one in stated.corrects.withdrawn}
    gone = np.array(sorted(withdrawn), dtype=np.int64)
    replaced = np.concatenate([ids, gone])
    met: list[Any] = []
    merged = Storing(storing.pseudonyms, storing.pack, storing.path.with_suffix(".merged"))
    with parquet.ParquetFile(former) as kept:
        for batch in kept.iter_batches():
            own = batch.column(0).to_numpy()
            hit = np.isin(own, replaced)
            met.append(own[hit])
            left = batch.filter(pa.array(~hit))
            if left.num_rows:
                merged.write(pa.RecordBatch.from_arrays(left.columns, schema=TRANSACTIONS))
    for batch in fresh.combine_chunks().to_batches():
        merged.write(pa.RecordBatch.from_arrays(batch.columns, schema=TRANSACTIONS))
    merged.close()
    known = np.concatenate(met) if met else np.zeros(0, dtype=np.int64)
    strange = ~np.isin(ids, known)
    for reference in fresh.column("reference").filter(pa.array(strange)).to_pylist():
        findings.add("transactions", "corrected_rows", column="reference", value=reference)
    for one in gone[~np.isin(gone, known)].tolist():
        findings.add("manifest.json", "corrected_rows", value=withdrawn[one])
    for one in gone[np.isin(gone, ids)].tolist():
        findings.add("manifest.json", "corrected_rows", value=withdrawn[one])
    return merged.path
