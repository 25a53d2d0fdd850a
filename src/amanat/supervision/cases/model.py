"""Values and laws of cases: what is found, how grave it is, where a case stands.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refusal

SUPERVISES = "supervises"
"""The capacity of the supervisor, who works alerts and refers."""
FIU = "fiu"
"""The capacity of the financial intelligence unit, which receives, asks and disseminates."""
REPORTS = "applicant"
"""The capacity of a provider, whose compliance officer reports for it."""
DESKS = (SUPERVISES, FIU, REPORTS)
_PLACES = Decimal("0.0001")


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CLOSED = "closed"


class FindingKind(StrEnum):
    """What found something."""

    ALERT = "alert"
    HIT = "hit"


class CaseClosed(Refusal):
    """A closed case stays as it was until it is opened again."""

    template: ClassVar[str] = "Case {case} is closed since {day}."


class CaseNotClosed(Refusal):
    """Only a closed case is opened again."""

    template: ClassVar[str] = "Case {case} is open."


class NotOnDesk(Invalid):
    """A case is worked by a person of its desk."""

    template: ClassVar[str] = "{person} is nobody of this desk."


class NothingSent(Refusal):
    """A case ends as reported, referred or disseminated once that was done."""

    template: ClassVar[str] = "Case {case} has no {needed} yet."


class TransactionsUnknown(Invalid):
    """A case cites transactions that are stored, and an exchange its own."""

    template: ClassVar[str] = "{count} of the transactions are not stored here: {some}."


class AlreadyAnswered(Refusal):
    """A request is answered once."""

    template: ClassVar[str] = "Request {request} was answered on {day}."


class AlreadyReceived(Refusal):
    """A referral is received once."""

    template: ClassVar[str] = "Referral {referral} was received on {day}."


class NotSupervised(Invalid):
    """Information is asked of a provider that reports here."""

    template: ClassVar[str] = "{institution} is no provider here."


HIT_WEIGHTS = {
    1: Decimal("1"),
    2: Decimal("0.9"),
    3: Decimal("0.7"),
    4: Decimal("0.6"),
    5: Decimal("0.3"),
    6: Decimal("0.1"),
}
"""How far a hit of each grade counts: logic-v2 scores names, and a name alone is many people's."""


def score_of_hit(grade: int, score_permille: int) -> Decimal:
    """How grave a hit is, 0 to 1: the likeness of the names, weighed by what else agrees."""
    likeness = min(Decimal(score_permille) / 1000, Decimal(1))
    return (HIT_WEIGHTS[grade] * likeness).quantize(_PLACES)


@dataclass(frozen=True, slots=True)
class Finding:
    """What monitoring or screening found of somebody: one alert, one hit.

    `subject` is `party:` or `account:` and the pseudonym; `score` 0 to 1; `explanation` typed
    values as JSON has them; `transactions` the ids of stored rows.
    """

    kind: FindingKind
    id: str
    scenario: str
    subject: str
    exchange: str
    day: date
    score: Decimal
    explanation: Mapping[str, Any] = field(default_factory=dict)
    transactions: tuple[int, ...] = ()


def risk_of(scores: Iterable[tuple[str, Decimal]]) -> Decimal:
    """How grave a case is, 0 to 1: one minus the chance that all its scenarios are wrong.

    Of each scenario the highest score counts, so that one scenario that alerts a hundred times is
    no graver than once, and two that agree are graver than either.
    """
    best: dict[str, Decimal] = {}
    for scenario, score in scores:
        best[scenario] = max(best.get(scenario, Decimal(0)), score)
    harmless = Decimal(1)
    for score in best.values():
        harmless *= 1 - score
    return (1 - harmless).quantize(_PLACES)
