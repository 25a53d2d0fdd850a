"""How an act's form is read again: lists one a line, the scores of a checklist point by point."""

from __future__ import annotations

import pytest
from starlette.datastructures import FormData

from amanat.access.acts import ACTS
from amanat.access.desk import parse
from amanat.app import declare_rooms
from amanat.core.errors import AmanatError
from amanat.licensing.commands import CheckCompleteness, ScoreReview
from amanat.web.act_fields import fields_of, gathered, lines_of, read_form, scores_given

declare_rooms()
FILE = "NOC-2026-0001"


def test_a_list_of_texts_is_typed_one_a_line_or_as_json() -> None:
    kind = ACTS["CheckCompleteness"]
    assert {one["name"]: one["control"] for one in fields_of(kind)}["missing"] == "lines"
    for text in ("the charter\n\n the accounts ", '["the charter", "the accounts"]'):
        typed = {"file": FILE, "outcome": "incomplete", "missing": text}
        command = parse(CheckCompleteness, read_form(kind, typed))
        assert command.missing == ("the charter", "the accounts")


def test_what_is_given_several_times_stands_on_lines() -> None:
    form = FormData([("conditions", "goaml"), ("conditions", "of\r\nmy own"), ("conditions", "")])
    assert gathered(form)["conditions"] == "goaml\nof\nmy own"


def test_scores_have_fields_of_their_own() -> None:
    sent = FormData(
        [
            ("file", FILE),
            ("area", "governance"),
            ("rationale", "as the evidence shows"),
            ("scores.board.score", "4"),
            ("scores.board.note", "seen"),
            ("scores.board.evidence", "form A1\r\nminutes"),
        ]
    )
    values = gathered(sent)
    command = parse(ScoreReview, read_form(ACTS["ScoreReview"], values))
    (score,) = command.scores
    assert (score.item, score.score, score.evidence) == ("board", 4, ("form A1", "minutes"))
    assert scores_given(values["scores"]) == {
        "board": {"score": "4", "note": "seen", "evidence": "form A1\nminutes"}
    }


def test_a_point_without_its_score_is_refused_and_kept() -> None:
    values = gathered(FormData([("scores.board.score", ""), ("scores.board.note", "seen")]))
    stated = values | {"file": FILE, "area": "governance", "rationale": "x"}
    with pytest.raises(AmanatError, match="score"):
        parse(ScoreReview, read_form(ACTS["ScoreReview"], stated))
    assert scores_given(values["scores"])["board"]["note"] == "seen"


@pytest.mark.parametrize("text", ["[", '{"a": 1}', "3", "[3]", ""])
def test_what_is_no_list_of_scores_is_shown_as_none(text: str) -> None:
    assert scores_given(text) == {}


def test_a_bracket_begins_a_line_as_well() -> None:
    assert lines_of("[see annex\nb") == ["[see annex", "b"]
