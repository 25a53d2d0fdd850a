"""The databases: durable commits, waiting writers, many rows at once, tables by migration."""

from __future__ import annotations

import contextlib
import select
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from amanat.store.engine import (
    DatabaseNotSupported,
    DatabaseUnavailable,
    insert_many,
    insert_tuples,
    open_engine,
    unavailable,
)
from amanat.store.migrate import differences, migrate

table = sql.Table(
    "test_row",
    sql.MetaData(),
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("text", sql.String(20)),
)


def test_only_tested_databases_are_opened() -> None:
    with pytest.raises(DatabaseNotSupported) as refusal:
        open_engine("mysql://someone:secret@host/name")
    assert "secret" not in str(refusal.value)


def test_sqlite_survives_the_loss_of_power(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    engine.dispose()
    # sqlite.org/pragma.html: synchronous 2 is FULL.
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_many_rows_at_once(engine: Engine) -> None:
    rows = [{"id": number, "text": f"row {number}"} for number in range(40_000)]
    with engine.begin() as connection:
        table.create(connection)
        insert_many(connection, table, rows)
        insert_many(connection, table, [])
        count, last = connection.execute(
            sql.select(sql.func.count(), sql.func.max(table.c.id))
        ).one()
    assert (count, last) == (40_000, 39_999)


mixed = sql.Table(
    "test_mixed",
    sql.MetaData(),
    sql.Column("id", sql.BigInteger, primary_key=True),
    sql.Column("text", sql.String(60)),
    sql.Column("raw", sql.LargeBinary),
    sql.Column("flag", sql.Boolean),
)
AWKWARD = (
    "plain",
    "",
    "tab\there",
    "line\nbreak\r",
    "back\\slash",
    "\\N",
    "\\.",
    "\\x41",
    "\\t",
    "اردو",
    "'\"",
    None,
)
BYTES = (b"", b"\\x", b"\0\xff\t\n", None)


@pytest.mark.parametrize("count", [3, 19, 20, 500])
def test_many_rows_come_back_as_they_were(engine: Engine, count: int) -> None:
    names = ("id", "text", "raw", "flag")
    rows = [
        (at, AWKWARD[at % 12], BYTES[at % 4], (True, False, None)[at % 3]) for at in range(count)
    ]
    with engine.begin() as connection:
        mixed.create(connection)
        insert_tuples(connection, mixed, names, rows)
        found = connection.execute(sql.select(mixed).order_by(mixed.c.id)).all()
    assert [tuple(row) for row in found] == rows


@pytest.mark.parametrize("count", [2, 40])
def test_many_rows_are_inserted_whole_or_not_at_all(engine: Engine, count: int) -> None:
    rows = [{"id": number, "text": "x"} for number in (*range(count), count - 1)]
    with engine.begin() as connection:
        table.create(connection)
    with engine.connect() as connection:
        with pytest.raises(sql.exc.DBAPIError), connection.begin():
            insert_many(connection, table, rows)
        # The connection serves on.
        assert connection.execute(sql.select(sql.func.count()).select_from(table)).scalar() == 0


def test_a_value_of_another_type_is_an_error(engine: Engine) -> None:
    rows = [{"id": number, "text": object()} for number in range(40)]
    with engine.begin() as connection:
        table.create(connection)
    with (
        pytest.raises((TypeError, sql.exc.DBAPIError)),
        engine.begin() as connection,
    ):
        insert_many(connection, table, rows)


def test_two_writers_wait_for_each_other(engine: Engine) -> None:
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert().values(id=1, text="0"))

    def count_up() -> None:
        for _ in range(20):
            with engine.begin() as connection:
                row = connection.execute(
                    sql.select(table.c.text).where(table.c.id == 1).with_for_update()
                ).one()
                connection.execute(table.update().values(text=str(int(row.text) + 1)))

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with engine.connect() as connection:
        assert connection.execute(sql.select(table.c.text)).scalar_one() == "60"


def test_a_writer_that_fails_lets_the_next_one_write(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    sql.event.listen(
        engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=20")
    )
    with engine.begin() as connection:
        table.create(connection)
    # Another process holds the write lock for longer than we wait.
    other = sqlite3.connect(sql.make_url(sqlite_url).database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(sql.exc.OperationalError, match="locked"), engine.begin():
            pass
    other.close()
    for number in (1, 1, 2):  # the second breaks the key
        with contextlib.suppress(sql.exc.IntegrityError), engine.begin() as connection:
            connection.execute(table.insert().values(id=number, text="x"))
    left = engine.connect()
    left.execute(table.insert().values(id=3, text="y"))
    left.close()  # without a commit
    with engine.begin() as connection:
        assert connection.execute(sql.select(table.c.id).order_by(table.c.id)).scalars().all() == [
            1,
            2,
        ]
    engine.dispose()


def test_readers_do_not_wait_for_a_writer(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with engine.begin() as connection:
        table.create(connection)
    with engine.begin() as writer:
        writer.execute(table.insert().values(id=1, text="x"))
        with engine.connect().execution_options(reads_only=True) as reader:
            assert reader.execute(sql.select(sql.func.count()).select_from(table)).scalar() == 0
    engine.dispose()


def test_migrations_make_the_tables_that_are_declared(engine: Engine) -> None:
    import amanat.app  # noqa: F401  (declares every room's tables)

    migrate(engine)
    assert differences(engine) == []
    migrate(engine)
    with engine.connect() as connection:
        logs = connection.exec_driver_sql("SELECT log FROM log_size ORDER BY log").scalars().all()
    assert logs == ["confidential", "public"]


def test_a_full_database_is_to_blame_and_a_wrong_statement_is_not(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'full.sqlite'}")
    rows = [{"id": number, "text": "x" * 20} for number in range(5_000)]
    with engine.begin() as connection:
        table.create(connection)
        connection.exec_driver_sql("PRAGMA max_page_count = 8")
        with pytest.raises(sql.exc.DBAPIError) as full:
            insert_many(connection, table, rows)
    told = unavailable(full.value)
    assert isinstance(told, DatabaseUnavailable)
    assert str(told) == "The database takes nothing now; try again."
    with engine.connect() as connection, pytest.raises(sql.exc.DBAPIError) as wrong:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert unavailable(wrong.value) is None
    engine.dispose()


def test_a_server_that_ends_is_to_blame(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with engine.connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({own})")
        with pytest.raises(sql.exc.DBAPIError) as gone:
            connection.exec_driver_sql("SELECT 1")
        assert isinstance(unavailable(gone.value), DatabaseUnavailable)
        connection.invalidate()
    engine.dispose()


def test_a_server_that_resets_the_connection_is_to_blame(postgres_url: str, tmp_path: Path) -> None:
    """It goes when it has been asked something that it has not read: unix(7), ECONNRESET."""
    asked = sql.make_url(postgres_url)
    between = tmp_path / "between"
    with socket.socket(socket.AF_UNIX) as door, socket.socket(socket.AF_UNIX) as server:
        door.bind(str(between))
        door.listen(1)
        server.connect(str(asked.query["unix_sock"]))
        resets = threading.Event()

        def carry() -> None:
            client, _ = door.accept()
            with client:
                while True:
                    for one in select.select([client, server], [], [])[0]:
                        if one is client and resets.is_set():
                            return
                        (server if one is client else client).sendall(one.recv(1 << 16))

        carrier = threading.Thread(target=carry)
        carrier.start()
        engine = open_engine(
            asked.update_query_dict({"unix_sock": str(between)}).render_as_string(False)
        )
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
            resets.set()
            with pytest.raises(sql.exc.DBAPIError, match="network error") as gone:
                connection.exec_driver_sql("SELECT 2")
            assert isinstance(unavailable(gone.value), DatabaseUnavailable)
            assert connection.invalidated
        carrier.join()
        engine.dispose()


def test_a_commit_that_fails_keeps_nobody_waiting(tmp_path: Path) -> None:
    """As on a full disk: the transaction is over, and the next one finds no lock."""
    engine = open_engine(f"sqlite:///{tmp_path / 'deferred.sqlite'}")
    with engine.begin() as connection:
        table.create(connection)
        connection.exec_driver_sql(
            "CREATE TABLE test_child (id INTEGER REFERENCES test_row (id)"
            " DEFERRABLE INITIALLY DEFERRED)"
        )
    failing = engine.connect()
    transaction = failing.begin()
    failing.exec_driver_sql("INSERT INTO test_child VALUES (7)")
    with pytest.raises(sql.exc.IntegrityError):
        transaction.commit()  # the law is looked at here, as the disk is
    with engine.begin() as connection:
        insert_many(connection, table, [{"id": 1, "text": "next"}])
    failing.close()
    engine.dispose()


def test_a_server_that_is_not_there_is_to_blame(tmp_path: Path) -> None:
    engine = open_engine(f"postgresql+pg8000://a@/b?unix_sock={tmp_path / 'none'}")
    with pytest.raises(sql.exc.DBAPIError) as gone:
        engine.connect()
    assert isinstance(unavailable(gone.value), DatabaseUnavailable)
    engine.dispose()
