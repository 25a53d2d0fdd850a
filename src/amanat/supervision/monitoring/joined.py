"""Stored rows as desks and measures count them: a transfer that two exchanges report is one.

    files -> what each side's report tells of the other's (`reported`) -> one row per transfer

Whoever adds up, draws or measures transactions reads them through `counted_once`; files themselves
are read by those alone who ask what an exchange said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from amanat.supervision.monitoring.engines import MEMORY_LIMIT, DuckEngine
from amanat.supervision.monitoring.model import SourceFile, day_number
from amanat.supervision.monitoring.reported import ONCE, other_sides

EARLIEST, LATEST = date(1900, 1, 1), date(9990, 1, 1)
"""Days beyond these have no rows: windows around them are still days."""
_JOINED = """(SELECT r.* REPLACE (
  CASE WHEN o.joined = 1 THEN 'transfer' ELSE r.kind END AS kind,
  coalesce(r.from_party, o.from_person) AS from_party,
  coalesce(r.to_party, o.to_person) AS to_party,
  coalesce(o.from_home, r.from_country) AS from_country,
  coalesce(o.to_home, r.to_country) AS to_country,
  coalesce(o.came_to, r.to_account) AS to_account,
  coalesce(o.came_by, r.to_exchange) AS to_exchange)
FROM {rows} r LEFT JOIN read_parquet('{told}') o ON r.id = o.id
WHERE coalesce(o.second, {once}) = {once})"""
Paths = Sequence[str | Path]


def in_sql(paths: Paths, first: date | None = None, last: date | None = None) -> str:
    """The rows of files and days as they were reported, as a table in SQL of DuckDB."""
    listed = ", ".join("'" + str(one).replace("'", "''") + "'" for one in paths)
    bounds = [f"day >= DATE '{first}'"] * bool(first) + [f"day <= DATE '{last}'"] * bool(last)
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    return f"(SELECT * FROM read_parquet([{listed}], hive_partitioning = false){where})"


def counted_once(
    paths: Paths, first: date, last: date, folder: Path, memory_limit: str = MEMORY_LIMIT
) -> str:
    """The rows of these days as a table in SQL: no second report of a transfer, persons joined.

    A withdrawal that is another exchange's deposit is a transfer to the account that it came to.
    What is known of the other sides is written to `folder`, which must outlive the reading.
    """
    rows = in_sql(paths, first, last)
    with _others(paths, first, last, folder, memory_limit) as (engine, others):
        if others is None:
            return rows
        told = folder / "told.parquet"
        engine.write(others, told)
    return _JOINED.format(rows=rows, told=str(told).replace("'", "''"), once=ONCE)


def told_of(paths: Paths, first: date, last: date, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """By id what the other side's report tells of each of these rows, as `reported` has it."""
    wanted = sorted(set(ids))
    if not wanted or not paths:
        return {}
    with (
        TemporaryDirectory(prefix="amanat-told-") as folder,
        _others(paths, first, last, Path(folder), MEMORY_LIMIT, wanted) as (engine, others),
    ):
        if others is None:
            return {}
        known = set(wanted)
        rows = engine.fetch(others).to_pylist()
        return {one["id"]: one for one in rows if one["id"] in known}


@contextmanager
def _others(
    paths: Paths,
    first: date,
    last: date,
    folder: Path,
    memory_limit: str,
    only: Sequence[int] | None = None,
) -> Iterator[tuple[DuckEngine, ir.Table | None]]:
    """An engine, and in it what is told by the rows of the other side."""
    files = [
        SourceFile(number, "", "", date.min, date.max, 0, 0, str(path))
        for number, path in enumerate(paths)
    ]
    days = day_number(max(first, EARLIEST)), day_number(min(last, LATEST))
    engine = DuckEngine(folder / "spill", memory_limit)
    try:
        lent = None
        if only is not None:
            lent = engine.lend(pa.table({"id": pa.array(only, pa.int64())}), "only")
        with other_sides(engine, files, *days, lent) as others:
            yield engine, others
    finally:
        engine.close()
