"""The installation that the settlement bench measures, in a process of its own.

It is what `amanat serve` runs: the embedded node or a network's, the database, the ledger's thread,
the API under uvicorn on loopback.  A stopwatch adds up processor time by stage and thread.
"""

from __future__ import annotations

import importlib
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sql
import uvicorn

from amanat.app import Application
from amanat.cli.pilots import let_in_senders
from amanat.ledger import tables
from amanat.ledger.sender_names import PURPOSES
from amanat.network.home import Home
from amanat.network.supervisor import running
from amanat.settings import Settings
from amanat.settlement.tables import instruction
from amanat.web.server import create_app
from founded import Account, Founded, found_and_fund

# Where the time goes: (module, class or "", function, stage).  A stage's time is its own, without
# that of the stages which it calls.
STAGES = (
    ("amanat.access.desk", "Desk", "submit", "act: command's digest, policy"),
    ("amanat.settlement.submission", "Submission", "leg", "act: terms and digests"),
    ("amanat.settlement.submission", "Submission", "row", "act: terms and digests"),
    ("amanat.settlement.acts_bulk", "", "check_signature", "act: verify signatures"),
    ("amanat.settlement.acts_bulk", "", "recovered_from", "act: verify signatures"),
    ("amanat.settlement.submission", "", "insert_many", "insert instructions"),
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
NODES_STAGE = "the five nodes (processes of their own)"
GATES_STAGE = "the nodes' gates (processes of their own)"
DATABASE_STAGE = "database server (its own processes)"
PROCESS_STAGES = (SERVER_STAGE, NODE_STAGE, NODES_STAGE, GATES_STAGE, DATABASE_STAGE)


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

    def __init__(
        self, app: Application, server_pids: Sequence[int], network: Path | None = None
    ) -> None:
        self.app = app
        self._network = network
        self._everybody = app.ledger.book.senders_of
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
        if self._network is None:
            found[NODE_STAGE] = [_cpu_seconds([node.pid] if node and node.pid else []), 0]
        else:
            kept = running(Home(self._network))
            for stage, kind in ((NODES_STAGE, "nodes"), (GATES_STAGE, "gates")):
                pids = [one["pid"] for one in kept[kind].values() if one["pid"]]
                found[stage] = [_cpu_seconds(pids), 0]
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

    def use_senders(self, count: int) -> int:
        """Let the first so many settlement senders send what is ordered from now on."""
        book = self.app.ledger.book
        everybody = self._everybody

        def chosen(connection: sql.Connection, purpose: str) -> Sequence[str]:
            found = sorted(everybody(connection, purpose), key=lambda name: (len(name), name))
            return found[:count] if purpose == "settlement" else found

        book.senders_of = chosen
        with self.app.store.reading() as connection:
            return len(chosen(connection, "settlement"))

    def finalities(self, since: int) -> tuple[int, list[tuple[int, float]]]:
        """Of each batch ordered after a place in the sequence: instructions, seconds to final."""
        order = tables.order
        count = sql.select(sql.func.count()).where(instruction.c.order_id == order.c.id)
        with self.app.store.reading() as connection:
            last = connection.execute(sql.select(sql.func.max(order.c.sequence))).scalar_one()
            rows = connection.execute(
                sql.select(
                    order.c.requested_at,
                    order.c.completed_at,
                    count.correlate(order).scalar_subquery().label("count"),
                ).where(
                    order.c.kind.in_(("settle_batch", "settle_list")),
                    order.c.sequence > since,
                    order.c.state == "done",
                )
            ).all()
        times = [
            datetime.fromisoformat(row.completed_at) - datetime.fromisoformat(row.requested_at)
            for row in rows
        ]
        return int(last), [
            (int(row.count), one.total_seconds()) for row, one in zip(rows, times, strict=True)
        ]

    def stop(self) -> None:
        """Stop serving and the installation."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self.app.stop()


def _settings(
    folder: Path, database_url: str, network: Path | None, senders: tuple[str, ...]
) -> Settings:
    plain = Settings(folder, database_url, light_keys=True, senders=senders)
    if network is None:
        return plain
    home = Home(network)
    founded = home.founded()
    return replace(
        plain,
        node_urls=tuple(founded.rpc_urls()),
        nodes_token_file=home.token().file,
        chain_id=founded.chain_id,
        finality="finalized",
    )


def serve_installation(
    pipe: Connection,
    folder: Path,
    database_url: str,
    database_pids: Sequence[int],
    accounts: Sequence[Account],
    network: Path | None = None,
    senders: tuple[str, ...] = PURPOSES,
) -> None:
    """Child process: found an installation, serve it, answer until told to stop.

    With `network` it uses the nodes of that folder, whose administrator lets its senders in.
    """
    app = Application(_settings(folder, database_url, network, senders))
    try:
        if network is not None:
            pipe.send(("told", "letting the senders in"))
            let_in_senders(network, app)
        app.start()
        founded: Founded = found_and_fund(app, accounts, lambda text: pipe.send(("told", text)))
        serving = Serving(app, database_pids, network)
        serving.start()
        pipe.send(("serving", (founded, serving.port)))
        answers: dict[str, Callable[..., Any]] = {
            "spent": serving.spent,
            "durability": serving.durability,
            "check": lambda: [str(one) for one in app.ledger.check()],
            "use_senders": serving.use_senders,
            "finalities": serving.finalities,
        }
        while (asked := pipe.recv()) != "stop":
            name, *given = asked
            pipe.send((name, answers[name](*given)))
        serving.stop()
    except BaseException as error:
        pipe.send(("failed", repr(error)))
        app.stop()
        raise
