"""The same acts walk another jurisdiction's path, which is another table and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from amanat.core.errors import Forbidden, NotFound
from amanat.licensing.commands import (
    AskApplicant,
    CheckCompleteness,
    OpenConsultation,
    OpenFile,
    Recommend,
    SaveSection,
    Score,
    ScoreReview,
    SubmitFile,
)
from amanat.licensing.forms.form import load_form
from amanat.licensing.model import RequirementMissing, StepNotAllowed
from amanat.licensing.records import adopt_pack

from ..programme.world import CODE
from .forms.test_answers import answered
from .without_ledger import DeskWorld
from .world import MARCH, decision


@pytest.fixture
def union(desk: DeskWorld) -> DeskWorld:
    """A programme that follows MiCA."""
    with desk.store.engine.begin() as connection:
        adopt_pack(connection, CODE, "eu", "2026-03-09T06:00:00+00:00")
    return desk


def test_mica_walks_from_application_to_decision(union: DeskWorld) -> None:
    desk = union
    with pytest.raises(NotFound, match="no kind of file"):
        desk.do_as("exchange_x_officer", OpenFile(kind="noc", country="DE"))
    opened = OpenFile(kind="licence", categories=("custody",), country="DE")
    number = desk.do_as("exchange_x_officer", opened)["file"]
    assert number == "CASP-2026-0001"
    desk.give_document("exchange_x")
    for section, content in answered(load_form("eu", "application")).items():
        saved = SaveSection(file=number, form="application", section=section, content=content)
        assert desk.do_as("exchange_x_officer", saved)["complete"] is True
    desk.do_as("exchange_x_officer", SubmitFile(file=number, declaration="true"))
    shown = desk.view("file", "pvara_officer", file=number)
    # 25 working days from 9 March 2026: Good Friday 3 and Easter Monday 6 April are closed.
    assert (shown["due_clock"], shown["due_on"]) == ("completeness", "2026-04-15")
    desk.day = MARCH + timedelta(days=7)
    desk.do_as("pvara_officer", CheckCompleteness(file=number, outcome="complete"))
    shown = desk.view("file", "pvara_officer", file=number)
    # 40 working days from 16 March, with 1 May closed too.
    assert (shown["stage"], shown["due_on"]) == ("assessment", "2026-05-14")
    with pytest.raises(StepNotAllowed, match=r"MiCA|European Union"):
        desk.do_as("pvara_officer", OpenConsultation(file=number, stakeholder="fmu", question="?"))
    recommend = Recommend(file=number, outcome="grant", rationale="it fits")
    with pytest.raises(RequirementMissing, match="Article 63"):
        desk.do_as("pvara_officer", recommend)
    scores = tuple(Score(item=one, score=4, note="seen") for one in ("repute", "owners"))
    desk.do_as(
        "pvara_officer",
        ScoreReview(file=number, area="governance", scores=scores, rationale="as it is"),
    )
    desk.do_as("pvara_officer", recommend)
    done = desk.do_as("pvara_second", decision(number), "pvara_approver")
    assert done["stage"] == "approved"
    shown = desk.view("file", "exchange_x_officer", file=number)
    assert shown["decision"]["law"] == "Regulation (EU) 2023/1114 (MiCA), Article 63"
    with pytest.raises(StepNotAllowed):
        desk.do_as("pvara_officer", AskApplicant(file=number, text="one more thing?"))
    with pytest.raises((Forbidden, NotFound)):
        desk.confirm("fmu", "exchange_x", "goaml_registered")
    assert date.fromisoformat(shown["opened_on"]) == MARCH
