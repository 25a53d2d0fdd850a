"""Values of the learned score.  Pure.

The score orders; it never decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refusal

SCHEMA = "amanat-detection-1"
SUPERVISES = "supervises"
"""The capacity of the supervisor, who works alerts."""
MOVEMENT_KINDS = ("transfer", "deposit", "withdrawal")
"""Between two accounts; only these have a score."""
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


class NotLabels(Invalid):
    """Labels are rows with id, day, from_account, to_account and typology."""

    template: ClassVar[str] = "{file} holds no confirmed movements: {what}"


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
