"""Two of five validators killed, all five killed at once, one with an erased disk.

Each while an installation orders: what it asked for is carried out once when the network is back.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from tests.network.market import Market, open_market
from tests.network.watching import Watcher

from amanat.network.home import Home
from amanat.network.status import status_of, wait_ready
from amanat.network.supervisor import HELD, hold, release, running

pytestmark = pytest.mark.network

WATCHED_SECONDS = 12.0
"""Longer than a proposer's turn of five seconds: a network that could go on would have done so."""
KEPT = ("db", "chainData")


def kill(home: Home, names: Iterable[str]) -> None:
    """Kill these validators at once and keep them down."""
    pids = running(home)["nodes"]
    for name in names:
        (home.node_folder(name) / HELD).touch()
    for name in names:
        os.kill(pids[name]["pid"], signal.SIGKILL)
    limit = time.monotonic() + 30
    while any(running(home)["nodes"][name]["pid"] for name in names):
        assert time.monotonic() < limit
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Site:
    """Five validators, a market on them, and who watches what each accepts."""

    home: Home
    market: Market
    watcher: Watcher

    @property
    def everybody(self) -> set[str]:
        """Who runs a node."""
        return {one.institution for one in self.home.founded().nodes}

    def wrong(self) -> list[str]:
        """Where history is not one or was forgotten, and what is lost or doubled."""
        return [*self.watcher.disagreements(), *self.watcher.forgotten(), *self.market.wrong()]


@pytest.fixture(scope="module")
def market(validators: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    founded, data = validators.founded(), tmp_path_factory.mktemp("market")
    signer, token = validators.administrator("ministry"), validators.token()
    with open_market(data, founded.rpc_urls(), founded.chain_id, signer, token) as opened:
        yield opened


@pytest.fixture
def site(validators: Home, market: Market) -> Iterator[Site]:
    """Orders are in flight; every validator is up again afterwards."""
    founded = validators.founded()
    names = [one.institution for one in founded.nodes]
    urls = dict(zip(names, founded.rpc_urls(), strict=True))
    with Watcher(urls, founded.chain_id, validators.token()) as watcher:
        watcher.wait_above(-1, set(names))
        market.ask(20, 4)
        market.wait_sent(1)
        yield Site(validators, market, watcher)
    release(validators)
    wait_ready(validators)


def test_two_of_five_killed_nothing_is_final_and_nothing_lost(site: Site) -> None:
    down = {"secp", "depository"}
    left = site.everybody - down
    kill(site.home, down)
    site.watcher.settle(left)
    stood = site.watcher.heights()
    site.market.ask(20, 4)
    limit = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < limit:
        site.market.step()
        time.sleep(0.2)
    assert site.watcher.heights() == stood
    began = time.monotonic()
    release(site.home, "secp")
    highest = max(stood.values())
    while max(site.watcher.heights()[name] for name in left) <= highest:
        site.market.step()
        time.sleep(0.05)
        assert time.monotonic() - began < 300
    print(f"goes on {time.monotonic() - began:.1f} s after one of two is started again")
    release(site.home)
    wait_ready(site.home)
    site.market.finish()
    assert site.wrong() == []


def test_all_five_killed_at_once_come_back_with_everything(site: Site) -> None:
    kill(site.home, site.everybody)
    began = time.monotonic()
    release(site.home)
    found = wait_ready(site.home)
    print(f"all healthy {time.monotonic() - began:.1f} s after all five are started again")
    assert found.agree
    site.market.finish()
    assert site.wrong() == []


def test_a_validator_with_an_erased_disk_catches_up(site: Site) -> None:
    hold(site.home, "pvara")
    for name in KEPT:
        shutil.rmtree(site.home.node_folder("pvara") / name)
    site.market.finish()
    began = time.monotonic()
    release(site.home, "pvara")
    found = wait_ready(site.home)
    seconds = time.monotonic() - began
    one = next(one for one in found.nodes if one.institution == "pvara")
    print(f"caught up to block {one.height} in {seconds:.1f} s")
    assert found.agree
    assert one.height == max(other.height or 0 for other in status_of(site.home).nodes)
    assert site.wrong() == []
