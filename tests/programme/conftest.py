"""A founded programme on a real node: `founded_programme` once with each kind of database, and
`world`, furnished with participants, accounts and an asset, once for a whole file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from amanat.app import Application
from amanat.settings import Settings

from .world import World, found_world, furnish, prepared_world


@pytest.fixture
def application(tmp_path: Path, database_url: str) -> Iterator[Application]:
    """A started application with a node of its own and nothing in it."""
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    with Application(replace(settings, database_url=database_url)) as app:
        yield app


@pytest.fixture
def founded_programme(tmp_path: Path, database_url: str) -> Iterator[World]:
    """The programme `test`, founded, on its first day."""
    yield from prepared_world(tmp_path, database_url)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The programme `test` with a furnished room, on SQLite, shared by the tests of a file."""
    folder = tmp_path_factory.mktemp("installation")
    with Application(Settings.at(folder, light_keys=True)) as app:
        yield furnish(found_world(app))
