"""Opens the database: SQLite where one machine is enough, PostgreSQL in production."""

from __future__ import annotations

import functools
import operator
import re
import sqlite3
import struct
import threading
from collections.abc import Callable, Sequence
from io import BufferedRWPair
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection

from amanat.core.errors import Invalid, Unavailable

WRITER_WAITS_S = 30
# From so many rows on PostgreSQL is sent a COPY, which takes two more messages than an INSERT.
_COPY_ROWS_MIN = 20
# Unique violation, serialisation failure, deadlock (PostgreSQL's manual, appendix A).
_CONTENTIONS = frozenset({"23505", "40001", "40P01"})
# Classes of PostgreSQL's errors that pass: connection, resources (a full disk), operator, system.
_PASSING = ("08", "53", "57", "58")
# SQLite's result codes busy, read-only, input/output error, full, cannot open (sqlite.org/rescode).
_PASSING_SQLITE = frozenset({5, 8, 10, 13, 14})


class DatabaseNotSupported(Invalid):
    """Only SQLite and PostgreSQL are tested, so only these are opened."""

    template = "{url}: use sqlite:///FILE or postgresql+pg8000://USER@HOST/NAME."


def open_engine(url: str) -> Engine:
    """An engine on which a commit survives the loss of power (`synchronous=FULL`, or `on`).

    SQLite takes its write lock when a transaction begins, so that two writers wait for each other
    instead of failing halfway.  Writers of this engine wait in a queue of their own: SQLite's is
    a pause of up to 100 ms, in which nobody works.
    """
    try:
        backend = sql.make_url(url).get_backend_name()
    except sql.exc.ArgumentError:
        raise DatabaseNotSupported(url="the URL of the database") from None
    if backend == "postgresql":
        server = sql.create_engine(url, pool_pre_ping=True, pool_size=8)
        sql.event.listen(server, "do_connect", _connect_postgres)
        return server
    if backend != "sqlite":
        raise DatabaseNotSupported(url=sql.make_url(url).render_as_string(hide_password=True))
    queue = threading.Lock()

    class Queued(_QueuedConnection):
        writers = queue

    arguments = {"timeout": WRITER_WAITS_S, "check_same_thread": False, "factory": Queued}
    engine = sql.create_engine(url, connect_args=arguments)
    sql.event.listen(engine, "connect", _prepare_sqlite)
    sql.event.listen(engine, "begin", _begin_sqlite)
    return engine


class _QueuedConnection(sqlite3.Connection):
    """A connection to SQLite whose write transactions follow those of others in this process."""

    writers: ClassVar[threading.Lock]
    _writes = False

    def join(self) -> None:
        """Wait until the others' write transactions are over."""
        # After so long it is SQLite's to say that the database is locked.
        self._writes = self.writers.acquire(timeout=WRITER_WAITS_S)

    def leave(self) -> None:
        """Let the next one write."""
        if self._writes:
            self._writes = False
            self.writers.release()

    def commit(self) -> None:
        try:
            super().commit()
        except BaseException:
            # A full disk leaves the transaction open and its locks held: all others would wait.
            self.rollback()
            raise
        self.leave()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.leave()

    def close(self) -> None:
        super().close()
        self.leave()


def _prepare_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by us, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={WRITER_WAITS_S * 1000}",
        "cache_size=-65536",
        # Copying the log into the database this seldom spares writing busy pages many times over;
        # what was committed is durable in the log, which comes to 32 MB.
        "wal_autocheckpoint=8000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    if connection.get_execution_options().get("reads_only", False):
        connection.exec_driver_sql("BEGIN")
        return
    raw: Any = connection.connection.dbapi_connection
    raw.join()
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        raw.leave()
        raise


def _connect_postgres(
    dialect: Any, _record: Any, arguments: Sequence[Any], named: dict[str, Any]
) -> DBAPIConnection:
    """Connect; a socket that is not there is an error of the database, and not of the program."""
    gone = dialect.loaded_dbapi.InterfaceError
    try:
        connection = dialect.connect(*arguments, **named)
    except (OSError, struct.error, EOFError) as error:
        raise gone("network error") from error
    connection._sock = _Wire(connection._sock, gone)
    made: DBAPIConnection = connection
    return made


class _Wire:
    """The driver's file of its socket, that says as the driver does that the server has gone.

    The driver says it of what it writes, and of what it reads unless that is a message's first
    byte: a server that resets the connection would be an `OSError` of the program.
    """

    __slots__ = ("_gone", "_read", "close", "flush", "write")

    def __init__(self, file: BufferedRWPair, gone: type[Exception]) -> None:
        self._read, self._gone = file.read, gone
        self.write, self.flush, self.close = file.write, file.flush, file.close

    def read(self, size: int) -> bytes:
        try:
            return self._read(size)
        except OSError as error:
            raise self._gone("network error") from error


def is_contention(error: sql.exc.DBAPIError) -> bool:
    """Whether another transaction that took the same thing at the same moment is to blame.

    SQLite lets one write at a time, so this is PostgreSQL's to say.
    """
    told = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return isinstance(told, dict) and told.get("C") in _CONTENTIONS


class DatabaseUnavailable(Unavailable):
    """The database restarts, its disk is full, or it cannot be reached; the act may be repeated."""

    template = "The database takes nothing now; try again."


def unavailable(error: sql.exc.DBAPIError) -> DatabaseUnavailable | None:
    """The error that callers are told where the database is to blame and not the statement.

    PostgreSQL and SQLite tell by their codes; of a server that is gone the driver tells.
    """
    told = error.orig.args[0] if error.orig is not None and error.orig.args else None
    if isinstance(error.orig, sqlite3.Error):
        passes = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _PASSING_SQLITE
    elif isinstance(told, dict):
        passes = str(told.get("C", "")).startswith(_PASSING)
    else:
        passes = error.connection_invalidated or isinstance(error, sql.exc.InterfaceError)
    return DatabaseUnavailable(DatabaseUnavailable.template) if passes else None


def insert_many(connection: Connection, table: sql.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows of one shape quickly on both databases; all of them, or an error.

    Values are text, integers, booleans, bytes and None.  What the database refuses comes as the
    `sqlalchemy.exc` error that any other statement would raise.
    """
    if rows:
        names = tuple(rows[0])
        insert_tuples(connection, table, names, list(map(_values(names), rows)))


def insert_tuples(
    connection: Connection,
    table: sql.Table,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """As `insert_many`, for rows that are tuples of the values of the columns in `names`."""
    if not rows:
        return
    columns = ", ".join(names)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows)
        )
    elif len(rows) < _COPY_ROWS_MIN:
        row_mark = "(" + ", ".join(["%s"] * len(names)) + ")"
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({columns}) VALUES " + ", ".join([row_mark] * len(rows)),
            tuple(value for row in rows for value in row),
        )
    else:
        _copy(connection, f"COPY {table.name} ({columns}) FROM STDIN", rows)


def insert_new_tuples(
    connection: Connection,
    table: sql.Table,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """As `insert_tuples`; where a row with the same key is there, it stays as it is."""
    if not rows:
        return
    columns = ", ".join(names)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(
            f"INSERT INTO {table.name} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING",
            list(rows),
        )
        return
    # COPY knows no conflicts: the rows go by a table that the transaction takes with it.
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE new_{table.name} ON COMMIT DROP AS"
        f" SELECT {columns} FROM {table.name} WITH NO DATA"
    )
    _copy(connection, f"COPY new_{table.name} ({columns}) FROM STDIN", rows)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({columns}) SELECT * FROM new_{table.name}"
        " ON CONFLICT DO NOTHING"
    )
    connection.exec_driver_sql(f"DROP TABLE new_{table.name}")


@functools.cache
def _values(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    """Takes these values out of a row."""
    if len(names) == 1:
        (only,) = names
        return lambda row: (row[only],)
    return operator.itemgetter(*names)


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Send rows by COPY: parsing a long INSERT costs the server several times as much."""
    columns = [_copy_texts(column) for column in zip(*rows, strict=True)]
    lines = "\n".join(map("\t".join, zip(*columns, strict=True)))
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, stream=[lines.encode() + b"\n"])  # type: ignore[call-arg]
    except connection.dialect.loaded_dbapi.Error as error:
        raise sql.exc.DBAPIError.instance(
            statement, None, error, connection.dialect.loaded_dbapi.Error,
            dialect=connection.dialect,
        ) from error  # fmt: skip
    finally:
        cursor.close()


# What COPY's text form writes otherwise (PostgreSQL's manual, COPY, "Text Format").
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COPY_SPECIAL = re.compile(r"[\\\t\n\r]")
_COPY_NULL = "\\N"


def _copy_texts(values: Sequence[Any]) -> Sequence[str]:
    """A column's values in COPY's text form; columns of one type are looked at as a whole."""
    kinds = set(map(type, values))
    if kinds == {str} and not _COPY_SPECIAL.search("\0".join(values)):
        return values
    if kinds == {int}:
        return list(map(str, values))
    return [_copy_text(value) for value in values]


def _copy_text(value: Any) -> str:
    kind = type(value)
    if value is None:
        return _COPY_NULL
    if kind is bool:
        return "t" if value else "f"
    if kind is bytes:
        return f"\\\\x{value.hex()}"
    if kind is int:
        return str(value)
    if isinstance(value, str):
        return str(value.translate(_COPY_ESCAPES))
    raise TypeError(f"{kind.__name__} cannot be inserted as one of many rows")
