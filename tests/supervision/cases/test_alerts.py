"""One alert goes into an open case, or is settled without one by two; nobody else sees it."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sql
from tests.supervision.cases.desks import SUBJECT, Desks
from tests.supervision.cases.test_cases import opened, put_alert, states

from amanat.access.acts import ACTS, Command
from amanat.access.desk import SecondPersonRequired
from amanat.core.errors import Forbidden, NotFound
from amanat.jurisdictions.cases import DispositionUnknown
from amanat.store.tables import journal_entry
from amanat.supervision.cases.acts_alerts import (
    AlertInCase,
    AlertNotDismissed,
    AlertNotOpen,
    DispositionNeedsCase,
)
from amanat.supervision.cases.commands import (
    AttachAlert,
    CloseCase,
    DismissAlert,
    GroupFindings,
    OpenCase,
    ReopenAlert,
)
from amanat.supervision.cases.model import CaseClosed

A, B, C, SHADOW = (one * 32 for one in "abcd")
WHY = "quokka: the salary explains it"


@pytest.fixture(autouse=True)
def alerts(desks: Desks) -> None:
    """Three open alerts and one of a shadow, all about one subject."""
    for one in (A, B, C):
        put_alert(desks, one)
    put_alert(desks, SHADOW, "shadow")


def dismissing(alert: str = A, disposition: str = "false_positive") -> DismissAlert:
    """An alert that was wrong."""
    return DismissAlert(alert=alert, disposition=disposition, reason=WHY)


def flow(desks: Desks, alert: str, person: str = "pvara_officer") -> dict[str, Any]:
    """What an alert's page shows of where it went."""
    found: dict[str, Any] = desks.look(person, "alert_flow", alert=alert)
    return found


def test_an_alert_goes_into_an_open_case_with_its_transactions(desks: Desks) -> None:
    case = opened(desks, transactions=())
    assert flow(desks, A)["open_case"] == case
    done = desks.do_as("pvara_officer", AttachAlert(case=case, alert=A))
    assert done == {"case": case, "alert": A, "risk": "0.7000"}
    assert (flow(desks, A)["case"], flow(desks, B)["case"]) == (case, None)
    shown = desks.look("pvara_officer", "case", case=case)
    assert [one["finding"] for one in shown["findings_shown"]] == [A]
    assert len(shown["transactions"]) == 2
    assert (shown["steps"][-1]["act"], shown["steps"][-1]["refers_to"]) == ("AttachAlert", A)
    with pytest.raises(AlertInCase):
        desks.do_as("pvara_officer", AttachAlert(case=case, alert=A))
    with pytest.raises(AlertInCase):
        desks.do_as("pvara_officer", dismissing(), "pvara_approver")
    grouped = desks.do_as("pvara_officer", GroupFindings())  # takes the two that are left
    assert (grouped["findings"], grouped["grown"]) == (2, [case])
    closing = CloseCase(case=case, disposition="explained", reason=WHY)
    desks.do_as("pvara_officer", closing, "pvara_approver")
    assert set(states(desks).values()) == {"closed", "shadow"}


def test_what_does_not_go_together_is_refused(desks: Desks) -> None:
    case, theirs = opened(desks), opened(desks, "fmu_officer")
    closed = opened(desks)
    closing = CloseCase(case=closed, disposition="explained", reason=WHY)
    desks.do_as("pvara_officer", closing, "pvara_approver")
    desks.do_as("pvara_officer", dismissing(C), "pvara_approver")
    refused: tuple[tuple[Command, type[Exception]], ...] = (
        (AttachAlert(case=closed, alert=A), CaseClosed),
        (AttachAlert(case="CAS-2026-0099", alert=A), NotFound),
        (AttachAlert(case=case, alert="e" * 32), NotFound),
        (AttachAlert(case=case, alert=SHADOW), AlertNotOpen),
        (AttachAlert(case=case, alert=C), AlertNotOpen),
        (dismissing("e" * 32), NotFound),
        (dismissing(SHADOW), AlertNotOpen),
        (dismissing(C), AlertNotOpen),
        (dismissing(A, "wrong"), DispositionUnknown),
        (dismissing(A, "referred"), DispositionNeedsCase),
        (ReopenAlert(alert=A, reason=WHY), AlertNotDismissed),
        (ReopenAlert(alert="e" * 32, reason=WHY), NotFound),
    )
    for command, error in refused:
        with pytest.raises(error):
            desks.do_as("pvara_officer", command)
    assert theirs == "CAS-2026-0001"  # each desk has its own numbers, and is told of its own cases
    for command in (
        AttachAlert(case=theirs, alert=A),
        dismissing(),
        ReopenAlert(alert=C, reason="x"),
    ):
        for person in ("fmu_officer", "exchange_x_officer", "bank_a_officer"):
            with pytest.raises(Forbidden):
                desks.do_as(person, command)


def test_an_alert_is_dismissed_by_two_with_a_reason_and_opened_again(desks: Desks) -> None:
    outcome = desks.app.desk.submit(desks.actor("pvara_officer"), dismissing())
    assert (outcome.state, states(desks)[A]) == ("proposed", "open")
    assert outcome.proposal is not None
    with pytest.raises(SecondPersonRequired):
        desks.app.desk.approve(desks.actor("pvara_officer"), outcome.proposal)
    desks.app.desk.approve(desks.actor("pvara_approver"), outcome.proposal)
    assert states(desks) == {A: "closed", B: "open", C: "open", SHADOW: "shadow"}
    (kept,) = flow(desks, A, "pvara_second")["dismissals"]
    assert kept == {
        "on": desks.day.isoformat(), "disposition": "false_positive", "reason": WHY,
        "person": "pvara_officer", "approved_by": "pvara_approver", "reopened_on": None,
        "reopened_by": None,
    }  # fmt: skip
    desks.do_as("pvara_officer", dismissing(B, "explained"), "pvara_approver")
    statistics = desks.look("pvara_officer", "case_statistics")
    assert (statistics["closed"], statistics["dismissed"]) == (0, 2)
    assert {one["disposition"]: one["alerts"] for one in statistics["dispositions"]} == {
        "false_positive": 1, "explained": 1,
    }  # fmt: skip
    counted = {"scenario": "structuring", "cases": 0, "alerts": 2, "false_positives": 1}
    assert statistics["scenarios"] == [counted]
    assert desks.do_as("pvara_officer", GroupFindings())["findings"] == 1  # what was not dismissed
    assert desks.look("pvara_officer", "confirmed_movements") == []
    desks.do_as("pvara_second", ReopenAlert(alert=A, reason="a further deposit"))
    assert states(desks)[A] == "open"
    (kept,) = flow(desks, A)["dismissals"]
    assert (kept["reopened_on"], kept["reopened_by"]) == (desks.day.isoformat(), "pvara_second")
    assert desks.look("pvara_officer", "case_statistics")["dismissed"] == 1
    desks.do_as("pvara_officer", dismissing(), "pvara_approver")
    assert len(flow(desks, A)["dismissals"]) == 2
    for other in ("fmu_officer", "exchange_x_officer", "auditor_officer", "bank_a_officer"):
        with pytest.raises(NotFound):
            flow(desks, A, other)
    with desks.store.reading() as connection:
        logged = connection.execute(sql.select(journal_entry.c.entry)).scalars().all()
    assert len(logged) > 4
    assert not any(A.encode() in one or b"quokka" in one for one in logged)
    assert all(ACTS[one].untold for one in ("AttachAlert", "DismissAlert", "ReopenAlert"))


def test_effects_say_what_will_be(desks: Desks) -> None:
    other = OpenCase(subject=f"party:{SUBJECT + 1}", title="Somebody else", reason="seen")
    case = str(desks.do_as("pvara_officer", other)["case"])
    actor, foresee = desks.actor("pvara_officer"), desks.app.desk.foresee
    attached = foresee(actor, AttachAlert(case=case, alert=A))
    dismissed = foresee(actor, dismissing())
    again = foresee(actor, ReopenAlert(alert=A, reason=WHY))
    assert [str(one) for one in attached] == [
        f"Case {case} takes in the alert of 2026-03-09 with 2 transactions",
        "The alert is about another subject than the case",
    ]
    assert str(dismissed[0]).endswith("ends as false positive, without a case")
    assert str(again[0]).endswith("stands in the queue again")
