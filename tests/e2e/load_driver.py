"""Founds, serves and checks installations in children of its own.  Started by `load.py` alone.

It imports the product once, so that a life of the application begins in the time of a fork.  Jobs
are lines of JSON on standard input: `do` is

- `found`: found the settlement bench's programme in `folder` and write to `out` what a client
  needs; answers with the exit code;
- `serve`: serve `folder` on `port` as `amanat serve` does; answers with the child's process id;
- `check`: start it, let everything that is open end, compare contracts, index and journal, and
  write to `out` what there is; answers with the exit code.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import sqlalchemy as sql
import uvicorn

from amanat.app import Application
from amanat.ledger import tables
from amanat.settings import Settings
from amanat.settlement.tables import instruction
from amanat.store.uow import Store, utc_now
from amanat.web.server import create_app
from founded import PROGRAMME, bank_accounts, found_and_fund


def application(job: Mapping[str, Any]) -> Application:
    """The installation of a job, whose clock is `clock_off_s` ahead of the machine's."""
    off = timedelta(seconds=job.get("clock_off_s", 0))
    if off:
        begin = Store.__init__

        def moved(this: Store, *arguments: Any, **named: Any) -> None:
            begin(this, *arguments, **named)
            this.clock = lambda: utc_now() + off

        Store.__init__ = moved  # type: ignore[method-assign]
    return Application(Settings(Path(job["folder"]), job["database"], light_keys=True))


def found(job: Mapping[str, Any]) -> int:
    """Found and fund; write the accounts with their secrets and the tokens."""
    accounts = bank_accounts(job["accounts"])
    with application(job) as app:
        made = found_and_fund(app, accounts, print)
        app.pump()
    told = {
        "founded": dataclasses.asdict(made),
        "accounts": [[one.address, one.secret.hex(), one.bank] for one in accounts],
    }
    Path(job["out"]).write_text(json.dumps(told))
    return 0


def serve(job: Mapping[str, Any]) -> int:
    """Serve until it is killed."""
    if job.get("file_bytes_max"):
        # What a full disk does to one file: a write beyond this size fails, and kills nobody.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        limit = int(job["file_bytes_max"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    listening = socket.create_server(("127.0.0.1", job["port"]), backlog=64, reuse_port=True)
    app = application(job)
    app.start()
    app.run_in_background()
    config = uvicorn.Config(
        create_app(app), log_level="warning", server_header=False, proxy_headers=False
    )
    uvicorn.Server(config).run(sockets=[listening])
    app.stop()
    return 0


def check(job: Mapping[str, Any]) -> int:
    """What the contracts, the index and the journal say when all is done."""
    with application(job) as app:
        app.pump(600)
        differences = [str(one) for one in app.ledger.check()]
        with app.store.reading() as connection:
            states = connection.execute(
                sql.select(instruction.c.state, sql.func.count())
                .where(instruction.c.programme == PROGRAMME)
                .group_by(instruction.c.state)
            ).all()
            events = connection.execute(
                sql.select(tables.event.c.arguments).where(
                    tables.event.c.name == "InstructionsSettled"
                )
            ).scalars()
            digests = [one for text in events for one in json.loads(text)["digests"]]
            held = connection.execute(
                sql.select(tables.holding.c.token, tables.holding.c.account, tables.holding.c.units)
            ).all()
            alarms = connection.execute(sql.select(tables.alarm.c.kind)).scalars().all()
        names = {app.ledger.gateway(PROGRAMME).address("Cash"): "cash"}
    told = {
        "differences": differences,
        "states": dict(row._tuple() for row in states),
        "settled_on_chain": len(digests),
        "settled_once": len(set(digests)),
        "held": [[names.get(token, "bond"), account, units] for token, account, units in held],
        "alarms": sorted(set(alarms)),
    }
    Path(job["out"]).write_text(json.dumps(told))
    return 0


JOBS: Mapping[str, Callable[[Mapping[str, Any]], int]] = {
    "found": found,
    "serve": serve,
    "check": check,
}


def begin(job: Mapping[str, Any]) -> int:
    """A child that does the job, its words in the job's log; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        log = os.open(job["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = JOBS[job["do"]](job)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "reap":
            os.waitpid(job["pid"], 0)
            answers.write("0\n")
            continue
        child = begin(job)
        if job["do"] != "serve":
            child = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answers.write(f"{child}\n")


if __name__ == "__main__":
    main()
