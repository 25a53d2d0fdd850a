"""A provider bids and instructs with a licence; suspended it does neither, and is told why."""

from __future__ import annotations

import pytest

from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.licensing.model import (
    CapExceeded,
    LicensingGoverns,
    PermissionMissing,
    ProviderSuspended,
)
from amanat.participants.commands import SetLevel
from amanat.participants.model import Level
from amanat.settlement.records import require_standing

from ..programme.world import CODE
from .world import MARCH, LicensingWorld


def trade(world: LicensingWorld, deliverer: str, receiver: str) -> None:
    """As instructions ask it of both parties."""
    with world.app.store.reading() as connection:
        require_standing(connection, CODE, deliverer, receiver, MARCH)


def test_an_instruction_needs_a_licence_that_is_not_suspended(licensing: LicensingWorld) -> None:
    world = licensing
    world.admit("bank_a", "bank", "central_bank")
    world.licensed("exchange_x")
    trade(world, "exchange_x", "bank_a")
    trade(world, "bank_a", "exchange_x")
    stop = Suspend(provider="exchange_x", level="close_out_only", reason="it grows too fast")
    number = world.do_as("pvara_officer", stop, "pvara_approver")["file"]
    trade(world, "exchange_x", "bank_a")  # it may still deliver what it holds
    with pytest.raises(ProviderSuspended) as refusal:
        trade(world, "bank_a", "exchange_x")
    assert refusal.value.status == 403
    assert refusal.value.fields["suspension"] == number
    assert "Virtual Assets Act 2026" in str(refusal.value)
    worse = Suspend(provider="exchange_x", level="wind_down", reason="it did not listen")
    world.do_as("pvara_officer", worse, "pvara_approver")
    with pytest.raises(ProviderSuspended, match=r"wind_down|wind down"):
        trade(world, "exchange_x", "bank_a")
    world.app.pump()
    lift = LiftSuspension(file=number, reason="the first one")
    world.do_as("pvara_officer", lift, "pvara_approver", pump=True)
    with pytest.raises(ProviderSuspended):
        trade(world, "exchange_x", "bank_a")


def test_banks_need_no_licence_of_this_authority(licensing: LicensingWorld) -> None:
    world = licensing
    trade(world, "bank_a", "bank_a")


def test_the_level_of_a_provider_is_not_set_beside_its_permissions(
    licensing: LicensingWorld,
) -> None:
    with pytest.raises(LicensingGoverns, match="exchange_x follows from its permissions"):
        licensing.propose(
            "pvara", SetLevel(participant="exchange_x", level=Level.ACTIVE, reason="by the way")
        )


def test_a_client_order_under_an_noc_alone_names_the_fmu(licensing: LicensingWorld) -> None:
    from amanat.licensing.standing import require_permission

    world = licensing
    world.noc("exchange_y", "exchange", "lending")
    with world.app.store.reading() as connection:
        require_permission(connection, CODE, "exchange_y", "prepare", MARCH)
        with pytest.raises(PermissionMissing, match=r"FMU's confirmation.*Reg 11.4") as refusal:
            require_permission(connection, CODE, "exchange_y", "client_order", MARCH)
    assert refusal.value.status == 403
    world.confirm("fmu", "exchange_y", "goaml_registered")
    with world.app.store.reading() as connection:
        require_permission(
            connection, CODE, "exchange_y", "client_order", MARCH, category="exchange"
        )
        with pytest.raises(PermissionMissing, match="may not offer lending"):
            require_permission(
                connection, CODE, "exchange_y", "client_order", MARCH, category="lending"
            )
        with pytest.raises(PermissionMissing, match=r"bid in an auction.*Licence"):
            require_permission(connection, CODE, "exchange_y", "bid", MARCH)
    with pytest.raises(PermissionMissing), world.app.store.reading() as connection:
        require_standing(connection, CODE, "exchange_y", "bank_a", MARCH)


def test_a_client_order_over_the_cap_cites_its_row(licensing: LicensingWorld) -> None:
    """Whoever would deal with it asks, and is told what the status lets it do."""
    world = licensing
    order = {"provider": "exchange_y", "activity": "client_order", "category": "exchange"}
    shown = world.view("permitted", "exchange_y_officer", **order, amount=200_000_000)
    assert shown["account"]["code"] == "limited_purpose"
    assert [one["most"] for one in shown["caps"]] == ["2000000.00 PKR", "500000000.00 PKR"]
    with pytest.raises(CapExceeded, match=r"as aml_registered.*cap aml_order.*Reg 11.4") as refusal:
        world.view("permitted", "exchange_y_officer", **order, amount=200_000_001)
    assert refusal.value.status == 403
    month = {"amount": 100_000_000, "done": 49_900_000_001}
    with pytest.raises(CapExceeded, match=r"limit is 500000000.00 PKR \(month\).*cap aml_month"):
        world.view("permitted", "exchange_y_officer", **order, **month)
    with pytest.raises(CapExceeded, match=r"100\.00 USD"):  # what cannot be compared does not pass
        world.view("permitted", "exchange_y_officer", **order, amount=10_000, currency="USD")
    with pytest.raises(PermissionMissing, match="bid in an auction"):
        world.view("permitted", "exchange_y_officer", **order | {"activity": "bid"}, amount=1)
    registered = world.view("registered_provider", "exchange_y_officer", provider="exchange_y")
    assert registered["caps"] == shown["caps"]
