"""Validators on machines of their own, parted by cut cables: 4-1, 3-2 and 2-2-1.

280 of 400 votes are needed and each of five has 80 (decision 9), so four of five go on and three do
not.  Whatever happens, no two nodes accept different blocks at one height, and nothing that was
accepted is ever taken back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.network.conftest import PILOT
from tests.network.machines import Machines
from tests.network.market import Market, open_market
from tests.network.watching import Watcher

from amanat.ledger.rpc import RpcClient
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction
from amanat.network.founding import found
from amanat.network.home import Home, find_parts
from amanat.network.lists import WEI_PER_COIN, let_in
from amanat.network.plan import load_plan

pytestmark = [pytest.mark.network, pytest.mark.soak]

WATCHED_SECONDS = 20.0
"""Longer than the turns of three absent proposers, of five seconds each."""
POLLS_END_SECONDS = 15.0
"""Longer than nodes wait for a vote (`network-maximum-timeout`, ten seconds): polls that had a
quorum's votes when the cable was cut are only then concluded, and their block accepted."""
MINISTRY, BANK, PVARA, SECP, DEPOSITORY = (
    "ministry",
    "central_bank",
    "pvara",
    "secp",
    "depository",
)


@dataclass(frozen=True, slots=True)
class Site:
    """The machines, a market on them, who watches, and somebody who pays the same coin twice."""

    machines: Machines
    market: Market
    watcher: Watcher
    spender: KeySigner

    def spend_once_in_each(self, parts: tuple[tuple[str, ...], ...]) -> list[str]:
        """One nonce, spent otherwise in each part: the hashes of the rival transactions."""
        first = self.watcher.client(parts[0][0])
        nonce = int(first.call("eth_getTransactionCount", self.spender.address, "latest"), 16)
        rivals = []
        for part in parts:
            signed = self.spender.sign_transaction(
                ChainTransaction(
                    self.machines.chain_id,
                    nonce,
                    KeySigner.generate().address,
                    b"",
                    50_000,
                    10**9,
                    1,
                )
            )
            client = self.watcher.client(part[0])
            client.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
            rivals.append(signed.hash)
        return rivals

    def accepted(self, rivals: list[str]) -> dict[str, set[str]]:
        """Which of these transactions each node has accepted."""
        return {
            name: {
                one
                for one in rivals
                if self.watcher.client(name).call("eth_getTransactionReceipt", one) is not None
            }
            for name in self.machines.machines
        }

    def wrong(self) -> list[str]:
        """Where history is not one, and what is lost or doubled."""
        return [*self.watcher.disagreements(), *self.watcher.forgotten(), *self.market.wrong()]


def wait_healthy(watcher: Watcher, within_s: float = 300.0) -> None:
    """Until every node serves the ledger's chain, on which nothing was sent yet."""
    limit = time.monotonic() + within_s
    while min(watcher.heights().values()) < 0:
        assert time.monotonic() < limit, watcher.heights()
        time.sleep(0.5)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("machines")
    home, parts = Home(folder / "home"), find_parts()
    found(home, load_plan(PILOT), parts, lambda _: None)
    ministry, spender = home.administrator(MINISTRY), KeySigner.generate()
    with Machines(home, parts) as machines:
        machines.move_in()
        machines.start(machines.machines)
        urls = machines.urls()
        with Watcher(urls, machines.chain_id) as watcher:
            wait_healthy(watcher)
            rpc = RpcClient(list(urls.values()), chain_id=machines.chain_id)
            let_in(rpc, ministry, spender.address, wei=WEI_PER_COIN)
            rpc.close()
            with open_market(
                folder / "data", list(urls.values()), machines.chain_id, ministry
            ) as market:
                yield Site(machines, market, watcher, spender)


def test_four_go_on_without_the_one_that_is_asked_first(site: Site) -> None:
    """The installation asks the ministry's node first, which is the one that is cut off."""
    watcher, market = site.watcher, site.market
    four = {BANK, PVARA, SECP, DEPOSITORY}
    market.ask(20, 4)
    market.wait_sent(1)
    site.machines.cut((MINISTRY,), tuple(four))
    watcher.settle({MINISTRY}, quiet_s=POLLS_END_SECONDS, within_s=120.0)
    stood = watcher.heights()[MINISTRY]
    market.ask(20, 4)
    began = time.monotonic()
    market.finish()
    print(f"4-1: all orders final {time.monotonic() - began:.1f} s later, with four")
    highest = max(watcher.heights().values())
    assert highest > stood
    assert watcher.heights()[MINISTRY] == stood
    site.machines.heal()
    seconds = watcher.wait_above(highest - 1, {MINISTRY})
    print(f"4-1: the one has caught up {seconds:.1f} s after the cable is mended")
    assert site.wrong() == []


@pytest.mark.parametrize(
    "parts",
    [
        ((MINISTRY, BANK, PVARA), (SECP, DEPOSITORY)),
        ((MINISTRY, BANK), (PVARA, SECP), (DEPOSITORY,)),
    ],
    ids=["3-2", "2-2-1"],
)
def test_no_part_without_a_quorum_accepts_anything(
    site: Site, parts: tuple[tuple[str, ...], ...], request: pytest.FixtureRequest
) -> None:
    watcher, market, everybody = site.watcher, site.market, set(site.machines.machines)
    market.ask(20, 4)
    market.wait_sent(1)
    site.machines.cut(*parts)
    watcher.settle(everybody, quiet_s=POLLS_END_SECONDS, within_s=120.0)
    stood = watcher.heights()
    rivals = site.spend_once_in_each(parts)
    market.ask(20, 4)
    limit = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < limit:
        market.step()
        time.sleep(0.2)
    assert watcher.heights() == stood
    assert site.accepted(rivals) == {name: set() for name in everybody}
    site.machines.heal()
    seconds = watcher.wait_above(max(stood.values()), everybody)
    began = time.monotonic()
    market.finish()
    name = request.node.callspec.id
    print(
        f"{name}: nothing final for {WATCHED_SECONDS:.0f} s; the first block {seconds:.1f} s after"
        f" the cables are mended, all orders {time.monotonic() - began:.1f} s later"
    )
    chosen = site.accepted(rivals)
    assert len(chosen[MINISTRY]) == 1
    assert all(one == chosen[MINISTRY] for one in chosen.values())
    assert site.wrong() == []
