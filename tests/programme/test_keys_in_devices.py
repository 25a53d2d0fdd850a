"""A programme whose operator and central bank sign in devices, through a restart of the device."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pkcs11
import pytest
from tests.ledger.softhsm import Tokens, tokens_in

from amanat.app import Application
from amanat.core.errors import Unavailable
from amanat.ledger.devices import read_devices
from amanat.ledger.hsm import open_device
from amanat.programme.commands import AppointSender, MoveDay
from amanat.settings import Settings

from .world import CODE, World, found_world

pytestmark = pytest.mark.device


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    """Two tokens: the operator's, and the central bank's."""
    made = tokens_in(tmp_path / "hsm")
    for label in ("operator", "central-bank"):
        made.initialise(label)
    yield made
    pkcs11.lib(str(made.module)).finalize()


@pytest.fixture
def world(tokens: Tokens, tmp_path: Path) -> Iterator[World]:
    """A founded programme; the keys of operator and central bank are in the tokens."""
    data = tmp_path / "installation"
    data.mkdir(mode=0o700)
    operator = tokens.terms("operator", "installation/operator")
    (data / "devices.toml").write_text(operator + tokens.terms("central-bank", "central_bank"))
    with Application(Settings.at(data, light_keys=True)) as app:
        yield found_world(app)


def advance(world: World, day: int, *, pump: bool = True) -> None:
    world.do("ministry", MoveDay(business_date=date(2021, 3, day)), pump=pump)


def today(world: World) -> str:
    with world.app.store.reading() as connection:
        return world.app.business_date(connection, CODE).isoformat()


def test_approvals_and_transactions_are_signed_in_devices(world: World, tokens: Tokens) -> None:
    app = world.app
    places = {row["key"]: row["place"] for row in world.view("keys", "auditor_officer")["rows"]}
    assert places[app.operator] == "device operator"
    assert places[app.reserve] == "keystore"
    approver = str(world.actor("central_bank_approver").address)
    assert places[approver] == "device central-bank"
    assert not (app.settings.data_dir / "keys" / "central_bank").exists()
    advance(world, 2)
    assert today(world) == "2021-03-02"

    # The device is restarted, and then pulled out for a while: orders wait and are not lost.
    pkcs11.lib(str(tokens.module)).reinitialize()
    advance(world, 3)
    advance(world, 4, pump=False)
    for device in read_devices(app.settings.devices_path):
        open_device(device).close()
    tokens.pull_out()
    with pytest.raises(Unavailable, match="operator"):
        app.pump(timeout_s=1.0)
    assert app.ledger.dispatcher.pending() == 1
    tokens.put_back()
    app.pump()
    assert today(world) == "2021-03-04"
    assert app.ledger.check() == []


def test_an_operators_device_is_lost_and_the_reserve_sends(world: World, tokens: Tokens) -> None:
    app = world.app
    advance(world, 2, pump=False)
    app.keys.destroy(app.operator)
    world.do("ministry", AppointSender(key=app.reserve, reason="broken", former_lost=True))
    assert today(world) == "2021-03-02"
    assert app.ledger.check() == []
    assert tokens.folder.is_dir()
