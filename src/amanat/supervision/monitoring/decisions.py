"""One transaction's decision before it settles: allow, review or block, with reasons.

    state = RollingState(...)      what each party moved per day, in memory
    decide(state, asked, rules)    -> Decision, and the transaction counts from then on

The same figures and the same comparisons as the scenarios of the batch, over the day so far: the
last decision of a day for a party says what the batch says of that party and day.  Scenarios over
other parties' transfers (fans, cycles, layers) are the batch's alone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from amanat.jurisdictions.supervision import (
    CtrThreshold,
    Dormant,
    HighRisk,
    PassThrough,
    RoundAmounts,
    Structuring,
    TravelRule,
    Velocity,
)
from amanat.supervision.monitoring.staging import (
    DEPOSIT,
    FIAT_IN,
    FIAT_OUT,
    INCOMING,
    OUTGOING,
    TRADE,
    TRANSFER,
    UNHOSTED,
    WITHDRAWAL,
    Lists,
)

# One record of a party's day in its array, and the place of each figure in it.
(DAY, IN, OUT, OUT_N, FIAT_TODAY_IN, FIAT_TODAY_OUT, LEGS, LEGS_N, FIAT_N, ROUND_N, FLOWS_N) = (
    range(11)
)
WIDTH = 11
_EMPTY = array("q", [0] * WIDTH)


class Answer(StrEnum):
    """What whoever asks before they settle is told."""

    ALLOW = "allow"
    REVIEW = "review"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Asked:
    """A transaction as staged rows have it; see `monitoring.staging`."""

    id: int
    day: int
    kind: int
    from_who: int
    to_who: int
    value: int
    outside: int = 0
    cash: bool = False
    between: bool = False
    from_country: int = 0
    to_country: int = 0
    hosted: int = 0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a transaction is reviewed or blocked: a scenario, whom it is about, its figures."""

    scenario: str
    subject: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer and all its reasons."""

    answer: Answer
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """The parameters of one day, and what is listed."""

    ctr_threshold: CtrThreshold
    structuring: Structuring
    rapid_pass_through: PassThrough
    dormant_then_active: Dormant
    velocity: Velocity
    round_amounts: RoundAmounts
    high_risk: HighRisk
    travel_rule_gap: TravelRule
    countries: frozenset[int]
    lists: Lists = field(default_factory=Lists)

    @property
    def history_days(self) -> int:
        """How many days back the state must reach."""
        return max(
            self.dormant_then_active.known_days,
            self.velocity.history_days,
            self.structuring.window_days,
            self.round_amounts.window_days,
            self.rapid_pass_through.window_days,
        )


class RollingState:
    """What each party moved on each of its active days, oldest first: integers in one array."""

    def __init__(self, rules: DecisionRules) -> None:
        self.rules = rules
        self.days: dict[int, array[int]] = {}
        self._decided: dict[int, Decision] = {}

    def __len__(self) -> int:
        """How many parties it knows."""
        return len(self.days)

    def load(self, who: int, records: array[int]) -> None:
        """A party's days as they were stored, by day."""
        self.days[who] = records

    def known(self, identifier: int) -> Decision | None:
        """What was decided of a transaction that was asked before."""
        return self._decided.get(identifier)

    def keep(self, identifier: int, decision: Decision) -> None:
        """Remember the decision, so that asking again neither counts nor changes anything."""
        self._decided[identifier] = decision

    def today(self, who: int, day: int) -> tuple[array[int], int]:
        """The party's array and where its record of the day begins, made where there is none.

        A day before the party's last is entered where it belongs.
        """
        records = self.days.get(who)
        if records is None:
            records = self.days[who] = array("q")
        at = len(records) - WIDTH
        while at >= 0 and records[at] > day:
            at -= WIDTH
        if at < 0 or records[at] != day:
            at += WIDTH
            records[at:at] = _EMPTY
            records[at] = day
        return records, at

    def forget_before(self, day: int) -> None:
        """Drop what no window reaches any more."""
        for who in list(self.days):
            records = self.days[who]
            cut = 0
            while cut < len(records) and records[cut] < day:
                cut += WIDTH
            if cut:
                del records[:cut]
            if not records:
                del self.days[who]


def count_in(state: RollingState, asked: Asked) -> None:
    """Add a transaction to the days of its parties, with no decision."""
    rules = state.rules
    if asked.kind in OUTGOING:
        records, at = state.today(asked.from_who, asked.day)
        records[at + OUT] += asked.value
        records[at + OUT_N] += 1
        records[at + FLOWS_N] += 1
    if asked.kind in INCOMING:
        records, at = state.today(asked.to_who, asked.day)
        records[at + IN] += asked.value
        records[at + FLOWS_N] += 1
    if asked.kind in (FIAT_IN, FIAT_OUT):
        incoming = asked.kind == FIAT_IN
        records, at = state.today(asked.to_who if incoming else asked.from_who, asked.day)
        if asked.cash or not rules.ctr_threshold.cash_only:
            records[at + (FIAT_TODAY_IN if incoming else FIAT_TODAY_OUT)] += asked.value
        split = rules.structuring
        in_scope = asked.cash or not split.cash_only
        if in_scope and split.floor_minor <= asked.value < split.threshold_minor:
            records[at + LEGS] += asked.value
            records[at + LEGS_N] += 1
        records[at + FIAT_N] += 1
        if asked.value % rules.round_amounts.unit_minor == 0:
            records[at + ROUND_N] += 1


def decide(state: RollingState, asked: Asked) -> Decision:
    """Decide on one transaction and count it, unless it is blocked; asked again, the same answer.

    All reasons are given, for each customer's side of it.
    """
    known = state.known(asked.id)
    if known is not None:
        return known
    reasons = list(_of_itself(state.rules, asked))
    blocked = bool(reasons) and reasons[0].scenario == "high_risk"
    if not blocked:
        count_in(state, asked)
        for who in _customers(asked):
            reasons.extend(_of_party(state, who, asked.day))
    answer = Answer.BLOCK if blocked else Answer.REVIEW if reasons else Answer.ALLOW
    decision = Decision(answer, tuple(reasons))
    state.keep(asked.id, decision)
    return decision


def _customers(asked: Asked) -> tuple[int, ...]:
    """Whose days the transaction changes; a trade changes nobody's."""
    if asked.kind == TRADE:
        return ()
    if asked.kind == TRANSFER and asked.from_who != asked.to_who:
        return asked.from_who, asked.to_who
    return (asked.to_who if asked.kind in (FIAT_IN, DEPOSIT) else asked.from_who,)


def _of_itself(rules: DecisionRules, asked: Asked) -> Iterable[Reason]:
    """What the transaction alone says: lists and countries first, which block."""
    customer = asked.to_who if asked.kind in (FIAT_IN, DEPOSIT) else asked.from_who
    listed = (
        asked.outside in rules.lists.addresses
        or asked.from_who in rules.lists.parties
        or asked.to_who in rules.lists.parties
        or asked.from_country in rules.countries
        or asked.to_country in rules.countries
    )
    if listed and asked.value >= rules.high_risk.minimum_minor:
        yield Reason("high_risk", customer, {"total_minor": asked.value, "transactions": 1})
    told = rules.travel_rule_gap
    between = asked.kind in (DEPOSIT, WITHDRAWAL) or (asked.kind == TRANSFER and asked.between)
    hosted = told.unhosted or asked.hosted != UNHOSTED
    if between and hosted and not asked.told and asked.value >= told.threshold_minor:
        yield Reason("travel_rule_gap", customer, {"total_minor": asked.value, "transactions": 1})


def _of_party(state: RollingState, who: int, day: int) -> Iterable[Reason]:
    records, at = state.today(who, day)
    for look in _LOOKS:
        values = look(state.rules, records, at)
        if values is not None:
            yield Reason(look.__name__.lstrip("_"), who, values)


Records = array  # of WIDTH figures per day, by day


def _sum(records: Records[int], at: int, figure: int, days: int) -> int:
    """A figure over the last `days` days up to the record at `at`."""
    least = records[at] - days
    total = 0
    while at >= 0 and records[at] > least:
        total += records[at + figure]
        at -= WIDTH
    return total


def _ctr_threshold(rules: DecisionRules, records: Records[int], at: int) -> dict[str, int] | None:
    p = rules.ctr_threshold
    come, gone = records[at + FIAT_TODAY_IN], records[at + FIAT_TODAY_OUT]
    sums = [come + gone] if p.directions_together else [come, gone]
    over = [one for one in sums if one >= p.threshold_minor]
    return {"total_minor": sum(over)} if over else None


def _structuring(rules: DecisionRules, records: Records[int], at: int) -> dict[str, int] | None:
    p = rules.structuring
    if not records[at + LEGS_N]:
        return None
    legs = _sum(records, at, LEGS_N, p.window_days)
    if legs < p.count_min:
        return None
    total = _sum(records, at, LEGS, p.window_days)
    return {"total_minor": total, "legs": legs} if total >= p.threshold_minor else None


def _rapid_pass_through(
    rules: DecisionRules, records: Records[int], at: int
) -> dict[str, int] | None:
    p = rules.rapid_pass_through
    if not records[at + OUT_N]:
        return None
    come = _sum(records, at, IN, p.window_days)
    if come < p.minimum_minor:
        return None
    gone = _sum(records, at, OUT, p.window_days)
    low, high = come * p.passed_percent_min, come * (200 - p.passed_percent_min)
    return {"come_minor": come, "gone_minor": gone} if low <= gone * 100 <= high else None


def _dormant_then_active(
    rules: DecisionRules, records: Records[int], at: int
) -> dict[str, int] | None:
    p = rules.dormant_then_active
    total = records[at + IN] + records[at + OUT]
    if total < p.minimum_minor or at < WIDTH:
        return None
    silent = records[at] - records[at - WIDTH]
    if p.silence_days < silent <= p.known_days:
        return {"total_minor": total, "silent_days": silent}
    return None


def _velocity(rules: DecisionRules, records: Records[int], at: int) -> dict[str, int] | None:
    p = rules.velocity
    total = records[at + IN] + records[at + OUT]
    if total < p.minimum_minor:
        return None
    least, before, active, back = records[at] - p.history_days, 0, 0, at - WIDTH
    while back >= 0 and records[back] >= least:
        before += records[back + IN] + records[back + OUT]
        active += 1
        back -= WIDTH
    if active < p.active_days_min or total * active < before * p.times:
        return None
    return {"total_minor": total, "before_minor": before, "active_days": active}


def _round_amounts(rules: DecisionRules, records: Records[int], at: int) -> dict[str, int] | None:
    p = rules.round_amounts
    if not records[at + ROUND_N]:
        return None
    rounds = _sum(records, at, ROUND_N, p.window_days)
    if rounds < p.count_min:
        return None
    legs = _sum(records, at, FIAT_N, p.window_days)
    enough = rounds * 100 >= legs * p.share_percent_min
    return {"rounds": rounds, "legs": legs} if enough else None


Look = Callable[[DecisionRules, Any, int], "dict[str, int] | None"]
_LOOKS: tuple[Look, ...] = (
    _ctr_threshold,
    _structuring,
    _rapid_pass_through,
    _dormant_then_active,
    _velocity,
    _round_amounts,
)
