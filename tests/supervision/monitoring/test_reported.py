"""A transfer between exchanges, as both report it, is one transfer between two known persons.

Each exchange names its own customer and of the other side only the account: these rows are what
two honest exchanges store.  The laws are about counting: whatever the order, the days of a step and
who reports, every transfer is considered once and every row is classed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.supervision.monitoring.ledger_of_rows import FIRST, moved, source_files
from tests.supervision.monitoring.looking import look, parameters_of

from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import Classed, SourceFile, day_number
from amanat.supervision.monitoring.reported import AFTER_TOLD, AFTER_UNTOLD, ONCE
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.staging import rows_on

A, B, C, D = 101, 102, 103, 104
HOME = {A: "alpha", B: "beta", C: "gamma", D: "beta"}
Rows = list[dict[str, Any]]


def sides(day: int, sender: int, receiver: int, rupees: int, **further: Any) -> Rows:
    """A transfer between two exchanges as the sender's and as the receiver's report it."""
    later = further.pop("later", 0)
    told = further.pop("told", ("told", "told"))
    common = {"from_exchange": HOME[sender], "to_exchange": HOME[receiver]} | further
    reports = []
    for at, own in enumerate((sender, receiver)):
        row = moved(
            day + (later if at else 0), "transfer", sender, receiver, rupees,
            exchange=HOME[own], travel_rule=told[at], **common,
        )  # fmt: skip
        other = "to" if at == 0 else "from"
        reports.append(row | {f"{other}_party": None, f"{other}_country": None})
    return reports


def staged_rows(engine: DuckEngine, rows: Rows, folder: Path, day: int = 20) -> dict[int, Any]:
    """What scenarios read of a day, by id."""
    number = day_number(FIRST + timedelta(days=day))
    with rows_on(engine, source_files(rows, folder), number, number) as staged:
        return {one["id"]: one for one in engine.fetch(staged).to_pylist()}


def test_each_side_is_told_the_other_s_person_and_country(
    engine_of_scenarios: DuckEngine, tmp_path: Path
):
    first, second = sides(20, A, B, 1_000, told=(None, "told"))
    found = staged_rows(engine_of_scenarios, [first, second], tmp_path)
    for one in (first, second):
        assert (found[one["id"]]["from_who"], found[one["id"]]["to_who"]) == (A, B)
        assert found[one["id"]]["to_country"] == ord("P") * 256 + ord("K")
    assert found[first["id"]]["second"] == ONCE
    assert found[second["id"]]["second"] == AFTER_UNTOLD


@pytest.mark.parametrize(
    "other",
    [
        {"quantity": Decimal(2)},
        {"asset": "ETH"},
        {"to_account": 77},
        {"day": FIRST + timedelta(days=18)},
        {"kind": "trade"},
    ],
)
def test_reports_that_say_otherwise_are_not_of_one_transfer(
    other: dict[str, Any], engine_of_scenarios: DuckEngine, tmp_path: Path
):
    first, second = sides(20, A, B, 1_000)
    found = staged_rows(engine_of_scenarios, [first, second | other], tmp_path)
    assert all(one["second"] == ONCE for one in found.values())


def test_who_holds_an_account_is_known_for_a_week_and_from_its_own_exchange(
    engine_of_scenarios: DuckEngine, tmp_path: Path
):
    alone = sides(20, A, B, 1_000)[0]
    within = moved(14, "fiat_in", None, B, 5, exchange="beta")
    before = moved(13, "fiat_in", None, B, 5, exchange="beta")
    later = moved(21, "fiat_in", None, B, 5, exchange="beta")
    known = staged_rows(engine_of_scenarios, [alone, within], tmp_path / "known")
    assert known[alone["id"]]["to_who"] == B
    unknown = staged_rows(engine_of_scenarios, [alone, before, later], tmp_path / "unknown")
    assert unknown[alone["id"]]["to_who"] == -alone["to_account"]


def test_midnight_between_two_reports(engine_of_scenarios: DuckEngine, tmp_path: Path):
    first, second = sides(19, A, B, 1_000, later=1)
    found = staged_rows(engine_of_scenarios, [first, second], tmp_path)
    assert found[second["id"]]["second"] == AFTER_TOLD
    # Whose other report came on its own day is over: the next day's is another transfer.
    again = sides(20, A, B, 1_000)[1]
    whole = [*sides(19, A, B, 1_000), again]
    assert staged_rows(engine_of_scenarios, whole, tmp_path / "b")[again["id"]]["second"] == ONCE


def chained(network_hash: str = "h1", quantity: int = 1) -> Rows:
    """A withdrawal of one exchange that is the deposit of another."""
    common = {"network": "bitcoin", "transaction_hash": network_hash, "hosted": True}
    out = moved(20, "withdrawal", A, None, 900, exchange="alpha", from_exchange="alpha", **common)
    come = moved(
        20, "deposit", None, B, 905, exchange="beta", to_exchange="beta",
        **common | {"quantity": Decimal(quantity)},
    )  # fmt: skip
    return [out, come]


def test_a_withdrawal_that_another_exchange_has_as_a_deposit_is_a_transfer(
    engine_of_scenarios: DuckEngine, tmp_path: Path
):
    out, come = chained()
    found = staged_rows(engine_of_scenarios, [out, come], tmp_path)
    assert (found[out["id"]]["from_who"], found[out["id"]]["to_who"]) == (A, B)
    assert (found[out["id"]]["second"], found[come["id"]]["second"]) == (ONCE, AFTER_TOLD)
    assert found[out["id"]]["outside"] == out["to_account"]
    apart = staged_rows(engine_of_scenarios, chained(quantity=2), tmp_path / "apart")
    assert all(one["second"] == ONCE for one in apart.values())


def cycle_over_exchanges() -> Rows:
    return [
        *sides(18, A, B, 100_000),
        *sides(19, B, C, 95_000),
        *sides(20, C, A, 90_000),
    ]


@pytest.mark.parametrize("days_per_step", [1, 1_000])
def test_a_cycle_over_three_exchanges_is_found_once(
    days_per_step: int, engine_of_scenarios: DuckEngine, tmp_path: Path
):
    rows = cycle_over_exchanges()
    span = (FIRST + timedelta(days=19), FIRST + timedelta(days=20))
    alerts, classed = look(
        engine_of_scenarios, SCENARIOS["cycle"], parameters_of("cycle"),
        source_files(rows, tmp_path), *span, days_per_step=days_per_step,
    )  # fmt: skip
    assert [one.subject for one in alerts] == [A]
    assert alerts[0].transactions == tuple(sorted(row["id"] for row in rows[::2]))
    assert alerts[0].values["total_minor"] == 90_000 * 100
    assert classed[Classed.SECOND_REPORT].rows == 2


def test_a_gap_is_told_once_whichever_side_has_it(engine_of_scenarios: DuckEngine, tmp_path: Path):
    gap, span = SCENARIOS["travel_rule_gap"], (FIRST, FIRST + timedelta(days=25))
    for at, (told, gaps) in enumerate(
        [((None, None), 1), ((None, "m"), 1), (("m", None), 1), (("m", "m"), 0)]
    ):
        files = source_files(sides(20, A, B, 1_000_000, told=told), tmp_path / str(at))
        alerts, _classed = look(
            engine_of_scenarios, gap, parameters_of("travel_rule_gap"), files, *span
        )
        assert len(alerts) == gaps
        assert all(one.values["total_minor"] == 1_000_000 * 100 for one in alerts)


transfers = st.lists(
    st.tuples(
        st.sampled_from([(A, B), (B, A), (B, C), (C, D), (D, A)]),
        st.integers(15, 18),
        st.sampled_from([10_000, 20_000]),
        st.sampled_from(["both", "sender", "receiver"]),
    ),
    min_size=1,
    max_size=12,
)


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(drawn=transfers)
def test_every_transfer_of_both_sides_counts_once_by_day_and_together(
    drawn: Sequence[Any], engine_of_scenarios: DuckEngine, tmp_path_factory: pytest.TempPathFactory
):
    """Reports that one side makes alone on neighbouring days may be of one transfer: not drawn."""
    rows: Rows = []
    for (sender, receiver), day, rupees, by in drawn:
        # What is reported by one side alone differs from all else in its amount.
        own = rupees if by == "both" else rupees + len(rows) + 1
        reports = sides(day, sender, receiver, own, quantity=Decimal(own))
        rows += reports if by == "both" else reports[:1] if by == "sender" else reports[1:]
    files = source_files(rows, tmp_path_factory.mktemp("drawn"))
    first, last = (day_number(FIRST + timedelta(days=day)) for day in (15, 18))
    together = counted(engine_of_scenarios, files, first, last)
    by_day = [counted(engine_of_scenarios, files, day, day) for day in range(first, last + 1)]
    assert sorted(together) == sorted(one for day in by_day for one in day)
    assert sorted(one for one, _second in together) == sorted(row["id"] for row in rows)
    assert sum(second == ONCE for _one, second in together) == len(drawn)


def counted(
    engine: DuckEngine, files: Sequence[SourceFile], first: int, last: int
) -> list[tuple[int, int]]:
    """Ids and what report of its transfer each is."""
    with rows_on(engine, files, first, last) as staged:
        return [(one["id"], one["second"]) for one in engine.fetch(staged).to_pylist()]
