"""What a score is worth on some days.

Told by the area under precision and recall (average precision, step by step, as scikit-learn
defines it), by F1 at a threshold that was fixed on earlier days, and by recall per typology.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amanat.supervision.detection.model import THRESHOLD_MIN, Figures, TooFewConfirmed

Numbers = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Scored:
    """Movements with their scores; `typologies` are those of the confirmed ones, in their order."""

    scores: Numbers
    confirmed: Numbers
    typologies: tuple[str, ...]

    @classmethod
    def joined(cls, parts: Sequence[Scored]) -> Scored:
        """All of the parts."""
        return cls(
            np.concatenate([np.zeros(0), *(one.scores for one in parts)]),
            np.concatenate([np.zeros(0, bool), *(one.confirmed for one in parts)]),
            tuple(name for one in parts for name in one.typologies),
        )


def _steps(scored: Scored) -> tuple[Numbers, Numbers, Numbers]:
    """Threshold, flagged and found at each distinct score, highest first."""
    order = np.argsort(-scored.scores, kind="stable")
    scores, hits = scored.scores[order], np.cumsum(scored.confirmed[order])
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else order
    return scores[last], last + 1, hits[last]


def average_precision(scored: Scored, confirmed: int) -> float:
    """Sum over distinct scores of the gain in recall times the precision there.

    `confirmed` is how many there were, scored or not: what was not scored counts as not found.
    """
    _, flagged, hits = _steps(scored)
    gained = np.diff(hits, prepend=0)
    return float(np.sum(gained * hits / flagged) / confirmed) if confirmed else 0.0


def best_threshold(scored: Scored, confirmed: int) -> float:
    """The score from which F1 is highest; of equals the higher.  Refuses `TooFewConfirmed`."""
    if confirmed < THRESHOLD_MIN:
        raise TooFewConfirmed(part="The threshold's days", found=confirmed, needed=THRESHOLD_MIN)
    thresholds, flagged, hits = _steps(scored)
    if not len(thresholds):
        raise TooFewConfirmed(part="The threshold's days", found=0, needed=THRESHOLD_MIN)
    return float(thresholds[np.argmax(2 * hits / (flagged + confirmed))])


def judged(scored: Scored, confirmed: Mapping[str, int], threshold: float) -> Figures:
    """What a score is worth; `confirmed` counts per typology what there was to find."""
    total = sum(confirmed.values())
    over = scored.scores >= threshold
    flagged, found = int(over.sum()), int((over & scored.confirmed).sum())
    names = [
        name
        for name, hit in zip(scored.typologies, over[scored.confirmed], strict=True)
        if bool(hit)
    ]
    return Figures(
        movements=len(scored.scores),
        confirmed=total,
        average_precision=average_precision(scored, total),
        threshold=threshold,
        precision=found / flagged if flagged else 0.0,
        recall=found / total if total else 0.0,
        f1=2 * found / (flagged + total) if found else 0.0,
        typologies={name: (of, names.count(name)) for name, of in confirmed.items()},
    )
