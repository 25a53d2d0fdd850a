"""Pays one funded coupon and is killed on the way.  Started by the tests, never imported.

    python -m tests.e2e.coupon_payer DATA DATABASE_URL PAYMENT ROUND NOTES KILLS

It asks for ROUND chunks at a time.  KILLS is a JSON list of `{"victim", "point", "at"}`, taken one
after the other: VICTIM is `application` (its node dies with it) or `node`, and dies by SIGKILL at
POINT once the contract has paid `at` chunks.  What was true at each kill is written to NOTES, a
JSON list, just before it.  The product has no code for this: its functions are wrapped here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger import indexer
from amanat.ledger.dispatcher import Dispatcher
from amanat.ledger.rpc import RpcClient
from amanat.servicing.commands import PayChunk
from amanat.servicing.tables import entitlement, payment
from amanat.settings import Settings

from ..programme.world import CODE, World

CURSOR = 8
"""The place of the cursor in what `Payments.run` returns."""


class Payer:
    """Pays, counts what is through, and kills when the time has come."""

    def __init__(self, app: Application, identifier: str, notes: Path, kills: list[Any]) -> None:
        self.app, self.identifier = app, identifier
        self._notes, self._kills = notes, kills
        self._done: list[dict[str, Any]] = []

    def kill(self, point: str) -> None:
        """Kill the next victim if it is to die at this point and so many chunks are paid."""
        if not self._kills or self._kills[0]["point"] != point:
            return
        chunks = self.chunks_on_the_chain()
        if chunks < self._kills[0]["at"]:
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
                "chunks_on_the_chain": chunks,
                "lines_paid_in_the_index": paid,
            }
        )
        self._notes.write_text(json.dumps(self._done))
        assert self.app.node is not None
        assert self.app.node.pid is not None
        os.kill(os.getpid() if victim == "application" else self.app.node.pid, signal.SIGKILL)

    def chunks_on_the_chain(self) -> int:
        """The cursor of the contract itself."""
        with self.app.store.reading() as connection:
            query = sql.select(payment.c.number).where(payment.c.id == self.identifier)
            number = connection.execute(query).scalar_one()
        # Asked past the gateway, which refuses to answer while the node knows less than the index.
        gateway = self.app.gateway(CODE)
        asked = {
            "to": gateway.address("Payments"),
            "data": "0x" + gateway.encode("Payments", "run", number).hex(),
        }
        answer = self.app.ledger.rpc.call("eth_call", asked, "latest")[2:]
        return int(answer[CURSOR * 64 : CURSOR * 64 + 64], 16)

    def _await_mined(self) -> None:
        """The node answers before it has mined what it can."""
        waiting = "0x1"
        while self._kills and int(waiting, 16):
            waiting = self.app.ledger.rpc.call("txpool_status")["pending"]
            time.sleep(0.001)

    def watch(self) -> None:
        """Reach each point where the product comes by."""
        sending, asking = Dispatcher.send_signed, RpcClient.batch
        moving = indexer._move_cursor

        def before_sending(this: Dispatcher) -> bool:
            self.kill("before sending")
            return sending(this)

        def after_mining(this: RpcClient, calls: Any) -> list[Any]:
            answers = asking(this, calls)
            if any(call[0] == "eth_sendRawTransaction" for call in calls):
                self._await_mined()
                self.kill("after mining")
            return answers

        def before_the_commit(*arguments: Any) -> None:
            moving(*arguments)
            self.kill("before the indexer commits")

        Dispatcher.send_signed = before_sending  # type: ignore[method-assign]
        RpcClient.batch = after_mining  # type: ignore[method-assign]
        indexer._move_cursor = before_the_commit

    def pay(self, chunks: int) -> None:
        """Ask for so many chunks and wait for them, until the payment is paid."""
        while True:
            World(self.app).do("central_bank", self._next(chunks), pump=False)
            self.app.pump(300)
            with self.app.store.reading() as connection:
                query = sql.select(payment.c.state).where(payment.c.id == self.identifier)
                if connection.execute(query).scalar_one() != "funded":
                    return

    def _next(self, chunks: int) -> PayChunk:
        return PayChunk(payment=self.identifier, chunks_max=chunks)


def main() -> None:
    """Pay until all is paid, or until killed."""
    data, url, identifier, chunks, notes, kills = sys.argv[1:]
    settings = replace(Settings.at(Path(data), light_keys=True), database_url=url)
    with Application(settings) as app:
        app.pump()
        payer = Payer(app, identifier, Path(notes), json.loads(kills))
        payer.watch()
        payer.pay(int(chunks))


if __name__ == "__main__":
    main()
