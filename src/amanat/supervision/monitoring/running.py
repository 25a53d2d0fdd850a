"""One run of monitoring: steps of days, each scenario of each step in a transaction of its own.

    plan -> each step: rows -> each scenario: found, classed, checked, committed -> proof -> done

A run is known by its days and the digest of its plan.  Killed anywhere and started again, it goes
on where it was: what a step committed stays, what it had not is computed again and is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.effects import as_json
from amanat.core.errors import Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.jurisdictions.supervision import SupervisionTable
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork
from amanat.supervision.monitoring import events
from amanat.supervision.monitoring.covering import (
    check_coverage,
    check_input,
    coverage_of,
    input_of,
    tally_of_file,
)
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.finding import flagged_in
from amanat.supervision.monitoring.keeping import (
    InTurn,
    Judged,
    Keeping,
    Progress,
    coverage_row,
    in_turn,
    insert_new,
)
from amanat.supervision.monitoring.model import (
    HOLDER_DAYS,
    NOTHING,
    CoverageIncomplete,
    SourceFile,
    Tally,
    day_number,
)
from amanat.supervision.monitoring.planning import (
    STEP_ROWS,
    Planned,
    StepPlan,
    digest_of,
    in_force,
    lists_of,
    steps_of,
    versions_of,
)
from amanat.supervision.monitoring.staging import Lists, Pieces, Step
from amanat.supervision.monitoring.tables import coverage, run, run_step
from amanat.supervision.returns.manifest import files_in_force

INPUT = "input"
"""The class under which `supervision_coverage` keeps what a step read, for scenario `INPUT`."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All that a run will do."""

    programme: str
    first: date
    last: date
    files: tuple[SourceFile, ...]
    steps: tuple[StepPlan, ...]
    lists: Lists
    currency: str

    @property
    def digest(self) -> str:
        """By which a run that was broken off is found again."""
        return digest_of(self.files, self.steps, self.lists)

    @property
    def lookback(self) -> int:
        """Days of rows before its first that the run reads."""
        each = (one.scenario.lookback(one.parameters) for one in self._planned())
        return max(each, default=0)

    @property
    def history(self) -> int:
        """Days of daily sums before its first that the run reads."""
        each = (one.scenario.history(one.parameters) for one in self._planned())
        return max(each, default=0)

    def _planned(self) -> Iterator[Planned]:
        return (one for step in self.steps for one in step.planned)


@dataclass(frozen=True, slots=True)
class RunDone:
    """A run that is done: `again` if it had been done before and nothing was to do."""

    id: str
    alerts: int
    transactions: int
    again: bool


def plan_run(
    connection: Connection,
    programme: str,
    table: SupervisionTable,
    data_dir: Path,
    first: date,
    last: date,
    step_rows: int = STEP_ROWS,
) -> RunPlan:
    """What looks at which files on which days.  Refuses `NoParametersForDate`."""
    versions = versions_of(connection, programme)
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    by_day = {day: in_force(versions, table, day) for day in days}
    reach = max(
        max(one.scenario.lookback(one.parameters), one.scenario.history(one.parameters))
        for planned in by_day.values()
        for one in planned
    )
    before = (last - first).days + reach
    files = tuple(plan_sources(connection, programme, data_dir, last, before))
    return RunPlan(
        programme,
        first,
        last,
        files,
        tuple(steps_of(files, first, last, by_day, step_rows)),
        lists_of(connection, programme, last),
        table.currency,
    )


def plan_sources(
    connection: Connection, programme: str, data_dir: Path, last: date, days_before: int
) -> list[SourceFile]:
    """The files in force of the days up to `last`, numbered.

    They begin earlier by the days on which accounts of the other side are looked up.
    """
    first = last - timedelta(days=days_before + HOLDER_DAYS - 1)
    return [
        SourceFile(
            number=number,
            source=one.return_id,
            exchange=one.exchange,
            first_day=one.first_day,
            last_day=one.last_day,
            rows=one.rows,
            id_sum=one.id_sum,
            location=str(one.at(data_dir)),
        )
        for number, one in enumerate(files_in_force(connection, programme, first, last), 1)
    ]


class Running:
    """Carries a plan out on an engine, into a store."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        plan: RunPlan,
        business_date: date,
        progress: Progress = lambda _days, _scenario: None,
    ) -> None:
        self._store, self._engine, self._plan = store, engine, plan
        self._business_date, self._progress = business_date, progress
        self._files = {one.number: one for one in plan.files}
        self._keeping = Keeping(self._work, store.clock, plan.programme, plan.currency, self._files)

    def carry_out(self) -> RunDone:
        """Run every step that is not done, then prove the whole.

        Refuses, in order: `CoverageIncomplete`, `AggregateIncomplete`, `InputChanged`.  A refusal
        is kept with the run, which then counts for nothing.
        """
        identifier, state = self._begin()
        if state == "done":
            return self._done(identifier, again=True)
        pieces = Pieces(self._engine, self._plan.files, self._plan.lookback, self._plan.history)
        try:
            with in_turn(self._keeping, self._progress) as turn:
                for step in self._plan.steps:
                    self._step(identifier, step, pieces, turn)
            self._prove(identifier)
        except Refusal as refusal:
            self._fail(identifier, refusal)
            raise
        finally:
            pieces.end()
        self._finish(identifier)
        return self._done(identifier, again=False)

    # -- the beginning and the end ------------------------------------------------------------

    def _work(self) -> UnitOfWork:
        by = Provenance(
            self._plan.programme,
            "installation",
            "operator",
            "operator",
            "monitoring",
            self._business_date,
        )
        return self._store.work(by)

    def _begin(self) -> tuple[str, str]:
        plan = self._plan
        key = sql.and_(
            run.c.programme == plan.programme,
            run.c.first_day == plan.first.isoformat(),
            run.c.last_day == plan.last.isoformat(),
            run.c.plan == plan.digest,
        )
        with self._work() as uow:
            known = uow.connection.execute(
                sql.select(run.c.id, run.c.state).where(key)
            ).one_or_none()
            if known is not None:
                if known.state == "failed":
                    self._forget(uow.connection, known.id)
                    uow.commit()
                return known.id, "running" if known.state == "failed" else known.state
            identifier = new_id()
            uow.connection.execute(
                run.insert().values(
                    id=identifier,
                    programme=plan.programme,
                    first_day=plan.first.isoformat(),
                    last_day=plan.last.isoformat(),
                    plan=plan.digest,
                    scenarios=[one.stated() for one in plan.steps[-1].planned],
                    state="running",
                    engine=self._engine.name,
                    transactions=0,
                    failure=None,
                    started_at=self._store.clock().isoformat(),
                )
            )
            uow.commit()
        return identifier, "running"

    def _forget(self, connection: Connection, identifier: str) -> None:
        """Begin a run that failed anew; its alerts stay, for they are the same when found again."""
        connection.execute(run_step.delete().where(run_step.c.run == identifier))
        connection.execute(coverage.delete().where(coverage.c.run == identifier))
        connection.execute(
            run.update().where(run.c.id == identifier).values(state="running", failure=None)
        )

    def _fail(self, identifier: str, refusal: Refusal) -> None:
        plain = Message.stated(
            str(refusal.said),
            refusal.said.template,
            {name: str(value) for name, value in refusal.said.fields.items()},
        )
        with self._work() as uow:
            uow.connection.execute(
                run.update()
                .where(run.c.id == identifier)
                .values(
                    state="failed",
                    failure=as_json([plain])[0],
                    ended_at=self._store.clock().isoformat(),
                )
            )
            self._note(uow, events.RUN_FAILED, identifier, rule=type(refusal).__name__)
            uow.commit()

    def _finish(self, identifier: str) -> None:
        with self._work() as uow:
            read = uow.connection.execute(
                sql.select(sql.func.sum(coverage.c.rows)).where(
                    coverage.c.run == identifier, coverage.c.scenario == INPUT
                )
            ).scalar_one()
            uow.connection.execute(
                run.update()
                .where(run.c.id == identifier)
                .values(
                    state="done",
                    transactions=int(read or 0),
                    ended_at=self._store.clock().isoformat(),
                )
            )
            self._note(uow, events.RUN_DONE, identifier)
            uow.commit()

    def _note(self, uow: UnitOfWork, kind: Any, identifier: str, **further: str) -> None:
        plan = self._plan
        content = {
            "run": identifier,
            "first_day": plan.first.isoformat(),
            "last_day": plan.last.isoformat(),
            "plan": plan.digest,
        }
        uow.journal.append(kind, content | further, subject=f"monitoring:{identifier}")

    def _done(self, identifier: str, *, again: bool) -> RunDone:
        with self._store.reading() as connection:
            alerts = connection.execute(
                sql.select(sql.func.sum(run_step.c.alerts)).where(run_step.c.run == identifier)
            ).scalar_one()
            read = connection.execute(
                sql.select(run.c.transactions).where(run.c.id == identifier)
            ).scalar_one()
        return RunDone(identifier, int(alerts or 0), read, again)

    # -- one step -----------------------------------------------------------------------------

    def _step(self, identifier: str, plan: StepPlan, pieces: Pieces, turn: InTurn) -> None:
        with self._store.reading() as connection:
            done = {
                (row.scenario, row.version)
                for row in connection.execute(
                    sql.select(run_step.c.scenario, run_step.c.version).where(
                        run_step.c.run == identifier,
                        run_step.c.first_day == plan.first.isoformat(),
                    )
                )
            }
        left = [one for one in plan.planned if (one.scenario.code, one.version) not in done]
        if not left:
            return
        step = pieces.step(day_number(plan.first), day_number(plan.last), self._plan.lists)
        expected = input_of(step)
        self._record_input(identifier, plan, expected)
        for planned in left:
            kept = step.kept
            judged = self._judge(planned, step, expected)
            step.release(kept)
            turn.keep(identifier, plan, planned, judged)
        step.end()

    def _judge(self, planned: Planned, step: Step, expected: Mapping[int, Tally]) -> Judged:
        scenario = planned.scenario
        findings = scenario.judge(step, planned.parameters)
        covered = coverage_of(scenario.code, findings, step)
        check_coverage(scenario.code, covered, expected, findings, step, self._files)
        return Judged(flagged_in(findings, step), covered)

    def _record_input(self, identifier: str, plan: StepPlan, expected: Mapping[int, Tally]) -> None:
        rows = [
            coverage_row(identifier, INPUT, "", plan, self._files[number].source, INPUT, tally)
            for number, tally in sorted(expected.items())
        ]
        with self._work() as uow:
            insert_new(uow.connection, coverage, rows)
            uow.commit()

    # -- the proof ----------------------------------------------------------------------------

    def _prove(self, identifier: str) -> None:
        """Compare what is stored of the run with the manifest, file by file, and the scenarios'."""
        read, classed = self._stored(identifier)
        own = [
            one
            for one in self._plan.files
            if one.first_day <= self._plan.last and self._plan.first <= one.last_day
        ]
        whole = [
            one.number
            for one in own
            if self._plan.first <= one.first_day and one.last_day <= self._plan.last
        ]
        check_input(own, read, whole)
        for one in own:
            if one.number in whole:
                continue
            # The run's days cut the file: all of it is counted, by itself.
            tally = tally_of_file(
                self._engine, one, day_number(one.first_day), day_number(one.last_day)
            )
            check_input([one], {one.number: tally}, [one.number])
        self._check_stored(classed)

    def _check_stored(
        self,
        classed: Mapping[tuple[str, str, str], Mapping[int, Tally]],
    ) -> None:
        by_step = {
            (step.first.isoformat(), one.scenario.code, one.version)
            for step in self._plan.steps
            for one in step.planned
        }
        for first, code, version in sorted(by_step):
            of_step = classed.get((code, version, first), {})
            label = f"{code} {version}"
            wanted = classed.get((INPUT, "", first), {})
            for number in sorted({*wanted, *of_step}):
                if wanted.get(number, NOTHING) != of_step.get(number, NOTHING):
                    raise CoverageIncomplete(
                        scenario=label,
                        source=self._files[number].source,
                        expected=wanted.get(number, NOTHING),
                        found=of_step.get(number, NOTHING),
                        missing=f"of the step from {first}",
                    )

    def _stored(
        self, identifier: str
    ) -> tuple[dict[int, Tally], dict[tuple[str, str, str], dict[int, Tally]]]:
        numbers = {one.source: one.number for one in self._plan.files}
        read: dict[int, Tally] = {}
        classed: dict[tuple[str, str, str], dict[int, Tally]] = {}
        with self._store.reading() as connection:
            rows = connection.execute(sql.select(coverage).where(coverage.c.run == identifier))
            for row in rows:
                number = numbers[row.source]
                tally = Tally(row.rows, int(row.id_sum))
                of_step = classed.setdefault((row.scenario, row.version, row.first_day), {})
                of_step[number] = of_step.get(number, NOTHING) + tally
                if row.scenario == INPUT:
                    read[number] = read.get(number, NOTHING) + tally
        return read, classed
