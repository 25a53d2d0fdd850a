"""Where decisions get their state: stored transactions first, then what was asked since.

state_from(engine, files, rules, day)   the parties' days, in one pass over the files
Deciding                                 one programme's state in this process
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
from ibis import _

from amanat.jurisdictions.supervision import SupervisionTable
from amanat.supervision.monitoring.decisions import (
    WIDTH,
    Asked,
    Decision,
    DecisionRules,
    RollingState,
    count_in,
    decide,
)
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.model import SourceFile, day_number
from amanat.supervision.monitoring.planning import Planned
from amanat.supervision.monitoring.staging import (
    FIAT_IN,
    FIAT_OUT,
    INCOMING,
    OUTGOING,
    Lists,
    country_number,
    once,
    rows_on,
)

_FIGURES = (
    "in_value",
    "out_value",
    "out_n",
    "fiat_in",
    "fiat_out",
    "legs",
    "legs_n",
    "fiat_n",
    "round_n",
    "flows_n",
)
DECIDED = (
    "ctr_threshold",
    "structuring",
    "rapid_pass_through",
    "dormant_then_active",
    "velocity",
    "round_amounts",
    "high_risk",
    "travel_rule_gap",
)
"""Scenarios that decide a single transaction."""


def rules_of(table: SupervisionTable, day: date, lists: Lists) -> DecisionRules:
    """The jurisdiction's parameters of a day.  Refuses `NoParametersForDate`."""
    return _rules({code: table.on(code, day).parameters for code in DECIDED}, lists)


def rules_in_force(planned: Iterable[Planned], lists: Lists) -> DecisionRules:
    """As `rules_of`, with the versions that are live in a programme."""
    live = {one.scenario.code: one.parameters for one in planned if one.state == "live"}
    return _rules({code: live[code] for code in DECIDED}, lists)


def _rules(parameters: Mapping[str, Any], lists: Lists) -> DecisionRules:
    countries = frozenset(country_number(code) for code in parameters["high_risk"].countries)
    return DecisionRules(**parameters, countries=countries, lists=lists)


def _days(rows: ir.Table, rules: DecisionRules) -> ir.Table:
    """who, day and the figures of a record, from staged rows."""
    zero, one = ibis.literal(0, "int64"), ibis.literal(1, "int64")
    blank = dict.fromkeys(_FIGURES, zero)

    def side(kinds: Sequence[int], who: str, **figures: Any) -> ir.Table:
        chosen = rows.filter(_.kind.isin(kinds))
        return chosen.select(who=_[who], day=_.day, **(blank | figures))

    def fiat(kind: int, who: str, today: str) -> ir.Table:
        split, unit = rules.structuring, rules.round_amounts.unit_minor
        leg = (_.value >= split.floor_minor) & (_.value < split.threshold_minor)
        if split.cash_only:
            leg = leg & _.cash
        counted: Any = _.value
        if rules.ctr_threshold.cash_only:
            counted = ibis.cases((_.cash, _.value), else_=zero)
        figures = {
            today: counted,
            "legs": ibis.cases((leg, _.value), else_=zero),
            "legs_n": ibis.cases((leg, one), else_=zero),
            "fiat_n": one,
            "round_n": ibis.cases((_.value % unit == 0, one), else_=zero),
        }
        return side((kind,), who, **figures)

    sides = ibis.union(
        side(OUTGOING, "from_who", out_value=_.value, out_n=one, flows_n=one),
        side(INCOMING, "to_who", in_value=_.value, flows_n=one),
        fiat(FIAT_IN, "to_who", "fiat_in"),
        fiat(FIAT_OUT, "from_who", "fiat_out"),
    )
    sums = sides.group_by("who", "day").agg(
        **{name: _[name].sum().cast("int64") for name in _FIGURES}
    )
    return sums.order_by("who", "day")


def state_from(
    engine: Engine, files: Sequence[SourceFile], rules: DecisionRules, day: date
) -> RollingState:
    """The state before a decision on `day`: as many days back as a window reaches, to that day."""
    last = day_number(day)
    first = last - rules.history_days
    with rows_on(engine, files, first, last) as rows:
        kept = engine.keep(_days(once(rows), rules), "records")
    found = engine.fetch(kept.order_by("who", "day"))
    engine.forget(kept)
    state = RollingState(rules)
    if not found.num_rows:
        return state
    who = found.column("who").to_numpy()
    figures = np.column_stack(
        [found.column(name).to_numpy().astype(np.int64) for name in ("day", *_FIGURES)]
    )
    begins = np.flatnonzero(np.concatenate(([True], who[1:] != who[:-1])))
    ends = np.append(begins[1:], len(who))
    content = np.ascontiguousarray(figures)
    assert content.shape[1] == WIDTH
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        state.load(int(who[begin]), array("q", content[begin:end].tobytes()))
    return state


class Deciding:
    """One programme's decisions in this process: one at a time, each counted before the next."""

    def __init__(self, state: RollingState, counted: frozenset[int] = frozenset()) -> None:
        self._state, self._counted = state, counted
        self._lock = threading.Lock()

    def recall(self, asked: Iterable[tuple[Asked, Decision]]) -> None:
        """Count what was asked before and stands in no return yet."""
        with self._lock:
            for transaction, decision in asked:
                if transaction.id not in self._counted and decision.answer != "block":
                    count_in(self._state, transaction)
                self._state.keep(transaction.id, decision)

    def decide(self, asked: Asked) -> Decision:
        """As `decisions.decide`, for one caller at a time."""
        with self._lock:
            return decide(self._state, asked)
