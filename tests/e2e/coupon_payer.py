"""Pays one funded coupon and is killed on the way.  Started by the tests, never imported.

    python -m tests.e2e.coupon_payer DATA DATABASE_URL PAYMENT NOTES KILLS

KILLS is a JSON list of `{"victim", "point", "at"}`, taken one after the other: VICTIM is
`application` (its node dies with it) or `node`, and dies by SIGKILL at POINT, when `at` chunks are
through there.  What was true at each kill is written to NOTES, a JSON list, just before it.  The
product has no code for this: its functions are wrapped here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger import indexer
from amanat.ledger.dispatcher import Dispatcher
from amanat.ledger.indexer import Indexer
from amanat.ledger.rpc import RpcClient
from amanat.servicing.commands import PayChunk
from amanat.servicing.tables import entitlement, payment
from amanat.settings import Settings

from ..programme.world import CODE, World


class Payer:
    """Pays, counts what is through, and kills when the time has come."""

    def __init__(self, app: Application, identifier: str, notes: Path, kills: list[Any]) -> None:
        self.app, self.identifier = app, identifier
        self._notes, self._kills = notes, kills
        self._done: list[dict[str, Any]] = []

    def kill(self, point: str, chunks: Callable[[], int]) -> None:
        """Kill the next victim if it is to die at this point and so many chunks are through."""
        if not self._kills or self._kills[0]["point"] != point:
            return
        if chunks() < self._kills[0]["at"]:
            return
        victim = self._kills.pop(0)["victim"]
        with self.app.store.reading() as connection:
            paid = connection.execute(
                sql.select(sql.func.count()).where(
                    entitlement.c.payment == self.identifier, entitlement.c.state == "paid"
                )
            ).scalar_one()
        self._done.append(
            {
                "victim": victim,
                "point": point,
                "chunks_on_the_chain": self.chunks_on_the_chain(),
                "lines_paid_in_the_index": paid,
            }
        )
        self._notes.write_text(json.dumps(self._done))
        assert self.app.node is not None
        assert self.app.node.pid is not None
        os.kill(os.getpid() if victim == "application" else self.app.node.pid, signal.SIGKILL)

    def chunks_in_the_index(self) -> int:
        """As the database has it."""
        with self.app.store.reading() as connection:
            query = sql.select(payment.c.chunks_paid).where(payment.c.id == self.identifier)
            return int(connection.execute(query).scalar_one())

    def chunks_on_the_chain(self) -> int:
        """The cursor of the contract itself."""
        with self.app.store.reading() as connection:
            query = sql.select(payment.c.number).where(payment.c.id == self.identifier)
            number = connection.execute(query).scalar_one()
        run: Any = self.app.gateway(CODE).call("Payments", "run", number)
        return int(run["cursor"] if isinstance(run, dict) else run[8])

    def watch(self) -> None:
        """Reach each point where the product comes by."""
        sending, taking, moving = Dispatcher.send_signed, Indexer._take_effect, indexer._move_cursor
        asking = RpcClient.batch

        def before_sending(this: Dispatcher) -> bool:
            self.kill("before sending", lambda: 0)
            return sending(this)

        def after_mining(this: RpcClient, calls: Any) -> list[Any]:
            answers = asking(this, calls)
            if any(call[0] == "eth_sendRawTransaction" for call in calls):
                self.kill("after mining", self.chunks_on_the_chain)
            return answers

        def before_the_commit(*arguments: Any) -> None:
            moving(*arguments)
            self.kill("before the indexer commits", lambda: 0)

        def after_indexing(this: Indexer, *arguments: Any) -> None:
            taking(this, *arguments)
            self.kill("while indexing", self.chunks_in_the_index)

        Dispatcher.send_signed = before_sending  # type: ignore[method-assign]
        RpcClient.batch = after_mining  # type: ignore[method-assign]
        indexer._move_cursor = before_the_commit
        Indexer._take_effect = after_indexing  # type: ignore[method-assign]
        threading.Thread(target=self._watch_mining, daemon=True).start()

    def _watch_mining(self) -> None:
        """Sending returns when all is mined, so another thread looks on while it goes."""
        while self._kills:
            if self._kills[0]["point"] == "while mining":
                self.kill("while mining", self.chunks_on_the_chain)
            time.sleep(0.005)


def main() -> None:
    """Pay until nothing is open, or until killed."""
    data, url, identifier, notes, kills = sys.argv[1:]
    settings = replace(Settings.at(Path(data), light_keys=True), database_url=url)
    with Application(settings) as app:
        app.pump()
        payer = Payer(app, identifier, Path(notes), json.loads(kills))
        World(app).do("central_bank", PayChunk(payment=identifier), pump=False)
        payer.watch()
        app.pump(300)


if __name__ == "__main__":
    main()
