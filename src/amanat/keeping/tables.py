"""The database's content in files: a copy of SQLite's own, or one file for each table.

Both are of one moment, taken while others write: SQLite's VACUUM INTO and a REPEATABLE READ
transaction of PostgreSQL read a snapshot.  A table's file holds the lines of PostgreSQL's COPY in
its text format, so it can also be read without any database, and into SQLite: a backup can be
verified on a machine that has no PostgreSQL.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from amanat.core.errors import Refusal
from amanat.ledger import tables as ledger_tables
from amanat.store.migrate import migrate_to, revision
from amanat.store.tables import log_size

SQLITE_FILE = "database.sqlite"
TABLES_FILE = "tables.json"
_VERSION_TABLE = "alembic_version"
_ROWS_AT_ONCE = 2_000
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class DatabaseNotEmpty(Refusal):
    """A restoration writes into an empty database, never over what is there."""

    template: ClassVar[str] = "The database holds tables already: {tables}."


class NothingToKeep(Refusal):
    """A database without tables has nothing that could be kept."""

    template: ClassVar[str] = "{database} holds no installation."


@dataclass(frozen=True, slots=True)
class Content:
    """What a copied database says of itself."""

    kind: str
    revision: str
    block_number: int | None
    block_hash: str | None
    logs: Mapping[str, int]
    programmes: tuple[str, ...]
    rows: int

    def as_json(self) -> dict[str, Any]:
        """As the manifest writes it."""
        return {
            "kind": self.kind,
            "revision": self.revision,
            "block_number": self.block_number,
            "block_hash": self.block_hash,
            "logs": dict(self.logs),
            "programmes": list(self.programmes),
            "rows": self.rows,
        }


def dump(engine: Engine, chain_id: int, folder: Path) -> Content:
    """Write the database's content into `folder`; raises `NothingToKeep`."""
    if engine.dialect.name == "sqlite":
        return _dump_sqlite(engine, chain_id, folder)
    return _dump_postgres(engine, chain_id, folder)


def load(folder: Path, engine: Engine, content: Mapping[str, Any]) -> None:
    """Fill an empty database from `folder`; it has then the tables of the version that wrote it.

    Raises `DatabaseNotEmpty`, `RevisionUnknown`.
    """
    present = sql.inspect(engine).get_table_names()
    if present:
        raise DatabaseNotEmpty(tables=", ".join(sorted(present)[:5]))
    if content["kind"] == engine.dialect.name == "sqlite":
        engine.dispose()
        shutil.copyfile(folder / SQLITE_FILE, engine.url.database or "")
        return
    migrate_to(engine, str(content["revision"]))
    if content["kind"] == "sqlite":
        _load_from_sqlite(folder / SQLITE_FILE, engine)
    else:
        _load_from_files(folder, engine)


# -- writing --------------------------------------------------------------------------------------


def _dump_sqlite(engine: Engine, chain_id: int, folder: Path) -> Content:
    target = folder / SQLITE_FILE
    path = Path(engine.url.database or "")
    if not path.is_file():
        raise NothingToKeep(database=path)
    source = sqlite3.connect(path, timeout=60)
    try:
        source.execute("VACUUM INTO ?", (str(target),))
    finally:
        source.close()
    copied = sql.create_engine(f"sqlite:///{target}")
    try:
        with copied.connect() as connection:
            return _content(connection, chain_id, sorted(_tables(connection)), path)
    finally:
        copied.dispose()


def _dump_postgres(engine: Engine, chain_id: int, folder: Path) -> Content:
    snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with snapshot as connection, connection.begin():
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        found = _tables(connection)
        content = _content(connection, chain_id, sorted(found), engine.url.host or "PostgreSQL")
        listed = []
        for name, columns in sorted(found.items()):
            with (folder / f"{name}.copy").open("wb") as file:
                cursor = connection.connection.cursor()
                cursor.execute(
                    f"COPY {name} ({_listed(columns)}) TO STDOUT",
                    stream=file,  # type: ignore[call-arg]
                )
                cursor.close()
            listed.append({"table": name, "columns": columns})
    (folder / TABLES_FILE).write_text(json.dumps(listed, indent=1) + "\n")
    return content


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{one}"' for one in columns)


def _tables(connection: Connection) -> dict[str, list[str]]:
    look = sql.inspect(connection)
    return {
        name: [str(column["name"]) for column in look.get_columns(name)]
        for name in look.get_table_names()
        if name != _VERSION_TABLE
    }


def _content(
    connection: Connection, chain_id: int, names: Sequence[str], database: object
) -> Content:
    at = revision(connection)
    if at is None:
        raise NothingToKeep(database=database)
    cursor = connection.execute(
        sql.select(ledger_tables.cursor).where(ledger_tables.cursor.c.chain_id == chain_id)
    ).one_or_none()
    programmes = connection.exec_driver_sql("SELECT code FROM programme").scalars()
    return Content(
        kind=connection.dialect.name,
        revision=at,
        block_number=cursor.block_number if cursor else None,
        block_hash=cursor.block_hash if cursor else None,
        logs={row.log: row.size for row in connection.execute(sql.select(log_size))},
        programmes=tuple(sorted(programmes)),
        rows=sum(
            int(connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())
            for name in names
        ),
    )


# -- reading --------------------------------------------------------------------------------------


def _load_from_sqlite(source: Path, engine: Engine) -> None:
    copied = sql.create_engine(f"sqlite:///{source}")
    try:
        with copied.connect() as reading, engine.begin() as writing:
            for name, kinds in _in_order_of_keys(writing).items():
                columns = list(kinds)
                rows = reading.exec_driver_sql(f"SELECT {_listed(columns)} FROM {name}")
                convert = _from_sqlite(list(kinds.values()), writing.dialect.name)
                while part := rows.fetchmany(_ROWS_AT_ONCE):
                    _insert(writing, name, columns, [convert(tuple(row)) for row in part])
    finally:
        copied.dispose()


def _load_from_files(folder: Path, engine: Engine) -> None:
    listed = {
        one["table"]: one["columns"] for one in json.loads((folder / TABLES_FILE).read_text())
    }
    with engine.begin() as connection:
        for name, kinds in _in_order_of_keys(connection).items():
            columns = listed.get(name)
            if columns is None:
                continue
            with (folder / f"{name}.copy").open("rb") as file:
                if connection.dialect.name == "postgresql":
                    cursor = connection.connection.cursor()
                    cursor.execute(
                        f"COPY {name} ({_listed(columns)}) FROM STDIN",
                        stream=file,  # type: ignore[call-arg]
                    )
                    cursor.close()
                    continue
                read = [_reader_of(kinds[one]) for one in columns]
                for part in _parts(file):
                    rows = [_row(line, read) for line in part]
                    _insert(connection, name, columns, rows)


def _in_order_of_keys(connection: Connection) -> dict[str, dict[str, Any]]:
    """Tables, those that others refer to first, each with its columns and their types; emptied."""
    look = sql.inspect(connection)
    ordered = [
        name for name, _ in look.get_sorted_table_and_fkc_names() if name and name != _VERSION_TABLE
    ]
    for name in reversed(ordered):
        connection.exec_driver_sql(f"DELETE FROM {name}")
    return {
        name: {str(one["name"]): one["type"] for one in look.get_columns(name)} for name in ordered
    }


def _insert(
    connection: Connection, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(columns))
    connection.exec_driver_sql(
        f"INSERT INTO {name} ({_listed(columns)}) VALUES ({marks})", list(rows)
    )


def _from_sqlite(
    kinds: Sequence[Any], dialect: str
) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """SQLite keeps booleans as 0 and 1."""
    truths = [at for at, kind in enumerate(kinds) if isinstance(kind, sql.Boolean)]
    if dialect == "sqlite" or not truths:
        return lambda row: row

    def convert(row: tuple[Any, ...]) -> tuple[Any, ...]:
        values = list(row)
        for at in truths:
            values[at] = None if values[at] is None else bool(values[at])
        return tuple(values)

    return convert


def _parts(file: Any) -> Iterator[list[str]]:
    part: list[str] = []
    for line in file:
        part.append(line.decode().removesuffix("\n"))
        if len(part) == _ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _row(line: str, read: Sequence[Callable[[str], Any]]) -> tuple[Any, ...]:
    cells = zip(line.split("\t"), read, strict=True)
    return tuple(None if cell == "\\N" else reader(_unescaped(cell)) for cell, reader in cells)


def _unescaped(cell: str) -> str:
    if "\\" not in cell:
        return cell
    return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), cell)


def _reader_of(kind: Any) -> Callable[[str], Any]:
    if isinstance(kind, sql.LargeBinary):
        return lambda cell: bytes.fromhex(cell.removeprefix("\\x"))
    if isinstance(kind, sql.Boolean):
        return lambda cell: int(cell == "t")
    if isinstance(kind, sql.Integer):
        return int
    return str
