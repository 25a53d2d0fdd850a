"""Each scenario alerts its pattern and leaves its near miss alone.

The patterns are those of FATF's red flags for virtual assets (2020) and of the typologies that
labelled data sets of laundering generate: fans, cycles, layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.supervision.monitoring.ledger_of_rows import FIRST, moved, source_files
from tests.supervision.monitoring.looking import all_codes, duck, look, parameters_of

from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.finding import explaining
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.staging import Lists

A, B, C, D, E, F = 101, 102, 103, 104, 105, 106
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    engine = duck(tmp_path_factory.mktemp("duck"))
    yield engine
    engine.close()


def stack_of(sources: list[int], middles: list[int], ends: list[int]) -> Rows:
    return [moved(20, "transfer", s, m, 50_000) for s in sources for m in middles] + [
        moved(21, "transfer", m, e, 50_000) for m in middles for e in ends
    ]


PATTERNS: dict[str, Rows] = {
    "ctr_threshold": [
        moved(20, "fiat_in", None, A, 1_200_000, exchange="alpha"),
        moved(20, "fiat_in", None, A, 800_000, exchange="beta"),
    ],
    "structuring": [moved(day, "fiat_in", None, A, 700_000) for day in (18, 19, 20)],
    "rapid_pass_through": [
        moved(20, "fiat_in", None, A, 1_000_000),
        moved(21, "withdrawal", A, None, 950_000),
    ],
    "fan_in": [moved(20, "transfer", sender, A, 60_000) for sender in range(201, 211)],
    "fan_out": [moved(20, "transfer", A, receiver, 60_000) for receiver in range(201, 211)],
    "cycle": [
        moved(18, "transfer", A, B, 100_000),
        moved(19, "transfer", B, C, 95_000),
        moved(20, "transfer", C, A, 90_000),
    ],
    "scatter_gather": [moved(18, "transfer", A, middle, 50_000) for middle in (B, C, D)]
    + [moved(20, "transfer", middle, E, 48_000) for middle in (B, C, D)],
    "gather_scatter": [moved(18, "transfer", 200 + n, A, 60_000) for n in range(5)]
    + [moved(20, "transfer", A, 300 + n, 55_000) for n in range(5)],
    "bipartite": [moved(20, "transfer", s, r, 30_000) for s in (A, B, C) for r in (D, E)],
    "stack": stack_of([A, B], [C, D], [E, F]),
    "dormant_then_active": [
        moved(0, "fiat_in", None, A, 10_000),
        moved(61, "fiat_out", A, None, 1_500_000),
    ],
    "velocity": [moved(day, "fiat_out", A, None, 30_000) for day in range(10, 15)]
    + [moved(20, "fiat_out", A, None, 1_000_000)],
    "round_amounts": [moved(15 + n, "fiat_in", None, A, 100_000) for n in range(5)],
    "high_risk": [moved(20, "transfer", A, B, 10_000, to_country="KP")],
    "travel_rule_gap": [moved(20, "withdrawal", A, None, 300_000, travel_rule=None, hosted=True)],
}
NEAR_MISSES: dict[str, Rows] = {
    "ctr_threshold": [
        moved(20, "fiat_in", None, A, 1_200_000),
        moved(21, "fiat_in", None, A, 800_000),
        moved(20, "fiat_in", None, B, 1_999_999),
    ],
    "structuring": [moved(day, "fiat_in", None, A, 700_000) for day in (10, 19, 20)],
    "rapid_pass_through": [
        moved(20, "fiat_in", None, A, 1_000_000),
        moved(22, "withdrawal", A, None, 950_000),
    ],
    "fan_in": [moved(10 + n % 2 * 14, "transfer", 201 + n, A, 60_000) for n in range(10)]
    + [moved(20, "transfer", 201, A, 60_000) for _ in range(9)],
    "fan_out": [moved(20, "transfer", A, 201 + n, 19_000) for n in range(10)],
    "cycle": [
        moved(20, "transfer", A, B, 100_000),
        moved(19, "transfer", B, C, 95_000),
        moved(21, "transfer", C, A, 90_000),
    ],
    "scatter_gather": [moved(20, "transfer", A, middle, 50_000) for middle in (B, C, D)]
    + [moved(18, "transfer", middle, E, 48_000) for middle in (B, C, D)],
    "gather_scatter": [moved(1, "transfer", 200 + n, A, 60_000) for n in range(5)]
    + [moved(20, "transfer", A, 300 + n, 55_000) for n in range(5)],
    "bipartite": [moved(20, "transfer", s, r, 30_000) for s in (A, B) for r in (D, E, F)],
    "stack": stack_of([A], [C, D], [E, F]),
    "dormant_then_active": [
        moved(0, "fiat_in", None, A, 10_000),
        moved(60, "fiat_out", A, None, 1_500_000),
        moved(61, "fiat_out", B, None, 1_500_000),
    ],
    "velocity": [moved(day, "fiat_out", A, None, 30_000) for day in range(10, 15)]
    + [moved(20, "fiat_out", A, None, 999_000)],
    "round_amounts": [moved(15 + n, "fiat_in", None, A, 100_000 + n % 2) for n in range(5)],
    "high_risk": [moved(20, "transfer", A, B, 10_000, to_country="PK")],
    "travel_rule_gap": [
        moved(20, "withdrawal", A, None, 300_000, travel_rule=None, hosted=False),
        moved(20, "withdrawal", A, None, 300_000, hosted=True),
        moved(20, "withdrawal", A, None, 279_999, travel_rule=None, hosted=True),
    ],
}
SUBJECTS: dict[str, set[int]] = {"fan_in": {A}, "bipartite": {D, E}, "stack": {A, B}}


def test_every_scenario_has_its_pattern_and_its_near_miss():
    assert set(all_codes()) == set(PATTERNS) == set(NEAR_MISSES)


@pytest.mark.parametrize("code", all_codes())
def test_the_pattern_is_alerted(code: str, engine: DuckEngine, tmp_path: Path):
    rows = PATTERNS[code]
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=70)
    alerts, classed = look(engine, SCENARIOS[code], parameters_of(code), files, FIRST, last)
    assert alerts, code
    assert {one.subject for one in alerts} == SUBJECTS.get(code, {A})
    assert {one for alert in alerts for one in alert.transactions} <= {row["id"] for row in rows}
    assert classed[Classed.ALERTED].rows > 0
    words = explaining(SCENARIOS[code], parameters_of(code), "PKR")(alerts[-1].values)
    assert "{" not in words["text"]
    assert all("type" in typed for typed in words["arguments"].values())


@pytest.mark.parametrize("code", all_codes())
def test_the_near_miss_is_not(code: str, engine: DuckEngine, tmp_path: Path):
    files = source_files(NEAR_MISSES[code], tmp_path)
    last = FIRST + timedelta(days=70)
    alerts, classed = look(engine, SCENARIOS[code], parameters_of(code), files, FIRST, last)
    assert alerts == []
    assert sum(tally.rows for tally in classed.values()) == len(NEAR_MISSES[code])


@pytest.mark.parametrize("code", all_codes())
def test_the_docstring_explains(code: str):
    assert len(SCENARIOS[code].explanation) > 80


def test_structuring_joins_exchanges_by_the_person(engine: DuckEngine, tmp_path: Path):
    rows = [
        moved(day, "fiat_in", None, A, 700_000, exchange=exchange)
        for day, exchange in ((18, "alpha"), (19, "beta"), (20, "gamma"))
    ]
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=30)
    code = "structuring"
    alerts, _classed = look(engine, SCENARIOS[code], parameters_of(code), files, FIRST, last)
    assert [(one.subject, len(one.transactions)) for one in alerts] == [(A, 3)]
    assert len(alerts[0].files) == 2


def test_a_hub_is_left_out_and_said_so(engine: DuckEngine, tmp_path: Path):
    rows = [moved(20, "transfer", 1_000 + n, A, 60_000) for n in range(201)]
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=30)
    alerts, classed = look(engine, SCENARIOS["fan_in"], parameters_of("fan_in"), files, FIRST, last)
    assert alerts == []
    assert classed[Classed.BEYOND_DEGREE].rows == 201


def test_listed_addresses_and_parties(engine: DuckEngine, tmp_path: Path):
    rows = [
        moved(20, "withdrawal", A, None, 1_000, to_account=555),
        moved(20, "transfer", B, C, 1_000),
        moved(20, "transfer", D, E, 1_000),
    ]
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=30)
    lists = Lists(frozenset({555}), frozenset({C}))
    alerts, _classed = look(
        engine, SCENARIOS["high_risk"], parameters_of("high_risk"), files, FIRST, last, lists=lists
    )
    assert {one.subject for one in alerts} == {A, B}


def way_round(days: list[int], amounts: list[int], parties: list[int]) -> Rows:
    """Transfers from each party to the next, the last to the first."""
    ends = [*parties[1:], parties[0]]
    return [
        moved(day, "transfer", s, t, amount)
        for day, amount, s, t in zip(days, amounts, parties, ends, strict=True)
    ]


def cycles_in(rows: Rows, engine: DuckEngine, folder: Path, days_per_step: int) -> list[Any]:
    alerts, _classed = look(
        engine, SCENARIOS["cycle"], parameters_of("cycle"), source_files(rows, folder), FIRST,
        FIRST + timedelta(days=39), days_per_step=days_per_step,
    )  # fmt: skip
    return alerts


@pytest.mark.parametrize("days_per_step", [30, 1_000])
def test_a_long_way_round_counts_whatever_was_passed_on(
    days_per_step: int, engine: DuckEngine, tmp_path: Path
):
    rows = way_round([20, 24, 31, 36], [100_000, 25_000, 90_000, 300_000], [A, B, C, D])
    alerts = cycles_in(rows, engine, tmp_path, days_per_step)
    assert [(one.subject, one.values["hops"]) for one in alerts] == [(A, 4)]
    assert alerts[0].transactions == tuple(sorted(row["id"] for row in rows))


@pytest.mark.parametrize(
    ("days", "amounts", "parties", "earlier"),
    [
        pytest.param([20, 24, 31], [100_000, 25_000, 90_000], [A, B, C], None, id="short"),
        pytest.param([20, 28, 31, 36], [100_000] * 4, [A, B, C, D], None, id="slow hop"),
        pytest.param([16, 23, 30, 37], [100_000] * 4, [A, B, C, D], None, id="slow round"),
        pytest.param([20, 24, 31, 36], [100_000] * 4, [A, B, C, D], 10, id="known to each other"),
    ],
)
def test_a_way_round_by_chance_or_habit_is_not_alerted(
    days: list[int], amounts: list[int], parties: list[int], earlier: int | None,
    engine: DuckEngine, tmp_path: Path,
):  # fmt: skip
    rows = way_round(days, amounts, parties)
    if earlier is not None:
        rows.append(moved(earlier, "transfer", C, D, 30_000))
    assert cycles_in(rows, engine, tmp_path, 1_000) == []


@pytest.mark.parametrize("days_per_step", [30, 1_000])
@pytest.mark.parametrize("habit", [False, True])
def test_two_between_are_enough_among_those_without_dealings(
    habit: bool, days_per_step: int, engine: DuckEngine, tmp_path: Path
):
    rows = [moved(day, "transfer", A, to, 50_000) for day, to in ((18, B), (22, C))]
    rows += [moved(day, "transfer", of, E, 48_000) for day, of in ((31, B), (35, C))]
    if habit:
        rows.append(moved(10, "transfer", A, B, 30_000))
    alerts, _classed = look(
        engine, SCENARIOS["scatter_gather"], parameters_of("scatter_gather"),
        source_files(rows, tmp_path), FIRST, FIRST + timedelta(days=39),
        days_per_step=days_per_step,
    )  # fmt: skip
    assert [(one.subject, len(one.transactions)) for one in alerts] == ([] if habit else [(A, 4)])


def test_three_between_are_enough_whatever_their_habits(engine: DuckEngine, tmp_path: Path):
    between = (B, C, D)
    rows = [moved(10, "transfer", A, to, 30_000) for to in between]
    rows += [moved(18 + n, "transfer", A, to, 50_000) for n, to in enumerate(between)]
    rows += [moved(25 + n, "transfer", of, E, 48_000) for n, of in enumerate(between)]
    alerts, _classed = look(
        engine, SCENARIOS["scatter_gather"], parameters_of("scatter_gather"),
        source_files(rows, tmp_path), FIRST, FIRST + timedelta(days=39),
    )  # fmt: skip
    assert {one.subject for one in alerts} == {A}


G = 107


@pytest.mark.parametrize("days_per_step", [3, 1_000])
@pytest.mark.parametrize(
    ("further", "count"),
    [
        (None, 0),
        (moved(26, "transfer", E, G, 95_000), 5),  # on from the destination, most of it
        (moved(17, "transfer", G, A, 105_000), 5),  # to the source, before
        (moved(26, "transfer", E, G, 40_000), 0),  # less than half goes on
        (moved(26, "transfer", E, G, 150_000), 0),  # more than came: of its own
        (moved(26, "transfer", E, A, 95_000), 0),  # back to the source: a cycle, no layer
        (moved(19, "transfer", G, A, 105_000), 0),  # after the source had paid
        (moved(41, "transfer", E, G, 95_000), 0),  # later than the window
    ],
)
def test_a_layer_counts_where_another_one_goes_before_or_after(
    further: dict[str, Any] | None,
    count: int,
    days_per_step: int,
    engine: DuckEngine,
    tmp_path: Path,
):
    """One between passes on all and the other little: what counts is what they pass on jointly."""
    rows = [moved(18, "transfer", A, to, 50_000) for to in (B, C)]
    rows += [moved(24, "transfer", B, E, 52_000), moved(26, "transfer", C, E, 48_000)]
    rows += [further] if further else []
    alerts, _classed = look(
        engine, SCENARIOS["stack"], parameters_of("stack"),
        source_files(rows, tmp_path), FIRST, FIRST + timedelta(days=60),
        days_per_step=days_per_step,
    )  # fmt: skip
    assert [(one.subject, len(one.transactions)) for one in alerts] == ([(A, 5)] if count else [])


def test_layers_among_those_who_deal_with_each_other_are_none(engine: DuckEngine, tmp_path: Path):
    """The same, where a source had paid one of those between ten days before."""
    rows = [moved(8, "transfer", A, B, 30_000)]
    rows += [moved(18, "transfer", A, to, 50_000) for to in (B, C)]
    rows += [moved(24, "transfer", of, E, 50_000) for of in (B, C)]
    rows.append(moved(26, "transfer", E, G, 95_000))
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=60)
    alerts, _ = look(engine, SCENARIOS["stack"], parameters_of("stack"), files, FIRST, last)
    assert alerts == []
