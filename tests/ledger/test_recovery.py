"""The node is killed, forgets, comes back; the chain is reorganised; the index must stay true."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest
import sqlalchemy as sql

from amanat.ledger import tables
from amanat.ledger.balances import balance_at, balances_at
from amanat.ledger.indexer import IndexerStopped
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.orders import OrderRequest
from amanat.ledger.registry import EVENT_ENTRIES, REANCHORED, LedgerEvent
from amanat.ledger.signers import KeySigner
from amanat.store.tables import journal_entry
from amanat.store.uow import UnitOfWork

from .conftest import ALICE, BOB, PROGRAMME, MakeWorld, World
from .wallets import send


def kill(node: EmbeddedNode) -> None:
    """End the node as a power cut would, and wait until it is back."""
    pid, started = node.pid, node.started
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    limit = time.monotonic() + 20
    while node.started == started and time.monotonic() < limit:
        time.sleep(0.01)
    node.wait_ready()


def forget(node: EmbeddedNode, saved: bytes) -> None:
    """Kill the node and let it come back with an earlier state, as after a lost write."""
    node.stop()
    (node.folder / "state.json").write_bytes(saved)
    node.start()


def saved_state(node: EmbeddedNode) -> bytes:
    """The node's state once it has written all of it."""
    node.stop()
    saved = (node.folder / "state.json").read_bytes()
    node.start()
    return saved


def request_mints(world: World, count: int) -> list[str]:
    with world.work() as uow:
        ids: list[str] = uow.orders.request_many(
            [
                OrderRequest("mint", PROGRAMME, "Token", "mint", [ALICE, at + 1], gas=100_000)
                for at in range(count)
            ]
        )
        uow.commit()
    return ids


def check_once(world: World, ids: list[str]) -> None:
    """Every order is done once, has one event and one journal entry, and nothing differs."""
    orders = [world.look(one) for one in ids]
    assert Counter(order.state for order in orders) == {"done": len(ids)}
    events = world.rows(tables.event, tables.event.c.name == "Transfer")
    assert Counter(event.order_id for event in events) == dict.fromkeys(ids, 1)
    entries = world.count(journal_entry, journal_entry.c.kind.in_(EVENT_ENTRIES))
    assert entries == world.count(tables.event)
    assert world.ledger.check() == []


def test_killed_in_the_middle_of_hundreds_of_orders(world: World, node: EmbeddedNode) -> None:
    token = world.create_token()
    ids = request_mints(world, 400)
    world.ledger.dispatcher.times = world.ledger.dispatcher.times.__class__(in_flight_max=60)
    for at in range(6):
        world.ledger.dispatcher.step()
        if at % 2:
            world.ledger.indexer.step()
    kill(node)
    world.ledger.pump()
    check_once(world, ids)
    with world.store.reading() as connection:
        assert balance_at(connection, token, ALICE) == 400 * 401 // 2


def test_blocks_that_were_indexed_and_forgotten_are_anchored_again(
    world: World, node: EmbeddedNode
) -> None:
    token = world.create_token()
    saved = saved_state(node)
    ids = request_mints(world, 120)
    world.ledger.pump()
    before = world.rows(tables.event)
    # Another day of the clock, hence other blocks.
    forget(node, saved)
    time.sleep(1.1)
    later = request_mints(world, 30)
    world.ledger.pump()
    check_once(world, [*ids, *later])
    after = world.rows(tables.event, tables.event.c.position < len(before))
    assert [row.entry_id for row in after] == [row.entry_id for row in before]
    assert {row.block_hash for row in after}.isdisjoint({row.block_hash for row in before})
    assert world.count(journal_entry, journal_entry.c.kind == REANCHORED.name) >= 1
    with world.store.reading() as connection:
        expected = 120 * 121 // 2 + 30 * 31 // 2
        assert balances_at(connection, token) == {ALICE: expected}
    cursor = world.rows(tables.cursor)[0]
    assert cursor.forgotten_after is None


def test_forgotten_wallet_transfers_are_sent_again_too(
    world: World, node: EmbeddedNode, wallet: KeySigner
) -> None:
    token = world.create_token()
    saved = saved_state(node)
    world.order("mint", wallet.address, 50)
    world.ledger.pump()
    send(world, wallet, token, "transfer", BOB, 20)
    world.ledger.pump()
    forget(node, saved)
    world.ledger.pump()
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", BOB) == 20
    assert world.ledger.check() == []


def test_the_application_restarts_in_the_middle_of_recovery(
    world: World, make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world.create_token()
    saved = saved_state(node)
    ids = request_mints(world, 40)
    world.ledger.pump()
    forget(node, saved)
    world.ledger.indexer.step()  # notices, rolls back, sends again; then the application dies
    again = make_world(node.urls)
    again.ledger.pump()
    check_once(again, ids)


def test_node_and_database_part_for_good_when_a_transaction_returns_changed(
    world: World, node: EmbeddedNode, wallet: KeySigner
) -> None:
    token = world.create_token()
    saved = saved_state(node)
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    world.order("burn", ALICE, 5, gas=100_000)
    world.ledger.pump()
    forget(node, saved)
    # Someone else's transaction gets in first, and the forgotten burn has another effect.
    mint = world.rows(tables.attempt)[1]
    world.ledger.rpc.call("eth_sendRawTransaction", "0x" + mint.raw.hex())
    send(world, wallet, token, "burn", ALICE, 5)
    with pytest.raises(IndexerStopped, match="other effects"):
        world.ledger.pump()
    alarm = world.rows(tables.alarm)[0]
    assert (alarm.kind, alarm.settled_at) == ("ledger_differs", None)
    with pytest.raises(IndexerStopped):
        world.ledger.indexer.step()


def test_a_reorganisation_below_finality_stops_the_indexer_with_an_alarm(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls, forgets=False)
    world.create_token()
    snapshot = world.ledger.rpc.call("evm_snapshot")
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    world.ledger.rpc.call("evm_revert", snapshot)
    world.ledger.rpc.call("anvil_mine", "0x5")
    with pytest.raises(IndexerStopped, match="below its finality"):
        world.ledger.indexer.step()
    assert [row.kind for row in world.rows(tables.alarm)] == ["reorganisation"]


def test_nothing_is_done_before_its_block_is_final(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls, forgets=False, finality=3)
    world.ledger.rpc.call("anvil_mine", "0xa")
    with world.work() as uow:
        uow.orders.create("found", PROGRAMME, "Token", ["0x" + "00" * 20])
        uow.commit()
    world.ledger.dispatcher.step()
    assert world.ledger.indexer.step()
    assert world.count(tables.order, tables.order.c.state == "done") == 0
    world.ledger.rpc.call("anvil_mine", "0x4")
    world.ledger.indexer.step()
    assert world.count(tables.order, tables.order.c.state == "done") == 1


def test_a_torn_state_file_falls_back_to_genesis_and_everything_returns(
    world: World, node: EmbeddedNode
) -> None:
    world.create_token()
    ids = request_mints(world, 25)
    world.ledger.pump()
    node.stop()
    state = node.folder / "state.json"
    state.write_bytes(state.read_bytes()[:-700])
    (node.folder / "state.kept.json").unlink(missing_ok=True)
    node.start()
    world.ledger.pump()
    check_once(world, ids)
    assert any(node.folder.glob("state.torn-*.json"))


def test_stored_before_sent_and_sent_after_a_restart(
    world: World, make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world.create_token()
    ids = request_mints(world, 10)
    dispatcher = world.ledger.dispatcher
    dispatcher._sign_ready()  # and here the application dies
    raw = {row.tx_hash: row.raw for row in world.rows(tables.attempt)}
    again = make_world(node.urls)
    again.ledger.pump()
    check_once(again, ids)
    assert {row.tx_hash: row.raw for row in again.rows(tables.attempt)} == raw


def test_a_handler_runs_once_and_what_it_raises_undoes_the_run(world: World) -> None:
    world.create_token()
    seen: list[str] = []
    broken = [True]

    @world.registry.on_event("Token", "Transfer")
    def note(event: LedgerEvent, _uow: UnitOfWork) -> None:
        seen.append(event.entry_id)
        if broken[0]:
            raise RuntimeError("the room's own mistake")

    world.order("mint", ALICE, 5)
    world.ledger.dispatcher.step()
    with pytest.raises(RuntimeError):
        world.ledger.pump()
    assert world.count(tables.event) == 0
    assert world.count(journal_entry, journal_entry.c.kind.in_(EVENT_ENTRIES)) == 0
    broken[0] = False
    world.ledger.pump()
    assert world.count(tables.event) == 1
    world.ledger.pump()
    stored = world.rows(tables.event)[0].entry_id
    assert seen[-1] == stored
    assert len(seen) == 2


def test_two_indexers_cannot_both_let_a_block_take_effect(
    world: World, make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world.create_token()
    other = make_world(node.urls)
    stale = other.ledger.indexer._cursor()
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    head, _ = other.ledger.indexer._follower.look(0)
    blocks = other.ledger.indexer._follower.blocks(stale.block_number + 1, head)
    with pytest.raises(sql.exc.IntegrityError):
        other.ledger.indexer._take_effect(stale, blocks)
    assert world.count(tables.event) == 1
