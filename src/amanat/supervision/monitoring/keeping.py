"""What one scenario found in one step, written with its proof: all of it or nothing.

    flagged -> found -> rows, by id -> one transaction: alerts, coverage, that the step is done

It touches no engine, so that a run writes one scenario's alerts while the next one is judged.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from amanat.store.engine import Written
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
        self._named: dict[tuple[int, ...], Written] = {}

    def keep(self, run: str, plan: StepPlan, planned: Planned, judged: Judged) -> str:
        """Alerts, proof and that it is done, in one transaction; the code of the scenario.

        Raises `MembersMissing`.
        """
        with _uncollected():
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
        # By id, which is a digest: millions of them in any other order cost a third more.
        named = sorted(((one.identifier(self._programme), one) for one in found), key=itemgetter(0))
        for begin in range(0, len(named), _BATCH):
            rows = [
                self._alert_row(run, planned, made, one, explains, now)
                for made, one in named[begin : begin + _BATCH]
            ]
            insert_new(connection, alert, rows)

    def _alert_row(
        self, run: str, planned: Planned, made: str, found: Found, explains: Explains, now: str
    ) -> dict[str, Any]:
        return {
            "programme": self._programme,
            "id": made,
            "scenario": found.scenario,
            "version": found.version,
            "run": run,
            "subject": subject_text(found.subject),
            "exchanges": self._exchanges(found.files),
            "day": found.day.isoformat(),
            "score": str(found.score),
            "rank": rank_of(found.score),
            "explanation": explains(found.values),
            "transactions": _as_texts(found.transactions),
            "transactions_all": found.values["named_of"],
            "state": "open" if planned.state == LIVE else "shadow",
            "found_at": now,
        }

    def _exchanges(self, files: tuple[int, ...]) -> Written:
        """The exchanges whose files these are, in JSON."""
        known = self._named.get(files)
        if known is None:
            exchanges = sorted({self._files[number].exchange for number in files})
            known = self._named[files] = Written(json.dumps(exchanges))
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


def _as_texts(ids: Sequence[int]) -> Written:
    """Ids in JSON, as texts: a reader's numbers may not be wide enough."""
    return Written('["' + '", "'.join(map(str, ids)) + '"]') if ids else Written("[]")


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


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles among hundreds of thousands of alerts, which have none.

    What was made within has to be gone at its end, or it is looked through then.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
