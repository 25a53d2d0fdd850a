"""A version tried on history before it looks at anything: its alerts beside those of the live one.

A back-test reads the same files with the same proof of coverage, and writes no alert.  It goes by
steps of days; what the steps that are done found is enough to go on with the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy.engine import Connection

from amanat.core.errors import Refusal
from amanat.core.ids import new_id
from amanat.jurisdictions.supervision import SupervisionTable
from amanat.store.uow import Store
from amanat.supervision.monitoring.covering import check_coverage, coverage_of, input_of
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.finding import flagged_in, found_in
from amanat.supervision.monitoring.model import SourceFile, day_number
from amanat.supervision.monitoring.planning import (
    LIVE,
    STEP_ROWS,
    Planned,
    StepPlan,
    digest_of,
    in_force,
    lists_of,
    planned_of,
    steps_of,
    versions_of,
)
from amanat.supervision.monitoring.records import version_row
from amanat.supervision.monitoring.running import plan_sources
from amanat.supervision.monitoring.staging import Lists, Pieces
from amanat.supervision.monitoring.tables import backtest


class NothingStored(Refusal):
    """A back-test without a transaction would say nothing, and look like a success."""

    template: ClassVar[str] = "No transaction of the days from {first} to {last} is stored."


@dataclass(frozen=True, slots=True)
class Trial:
    """A version to be tried, on which days of which files; each step has it first, then live."""

    programme: str
    code: str
    version: str
    first: date
    last: date
    files: tuple[SourceFile, ...]
    steps: tuple[StepPlan, ...]
    lists: Lists

    @property
    def digest(self) -> str:
        """By which a trial that was broken off is known to be the same."""
        return digest_of(self.files, self.steps, self.lists)

    @property
    def reach(self) -> int:
        """Days before the first that it reads."""
        each = (
            max(one.scenario.lookback(one.parameters), one.scenario.history(one.parameters))
            for step in self.steps
            for one in step.planned
        )
        return max(each, default=0)


@dataclass(slots=True)
class Counted:
    """What the steps that are done found; alerts are of a day, and a day is of one step."""

    alerts: int = 0
    shared: int = 0
    lost: int = 0
    subjects: set[int] = field(default_factory=set)
    classed: dict[str, int] = field(default_factory=dict)

    @property
    def transactions(self) -> int:
        """Rows that were looked at."""
        return sum(self.classed.values())

    def as_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        return {
            "alerts": self.alerts,
            "shared": self.shared,
            "lost": self.lost,
            "subjects": [str(one) for one in sorted(self.subjects)],
            "classed": self.classed,
        }

    @classmethod
    def from_json(cls, stated: Mapping[str, Any] | None) -> Counted:
        """What was kept; nothing of nothing."""
        if stated is None:
            return cls()
        return cls(
            stated["alerts"],
            stated["shared"],
            stated["lost"],
            {int(one) for one in stated["subjects"]},
            dict(stated["classed"]),
        )

    def require_any(self, first: date, last: date) -> None:
        """Refuse `NothingStored` where no transaction was looked at."""
        if not self.transactions:
            raise NothingStored(first=first, last=last)

    def result(self) -> dict[str, Any]:
        """The figures, as `supervision_backtest` keeps them."""
        return {
            "transactions": self.transactions,
            "alerts": self.alerts,
            "subjects": len(self.subjects),
            "shared": self.shared,
            "lost": self.lost,
            "classed": dict(sorted(self.classed.items())),
        }


def plan_backtest(
    connection: Connection,
    data_dir: Path,
    table: SupervisionTable,
    named: tuple[str, str, str],
    first: date,
    last: date,
) -> Trial:
    """What is read for a version of a scenario of a programme.

    Refuses, in order: `NotFound`, `NoParametersForDate`.
    """
    programme, code, version = named
    tried = planned_of(version_row(connection, programme, code, version), LIVE)
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    versions = versions_of(connection, programme)
    both: dict[date, tuple[Planned, ...]] = {
        day: (
            tried,
            *(
                one
                for one in in_force(versions, table, day)
                if one.scenario.code == code and one.state == LIVE
            ),
        )
        for day in days
    }
    reach = max(
        max(one.scenario.lookback(one.parameters), one.scenario.history(one.parameters))
        for planned in both.values()
        for one in planned
    )
    files = plan_sources(connection, programme, data_dir, last, (last - first).days + reach)
    steps = tuple(steps_of(files, first, last, both, STEP_ROWS))
    lists = lists_of(connection, programme, last)
    return Trial(programme, code, version, first, last, tuple(files), steps, lists)


def carry_out(
    trial: Trial,
    engine: Engine,
    counted: Counted,
    done_to: date | None = None,
    told: Callable[[StepPlan], bool] = lambda _step: True,
) -> bool:
    """Add what the steps after `done_to` find to what was counted; whether all are done.

    `told` hears of each step that is done and says whether to go on.  Refuses, in order:
    `CoverageIncomplete`, `AggregateIncomplete`.
    """
    pieces = Pieces(engine, trial.files, trial.reach, trial.reach)
    left = [one for one in trial.steps if done_to is None or one.first > done_to]
    try:
        for at, plan in enumerate(left, 1):
            _step(trial, plan, pieces, counted)
            if not told(plan):
                return at == len(left)
    finally:
        pieces.end()
    return True


def _step(trial: Trial, plan: StepPlan, pieces: Pieces, counted: Counted) -> None:
    by_number = {one.number: one for one in trial.files}
    step = pieces.step(day_number(plan.first), day_number(plan.last), trial.lists)
    expected = input_of(step)
    found: list[set[tuple[int, date]]] = []
    for planned in plan.planned:
        findings = planned.scenario.judge(step, planned.parameters)
        covered = coverage_of(trial.code, findings, step)
        check_coverage(trial.code, covered, expected, findings, step, by_number)
        alerts = found_in(planned.scenario, planned.version, flagged_in(findings, step))
        found.append({(one.subject, one.day) for one in alerts})
        for one in covered if len(found) == 1 else ():
            for name, tally in one.classed.items():
                counted.classed[name.code] = counted.classed.get(name.code, 0) + tally.rows
    step.end()
    new, old = found[0], set[tuple[int, date]]().union(*found[1:])
    counted.alerts += len(new)
    counted.shared += len(new & old)
    counted.lost += len(old - new)
    counted.subjects |= {subject for subject, _day in new}


def keep_result(
    connection: Connection, trial: Trial, identifier: str, counted: Counted, at: str
) -> None:
    """Keep what a trial found under an identifier."""
    connection.execute(
        backtest.insert().values(
            id=identifier,
            programme=trial.programme,
            code=trial.code,
            version=trial.version,
            first_day=trial.first.isoformat(),
            last_day=trial.last.isoformat(),
            run_at=at,
            **counted.result(),
        )
    )


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
) -> dict[str, Any]:
    """Try a stated version on the days from `first` to `last` at once, and keep the result.

    Answers with its id and figures; `shared` and `lost` are against the live version.  Refuses, in
    order: `NotFound`, `NoParametersForDate`, `CoverageIncomplete`, `AggregateIncomplete`,
    `NothingStored`.
    """
    with store.reading() as connection:
        trial = plan_backtest(connection, data_dir, table, (programme, code, version), first, last)
    counted = Counted()
    carry_out(trial, engine, counted)
    counted.require_any(first, last)
    identifier = new_id()
    with store.engine.begin() as connection:
        keep_result(connection, trial, identifier, counted, store.clock().isoformat())
    return {"id": identifier} | counted.result()
