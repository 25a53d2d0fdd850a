"""What accepted returns wait for, done by itself: in a thread of the server, or apart from it.

    persons into the vault -> screening -> monitoring -> scores of alerts; then back-tests

Each room says what it has not done yet, from its own tables and the manifest, so that nothing is
remembered between rounds: killed anywhere, the next round goes on, and what is done stays done.
One process follows an installation at a time; another one waits for its turn.
"""

from __future__ import annotations

import fcntl
import importlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from amanat.core.errors import AmanatError
from amanat.jurisdictions.supervision import load_supervision
from amanat.licensing.records import pack_of
from amanat.observing.heartbeat import Heartbeat

if TYPE_CHECKING:
    from amanat.app import Application
    from amanat.jurisdictions.supervision import SupervisionTable
    from amanat.supervision.monitoring.engines import Engine

log = logging.getLogger("amanat.following")
LOCK = "supervision/following.lock"
SPILL = "supervision/spill"
PAUSE_S = 3.0
AGAIN_AFTER_S = 900.0
"""How long a stage that failed is left alone, unless something new waits for it."""
MEMORY = "2GB"


class Stopped(Exception):
    """The thread is asked to end; a run that is broken off goes on the next time."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One room's part: what tells that something may wait, and a piece of its work.

    `mark` is cheap and changes when something may wait; `work` does a piece and says whether it
    found any.
    """

    name: str
    mark: Callable[[Connection, str], Any]
    work: Callable[[str], bool]


@dataclass(slots=True)
class _Idle:
    """A stage that found nothing, or failed, when its mark was this one."""

    mark: Any
    again_at: float | None

    def stands(self, mark: Any) -> bool:
        """Whether nothing is to be looked for: nothing came, and what failed is not due again."""
        return self.mark == mark and (self.again_at is None or time.monotonic() < self.again_at)


class Following:
    """Goes round the stages of every programme."""

    def __init__(
        self,
        app: Application,
        memory: str = MEMORY,
        engine_of: Callable[[], Engine] | None = None,
    ) -> None:
        self._app, self._memory = app, memory
        self._engine_of = engine_of or self._duck
        self._stop = threading.Event()
        self._idle: dict[tuple[str, str], _Idle] = {}
        self.heartbeat = Heartbeat("following")
        self.failed: dict[tuple[str, str], str] = {}
        """Programme and stage that failed last, with the error's code."""

    # -- rounds -----------------------------------------------------------------------------------

    def run(self, stop: threading.Event, pause_s: float = PAUSE_S) -> None:
        """Go round until `stop` is set; for a thread or process of its own."""
        self._stop = stop
        self.heartbeat.begin()
        while not stop.is_set():
            try:
                with self._alone() as alone:
                    worked = alone and self.round()
            except Stopped:
                return
            except Exception as error:
                # Types and places alone: the words of an exception may hold values.
                self.heartbeat.kept_from("round_failed")
                log.error("a round of following failed and is done again", exc_info=error)
                worked = False
            else:
                self.heartbeat.well()
            if not worked:
                stop.wait(pause_s)

    def until_done(self) -> dict[str, int]:
        """Go round until nothing waits; how many rounds found work, by stage.

        Raises what a stage raises.
        """
        found: dict[str, int] = {}
        with self._alone(waits=True):
            while self.round(found, raises=True):
                pass
        return found

    def round(self, found: dict[str, int] | None = None, *, raises: bool = False) -> bool:
        """One piece of work of each stage of each programme; whether any found something."""
        worked = False
        stages = self._stages()
        for programme in [one["code"] for one in self._app.programmes()]:
            for stage in stages:
                if self._stop.is_set():
                    raise Stopped
                if self._step(stage, programme, raises=raises):
                    worked = True
                    if found is not None:
                        found[stage.name] = found.get(stage.name, 0) + 1
        return worked

    def _step(self, stage: Stage, programme: str, *, raises: bool) -> bool:
        key = (programme, stage.name)
        with self._app.store.reading() as connection:
            mark = stage.mark(connection, programme)
        idle = self._idle.get(key)
        if idle is not None and idle.stands(mark):
            return False
        try:
            worked = stage.work(programme)
        except Stopped:
            raise
        except Exception as error:
            if raises:
                raise
            # Of what is no refusal of ours the type is told, for its words may hold values.
            refused = isinstance(error, AmanatError)
            code = error.code if isinstance(error, AmanatError) else type(error).__name__
            self.failed[key] = code
            self._idle[key] = _Idle(mark, time.monotonic() + AGAIN_AFTER_S)
            log.error(
                "%s of %s failed: %s", stage.name, programme, code,
                exc_info=None if refused else error,
            )  # fmt: skip
            return False
        self.failed.pop(key, None)
        if worked:
            self._idle.pop(key, None)
        else:
            self._idle[key] = _Idle(mark, None)
        return worked

    @contextmanager
    def _alone(self, *, waits: bool = False) -> Iterator[bool]:
        """Whether this process has the turn; it is given back at the end of the round."""
        path: Path = self._app.settings.data_dir / LOCK
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    # -- stages -----------------------------------------------------------------------------------

    def _stages(self) -> Sequence[Stage]:
        if not self._app.intake.has_returns():
            return ()
        # The rooms load engines of their own: no server without returns pays for them.
        screening, monitoring, detection, asked = (
            importlib.import_module(f"amanat.supervision.{one}")
            for one in (
                "screening.following",
                "monitoring.following",
                "detection.following",
                "monitoring.asked",
            )
        )
        return (
            Stage("vault", screening.mark, self._settle),
            Stage("screening", screening.mark, self._screen),
            Stage("monitoring", monitoring.mark, self._monitor),
            Stage("scores", detection.mark, self._score),
            Stage("backtests", asked.mark, self._backtest),
        )

    def _day(self, programme: str) -> Any:
        with self._app.store.reading() as connection:
            return self._app.business_date(connection, programme)

    def _settle(self, programme: str) -> bool:
        settling = self._app.intake.settling
        waiting = settling.unsettled(programme)
        for one in waiting:
            settling.settle(one)
        return bool(waiting)

    def _screen(self, programme: str) -> bool:
        from amanat.supervision.screening.following import screen_waiting

        app = self._app
        return screen_waiting(app.store, app.intake.vault, programme, self._day(programme)) > 0

    def _monitor(self, programme: str) -> bool:
        from amanat.supervision.monitoring.following import monitor_waiting

        app = self._app
        done = monitor_waiting(
            app.store,
            self._engine_of,
            programme,
            self._table(programme),
            app.settings.data_dir,
            self._day(programme),
            self._go_on,
        )
        return done is not None

    def _table(self, programme: str) -> SupervisionTable:
        with self._app.store.reading() as connection:
            return load_supervision(pack_of(connection, programme).code)

    def _backtest(self, programme: str) -> bool:
        """Go on with a back-test; what returns wait for goes before its next step."""
        from amanat.supervision.monitoring.asked import try_asked

        app, came = self._app, self._came(programme)
        return try_asked(
            app.store,
            self._engine_of,
            programme,
            self._table(programme),
            app.settings.data_dir,
            self._day(programme),
            lambda: not self._stop.is_set() and self._came(programme) == came,
        )

    def _came(self, programme: str) -> Any:
        from amanat.supervision.screening.following import mark

        with self._app.store.reading() as connection:
            return mark(connection, programme)

    def _score(self, programme: str) -> bool:
        from amanat.supervision.detection.following import score_waiting

        app = self._app
        folder = app.settings.data_dir
        return score_waiting(app.store, folder, programme, self._day(programme)) is not None

    def _go_on(self, _days: str, _scenario: str) -> None:
        if self._stop.is_set():
            raise Stopped

    def _duck(self) -> Engine:
        from amanat.supervision.monitoring.engines import DuckEngine

        return DuckEngine(self._app.settings.data_dir / SPILL, self._memory)
