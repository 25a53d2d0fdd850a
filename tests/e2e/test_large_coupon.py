"""A coupon to 10, 500 and, in the soak, 20,000 holders, killed in the middle, is paid once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from amanat.app import Application
from amanat.ledger.typed_data import CHUNK
from amanat.ledger.wire import keccak
from amanat.participants.commands import SetLevel
from amanat.participants.model import Level
from amanat.servicing.commands import PayChunk, RetryEscrow
from amanat.servicing.tables import entitlement, payment
from amanat.settings import Settings
from amanat.store.engine import open_engine
from amanat.store.tables import journal_entry

from ..programme.world import CODE
from .coupon_world import (
    COUPONS,
    KEPT_BY_BANK_B,
    Client,
    CouponWorld,
    clients_numbered,
    coupon_of,
    net_paisa,
)

ROOT = Path(__file__).parents[2]
PAID = "0x" + keccak(b"EntitlementPaid(uint256,address,uint256,uint256,uint256,uint256)").hex()
# By the terms on 20 February and 20 August; what falls on a weekend is paid on the Monday.
PAID_ON = (date(2021, 8, 20), date(2022, 2, 21), date(2022, 8, 22), date(2023, 2, 20))


@dataclass
class Scene:
    """One installation, opened and closed again and again; what its clients must have by now."""

    settings: Settings
    clients: list[Client]
    accounts: dict[str, str]
    coupons_paid: int = 0

    @contextmanager
    def opened(self) -> Iterator[CouponWorld]:
        """The application, started; the node forgets and recalls what it may."""
        with Application(self.settings) as app:
            app.pump(300)
            world = CouponWorld(app, self.clients)
            world.world.accounts.update(self.accounts)
            yield world

    def pay_and_kill(
        self, identifier: str, chunks: int, *kills: tuple[str, str, int]
    ) -> tuple[int, list[Any]]:
        """Let another process pay, and kill it or its node; its exit code, and what it noted."""
        notes = self.settings.data_dir / "notes.json"
        notes.unlink(missing_ok=True)
        wanted = [{"victim": victim, "point": point, "at": at} for victim, point, at in kills]
        command = [sys.executable, "-m", f"{__package__}.coupon_payer"]
        command += [str(self.settings.data_dir), self.settings.database_url, identifier]
        done = subprocess.run(
            [*command, str(chunks), str(notes), json.dumps(wanted)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=400,
        )  # fmt: skip
        assert notes.exists(), (done.returncode, done.stderr[-3000:])
        noted = json.loads(notes.read_text())
        assert [one["victim"] for one in noted] == [one["victim"] for one in wanted], done.stderr
        return done.returncode, noted

    def read(self, identifier: str) -> tuple[str, int, Counter[str]]:
        """State, chunks and lines by their state, from the database alone."""
        engine = open_engine(self.settings.database_url)
        with engine.connect() as connection:
            row = connection.execute(sql.select(payment).where(payment.c.id == identifier)).one()
            lines = connection.execute(
                sql.select(entitlement.c.state).where(entitlement.c.payment == identifier)
            ).scalars()
            found = row.state, row.chunks_paid, Counter(lines)
        engine.dispose()
        return found


def prepare(folder: Path, database_url: str, holders: int) -> Scene:
    """Holders with their bonds; the last of them is a bank that may not receive."""
    settings = Settings.at(folder / "installation", light_keys=True)
    settings = replace(settings, database_url=database_url)
    clients = clients_numbered(holders - 1)
    with Application(settings) as app:
        world = CouponWorld(app, clients).prepare()
        freeze = SetLevel(participant="bank_b", level=Level.FROZEN, reason="court order")
        world.do("central_bank", freeze, pump=True)
        return Scene(settings, clients, dict(world.world.accounts))


# -- what must be true afterwards -----------------------------------------------------------------


def word(address: str) -> str:
    """An address as an argument of a call."""
    return address[2:].rjust(64, "0")


def cash_of(world: CouponWorld, addresses: list[str]) -> dict[str, int]:
    """Paisa of each account, by the contract itself."""
    token = world.app.gateway(CODE).address("Cash")
    selector = "0x" + keccak(b"balanceOf(address)")[:4].hex()
    calls: list[Any] = [
        ("eth_call", ({"to": token, "data": selector + word(one)}, "latest")) for one in addresses
    ]
    answers = world.app.ledger.rpc.batch(calls)
    return {one: int(answer, 16) for one, answer in zip(addresses, answers, strict=True)}


def paid_on_the_chain(world: CouponWorld, run: int) -> list[tuple[str, int, int, int, int]]:
    """Holder, index, nominal, gross, tax of each payment of a run, from the node's own logs."""
    wanted = {
        "fromBlock": "0x0",
        "address": world.app.gateway(CODE).address("Payments"),
        "topics": [PAID, "0x" + f"{run:064x}"],
    }
    found = []
    for log in world.app.ledger.rpc.call("eth_getLogs", wanted):
        content = log["data"][2:]
        values = [int(content[at : at + 64], 16) for at in range(0, len(content), 64)]
        found.append(("0x" + log["topics"][2][-40:], *values))
    return found  # type: ignore[return-value]


def paid_in_the_journal(world: CouponWorld, run: int) -> Counter[int]:
    """How often the journal says that each line of a run was paid."""
    found: Counter[int] = Counter()
    with world.app.store.reading() as connection:
        for entry in connection.execute(sql.select(journal_entry.c.entry)).scalars():
            if b'"EntitlementPaid"' in entry:
                told = json.loads(entry)["content"]["arguments"]
                if int(told["run"]) == run:
                    found[int(told["index"])] += 1
    return found


def check_paid_once(scene: Scene, world: CouponWorld, identifier: str) -> None:
    """Every client has this coupon once to the paisa, and the bank's is in escrow."""
    scene.coupons_paid += 1
    shown = world.world.view("payment", payment=identifier)
    kept = coupon_of(KEPT_BY_BANK_B)
    tax = sum(one.tax_paisa for one in scene.clients)
    assert (shown["state"], shown["funded_paisa"]) == ("paid", world.gross_paisa)
    assert (shown["escrow_paisa"], shown["tax_paid_paisa"]) == (kept, tax)
    assert shown["paid_paisa"] == sum(net_paisa(scene.clients).values())
    assert shown["paid_paisa"] + shown["tax_paid_paisa"] + kept == shown["funded_paisa"]
    # The chain paid each line once, and the journal says so once.
    paid = paid_on_the_chain(world, shown["number"])
    expected = {one.address: (one.nominal, one.gross_paisa, one.tax_paisa) for one in scene.clients}
    assert len(paid) == len(expected)
    assert {holder: rest for holder, _, *rest in paid} == {
        holder: list(values) for holder, values in expected.items()
    }
    assert paid_in_the_journal(world, shown["number"]) == Counter(index for _, index, *_ in paid)
    check_cash(scene, world, kept, tax)
    assert world.app.ledger.check() == []


def check_cash(scene: Scene, world: CouponWorld, kept: int, tax: int) -> None:
    """Cash in is cash out: what was created is with clients, taxes, escrow and the issuer."""
    coupons = scene.coupons_paid
    nets = net_paisa(scene.clients)
    assert cash_of(world, list(nets)) == {one: coupons * net for one, net in nets.items()}
    gateway = world.app.gateway(CODE)
    others = {
        scene.accounts["ministry.treasury"]: 0,
        scene.accounts["ministry.tax"]: coupons * tax,
        scene.accounts["ministry.distribution"]: 200,
        scene.accounts["bank_a.own"]: 0,
        scene.accounts["bank_b.own"]: 0,
        gateway.address("Payments"): coupons * kept,
    }
    assert cash_of(world, list(others)) == others
    created = coupons * world.gross_paisa + 200
    assert gateway.call("Cash", "totalSupply") == created
    assert sum(nets.values()) * coupons + sum(others.values()) == created


def check_that_again_pays_nobody(world: CouponWorld, identifier: str) -> None:
    """Every chunk sent once more has no effect."""
    before = world.world.view("payment", payment=identifier)
    chunks = -(-before["holders"] // CHUNK)
    for chunk in {0, chunks - 1}:
        world.do("central_bank", PayChunk(payment=identifier, chunk=chunk), pump=True)
    assert world.world.view("payment", payment=identifier) == before


def pay_out_of_escrow(scene: Scene, world: CouponWorld, *identifiers: str) -> None:
    """The order is lifted: what stayed in escrow is paid, and every payment is complete."""
    lift = SetLevel(participant="bank_b", level=Level.ACTIVE, reason="lifted")
    world.do("central_bank", lift, pump=True)
    for one in identifiers:
        world.do("central_bank", RetryEscrow(payment=one), pump=True)
        world.do("central_bank", RetryEscrow(payment=one), pump=True)
        shown = world.world.view("payment", payment=one)
        assert (shown["state"], shown["escrow_paisa"]) == ("complete", 0)
        assert shown["paid_paisa"] + shown["tax_paid_paisa"] == shown["funded_paisa"]
    account = scene.accounts["bank_b.own"]
    gross = coupon_of(KEPT_BY_BANK_B)
    tax = gross * 15 // 100  # 777,777 of face pay 2,722,219.5 paisa: rounded up, then 15%
    assert gross == 2_722_220
    assert cash_of(world, [account])[account] == len(identifiers) * (gross - tax)
    assert cash_of(world, [world.app.gateway(CODE).address("Payments")]).popitem()[1] == 0
    assert world.app.ledger.check() == []


# -- the tests ------------------------------------------------------------------------------------


def test_a_coupon_to_10_holders_killed_at_each_point_is_paid_once(
    tmp_path: Path, database_url: str
) -> None:
    """Ten holders are one chunk: it is killed before, while and after it goes through."""
    kills = (
        ("application", "before sending", 0, (0, 0)),
        ("application", "after mining", 1, (1, 0)),
        ("application", "before the indexer commits", 0, (1, 0)),
        ("node", "after mining", 1, (1, 0)),
    )
    scene = prepare(tmp_path, database_url, 10)
    paid: list[str] = []
    for due, day, (victim, point, at, found) in zip(COUPONS, PAID_ON, kills, strict=True):
        with scene.opened() as world:
            if paid:
                check_paid_once(scene, world, paid[-1])
            identifier = world.fund_coupon(due, day)
        code, (noted,) = scene.pay_and_kill(identifier, 1, (victim, point, at))
        # On the chain it was paid or not; the index, which decides what is done next, knew nothing.
        assert (noted["chunks_on_the_chain"], noted["lines_paid_in_the_index"]) == found
        if victim == "application":
            assert code == -signal.SIGKILL
            assert scene.read(identifier) == ("funded", 0, Counter(due=10))
        else:
            assert code == 0
            assert scene.read(identifier) == ("paid", 1, Counter(paid=9, escrow=1))
        paid.append(identifier)
    with scene.opened() as world:
        check_paid_once(scene, world, paid[-1])
        check_that_again_pays_nobody(world, paid[-1])
        pay_out_of_escrow(scene, world, *paid)


def kill_a_large_coupon(folder: Path, database_url: str, holders: int) -> None:
    """Asked for in five rounds: in the second the node dies, in the third the application.

    The node dies with what it has mined, the application (and its node) while it books it.
    """
    scene = prepare(folder, database_url, holders)
    with scene.opened() as world:
        identifier = world.fund_coupon(COUPONS[0], PAID_ON[0])
    chunks = -(-holders // CHUNK)
    part = -(-chunks // 5)
    code, noted = scene.pay_and_kill(
        identifier,
        part,
        ("node", "after mining", part + 1),
        ("application", "before the indexer commits", 2 * part + 1),
    )
    assert code == -signal.SIGKILL
    assert [one["chunks_on_the_chain"] for one in noted] == [2 * part, 3 * part]
    assert 3 * part < chunks
    paid = [one["lines_paid_in_the_index"] for one in noted]
    state, chunks_paid, lines = scene.read(identifier)
    assert (state, chunks_paid) == ("funded", 2 * part)
    assert lines["due"] == holders - 2 * part * CHUNK
    assert lines["paid"] + lines["escrow"] == 2 * part * CHUNK
    assert part * CHUNK - 1 <= paid[0] < lines["paid"]
    with scene.opened() as world:
        assert scene.read(identifier)[1] == 3 * part
        world.do("central_bank", PayChunk(payment=identifier), pump=True)
        check_paid_once(scene, world, identifier)
        check_that_again_pays_nobody(world, identifier)
        pay_out_of_escrow(scene, world, identifier)


@pytest.mark.soak
def test_a_coupon_to_20_000_holders_killed_in_the_middle_is_paid_once(
    tmp_path: Path, sqlite_url: str
) -> None:
    kill_a_large_coupon(tmp_path, sqlite_url, 20_000)


def test_a_coupon_to_500_holders_killed_in_the_middle_is_paid_once(
    tmp_path: Path, postgres_url: str
) -> None:
    kill_a_large_coupon(tmp_path, postgres_url, 500)


@pytest.mark.soak
def test_a_coupon_to_20_000_holders_on_postgresql_is_paid_once(
    tmp_path: Path, postgres_url: str
) -> None:
    kill_a_large_coupon(tmp_path, postgres_url, 20_000)
