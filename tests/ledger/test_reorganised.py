"""A chain without finality replaces blocks: above the depth that is waited for, and below it."""

from __future__ import annotations

import time

import pytest

from amanat.core.errors import Unavailable
from amanat.ledger import tables
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.follower import BlockNotServed
from amanat.ledger.indexer import IndexerStopped
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.registry import REANCHORED, REORGANISED
from amanat.ledger.signers import KeySigner
from amanat.store.tables import journal_entry

from .conftest import ALICE, BOB, CHAIN_ID, PROGRAMME, MakeWorld, World
from .test_agreement import Mirror, mirrors, open_alarms, urls
from .test_recovery import check_once
from .wallets import send

__all__ = ["mirrors"]  # the fixture
CONFIRMATIONS = 2


@pytest.fixture
def world(make_world: MakeWorld, node: EmbeddedNode) -> World:
    """A ledger on a chain that has no finality, with a token; its blocks are made by `settle`."""
    times = DispatchTimes(look_again_s=0.2)
    made = make_world(node.urls, forgets=False, finality=CONFIRMATIONS, times=times)
    with made.work() as uow:
        uow.orders.create("create_token", PROGRAMME, "Token", ["0x" + "00" * 20])
        uow.commit()
    settle(made)
    return made


def settle(world: World) -> None:
    """Let blocks be made until no order is open and nothing that vanished is missing."""
    limit = time.monotonic() + 120
    while True:
        try:
            worked = world.ledger.step()
        except Unavailable:
            worked = False
        if not worked and not world.ledger.dispatcher.pending() and current(world):
            return
        if not worked:
            world.ledger.rpc.call("anvil_mine", "0x1")
            time.sleep(0.01)
        assert time.monotonic() < limit, world.rows(tables.order)


def current(world: World) -> bool:
    missing = world.rows(tables.cursor)[0].forgotten_after is not None
    return world.ledger.indexer.is_current() and not missing


def entries(world: World, kind: str) -> int:
    return world.count(journal_entry, journal_entry.c.kind == kind)


def test_what_vanished_before_it_counted_is_mined_again_and_told_once(world: World) -> None:
    rpc = world.ledger.rpc
    snapshot = rpc.call("evm_snapshot")
    order = world.order("mint", ALICE, 5)
    world.ledger.dispatcher.step()
    world.ledger.indexer.step()
    assert world.look(order).state == "sent"
    (attempt,) = world.rows(tables.attempt, tables.attempt.c.order_id == order)
    assert rpc.call("eth_getTransactionReceipt", attempt.tx_hash) is not None
    rpc.call("evm_revert", snapshot)
    rpc.call("anvil_mine", "0x1")
    assert rpc.call("eth_getTransactionReceipt", attempt.tx_hash) is None
    settle(world)
    check_once(world, [order])
    assert world.look(order).tx_hash == attempt.tx_hash  # the same bytes
    assert entries(world, REORGANISED.name) == entries(world, REANCHORED.name) == 0
    assert world.rows(tables.alarm) == []


def test_what_vanished_after_it_counted_is_sent_again_and_noted(world: World) -> None:
    rpc = world.ledger.rpc
    snapshot = rpc.call("evm_snapshot")
    before = world.ledger.indexer.height()
    order = world.order("mint", ALICE, 5)
    settle(world)
    done = world.look(order)
    assert done.state == "done"
    rpc.call("evm_revert", snapshot)
    rpc.call("anvil_mine", hex(world.ledger.indexer.height() - before + CONFIRMATIONS + 1))
    assert world.ledger.indexer.step()
    assert open_alarms(world) == [("reorganisation", f"chain:{CHAIN_ID}")]
    later = world.order("mint", BOB, 1)
    settle(world)
    check_once(world, [order, later])
    assert world.look(order).block_number != done.block_number
    assert world.look(order).tx_hash == done.tx_hash
    assert open_alarms(world) == []
    assert (entries(world, REORGANISED.name), entries(world, REANCHORED.name)) == (1, 1)


def test_what_cannot_return_as_it_was_stops_the_index(world: World, wallet: KeySigner) -> None:
    rpc = world.ledger.rpc
    token = world.ledger.contracts.address(PROGRAMME, "Token")
    world.order("mint", ALICE, 5)
    settle(world)
    snapshot = rpc.call("evm_snapshot")
    before = world.ledger.indexer.height()
    world.order("burn", ALICE, 5, gas=100_000)
    settle(world)
    rpc.call("evm_revert", snapshot)
    send(world, wallet, token, "burn", ALICE, 5)  # on the other side somebody was before us
    rpc.call("anvil_mine", hex(world.ledger.indexer.height() - before + CONFIRMATIONS + 1))
    with pytest.raises(IndexerStopped, match="would have -5 units"):
        settle(world)
    assert open_alarms(world) == [
        ("reorganisation", f"chain:{CHAIN_ID}"),
        ("ledger_differs", f"chain:{CHAIN_ID}"),
    ]


def test_another_attempt_of_an_order_that_ended_ends_nothing_twice(world: World) -> None:
    """Both attempts have one nonce, so only a chain that was replaced can have the other one."""
    rpc = world.ledger.rpc
    snapshot = rpc.call("evm_snapshot")
    before = world.ledger.indexer.height()
    order = world.order("mint", ALICE, 5, gas=100_000)
    settle(world)
    (attempt,) = world.rows(tables.attempt, tables.attempt.c.order_id == order)
    signed = world.ledger.dispatcher._attempt(
        world.look(order),
        world.ledger.signers.get("operator"),
        attempt.nonce,
        2,
        int(attempt.max_fee) + 1,
        int(attempt.priority_fee),
        attempt.signed_at,
    )
    with world.store.engine.begin() as connection:
        connection.execute(tables.attempt.insert().values(**signed))
    rpc.call("evm_revert", snapshot)
    rpc.call("eth_sendRawTransaction", "0x" + signed["raw"].hex())
    rpc.call("anvil_mine", hex(world.ledger.indexer.height() - before + CONFIRMATIONS + 1))
    with pytest.raises(IndexerStopped, match="ended as"):
        settle(world)
    assert world.count(tables.event, tables.event.c.order_id == order) == 1


@pytest.mark.usefixtures("world")
def test_nodes_that_are_divided_are_waited_for(
    make_world: MakeWorld, mirrors: list[Mirror]
) -> None:
    two = make_world(urls(mirrors[:2]), forgets=False, finality=CONFIRMATIONS)
    settle(two)
    mirrors[1].lies_from = two.ledger.indexer.height() + 1
    two.ledger.rpc.call("anvil_mine", "0x3")
    with pytest.raises(BlockNotServed, match="divided"):
        two.ledger.indexer.step()
    assert {kind for kind, _ in open_alarms(two)} == {"nodes_disagree"}
    assert two.rows(tables.cursor)[0].stopped is None
    mirrors[1].lies_from = None
    settle(two)
    assert open_alarms(two) == []
