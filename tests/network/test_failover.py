"""The node that an installation asks is killed while its orders are in flight."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.network.market import Market, open_market
from tests.network.watching import Watcher

from amanat.ledger.rpc import RpcClient
from amanat.ledger.tables import order
from amanat.network.home import Home
from amanat.network.status import wait_ready
from amanat.network.supervisor import HELD, release, running

pytestmark = pytest.mark.network

MONEY, TRADES = 300, 20
TAKEN_MIN = 20


@pytest.fixture
def market(validators: Home, tmp_path: Path) -> Iterator[Market]:
    founded = validators.founded()
    signer = validators.administrator("ministry")
    urls, token = founded.rpc_urls(), validators.token()
    with open_market(tmp_path / "data", urls, founded.chain_id, signer, token) as opened:
        yield opened
    release(validators)
    wait_ready(validators)


class Killer:
    """Kills the node in use as soon as it has taken orders that are in no block."""

    def __init__(self, home: Home, name: str, rpc: RpcClient, senders: list[str]) -> None:
        self._home, self._name, self._rpc, self._senders = home, name, rpc, senders
        self._pid = running(home)["nodes"][name]["pid"]
        self.killed_at, self.taken = 0.0, 0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def watches(self) -> bool:
        """Whether it has neither killed nor given up."""
        return self._thread.is_alive()

    def _watch(self) -> None:
        limit = time.monotonic() + 120
        while (taken := self._taken()) < TAKEN_MIN:
            if time.monotonic() > limit:
                return
        (self._home.node_folder(self._name) / HELD).touch()
        os.kill(self._pid, signal.SIGKILL)
        self.killed_at, self.taken = time.monotonic(), taken

    def _taken(self) -> int:
        """Transactions that the node has and no accepted block."""
        pending, latest = (counts(self._rpc, self._senders, tag) for tag in ("pending", "latest"))
        return sum(pending.values()) - sum(latest.values())


def counts(rpc: RpcClient, senders: list[str], tag: str) -> dict[str, int]:
    """How many transactions of each sender a node has."""
    answers = rpc.batch([("eth_getTransactionCount", (one, tag)) for one in senders])
    return {one: int(answer, 16) for one, answer in zip(senders, answers, strict=True)}


def unfinished(market: Market, mined: dict[str, int]) -> int:
    """How many orders are signed and not among the mined transactions of their senders."""
    query = sql.select(order.c.sender_address, order.c.nonce).where(
        order.c.state.in_(("signed", "sent"))
    )
    with market.app.store.reading() as connection:
        return sum(row.nonce >= mined[row.sender_address] for row in connection.execute(query))


def test_orders_in_flight_outlive_the_node_that_took_them(validators: Home, market: Market) -> None:
    ledger, founded = market.app.ledger, validators.founded()
    names = dict(zip(founded.rpc_urls(), (one.institution for one in founded.nodes), strict=True))
    used = ledger.rpc.answered_last()
    assert used is not None
    urls = {name: url for url, name in names.items()}
    others = set(names.values()) - {names[used]}
    market.ask(MONEY, TRADES)
    with Watcher(urls, founded.chain_id, validators.token()) as watcher:
        senders = sorted({*market.app.senders.values(), market.app.reserve})
        with Killer(validators, names[used], watcher.client(names[used]), senders) as killer:
            while killer.watches():
                market.step()
        assert killer.killed_at, "no order was in flight"
        one = watcher.client(next(iter(others)))
        # On a busy machine this thread looks late: the others may have mined what was gossiped.
        in_flight = unfinished(market, counts(one, senders, "latest"))
        stood = int(one.call("eth_blockNumber"), 16)
        if not in_flight:
            market.ask(1)
        answered = accepted = None
        while not (answered and accepted):
            market.step()
            now = time.monotonic() - killer.killed_at
            if answered is None and ledger.rpc.answered_last() != used:
                answered = now
            if accepted is None and max(watcher.heights()[name] for name in others) > stood:
                accepted = now
            assert now < 300, "nothing goes on"
        market.finish()
        print(
            f"{names[used]} killed with {killer.taken} transactions in no block, {in_flight} orders"
            f" unfinished when that was seen: another node answers after {answered:.2f} s, the next"
            f" block is accepted after {accepted:.1f} s, all"
            f" {market.created + len(market.trades)} orders are final after"
            f" {time.monotonic() - killer.killed_at:.1f} s"
        )
        assert killer.taken >= TAKEN_MIN
        release(validators)
        wait_ready(validators)
        assert market.wrong() == []
        assert watcher.disagreements() + watcher.forgotten() == []
