"""Opens the database: SQLite where one machine is enough, PostgreSQL in production."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from amanat.core.errors import Invalid

# One statement never carries more values than PostgreSQL's protocol allows (65,535).
_VALUES_MAX = 30_000


class DatabaseNotSupported(Invalid):
    """Only SQLite and PostgreSQL are tested, so only these are opened."""

    template = "{url}: use sqlite:///FILE or postgresql+pg8000://USER@HOST/NAME."


def open_engine(url: str) -> Engine:
    """An engine on which a commit survives the loss of power (`synchronous=FULL`, or `on`).

    SQLite takes its write lock when a transaction begins, so that two writers wait for each other
    instead of failing halfway.
    """
    backend = sql.make_url(url).get_backend_name()
    if backend == "postgresql":
        return sql.create_engine(url, pool_pre_ping=True, pool_size=8)
    if backend != "sqlite":
        raise DatabaseNotSupported(url=sql.make_url(url).render_as_string(hide_password=True))
    engine = sql.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sql.event.listen(engine, "connect", _prepare_sqlite)
    sql.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")


def insert_many(connection: Connection, table: sql.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one shape quickly on both databases; all of them, or an error."""
    if not rows:
        return
    columns = list(rows[0])
    names = ", ".join(columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})",
            [tuple(row[column] for column in columns) for row in rows],
        )
        return
    row_mark = "(" + ", ".join(["%s"] * len(columns)) + ")"
    for chunk in _chunks(rows, max(1, _VALUES_MAX // len(columns))):
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({names}) VALUES " + ", ".join([row_mark] * len(chunk)),
            tuple(row[column] for row in chunk for column in columns),
        )


def _chunks(rows: Sequence[dict[str, Any]], size: int) -> Iterable[Sequence[dict[str, Any]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
