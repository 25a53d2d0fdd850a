"""Conditions, periodic duties, breaches and incidents, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.core.errors import Forbidden, NotFound
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.commands import Recommend
from amanat.licensing.duties.acts import (
    BreachNotedBefore,
    ConditionSettled,
    NoEvidence,
    NothingOwed,
    NotOverdue,
    StatedByItself,
    ThingUnclear,
    TimeInFuture,
)
from amanat.licensing.duties.commands import (
    GiveEvidence,
    JudgeEvidence,
    MeetDuty,
    NoteBreach,
    ReportIncident,
    StateNetCapital,
)
from amanat.licensing.model import Outcome
from amanat.licensing.tables import condition

from ..without_ledger import DeskWorld
from ..world import decision


def with_conditions(desk: DeskWorld) -> list[Any]:
    """An NOC with two conditions: one due in 60 days, one that stands."""
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.examined(number, "noc")
    recommend = Recommend(file=number, outcome=Outcome.GRANT, rationale="on the whole")
    desk.do_as("pvara_officer", recommend)
    desk.do_as(
        "pvara_second",
        decision(number, conditions=("goaml", "no_client_service")),
        "pvara_approver",
    )
    with desk.store.reading() as connection:
        return list(connection.execute(sql.select(condition).order_by(condition.c.id)))


def test_evidence_meets_a_condition_when_it_is_found_to(desk: DeskWorld) -> None:
    due, standing = with_conditions(desk)
    assert (due.due_on, standing.due_on) == ("2026-05-08", None)  # 60 days after 9 March
    give = GiveEvidence(condition=due.id, text="registered as 4700")
    judge = JudgeEvidence(condition=due.id, accepted=False, finding="the number is not ours")
    with pytest.raises(NoEvidence):
        desk.do_as("pvara_officer", judge)
    desk.do_as("exchange_x_officer", give)
    desk.do_as("pvara_officer", judge)
    (row,) = [r for r in desk.view("conditions", "exchange_x_officer") if r["due_on"]]
    assert (row["accepted"], row["finding"], row["met_on"]) == (
        False,
        "the number is not ours",
        None,
    )
    desk.do_as("exchange_x_officer", give)
    desk.do_as("pvara_officer", JudgeEvidence(condition=due.id, accepted=True, finding="it is"))
    assert [r["met_on"] for r in desk.view("conditions", "pvara_officer", open=False)] == [
        "2026-03-09"
    ]
    with pytest.raises(ConditionSettled):
        desk.do_as("exchange_x_officer", give)
    assert desk.view("conditions", "exchange_y_officer") == []
    with pytest.raises(NotFound):
        desk.do_as("exchange_y_officer", GiveEvidence(condition=standing.id, text="mine"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_officer", judge)


def test_a_breach_is_noted_after_the_day_and_once(desk: DeskWorld) -> None:
    due, standing = with_conditions(desk)
    note = NoteBreach(provider="exchange_x", condition=due.id, reason="no registration was shown")

    def noted(command: NoteBreach = note) -> Any:
        return desk.do_as("pvara_officer", command, "pvara_approver")

    desk.day = date(2026, 5, 8)
    with pytest.raises(NotOverdue):
        noted()
    desk.day = date(2026, 5, 9)
    with pytest.raises(NotOverdue):
        noted(NoteBreach(provider="exchange_x", condition=standing.id, reason="served clients"))
    with pytest.raises(ThingUnclear):
        noted(NoteBreach(provider="exchange_x", reason="in general"))
    desk.opened("exchange_y", "noc", "exchange")
    with pytest.raises(NotFound):
        noted(NoteBreach(provider="exchange_y", condition=due.id, reason="another's"))
    assert noted()["consequence"] == "the NOC may be revoked"
    (row,) = [r for r in desk.view("conditions", "pvara_officer") if r["due_on"]]
    assert (row["overdue"], row["breach_noted_on"]) == (True, "2026-05-09")
    with pytest.raises(BreachNotedBefore):
        noted()


def test_the_annual_return_is_owed_year_by_year(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    meet = MeetDuty(duty="annual_return", text="form A6", document="ab" * 32)
    with pytest.raises(NothingOwed):
        desk.do_as("exchange_x_officer", meet)
    desk.day = date(2027, 3, 9)
    with pytest.raises(NotFound):
        desk.do_as("exchange_x_officer", MeetDuty(duty="tea", text="with milk"))
    (due,) = [
        one
        for one in desk.view("licensing_calendar", "pvara_officer", days=100)
        if one["text"] == "Annual return (form A6)"
    ]
    assert (due["due_on"], due["owed_by"]) == ("2027-06-07", "exchange_x")  # 90 days later
    desk.day = date(2027, 6, 8)
    late = NoteBreach(
        provider="exchange_x",
        duty="annual_return",
        period_end=date(2027, 3, 9),
        reason="nothing came",
    )
    desk.do_as("pvara_officer", late, "pvara_approver")
    done = desk.do_as("exchange_x_officer", meet)
    assert (done["period_end"], done["late"]) == ("2027-03-09", True)
    with pytest.raises(NothingOwed):
        desk.do_as("exchange_x_officer", meet)


def test_net_capital_is_owed_by_the_quarter_and_a_shortfall_is_a_breach(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    desk.hold_licence("exchange_x", "exchange")
    required = load_licensing("pk").category("exchange").net_capital

    def on_calendar() -> list[tuple[str, bool]]:
        rows = desk.view("licensing_calendar", "exchange_x_officer", days=30)
        return [
            (r["due_on"], r["overdue"]) for r in rows if r["text"] == "Statement of net capital"
        ]

    def noted(period_end: date) -> Any:
        command = NoteBreach(
            provider="exchange_x", duty="net_capital", period_end=period_end, reason="as stated"
        )
        return desk.do_as("pvara_officer", command, "pvara_approver")

    def stated(as_of: date, amount: int) -> Any:
        command = StateNetCapital(as_of=as_of, amount=amount)
        return desk.do_as("exchange_x_officer", command)

    assert on_calendar() == []
    quarter, due = date(2026, 6, 9), date(2026, 6, 24)  # three months after 9 March, and 15 days
    desk.day = due
    assert on_calendar() == [(due.isoformat(), False)]
    with pytest.raises(NotOverdue):
        noted(quarter)
    desk.day = date(2026, 6, 25)
    assert on_calendar() == [(due.isoformat(), True)]
    assert noted(quarter)["consequence"] == "no new business"
    with pytest.raises(StatedByItself, match="Statement of net capital is met by StateNetCapital"):
        desk.do_as("exchange_x_officer", MeetDuty(duty="net_capital", text="enough"))
    early = stated(date(2026, 6, 8), required)  # before the quarter's end: it meets nothing
    assert (early["period_end"], len(on_calendar())) == (None, 1)
    done = stated(date(2026, 6, 24), required - 1)
    assert (done["short"], done["late"], done["period_end"]) == (True, True, quarter.isoformat())
    assert on_calendar() == []
    # What was short is a breach of its own, unless it is stated anew.
    with pytest.raises(NotOverdue):
        noted(date(2026, 6, 8))
    assert noted(date(2026, 6, 24))["consequence"] == "no new business"
    with pytest.raises(BreachNotedBefore):
        noted(date(2026, 6, 24))


def test_incidents_are_reported_within_hours(desk: DeskWorld) -> None:
    desk.noc("exchange_x")
    now = desk.clock.now

    def report(hours: int) -> Any:
        command = ReportIncident(
            kind="outage",
            detected_at=now - timedelta(hours=hours),
            clients=12,
            text="matching stood still",
        )
        return desk.do_as("exchange_x_officer", command)

    assert not report(23)["late"]
    assert report(25)["late"]  # the pack gives 24 hours
    with pytest.raises(TimeInFuture):
        report(-1)
    rows = desk.view("incidents", "pvara_officer")
    assert [(row["incident"], row["late"]) for row in rows] == [
        ("INC-2026-0002", True),
        ("INC-2026-0001", False),
    ]
    assert desk.view("incidents", "exchange_y_officer") == []
