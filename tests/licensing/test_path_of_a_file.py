"""A file from its opening to a decision: who does what, what must hold, what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.licensing.commands import (
    AnswerConsultation,
    AnswerQuestion,
    AskApplicant,
    CheckCompleteness,
    OpenConsultation,
    OpenFile,
    Recommend,
    ReturnFile,
    SaveSection,
    Score,
    ScoreReview,
    SubmitFile,
    WithdrawFile,
)
from amanat.licensing.model import (
    Completeness,
    Conflicted,
    ConsultationOpen,
    FileStillOpen,
    NobodyToAsk,
    Outcome,
    OwnWork,
    Position,
    QuestionClosed,
    ReasonMissing,
    RequirementMissing,
    ScoresIncomplete,
    StepNotAllowed,
    WrongStatus,
)
from amanat.licensing.standing import standing_on
from amanat.licensing.tables import condition, decision, recusal
from amanat.store.journal import read_entries

from ..programme.world import CODE
from .without_ledger import DeskWorld
from .world import MARCH, scored
from .world import decision as decided


def status(desk: DeskWorld, code: str, day: date = MARCH) -> str:
    """The public status of a provider."""
    with desk.store.reading() as connection:
        return standing_on(connection, CODE, code, day).status


def row(desk: DeskWorld, table: sql.Table) -> Any:
    """The only row of a table."""
    with desk.store.reading() as connection:
        return connection.execute(sql.select(table)).one()


def test_an_applicant_comes_to_its_noc(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange", "custody")
    assert number == "NOC-2026-0001"
    assert status(desk, "exchange_x") == "applicant"
    desk.examined(number, "noc")
    desk.do_as("pvara_officer", Recommend(file=number, outcome="grant", rationale="it fits"))
    told = decided(number, conditions=("goaml", "report every month to the board"))
    done = desk.do_as("pvara_second", told, "pvara_approver")
    assert (done["stage"], done["permission"]) == ("granted", "P0001-01")
    assert status(desk, "exchange_x") == "noc"
    published = row(desk, decision)
    assert published.law == "Virtual Assets Act 2026, s.19(1)"
    assert (published.recommended_by, published.person, published.approved_by) == (
        "pvara_officer",
        "pvara_second",
        "pvara_approver",
    )
    assert published.applicants == 1
    with desk.store.reading() as connection:
        attached = connection.execute(sql.select(condition).order_by(condition.c.id)).all()
        entries = read_entries(connection, programme=CODE, kinds=["FileDecided"])
    assert [one.code for one in attached] == ["goaml", None]
    # 60 calendar days from 9 March 2026.
    assert [one.due_on for one in attached] == ["2026-05-08", None]
    assert entries[0]["log"] == "public"
    assert entries[0]["content"]["conflicts"] == "none declared"
    # Twelve months later it has lapsed by itself.
    assert status(desk, "exchange_x", date(2027, 3, 9)) == "noc"
    assert status(desk, "exchange_x", date(2027, 3, 10)) == "applicant"


def test_a_refusal_has_reasons_and_a_window_for_an_appeal(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.decided(number, "noc", Outcome.REFUSE)
    assert status(desk, "exchange_x") == "refused"
    refused = row(desk, decision)
    assert (refused.outcome, refused.appeal_until) == ("refuse", "2026-04-08")
    assert refused.reasons == "it does not"
    # It may apply again.
    assert desk.opened("exchange_x", "noc") == "NOC-2026-0002"


def test_nobody_decides_what_they_recommended(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.examined(number, "noc")
    desk.do_as("pvara_approver", Recommend(file=number, outcome="grant", rationale="it fits"))
    with pytest.raises(OwnWork, match="pvara_approver did Recommend"):
        desk.do_as("pvara_approver", decided(number))
    outcome = desk.app.desk.submit(desk.actor("pvara_second"), decided(number))
    with pytest.raises(OwnWork, match="pvara_approver did Recommend"):
        desk.app.desk.approve(desk.actor("pvara_approver"), str(outcome.proposal))
    done = desk.app.desk.approve(desk.actor("pvara_board"), str(outcome.proposal))
    assert done.state == "carried_out"


def test_who_is_recused_takes_no_part(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    with desk.store.engine.begin() as connection:
        connection.execute(
            recusal.insert().values(
                id="0" * 36,
                programme=CODE,
                recused="pvara_officer",
                provider="exchange_x",
                reason="a sister works there",
                institution="pvara",
                person="pvara_board",
                recorded_at="2026-03-09T06:00:00+00:00",
                recorded_on="2026-03-09",
                entry="0" * 36,
            )
        )
    complete = CheckCompleteness(file=number, outcome=Completeness.COMPLETE)
    with pytest.raises(Conflicted, match="a sister works there"):
        desk.do_as("pvara_officer", complete)
    assert desk.do_as("pvara_second", complete)["stage"] == "review"


def test_what_is_missing_in_forms_is_told_at_the_submission(desk: DeskWorld) -> None:
    number = desk.opened("exchange_x", "noc", "exchange")
    submit = SubmitFile(file=number, declaration="true")
    with pytest.raises(Refusals) as refusal:
        desk.do_as("exchange_x_officer", submit)
    files = {one.place.file for one in refusal.value.refusals if one.place}
    assert files == {"A1", "A2", "A3", "A4"}
    desk.fill("exchange_x", number, "noc")
    assert desk.do_as("exchange_x_officer", submit)["stage"] == "submitted"
    with pytest.raises(StepNotAllowed, match="submitted"):
        desk.do_as("exchange_x_officer", submit)
    with pytest.raises(StepNotAllowed):
        desk.do_as(
            "exchange_x_officer",
            SaveSection(file=number, form="A1", section="company", content={"legal_name": "X"}),
        )


def test_a_file_is_opened_in_its_turn(desk: DeskWorld) -> None:
    desk.opened("exchange_x", "noc", "exchange")
    with pytest.raises(FileStillOpen, match="NOC-2026-0001"):
        desk.opened("exchange_x", "noc", "exchange")
    with pytest.raises(WrongStatus, match="exchange_x is applicant"):
        desk.opened("exchange_x", "licence", "exchange")
    with pytest.raises(NotFound, match="no kind of file"):
        desk.opened("exchange_x", "fast_lane")
    with pytest.raises(NotFound, match="no service category"):
        desk.opened("exchange_y", "noc", "lottery")
    with pytest.raises(Forbidden):
        desk.do_as("pvara_officer", OpenFile(kind="noc", country="PK"))
    with pytest.raises(Forbidden):
        desk.do_as("exchange_x_viewer", OpenFile(kind="noc", country="PK"))


def test_sections_are_saved_as_they_are(desk: DeskWorld) -> None:
    number = desk.opened("exchange_x", "noc", "exchange")
    half = SaveSection(file=number, form="A3", section="plan", content={})
    assert desk.do_as("exchange_x_officer", half)["complete"] is False
    with pytest.raises(NotFound, match="no form A9"):
        desk.do_as(
            "exchange_x_officer", SaveSection(file=number, form="A9", section="a", content={})
        )
    with pytest.raises(NotFound, match=r"no section A1\.plan"):
        desk.do_as(
            "exchange_x_officer", SaveSection(file=number, form="A1", section="plan", content={})
        )


def test_an_incomplete_file_goes_back_with_what_is_missing(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    with pytest.raises(ReasonMissing):
        desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="incomplete"))
    back = CheckCompleteness(file=number, outcome="incomplete", missing=("the charter",))
    assert desk.do_as("pvara_officer", back)["stage"] == "draft"
    again = SubmitFile(file=number, declaration="true")
    assert desk.do_as("exchange_x_officer", again)["stage"] == "submitted"


def test_a_clock_stands_still_while_the_applicant_owes_an_answer(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    shown = desk.view("file", "pvara_officer", file=number)
    # Ten working days from Monday 9 March; Eid-ul-Fitr and Pakistan Day lie between.
    assert (shown["due_clock"], shown["due_by"]) == ("completeness", "authority")
    before = date.fromisoformat(shown["due_on"])
    desk.day = date(2026, 3, 11)
    asked = desk.do_as("pvara_officer", AskApplicant(file=number, text="who owns it?"))
    shown = desk.view("file", "exchange_x_officer", file=number)
    assert (shown["due_clock"], shown["due_by"]) == ("answer", "applicant")
    with pytest.raises(RequirementMissing, match="no question to the applicant is open"):
        desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))
    desk.day = date(2026, 3, 13)
    answer = AnswerQuestion(file=number, question=asked["question"], answer="a trust")
    desk.do_as("exchange_x_officer", answer)
    with pytest.raises(QuestionClosed, match="2026-03-13"):
        desk.do_as("exchange_x_officer", answer)
    shown = desk.view("file", "pvara_officer", file=number)
    after = date.fromisoformat(shown["due_on"])
    assert after > before
    clocks = {one["clock"]: one for one in shown["clocks"] if one["clock"] != "answer"}
    # Used: 10 and 11 March; 12 and 13 were the applicant's.
    assert (clocks["completeness"]["used"], clocks["decision"]["used"]) == (2, 2)
    assert desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))


def test_a_review_scores_each_point_once(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    with pytest.raises(StepNotAllowed):
        desk.do_as("pvara_officer", scored(number, "governance", 3))
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))
    two = (Score(item="board", score=1, note="x"), Score(item="board", score=2, note="x"))
    with pytest.raises(Refusals) as refusal:
        desk.do_as(
            "pvara_officer",
            ScoreReview(file=number, area="governance", scores=two, rationale="as it is"),
        )
    assert len(refusal.value.refusals) == 4
    stray = (Score(item="colour", score=1, note="x"),)
    with pytest.raises(Refusals, match="colour is no point"):
        desk.do_as(
            "pvara_officer",
            ScoreReview(file=number, area="governance", scores=stray, rationale="as it is"),
        )
    with pytest.raises(NotFound, match="no checklist"):
        desk.do_as("pvara_officer", scored(number, "governance", 3).model_copy(
            update={"area": "weather"}))  # fmt: skip
    # 3 of 5 in every point is 60 per cent, the pass mark; 2 of 5 is 40.
    assert desk.do_as("pvara_officer", scored(number, "governance", 3))["passed"] is True
    again = desk.do_as("pvara_officer", scored(number, "governance", 2))
    assert (again["percent"], again["passed"]) == (40, False)
    assert ScoresIncomplete.status == 422


def test_stakeholders_answer_or_their_time_runs_out(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))
    for area in ("governance", "compliance_readiness", "risk_management", "alignment"):
        desk.do_as("pvara_officer", scored(number, area, 4))
    ask = OpenConsultation(file=number, stakeholder="fmu", question="any objection?")
    answer = AnswerConsultation(file=number, position=Position.OBJECTION, answer="yes")
    with pytest.raises(NotFound):
        desk.do_as("fmu_officer", answer)
    desk.do_as("pvara_officer", ask)
    with pytest.raises(ConsultationOpen):
        desk.do_as("pvara_officer", ask)
    with pytest.raises(NobodyToAsk, match=r"consulted\.nacta"):
        desk.do_as(
            "pvara_officer", OpenConsultation(file=number, stakeholder="nacta", question="?")
        )
    with pytest.raises(NotFound):
        desk.do_as("central_bank_officer", answer)
    recommend = Recommend(file=number, outcome="grant", rationale="it fits")
    with pytest.raises(RequirementMissing, match="must be consulted"):
        desk.do_as("pvara_officer", recommend)
    desk.do_as("fmu_officer", answer)
    with pytest.raises(NotFound, match="open consultation"):
        desk.do_as("fmu_officer", answer)
    for one in ("sbp", "secp"):
        desk.do_as("pvara_officer", OpenConsultation(file=number, stakeholder=one, question="?"))
    with pytest.raises(RequirementMissing):
        desk.do_as("pvara_officer", recommend)
    desk.day = MARCH + timedelta(days=60)
    assert desk.do_as("pvara_officer", recommend)["stage"] == "recommended"
    with pytest.raises(StepNotAllowed):
        desk.do_as("pvara_officer", recommend)
    sent = desk.do_as("pvara_second", ReturnFile(file=number, reason="look again"))
    assert sent["stage"] == "review"


def test_a_file_is_taken_back_before_it_is_decided(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange")
    back = WithdrawFile(file=number, reason="we changed our mind")
    assert desk.do_as("exchange_x_officer", back)["stage"] == "withdrawn"
    with pytest.raises(StepNotAllowed):
        desk.do_as("exchange_x_officer", back)
    with pytest.raises(StepNotAllowed):
        desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))


def test_no_law_no_step(desk: DeskWorld) -> None:
    """A licence is granted under the 2026 Act, which was not in force in December 2025."""
    desk.day = date(2025, 12, 12)
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.decided(number, "noc")
    assert row(desk, decision).law == "Virtual Assets Ordinance 2025"
    with pytest.raises(Exception, match=r"On 2025-12-12 no law is in force .*licence"):
        desk.opened("exchange_x", "licence", "exchange")
