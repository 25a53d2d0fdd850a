"""The work list: whose turn it is, since when, and what oneself may do of it."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.core.errors import NotFound, Refusal, Unauthenticated
from amanat.licensing.acts_assignment import FileClosed, NotTheirDesk
from amanat.licensing.commands import (
    AnswerConsultation,
    AskApplicant,
    AssignFile,
    CheckCompleteness,
    OpenConsultation,
    PutBackFile,
    Recommend,
    WithdrawFile,
)
from amanat.licensing.model import Completeness, Conflicted, Outcome, Position
from amanat.licensing.openness.commands import Recuse
from amanat.store.journal import read_entries

from .without_ledger import DeskWorld


def work(desk: DeskWorld, person: str, **asked: Any) -> dict[str, Any]:
    """What a person reads."""
    shown: dict[str, Any] = desk.app.desk.view(desk.actor(person), "test", "licensing_work", asked)
    return shown


def test_a_file_comes_to_the_desk_when_it_is_submitted_and_goes_from_hand_to_hand(
    desk: DeskWorld,
) -> None:
    number = desk.opened("exchange_x", "noc", "exchange")
    assert work(desk, "pvara_officer")["rows"] == []
    assert [one["file"] for one in work(desk, "exchange_x_officer")["rows"]] == [number]
    number = desk.submitted("exchange_y", "noc", "exchange")

    def row(person: str) -> dict[str, Any]:
        (found,) = work(desk, person)["rows"]
        assert found["file"] == number
        return dict(found)

    first = row("pvara_officer")
    assert (first["turn"], first["stage"], first["days_in_stage"]) == ("authority", "submitted", 0)
    assert "CheckCompleteness" in first["mine"]
    assert first["due_on"] is not None
    complete = CheckCompleteness(file=number, outcome=Completeness.COMPLETE)
    desk.do_as("pvara_officer", complete)
    desk.do_as("pvara_officer", AskApplicant(file=number, text="Who keeps the keys?"))
    assert (row("pvara_officer")["turn"], row("pvara_officer")["questions_open"]) == (
        "applicant",
        1,
    )


def test_who_is_consulted_sees_the_file_until_it_has_answered(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_y", "noc", "exchange")
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    assert work(desk, "fmu_officer")["rows"] == []
    ask = OpenConsultation(file=number, stakeholder="fmu", question="any objection?")
    desk.do_as("pvara_officer", ask)
    (row,) = work(desk, "fmu_officer")["rows"]
    assert (row["turn"], row["consultations_open"]) == ("consulted", ["fmu"])
    assert row["mine"] == ["AnswerConsultation"]
    answer = AnswerConsultation(file=number, position=Position.NO_OBJECTION, answer="none")
    desk.do_as("fmu_officer", answer)
    assert work(desk, "fmu_officer")["rows"] == []


def test_who_recommended_reads_that_another_decides(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_y", "noc", "exchange")
    desk.examined(number, "noc")
    whole = Recommend(file=number, outcome=Outcome.GRANT, rationale="on the whole")
    desk.do_as("pvara_officer", whole)
    (own,) = work(desk, "pvara_officer")["rows"]
    assert (own["own_work"], "Decide" in own["mine"]) == (["Decide"], False)
    (others,) = work(desk, "pvara_second")["rows"]
    assert "Decide" in others["mine"]


def test_it_is_filtered_and_counted_by_stage(desk: DeskWorld) -> None:
    for code in ("exchange_x", "exchange_y"):
        desk.submitted(code, "noc", "exchange")
    shown = work(desk, "pvara_officer", limit=1)
    assert (len(shown["rows"]), shown["next"]) == (1, 1)
    assert shown["stages"] == [{"kind": "noc", "stage": "submitted", "files": 2, "overdue": 0}]
    assert work(desk, "pvara_officer", stage="review")["rows"] == []
    found = work(desk, "pvara_officer", words="exchange_y")["rows"]
    assert [one["provider"] for one in found] == ["exchange_y"]


def test_an_officer_takes_a_file_gives_it_and_puts_it_back(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_y", "noc", "exchange")

    def on_desk(person: str) -> list[str]:
        return [one["file"] for one in work(desk, person, mine=True)["rows"]]

    def officer(person: str) -> str | None:
        (row,) = work(desk, person)["rows"]
        return str(row["officer"]) if row["officer"] else None

    assert officer("pvara_officer") is None
    with pytest.raises(NotFound, match="officer of file"):
        desk.do_as("pvara_officer", PutBackFile(file=number))
    desk.do_as("pvara_officer", AssignFile(file=number))
    assert (on_desk("pvara_officer"), on_desk("pvara_second")) == ([number], [])
    desk.do_as("pvara_officer", AssignFile(file=number, to="pvara_second"))
    assert (on_desk("pvara_officer"), on_desk("pvara_second")) == ([], [number])
    assert desk.view("file", "pvara_officer", file=number)["officer"] == "pvara_second"
    # On whose desk it lies is told to nobody else, and binds nobody.
    assert officer("exchange_y_officer") is None
    assert "officer" not in desk.view("file", "exchange_y_officer", file=number)
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome=Completeness.COMPLETE))
    desk.do_as("pvara_second", PutBackFile(file=number))
    assert officer("pvara_officer") is None
    with desk.store.reading() as connection:
        entries = read_entries(connection, programme="test", kinds=["FileAssigned"])
    assert [one["content"]["to"] for one in entries] == ["pvara_officer", "pvara_second", None]


def test_a_file_is_given_to_nobody_who_may_not_have_it(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_y", "noc", "exchange")
    for stranger in ("exchange_y_officer", "fmu_officer", "nobody"):
        with pytest.raises(NotTheirDesk, match=f"{stranger} is no officer"):
            desk.do_as("pvara_officer", AssignFile(file=number, to=stranger))
    for outsider in ("exchange_y_officer", "fmu_officer"):
        with pytest.raises(Refusal) as refusal:
            desk.do_as(outsider, AssignFile(file=number))
        assert refusal.value.status == 403
    recuse = Recuse(
        person="pvara_second", provider="exchange_y", nature="family", reason="a relative is there"
    )
    desk.do_as("pvara_officer", recuse, "pvara_approver")
    with pytest.raises(Conflicted, match="pvara_second is recused"):
        desk.do_as("pvara_officer", AssignFile(file=number, to="pvara_second"))
    desk.do_as("exchange_y_officer", WithdrawFile(file=number, reason="not now"))
    with pytest.raises(FileClosed):
        desk.do_as("pvara_officer", AssignFile(file=number))


def test_nobody_reads_it_without_signing_in_and_a_bank_reads_nothing(desk: DeskWorld) -> None:
    desk.submitted("exchange_y", "noc", "exchange")
    assert work(desk, "bank_a_officer") == {"rows": [], "next": None, "stages": []}
    with pytest.raises(Unauthenticated):
        desk.app.desk.view(None, "test", "licensing_work", {})
