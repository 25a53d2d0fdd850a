"""One accepted return on its page: what it holds, its totals and score, how far it was followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from amanat.core.errors import NotFound
from amanat.supervision.returns.intake import ReturnRefused
from amanat.supervision.returns.quality import parts_of, score_of
from amanat.supervision.returns.tables import manifest

from .conftest import IntakeWorld
from .exchanges import usual_records, written


def test_a_return_shows_what_was_accepted_and_what_became_of_it(
    world: IntakeWorld, tmp_path: Path
) -> None:
    with pytest.raises(ReturnRefused):
        world.take(written(tmp_path / "wrong", sequence=2))
    first = world.take(written(tmp_path / "r"))["return"]
    shown = world.view("pvara_officer", "accepted_return", accepted=first)
    assert (shown["exchange"], shown["person"], shown["transactions"]) == (
        "exchange_x", "exchange_x_officer", 7,
    )  # fmt: skip
    assert {one["record"]: one["rows"] for one in shown["contents"]}["transactions"] == 7
    # Counted here from what was written, beside what the exchange stated and intake counted.
    records = usual_records()["transactions"]
    value = {
        kind: 100 * sum(one["value"] for one in records if one["kind"] == kind)
        for kind in {one["kind"] for one in records}
    }
    totals = {one["kind"]: one for one in shown["totals"]}
    assert {kind: int(totals[kind]["stated_minor"]) for kind in value} == value
    assert int(totals["all"]["counted_minor"]) == sum(value.values())
    for one in totals.values():
        assert one["rows_stated"] == one["rows_counted"]
        assert one["stated_minor"] == one["counted_minor"]
    assert shown["score"] == sum(one["points"] for one in shown["parts"])
    assert (shown["corrections"], shown["refused"]) == ([], [])
    corrects = {"sequence": 1, "scope": "whole", "reason": "booked wrongly"}
    second = world.take(written(tmp_path / "c", sequence=2, corrects=corrects))["return"]
    former = world.view("exchange_x_officer", "accepted_return", accepted=first)
    assert (former["in_force"], former["score"]) == (False, shown["score"] - 20)
    assert former["parts"][-1]["points"] == -20
    assert [(one["return"], one["in_force"]) for one in former["corrections"]] == [
        (first, False), (second, True),
    ]  # fmt: skip
    assert [one["reason"] for one in former["corrections"]] == ["", "booked wrongly"]
    later = world.view("exchange_x_officer", "accepted_return", accepted=second)
    assert [one["sequence"] for one in later["refused"]] == [2]
    half = {one["part"]: one["points"] for one in later["parts"]}["right_at_once"]
    assert half == 15
    for other in ("exchange_y_officer", "bank_a_officer", "ministry_officer"):
        with pytest.raises(NotFound):
            world.view(other, "accepted_return", accepted=first)
        assert world.view(other, "return_followed", accepted=first) == []
    with pytest.raises(NotFound):
        world.view("pvara_officer", "accepted_return", accepted="0" * 36)
    # How far it is followed tells of monitoring: the exchange is not told, of its own neither.
    assert world.view("exchange_x_officer", "return_followed", accepted=first) == []
    with world.desk.store.engine.begin() as connection:
        connection.execute(manifest.update().values(totals=None))
    assert world.view("pvara_officer", "accepted_return", accepted=first)["totals"] == []


def test_the_parts_of_a_score_are_its_sum_and_no_score_is_negative() -> None:
    best = {"days_late": 0, "completeness": 1000, "refused_before": 0}
    assert [one.points for one in parts_of(best)] == [40, 30, 30]
    worst = {"days_late": 90, "completeness": 0, "refused_before": 99}
    assert [one.points for one in parts_of(worst, corrected=True)] == [0, 0, 0, -20]
    assert score_of(worst, corrected=True) == 0
