"""Installations that are founded once and copied for each test.

Founding and furnishing a programme takes seconds, a copy of its folder and database a tenth of one.
"""

from __future__ import annotations

import copy
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import make_url

from amanat.app import Application
from amanat.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class _Kept:
    """The folder of an installation that was stopped, its database, and what its maker told."""

    installation: Path
    database: Path | str
    told: Any


_KEPT: dict[tuple[str, str], _Kept] = {}
_PLACE = tempfile.TemporaryDirectory(prefix="amanat-prepared-")


@contextmanager
def prepared(
    name: str, folder: Path, database_url: str, make: Callable[[Application], T]
) -> Iterator[tuple[Application, T]]:
    """A started application in `folder`, as `make` leaves one, and a copy of what `make` gave.

    `make` is called for the first of a name on a kind of database; what it gives is plain values,
    which hold nothing of the application.
    """
    settings = replace(
        Settings.at(folder / "installation", light_keys=True), database_url=database_url
    )
    key = (name, _server(database_url))
    if key not in _KEPT:
        with Application(settings) as app:
            told = make(app)
        _KEPT[key] = _Kept(_copied(folder / "installation"), _kept_database(database_url), told)
    else:
        shutil.copytree(_KEPT[key].installation, folder / "installation")
        _restore_database(database_url, _KEPT[key].database)
    with Application(settings) as app:
        yield app, copy.deepcopy(_KEPT[key].told)


def _server(database_url: str) -> str:
    """What a database can be copied within."""
    url = make_url(database_url)
    return "sqlite" if url.get_backend_name() == "sqlite" else str(url.set(database="postgres"))


def _fresh() -> Path:
    return Path(tempfile.mkdtemp(dir=_PLACE.name))


def _copied(installation: Path) -> Path:
    kept = _fresh() / "installation"
    shutil.copytree(installation, kept)
    return kept


def _kept_database(database_url: str) -> Path | str:
    url = make_url(database_url)
    assert url.database is not None
    if url.get_backend_name() == "sqlite":
        kept = _fresh() / "amanat.sqlite"
        shutil.copyfile(url.database, kept)
        return kept
    name = f"kept_{secrets.token_hex(6)}"
    _run(database_url, f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY file_copy")
    return name


def _restore_database(database_url: str, kept: Path | str) -> None:
    url = make_url(database_url)
    assert url.database is not None
    if isinstance(kept, Path):
        shutil.copyfile(kept, url.database)
        return
    _run(
        database_url,
        f"DROP DATABASE {url.database} WITH (FORCE)",
        f"CREATE DATABASE {url.database} TEMPLATE {kept} STRATEGY file_copy",
    )


def _run(database_url: str, *statements: str) -> None:
    url = make_url(database_url).set(database="postgres")
    engine = sql.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sql.text(statement))
    engine.dispose()
