"""The picture of quality over time: whatever the scores, no label covers another."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from amanat.web.supervision_desk import _apart, quality_picture


def picture(scores: list[int]) -> str:
    """What is drawn of exchanges that each had the same score on two days."""
    rows = [
        {"exchange": f"exchange_{place}", "last_day": day, "score": score}
        for place, score in enumerate(scores)
        for day in ("2026-03-08", "2026-03-09")
    ]
    return str(quality_picture(rows, str))


def test_labels_of_equal_scores_stand_below_each_other() -> None:
    drawn = picture([100, 100, 100])
    assert all(drawn.count(f">exchange_{place}<") >= 1 for place in range(3))


@given(st.lists(st.integers(min_value=0, max_value=100), min_size=1, max_size=12))
def test_labels_are_a_line_apart_and_within_the_picture(scores: list[int]) -> None:
    ends = [{"exchange": str(place), "score": score} for place, score in enumerate(scores)]
    levels = sorted(220 * (100 - one["score"]) // 100 + down for one, down in _apart(ends))
    assert all(later - earlier >= 15 for earlier, later in itertools.pairwise(levels))
    assert 0 <= levels[0] <= levels[-1] <= 220
