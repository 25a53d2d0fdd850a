"""Licences over their life on the ledger: categories, variation, renewal, handover, their end."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.commands import (
    AcceptSurrender,
    GrantLicence,
    HandOverReporting,
    LiftSuspension,
    Recommend,
    Renew,
    Revoke,
    Surrender,
    Suspend,
    Vary,
)
from amanat.licensing.duties.acts_capital import AsOfToCome, NoCapitalOwed
from amanat.licensing.duties.commands import StateNetCapital
from amanat.licensing.enforcement.commands import BeginWindingDown
from amanat.licensing.model import (
    CategoryNotOpen,
    DayOutOfRange,
    Entity,
    HandoverDisorderly,
    PermissionHeld,
    ProviderSuspended,
    RegistrationMalformed,
    StandingMoved,
    StepNotAllowed,
)
from amanat.licensing.records import reporting_entity_on
from amanat.licensing.standing import require_permission
from amanat.participants.model import ChangePending

from ..programme.world import CODE
from .world import MARCH, LicensingWorld

X = "exchange_x"
LATER = date(2032, 6, 30)


def shown(world: LicensingWorld, provider: str = X) -> Any:
    """The provider as the authority sees it."""
    return world.view("provider", "pvara_officer", provider=provider)


def on_ledger(world: LicensingWorld) -> tuple[str, str]:
    """Level and last day as the ledger has them."""
    found = world.view("participant", participant=X)
    return found["level_on_ledger"], found["valid_until"]


@pytest.fixture(scope="module")
def licensed(licensing: LicensingWorld) -> LicensingWorld:
    """A provider with a licence as an exchange, and a file approved for custody too."""
    world = licensing
    world.licensed(X, "exchange")
    return world


def approved(world: LicensingWorld, kind: str, *categories: str, **more: Any) -> str:
    """A file of a kind that was decided in favour."""
    number = world.submitted(X, kind, *categories, **more)
    world.decided(number, kind)
    return number


def test_net_capital_is_stated_over_time_against_what_it_must_be(
    licensed: LicensingWorld,
) -> None:
    world = licensed
    required = load_licensing("pk").category("exchange").net_capital
    early = StateNetCapital(as_of=date(2026, 1, 30), amount=required)
    with pytest.raises(NoCapitalOwed, match="held no licence on 2026-01-30"):
        world.do_as("exchange_x_officer", early)
    with pytest.raises(AsOfToCome):
        world.do_as("exchange_x_officer", StateNetCapital(as_of=LATER, amount=required))
    with pytest.raises(Forbidden):
        world.do_as("pvara_officer", StateNetCapital(as_of=MARCH, amount=required))
    told = world.do_as("exchange_x_officer", StateNetCapital(as_of=MARCH, amount=required - 1))
    assert told["short"] is True
    (row,) = world.view("net_capital", "pvara_officer", short=True)
    assert (row["provider"], row["as_of"], row["short"]) == (X, MARCH.isoformat(), True)
    world.do_as("exchange_x_officer", StateNetCapital(as_of=MARCH, amount=required))
    (row,) = world.view("net_capital", "exchange_x_officer", provider=X)
    assert row["amount"] == row["required"]
    assert world.view("net_capital", "pvara_officer", short=True) == []
    assert world.view("net_capital", "exchange_y_officer") == []  # another's is its own affair


def test_a_second_category_moves_the_last_day_on_the_ledger(licensed: LicensingWorld) -> None:
    world = licensed
    number = approved(world, "licence", "custody", "exchange")
    grant = GrantLicence(file=number, category="custody", valid_until=LATER)
    with pytest.raises(Refusals) as refusal:
        world.do_as("pvara_second", grant, "pvara_approver")
    assert len(refusal.value.refusals) == 3  # capital, deposit, clearance of this category
    world.confirm_means(X, "custody")
    with pytest.raises(DayOutOfRange):
        world.do_as("pvara_second", grant.model_copy(update={"valid_until": MARCH}))
    world.confirm_means(X, "transfer")
    with pytest.raises(NotFound, match="category on the file"):
        world.do_as("pvara_second", grant.model_copy(update={"category": "transfer"}))
    with pytest.raises(PermissionHeld, match="exchange"):
        world.do_as("pvara_second", grant.model_copy(update={"category": "exchange"}))
    world.do_as("pvara_second", grant, "pvara_approver")
    with pytest.raises(PermissionHeld, match="custody"):  # it awaits the ledger
        world.do_as("pvara_second", grant)
    assert shown(world)["services"] == ["exchange"]
    world.app.pump()
    assert shown(world)["services"] == ["custody", "exchange"]
    assert on_ledger(world) == ("active", LATER.isoformat())
    assert world.app.check() == []


def test_a_licence_of_one_category_is_suspended_by_itself(licensed: LicensingWorld) -> None:
    world = licensed
    stop = Suspend(provider=X, level="full_freeze", category="custody", reason="keys are unsafe")
    number = world.do_as("pvara_officer", stop, "pvara_approver", pump=True)["file"]
    found = shown(world)
    assert (found["status"], found["services"]) == ("licensed", ["exchange"])
    assert on_ledger(world)[0] == "active"
    with world.app.store.reading() as connection:
        require_permission(connection, CODE, X, "client_order", MARCH, category="exchange")
        with pytest.raises(ProviderSuspended, match=number):
            require_permission(connection, CODE, X, "client_order", MARCH, category="custody")
        with pytest.raises(CategoryNotOpen, match="licence for mining"):
            require_permission(connection, CODE, X, "client_order", MARCH, category="mining")
    # With the other one suspended too, the provider is; the milder level counts for the whole.
    stop = Suspend(provider=X, level="close_out_only", category="exchange", reason="as well")
    second = world.do_as("pvara_officer", stop, "pvara_approver", pump=True)["file"]
    assert shown(world)["status"] == "suspended"
    assert on_ledger(world)[0] == "close_out_only"
    assert world.app.check() == []
    for file in (number, second):
        lift = LiftSuspension(file=file, reason="mended")
        world.do_as("pvara_officer", lift, "pvara_approver", pump=True)
    assert shown(world)["services"] == ["custody", "exchange"]
    assert on_ledger(world)[0] == "active"
    assert world.app.check() == []


def test_what_was_signed_must_still_be_what_follows(licensed: LicensingWorld) -> None:
    """Two proposals are under way; the second finds another standing than was signed."""
    world = licensed
    mild = Suspend(provider=X, level="close_out_only", reason="for now")
    strict = Suspend(provider=X, level="full_freeze", reason="at once")
    desk, officer, approver = world.app.desk, world.actor("pvara_officer"), "pvara_approver"
    first, second = desk.submit(officer, mild), desk.submit(officer, strict)
    frozen = desk.approve(world.actor(approver), str(second.proposal))
    with pytest.raises(StandingMoved):
        desk.approve(world.actor(approver), str(first.proposal))
    lift = LiftSuspension(file=str((frozen.result or {})["file"]), reason="over")
    with pytest.raises(ChangePending):
        world.do_as("pvara_officer", lift, approver)
    world.app.pump()
    world.do_as("pvara_officer", lift, approver, pump=True)
    assert shown(world)["status"] == "licensed"
    assert world.app.check() == []


def test_insolvency_shuts_a_licensee_on_the_ledger_too(licensed: LicensingWorld) -> None:
    world = licensed
    begin = BeginWindingDown(
        provider=X, cause="insolvency", administrator="An administrator", plan="clients first",
        deadline=date(2026, 9, 30),
    )  # fmt: skip
    opened = world.do_as("pvara_officer", begin, "pvara_approver")
    assert shown(world)["status"] == "wind_down"
    world.app.pump()
    assert on_ledger(world)[0] == "wind_down"
    assert world.app.check() == []
    # A court or the authority may find that it was none: what was shut is lifted as any suspension.
    lift = LiftSuspension(file=opened["suspension"], reason="it was none")
    world.do_as("pvara_officer", lift, "pvara_approver", pump=True)
    assert (shown(world)["status"], on_ledger(world)[0]) == ("licensed", "active")
    assert world.app.check() == []


def test_a_variation_changes_conditions(licensed: LicensingWorld) -> None:
    world = licensed
    permission = next(one["permission"] for one in shown(world)["permissions"]
                      if one["kind"] == "licence")  # fmt: skip
    number = approved(world, "variation", permission=permission)
    vary = Vary(file=number, conditions=("officer", "no derivatives"), reason="as it asked")
    world.do_as("pvara_second", vary, "pvara_approver")
    conditions = shown(world)["conditions"]
    assert [one["code"] for one in conditions[-2:]] == ["officer", None]
    again = approved(world, "variation", permission=permission)
    drop = Vary(file=again, lifted=(conditions[-1]["condition"],), reason="no longer needed")
    world.do_as("pvara_second", drop, "pvara_approver")
    assert shown(world)["conditions"][-1]["lifted_on"] == MARCH.isoformat()
    with pytest.raises(StepNotAllowed, match="varied"):
        world.do_as("pvara_second", drop, "pvara_approver")


def test_a_renewal_of_a_licence_moves_the_ledger_with_it(licensed: LicensingWorld) -> None:
    world = licensed
    permission = next(one["permission"] for one in shown(world)["permissions"]
                      if one["categories"] == ["custody"] and one["kind"] == "licence")  # fmt: skip
    number = approved(world, "renewal", permission=permission)
    renew = Renew(file=number, valid_until=date(2033, 6, 30))
    world.do_as("pvara_second", renew, "pvara_approver")
    assert on_ledger(world) == ("active", LATER.isoformat())
    world.app.pump()
    assert on_ledger(world) == ("active", "2033-06-30")
    assert world.app.check() == []


def test_the_local_entity_takes_over_on_a_day(licensed: LicensingWorld) -> None:
    world = licensed
    handover = HandOverReporting(
        provider=X, entity=Entity.LOCAL, entity_name="Local (Pvt.) Ltd", registration="4702",
        first_day=date(2026, 7, 1),
    )  # fmt: skip
    with pytest.raises(RegistrationMalformed, match="G-2 is no number of an entity on goAML"):
        world.do_as("fmu_officer", handover.model_copy(update={"registration": "G-2"}))
    with pytest.raises(HandoverDisorderly, match="follows the one of 2026-03-09"):
        world.do_as("fmu_officer", handover.model_copy(update={"first_day": MARCH}))
    with pytest.raises(HandoverDisorderly, match="foreign entity reports already"):
        world.do_as("fmu_officer", handover.model_copy(update={"entity": Entity.FOREIGN}))
    world.do_as("fmu_officer", handover, "fmu_approver")
    with world.app.store.reading() as connection:
        for day, name in (
            (date(2026, 3, 8), None),
            (date(2026, 3, 9), "Abroad"),
            (date(2026, 6, 30), "Abroad"),
            (date(2026, 7, 1), "Local (Pvt.) Ltd"),
        ):
            found = reporting_entity_on(connection, CODE, X, day)
            assert (found.entity_name if found is not None else None) == name
    assert [one["before"] for one in shown(world)["reporting_entities"]] == ["2026-07-01", None]


def test_one_licence_is_surrendered_the_last_revoked(licensed: LicensingWorld) -> None:
    world = licensed
    give_back = Surrender(category="custody", reason="too costly")
    number = world.do_as(f"{X}_officer", give_back)["file"]
    accept = AcceptSurrender(file=number, reason="nothing is owed")
    world.do_as("pvara_officer", accept, "pvara_approver", pump=True)
    found = shown(world)
    assert (found["status"], found["services"]) == ("licensed", ["exchange"])
    # The ledger keeps its last day: what withdraws never signs another one.
    assert on_ledger(world) == ("active", "2033-06-30")
    assert world.app.check() == []
    end = Revoke(provider=X, category="exchange", reason="it lied")
    world.do_as("pvara_officer", end, "pvara_approver")
    # The last licence takes NOC and AML registration with it.
    found = shown(world)
    assert (found["status"], found["permissions"]) == ("revoked", [])
    world.app.pump()
    assert on_ledger(world)[0] == "wind_down"
    assert world.app.check() == []
    number = world.opened(X, "noc", "exchange")
    with pytest.raises(StepNotAllowed):
        world.do_as("pvara_officer", Recommend(file=number, outcome="grant", rationale="x"))
