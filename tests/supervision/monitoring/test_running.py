"""Runs: the same alerts however the days are cut and wherever it was killed; nothing left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
import sqlalchemy as sql
from ibis import _
from tests.supervision.monitoring.ledger_of_rows import FIRST, Stored
from tests.supervision.monitoring.months import DAYS, weeks

from amanat.jurisdictions.supervision import load_supervision
from amanat.store.engine import open_engine
from amanat.store.journal import OpeningVault
from amanat.store.migrate import migrate
from amanat.store.uow import Store
from amanat.supervision.monitoring import findings
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import (
    AggregateIncomplete,
    CoverageIncomplete,
    InputChanged,
)
from amanat.supervision.monitoring.running import RunDone, Running, plan_run
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.tables import alert, coverage, run, run_step

PAKISTAN = load_supervision("pk")
LAST = FIRST + timedelta(days=DAYS - 1)


class Killed(Exception):
    """The machine went away."""


def carry_out(
    stored: Stored,
    engine: DuckEngine,
    first: date = FIRST,
    last: date = LAST,
    *,
    step_rows: int = 10**6,
    kill_after: int | None = None,
) -> RunDone:
    """One run, or its beginning up to the scenario after which it is killed."""
    with stored.store.reading() as connection:
        plan = plan_run(
            connection, stored.programme, PAKISTAN, stored.folder, first, last, step_rows
        )
    left = [kill_after]

    def progress(_days: str, _scenario: str) -> None:
        if left[0] is not None:
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    return Running(stored.store, engine, plan, date(2026, 1, 1), progress).carry_out()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four scenarios are enough where the run is what is tested."""
    wanted = ("ctr_threshold", "structuring", "velocity", "high_risk")
    for code in set(SCENARIOS) - set(wanted):
        monkeypatch.delitem(SCENARIOS, code)


def alerts_of(stored: Stored) -> dict[str, dict[str, Any]]:
    """What stands in the table, but for the run and the time."""
    with stored.store.reading() as connection:
        rows = connection.execute(sql.select(alert)).mappings().all()
    return {
        row["id"]: {name: row[name] for name in row if name not in ("run", "found_at")}
        for row in rows
    }


@pytest.fixture
def filled(stored: Stored) -> Stored:
    """Ten weeks, one file per exchange and nine days."""
    rows = weeks()
    for begin in range(0, DAYS, 9):
        days = [FIRST + timedelta(days=begin + at) for at in range(9)]
        stored.put([row for row in rows if row["day"] in days], f"week{begin}")
    return stored


def test_days_steps_and_kills_give_the_same_alerts(filled: Stored, engine_of_scenarios: DuckEngine):
    done = carry_out(filled, engine_of_scenarios)
    whole = alerts_of(filled)
    assert {row["scenario"] for row in whole.values()} == set(SCENARIOS)
    assert done.alerts == len(whole)
    assert done.transactions == len(weeks())
    again = carry_out(filled, engine_of_scenarios)
    assert (again.id, again.again) == (done.id, True)
    _forget(filled)
    # In steps of some days, killed after several scenarios and gone on with.
    for kill_after in (1, 20, 16):
        with pytest.raises(Killed):
            carry_out(filled, engine_of_scenarios, step_rows=330, kill_after=kill_after)
        assert alerts_of(filled).items() <= whole.items()
    finished = carry_out(filled, engine_of_scenarios, step_rows=330)
    assert alerts_of(filled) == whole
    assert (finished.alerts, finished.transactions) == (len(whole), done.transactions)
    with filled.store.reading() as connection:
        assert connection.execute(sql.select(sql.func.count()).select_from(run)).scalar_one() == 1


def _forget(stored: Stored) -> None:
    with stored.store.engine.begin() as connection:
        for table in (alert, coverage, run_step, run):
            connection.execute(table.delete())


def test_day_by_day_as_returns_come_in(filled: Stored, engine_of_scenarios: DuckEngine):
    """Incremental: each day is run by itself, with the lookback that windows need."""
    first, last = FIRST + timedelta(days=19), FIRST + timedelta(days=21)
    carry_out(filled, engine_of_scenarios, first, last)
    whole = alerts_of(filled)
    assert len({row["scenario"] for row in whole.values()}) > 10
    _forget(filled)
    day = first
    while day <= last:
        carry_out(filled, engine_of_scenarios, day, day)
        day += timedelta(days=1)
    assert alerts_of(filled) == whole


@pytest.mark.usefixtures("few")
def test_a_late_return_makes_another_run_and_takes_nothing_back(
    filled: Stored, engine_of_scenarios: DuckEngine
):
    day = FIRST + timedelta(days=20)
    first = carry_out(filled, engine_of_scenarios, day, day)
    before = alerts_of(filled)
    late = [row | {"exchange": "gamma"} for row in weeks(seed=8) if row["day"] == day]
    filled.put([row | {"id": row["id"] + 1} for row in late if "pattern" not in row["reference"]])
    second = carry_out(filled, engine_of_scenarios, day, day)
    assert second.id != first.id
    assert before.items() <= alerts_of(filled).items()


def _with(monkeypatch: pytest.MonkeyPatch, code: str, change: Any) -> None:
    """The scenario with its findings changed as a mistake in it would."""
    known = SCENARIOS[code]

    def judge(step: Any, parameters: Any) -> findings.Findings:
        return change(known.judge(step, parameters))

    monkeypatch.setitem(SCENARIOS, code, replace(known, judge=judge))


@pytest.mark.usefixtures("few")
def test_a_scenario_that_drops_rows_fails_the_run(
    filled: Stored, engine_of_scenarios: DuckEngine, monkeypatch: pytest.MonkeyPatch
):
    """It classes only rows above an amount, as a filter forgotten in it would."""
    dropped = min(row["id"] for row in weeks() if row["value"] == 2_000_000)
    _with(
        monkeypatch,
        "velocity",
        lambda found: replace(found, scoped=found.scoped.filter(_.id != dropped)),
    )
    with pytest.raises(CoverageIncomplete) as refused:
        carry_out(filled, engine_of_scenarios)
    assert refused.value.fields["scenario"] == "velocity"
    assert str(dropped) in refused.value.fields["missing"]
    with filled.store.reading() as connection:
        row = connection.execute(sql.select(run)).one()
        done = set(connection.execute(sql.select(run_step.c.scenario)).scalars())
    assert row.state == "failed"
    assert "velocity" in row.failure["text"]
    assert "velocity" not in done
    monkeypatch.undo()
    assert carry_out(filled, engine_of_scenarios).again is False


@pytest.mark.usefixtures("few")
def test_a_scenario_that_counts_a_row_twice_fails_the_run(
    filled: Stored, engine_of_scenarios: DuckEngine, monkeypatch: pytest.MonkeyPatch
):
    _with(
        monkeypatch,
        "high_risk",
        lambda found: replace(found, scoped=found.scoped.union(found.scoped.limit(1))),
    )
    with pytest.raises(CoverageIncomplete, match="high_risk"):
        carry_out(filled, engine_of_scenarios)


@pytest.mark.usefixtures("few")
def test_a_scenario_that_leaves_rows_out_of_its_sums_fails_the_run(
    filled: Stored, engine_of_scenarios: DuckEngine, monkeypatch: pytest.MonkeyPatch
):
    """Its classes are whole, but what it added up is not what it classed."""
    _with(
        monkeypatch,
        "structuring",
        lambda found: replace(found, taken=found.taken.mutate(n=_.n - 1)),
    )
    with pytest.raises(AggregateIncomplete, match="structuring"):
        carry_out(filled, engine_of_scenarios)


@pytest.mark.usefixtures("few")
def test_a_file_that_is_not_as_accepted_fails_the_run(
    filled: Stored, engine_of_scenarios: DuckEngine
):
    place = next(filled.folder.glob("supervision/transactions/exchange=alpha/week9-*.parquet"))
    rows = parquet.read_table(place)
    parquet.write_table(rows.slice(1), place)
    with pytest.raises(InputChanged, match="week9-alpha"):
        carry_out(filled, engine_of_scenarios)
    _forget(filled)
    # Also where the run's days cut the file.
    day = FIRST + timedelta(days=12)
    with pytest.raises(InputChanged, match="week9-alpha"):
        carry_out(filled, engine_of_scenarios, day, day)


@pytest.mark.usefixtures("few")
def test_the_same_on_postgresql(
    postgres_url: str, tmp_path: Path, filled: Stored, engine_of_scenarios: DuckEngine
):
    """Both databases hold the same alerts, also when they are found again by another run."""
    carry_out(filled, engine_of_scenarios)
    engine = open_engine(postgres_url)
    migrate(engine)
    other = Stored(Store(engine, OpeningVault(b"k" * 32)), tmp_path / "other")
    other.put(weeks(), "all")
    first = carry_out(other, engine_of_scenarios)
    again = carry_out(other, engine_of_scenarios, FIRST + timedelta(days=10), LAST)
    engine.dispose()
    assert first.id != again.id
    assert alerts_of(other) == alerts_of(filled)
