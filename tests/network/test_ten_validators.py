"""Ten validators, the size that survives one in maintenance and one failed: a rolling restart.

One is killed and stays down.  Each of the others is stopped as for its maintenance and started
again, while orders keep coming.  The network never halts: while each is down, blocks are accepted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.network.conftest import PILOT
from tests.network.market import Market, open_market
from tests.network.test_outages import kill
from tests.network.watching import Watcher

from amanat.network.founding import found
from amanat.network.home import Home, find_parts
from amanat.network.plan import Validator, load_plan
from amanat.network.status import wait_ready
from amanat.network.supervisor import bring_up, hold, release, take_down

pytestmark = [pytest.mark.network, pytest.mark.soak]

MORE = ("revenue", "financial_monitoring", "audit", "competition", "statistics")
"""Authorities beside the five of the pilot; what each is does not matter here."""
FAILED = "secp"
WITHIN_S = 600.0


@pytest.fixture
def ten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Ten validators, healthy."""
    home, plan = Home(tmp_path_factory.mktemp("ten") / "home"), load_plan(PILOT)
    more = tuple(Validator(one, one, administers=False) for one in MORE)
    plan = replace(plan, validators=plan.validators + more)
    found(home, plan, find_parts(), lambda _: None)
    bring_up(home)
    try:
        wait_ready(home, timeout_s=WITHIN_S)
        yield home
    finally:
        take_down(home)


def restart_each(home: Home, watcher: Watcher, names: list[str]) -> list[str]:
    """Take one after the other down and up again; a line for each, with its times."""
    told = []
    for name in names:
        others = {one for one in names if one != name}
        hold(home, name)
        went_on = watcher.wait_above(max(watcher.heights().values()), others, WITHIN_S)
        release(home, name)
        back = watcher.wait_above(max(watcher.heights().values()), {name}, WITHIN_S)
        told.append(f"{name}: the next block {went_on:.1f} s later, level again in {back:.1f} s")
    return told


def keep_asking(market: Market) -> None:
    """A little more of everything, and rounds of the ledger."""
    market.ask(3, 1)
    limit = time.monotonic() + 1.0
    while time.monotonic() < limit:
        market.step()
        time.sleep(0.05)


def test_a_rolling_restart_halts_nothing(
    ten: Home, tmp_path_factory: pytest.TempPathFactory
) -> None:
    founded = ten.founded()
    names = [one.institution for one in founded.nodes]
    urls = dict(zip(names, founded.rpc_urls(), strict=True))
    data, ministry = tmp_path_factory.mktemp("market"), ten.administrator("ministry")
    with (
        open_market(data, list(urls.values()), founded.chain_id, ministry, ten.token()) as market,
        Watcher(urls, founded.chain_id, ten.token()) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        kill(ten, [FAILED])
        began = time.monotonic()
        left = [one for one in names if one != FAILED]
        rolling = pool.submit(restart_each, ten, watcher, left)
        while not rolling.done():
            keep_asking(market)
        ended = time.monotonic()
        told = rolling.result()
        market.finish()
        print("\n".join(told))
        print(
            f"ten validators, one failed, nine restarted one after the other in {ended - began:.0f}"
            f" s: {market.created + len(market.trades)} orders, the longest time between two"
            f" accepted blocks {watcher.longest_gap(began, ended):.1f} s"
        )
        release(ten, FAILED)
        found_again = wait_ready(ten, timeout_s=WITHIN_S)
        assert found_again.agree
        assert market.wrong() == []
        assert watcher.disagreements() + watcher.forgotten() == []
