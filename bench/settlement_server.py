"""The installation that the settlement bench measures, in a process of its own.

It is what `amanat serve` runs: the embedded node, the database, the ledger's thread, the API under
uvicorn on loopback.  A stopwatch adds up processor time by stage and thread.
"""

from __future__ import annotations

import importlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvicorn

from amanat.app import Application
from amanat.settings import Settings
from amanat.web.server import create_app
from founded import Account, Founded, found_and_fund

# Where the time goes: (module, class or "", function, stage).  A stage's time is its own, without
# that of the stages which it calls.
STAGES = (
    ("amanat.access.desk", "Desk", "submit", "act: command's digest, policy"),
    ("amanat.settlement.acts_bulk", "_Submission", "leg", "act: terms and digests"),
    ("amanat.settlement.acts_bulk", "_Submission", "row", "act: terms and digests"),
    ("amanat.settlement.acts_bulk", "", "_check_signature", "act: verify signatures"),
    ("amanat.settlement.acts_bulk", "", "insert_many", "insert instructions"),
    ("amanat.settlement.acts_settling", "", "_expire", "settle: find, pack, order"),
    ("amanat.settlement.acts_settling", "", "_order_batches", "settle: find, pack, order"),
    ("amanat.store.journal", "Journal", "append", "journal: write entries"),
    ("amanat.store.journal", "Journal", "flush", "journal: number and insert"),
    ("amanat.store.uow", "UnitOfWork", "commit", "commit"),
    ("amanat.ledger.dispatcher", "Dispatcher", "step", "dispatch: sign, store, mark"),
    ("amanat.ledger.rpc", "RpcClient", "_post", "talk to the node"),
    ("amanat.ledger.indexer", "Indexer", "step", "index: other"),
    ("amanat.ledger.reader", "Reader", "read", "index: decode events"),
    ("amanat.ledger.indexer", "", "_write", "index: insert events"),
    ("amanat.ledger.indexer", "", "index_transfers", "index: balances"),
    ("amanat.ledger.indexer", "Indexer", "_tell_rooms", "index: states of instructions"),
)
HTTP_STAGE = "http: read, parse, validate, answer"
SERVER_STAGE = "the server, all of its threads"
NODE_STAGE = "node (its own process)"
DATABASE_STAGE = "database server (its own processes)"


class Stopwatch:
    """Adds up each stage's own processor time and wall time, over all threads."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self._here = threading.local()

    def watch(self, module: str, owner: str, name: str, stage: str) -> None:
        """Replace a function by one that is timed as part of `stage`."""
        place: Any = importlib.import_module(module)
        place = getattr(place, owner) if owner else place
        inner = getattr(place, name)
        self.spent.setdefault(stage, [0.0, 0.0])

        def timed(*args: Any, **more: Any) -> Any:
            self._turn(stage)
            try:
                return inner(*args, **more)
            finally:
                self._turn(None)

        setattr(place, name, timed)

    def _turn(self, stage: str | None) -> None:
        now = (time.thread_time(), time.perf_counter())
        stack = self._here.__dict__.setdefault("stack", [])
        if stack:
            current, since = stack[-1]
            self.spent[current][0] += now[0] - since[0]
            self.spent[current][1] += now[1] - since[1]
        if stage is not None:
            stack.append((stage, now))
            return
        stack.pop()
        if stack:
            stack[-1] = (stack[-1][0], now)


def _cpu_seconds(pids: Sequence[int]) -> float:
    """Processor seconds of these processes and of their children that live."""
    total = 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            if int(folder.name) in pids or int(fields[1]) in pids:
                total += (int(fields[11]) + int(fields[12])) / ticks
    return total


class Serving:
    """A served application, with what is asked of it over the pipe."""

    def __init__(self, app: Application, server_pids: Sequence[int]) -> None:
        self.app = app
        self._database_pids = list(server_pids)
        self._stopwatch = Stopwatch()
        for one in STAGES:
            self._stopwatch.watch(*one)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        config = uvicorn.Config(
            create_app(app), log_level="warning", server_header=False, proxy_headers=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    @property
    def port(self) -> int:
        """Where it serves on loopback."""
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Serve, and follow the ledger."""
        self.app.run_in_background()
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def spent(self) -> dict[str, list[float]]:
        """Processor and wall seconds by stage so far; other processes have no wall time."""
        assert self._thread.ident is not None
        loop = time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))
        found = {name: list(pair) for name, pair in self._stopwatch.spent.items()}
        found[HTTP_STAGE] = [loop, 0.0]
        node = self.app.node
        found[NODE_STAGE] = [_cpu_seconds([node.pid] if node and node.pid else []), 0]
        if self._database_pids:
            found[DATABASE_STAGE] = [_cpu_seconds(self._database_pids), 0]
        found[SERVER_STAGE] = [time.process_time(), 0.0]
        return found

    def durability(self) -> dict[str, str]:
        """What the database says of how it commits."""
        sqlite = self.app.engine.dialect.name == "sqlite"
        names = ("synchronous", "journal_mode") if sqlite else ("synchronous_commit", "fsync")
        word = "PRAGMA" if sqlite else "SHOW"
        with self.app.store.reading() as connection:
            return {
                name: str(connection.exec_driver_sql(f"{word} {name}").scalar_one())
                for name in names
            }

    def stop(self) -> None:
        """Stop serving and the installation."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self.app.stop()


def serve_installation(
    pipe: Connection,
    folder: Path,
    database_url: str,
    database_pids: Sequence[int],
    accounts: Sequence[Account],
) -> None:
    """Child process: found an installation, serve it, answer until told to stop."""
    app = Application(Settings(folder, database_url, light_keys=True)).start()
    try:
        founded: Founded = found_and_fund(app, accounts, lambda text: pipe.send(("told", text)))
        serving = Serving(app, database_pids)
        serving.start()
        pipe.send(("serving", (founded, serving.port)))
        answers: dict[str, Callable[[], Any]] = {
            "spent": serving.spent,
            "durability": serving.durability,
            "check": lambda: [str(one) for one in app.ledger.check()],
        }
        while (asked := pipe.recv()) != "stop":
            pipe.send((asked, answers[asked]()))
        serving.stop()
    except BaseException as error:
        pipe.send(("failed", repr(error)))
        app.stop()
        raise
