"""Decisions before settlement say what the batch says of the same transactions."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.supervision.monitoring.ledger_of_rows import FIRST, moved, source_files
from tests.supervision.monitoring.looking import PARAMETERS_ON, TABLE, look, parameters_of
from tests.supervision.monitoring.months import DAYS, weeks

from amanat.supervision.monitoring.deciding import DECIDED, rules_of, state_from
from amanat.supervision.monitoring.decisions import (
    Answer,
    Asked,
    RollingState,
    decide,
)
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import day_number
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.staging import KINDS, Lists, country_number

NOBODY = Lists()


def asked_of(row: dict[str, Any]) -> Asked:
    """A stored row as whoever settles would ask of it."""
    kind = KINDS[row["kind"]]
    outside = {"deposit": row["from_account"], "withdrawal": row["to_account"]}
    return Asked(
        id=row["id"],
        day=day_number(row["day"]),
        kind=kind,
        from_who=row["from_party"] or -row["from_account"],
        to_who=row["to_party"] or -row["to_account"],
        value=row["value"],
        outside=outside.get(row["kind"], 0),
        cash=row["cash"],
        between=(row["from_exchange"] or "") != (row["to_exchange"] or ""),
        from_country=country_number(row["from_country"]) if row["from_country"] else 0,
        to_country=country_number(row["to_country"]) if row["to_country"] else 0,
        hosted={None: 0, False: 1, True: 2}[row["hosted"]],
        told=bool(row["travel_rule"]),
    )


def _sides(asked: Asked) -> set[int]:
    return {asked.from_who, asked.to_who}


def test_the_last_decision_of_a_day_says_what_the_batch_says(
    engine_of_scenarios: DuckEngine, tmp_path: Path
):
    # Without listed countries: what is blocked does not settle, so that the batch has not seen it.
    rows = [row for row in weeks(per_day=25) if row["to_country"] != "KP"]
    rows.sort(key=lambda row: (row["day"], row["id"]))
    files = source_files(rows, tmp_path)
    rules = rules_of(TABLE, PARAMETERS_ON, NOBODY)
    half = FIRST + timedelta(days=12)
    state = state_from(engine_of_scenarios, files, rules, half - timedelta(days=1))
    said: dict[tuple[int, int], dict[str, bool]] = defaultdict(dict)
    for row in rows:
        if row["day"] < half:
            continue
        asked = asked_of(row)
        found = {(one.scenario, one.subject) for one in decide(state, asked).reasons}
        for who in _sides(asked):
            at = said[(who, asked.day)]
            for code in DECIDED:
                now = (code, who) in found
                of_one = code in ("travel_rule_gap", "high_risk")
                if of_one or asked.kind != KINDS["trade"]:
                    at[code] = now or (of_one and at.get(code, False))
    for code in DECIDED:
        alerts, _classed = look(
            engine_of_scenarios,
            SCENARIOS[code],
            parameters_of(code),
            files,
            half,
            FIRST + timedelta(days=DAYS),
        )
        batch = {(one.subject, day_number(one.day)) for one in alerts}
        single = {key for key, by_code in said.items() if by_code.get(code)}
        assert single == batch, code
        assert batch or code == "high_risk"


def empty(lists: Lists = NOBODY) -> RollingState:
    return RollingState(rules_of(TABLE, PARAMETERS_ON, lists))


def test_a_listed_address_blocks_and_does_not_count():
    state = empty(Lists(frozenset({555})))
    blocked = decide(state, asked_of(moved(20, "withdrawal", 1, None, 5_000, to_account=555)))
    assert blocked.answer is Answer.BLOCK
    assert [one.scenario for one in blocked.reasons] == ["high_risk"]
    assert len(state) == 0
    allowed = decide(state, asked_of(moved(20, "withdrawal", 1, None, 5_000, to_account=556)))
    assert (allowed.answer, allowed.reasons) == (Answer.ALLOW, ())


def test_the_transaction_that_reaches_the_threshold_is_reviewed():
    state = empty()
    first = decide(state, asked_of(moved(20, "fiat_in", None, 1, 1_999_999)))
    second = decide(state, asked_of(moved(20, "fiat_in", None, 1, 1)))
    assert (first.answer, second.answer) == (Answer.ALLOW, Answer.REVIEW)
    # FMU Circular 01/2025: PKR 2.0 million per customer and day.
    assert second.reasons[0].values == {"total_minor": 200_000_000}


def test_asking_again_gives_the_same_answer_and_counts_once():
    state = empty()
    asked = asked_of(moved(20, "fiat_in", None, 1, 1_100_000))
    assert decide(state, asked) == decide(state, asked)
    assert decide(state, asked).answer is Answer.ALLOW


def test_a_day_that_comes_late_counts_where_it_belongs():
    state = empty()
    for day in (20, 18, 19):
        last = decide(state, asked_of(moved(day, "fiat_in", None, 1, 700_000)))
    # The window of day 19 has two legs; that of day 20, asked first, had one.
    assert last.answer is Answer.ALLOW
    assert decide(state, asked_of(moved(20, "fiat_in", None, 1, 300_000))).reasons[0].scenario == (
        "structuring"
    )


@pytest.mark.parametrize("before", [30, 200])
def test_days_that_no_window_reaches_are_forgotten(before: int):
    state = empty()
    decide(state, asked_of(moved(20, "fiat_in", None, 1, 700_000)))
    state.forget_before(day_number(FIRST) + before)
    assert len(state) == 0
