"""An exchange that may report, an authority, and an intake over either database."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.desk import Desk
from amanat.access.tables import institution
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.uow import Store
from amanat.supervision.identities.vault import Vault
from amanat.supervision.returns.intake import Intake

from ...licensing.without_ledger import DeskWorld, desk_world, no_ledger
from ...programme.world import CODE
from ...store.conftest import MovingClock

KEY = bytes(range(32))


class IntakeWorld:
    """Who reports and who supervises, and the intake between them."""

    def __init__(self, desk: DeskWorld, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        desk.store.folder = folder
        desk.store._secret = lambda _name: KEY
        self.intake = Intake(desk.store, lambda _connection, _programme: desk.day, folder, KEY)
        self.vault = Vault(KEY)

    def take(self, given: Path, exchange: str = "exchange_x") -> dict[str, Any]:
        """A return sent by the exchange's officer."""
        with self.intake.incoming() as place:
            for one in given.iterdir():
                place.put(one)
            return self.intake.take(self.desk.actor(f"{exchange}_officer"), place)

    def rows(self, table: sql.Table) -> list[Any]:
        """All rows of a table."""
        with self.desk.store.reading() as connection:
            return list(connection.execute(sql.select(table)))

    def view(self, person: str, name: str, **fields: Any) -> Any:
        """What a person is shown."""
        return self.desk.app.desk.view(self.desk.actor(person), CODE, name, fields)

    def files(self) -> list[str]:
        """Every file under the folder of supervision."""
        return sorted(
            str(one.relative_to(self.folder)) for one in self.folder.rglob("*") if one.is_file()
        )

    def at(self, day: date) -> None:
        """Let it be another business day, at eleven in Karachi."""
        self.desk.day = day
        self.desk.clock.now = self.desk.clock.now.replace(day=day.day, month=day.month)


def admit(desk: DeskWorld, exchange: str) -> None:
    """An exchange with an NOC that is registered with the unit: it may report."""
    desk.noc(exchange)
    desk.confirm("fmu", exchange, "goaml_registered")


def _with_authorities(desk: DeskWorld) -> None:
    """The supervisor and the unit get what they supervise with."""
    with desk.store.engine.begin() as connection:
        for code, further in (("pvara", "supervises"), ("fmu", "fiu")):
            here = (institution.c.programme == CODE) & (institution.c.code == code)
            held = connection.execute(sql.select(institution.c.capacities).where(here)).scalar_one()
            connection.execute(
                institution.update().where(here).values(capacities=sorted([*held, further]))
            )


@pytest.fixture(scope="module")
def admitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, DeskWorld]]:
    """A database in which `exchange_x` may report, to be copied; made once for a file of tests."""
    path = tmp_path_factory.mktemp("admitted") / "amanat.sqlite"
    with desk_world(f"sqlite:///{path}") as desk:
        _with_authorities(desk)
        admit(desk, "exchange_x")
        copied = path.with_name("copied.sqlite")
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("VACUUM INTO ?", (str(copied),))
        yield copied, desk


@pytest.fixture
def world(admitted: tuple[Path, DeskWorld], tmp_path: Path) -> Iterator[IntakeWorld]:
    """`exchange_x` may report; everyone has their capacities."""
    path, former = admitted
    shutil.copyfile(path, tmp_path / "amanat.sqlite")
    engine = open_engine(f"sqlite:///{tmp_path / 'amanat.sqlite'}")
    clock = MovingClock()
    clock.now = former.clock.now
    store = Store(engine, OpeningVault(b"k" * 32), clock=clock)
    desk: Any = DeskWorld(SimpleNamespace(store=store))  # type: ignore[arg-type]
    desk.day, desk.store, desk.clock = former.day, store, clock
    keys = former.app.desk._keys
    desk.app.desk = Desk(store, no_ledger, keys, lambda _connection, _programme: desk.day)
    yield IntakeWorld(desk, tmp_path / "installation")
    engine.dispose()


@pytest.fixture
def world_in(database_url: str, tmp_path: Path) -> Iterator[IntakeWorld]:
    """As `world`, once in each kind of database."""
    with desk_world(database_url) as desk:
        _with_authorities(desk)
        admit(desk, "exchange_x")
        yield IntakeWorld(desk, tmp_path / "installation")
