"""A file from its opening to a decision: who does what, what must hold, what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from amanat.core.errors import Forbidden, NotFound, Refusals
from amanat.licensing.commands import (
    AnswerQuestion,
    AskApplicant,
    CheckCompleteness,
    OpenFile,
    Recommend,
    SubmitFile,
)
from amanat.licensing.model import (
    Completeness,
    NotTheirStep,
    Outcome,
    OwnWork,
    RequirementMissing,
    StepNotAllowed,
)

from .without_ledger import DeskWorld
from .world import decision, scored


def test_an_applicant_comes_to_its_noc(desk: DeskWorld) -> None:
    number = desk.submitted("exchange_x", "noc", "exchange", "custody")
    done = desk.decided(number, "noc")
    assert done["stage"] == "granted"
    assert done["permission"] == "P0001-01"
