"""Data of a former version comes to the latest tables with every row, and `fsck` accepts it."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.store.make_fixtures import FIXTURES

from amanat.app import Application, declare_rooms
from amanat.keeping.tables import load
from amanat.settings import Settings
from amanat.store.engine import open_engine
from amanat.store.journal import read_entries
from amanat.store.migrate import differences, migrate

declare_rooms()
DUMPS = sorted(FIXTURES.glob("*.sqlite.sql"))


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_a_former_version_is_brought_to_the_latest_tables(
    dump: Path, tmp_path: Path, empty_database_url: str
) -> None:
    """Loaded into either database as a backup of that version would be, then migrated."""
    with sqlite3.connect(tmp_path / "database.sqlite") as source:
        source.executescript(dump.read_text(encoding="utf-8"))
        revision = source.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        names = [
            name
            for (name,) in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name != "alembic_version"
        ]
        before = {
            name: source.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names
        }
    source.close()
    engine = open_engine(empty_database_url)
    try:
        load(tmp_path, engine, {"kind": "sqlite", "revision": revision})
        migrate(engine)
        assert [one for one in differences(engine) if "test_" not in str(one)] == []
        with engine.connect() as connection:
            after = {
                name: connection.execute(
                    sql.select(sql.func.count()).select_from(sql.table(name))
                ).scalar_one()
                for name in names
            }
            assert after == before
            assert len(list(read_entries(connection, programme="test"))) > 20
    finally:
        engine.dispose()
    compare_with_its_node(dump, tmp_path / "home", empty_database_url)


def compare_with_its_node(dump: Path, home: Path, database_url: str) -> None:
    """`fsck`: contracts, index and journal, with the chain as the former version left it."""
    state = dump.with_name(dump.name.replace(".sqlite.sql", ".node.json.gz"))
    (home / "node").mkdir(parents=True)
    (home / "node" / "state.json").write_bytes(gzip.decompress(state.read_bytes()))
    app = Application(Settings(home, database_url, light_keys=True))
    try:
        assert app.node is not None
        app.node.start()
        app.ledger.follow()
        assert app.ledger.indexer.height() > 0
        assert app.ledger.check() == []
    finally:
        app.stop()


def test_there_is_data_of_every_version() -> None:
    assert DUMPS
