"""Habits of accounts and measures of movements, from stored rows alone, by DuckDB.

    rows -> links (movements between accounts) and money to and from banks outside
         -> habits, one row per account
         -> likenesses (first model, lent back) -> flows per account and day -> measures per link

Every table is one grouping, one sort or one equality join of the rows before it, so that time grows
with the rows and memory does not: what does not fit is spilled.  Sums are of integers and therefore
the same in any order.  Looks both ways in time: for runs over closed days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
import pyarrow as pa

from amanat.supervision.detection.measures import (
    EARLIER,
    HABITS,
    LIKENESS_UNIT,
    MEASURES,
    WINDOWS,
)
from amanat.supervision.detection.model import MOVEMENT_KINDS
from amanat.supervision.monitoring.joined import EARLIEST, LATEST, counted_once, in_sql

MEMORY_LIMIT = "2GB"
CONFIRMED_AFTER_DAYS = 15
"""A case is taken as confirmed so many days after its transaction, not sooner."""
BATCH_ROWS = 100_000
VALUE_MAX = 10**15
"""Amounts above this (PKR 10 trillion) count as this, so that sums of squares stay exact."""
Matrix = np.ndarray[Any, np.dtype[np.float32]]

_LINKS = """
CREATE TABLE link AS SELECT id, (day - DATE '1970-01-01')::INTEGER AS day, from_account AS a,
  to_account AS b, value, from_exchange IS DISTINCT FROM to_exchange AS across
FROM {rows} WHERE kind IN {kinds} AND from_account <> to_account
"""
_PAIRS = """
CREATE TABLE pair AS SELECT a, b, count(*)::BIGINT AS n, min(day) AS first, max(day) AS last
FROM link GROUP BY a, b
"""
_QUANTILES = """
CREATE TABLE spending AS WITH ranked AS (
  SELECT from_account AS account, value, cash,
    row_number() OVER (PARTITION BY from_account ORDER BY value) AS place,
    count(*) OVER (PARTITION BY from_account) AS n
  FROM {rows} WHERE kind = 'fiat_out')
SELECT account, any_value(n) AS fiat_out_count, avg(cash::INTEGER) AS fiat_out_cash,
  max(value) FILTER (place = ceil(0.5 * n)) AS fiat_out_median,
  max(value) FILTER (place = ceil(0.1 * n)) / fiat_out_median AS fiat_out_p10,
  max(value) FILTER (place = ceil(0.25 * n)) / fiat_out_median AS fiat_out_p25,
  max(value) FILTER (place = ceil(0.75 * n)) / fiat_out_median AS fiat_out_p75,
  max(value) FILTER (place = ceil(0.9 * n)) / fiat_out_median AS fiat_out_p90
FROM ranked GROUP BY account
"""
_INCOME = """
CREATE TABLE income AS SELECT to_account AS account, count(*) AS fiat_in_count,
  (sum(value) / count(*))::DOUBLE AS fiat_in_mean
FROM {rows} WHERE kind = 'fiat_in' GROUP BY account
"""
_SIDE = """
CREATE TABLE {name} AS SELECT {end} AS account, count(*) AS {name}_count,
  (sum(value) / count(*))::DOUBLE AS {name}_mean,
  CASE WHEN count(*) > 1 THEN sqrt(greatest(0, sum(capped * capped)::DOUBLE
    - sum(capped)::DOUBLE * sum(capped) / count(*)) / (count(*) - 1))
    / nullif(sum(value) / count(*), 0) END AS {name}_spread
FROM (SELECT *, least(value, {most})::HUGEINT AS capped FROM link) GROUP BY account
"""
_PARTNERS = """
CREATE TABLE {name} AS SELECT {end} AS account, count(*) AS {name},
  count(*) FILTER (n = 1) / count(*) AS {name}_once FROM pair GROUP BY account
"""
_HABITS = """
CREATE TABLE habit AS
WITH everyone AS (SELECT account FROM sent UNION SELECT account FROM received),
back AS (SELECT x.a AS account, count(*) AS reciprocal
  FROM pair x JOIN pair y ON x.a = y.b AND x.b = y.a GROUP BY account)
SELECT * FROM everyone LEFT JOIN spending USING (account) LEFT JOIN income USING (account)
  LEFT JOIN sent USING (account) LEFT JOIN received USING (account)
  LEFT JOIN payees USING (account) LEFT JOIN payers USING (account)
  LEFT JOIN back USING (account) ORDER BY account
"""
_ALIKE = """
CREATE TABLE alike AS SELECT link.*, x.likeness AS p, y.likeness AS q,
  round(sqrt(x.likeness * y.likeness) * {unit})::BIGINT AS like_both,
  CASE WHEN pair.n = 1 THEN like_both ELSE 0 END AS like_once, pair.n AS pair_count,
  row_number() OVER ordered AS pair_place,
  day - lag(day) OVER ordered AS pair_since, lead(day) OVER ordered - day AS pair_until,
  pair.last - pair.first AS pair_life, coalesce(back.n, 0) AS back_count,
  least(abs(link.day - back.first), abs(link.day - back.last)) AS back_gap
FROM link JOIN likeness x ON link.a = x.account JOIN likeness y ON link.b = y.account
  JOIN pair ON link.a = pair.a AND link.b = pair.b
  LEFT JOIN pair back ON link.a = back.b AND link.b = back.a
WINDOW ordered AS (PARTITION BY link.a, link.b ORDER BY link.day, link.id)
"""
_DAYS = """
CREATE TABLE daily AS SELECT account, day, sum(ic)::BIGINT AS ic, sum(il)::BIGINT AS il,
  sum(io)::BIGINT AS io, sum(iv)::DOUBLE AS iv, sum(oc)::BIGINT AS oc, sum(ol)::BIGINT AS ol,
  sum(oo)::BIGINT AS oo, sum(ov)::DOUBLE AS ov FROM (
  SELECT b AS account, day, 1 AS ic, like_both AS il, like_once AS io, value::HUGEINT AS iv,
    0 AS oc, 0 AS ol, 0 AS oo, 0::HUGEINT AS ov FROM alike
  UNION ALL SELECT a, day, 0, 0, 0, 0::HUGEINT, 1, like_both, like_once, value::HUGEINT FROM alike
) GROUP BY account, day
"""
_COLUMNS = {"in": {"count": "ic", "like": "il", "once": "io"}}
_COLUMNS["out"] = {"count": "oc", "like": "ol", "once": "oo"}


def _flow_columns() -> Iterator[tuple[str, str]]:
    """Name of each flow, without its end, and the window's expression."""
    for when in ("before", "after"):
        for days in WINDOWS:
            for way, columns in _COLUMNS.items():
                for flow, column in columns.items():
                    scale = "" if flow == "count" else f" / {LIKENESS_UNIT}"
                    yield (
                        f"{way}_{flow}_{when}_{days}",
                        f"(sum({column}) OVER {when}_{days}){scale}",
                    )


def _around() -> str:
    """The query of what flows through each account around each of its days."""
    windows = [
        f"before_{days} AS (PARTITION BY account ORDER BY day RANGE {days} PRECEDING), "
        f"after_{days} AS (PARTITION BY account ORDER BY day"
        f" RANGE BETWEEN CURRENT ROW AND {days} FOLLOWING)"
        for days in WINDOWS
    ]
    listed = ", ".join(f"({how})::FLOAT AS {name}" for name, how in _flow_columns())
    return (
        f"CREATE TABLE around AS SELECT account, day, {listed},"
        " sum(iv) OVER before_10 AS in_value, sum(ov) OVER after_10 AS out_value"
        f" FROM daily WINDOW {', '.join(windows)}"
    )


_EARLIER = """
CREATE TABLE {side}_earlier AS SELECT link.id, count(*) AS {side}_earlier
FROM link JOIN (SELECT from_account AS account, day FROM confirmed
  UNION ALL SELECT to_account, day FROM confirmed) known
ON link.{end} = known.account AND known.day <= link.day - {delay} GROUP BY link.id
"""


def _measured(earlier: bool) -> str:
    """The query of all measures; `earlier` adds what the list of confirmed cases says."""
    flows = [
        f"{end}.{name} AS {side}_{name}"
        for side, end in (("from", "f"), ("to", "t"))
        for name, _ in _flow_columns()
    ]
    known = ["coalesce(from_earlier, 0) AS from_earlier", "coalesce(to_earlier, 0) AS to_earlier"]
    joins = " LEFT JOIN from_earlier USING (id) LEFT JOIN to_earlier USING (id)"
    return f"""
CREATE VIEW measured AS SELECT e.id, e.day, e.a, e.b,
  like_both / {LIKENESS_UNIT} AS likeness, p AS from_likeness, q AS to_likeness,
  least(p, q) AS least_likeness, greatest(p, q) AS most_likeness,
  pair_count, pair_place, pair_since, pair_until, pair_life, back_count, back_gap,
  across::INTEGER AS across, value, value / nullif(s.sent_mean, 0) AS value_of_sent,
  value / nullif(r.received_mean, 0) AS value_of_received,
  value / nullif(s.fiat_out_median, 0) AS value_of_spending,
  value / nullif(f.in_value, 0) AS passed_on_from, t.out_value / nullif(value, 0) AS passed_on_to,
  s.payees AS from_payees, s.payers AS from_payers, r.payees AS to_payees, r.payers AS to_payers,
  s.payees_once AS from_payees_once, r.payers_once AS to_payers_once,
  {", ".join(flows + known * earlier)}
FROM alike e JOIN habit s ON e.a = s.account JOIN habit r ON e.b = r.account
  JOIN around f ON e.a = f.account AND e.day = f.day
  JOIN around t ON e.b = t.account AND e.day = t.day{joins * earlier}
"""


class Features:
    """The tables of one window of stored rows, in a folder of their own; close it after use."""

    def __init__(
        self,
        files: Sequence[Path],
        folder: Path,
        memory_limit: str = MEMORY_LIMIT,
        without: frozenset[str] = frozenset(),
    ) -> None:
        """`without` leaves these habits and measures out, to tell what a score rests on."""
        folder.mkdir(parents=True, exist_ok=True)
        settings: dict[str, Any] = {
            "memory_limit": memory_limit,
            "temp_directory": str(folder / "spill"),
            "threads": 2,
            "preserve_insertion_order": False,
        }
        self.connection = duckdb.connect(str(folder / "features.duckdb"), config=settings)
        self._files = files
        self._folder, self._memory_limit = folder, memory_limit
        self._without = without
        self.habit_columns = [one.code for one in HABITS if one.code not in without]
        self.columns = [one.code for one in MEASURES if one.code not in without]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def prepare(self, first_day: str | None = None, last_day: str | None = None) -> None:
        """Make habits from the rows of the days from `first_day` to `last_day` (ISO)."""
        first = date.fromisoformat(first_day) if first_day else EARLIEST
        last = date.fromisoformat(last_day) if last_day else LATEST
        rows = in_sql(self._files, first, last)
        movements = counted_once(self._files, first, last, self._folder, self._memory_limit)
        for query in (
            _LINKS.format(rows=movements, kinds=MOVEMENT_KINDS),
            _PAIRS,
            _QUANTILES.format(rows=rows),
            _INCOME.format(rows=rows),
            _SIDE.format(name="sent", end="a", most=VALUE_MAX),
            _SIDE.format(name="received", end="b", most=VALUE_MAX),
            _PARTNERS.format(name="payees", end="a"),
            _PARTNERS.format(name="payers", end="b"),
            _HABITS,
        ):
            self.connection.execute(query)

    def days(self) -> tuple[int, int]:
        """First and last day of a movement, as days since 1970-01-01; (0, -1) where none is."""
        found = self.connection.execute("SELECT min(day), max(day) FROM link").fetchone()
        return (0, -1) if found is None or found[0] is None else (found[0], found[1])

    def habits(self) -> Iterator[tuple[np.ndarray[Any, Any], Matrix]]:
        """Accounts and their habits, batch by batch, accounts in rising order."""
        yield from self._batches("habit", "account", self.habit_columns, "account")

    def lend(self, batches: Iterator[pa.RecordBatch]) -> None:
        """Take each account's likeness (`account`, `likeness`) and make the measures' tables."""
        self.connection.execute("CREATE TABLE likeness (account BIGINT, likeness DOUBLE)")
        for batch in batches:
            self.connection.register("lent", pa.Table.from_batches([batch]))
            self.connection.execute("INSERT INTO likeness SELECT account, likeness FROM lent")
            self.connection.unregister("lent")
        for query in (_ALIKE.format(unit=LIKENESS_UNIT), _DAYS, _around(), _measured(False)):
            self.connection.execute(query)

    def know(self, confirmed: pa.Table) -> None:
        """Add the measures of earlier confirmed cases: id, day, from_account, to_account."""
        self.connection.register("given", confirmed)
        self.connection.execute(
            "CREATE TABLE confirmed AS SELECT from_account, to_account,"
            " (day - DATE '1970-01-01')::INTEGER AS day FROM given"
        )
        self.connection.unregister("given")
        for side, end in (("from", "a"), ("to", "b")):
            self.connection.execute(_EARLIER.format(side=side, end=end, delay=CONFIRMED_AFTER_DAYS))
        self.connection.execute("DROP VIEW measured")
        self.connection.execute(_measured(True))
        self.columns += [one.code for one in EARLIER if one.code not in self._without]

    def want(self, ids: pa.Table) -> None:
        """Keep a table `wanted` of ids for `measures`."""
        self.connection.register("given", ids)
        self.connection.execute("CREATE OR REPLACE TABLE wanted AS SELECT id FROM given")
        self.connection.unregister("given")

    def measures(
        self, where: str = "true", ordered: bool = False
    ) -> Iterator[tuple[np.ndarray[Any, Any], Matrix]]:
        """Ids of movements and their measures, batch by batch; by id where `ordered`."""
        yield from self._batches(
            f"measured WHERE {where}", "id", self.columns, "id" if ordered else ""
        )

    def _batches(
        self, source: str, key: str, columns: Sequence[str], order: str
    ) -> Iterator[tuple[np.ndarray[Any, Any], Matrix]]:
        listed = ", ".join(f"{column}::FLOAT AS {column}" for column in columns)
        ordering = f" ORDER BY {order}" if order else ""
        cursor = self.connection.cursor()
        reader = cursor.execute(f"SELECT {key}, {listed} FROM {source}{ordering}").to_arrow_reader(
            BATCH_ROWS
        )
        for batch in reader:
            matrix = np.empty((batch.num_rows, len(columns)), dtype=np.float32)
            for place, column in enumerate(batch.columns[1:]):
                matrix[:, place] = column.to_numpy(zero_copy_only=False)
            yield batch.column(0).to_numpy(), matrix
