"""Grants, suspensions and revocations move decision, permissions and ledger together."""

from __future__ import annotations

import pytest

from amanat.licensing.commands import LiftSuspension, Revoke, Suspend
from amanat.licensing.model import PermissionMissing, ProviderSuspended
from amanat.licensing.standing import require_permission, standing_on
from amanat.participants.records import find_participant

from ..programme.world import CODE
from .world import MARCH, LicensingWorld


def level(world: LicensingWorld, code: str) -> int:
    """The level as the contract has it."""
    with world.app.store.reading() as connection:
        number = find_participant(connection, CODE, code).number
    found: list[int] = world.app.ledger.gateway(CODE).call("Directory", "standing_of", number)
    return found[0]


def status(world: LicensingWorld, code: str) -> str:
    """The public status now."""
    with world.app.store.reading() as connection:
        return standing_on(connection, CODE, code, MARCH).status


def test_a_licence_stands_when_the_ledger_has_it_and_a_suspension_at_once(
    licensing: LicensingWorld,
) -> None:
    world = licensing
    world.licensed("exchange_x", pump=False)
    assert status(world, "exchange_x") == "aml_registered"
    with world.app.store.reading() as connection, pytest.raises(PermissionMissing, match="Licence"):
        require_permission(connection, CODE, "exchange_x", "bid", MARCH)
    world.app.pump()
    assert status(world, "exchange_x") == "licensed"
    assert level(world, "exchange_x") == 1
    with world.app.store.reading() as connection:
        require_permission(connection, CODE, "exchange_x", "bid", MARCH, category="exchange")
    stop = Suspend(provider="exchange_x", level="full_freeze", reason="client assets are short")
    number = world.do_as("pvara_officer", stop, "pvara_approver")["file"]
    assert status(world, "exchange_x") == "suspended"
    with world.app.store.reading() as connection, pytest.raises(ProviderSuspended, match=number):
        require_permission(connection, CODE, "exchange_x", "bid", MARCH)
    assert level(world, "exchange_x") == 1
    world.app.pump()
    assert level(world, "exchange_x") == 4
    lift = LiftSuspension(file=number, reason="made whole")
    world.do_as("pvara_officer", lift, "pvara_approver")
    assert status(world, "exchange_x") == "suspended"
    world.app.pump()
    assert status(world, "exchange_x") == "licensed"
    assert level(world, "exchange_x") == 1
    end = Revoke(provider="exchange_x", reason="again")
    world.do_as("pvara_officer", end, "pvara_approver")
    assert status(world, "exchange_x") == "revoked"
    world.app.pump()
    assert level(world, "exchange_x") == 3
