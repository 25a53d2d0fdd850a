"""The databases: durable commits, waiting writers, many rows at once, tables by migration."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from amanat.store.engine import DatabaseNotSupported, insert_many, open_engine
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


def test_migrations_make_the_tables_that_are_declared(engine: Engine) -> None:
    import amanat.app  # noqa: F401  (declares every room's tables)

    migrate(engine)
    assert differences(engine) == []
    migrate(engine)
    with engine.connect() as connection:
        logs = connection.exec_driver_sql("SELECT log FROM log_size ORDER BY log").scalars().all()
    assert logs == ["confidential", "public"]
