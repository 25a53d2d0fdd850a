"""The ledger on a network without finality: geth with Clique, seven signers on loopback.

Such a network goes on while more than half of its signers reach each other.  Those who are parted
from them still make as many blocks as they are, which vanish when all are joined again.  Here that
is provoked, with the installation on the losing side: once with blocks that did not yet count, once
with blocks that did.  (Seven, because a side of exactly the least number that goes on may stand
still: where two of them sign at once, nobody is left who may sign next.  Seen here with 3 of 5.)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from tests.network.clique import CHAIN_ID, Clique, Signer
from tests.network.conftest import PILOT
from tests.network.market import Market
from tests.network.test_pilot_on_validators import differences, ended, played
from tests.programme.world import CODE, found_world
from tests.settlement.trading import Trading

from amanat.app import Application
from amanat.cli.pilots import play, prepare
from amanat.ledger import tables
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.evm import EvmTooOld, evm_of, tells_finality
from amanat.ledger.evms import CANCUN, LONDON
from amanat.ledger.registry import EVENT_ENTRIES, REANCHORED, REORGANISED
from amanat.ledger.rpc import CallReverted
from amanat.ledger.wire import ChainTransaction
from amanat.operating.doctor.examination import examine
from amanat.operating.doctor.findings import Finding, Verdict
from amanat.replay.loading import load_pilot
from amanat.settings import Settings
from amanat.store.tables import journal_entry

pytestmark = [pytest.mark.network, pytest.mark.timeout(3600)]

SIGNERS = 7
LOSERS = {0, 1}
"""Who is parted from the others: too few to go on, and the first is the installation's node."""
CONFIRMATIONS = len(LOSERS) + 1


@pytest.fixture(scope="module")
def clique(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clique]:
    network = Clique(tmp_path_factory.mktemp("clique"), SIGNERS)
    try:
        network.start()
        yield network
    finally:
        network.stop()


def settings_on(clique: Clique, folder: Path, finality: int) -> Settings:
    return replace(
        Settings.at(folder, light_keys=True),
        node_urls=(clique.signers[0].url,),
        chain_id=CHAIN_ID,
        finality=finality,
        evm=LONDON,
    )


@contextmanager
def installed(clique: Clique, folder: Path, finality: int) -> Iterator[Application]:
    application = Application(settings_on(clique, folder, finality))
    clique.fund(*application.senders.values(), application.reserve)
    with application:
        yield application


@contextmanager
def open_market(clique: Clique, folder: Path, finality: int) -> Iterator[Market]:
    with installed(clique, folder, finality) as application:
        yield Market(Trading(found_world(application)).prepare())


def transactions_of(market: Market, before: int) -> list[Any]:
    """Every signed attempt of the orders after the first `before` ones."""
    query = (
        sql.select(tables.attempt)
        .join(tables.order, tables.order.c.id == tables.attempt.c.order_id)
        .where(tables.order.c.sequence > before)
    )
    with market.app.store.reading() as connection:
        return list(connection.execute(query))


def last_sequence(market: Market) -> int:
    with market.app.store.reading() as connection:
        query = sql.select(sql.func.max(tables.order.c.sequence))
        return int(connection.execute(query).scalar_one())


def send_all(market: Market) -> None:
    """Go round until everything that was asked is sent, and nothing of it done."""
    limit = time.monotonic() + 120
    while (orders := market.orders())["requested"] or orders["signed"]:
        market.step()
        assert time.monotonic() < limit, orders


def pay_directly(clique: Clique, market: Market, by: str, to: str, paisa: int) -> None:
    """A wallet's own transfer of cash, on the side that wins; waits until it is in a block."""
    gateway = market.app.gateway(CODE)
    wallet = market.app.keys.signer(market.trading.at(by))
    rpc = clique.signers[-1].rpc
    call = gateway.encode("Cash", "transfer", market.trading.at(to), paisa)
    nonce = int(rpc.call("eth_getTransactionCount", wallet.address, "latest"), 16)
    made = ChainTransaction(CHAIN_ID, nonce, gateway.address("Cash"), call, 300_000, 10**10, 10**9)
    signed = wallet.sign_transaction(made)
    rpc.call("eth_sendRawTransaction", "0x" + signed.raw.hex())
    clique.wait(lambda: receipt(clique.signers[-1], signed.hash) is not None, "paid")
    assert receipt(clique.signers[-1], signed.hash)["status"] == "0x1"
    assert receipt(clique.signers[0], signed.hash) is None
    market.cash[by] -= paisa
    market.cash[to] += paisa


def receipt(signer: Signer, tx_hash: str) -> Any:
    return signer.rpc.call("eth_getTransactionReceipt", tx_hash)


def make_losing_blocks(clique: Clique, hashes: list[str]) -> dict[str, str]:
    """Let the losers put these into their last blocks; the hash of each one's block."""
    first, *others = [clique.signers[number] for number in sorted(LOSERS)]
    asked = [("eth_getTransactionByHash", (each,)) for each in hashes]
    clique.wait(lambda: all(all(one.rpc.batch(asked)) for one in others), "known to the losers")
    height = first.rpc.block_number()
    clique.release(LOSERS)
    clique.wait(lambda: first.rpc.block_number() == height + len(LOSERS), "out of losers' blocks")
    found = {one: receipt(first, one) for one in hashes}
    assert all(one is not None and one["status"] == "0x1" for one in found.values()), found
    return {tx_hash: one["blockHash"] for tx_hash, one in found.items()}


def heal(clique: Clique, vanishing: set[str]) -> float:
    """Join all signers; seconds until the first one's blocks are gone."""
    rpc = clique.signers[0].rpc
    heights = {
        one: int(rpc.call("eth_getBlockByHash", one, False)["number"], 16) for one in vanishing
    }
    began = time.monotonic()
    clique.join()
    clique.wait(
        lambda: all(
            (clique.signers[0].block(at) or {}).get("hash") != one for one, at in heights.items()
        ),
        "rid of the losing blocks",
    )
    return time.monotonic() - began


def kinds(market: Market) -> Counter[str]:
    with market.app.store.reading() as connection:
        return Counter(connection.execute(sql.select(journal_entry.c.kind)).scalars())


def told_of_reorganisations(market: Market) -> int:
    table = tables.alarm
    query = sql.select(sql.func.count()).where(table.c.kind == "reorganisation")
    with market.app.store.reading() as connection:
        return int(connection.execute(query).scalar_one())


def check_true(clique: Clique, market: Market, before: int) -> None:
    """Each order was carried out once, by one nonce and call, and all records agree."""
    assert market.app.ledger.check() == []
    assert market.alarms() == []
    nonces: dict[str, set[int]] = {}
    for one in transactions_of(market, before):
        nonces.setdefault(one.order_id, set()).add(one.nonce)
    assert all(len(each) == 1 for each in nonces.values())
    table = tables.order
    query = sql.select(table).where(table.c.sequence > before, table.c.tx_hash.is_not(None))
    with market.app.store.reading() as connection:
        rows = list(connection.execute(query))
        events = sql.select(sql.func.count()).select_from(tables.event)
        event_count = connection.execute(events).scalar_one()
    assert len(rows) == len(nonces)
    for row in rows:
        for signer in clique.signers:
            seen = signer.rpc.call("eth_getTransactionByHash", row.tx_hash)
            assert int(seen["nonce"], 16) == row.nonce
            assert bytes.fromhex(seen["input"][2:]) == row.call_bytes
            assert int(seen["blockNumber"], 16) == row.block_number
    told = kinds(market)
    assert sum(told[kind] for kind in EVENT_ENTRIES) == event_count


def test_the_chain_stops_at_london_and_has_no_finality(clique: Clique, tmp_path: Path) -> None:
    rpc = clique.signers[0].rpc
    assert evm_of(rpc) == LONDON
    assert not tells_finality(rpc)
    faults = {}
    for one in (CANCUN, LONDON):
        code = Artifacts.load(one).get("BusinessDay").creation(["0x" + "11" * 20, 18_000])
        faults[one] = rpc.batch([("eth_call", ({"data": "0x" + code.hex()}, "latest"))])[0]
    # The one cannot run; the other asks a Directory that is not there, and says no.
    assert "invalid opcode" in str(faults[CANCUN])
    assert isinstance(faults[LONDON], CallReverted)
    wrong = replace(settings_on(clique, tmp_path, 3), evm=CANCUN)
    with Application(wrong) as application, pytest.raises(EvmTooOld, match="AMANAT_EVM"):
        application.pump()


def test_the_doctor_explains_what_does_not_fit_the_chain(clique: Clique, tmp_path: Path) -> None:
    with Application(settings_on(clique, tmp_path, 3)):
        pass
    environment = {"AMANAT_NODES": clique.signers[0].url, "AMANAT_CHAIN_ID": str(CHAIN_ID)}

    def found(**settings: str) -> dict[str, Finding]:
        named = {f"AMANAT_{name.upper()}": value for name, value in settings.items()}
        told = examine(tmp_path, environment | {"AMANAT_DATA": str(tmp_path)} | named)
        return {one.check: one for one in told if one.check in ("evm", "finality")}

    right = found(evm=LONDON, finality="3")
    assert {one.verdict for one in right.values()} == {Verdict.WELL}
    wrong = found(evm=CANCUN, finality="finalized")
    assert {one.verdict for one in wrong.values()} == {Verdict.WRONG}
    assert "Set AMANAT_EVM to london" in wrong["evm"].mend
    assert "Set AMANAT_FINALITY to a number" in wrong["finality"].mend


def test_blocks_that_did_not_count_yet_vanish_without_a_trace(
    clique: Clique, tmp_path: Path
) -> None:
    """On the other side a buyer spends its money first: its trade fails, whatever was seen here."""
    with open_market(clique, tmp_path / "data", CONFIRMATIONS) as market:
        before = last_sequence(market)
        spent = market.trading.cash("bank_a.own")
        clique.fund(market.trading.at("bank_a.own"))
        clique.hold(LOSERS)
        clique.part(LOSERS)
        market.ask(money=0, trades=2)
        market.ask(money=6)
        send_all(market)
        pay_directly(clique, market, "bank_a.own", "fund_c.own", spent)
        signed = [one.tx_hash for one in transactions_of(market, before)]
        lost = make_losing_blocks(clique, signed)
        seen = market.orders()
        market.step()
        market.step()
        assert market.orders() == seen  # in blocks, and nothing done
        seconds = heal(clique, set(lost.values()))
        market.finish()
        failed, settled = market.trades
        assert market.trading.instruction(settled)["state"] == "settled"
        assert market.trading.instruction(failed)["state"] != "settled"
        assert market.trading.cash("bank_a.own") < spent // 1_000  # what was created alone
        check_true(clique, market, before)
        assert kinds(market)[REORGANISED.name] == told_of_reorganisations(market) == 0
        print(f"{len(signed)} transactions in blocks that vanished {seconds:.1f} s after joining")


def test_blocks_that_counted_are_taken_back_and_noted(clique: Clique, tmp_path: Path) -> None:
    """One confirmation is too little for seven signers: what counted vanishes, and returns."""
    with open_market(clique, tmp_path / "data", 1) as market:
        before = last_sequence(market)
        noted = kinds(market)
        clique.fund(market.trading.at("fund_c.own"))
        clique.hold(LOSERS)
        clique.part(LOSERS)
        market.ask(money=6)
        send_all(market)
        pay_directly(clique, market, "fund_c.own", "bank_b.own", 777)
        signed = [one.tx_hash for one in transactions_of(market, before)]
        lost = make_losing_blocks(clique, signed)
        market.finish()
        assert market.orders()["done"]["create_cash"] - market.done_before["create_cash"] == 6
        heal(clique, set(lost.values()))
        began = time.monotonic()
        market.finish()
        seconds = time.monotonic() - began
        assert market.wrong() == []
        check_true(clique, market, before)
        now = kinds(market)
        assert now[REORGANISED.name] > noted[REORGANISED.name]
        assert now[REANCHORED.name] > noted[REANCHORED.name]
        assert told_of_reorganisations(market) >= 1
        print(f"{len(signed)} transactions that counted were back after {seconds:.1f} s")


def test_the_signers_come_to_one_history(clique: Clique) -> None:
    height = clique.signers[0].rpc.block_number() - CONFIRMATIONS
    clique.wait(lambda: clique.agree_on(height) is not None, "of one history")


def test_the_pilot_ends_the_same_without_finality(tmp_path: Path) -> None:
    """On four signers, of which any two that are parted make two blocks."""
    expected = played(tmp_path / "embedded", None)
    pilot = load_pilot(PILOT)
    # Bids take effect some blocks later here, and must do so before the books close.
    patient = replace(pilot.programme, bidding_window_seconds=40)
    pilot = replace(pilot, programme=patient)
    data = tmp_path / "data"
    prepare(data, resume=False)
    four = Clique(tmp_path / "clique", 4)
    try:
        four.start()
        began = time.monotonic()
        with installed(four, data, CONFIRMATIONS) as application:
            play(application, pilot, None, None)
            found = ended(application, pilot.programme.code)
        print(f"the pilot took {time.monotonic() - began:.0f} s")
    finally:
        four.stop()
    assert differences(found, expected) == []
    assert found["digest"] == expected["digest"]
