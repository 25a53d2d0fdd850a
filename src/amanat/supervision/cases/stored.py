"""The stored transactions that a case reads: by id, and around a subject; files in force alone.

lie_in(engine, folder)    said once, when an installation is put together
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection, Engine

from amanat.supervision.returns.manifest import files_in_force

if TYPE_CHECKING:
    import duckdb

# The engine is imported when a case is read, so that help is there at once.

ROWS_MAX = 4_000
DEGREE_MAX = 200
"""Rows of one account through which no further hop is sought: a hub joins everybody."""
_FOLDERS: weakref.WeakKeyDictionary[Engine, Path] = weakref.WeakKeyDictionary()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SELECT = 'SELECT * REPLACE (epoch_us("at") AS "at")'
EARLIEST, LATEST = date(1900, 1, 1), date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Around:
    """Rows around a subject; `hubs` are accounts through which nothing was sought."""

    rows: tuple[dict[str, Any], ...]
    hubs: tuple[str, ...]
    cut: bool
    """Whether there were more rows than are taken."""


def lie_in(engine: Engine, folder: Path) -> None:
    """Say in which installation's folder the files of this database lie."""
    _FOLDERS[engine] = folder


def paths_of(
    connection: Connection,
    programme: str,
    first_day: date = EARLIEST,
    last_day: date = LATEST,
    exchanges: list[str] | None = None,
) -> list[str]:
    """Files in force with transactions of these days; none where no folder was said."""
    folder = _FOLDERS.get(connection.engine)
    if folder is None:
        return []
    found = files_in_force(connection, programme, first_day, last_day, exchanges)
    return [str(one.at(folder)) for one in found]


_BACK_DAYS = (14, 90, 366)
"""What is cited was as a rule reported lately: so many days are looked through first."""


def cited_rows(
    connection: Connection,
    programme: str,
    ids: Iterable[int],
    last_day: date,
    exchanges: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Rows in force with these ids, by time; files of the days before one are looked through first.

    Files of further days are opened only while an id is missing.
    """
    missing, found = set(ids), list[dict[str, Any]]()
    seen: set[str] = set()
    for back in (*_BACK_DAYS, None):
        if not missing:
            break
        days = (EARLIEST, LATEST) if back is None else (last_day - timedelta(back), last_day)
        paths = paths_of(connection, programme, *days, exchanges)
        fresh = [one for one in paths if one not in seen]
        seen.update(fresh)
        rows = rows_by_id(fresh, missing)
        missing -= {int(one["id"]) for one in rows}
        found += rows
    return sorted(found, key=lambda one: (one["at"], int(one["id"])))


def rows_by_id(paths: Sequence[str], ids: Iterable[int]) -> list[dict[str, Any]]:
    """Rows with these ids, by time; what is not there is left out."""
    wanted = sorted(set(ids))
    if not paths or not wanted:
        return []
    import duckdb

    with duckdb.connect() as database:
        found = database.execute(
            f"{_SELECT} FROM read_parquet({listed(paths)}, hive_partitioning = false)"
            f' WHERE id IN ({", ".join(map(str, wanted))}) ORDER BY "at", id'
        )
        return _rows(found)


@lru_cache(maxsize=4)
def rows_around(
    paths: Sequence[str], subject: str, first_day: date, last_day: date, hops: int
) -> Around:
    """Rows within `hops` of a party or account, at most `ROWS_MAX`.

    The first hop is every row of the subject; further ones go on from the accounts and persons
    that it reached, but for those of more than `DEGREE_MAX` rows.  Files never change: what was
    looked at last is kept.
    """
    kind, _, number = subject.partition(":")
    if not paths or kind not in ("party", "account") or not number.isdecimal():
        return Around((), (), False)
    import duckdb

    who = int(number)
    days = f"day BETWEEN DATE '{first_day}' AND DATE '{last_day}'"
    source = f"read_parquet({listed(paths)}, filename = true, hive_partitioning = false)"
    with duckdb.connect() as database:
        own = database.execute(
            f"SELECT from_account FROM {source} WHERE {days} AND from_{kind} = {who} UNION"
            f" SELECT to_account FROM {source} WHERE {days} AND to_{kind} = {who}"
        ).fetchall()
        _touching(database, "near", f"{source} WHERE {days}", {one[0] for one in own})
        database.execute("CREATE TEMP TABLE seen AS SELECT * FROM near")
        edge, hubs = {one[0] for one in own}, set()
        for _hop in range(hops - 1):
            hubs |= _one_hop(database, f"{source} WHERE {days}", edge)
        counted = database.execute("SELECT count(*) FROM seen").fetchone()
        shown = database.execute(
            "SELECT id, filename FROM seen ORDER BY value DESC, id LIMIT ?", [ROWS_MAX]
        ).fetchall()
        rows = _whole_rows(database, [one[0] for one in shown], {one[1] for one in shown})
    cut = counted is not None and counted[0] > ROWS_MAX
    return Around(rows, tuple(sorted(map(str, hubs))), cut)


def _touching(
    database: duckdb.DuckDBPyConnection, name: str, source: str, accounts: Iterable[int]
) -> None:
    """A table of the rows from or to these accounts, narrow: what a file's own filters can find."""
    wanted = ", ".join(map(str, sorted(accounts))) or "NULL"
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT id, value, from_account, to_account,"
        f" filename FROM {source} AND (from_account IN ({wanted}) OR to_account IN ({wanted}))"
    )


def _one_hop(database: duckdb.DuckDBPyConnection, source: str, edge: set[int]) -> set[int]:
    """Go on from the accounts that were reached; `edge` grows by them, but for the hubs told."""
    reached = {
        account
        for pair in database.execute("SELECT from_account, to_account FROM near").fetchall()
        for account in pair
    } - edge
    _touching(database, "near", source, reached)
    counts = database.execute(
        "SELECT a, count(*) FROM (SELECT from_account a FROM near UNION ALL"
        " SELECT to_account FROM near WHERE to_account <> from_account)"
        " WHERE a IN (SELECT unnest($1::BIGINT[])) GROUP BY a",
        [list(reached)],
    ).fetchall()
    hubs = {account for account, count in counts if count > DEGREE_MAX}
    edge |= reached - hubs
    database.execute(
        "CREATE OR REPLACE TEMP TABLE near AS WITH going AS (SELECT unnest($1::BIGINT[]) a)"
        " SELECT * FROM near WHERE from_account IN (FROM going) OR to_account IN (FROM going)",
        [list(reached - hubs)],
    )
    database.execute("INSERT INTO seen SELECT * FROM near ANTI JOIN seen USING (id)")
    return hubs


def _whole_rows(
    database: duckdb.DuckDBPyConnection, ids: Sequence[int], files: Iterable[str]
) -> tuple[dict[str, Any], ...]:
    """Rows with all columns, the greatest first, from the files that they are known to lie in."""
    if not ids:
        return ()
    wanted = ", ".join(map(str, ids))
    found = database.execute(
        f"{_SELECT} FROM read_parquet({listed(sorted(files))}, hive_partitioning = false)"
        f" WHERE id IN ({wanted}) ORDER BY value DESC, id"
    )
    return tuple(_rows(found))


def joined(
    rows: Sequence[dict[str, Any]], paths: Sequence[str], first_day: date, last_day: date
) -> list[dict[str, Any]]:
    """Rows as one reading has them: who the other side names, and no transfer twice.

    A second report goes where the first is among the rows; alone it stands for the transfer.
    """
    from amanat.supervision.monitoring.joined import told_of

    two_sided = [int(one["id"]) for one in rows if _of_two_sides(one)]
    told = told_of(paths, first_day, last_day, two_sided)
    shown = {int(one["id"]) for one in rows}
    found = []
    for row in rows:
        other = told.get(int(row["id"]))
        if other is None:
            found.append(row)
        elif other["first"] not in shown:
            found.append(row | _told(row, other))
    return found


def _of_two_sides(row: dict[str, Any]) -> bool:
    """Whether another exchange may have reported the same."""
    if row["kind"] in ("deposit", "withdrawal"):
        return row["transaction_hash"] is not None and row["hosted"] is not False
    return bool(row["kind"] == "transfer" and row["from_exchange"] != row["to_exchange"])


def _told(row: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What a row says when the other side's report is read beside it."""
    found = {
        "from_party": row["from_party"] or _plain(other["from_person"]),
        "to_party": row["to_party"] or _plain(other["to_person"]),
        "from_country": other["from_home"] or row["from_country"],
        "to_country": other["to_home"] or row["to_country"],
    }
    if other["joined"]:
        found |= {
            "kind": "transfer",
            "to_account": _plain(other["came_to"]),
            "to_exchange": other["came_by"],
        }
    return found


def listed(paths: Sequence[str]) -> str:
    """Paths as a list in SQL."""
    quoted = ", ".join("'" + one.replace("'", "''") + "'" for one in paths)
    return f"[{quoted}]"


def _rows(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [one[0] for one in found.description or ()]
    return [
        {
            name: _moment(value) if name == "at" else _plain(value)
            for name, value in zip(names, row, strict=True)
        }
        for row in found.fetchall()
    ]


def _moment(microseconds: int) -> str:
    """A time of a row, UTC."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


def _plain(value: Any) -> Any:
    """A value as JSON has it: ids, pseudonyms and amounts as text, since JavaScript rounds them."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, int):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
