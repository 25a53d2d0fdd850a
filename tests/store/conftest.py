"""A store on an empty database of each kind, with a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.engine import Engine

from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault, Provenance
from amanat.store.migrate import migrate
from amanat.store.uow import Store


class MovingClock:
    """Says the time that it was last set to."""

    def __init__(self) -> None:
        self.now = datetime(2021, 3, 1, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def pass_by(self, lapse: timedelta) -> None:
        """Let time pass."""
        self.now += lapse


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[Engine]:
    """An engine on an empty database, once of each kind."""
    opened = open_engine(empty_database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def clock() -> MovingClock:
    """The clock of the store."""
    return MovingClock()


@pytest.fixture
def store(database_url: str, clock: MovingClock) -> Iterator[Store]:
    """A store with every table and an empty journal."""
    engine = open_engine(database_url)
    migrate(engine)
    yield Store(engine, OpeningVault(b"k" * 32), clock=clock)
    engine.dispose()


@pytest.fixture
def provenance() -> Provenance:
    """Somebody who acts."""
    return Provenance(
        programme="test",
        institution="ministry",
        capacity="issuer",
        role="officer",
        means="token",
        business_date=date(2021, 3, 1),
    )
