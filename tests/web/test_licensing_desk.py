"""What the desk of licensing makes of its views: a file's way, its buttons, whose turn it is."""

from __future__ import annotations

from typing import Any

from amanat.app import declare_rooms
from amanat.jurisdictions.licensing import load_licensing
from amanat.web.licensing_desk import buttons, grouped_work, opened, reviewed, timeline

declare_rooms()
PACK = load_licensing("pk")
DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")


def step(former: str, to: str, day: str) -> dict[str, Any]:
    return {"from_stage": former, "to_stage": to, "recorded_on": day}


def file(**more: Any) -> dict[str, Any]:
    return {
        "file": "NOC-2026-0001",
        "kind": "noc",
        "stage": "review",
        "categories": ["exchange"],
        "next": [],
    } | more


def ways(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.stage, one.state) for one in timeline(PACK, shown)]


def test_a_file_shows_where_it_was_where_it_is_and_where_it_goes() -> None:
    steps = [
        step("new", "draft", DAYS[0]),
        step("draft", "draft", DAYS[0]),
        step("draft", "submitted", DAYS[1]),
        step("submitted", "review", DAYS[2]),
    ]
    assert ways(file(steps=steps)) == [
        ("draft", "past"),
        ("submitted", "past"),
        ("review", "here"),
        ("consultation", "to_come"),
        ("recommended", "to_come"),
        ("granted", "to_come"),
    ]
    assert [one.day for one in timeline(PACK, file(steps=steps))][:3] == list(DAYS)


def test_a_file_that_is_over_goes_nowhere() -> None:
    steps = [step("new", "draft", DAYS[0]), step("draft", "withdrawn", DAYS[1])]
    shown = file(stage="withdrawn", steps=steps)
    assert ways(shown) == [("draft", "past"), ("withdrawn", "past")]


def test_who_is_consulted_sees_the_way_without_its_days() -> None:
    assert ways(file(stage="consultation"))[:4] == [
        ("draft", "past"),
        ("submitted", "past"),
        ("review", "past"),
        ("consultation", "here"),
    ]
    assert all(one.day is None for one in timeline(PACK, file(stage="refused")))
    assert "granted" not in dict(ways(file(stage="refused")))


def test_a_step_is_a_button_that_fills_its_form_or_says_what_hinders() -> None:
    steps = [
        {"act": "ScoreReview", "outcome": None, "section": "noc.application"},
        {"act": "Decide", "outcome": "grant", "section": "noc.grant"},
    ]
    (button,) = buttons("test", file(next=steps), {1: "not by oneself"})
    assert button.href == "/p/test/acts/Decide?file=NOC-2026-0001&outcome=grant"
    assert button.hindrance == "not by oneself"
    assert buttons("test", file()) == []


def test_a_checklist_is_scored_where_one_may_and_shows_its_last_review() -> None:
    review = {"area": "governance", "scores": [{"item": "board", "score": 4}], "percent": 80}
    may = [{"act": "ScoreReview", "outcome": None, "section": ""}]
    first, *others = reviewed(PACK, "test", file(reviews=[review], next=may))
    assert first.scored("board") == {"item": "board", "score": 4}
    assert first.scored("nothing") == {}
    assert first.href is not None
    assert [one.review for one in others] == [None, None, None]
    assert [one.href for one in reviewed(PACK, "test", file(reviews=[]))] == [None] * 4
    assert reviewed(PACK, "test", file()) == []


def test_open_files_are_grouped_by_whose_turn_it_is() -> None:
    def row(turn: str, *mine: str, kind: str = "noc") -> dict[str, Any]:
        return {"turn": turn, "mine": list(mine), "kind": kind, "due_on": None}

    found = grouped_work(
        [
            row("applicant"),
            row("authority", "AskApplicant"),
            row("authority", "Decide"),
            row("authority", "LiftSuspension", kind="suspension"),
            row("confirms"),
        ]
    )
    assert [(name, len(rows)) for name, rows in found] == [
        ("mine", 1),
        ("colleague", 1),
        ("applicant", 1),
        ("others", 1),
        ("standing", 1),
    ]


def test_every_activity_is_open_or_shut() -> None:
    shown = dict(opened(PACK, ["report"]))
    assert shown[PACK.activities["report"]] is True
    assert [words for words, is_open in shown.items() if is_open] == [PACK.activities["report"]]
