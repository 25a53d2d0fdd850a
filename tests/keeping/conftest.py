"""An installation with a programme, trades and money, in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.programme.world import found_world
from tests.settlement.trading import Trading, open_trading

from amanat.app import Application
from amanat.settings import Settings
from amanat.store.age import Lock, Opener

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def trading(tmp_path: Path, database_url: str) -> Iterator[Trading]:
    """Traders with cash, and both securities in the distribution account."""
    yield from open_trading(tmp_path, database_url)


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
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    with Application(replace(settings, database_url=database_url)) as app:
        found_world(app)
        app.pump()
        yield app
