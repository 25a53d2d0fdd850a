"""A version tried on history before it looks at anything: its alerts beside those of the live one.

A back-test reads the same files with the same proof of coverage, and writes no alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from amanat.core.ids import new_id
from amanat.jurisdictions.supervision import SupervisionTable
from amanat.store.uow import Store
from amanat.supervision.monitoring.covering import check_coverage, coverage_of, input_of
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.finding import found_in
from amanat.supervision.monitoring.model import NOTHING, Classed, Tally, day_number
from amanat.supervision.monitoring.planning import (
    LIVE,
    STEP_ROWS,
    Planned,
    in_force,
    lists_of,
    planned_of,
    steps_of,
    versions_of,
)
from amanat.supervision.monitoring.records import version_row
from amanat.supervision.monitoring.running import plan_sources
from amanat.supervision.monitoring.staging import Pieces
from amanat.supervision.monitoring.tables import backtest

Key = tuple[int, date]


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a version found on history.  `shared` and `lost` are against the live version."""

    id: str
    transactions: int
    alerts: int
    subjects: int
    shared: int
    lost: int
    classed: dict[str, int]


def run_backtest(
    store: Store,
    engine: Engine,
    data_dir: Path,
    table: SupervisionTable,
    programme: str,
    code: str,
    version: str,
    first: date,
    last: date,
) -> Backtested:
    """Try a stated version on the days from `first` to `last`, and keep the result.

    Refuses, in order: `NotFound`, `NoParametersForDate`, `CoverageIncomplete`,
    `AggregateIncomplete`.
    """
    with store.reading() as connection:
        tried = planned_of(version_row(connection, programme, code, version), LIVE)
        days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
        versions = versions_of(connection, programme)
        live = {
            day: tuple(
                one
                for one in in_force(versions, table, day)
                if one.scenario.code == code and one.state == LIVE
            )
            for day in days
        }
        both = {day: (tried, *live[day]) for day in days}
        reach = max(_reach(one) for planned in both.values() for one in planned)
        span = (last - first).days
        files = plan_sources(connection, programme, data_dir, last, span + reach)
        lists = lists_of(connection, programme, last)
    pieces = Pieces(engine, files, reach, reach)
    by_number = {one.number: one for one in files}
    new: set[Key] = set()
    old: set[Key] = set()
    classed: dict[Classed, Tally] = {}
    for plan in steps_of(files, first, last, both, STEP_ROWS):
        step = pieces.step(day_number(plan.first), day_number(plan.last), lists)
        expected = input_of(step)
        for at, planned in enumerate(plan.planned):
            findings = planned.scenario.judge(step, planned.parameters)
            covered = coverage_of(code, findings, step)
            check_coverage(code, covered, expected, findings, step, by_number)
            found = found_in(planned.scenario, planned.version, findings, step)
            (old if at else new).update((one.subject, one.day) for one in found)
            for one in covered if not at else ():
                for name, tally in one.classed.items():
                    classed[name] = classed.get(name, NOTHING) + tally
        step.end()
    pieces.end()
    return _kept(store, programme, (code, version), (first, last), new, old, classed)


def _reach(planned: Planned) -> int:
    scenario, parameters = planned.scenario, planned.parameters
    return max(scenario.lookback(parameters), scenario.history(parameters))


def _kept(
    store: Store,
    programme: str,
    named: tuple[str, str],
    days: tuple[date, date],
    new: set[Key],
    old: set[Key],
    classed: dict[Classed, Tally],
) -> Backtested:
    result = Backtested(
        id=new_id(),
        transactions=sum(tally.rows for tally in classed.values()),
        alerts=len(new),
        subjects=len({subject for subject, _day in new}),
        shared=len(new & old),
        lost=len(old - new),
        classed={name.code: tally.rows for name, tally in sorted(classed.items())},
    )
    with store.engine.begin() as connection:
        connection.execute(
            backtest.insert().values(
                id=result.id,
                programme=programme,
                code=named[0],
                version=named[1],
                first_day=days[0].isoformat(),
                last_day=days[1].isoformat(),
                transactions=result.transactions,
                alerts=result.alerts,
                subjects=result.subjects,
                shared=result.shared,
                lost=result.lost,
                classed=result.classed,
                run_at=store.clock().isoformat(),
            )
        )
    return result
