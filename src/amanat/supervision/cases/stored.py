"""The stored transactions that a case reads: by id, and around a subject; files in force alone.

lie_in(engine, folder)    said once, when an installation is put together
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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


def rows_by_id(paths: Sequence[str], ids: Iterable[int]) -> list[dict[str, Any]]:
    """Rows with these ids, by time; what is not there is left out."""
    wanted = sorted(set(ids))
    if not paths or not wanted:
        return []
    import duckdb

    with duckdb.connect() as database:
        found = database.execute(
            f"{_SELECT} FROM read_parquet(?) WHERE id IN (SELECT unnest(?::BIGINT[])) "
            'ORDER BY "at", id',
            [list(paths), wanted],
        )
        return _rows(found)


def rows_around(
    paths: Sequence[str], subject: str, first_day: date, last_day: date, hops: int
) -> Around:
    """Rows within `hops` of a party or account, at most `ROWS_MAX`.

    The first hop is every row of the subject; further ones go on from the accounts and persons
    that it reached, but for those of more than `DEGREE_MAX` rows.
    """
    kind, _, number = subject.partition(":")
    if not paths or kind not in ("party", "account") or not number.isdecimal():
        return Around((), (), False)
    import duckdb

    source = (
        f"FROM read_parquet({listed(paths)}) WHERE day BETWEEN DATE '{first_day}' AND"
        f" DATE '{last_day}'"
    )
    with duckdb.connect() as database:
        # Hops go over a narrow table in memory; of the files themselves the rows shown are read.
        database.execute(
            "CREATE TEMP TABLE t AS SELECT id, value, from_account, to_account,"
            f" from_{kind} AS from_who, to_{kind} AS to_who {source}"
        )
        database.execute("CREATE TEMP TABLE seen (id BIGINT)")
        database.execute("CREATE TEMP TABLE edge (account BIGINT)")
        database.execute(
            "INSERT INTO edge SELECT DISTINCT a FROM ("
            "SELECT from_account a FROM t WHERE from_who = $1 UNION "
            "SELECT to_account FROM t WHERE to_who = $1)",
            [int(number)],
        )
        hubs: list[str] = []
        for hop in range(hops):
            hubs += _one_hop(database, last=hop + 1 == hops)
        counted = database.execute("SELECT count(*) FROM seen").fetchone()
        shown = database.execute(
            "SELECT t.id FROM t SEMI JOIN seen USING (id) ORDER BY value DESC, id LIMIT ?",
            [ROWS_MAX],
        ).fetchall()
        found = database.execute(
            f"{_SELECT} {source} AND id IN (SELECT unnest(?::BIGINT[])) ORDER BY value DESC, id",
            [[one[0] for one in shown]],
        )
        rows = tuple(_rows(found))
    return Around(rows, tuple(sorted(set(hubs))), counted is not None and counted[0] > ROWS_MAX)


def _one_hop(database: duckdb.DuckDBPyConnection, *, last: bool) -> list[str]:
    database.execute(
        "CREATE OR REPLACE TEMP TABLE seen AS SELECT id FROM t"
        " WHERE from_account IN (SELECT account FROM edge)"
        " OR to_account IN (SELECT account FROM edge)"
    )
    if last:
        return []
    database.execute(
        "CREATE OR REPLACE TEMP TABLE reached AS SELECT DISTINCT a FROM ("
        "SELECT from_account a FROM t SEMI JOIN seen USING (id) UNION "
        "SELECT to_account FROM t SEMI JOIN seen USING (id)) "
        "WHERE a NOT IN (SELECT account FROM edge)"
    )
    database.execute(
        "CREATE OR REPLACE TEMP TABLE degree AS SELECT a, count(*) n FROM ("
        "SELECT from_account a FROM t WHERE from_account IN (SELECT a FROM reached) UNION ALL "
        "SELECT to_account FROM t WHERE to_account IN (SELECT a FROM reached)) GROUP BY a"
    )
    database.execute("INSERT INTO edge SELECT a FROM degree WHERE n <= ?", [DEGREE_MAX])
    hubs = database.execute("SELECT a FROM degree WHERE n > ? ORDER BY a", [DEGREE_MAX]).fetchall()
    return [str(one[0]) for one in hubs]


def joined(
    rows: Sequence[dict[str, Any]], paths: Sequence[str], first_day: date, last_day: date
) -> list[dict[str, Any]]:
    """Rows as one reading has them: who the other side names, and no transfer twice.

    A second report goes where the first is among the rows; alone it stands for the transfer.
    """
    from amanat.supervision.monitoring.joined import told_of

    two_sided = [int(one["id"]) for one in rows if one["kind"] in _TWO_SIDED]
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


_TWO_SIDED = ("transfer", "deposit", "withdrawal")


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
