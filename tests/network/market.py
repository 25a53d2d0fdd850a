"""Money and trades that are ordered while validators fail, and the laws of their end.

Each order is asked for once; what the contracts hold at the end is computed beforehand from what
was asked.  An order that was lost leaves too little, one that was carried out twice too much.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import sqlalchemy as sql
from tests.programme.world import CODE, found_world
from tests.settlement.trading import BOND_ISIN, MILLION, Trading

from amanat.app import Application
from amanat.core.errors import Unavailable
from amanat.ledger.rpc import NodeToken, RpcClient
from amanat.ledger.signers import Signer
from amanat.ledger.tables import alarm, order
from amanat.network.lists import SENDERS, WEI_PER_COIN, appoint, let_in
from amanat.settings import Settings
from amanat.settlement.commands import CreateCash, SettleDay

FUNDED = ("bank_a.own", "bank_b.own", "fund_c.own")
BUYERS = ("bank_a.own", "bank_b.own")
SELLER = "ministry.distribution"
LOT = 100_000


@dataclass
class Market:
    """A programme on a network, what was asked of it since it was opened, and what must come."""

    trading: Trading
    cash: dict[str, int] = field(default_factory=dict)
    bonds: dict[str, int] = field(default_factory=dict)
    trades: list[str] = field(default_factory=list)
    created: int = 0
    done_before: Counter[str] = field(default_factory=Counter)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        names = {*FUNDED, *BUYERS, SELLER}
        self.cash = {name: self.trading.cash(name) for name in names}
        self.bonds = {name: self.trading.holds(BOND_ISIN, name) for name in names}
        self.done_before = self.orders()["done"]

    @property
    def app(self) -> Application:
        """The application that orders."""
        return self.trading.app

    def ask(self, money: int, trades: int = 0) -> None:
        """Order so many creations of cash and trades, and the trades' settling; sends nothing."""
        for number, name in itertools.islice(zip(self.numbers, itertools.cycle(FUNDED)), money):
            amount = 1_000 + number
            command = CreateCash(
                account=self.trading.at(name),
                amount_paisa=amount,
                rtgs_reference=f"RTGS-drill-{number}",
            )
            self.trading.do("central_bank", command, pump=False)
            self.cash[name] += amount
            self.created += 1
        for number, name in itertools.islice(zip(self.numbers, itertools.cycle(BUYERS)), trades):
            paisa = MILLION + number
            self.trades.append(self.trading.match(SELLER, name, nominal=LOT, paisa=paisa))
            self.cash[name] -= paisa
            self.cash[SELLER] += paisa
            self.bonds[name] += LOT
            self.bonds[SELLER] -= LOT
        if trades:
            self.trading.do("central_bank", SettleDay(), pump=False)

    def orders(self) -> dict[str, Counter[str]]:
        """How many orders of each kind are in each state."""
        found: dict[str, Counter[str]] = {
            name: Counter() for name in ("requested", "signed", "sent", "done", "refused")
        }
        query = sql.select(order.c.state, order.c.kind, sql.func.count()).group_by(
            order.c.state, order.c.kind
        )
        with self.app.store.reading() as connection:
            for state, kind, count in connection.execute(query):
                found[state][kind] = count
        return found

    def wait_sent(self, least: int, within_s: float = 120.0) -> int:
        """Go round until so many orders are sent and not yet done; how many are."""
        limit = time.monotonic() + within_s
        while True:
            self.app.ledger.step()
            sent = self.orders()["sent"].total()
            if sent >= least:
                return sent
            assert time.monotonic() < limit, f"only {sent} orders are in flight"

    def step(self) -> None:
        """One round, whether or not a node answers."""
        with suppress(Unavailable):
            self.app.ledger.step()

    def finish(self, within_s: float = 600.0) -> None:
        """Let everything that was asked be carried out."""
        self.app.pump(within_s)

    def wrong(self) -> list[str]:
        """What is lost or doubled, where contracts, index and journal differ, standing alarms."""
        orders = self.orders()
        told = [f"{name}: {orders[name]}" for name in orders if name != "done" and orders[name]]
        done = orders["done"] - self.done_before
        if done["create_cash"] != self.created:
            told.append(f"{done['create_cash']} creations of cash, not {self.created}")
        for name, paisa in self.cash.items():
            if (found := self.trading.cash(name)) != paisa:
                told.append(f"{name} has {found} paisa, not {paisa}")
        for name, units in self.bonds.items():
            if (found := self.trading.holds(BOND_ISIN, name)) != units:
                told.append(f"{name} holds {found}, not {units}")
        for one in self.trades:
            if (state := self.trading.instruction(one)["state"]) != "settled":
                told.append(f"instruction {one} is {state}")
        told += [str(one) for one in self.app.ledger.check()]
        return told + self.alarms()

    def alarms(self) -> list[str]:
        """Alarms that nothing has settled, but for orders that took long, as they did."""
        query = sql.select(alarm.c.kind, alarm.c.detail).where(alarm.c.settled_at.is_(None))
        with self.app.store.reading() as connection:
            found = connection.execute(query).all()
        return [f"alarm {row.kind}: {row.detail}" for row in found if row.kind != "order_overdue"]


@contextmanager
def open_market(
    folder: Path,
    urls: Sequence[str],
    chain_id: int,
    administrator: Signer,
    token: NodeToken | None = None,
) -> Iterator[Market]:
    """A market on the nodes of these URLs, whose chain keeps its list of senders by `Eligibility`.

    Issued, funded, and everything done before it is handed out.
    """
    settings = replace(
        Settings.at(folder, light_keys=True),
        node_urls=tuple(urls),
        nodes_token_file=token.file if token else None,
        chain_id=chain_id,
        finality="finalized",
    )
    application = Application(settings)
    rpc = RpcClient(urls, chain_id=chain_id, token=token)
    for address in {*application.senders.values(), application.reserve}:
        let_in(rpc, administrator, address, deploys=True, wei=10**9 * WEI_PER_COIN)
    with application:
        world = found_world(application, sender_list=SENDERS)
        appoint(rpc, administrator, application.gateway(CODE).address("Eligibility"))
        rpc.close()
        yield Market(Trading(world).prepare())
