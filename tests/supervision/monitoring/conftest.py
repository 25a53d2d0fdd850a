"""A store with files of transactions, and a DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.supervision.monitoring.ledger_of_rows import Stored
from tests.supervision.monitoring.looking import duck

from amanat.app import declare_rooms
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store
from amanat.supervision.monitoring.engines import DuckEngine

declare_rooms()


@pytest.fixture(scope="session")
def engine_of_scenarios(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    """One DuckDB for all tests: a run leaves nothing in it."""
    engine = duck(tmp_path_factory.mktemp("duck"))
    yield engine
    engine.close()


@pytest.fixture
def stored(sqlite_url: str, tmp_path: Path) -> Iterator[Stored]:
    """An installation's folder and database, both empty."""
    engine = open_engine(sqlite_url)
    migrate(engine)
    yield Stored(Store(engine, OpeningVault(b"k" * 32)), tmp_path)
    engine.dispose()
