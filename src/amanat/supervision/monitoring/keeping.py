"""What one scenario found in one step, written with its proof: all of it or nothing.

    flagged -> found -> rows, by id -> in turn, one transaction: alerts, coverage, that it is done

It touches no engine, so that a run writes alerts while it judges the next scenarios.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from amanat.core.memory import uncollected
from amanat.store.engine import insert_new_tuples
from amanat.store.journal import Clock
from amanat.store.uow import UnitOfWork
from amanat.supervision.monitoring.finding import Explains, Flagged, explaining, found_in
from amanat.supervision.monitoring.model import (
    SUM_MODULUS,
    Coverage,
    Found,
    SourceFile,
    Tally,
    rank_of,
)
from amanat.supervision.monitoring.planning import LIVE, Planned, StepPlan
from amanat.supervision.monitoring.tables import alert, coverage, run_step

_BATCH = 2_000
_BEHIND_MAX = 3
"""So many scenarios' findings wait to be written: some are long to judge, others to write."""
Progress = Callable[[str, str], None]
"""Told the step's days and the scenario that is done."""
_ALERT = (
    "programme", "id", "scenario", "version", "run", "subject", "exchanges", "day", "score",
    "rank", "explanation", "transactions", "transactions_all", "state", "found_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """What a scenario flagged in a step, and the checked proof that it left nothing out."""

    flagged: Flagged
    covered: Sequence[Coverage]


class Keeping:
    """Writes what the scenarios of one run found."""

    def __init__(
        self,
        work: Callable[[], UnitOfWork],
        clock: Clock,
        programme: str,
        currency: str,
        files: Mapping[int, SourceFile],
    ) -> None:
        self._work, self._clock = work, clock
        self._programme, self._currency = programme, currency
        self._files = files
        self._named: dict[tuple[int, ...], str] = {}

    def keep(self, run: str, plan: StepPlan, planned: Planned, judged: Judged) -> str:
        """Alerts, proof and that it is done, in one transaction; the code of the scenario.

        Raises `MembersMissing`.
        """
        with uncollected():
            self._keep(run, plan, planned, judged)
        return planned.scenario.code

    def _keep(self, run: str, plan: StepPlan, planned: Planned, judged: Judged) -> None:
        found = found_in(planned.scenario, planned.version, judged.flagged)
        with self._work() as uow:
            self._keep_alerts(uow.connection, run, planned, found)
            self._keep_coverage(uow.connection, run, plan, planned, judged.covered)
            done = {
                "run": run,
                "scenario": planned.scenario.code,
                "version": planned.version,
                "first_day": plan.first.isoformat(),
                "last_day": plan.last.isoformat(),
                "alerts": len(found),
                "done_at": self._clock().isoformat(),
            }
            uow.connection.execute(run_step.insert(), [done])
            uow.commit()

    def _keep_alerts(
        self, connection: Connection, run: str, planned: Planned, found: Sequence[Found]
    ) -> None:
        now = self._clock().isoformat()
        explains = explaining(planned.scenario, planned.parameters, self._currency)
        # By id, as the database keeps them: millions in any other order cost a third more.
        named = sorted(((one.identifier(self._programme), one) for one in found), key=itemgetter(0))
        for begin in range(0, len(named), _BATCH):
            rows = [
                self._alert_row(run, planned, made, one, explains, now)
                for made, one in named[begin : begin + _BATCH]
            ]
            insert_new_tuples(connection, alert, _ALERT, rows)

    def _alert_row(
        self, run: str, planned: Planned, made: str, found: Found, explains: Explains, now: str
    ) -> tuple[Any, ...]:
        """The values of the columns in `_ALERT`."""
        return (
            self._programme,
            made,
            found.scenario,
            found.version,
            run,
            subject_text(found.subject),
            self._exchanges(found.files),
            found.day.isoformat(),
            str(found.score),
            rank_of(found.score),
            json.dumps(explains(found.values)),
            _as_texts(found.transactions),
            found.values["named_of"],
            "open" if planned.state == LIVE else "shadow",
            now,
        )

    def _exchanges(self, files: tuple[int, ...]) -> str:
        """The exchanges whose files these are, in JSON."""
        known = self._named.get(files)
        if known is None:
            exchanges = sorted({self._files[number].exchange for number in files})
            known = self._named[files] = json.dumps(exchanges)
        return known

    def _keep_coverage(
        self,
        connection: Connection,
        run: str,
        plan: StepPlan,
        planned: Planned,
        covered: Sequence[Coverage],
    ) -> None:
        scenario, version = planned.scenario.code, planned.version
        rows = [
            coverage_row(
                run, scenario, version, plan, self._files[one.file].source, classed.code, tally
            )
            for one in covered
            for classed, tally in sorted(one.classed.items())
        ]
        if rows:
            connection.execute(coverage.insert(), rows)


class InTurn:
    """Keeps what was judged, one scenario after the other, while the engine goes on."""

    def __init__(self, keeping: Keeping, writer: Executor, progress: Progress) -> None:
        self._keeping, self._writer, self._progress = keeping, writer, progress
        self._behind: deque[tuple[str, Future[str]]] = deque()

    def keep(self, run: str, plan: StepPlan, planned: Planned, judged: Judged) -> None:
        """As `Keeping.keep`, later; what an earlier one raised is raised here."""
        kept = self._writer.submit(self._keeping.keep, run, plan, planned, judged)
        self._behind.append((f"{plan.first} – {plan.last}", kept))
        self.wait(_BEHIND_MAX)

    def wait(self, behind: int = 0) -> None:
        """Wait until no more than so many are left to be kept."""
        while len(self._behind) > behind:
            days, kept = self._behind.popleft()
            self._progress(days, kept.result())


@contextmanager
def in_turn(keeping: Keeping, progress: Progress) -> Iterator[InTurn]:
    """Within, what is judged is kept in turn; at the end all of it is."""
    with ThreadPoolExecutor(1, "alerts") as writer:
        turn = InTurn(keeping, writer, progress)
        yield turn
        turn.wait()


def _as_texts(ids: Sequence[int]) -> str:
    """Ids in JSON, as texts: a reader's numbers may not be wide enough."""
    return '["' + '", "'.join(map(str, ids)) + '"]' if ids else "[]"


def coverage_row(
    run: str,
    scenario: str,
    version: str,
    plan: StepPlan,
    source: str,
    classed: str,
    tally: Tally,
) -> dict[str, Any]:
    """One row of `supervision_coverage`."""
    return {
        "run": run,
        "scenario": scenario,
        "version": version,
        "first_day": plan.first.isoformat(),
        "source": source,
        "classed": classed,
        "rows": tally.rows,
        "id_sum": str(tally.id_sum % SUM_MODULUS),
    }


def subject_text(who: int) -> str:
    """A subject as alerts name it: a person's pseudonym, or an account's where nobody is known."""
    return f"party:{who}" if who > 0 else f"account:{-who}"


def insert_new(connection: Connection, table: sql.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that are not there yet; one that is there stays as it is."""
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))
