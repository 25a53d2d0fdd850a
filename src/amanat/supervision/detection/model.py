"""Values of the learned score and the laws of judging it.  Pure.

The score orders; it never decides.  What it is worth is told by the area under precision and
recall, by F1 at a threshold that was fixed on earlier days than those it is judged on, and by
recall per typology.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refusal

SCHEMA = "amanat-detection-1"
SUPERVISES = "supervises"
"""The capacity of the supervisor, who works alerts."""
ACCOUNT_FOLDS = 5
"""Each account's likeness comes from a model that never saw this account."""
CONFIRMED_MIN = 20
"""A model is learned from at least so many confirmed movements."""
THRESHOLD_MIN = 3
"""A threshold is fixed on at least so many confirmed movements."""


class TooFewConfirmed(Refusal):
    """A score is learned, and its threshold fixed, on enough confirmed movements."""

    template: ClassVar[str] = "{part} holds {found} confirmed movements; {needed} are needed."


class DaysOutOfOrder(Invalid):
    """Training comes before the threshold, and the threshold before the test."""

    template: ClassVar[str] = "Days are split at {first} and {second}, which is not later."


class NotAModel(Invalid):
    """A file of a model has the schema that this version writes."""

    template: ClassVar[str] = "{file} is no model of this version."


class AlreadyLive(Refusal):
    """A model goes live once at a time."""

    template: ClassVar[str] = "Model {digest} is live."


class NotLive(Refusal):
    """Only what is live can be taken out of use."""

    template: ClassVar[str] = "Model {digest} is {state}."


class NoLiveModel(Refusal):
    """Alerts are scored by the live model."""

    template: ClassVar[str] = "No model is live in {programme}: put one live first."


class OtherDigest(Refusal):
    """A model is known by the SHA-256 of its bytes."""

    template: ClassVar[str] = "The file of model {digest} has the digest {found}."


@dataclass(frozen=True, slots=True)
class Split:
    """Which days serve for what: labels of later days are never looked at in training."""

    train_before: date
    """First day whose labels are not trained on."""
    threshold_before: date
    """First day whose labels do not fix the threshold either; from here on is the test."""

    def __post_init__(self) -> None:
        if self.threshold_before <= self.train_before:
            raise DaysOutOfOrder(first=self.train_before, second=self.threshold_before)


@dataclass(frozen=True, slots=True)
class Scored:
    """One movement with its score; `typology` where it was confirmed, "" where none was told."""

    score: float
    confirmed: bool
    typology: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a score is worth on some days."""

    movements: int
    confirmed: int
    average_precision: float
    threshold: float
    precision: float
    recall: float
    f1: float
    typologies: Mapping[str, tuple[int, int]]
    """Typology -> confirmed movements, of which found at the threshold."""

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "movements": self.movements,
            "confirmed": self.confirmed,
            "average_precision": round(self.average_precision, 4),
            "threshold": round(self.threshold, 6),
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "f1": round(self.f1, 4),
            "typologies": {
                name: {"confirmed": of, "found": found}
                for name, (of, found) in sorted(self.typologies.items())
            },
        }


def _steps(scored: Sequence[Scored]) -> list[tuple[float, int, int]]:
    """Threshold, flagged and found at each distinct score, highest first."""
    found: list[tuple[float, int, int]] = []
    hits = 0
    ranked = sorted(scored, key=lambda one: -one.score)
    for place, one in enumerate(ranked, 1):
        hits += one.confirmed
        if place == len(ranked) or ranked[place].score != one.score:
            found.append((one.score, place, hits))
    return found


def average_precision(scored: Sequence[Scored], confirmed: int) -> float:
    """Mean of precision over recall, step by step; equal scores are one step.

    `confirmed` is how many there were, scored or not: what was not scored counts as not found.
    """
    area, before = 0.0, 0
    for _, flagged, hits in _steps(scored):
        area += (hits - before) * hits / flagged
        before = hits
    return area / confirmed if confirmed else 0.0


def f1_of(flagged: int, hits: int, confirmed: int) -> float:
    """Harmonic mean of precision and recall; 0 where nothing was found."""
    return 2 * hits / (flagged + confirmed) if hits else 0.0


def best_threshold(scored: Sequence[Scored], confirmed: int) -> float:
    """The score from which F1 is highest; of equals the higher.  Refuses `TooFewConfirmed`."""
    if confirmed < THRESHOLD_MIN:
        raise TooFewConfirmed(part="The threshold's days", found=confirmed, needed=THRESHOLD_MIN)
    best = max(_steps(scored), key=lambda step: (f1_of(step[1], step[2], confirmed), step[0]))
    return best[0]


def judged(scored: Sequence[Scored], confirmed: Mapping[str, int], threshold: float) -> Figures:
    """What a score is worth; `confirmed` counts per typology what there was to find."""
    total = sum(confirmed.values())
    flagged = sum(one.score >= threshold for one in scored)
    found = [one for one in scored if one.confirmed and one.score >= threshold]
    return Figures(
        movements=len(scored),
        confirmed=total,
        average_precision=average_precision(scored, total),
        threshold=threshold,
        precision=len(found) / flagged if flagged else 0.0,
        recall=len(found) / total if total else 0.0,
        f1=f1_of(flagged, len(found), total),
        typologies={
            name: (of, sum(one.typology == name for one in found)) for name, of in confirmed.items()
        },
    )
