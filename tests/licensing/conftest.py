"""A programme in which providers of virtual-asset services are licensed.

`desk` has database and acts without a node, for what the ledger has no part in, once with each kind
of database; `licensing` is founded on the embedded node, once for a file.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from amanat.app import Application
from amanat.settings import Settings

from .without_ledger import DeskWorld, desk_world
from .world import LicensingWorld, found_licensing_world


@pytest.fixture(scope="module")
def licensing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LicensingWorld]:
    """Founded on the embedded node, with everyone who confirms and is consulted."""
    folder = tmp_path_factory.mktemp("licensing")
    with Application(Settings.at(folder, light_keys=True)) as app:
        yield found_licensing_world(app)


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskWorld]:
    """Acts and views on either database, with no node."""
    with desk_world(database_url) as world:
        yield world
