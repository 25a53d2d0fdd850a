"""An installation with a programme, trades and money, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.programme.world import prepared_world
from tests.settlement.trading import Trading, prepared_trading

from amanat.app import Application
from amanat.store.age import Lock, Opener

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def trading(tmp_path: Path, database_url: str) -> Iterator[Trading]:
    """Traders with cash, and both securities in the distribution account."""
    yield from prepared_trading(tmp_path, database_url)


@pytest.fixture
def lock() -> Lock:
    """For whom the tests encrypt."""
    return Lock(passphrase=PASSPHRASE)


@pytest.fixture
def opener() -> Opener:
    """What opens it."""
    return Opener(passphrase=PASSPHRASE)


@pytest.fixture
def founded(tmp_path: Path, database_url: str) -> Iterator[Application]:
    """A founded programme on a running application."""
    for world in prepared_world(tmp_path, database_url):
        yield world.app
