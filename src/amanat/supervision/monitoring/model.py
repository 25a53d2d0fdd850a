"""What a scenario says of transactions: alerted, considered, or out of scope for a named reason.

Pure values.  Every transaction of the days of a run gets exactly one class from every scenario;
counts and sums of ids per class prove that none was lost (`Coverage`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import IntEnum
from typing import Any, ClassVar

from amanat.core.errors import Refusal

SUM_MODULUS = 2**128
"""Sums of ids are told modulo this: order-free, and blind to no lost or doubled row."""
_EPOCH = date(1970, 1, 1)
_SCORE = Decimal("0.001")


class Classed(IntEnum):
    """The class of a transaction; from `NOT_FIAT` on it is out of scope, and says why."""

    CONSIDERED = 0
    ALERTED = 1
    NOT_FIAT = 2
    NOT_CASH = 3
    TRADE = 4
    NOT_TRANSFER = 5
    NOT_BETWEEN_PROVIDERS = 6
    SAME_PARTY = 7
    BELOW_MINIMUM = 8
    FROM_THRESHOLD = 9
    UNHOSTED = 10
    OUTSIDE_RULE = 11
    BEYOND_DEGREE = 12
    SECOND_REPORT = 13

    @property
    def code(self) -> str:
        """The word in tables and reports."""
        return self.name.lower()


BOUNDS = frozenset({Classed.BEYOND_DEGREE})
"""What a bound leaves out: not judged to be harmless, only not looked through."""


class CoverageIncomplete(Refusal):
    """A scenario classes every transaction of the days that it runs over."""

    template: ClassVar[str] = (
        "Scenario {scenario} missed transactions of {source}: {expected} of the input, {found}"
        " in its classes. Missing: {missing}."
    )


class AggregateIncomplete(Refusal):
    """What a scenario adds up is what it classes as considered or alerted."""

    template: ClassVar[str] = (
        "Scenario {scenario} added up {found}, where it classed {expected} as considered."
    )


class InputChanged(Refusal):
    """A stored file of transactions has the rows and the sum of ids of the manifest."""

    template: ClassVar[str] = (
        "The file of return {source} has {found}; its manifest says {expected}."
    )


HOLDER_DAYS = 7
"""A person is known by an account that its exchange reports on the day or so many less one before.

The exchange of the other side reports the transfer itself, as a rule on the day.
"""
RANK_MAX = 10_000
"""The place in the queue of an alert with a score of 0; one with a score of 1 has 0."""


def rank_of(score: Decimal | str) -> int:
    """The place in the queue that a score gives, of four decimals; the smallest comes first."""
    return RANK_MAX - int((Decimal(score) * RANK_MAX).to_integral_value())


def day_number(day: date) -> int:
    """Days since 1970-01-01, as rows carry them."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """The day with a number."""
    return _EPOCH + timedelta(days=number)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One accepted return as the manifest has it: `location` is a path or URL of its Parquet."""

    number: int
    """Its place in the run: what rows carry."""
    source: str
    """Digest of the return; the file's name without its ending."""
    exchange: str
    first_day: date
    last_day: date
    rows: int
    id_sum: int
    location: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Rows and the sum of their ids, modulo `SUM_MODULUS`."""

    rows: int
    id_sum: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, (self.id_sum + other.id_sum) % SUM_MODULUS)

    def __str__(self) -> str:
        return f"{self.rows} rows with the sum {self.id_sum}"


NOTHING = Tally(0, 0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one scenario made of the transactions of one file on the days of one step."""

    scenario: str
    file: int
    classed: Mapping[Classed, Tally]

    @property
    def total(self) -> Tally:
        """All classes together."""
        return sum(self.classed.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class Found:
    """One alert as a scenario found it, the same on every engine."""

    scenario: str
    version: str
    subject: int
    day: date
    score: Decimal
    values: Mapping[str, int]
    transactions: tuple[int, ...]
    files: tuple[int, ...]

    def identifier(self, programme: str) -> str:
        """The alert's id: the same finding has the same id, however often it is found.

        It begins with the day, so that what a day finds is kept side by side.
        """
        stated = [programme, self.scenario, self.version, str(self.subject), self.day.isoformat()]
        content = "\x1f".join([*stated, *map(str, self.transactions)])
        digest = hashlib.sha256(content.encode()).hexdigest()
        return stated[-1].replace("-", "") + digest[:24]


def score_beyond(measure: int, limit: int) -> Decimal:
    """From 0.5 at the limit towards 1 far beyond it, in thousandths."""
    if measure <= 0 or limit <= 0:
        return Decimal("0.500")
    share = Decimal(1) - Decimal(limit) / (2 * Decimal(max(measure, limit)))
    return share.quantize(_SCORE, ROUND_HALF_EVEN)


def as_values(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    """The named figures of a row as integers; an absent one is 0."""
    return {name: int(row[name] or 0) for name in names}
