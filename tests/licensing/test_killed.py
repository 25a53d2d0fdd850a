"""Killed between decision and ledger, a grant and a suspension complete when it comes back."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from amanat.app import Application
from amanat.licensing.commands import Suspend
from amanat.settings import Settings

from .world import LicensingWorld, found_licensing_world


def killed(world: LicensingWorld, settings: Settings) -> LicensingWorld:
    """The node is killed and the application ends; another one starts on its folder."""
    app = world.app
    assert app.node is not None
    pid = app.node.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    app.stop()
    return LicensingWorld(Application(settings).start())


def status(world: LicensingWorld) -> str:
    """The public status, as the authority reads it."""
    shown: str = world.view("provider", "pvara_officer", provider="exchange_x")["status"]
    return shown


def test_it_completes_and_all_records_agree(tmp_path: Path) -> None:
    settings = Settings.at(tmp_path / "installation", light_keys=True)
    world = found_licensing_world(Application(settings).start())
    world.licensed("exchange_x", pump=False)
    world = killed(world, settings)
    try:
        assert status(world) == "aml_registered"
        world.app.pump()
        assert status(world) == "licensed"
        assert world.app.check() == []
        # What the node had a moment ago it may have forgotten: it is sent again, the same bytes.
        stop = Suspend(provider="exchange_x", level="close_out_only", reason="an inspection")
        world.do_as("pvara_officer", stop, "pvara_approver")
        world = killed(world, settings)
        assert status(world) == "suspended"
        world.app.pump()
        world = killed(world, settings)
        world.app.pump()
        assert status(world) == "suspended"
        shown = world.view("participant", participant="exchange_x")
        assert shown["level_on_ledger"] == "close_out_only"
        assert world.app.check() == []
        row = world.view("provider", "pvara_officer", provider="exchange_x")["changes"][-1]
        assert row["done_at"] is not None
    finally:
        world.app.stop()
