"""The node that an installation asks is killed while its orders are in flight."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.network.market import Market, open_market

from amanat.core.errors import Unavailable
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


def test_orders_in_flight_outlive_the_node_that_took_them(validators: Home, market: Market) -> None:
    ledger, founded = market.app.ledger, validators.founded()
    market.ask(MONEY, TRADES)
    in_flight = market.wait_sent(MONEY // 2)
    used = ledger.rpc.answered_last()
    names = {
        url: one.institution for url, one in zip(founded.rpc_urls(), founded.nodes, strict=True)
    }
    assert used is not None
    done = market.orders()["done"].total()
    (validators.node_folder(names[used]) / HELD).touch()
    killed_at = time.monotonic()
    os.kill(running(validators)["nodes"][names[used]]["pid"], signal.SIGKILL)
    answered = final = None
    while final is None:
        try:
            ledger.step()
        except Unavailable as error:
            print(f"after {time.monotonic() - killed_at:.2f} s: {error}")
        other = ledger.rpc.answered_last() != used
        if other and answered is None:
            answered = time.monotonic() - killed_at
        if other and market.orders()["done"].total() > done:
            final = time.monotonic() - killed_at
        assert time.monotonic() - killed_at < 300
    market.ask(MONEY // 4, TRADES // 4)  # the work goes on meanwhile
    market.finish()
    print(
        f"{names[used]} killed with {in_flight} orders in flight: another node answers after"
        f" {answered:.2f} s, the next order is final after {final:.2f} s, all"
        f" {market.created} and {len(market.trades)} trades after"
        f" {time.monotonic() - killed_at:.1f} s"
    )
    assert market.wrong() == []
