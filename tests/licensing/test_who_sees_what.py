"""No applicant sees another's file or acts on it; each role sees what is its own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from amanat.access.acts import ACTS, Command
from amanat.core.errors import AmanatError, Forbidden, NotFound, Unauthenticated
from amanat.licensing.commands import (
    AnswerConsultation,
    AnswerQuestion,
    AskApplicant,
    OpenConsultation,
    SaveSection,
    SubmitFile,
    WithdrawFile,
)

from .without_ledger import DeskWorld


@pytest.fixture
def filed(desk: DeskWorld) -> tuple[DeskWorld, str]:
    """A submitted file of one provider, an open file of another."""
    number = desk.submitted("exchange_x", "noc", "exchange")
    desk.opened("exchange_y", "noc", "custody")
    return desk, number


OUTSIDERS = ("exchange_y_officer", "bank_a_officer", "fmu_officer", "secp_officer",
             "central_bank_officer", "interior_officer", "ministry_officer")  # fmt: skip


@pytest.mark.parametrize("person", OUTSIDERS)
def test_another_s_file_is_as_if_it_were_not_there(
    filed: tuple[DeskWorld, str], person: str
) -> None:
    desk, number = filed
    with pytest.raises(NotFound) as there:
        desk.view("file", person, file=number)
    with pytest.raises(NotFound) as nowhere:
        desk.view("file", person, file="NOC-2026-9999")
    assert str(there.value).replace(number, "N") == str(nowhere.value).replace("NOC-2026-9999", "N")
    assert number not in str(desk.view("files", person))
    assert number not in str(desk.view("consultations", person))
    assert number not in str(desk.view("licensing_calendar", person))


COMMANDS: tuple[Any, ...] = (
    lambda number: SaveSection(file=number, form="A1", section="company", content={}),
    lambda number: SubmitFile(file=number, declaration="x"),
    lambda number: WithdrawFile(file=number, reason="x"),
    lambda number: AnswerQuestion(file=number, question="0" * 36, answer="x"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_nobody_acts_on_another_s_file(filed: tuple[DeskWorld, str], command: Any) -> None:
    desk, number = filed
    with pytest.raises(NotFound):
        desk.do_as("exchange_y_officer", command(number))
    for person in ("bank_a_officer", "fmu_officer", "pvara_officer", "exchange_x_viewer"):
        with pytest.raises(Forbidden):
            desk.do_as(person, command(number))


def test_every_act_of_the_room_is_refused_to_a_stranger(filed: tuple[DeskWorld, str]) -> None:
    """A bank, of whose capacities licensing asks for none, submits none of its acts."""
    desk, _number = filed
    stranger = desk.actor("ministry_officer")
    tried = 0
    for kind in ACTS.values():
        wanted = kind.capacities
        if kind.room != "licensing" or not wanted or wanted & stranger.capacities:
            continue
        command: Command = kind.command.model_construct()
        with pytest.raises(Forbidden):
            desk.app.desk.submit(stranger, command)
        tried += 1
    assert tried > 20


def test_views_are_for_who_signed_in(filed: tuple[DeskWorld, str]) -> None:
    desk, number = filed
    for name, fields in (
        ("files", {}), ("file", {"file": number}), ("providers", {}),
        ("provider", {"provider": "exchange_x"}), ("consultations", {}),
        ("licensing_calendar", {}),
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            desk.view(name, **fields)


def test_the_provider_sees_its_file_without_what_is_said_of_it(
    filed: tuple[DeskWorld, str],
) -> None:
    desk, number = filed
    own = desk.view("file", "exchange_x_officer", file=number)
    whole = desk.view("file", "pvara_officer", file=number)
    assert own["sections"] == whole["sections"]
    assert {"steps", "reviews", "recommendations"} <= whole.keys() - own.keys()
    assert [one["act"] for one in own["next"]] == ["WithdrawFile", "AnswerQuestion"]
    assert {one["act"] for one in whole["next"]} == {"CheckCompleteness", "AskApplicant"}
    assert desk.view("file", "auditor_officer", file=number).keys() == whole.keys()
    assert [one["file"] for one in desk.view("files", "exchange_x_officer")] == [number]
    assert [one["provider"] for one in desk.view("providers", "exchange_x_officer")] == [
        "exchange_x"
    ]


def test_who_is_consulted_sees_its_own_consultation_alone(
    filed: tuple[DeskWorld, str],
) -> None:
    desk, number = filed
    from amanat.licensing.commands import CheckCompleteness

    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))
    for stakeholder in ("fmu", "sbp"):
        ask = OpenConsultation(file=number, stakeholder=stakeholder, question=f"to {stakeholder}")
        desk.do_as("pvara_officer", ask)
    seen = desk.view("file", "fmu_officer", file=number)
    assert [one["stakeholder"] for one in seen["consultations"]] == ["fmu"]
    assert not {"questions", "reviews", "clocks", "decision"} & seen.keys()
    listed = desk.view("consultations", "fmu_officer")
    assert [one["question"] for one in listed] == ["to fmu"]
    assert len(desk.view("consultations", "pvara_officer")) == 2
    due = desk.view("licensing_calendar", "fmu_officer")
    assert [one["what"] for one in due] == ["consultation"]
    answer = AnswerConsultation(file=number, position="no_comment", answer="none")
    desk.do_as("fmu_officer", answer)
    assert desk.view("consultations", "fmu_officer") == []
    assert len(desk.view("consultations", "fmu_officer", open=False)) == 1
    with pytest.raises(NotFound):
        desk.view("file", "secp_officer", file=number)
    with pytest.raises(Forbidden):
        desk.do_as("fmu_officer", AskApplicant(file=number, text="who are you?"))


def test_lists_go_on_page_by_page(desk: DeskWorld) -> None:
    numbers = [desk.opened("exchange_x", "noc", "exchange"), desk.opened("exchange_y", "noc")]
    first = desk.view("files", "pvara_officer", limit=1)
    second = desk.view("files", "pvara_officer", limit=1, after=first[0]["file"])
    assert [first[0]["file"], second[0]["file"]] == numbers[::-1]
    assert desk.view("files", "pvara_officer", after=second[0]["file"]) == []
    for fields, expected in (
        ({"kind": "licence"}, []),
        ({"kind": "noc", "stage": "draft"}, numbers[::-1]),
        ({"provider": "exchange_y"}, numbers[1:]),
        ({"words": "exchange_X"}, numbers[:1]),
        ({"words": "100%"}, []),
        ({"open": False}, []),
    ):
        listed = [one["file"] for one in desk.view("files", "pvara_officer", **fields)]
        assert listed == expected, fields
    listed = desk.view("providers", "pvara_officer", limit=1)
    assert [one["provider"] for one in listed] == ["exchange_x"]
    rest = desk.view("providers", "pvara_officer", after=listed[0]["number"])
    assert [one["provider"] for one in rest] == ["exchange_y"]
    assert desk.view("providers", "pvara_officer", status="licensed") == []
    assert len(desk.view("providers", "secp_officer", status="applicant")) == 2
    with pytest.raises(AmanatError):
        desk.view("files", "pvara_officer", limit=100_000)


def test_a_status_that_lapsed_does_not_cut_a_page_short(desk: DeskWorld) -> None:
    desk.noc("exchange_x", "exchange")
    desk.opened("exchange_y", "noc", "custody")
    listed = desk.view("providers", "pvara_officer", status="noc", limit=1)
    assert [one["provider"] for one in listed] == ["exchange_x"]
    desk.day = date(2027, 3, 10)  # its twelve months are over
    assert desk.view("providers", "pvara_officer", status="noc", limit=1) == []
    first = desk.view("providers", "pvara_officer", status="applicant", limit=1)
    rest = desk.view("providers", "pvara_officer", status="applicant", after=first[0]["number"])
    assert [one["provider"] for one in (*first, *rest)] == ["exchange_x", "exchange_y"]
