"""The node that an installation asks is killed while its orders are in flight."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.network.market import Market, open_market
from tests.network.watching import Watcher

from amanat.ledger.tables import order
from amanat.network.home import Home
from amanat.network.status import wait_ready
from amanat.network.supervisor import HELD, release, running

pytestmark = pytest.mark.network

MONEY, TRADES = 120, 20


@pytest.fixture
def market(validators: Home, tmp_path: Path) -> Iterator[Market]:
    founded = validators.founded()
    signer = validators.administrator("ministry")
    with open_market(tmp_path / "data", founded.rpc_urls(), founded.chain_id, signer) as opened:
        yield opened
    release(validators)
    wait_ready(validators)


def unmined(market: Market, count: int) -> int:
    """How many orders are signed and not among the first `count` transactions of their sender."""
    in_flight = order.c.state.in_(("signed", "sent")) & (order.c.nonce >= count)
    with market.app.store.reading() as connection:
        query = sql.select(sql.func.count()).where(in_flight)
        return int(connection.execute(query).scalar_one())


def test_orders_in_flight_outlive_the_node_that_took_them(validators: Home, market: Market) -> None:
    ledger, founded = market.app.ledger, validators.founded()
    pids = running(validators)["nodes"]
    names = dict(zip(founded.rpc_urls(), (one.institution for one in founded.nodes), strict=True))
    market.ask(MONEY, TRADES)
    market.wait_sent(MONEY // 2)
    used = ledger.rpc.answered_last()
    assert used is not None
    others = {name: url for url, name in names.items() if url != used}
    with Watcher(others, founded.chain_id) as watcher:
        count = ledger.rpc.call("eth_getTransactionCount", market.app.operator, "latest")
        (validators.node_folder(names[used]) / HELD).touch()
        os.kill(pids[names[used]]["pid"], signal.SIGKILL)
        killed_at = time.monotonic()
        in_flight = unmined(market, int(count, 16))
        stood = max(int(watcher.client(name).call("eth_blockNumber"), 16) for name in others)
        answered = accepted = None
        while accepted is None:
            market.step()
            if answered is None and ledger.rpc.answered_last() != used:
                answered = time.monotonic() - killed_at
            if max(watcher.heights().values()) > stood:
                accepted = time.monotonic() - killed_at
            assert time.monotonic() - killed_at < 300
        market.ask(MONEY // 4, TRADES // 4)  # the work goes on meanwhile
        market.finish()
        print(
            f"{names[used]} killed with {in_flight} orders in flight: another node answers after"
            f" {answered:.2f} s, the next block is accepted after {accepted:.1f} s, all"
            f" {market.created + len(market.trades)} orders are final after"
            f" {time.monotonic() - killed_at:.1f} s"
        )
        assert in_flight
        assert market.wrong() == []
        assert watcher.disagreements() + watcher.forgotten() == []
