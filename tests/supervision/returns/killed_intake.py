"""Takes in a return and dies at a given step, as a machine that loses its power does.

python killed_intake.py DATABASE FOLDER RETURN STEP
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from amanat.access.actors import Actor, Role
from amanat.app import declare_rooms
from amanat.store.engine import open_engine
from amanat.store.journal import Journal, OpeningVault
from amanat.store.uow import Store, UnitOfWork
from amanat.supervision.identities.vault import Vault
from amanat.supervision.returns import intake as module
from amanat.supervision.returns import settling
from amanat.supervision.returns.intake import Intake
from amanat.supervision.returns.settling import Settling
from amanat.supervision.returns.storing import Storing

KEY = bytes(range(32))
TODAY = date(2026, 3, 9)


def die(*_: Any, **__: Any) -> None:
    """Nothing is cleaned up, no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(original: Callable[..., Any]) -> Callable[..., Any]:
    """Does what it does, and dies."""

    def done(*given: Any, **named: Any) -> Any:
        original(*given, **named)
        die()

    return done


def at_step(step: str) -> None:
    """Let the process die at a step."""
    match step:
        case "received":
            Storing.begin = die  # type: ignore[method-assign]
        case "rows_written":
            Storing.close = after(Storing.close)  # type: ignore[method-assign]
        case "before_rename":
            module.to_disk = after(module.to_disk)
        case "sealed":
            Settling.seal = after(Settling.seal)  # type: ignore[method-assign]
        case "renamed":
            Settling.put = die  # type: ignore[method-assign]
        case "arriving":
            module.again = die  # type: ignore[assignment]
        case "manifest_entered":
            Journal.flush = after(Journal.flush)  # type: ignore[method-assign]
        case "before_commit":
            UnitOfWork.commit = die  # type: ignore[method-assign]
        case "committed":
            UnitOfWork.commit = after(UnitOfWork.commit)  # type: ignore[method-assign]
        case "settling":
            Vault.enter_persons = after(Vault.enter_persons)  # type: ignore[method-assign]
        case "part_settled":
            Settling._part = after(Settling._part)  # type: ignore[method-assign]
        case "settled":
            Settling.settle = after(Settling.settle)  # type: ignore[method-assign]


def main() -> None:
    """An intake for each step, in a process of its own, which does not end."""
    database, folder, given, *steps = sys.argv[1:]
    declare_rooms()
    for step in steps:
        child = os.fork()
        if child == 0:
            take(database, Path(folder), Path(given), step)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(step, os.waitstatus_to_exitcode(status), *counted(database))


def counted(database: str) -> tuple[int, int]:
    """How many returns and records of persons are there."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as raw:
        return tuple(  # type: ignore[return-value]
            raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("supervision_manifest", "identity_record")
        )


def take(database: str, folder: Path, given: Path, step: str) -> None:
    """One intake, which dies at a step."""
    store = Store(
        open_engine(database),
        OpeningVault(b"k" * 32),
        clock=lambda: datetime(2026, 3, 9, 6, tzinfo=UTC),
    )
    intake = Intake(store, lambda _connection, _programme: TODAY, folder, KEY)
    actor = Actor(
        "test", "exchange_x_officer", "exchange_x", frozenset({"applicant"}), Role.OFFICER, None,
        "token",
    )  # fmt: skip
    settling.AT_ONCE = 2
    with intake.incoming() as place:
        for one in given.iterdir():
            place.put(one)
        at_step(step)
        intake.take(actor, place)


if __name__ == "__main__":
    main()
