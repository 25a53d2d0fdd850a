"""Figures of a score against scikit-learn's, with ties and with what was not scored."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from amanat.supervision.detection.judging import (
    Scored,
    average_precision,
    best_threshold,
    judged,
)
from amanat.supervision.detection.model import TooFewConfirmed


def scored(scores: list[float], confirmed: list[int]) -> Scored:
    """Scores beside what was confirmed."""
    right = np.array(confirmed, bool)
    return Scored(np.array(scores), right, ("cycle",) * int(right.sum()))


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_that_of_scikit_learn_also_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = np.round(random.random(400), 1 + seed % 3)
    confirmed = random.random(400) < 0.1
    found = Scored(scores, confirmed, ("",) * int(confirmed.sum()))
    expected = average_precision_score(confirmed, scores)
    assert average_precision(found, int(confirmed.sum())) == pytest.approx(expected, abs=1e-12)


def test_f1_at_a_threshold_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(1)
    scores, confirmed = random.random(300), random.random(300) < 0.2
    found = Scored(scores, confirmed, ("fan_in",) * int(confirmed.sum()))
    figures = judged(found, {"fan_in": int(confirmed.sum())}, 0.7)
    assert figures.f1 == pytest.approx(f1_score(confirmed, scores >= 0.7), abs=1e-12)


def test_the_best_threshold_beats_every_other() -> None:
    random = np.random.default_rng(2)
    confirmed = random.random(200) < 0.2
    scores = np.round(random.random(200) + 0.4 * confirmed, 2)
    total = int(confirmed.sum())
    best = best_threshold(Scored(scores, confirmed, ("",) * total), total)
    others = [f1_score(confirmed, scores >= one) for one in np.unique(scores)]
    assert f1_score(confirmed, scores >= best) == pytest.approx(max(others), abs=1e-12)


def test_what_was_not_scored_counts_as_not_found() -> None:
    figures = judged(scored([0.9, 0.8, 0.1], [1, 0, 0]), {"cycle": 1, "stack": 1}, 0.5)
    assert figures.recall == 0.5
    assert figures.average_precision == 0.5
    assert figures.typologies == {"cycle": (1, 1), "stack": (1, 0)}


def test_no_movements_are_worth_nothing() -> None:
    figures = judged(scored([], []), {}, 0.5)
    assert (figures.average_precision, figures.f1, figures.recall) == (0.0, 0.0, 0.0)


def test_a_threshold_is_not_fixed_on_two_examples() -> None:
    with pytest.raises(TooFewConfirmed, match=r"holds 2 confirmed movements; 3 are needed"):
        best_threshold(scored([0.9, 0.8, 0.1], [1, 1, 0]), 2)
