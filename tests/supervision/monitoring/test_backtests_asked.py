"""A back-test is asked for at the desk, goes on wherever it is killed, and has one result."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.licensing.world import CODE, MARCH
from tests.supervision.cases.desks import Desks, desks_world
from tests.supervision.monitoring.ledger_of_rows import FIRST, Stored, moved
from tests.supervision.monitoring.looking import duck
from tests.supervision.monitoring.test_composed import RULE

from amanat.core.errors import AmanatError, Forbidden, NotFound, Refusals
from amanat.jurisdictions.supervision import load_supervision
from amanat.supervision.monitoring import asked, backtesting
from amanat.supervision.monitoring.acts_backtests import AlreadyAsked
from amanat.supervision.monitoring.asked import try_asked
from amanat.supervision.monitoring.backtesting import NothingStored, run_backtest
from amanat.supervision.monitoring.commands import BacktestScenario, ComposeScenario
from amanat.supervision.monitoring.tables import alert, backtest, backtest_asked
from amanat.supervision.returns.tables import manifest

PAKISTAN = load_supervision("pk")
LAST = MARCH - timedelta(days=1)
EARLY = MARCH - timedelta(days=8)


class Killed(BaseException):
    """The machine went away."""


@pytest.fixture
def desks(sqlite_url: str, tmp_path: Path) -> Iterator[Desks]:
    """A supervisor with a composed scenario, and a week of three withdrawals a day."""
    with desks_world(sqlite_url, tmp_path) as world:
        shift = (MARCH - FIRST).days
        rows = [
            moved(shift - day, "transfer", 10 + day % 2, 20 + n, 100_000)
            for day in range(1, 8)
            for n in range(3)
        ]
        Stored(world.store, tmp_path, CODE).put(rows)
        composed = ComposeScenario(scenario="middling", rule=RULE, reason="seen in two cases")
        world.do_as("pvara_officer", composed)
        yield world


def asking(first: date = EARLY, last: date = LAST, version: str = "v1") -> BacktestScenario:
    """A back-test of the composed scenario."""
    return BacktestScenario(scenario="middling", version=version, first_day=first, last_day=last)


def ask(desks: Desks, *days: date) -> str:
    """It is asked for; its id."""
    return str(desks.do_as("pvara_officer", asking(*days))["backtest"])


def work(desks: Desks, folder: Path, goes_on: Callable[[], bool] = lambda: True) -> bool:
    """A round of what follows returns, as another process would make it."""
    engine = duck(folder / "spill")
    return try_asked(desks.store, lambda: engine, CODE, PAKISTAN, folder, desks.day, goes_on)


def shown(desks: Desks) -> list[dict[str, Any]]:
    """What the page says of back-tests that were asked for."""
    rows: list[dict[str, Any]] = desks.look(
        "pvara_officer", "monitoring_scenario", scenario="middling"
    )["asked"]
    return rows


def results(desks: Desks) -> list[dict[str, Any]]:
    """What is kept of back-tests, without ids and times."""
    with desks.store.reading() as connection:
        rows = connection.execute(backtest.select()).mappings().all()
    return [{k: v for k, v in row.items() if k not in ("id", "run_at")} for row in rows]


def test_killed_at_any_step_it_goes_on_and_has_the_result_of_one_go(
    desks: Desks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = duck(tmp_path / "once")
    run_backtest(desks.store, engine, tmp_path, PAKISTAN, CODE, "middling", "v1", EARLY, LAST)
    engine.close()
    (at_once,) = results(desks)
    assert at_once["transactions"] == 21 + 4  # and what the desks' world has stored
    assert (at_once["alerts"], at_once["subjects"]) == (7, 2)
    monkeypatch.setattr(backtesting, "STEP_ROWS", 1)  # every day is a step
    number = ask(desks)
    begun: list[date] = []
    original = backtesting._step

    def dies(trial: Any, plan: Any, *rest: Any) -> None:
        begun.append(plan.first)
        original(trial, plan, *rest)
        if len(begun) in (1, 4):
            raise Killed

    monkeypatch.setattr(backtesting, "_step", dies)
    for _ in range(2):
        with pytest.raises(Killed):
            work(desks, tmp_path)
    (one,) = shown(desks)
    assert (one["state"], one["done_up_to"]) == ("running", (EARLY + timedelta(1)).isoformat())
    assert work(desks, tmp_path, lambda: len(begun) < 7)  # stands back for a return that came
    assert shown(desks)[0]["state"] == "running"
    assert work(desks, tmp_path)
    assert not work(desks, tmp_path)
    # Steps that were killed before they were kept are done again, all others once.
    assert len(begun) == 8 + 2
    (one,) = shown(desks)
    assert (one["state"], one["backtest"], one["failure"]) == ("done", number, None)
    assert results(desks) == [at_once, at_once]
    with desks.store.reading() as connection:
        assert connection.execute(alert.select()).all() == []
        (kept,) = connection.execute(backtest_asked.select()).all()
    assert kept.found is None


def test_what_it_reads_changed_so_it_begins_anew(
    desks: Desks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtesting, "STEP_ROWS", 1)
    ask(desks)
    assert work(desks, tmp_path, lambda: False)
    assert shown(desks)[0]["done_up_to"] == EARLY.isoformat()
    more = [moved((EARLY - FIRST).days, "transfer", 15, 20 + n, 100_000) for n in range(3)]
    Stored(desks.store, tmp_path, CODE).put(more)
    assert work(desks, tmp_path)
    (result,) = results(desks)
    assert result["transactions"] == 21 + 3 + 4


def test_bad_ranges_are_refused_with_all_that_is_wrong(desks: Desks) -> None:
    def refused(command: BacktestScenario) -> set[str]:
        with pytest.raises(AmanatError) as found:
            desks.do_as("pvara_officer", command)
        error = found.value
        several = error.refusals if isinstance(error, Refusals) else [error]
        return {type(one).__name__ for one in several}

    assert refused(asking(LAST, EARLY)) == {"DaysTurned"}
    assert refused(asking(MARCH, MARCH)) == {"DayNotOver", "NothingStored"}
    old = date(1999, 1, 1)
    assert refused(asking(old)) == {"TooManyDays", "NoParametersForDate"}
    assert refused(asking(date(2025, 9, 1), date(2025, 9, 30))) == {"NothingStored"}
    with pytest.raises(NotFound):
        desks.do_as("pvara_officer", asking(version="v2"))
    for person in ("fmu_officer", "exchange_x_officer"):
        with pytest.raises(Forbidden):
            desks.do_as(person, asking())
        with pytest.raises(NotFound):
            desks.look(person, "monitoring_scenario", scenario="middling")
    submit, officer = desks.app.desk.submit, desks.actor("pvara_officer")
    first, again = (submit(officer, asking(), key="one-key").result for _ in range(2))
    assert first == again  # and asked for once
    with pytest.raises(AlreadyAsked):
        ask(desks)
    ask(desks, LAST, LAST)
    assert [one["ahead"] for one in shown(desks)] == [1, 0]


def test_it_fails_with_the_reason_and_the_next_one_is_carried_out(
    desks: Desks, tmp_path: Path
) -> None:
    """What was stored when it was asked for may be superseded before its turn."""
    began = EARLY + timedelta(1)
    ask(desks, began, began)
    with desks.store.engine.begin() as connection:
        connection.execute(
            manifest.update()
            .where(manifest.c.exchange == "alpha")
            .values(superseded_by="a correction")
        )
    assert work(desks, tmp_path)
    (one,) = shown(desks)
    assert one["state"] == "failed"
    assert one["failure"] == str(NothingStored(first=began, last=began))
    assert results(desks) == []
    ask(desks, MARCH - timedelta(4), LAST)
    broken = tmp_path / "no folder"
    broken.write_text("a file is no folder")
    with pytest.raises(duckdb.Error) as met:
        work_broken(desks, broken)
    assert shown(desks)[0]["failure"] == str(asked.WorkerFailed(error=type(met.value).__name__))
    ask(desks, MARCH - timedelta(4), LAST)
    assert work(desks, tmp_path)
    assert shown(desks)[0]["state"] == "done"


def work_broken(desks: Desks, folder: Path) -> None:
    """A round of a worker that finds no files."""
    engine = duck(folder.parent / "spill")
    try_asked(desks.store, lambda: engine, CODE, PAKISTAN, folder, desks.day, lambda: True)
