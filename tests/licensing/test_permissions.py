"""Permissions before the licence: confirmed facts, suspension, conversion, renewal, surrender."""

from __future__ import annotations

from datetime import date

import pytest

from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.licensing.commands import (
    AcceptSurrender,
    ConvertPermission,
    Decide,
    Direct,
    LiftSuspension,
    Recommend,
    Renew,
    Revoke,
    Surrender,
    Suspend,
)
from amanat.licensing.model import (
    Conflicted,
    DayOutOfRange,
    Entity,
    FactDatesDisorderly,
    FactFieldMissing,
    FileStillOpen,
    HandoverDisorderly,
    NotAProvider,
    PermissionMissing,
    PermissionNotHeld,
    ProviderSuspended,
    RegistrationMalformed,
    StepNotAllowed,
    WrongStatus,
)
from amanat.licensing.standing import require_permission, standing_on
from amanat.licensing.tables import confirmation
from amanat.store.journal import read_entries

from ..programme.world import CODE
from .test_path_of_a_file import row, status
from .without_ledger import DeskWorld
from .world import MARCH, decision


def opens(desk: DeskWorld, code: str) -> frozenset[str]:
    """What a provider's status opens now."""
    with desk.store.reading() as connection:
        return standing_on(connection, CODE, code, desk.day).opens


# -- facts ----------------------------------------------------------------------------------------


def test_the_fmu_s_confirmation_opens_services(desk: DeskWorld) -> None:
    desk.noc("exchange_x", "exchange", "mining")
    assert opens(desk, "exchange_x") == {"prepare"}
    done = desk.confirm("fmu", "exchange_x", "goaml_registered")
    assert done["permission"] == "P0001-02"
    assert status(desk, "exchange_x") == "aml_registered"
    kept = row(desk, confirmation)
    assert (kept.institution, kept.approved_by) == ("fmu", "fmu_approver")
    assert len(kept.signature) == 130
    with desk.store.reading() as connection:
        standing = standing_on(connection, CODE, "exchange_x", MARCH)
        # Mining is among its categories, and not among those that may run before the licence.
        assert standing.services == ("exchange",)
        assert standing.level == "none"
        entries = read_entries(connection, programme=CODE, kinds=["FactConfirmed"])
    assert [one["log"] for one in entries] == ["confidential"]
    # The FMU takes it back, and the services shut with it.
    desk.confirm("fmu", "exchange_x", "goaml_registered", holds=False)
    assert status(desk, "exchange_x") == "noc"
    with desk.store.reading() as connection, pytest.raises(PermissionMissing):
        require_permission(connection, CODE, "exchange_x", "client_order", MARCH)


def test_only_who_confirms_a_fact_confirms_it(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    with pytest.raises(Forbidden, match="does not confirm goaml"):
        desk.confirm("secp", "exchange_x", "goaml_registered")
    for somebody in ("exchange_x", "pvara", "bank_a"):
        with pytest.raises(Forbidden):
            desk.confirm(somebody, "exchange_x", "goaml_registered")
    with pytest.raises(NotFound, match="no fact"):
        desk.confirm("secp", "exchange_x", "luck")
    with pytest.raises(NotAProvider):
        desk.confirm("secp", "nobody", "incorporated")
    with pytest.raises(NotAProvider):
        desk.confirm("secp", "exchange_y", "incorporated")


def test_a_confirmation_says_all_that_its_kind_asks(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    with pytest.raises(FactFieldMissing, match="a category"):
        desk.confirm("interior", "exchange_x", "security_cleared")
    with pytest.raises(FactFieldMissing, match="an amount"):
        desk.confirm("secp", "exchange_x", "capital_paid", category="exchange")
    with pytest.raises(FactFieldMissing, match=r"at least 1000000000\.00 PKR"):
        desk.confirm("secp", "exchange_x", "capital_paid", category="exchange", amount=1)
    with pytest.raises(FactDatesDisorderly):
        desk.confirm("secp", "exchange_x", "incorporated", valid_until=date(2026, 3, 8))
    with pytest.raises(Refusals) as refusal:
        desk.confirm(
            "fmu", "exchange_x", "goaml_registered", entity=None, entity_name=None,
            registration=None, category="exchange",
        )  # fmt: skip
    assert len(refusal.value.refusals) == 4


@pytest.mark.parametrize("registration", ["G-1", "0123", "1234567890", "٤٧١١", "4711\n"])
def test_a_registration_that_the_gate_would_refuse_is_refused(
    desk: DeskWorld, registration: str
) -> None:
    """`rentity_id` is a whole number in goAML's schema (UNODC goAML 4.0 and 5.0)."""
    desk.noc("exchange_x")
    with pytest.raises(RegistrationMalformed):
        desk.confirm("fmu", "exchange_x", "goaml_registered", registration=registration)
    desk.confirm("fmu", "exchange_x", "goaml_registered", registration="4711")


def test_the_foreign_entity_registers_first(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    with pytest.raises(HandoverDisorderly, match="foreign entity registers first"):
        desk.confirm("fmu", "exchange_x", "goaml_registered", entity=Entity.LOCAL)
    desk.confirm("fmu", "exchange_x", "goaml_registered")
    with pytest.raises(HandoverDisorderly, match="by a handover"):
        desk.confirm("fmu", "exchange_x", "goaml_registered", entity=Entity.LOCAL)


def test_a_fact_holds_on_its_days(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered", valid_until=date(2026, 6, 30))
    assert status(desk, "exchange_x", date(2026, 6, 30)) == "aml_registered"
    assert status(desk, "exchange_x", date(2026, 7, 1)) == "noc"


# -- suspension and end ---------------------------------------------------------------------------


def test_an_noc_is_suspended_and_lifted(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered")
    stop = Suspend(provider="exchange_x", level="no_new_business", reason="too many complaints")
    number = desk.do_as("pvara_officer", stop, "pvara_approver")["file"]
    assert number == "SUS-2026-0001"
    assert status(desk, "exchange_x") == "suspended"
    with desk.store.reading() as connection:
        require_permission(connection, CODE, "exchange_x", "client_order", MARCH)
        with pytest.raises(ProviderSuspended, match="SUS-2026-0001"):
            require_permission(connection, CODE, "exchange_x", "new_clients", MARCH)
    lift = LiftSuspension(file=number, reason="they were answered")
    desk.do_as("pvara_officer", lift, "pvara_approver")
    assert status(desk, "exchange_x") == "aml_registered"
    with pytest.raises(StepNotAllowed, match="lifted"):
        desk.do_as("pvara_officer", lift, "pvara_approver")


def test_of_two_suspensions_the_stricter_binds_until_it_is_lifted(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered")
    numbers = {}
    for level in ("full_freeze", "no_new_business"):
        stop = Suspend(provider="exchange_x", level=level, reason=level)
        numbers[level] = desk.do_as("pvara_officer", stop, "pvara_approver")["file"]
    assert opens(desk, "exchange_x") == set()
    lift = LiftSuspension(file=numbers["full_freeze"], reason="milder now")
    desk.do_as("pvara_officer", lift, "pvara_approver")
    assert status(desk, "exchange_x") == "suspended"
    assert opens(desk, "exchange_x") == {"prepare", "report", "client_service", "client_order"}


def test_what_cannot_be_suspended_or_revoked(desk: DeskWorld) -> None:
    desk.opened("exchange_x", "noc", "exchange")
    for command in (
        Suspend(provider="exchange_x", level="full_freeze", reason="x"),
        Revoke(provider="exchange_x", reason="x"),
        Direct(provider="exchange_x", text="x"),
    ):
        with pytest.raises((WrongStatus, StepNotAllowed), match="applicant"):
            desk.do_as("pvara_officer", command, "pvara_approver")
        with pytest.raises(Forbidden):
            desk.do_as("exchange_x_officer", command)
    desk.noc("exchange_y")
    with pytest.raises(NotFound, match="no level of suspension"):
        desk.do_as("pvara_officer", Suspend(provider="exchange_y", level="a_bit", reason="x"))
    with pytest.raises(PermissionNotHeld, match="licence for custody"):
        desk.do_as(
            "pvara_officer",
            Suspend(provider="exchange_y", level="full_freeze", category="custody", reason="x"),
        )


def test_revoked_it_may_apply_anew(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    end = Revoke(provider="exchange_x", reason="it served clients before its registration")
    done = desk.do_as("pvara_officer", end, "pvara_approver")
    assert done["file"] == "REV-2026-0001"
    assert status(desk, "exchange_x") == "revoked"
    with pytest.raises(WrongStatus):
        desk.do_as("pvara_officer", end, "pvara_approver")
    assert desk.opened("exchange_x", "noc", "exchange") == "NOC-2026-0002"


def test_a_surrender_ends_when_it_is_accepted(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    give_back = Surrender(reason="we leave the market")
    number = desk.do_as("exchange_x_officer", give_back)["file"]
    assert status(desk, "exchange_x") == "noc"
    with pytest.raises(FileStillOpen, match=number):
        desk.do_as("exchange_x_officer", give_back)
    accept = AcceptSurrender(file=number, reason="nothing is owed")
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", accept)
    desk.do_as("pvara_officer", accept, "pvara_approver")
    assert status(desk, "exchange_x") == "surrendered"
    with pytest.raises(WrongStatus):
        desk.do_as("exchange_x_officer", give_back)


# -- what goes on ---------------------------------------------------------------------------------


def test_an_older_permission_goes_on_under_the_act(desk: DeskWorld) -> None:
    """The December NOCs fell under the ordinance; s.70 of the 2026 Act converts them."""
    desk.day = date(2025, 12, 12)
    desk.noc("exchange_x")
    convert = ConvertPermission(
        provider="exchange_x", permission="P0001-01", reason="transition of older permissions"
    )
    with pytest.raises(Exception, match="On 2025-12-12 no law is in force"):
        desk.do_as("pvara_officer", convert, "pvara_approver")
    desk.day = date(2026, 3, 9)
    done = desk.do_as("pvara_officer", convert, "pvara_approver")
    assert done["permission"] == "P0001-02"
    shown = desk.view("provider", "pvara_officer", provider="exchange_x")
    assert shown["status"] == "noc"
    assert [one["permission"] for one in shown["permissions"]] == ["P0001-02"]
    assert [one["law"] for one in shown["changes"]] == [
        "Virtual Assets Ordinance 2025",
        "Virtual Assets Act 2026, s.70",
        "Virtual Assets Act 2026, s.70",
    ]
    # Its last day is that of the older one; a past day still knows it as that.
    assert shown["permissions"][0]["expires_on"] == "2026-12-12"
    then = desk.view("provider", "pvara_officer", provider="exchange_x", day=date(2026, 3, 8))
    assert [one["permission"] for one in then["permissions"]] == ["P0001-01"]
    with pytest.raises(PermissionNotHeld, match="P0001-01"):
        desk.do_as("pvara_officer", convert, "pvara_approver")


def test_a_renewal_moves_the_last_day(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    number = desk.submitted("exchange_x", "renewal", permission="P0001-01")
    desk.do_as("pvara_officer", Recommend(file=number, outcome="grant", rationale="as before"))
    desk.do_as("pvara_second", decision(number), "pvara_approver")
    with pytest.raises(DayOutOfRange):
        desk.do_as("pvara_second", Renew(file=number, valid_until=MARCH), "pvara_approver")
    renew = Renew(file=number, valid_until=date(2028, 3, 9))
    desk.do_as("pvara_second", renew, "pvara_approver")
    assert status(desk, "exchange_x", date(2028, 3, 9)) == "noc"
    assert status(desk, "exchange_x", date(2028, 3, 10)) == "applicant"
    with pytest.raises(NotFound, match="no permission P0009-01"):
        desk.opened("exchange_x", "renewal", permission="P0009-01")


def test_the_sandbox_opens_little(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "sandbox", "exchange")
    desk.decided(number, "sandbox")
    assert status(desk, "exchange_x") == "sandbox"
    assert opens(desk, "exchange_x") == {"prepare", "report", "client_service", "client_order"}


def test_a_direction_is_public_or_confidential(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    with pytest.raises(DayOutOfRange):
        desk.do_as("pvara_officer", Direct(provider="exchange_x", text="x", due_on=MARCH))
    for public in (True, False):
        order = Direct(provider="exchange_x", text="close the branch", public=public)
        desk.do_as("pvara_officer", order, "pvara_approver")
    with desk.store.reading() as connection:
        entries = read_entries(connection, programme=CODE)
    told = [one for one in entries if one["kind"].startswith("ProviderDirected")]
    assert {(one["log"], "close the branch" in str(one)) for one in told} == {
        ("public", True),
        ("confidential", False),
    }


def test_proposals_of_decisions_stay_out_of_the_public_log(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.decided(number, "noc")
    with desk.store.reading() as connection:
        entries = read_entries(connection, programme=CODE)
    public = {one["kind"] for one in entries if one["log"] == "public"}
    assert public == {"FileDecided", "PermissionChanged", "RegisterChanged"}
    assert Conflicted.status == 403
    assert Decide.model_fields["reasons"].is_required()
