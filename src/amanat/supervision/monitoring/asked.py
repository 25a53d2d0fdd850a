"""Carries out back-tests that the desk asked for, one after the other, each exactly once.

    requested -> running, step after step -> done with its result, or failed with the reason

A step that is done stays done: killed anywhere, or standing back for returns that came in, the next
round goes on with the next step.  The result has the id of what was asked for, and comes in the
transaction that says it is done.  Where what it reads changed meanwhile, it begins anew.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.effects import refusal_json
from amanat.core.errors import Refusal
from amanat.jurisdictions.supervision import SupervisionTable
from amanat.store.journal import Provenance
from amanat.store.uow import Store, UnitOfWork
from amanat.supervision.monitoring import events
from amanat.supervision.monitoring.backtesting import (
    Counted,
    Trial,
    carry_out,
    keep_result,
    plan_backtest,
)
from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.planning import StepPlan
from amanat.supervision.monitoring.tables import backtest_asked

REQUESTED, RUNNING, DONE, FAILED = "requested", "running", "done", "failed"
WAITING = (REQUESTED, RUNNING)


class WorkerFailed(Refusal):
    """What is no refusal of ours is told by its type alone, for its words may hold values."""

    template: ClassVar[str] = "The worker ended with {error}; the installation's log has more."


def waits(programme: str) -> sql.ColumnElement[bool]:
    """Whether a back-test was asked for and has not ended."""
    table = backtest_asked
    return sql.and_(table.c.programme == programme, table.c.state.in_(WAITING))


def waiting(connection: Connection, programme: str) -> tuple[int, str | None]:
    """How many wait, and since when the first does."""
    asked = sql.select(sql.func.count(), sql.func.min(backtest_asked.c.asked_at))
    row = connection.execute(asked.where(waits(programme))).one()
    return int(row[0]), row[1]


def mark(connection: Connection, programme: str) -> tuple[str, ...]:
    """Changes whenever one may wait: another was asked for, or one ended."""
    last = sql.select(sql.func.max(backtest_asked.c.id), sql.func.count())
    return tuple(str(one) for one in connection.execute(last.where(waits(programme))).one())


def try_asked(
    store: Store,
    engine_of: Callable[[], Engine],
    programme: str,
    table: SupervisionTable,
    data_dir: Path,
    day: date,
    goes_on: Callable[[], bool],
) -> bool:
    """Carry out the first that waits, as far as `goes_on` lets it; whether any waited.

    What refuses it is kept with it.  Raises what is no refusal once that is kept; of a database
    that does not answer nothing is kept, and it is tried again.
    """
    with store.reading() as connection:
        first = sql.select(backtest_asked).where(waits(programme))
        row = connection.execute(first.order_by(backtest_asked.c.id).limit(1)).one_or_none()
    if row is None:
        return False
    one = _Asked(store, row, day)
    try:
        one.try_on(engine_of, table, data_dir, goes_on)
    except Refusal as refusal:
        one.fail(refusal)
    except sql.exc.SQLAlchemyError:
        raise
    except Exception as error:
        one.fail(WorkerFailed(error=type(error).__name__))
        raise
    return True


class _Asked:
    """One back-test that was asked for."""

    def __init__(self, store: Store, row: Row[Any], day: date) -> None:
        self._store, self._row, self._day = store, row, day

    def try_on(
        self,
        engine_of: Callable[[], Engine],
        table: SupervisionTable,
        data_dir: Path,
        goes_on: Callable[[], bool],
    ) -> None:
        """Go on from where it was, to the end or until it is to stand back."""
        row = self._row
        days = date.fromisoformat(row.first_day), date.fromisoformat(row.last_day)
        with self._store.reading() as connection:
            named = (row.programme, row.code, row.version)
            trial = plan_backtest(connection, data_dir, table, named, *days)
        counted, done_to = Counted(), None
        if row.state == RUNNING and row.plan == trial.digest:
            counted = Counted.from_json(row.found)
            done_to = None if row.done_to is None else date.fromisoformat(row.done_to)
        else:
            started = row.started_at or self._now()
            self._change(state=RUNNING, plan=trial.digest, started_at=started, found=None,
                         done_to=None)  # fmt: skip

        def told(step: StepPlan) -> bool:
            self._change(done_to=step.last.isoformat(), found=counted.as_json())
            return goes_on()

        engine = engine_of()
        try:
            ended = carry_out(trial, engine, counted, done_to, told)
        finally:
            engine.close()
        if ended:
            counted.require_any(*days)
            self._finish(trial, counted)

    def fail(self, refusal: Refusal) -> None:
        """Keep why it ended without a result."""
        with self._work() as uow:
            self._end(uow, FAILED, failure=refusal_json(refusal))
            uow.commit()

    def _finish(self, trial: Trial, counted: Counted) -> None:
        with self._work() as uow:
            keep_result(uow.connection, trial, self._row.id, counted, self._now())
            self._end(uow, DONE)
            uow.commit()

    def _end(self, uow: UnitOfWork, state: str, **values: Any) -> None:
        self._set(uow.connection, state=state, found=None, ended_at=self._now(), **values)
        uow.journal.append(
            events.BACKTEST_ENDED,
            {
                "backtest": self._row.id,
                "scenario": self._row.code,
                "version": self._row.version,
                "state": state,
            },
            subject=f"monitoring:{self._row.code}",
        )

    def _change(self, **values: Any) -> None:
        with self._store.engine.begin() as connection:
            self._set(connection, **values)

    def _set(self, connection: Connection, **values: Any) -> None:
        table = backtest_asked
        connection.execute(table.update().where(table.c.id == self._row.id).values(**values))

    def _now(self) -> str:
        return self._store.clock().isoformat()

    def _work(self) -> UnitOfWork:
        programme = self._row.programme
        by = Provenance(programme, "installation", "operator", "operator", "monitoring", self._day)
        return self._store.work(by)
