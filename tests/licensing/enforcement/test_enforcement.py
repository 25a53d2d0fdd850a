"""Inspections, orders, urgent suspensions, stays, appeals, control and winding down."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.access.entrance import Visitor
from amanat.access.shown_once import hash_of
from amanat.core.canonical import digest
from amanat.core.errors import Forbidden, Invalid, NotFound, Refusals
from amanat.licensing.commands import OpenFile, Revoke, SubmitFile, Suspend
from amanat.licensing.duties.periods import open_duties
from amanat.licensing.enforcement.acts_appeals import (
    AppealTooLate,
    LevelNotMilder,
    NothingToAppeal,
    OwnAppeal,
)
from amanat.licensing.enforcement.acts_control import ControlUnchanged
from amanat.licensing.enforcement.acts_inspection import FindingSettled, FindingsOpen, RemedyMissing
from amanat.licensing.enforcement.acts_orders import OrderTooEarly, PenaltyUnclear
from amanat.licensing.enforcement.acts_stays import (
    InterimTooLong,
    NotLapsed,
)
from amanat.licensing.enforcement.acts_winding_down import (
    CauseUnfounded,
    ClientsOpen,
    ClientTwice,
    ObjectionsOpen,
    ObjectionsOver,
    OtherClients,
    WindowTooShort,
)
from amanat.licensing.enforcement.commands import (
    AnswerCharge,
    AppealOutcome,
    BeginWindingDown,
    CarryOutLapse,
    CloseInspection,
    CompleteTransfer,
    DecideAppeal,
    DescribeControl,
    EndStay,
    EndWindingDown,
    HoldHearing,
    JudgeRemedy,
    ListClients,
    LodgeAppeal,
    MakeOrder,
    ObjectToTransfer,
    OpenInspection,
    ProposeTransfer,
    RecordFinding,
    RecordPayment,
    RecordStay,
    RemedyFinding,
    SettleClient,
    ShowCause,
    SuspendUrgently,
    WindingCause,
)
from amanat.licensing.enforcement.objections import NoSuchClient, Objected, take_objection
from amanat.licensing.model import (
    DayOutOfRange,
    Outcome,
    OwnWork,
    PermissionMissing,
    ProviderSuspended,
    RequirementMissing,
    StepNotAllowed,
)
from amanat.licensing.openness.public_letters import FROM_A_NETWORK, TooManyLetters
from amanat.licensing.records import reporting_entity_on
from amanat.licensing.standing import require_permission, standing_on
from amanat.licensing.tables import permission_change
from amanat.store.journal import read_entries

from ...programme.world import CODE
from ..without_ledger import DeskWorld
from ..world import decision


def both(desk: DeskWorld, command: Any) -> Any:
    """By two people of the authority."""
    return desk.do_as("pvara_officer", command, "pvara_approver")


def status(desk: DeskWorld, day: date | None = None) -> str:
    with desk.store.reading() as connection:
        return standing_on(connection, CODE, "exchange_x", day or desk.day).status


def serving(desk: DeskWorld) -> None:
    """An exchange that serves clients under its registration."""
    desk.noc("exchange_x")
    desk.confirm("fmu", "exchange_x", "goaml_registered")


# -- inspection -----------------------------------------------------------------------------------


def test_an_inspection_closes_when_its_findings_are_remedied(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    number = desk.do_as("pvara_officer", OpenInspection(provider="exchange_x", scope="keys"))[
        "file"
    ]
    found = RecordFinding(
        file=number, severity="high", text="one key holder", due_on=desk.day + timedelta(days=30)
    )
    assert desk.do_as("pvara_officer", found)["number"] == 1
    close = CloseInspection(file=number, summary="remedied")
    with pytest.raises(FindingsOpen, match="not remedied: 1"):
        desk.do_as("pvara_officer", close)
    judge = JudgeRemedy(file=number, number=1, accepted=True, verdict="two holders now")
    with pytest.raises(RemedyMissing):
        desk.do_as("pvara_officer", judge)
    desk.do_as("exchange_x_officer", RemedyFinding(file=number, number=1, text="another holder"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", judge)
    (due,) = [
        row
        for row in desk.view("licensing_calendar", "exchange_x_officer")
        if row["file"] == number
    ]
    assert (due["what"], due["due_on"]) == ("finding", "2026-04-08")
    desk.do_as("pvara_officer", judge)
    with pytest.raises(FindingSettled):
        desk.do_as("exchange_x_officer", RemedyFinding(file=number, number=1, text="more"))
    assert desk.do_as("pvara_officer", close)["stage"] == "closed"
    with pytest.raises(StepNotAllowed):
        desk.do_as("pvara_officer", found)


# -- orders ---------------------------------------------------------------------------------------


def charged(desk: DeskWorld) -> str:
    desk.noc("exchange_x")
    cause = ShowCause(
        provider="exchange_x", grounds="served clients", answer_by=desk.day + timedelta(days=14)
    )
    return str(both(desk, cause)["file"])


def penalty(number: str, desk: DeskWorld, **more: Any) -> MakeOrder:
    fields: dict[str, Any] = {
        "file": number,
        "order": "penalty",
        "reasons": "clients were served under an NOC alone",
        "amount": 5_000_000_00,
        "currency": "PKR",
        "due_on": desk.day + timedelta(days=30),
    }
    return MakeOrder.model_validate(fields | more)


def test_an_order_follows_an_answer_and_a_penalty_its_payment(desk: DeskWorld) -> None:
    number = charged(desk)
    with pytest.raises(OrderTooEarly):
        desk.do_as("pvara_second", penalty(number, desk), "pvara_approver")
    desk.do_as("exchange_x_officer", AnswerCharge(file=number, answer="only three of them"))
    hearing = HoldHearing(file=number, heard_on=desk.day, record="both sides were heard")
    desk.do_as("pvara_officer", hearing)
    with pytest.raises(OwnWork):  # who asked to show cause does not order
        desk.do_as("pvara_officer", penalty(number, desk), "pvara_approver")
    with pytest.raises(PenaltyUnclear):
        desk.do_as("pvara_second", penalty(number, desk, amount=None), "pvara_approver")
    with pytest.raises(PenaltyUnclear):
        desk.do_as("pvara_second", penalty(number, desk, order="warning"), "pvara_approver")
    desk.do_as("pvara_second", penalty(number, desk), "pvara_approver")
    paid = RecordPayment(file=number, paid_on=desk.day, reference="CPR-1")
    owed = [row["what"] for row in desk.view("licensing_calendar", "exchange_x_officer")]
    assert "penalty" in owed
    assert desk.do_as("pvara_officer", paid)["stage"] == "paid"
    (row,) = desk.view("orders")
    assert (row["amount"], row["paid_on"]) == (500_000_000, "2026-03-09")
    shown = desk.view("enforcement", "exchange_x_officer", file=number)
    assert shown["charges"][0]["answer"] == "only three of them"
    with pytest.raises(NotFound):
        desk.view("enforcement", "exchange_y_officer", file=number)
    with desk.store.reading() as connection:
        entries = read_entries(connection, programme=CODE, kinds=["OrderMade", "Charged"])
    told = {one["kind"]: one for one in entries}
    assert told["Charged"]["log"] == "confidential"
    assert told["OrderMade"]["log"] == "public"
    assert told["OrderMade"]["content"]["amount"] == "5000000.00 PKR"


def test_who_does_not_answer_is_ordered_after_the_day(desk: DeskWorld) -> None:
    number = charged(desk)
    desk.day += timedelta(days=15)
    warning = MakeOrder(file=number, order="warning", reasons="once")
    done = desk.do_as("pvara_second", warning, "pvara_approver")
    assert done["stage"] == "closed"
    with pytest.raises(StepNotAllowed):
        desk.do_as("exchange_x_officer", AnswerCharge(file=number, answer="late"))


# -- urgent suspension ----------------------------------------------------------------------------


def test_an_urgent_suspension_ends_with_its_day(desk: DeskWorld) -> None:
    serving(desk)
    until = desk.day + timedelta(days=10)
    urgent = SuspendUrgently(
        provider="exchange_x", level="full_freeze", reason="keys were stolen", until=until
    )
    with pytest.raises(InterimTooLong):
        both(desk, urgent.model_copy(update={"until": desk.day + timedelta(days=31)}))
    number = both(desk, urgent)["file"]
    assert status(desk) == "suspended"
    with desk.store.reading() as connection, pytest.raises(ProviderSuspended, match=number):
        require_permission(connection, CODE, "exchange_x", "client_order", desk.day)
    with pytest.raises(NotLapsed):
        both(desk, CarryOutLapse(file=number))
    assert (status(desk, until), status(desk, until + timedelta(days=1))) == (
        "suspended",
        "aml_registered",
    )
    shown = desk.view("registered_provider", provider="exchange_x", as_of=until)
    assert shown["status"] == "suspended"
    desk.day = until + timedelta(days=1)
    with desk.store.reading() as connection:
        require_permission(connection, CODE, "exchange_x", "client_order", desk.day)
    assert desk.view("registered_provider", provider="exchange_x")["status"] == "aml_registered"
    both(desk, CarryOutLapse(file=number))
    assert status(desk) == "aml_registered"


# -- stays and appeals ----------------------------------------------------------------------------


def stayed(number: str) -> RecordStay:
    return RecordStay(
        file=number, court="High Court", reference="W.P. 1/2026", reason="until it is heard"
    )


def test_a_stay_lifts_a_suspension_that_binds_again_after_it(desk: DeskWorld) -> None:
    serving(desk)
    suspend = Suspend(provider="exchange_x", level="full_freeze", reason="it did not report")
    number = both(desk, suspend)["file"]
    desk.day += timedelta(days=2)
    both(desk, stayed(number))
    assert status(desk) == "aml_registered"
    assert status(desk, desk.day - timedelta(days=1)) == "suspended"  # nothing is erased
    with pytest.raises(StepNotAllowed):
        both(desk, stayed(number))
    assert [row["court"] for row in desk.view("stays")] == ["High Court"]
    desk.day += timedelta(days=2)
    both(desk, EndStay(file=number, reference="W.P. 1/2026", reason="dismissed"))
    assert status(desk) == "suspended"
    with desk.store.reading() as connection:
        changes = connection.execute(
            sql.select(permission_change.c.change)
            .where(permission_change.c.suspension.is_not(None))
            .order_by(permission_change.c.id)
        ).scalars()
        assert list(changes) == ["suspend", "lift", "suspend"]
        public = read_entries(connection, programme=CODE, kinds=["Stayed", "StayEnded"])
    assert {one["log"] for one in public} == {"public"}


def test_a_stay_gives_back_what_a_revocation_took(desk: DeskWorld) -> None:
    serving(desk)
    number = both(desk, Revoke(provider="exchange_x", reason="grave"))["file"]
    assert status(desk) == "revoked"
    done = both(desk, stayed(number))
    assert status(desk) == "aml_registered"
    assert done["permissions"] == ["P0001-03", "P0001-04"]  # the NOC and the registration, anew
    both(desk, EndStay(file=number, reference="W.P. 1/2026", reason="dismissed"))
    assert status(desk) == "revoked"
    with pytest.raises(StepNotAllowed):
        both(desk, EndStay(file=number, reference="W.P. 1/2026", reason="again"))


def test_an_appeal_is_decided_by_others_and_in_time(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    lodge = LodgeAppeal(against=number, grounds="the figures were read wrongly")
    with pytest.raises(NothingToAppeal):
        desk.do_as("exchange_x_officer", lodge)
    desk.decided(number, "noc", Outcome.REFUSE)
    desk.opened("exchange_y", "noc", "exchange")
    with pytest.raises(NotFound):
        desk.do_as("exchange_y_officer", lodge)
    lodged = desk.do_as("exchange_x_officer", lodge)["file"]
    decide = DecideAppeal(file=lodged, outcome=AppealOutcome.DISMISSED, reasons="they were not")
    with pytest.raises(OwnAppeal, match="pvara_second"):
        desk.do_as("pvara_second", decide, "pvara_board")
    with pytest.raises(OwnAppeal, match="pvara_approver"):
        desk.do_as("pvara_board", decide, "pvara_approver")
    desk.day += timedelta(days=31)
    with pytest.raises(AppealTooLate):
        desk.do_as("exchange_x_officer", lodge)


def appealed(desk: DeskWorld, against: str) -> str:
    lodge = LodgeAppeal(against=against, grounds="the facts were others")
    return str(desk.do_as("exchange_x_officer", lodge)["file"])


def by_others(desk: DeskWorld, number: str, outcome: str, **more: Any) -> Any:
    """By two people who did not act in what is appealed against."""
    fields = {"file": number, "outcome": outcome, "reasons": "as they were heard"} | more
    return desk.do_as("pvara_second", DecideAppeal.model_validate(fields), "pvara_board")


def stage_of(desk: DeskWorld, number: str) -> str:
    shown = desk.view("enforcement", "pvara_officer", file=number)
    return str(shown["stage"])


def test_an_appeal_that_is_dismissed_leaves_the_suspension(desk: DeskWorld) -> None:
    serving(desk)
    stop = Suspend(provider="exchange_x", level="wind_down", reason="it did not report")
    number = both(desk, stop)["file"]
    done = by_others(desk, appealed(desk, number), "dismissed")
    assert (done["stage"], "against" in done) == ("dismissed", False)
    assert (status(desk), stage_of(desk, number)) == ("wind_down", "in_force")


def test_an_appeal_that_is_allowed_lifts_the_suspension_in_the_same_act(desk: DeskWorld) -> None:
    serving(desk)
    stop = Suspend(provider="exchange_x", level="wind_down", reason="it did not report")
    number = both(desk, stop)["file"]
    lodged = appealed(desk, number)
    done = by_others(desk, lodged, "allowed")
    assert (done["stage"], done["against"]) == ("allowed", number)
    assert (status(desk), stage_of(desk, number)) == ("aml_registered", "lifted")
    with pytest.raises(StepNotAllowed):
        by_others(desk, lodged, "allowed")


def test_an_appeal_that_is_allowed_in_part_leaves_a_milder_suspension(desk: DeskWorld) -> None:
    serving(desk)
    stop = Suspend(provider="exchange_x", level="wind_down", reason="it did not report")
    number = both(desk, stop)["file"]
    lodged = appealed(desk, number)
    for level in (None, "wind_down", "full_freeze", "mild"):
        with pytest.raises(LevelNotMilder):
            by_others(desk, lodged, "varied", level=level)
    done = by_others(desk, lodged, "varied", level="no_new_business")
    assert (done["stage"], stage_of(desk, number)) == ("varied", "lifted")
    assert (status(desk), stage_of(desk, done["suspension"])) == ("suspended", "in_force")
    with desk.store.reading() as connection:
        require_permission(connection, CODE, "exchange_x", "client_order", desk.day)
        with pytest.raises(ProviderSuspended, match=done["suspension"]):
            require_permission(connection, CODE, "exchange_x", "new_clients", desk.day)


def test_an_appeal_that_is_allowed_gives_back_what_a_revocation_took(desk: DeskWorld) -> None:
    serving(desk)
    number = both(desk, Revoke(provider="exchange_x", reason="grave"))["file"]
    done = by_others(desk, appealed(desk, number), "allowed")
    assert done["permissions"] == ["P0001-03", "P0001-04"]
    assert (status(desk), stage_of(desk, number)) == ("aml_registered", "set_aside")


def test_an_appeal_after_a_stay_takes_nothing_back_twice(desk: DeskWorld) -> None:
    serving(desk)
    number = both(desk, Revoke(provider="exchange_x", reason="grave"))["file"]
    lodged = appealed(desk, number)
    both(desk, stayed(number))
    done = by_others(desk, lodged, "allowed")
    assert "permissions" not in done
    assert (status(desk), stage_of(desk, number)) == ("aml_registered", "set_aside")
    with pytest.raises(StepNotAllowed):
        both(desk, EndStay(file=number, reference="W.P. 1/2026", reason="dismissed"))


# -- change of control ----------------------------------------------------------------------------


def test_control_changes_with_approval(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    number = desk.do_as("exchange_x_officer", OpenFile(kind="control"))["file"]
    submit = SubmitFile(file=number, declaration="true and complete")
    with pytest.raises(RequirementMissing, match="who takes control"):
        desk.do_as("exchange_x_officer", submit)
    fields: dict[str, Any] = {
        "file": number,
        "acquirer": "A fund",
        "country": "SG",
        "percent_before": "0",
        "percent_after": "51.00",
        "source_of_funds": "retained earnings",
        "people": ["A person"],
    }
    with pytest.raises(ControlUnchanged):
        desk.do_as(
            "exchange_x_officer", DescribeControl.model_validate(fields | {"percent_after": "0"})
        )
    desk.do_as("exchange_x_officer", DescribeControl.model_validate(fields))
    desk.do_as("exchange_x_officer", submit)
    assert desk.decided(number, "control")["stage"] == "approved"
    assert decision(number).outcome is Outcome.GRANT


# -- winding down ---------------------------------------------------------------------------------


def begun(desk: DeskWorld) -> str:
    serving(desk)
    desk.noc("exchange_y")
    both(desk, Revoke(provider="exchange_x", reason="grave"))
    begin = BeginWindingDown(
        provider="exchange_x",
        cause="revocation",
        administrator="An administrator",
        plan="clients first",
        deadline=desk.day + timedelta(days=180),
    )
    return str(both(desk, begin)["file"])


def listed(number: str, *names: str) -> ListClients:
    held = [{"asset": "BTC", "quantity": "0.5"}]
    clients = [{"client": name, "holdings": held} for name in names]
    return ListClients.model_validate({"file": number, "clients": clients})


def test_clients_are_moved_unless_they_object(desk: DeskWorld) -> None:
    number = begun(desk)
    with pytest.raises(ClientTwice):
        desk.do_as("exchange_x_officer", listed(number, "c-1", "c-1"))
    desk.do_as("exchange_x_officer", listed(number, "c-1", "c-2", "c-3"))
    shown = desk.view("enforcement", "pvara_officer", file=number)
    (case,) = shown["winding_down"]
    until = desk.day + timedelta(days=14)
    offer = ProposeTransfer(file=number, transfer_to="exchange_y", objections_until=until)
    with pytest.raises(PermissionMissing):  # an NOC alone takes on no clients
        both(desk, offer)
    desk.confirm("fmu", "exchange_y", "goaml_registered")
    with pytest.raises(WindowTooShort):
        both(desk, offer.model_copy(update={"objections_until": until - timedelta(days=1)}))
    with pytest.raises(OtherClients):
        both(desk, offer.model_copy(update={"clients": "0" * 64}))
    both(desk, offer.model_copy(update={"clients": case["clients_digest"]}))
    objection = ObjectToTransfer(file=number, client="c-2", reason="I want my coins")
    desk.do_as("pvara_officer", objection)
    complete = CompleteTransfer(file=number, reference="batch 1")
    with pytest.raises(ObjectionsOpen):
        both(desk, complete)
    desk.day = until + timedelta(days=1)
    with pytest.raises(ObjectionsOver):
        desk.do_as("pvara_officer", objection.model_copy(update={"client": "c-3"}))
    moved = desk.view("enforcement", "pvara_officer", file=number)["clients_moved"]
    kept = [{"client": one, "holdings": [{"asset": "BTC", "quantity": "0.5"}]} for one in "13"]
    assert (
        moved == digest({"clients": [one | {"client": f"c-{one['client']}"} for one in kept]}).hex()
    )
    with pytest.raises(OtherClients, match=moved):
        both(desk, complete.model_copy(update={"clients": case["clients_digest"]}))
    done = both(desk, complete.model_copy(update={"clients": moved}))
    assert (done["transferred"], done["objected"]) == (2, 1)
    with desk.store.reading() as connection:
        (told,) = read_entries(connection, programme=CODE, kinds=["ClientsTransferred"])
    assert (told["log"], told["content"]["clients"]) == ("public", moved)
    end = EndWindingDown(file=number, statement="everyone has what is theirs")
    with pytest.raises(ClientsOpen):
        both(desk, end)
    settle = SettleClient(file=number, client="c-2", fate="returned", reference="tx 1")
    desk.do_as("pvara_officer", settle)
    final = both(desk, end)
    assert (final["transferred"], final["returned"], final["unclaimed"]) == (2, 1, 0)
    (row,) = desk.view("winding_downs")
    assert (row["clients"], row["clients_open"], row["transfer_to"]) == (3, 0, "exchange_y")
    with desk.store.reading() as connection:
        (entry,) = read_entries(connection, programme=CODE, kinds=["WindingDownEnded"])
    assert entry["log"] == "public"


def test_insolvency_opens_a_case_and_shuts_the_provider_in_the_same_act(desk: DeskWorld) -> None:
    """Plan, administrator, list, window, transfer, unclaimed, statement; what survives its end."""
    serving(desk)
    desk.noc("exchange_y")
    desk.confirm("fmu", "exchange_y", "goaml_registered")
    assert status(desk) == "aml_registered"
    begin = BeginWindingDown(
        provider="exchange_x",
        cause="insolvency",
        administrator="An administrator",
        plan="clients first",
        deadline=desk.day + timedelta(days=90),
    )
    for other in (WindingCause.REVOCATION, WindingCause.SURRENDER):
        with pytest.raises(CauseUnfounded, match=f"aml_registered: there was no {other.value}"):
            both(desk, begin.model_copy(update={"cause": other}))
    with pytest.raises(DayOutOfRange):
        both(desk, begin.model_copy(update={"deadline": desk.day}))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", begin, "exchange_x_approver")
    opened = both(desk, begin)
    number = opened["file"]
    # Shut from that commit: no new clients and no orders, but it reports on.
    assert status(desk) == "wind_down"
    with desk.store.reading() as connection:
        for what in ("new_clients", "client_order", "bid", "acquire"):
            with pytest.raises(ProviderSuspended, match=opened["suspension"]):
                require_permission(connection, CODE, "exchange_x", what, desk.day)
        require_permission(connection, CODE, "exchange_x", "report", desk.day)
    calendar = desk.view("licensing_calendar", "pvara_officer", days=100)
    (due,) = [one for one in calendar if one["what"] == "winding_down"]
    assert (due["file"], due["due_on"]) == (number, begin.deadline.isoformat())

    desk.do_as("exchange_x_officer", listed(number, "c-1", "c-2", "c-3"))
    until = desk.day + timedelta(days=14)
    both(desk, ProposeTransfer(file=number, transfer_to="exchange_y", objections_until=until))
    keep = ObjectToTransfer(file=number, client="c-3", reason="no answer at its address")
    desk.do_as("pvara_officer", keep)
    desk.day = until + timedelta(days=1)
    done = both(desk, CompleteTransfer(file=number, reference="batch 1"))
    assert (done["transferred"], done["objected"]) == (2, 1)
    lies = SettleClient(file=number, client="c-3", fate="unclaimed", reference="State Bank, 4711")
    desk.do_as("pvara_officer", lies)
    both(desk, EndWindingDown(file=number, statement="two moved, one unclaimed"))
    (row,) = desk.view("winding_downs")
    assert (row["cause"], row["administrator"], row["unclaimed"], row["statement"]) == (
        "insolvency",
        "An administrator",
        1,
        "two moved, one unclaimed",
    )
    # Records are kept and reports are made by who is wound down, and by who was revoked after it.
    for shut in ("wind_down", "revoked"):
        if shut == "revoked":
            both(desk, Revoke(provider="exchange_x", reason="it is insolvent"))
        assert status(desk) == shut
        with desk.store.reading() as connection:
            require_permission(connection, CODE, "exchange_x", "report", desk.day)
            entity = reporting_entity_on(connection, CODE, "exchange_x", desk.day)
            assert entity is not None
            assert entity.registration == "4700"
            year_on = desk.day + timedelta(days=400)
            owed = {one.code for one in open_duties(connection, CODE, year_on, "exchange_x")}
        assert "records_kept" in owed
        assert ("annual_return" in owed, "segregation" in owed) == (shut == "wind_down",) * 2
    with pytest.raises(StepNotAllowed):
        desk.do_as("exchange_x_officer", listed(number, "c-9"))


def test_a_client_objects_itself_with_its_reference_and_code(desk: DeskWorld) -> None:
    number, code = begun(desk), "tulip-4711-brass-kettle"
    desk.confirm("fmu", "exchange_y", "goaml_registered")
    command = listed(number, "c-1", "c-2", "c-3").model_dump(mode="json")
    for client in command["clients"][:2]:
        client["code"] = hash_of(code)
    desk.do_as("exchange_x_officer", ListClients.model_validate(command))

    def objects(client: str, given: str = code, *, file: str = number, at: int = 1) -> Objected:
        stated = {"file": file, "client": client, "code": given, "reason": "I want my coins"}
        visitor = Visitor(f"192.0.2.{at}")
        return take_objection(desk.store, lambda _one, _code: desk.day, CODE, stated, visitor)

    with pytest.raises(NoSuchClient):  # nothing is proposed yet
        objects("c-1")
    until = desk.day + timedelta(days=14)
    both(desk, ProposeTransfer(file=number, transfer_to="exchange_y", objections_until=until))
    assert objects("c-1") == Objected(number, desk.day.isoformat(), again=False)
    assert objects("c-1").again
    for wrong in (
        lambda: objects("c-2", "another-code-of-theirs"),
        lambda: objects("c-3"),  # was sent no code
        lambda: objects("c-9"),
        lambda: objects("c-2", file="WND-2026-0099"),
    ):
        with pytest.raises(NoSuchClient):
            wrong()
    with pytest.raises((Refusals, Invalid)):
        objects("c-2", "short")
    with desk.store.reading() as connection:
        (told,) = read_entries(connection, programme=CODE, kinds=["ObjectedToTransfer"])
    assert (told["log"], told["content"]["client"]) == ("confidential", "c-1")
    desk.day = until + timedelta(days=1)
    with pytest.raises(ObjectionsOver):
        objects("c-2", at=2)
    done = both(desk, CompleteTransfer(file=number, reference="batch 1"))
    assert (done["transferred"], done["objected"]) == (2, 1)
    shown = desk.view("enforcement", "exchange_x_officer", file=number)
    assert "code" not in shown["clients"][0]


def test_a_network_objects_only_so_often(desk: DeskWorld) -> None:
    """Codes are not tried out one after another: ten letters a day from one network."""
    stated = {"file": "WND-2026-0001", "client": "c-1", "code": "x" * 16, "reason": "no"}
    seen = Counter[str]()
    for _ in range(FROM_A_NETWORK + 2):
        with pytest.raises((NoSuchClient, TooManyLetters)) as refusal:
            take_objection(
                desk.store, lambda _one, _code: desk.day, CODE, stated, Visitor("192.0.2.7")
            )
        seen[type(refusal.value).__name__] += 1
    assert seen["TooManyLetters"] == 2
