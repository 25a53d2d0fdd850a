"""The interior ministry's clock: of its own, one for each category that needs its clearance."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from amanat.core.errors import Refusals
from amanat.licensing.commands import AnswerQuestion, AskApplicant, GrantLicence, WithdrawFile
from amanat.licensing.model import RequirementMissing

from .without_ledger import DeskWorld
from .world import MARCH, VALID_UNTIL

X = "exchange_x"
THIRTY = 30


def clearance(desk: DeskWorld, number: str) -> dict[str, Any]:
    """The clocks of clearance of a file, by category."""
    shown = desk.view("file", "pvara_officer", file=number)["clocks"]
    return {one["category"]: one for one in shown if one["clock"] == "clearance"}


def due(desk: DeskWorld, person: str, days: int = 90) -> list[tuple[str, str, bool]]:
    """What the calendar shows a person of clearances: day, who owes it, overdue."""
    rows = desk.view("licensing_calendar", person, days=days)
    return [(r["due_on"], r["owed_by"], r["overdue"]) for r in rows if r["what"] == "clearance"]


@pytest.fixture
def applied(desk: DeskWorld) -> str:
    """A licence file for an exchange (clearance needed) and for advice (not needed)."""
    desk.noc(X, "exchange")
    desk.confirm("fmu", X, "goaml_registered")
    desk.confirm("secp", X, "incorporated")
    return desk.submitted(X, "licence", "exchange", "advisory")


def test_it_starts_with_the_application_and_stops_while_an_answer_is_owed(
    desk: DeskWorld, applied: str
) -> None:
    number = applied
    running = clearance(desk, number)
    assert set(running) == {"exchange"}  # advice needs none
    first = running["exchange"]
    assert (first["started_on"], first["owed_by"]) == (MARCH.isoformat(), "confirms")
    assert (first["used"], first["left"], first["stopped"]) == (0, THIRTY, False)
    before = first["due_on"]
    # Beside the file's own clocks, and to the ministry, the authority and the applicant alike.
    shown = desk.view("file", "pvara_officer", file=number)
    assert (shown["due_clock"], shown["due_by"]) == ("completeness", "authority")
    for person in ("interior_officer", "pvara_officer", "exchange_x_officer"):
        assert due(desk, person) == [(before, "interior", False)]
    for person in ("secp_officer", "exchange_y_officer"):
        assert due(desk, person) == []

    desk.day = date(2026, 3, 12)
    asked = desk.do_as("pvara_officer", AskApplicant(file=number, text="who controls it?"))
    desk.day = date(2026, 3, 17)
    stopped = clearance(desk, number)["exchange"]
    assert (stopped["stopped"], stopped["due_on"], stopped["used"]) == (True, None, 3)
    assert due(desk, "interior_officer") == []
    answer = AnswerQuestion(file=number, question=asked["question"], answer="she does")
    desk.do_as("exchange_x_officer", answer)
    after = clearance(desk, number)["exchange"]
    # Three working days were owed by the applicant: 13, 16 and 17 March.
    assert (after["stopped"], after["used"]) == (False, 3)
    assert after["due_on"] > before
    assert due(desk, "interior_officer") == [(after["due_on"], "interior", False)]
    desk.day = date.fromisoformat(after["due_on"]) + timedelta(days=1)
    assert due(desk, "interior_officer") == [(after["due_on"], "interior", True)]


def test_the_confirmation_alone_ends_it_and_until_then_no_licence_is_granted(
    desk: DeskWorld, applied: str
) -> None:
    number = applied
    desk.decided(number, "licence")
    (row,) = due(desk, "interior_officer")  # the authority's decision ends its own clock alone
    category = {"category": "exchange"}
    desk.confirm("secp", X, "capital_paid", amount=100_000_000_000, **category)
    desk.confirm("central_bank", X, "deposit_confirmed", amount=25_000_000_000, **category)
    grant = GrantLicence(file=number, category="exchange", valid_until=VALID_UNTIL)
    with pytest.raises((Refusals, RequirementMissing), match="security clearance for exchange"):
        desk.do_as("pvara_second", grant, "pvara_approver")
    desk.day = MARCH + timedelta(days=2)
    desk.confirm("interior", X, "security_cleared", **category)
    ended = clearance(desk, number)["exchange"]
    assert (ended["ended_on"], ended["used"]) == (desk.day.isoformat(), 2)
    assert due(desk, "interior_officer") == []
    # What is taken back is owed anew, from that day.
    desk.day = MARCH + timedelta(days=7)
    desk.confirm("interior", X, "security_cleared", holds=False, **category)
    again = clearance(desk, number)["exchange"]
    assert (again["started_on"], again["ended_on"]) == (desk.day.isoformat(), None)
    assert due(desk, "interior_officer")[0][0] > row[0]
    with pytest.raises((Refusals, RequirementMissing), match="security clearance for exchange"):
        desk.do_as("pvara_second", grant, "pvara_approver")


def test_who_withdraws_waits_for_nobody(desk: DeskWorld, applied: str) -> None:
    desk.do_as("exchange_x_officer", WithdrawFile(file=applied, reason="too dear"))
    assert (clearance(desk, applied), due(desk, "interior_officer")) == ({}, [])
