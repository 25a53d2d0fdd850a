"""The migrations make exactly the tables that the rooms declare, on both databases."""

from __future__ import annotations

import sqlalchemy as sql
from sqlalchemy.engine import Engine

from amanat.app import declare_rooms
from amanat.store.migrate import differences, migrate, take_back
from amanat.store.tables import log_size, metadata

declare_rooms()


def declared() -> set[str]:
    """The tables of the product: tests declare some of their own."""
    return {
        name
        for name, table in metadata.tables.items()
        if not name.startswith("test_") and not table.info.get("test")
    }


def test_an_empty_database_gets_every_table(engine: Engine) -> None:
    migrate(engine)
    missing = [one for one in differences(engine) if "test_" not in str(one)]
    assert missing == []
    assert declared() <= set(sql.inspect(engine).get_table_names())


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sql.update(log_size).values(size=7))
    migrate(engine)
    with engine.connect() as connection:
        assert set(connection.execute(sql.select(log_size.c.size)).scalars()) == {7}


def test_it_can_be_taken_back(engine: Engine) -> None:
    migrate(engine)
    take_back(engine)
    assert set(sql.inspect(engine).get_table_names()) <= {"alembic_version"}
