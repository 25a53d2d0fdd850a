"""While the node knows less than the index, nothing is read from it and no call is judged."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sql

from amanat.core.errors import NotFound
from amanat.ledger import tables
from amanat.ledger.checked_node import NodeBehindIndex
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.sending import next_nonces, send_run
from amanat.ledger.signers import KeySigner
from amanat.ledger.wire import ChainTransaction

from .conftest import ALICE, BOB, CHAIN_ID, PROGRAMME, MakeWorld, World
from .test_recovery import check_once, forget, request_mints, saved_state


def test_a_younger_node_is_not_asked_for_an_act(world: World, node: EmbeddedNode) -> None:
    saved = saved_state(node)
    world.create_token()
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    gateway = world.ledger.gateway(PROGRAMME)
    assert gateway.call("Token", "balanceOf", ALICE) == 5
    forget(node, saved)
    with pytest.raises(NodeBehindIndex):
        gateway.call("Token", "balanceOf", ALICE)
    world.ledger.indexer.step()  # rolls back and sends again
    with pytest.raises(NodeBehindIndex, match="brought back"):
        gateway.call("Token", "balanceOf", ALICE)
    world.ledger.recover()
    assert gateway.call("Token", "balanceOf", ALICE) == 5


def test_what_the_index_says_is_asked_for_at_once_and_what_it_does_not_know_is_not_found(
    world: World,
) -> None:
    world.create_token()
    nowhere = "0x" + "77" * 20
    with pytest.raises(NotFound, match=nowhere):
        world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE, address=nowhere)


def test_a_younger_node_refuses_no_order(world: World, node: EmbeddedNode) -> None:
    world.create_token()
    saved = saved_state(node)
    world.order("mint", ALICE, 5)
    world.ledger.pump()
    forget(node, saved)
    # On the younger node the account holds nothing yet, and the call would revert.
    burn = world.order("burn", ALICE, 5)
    with pytest.raises(NodeBehindIndex):
        world.ledger.dispatcher.step()
    assert world.look(burn).state == "requested"
    world.ledger.pump()
    assert world.look(burn).state == "done"
    assert world.ledger.check() == []


def test_an_index_that_stopped_answers_no_act(world: World) -> None:
    world.create_token()
    world.ledger.recover()
    with world.store.engine.begin() as connection:
        connection.execute(sql.update(tables.cursor).values(stopped="two records differ"))
    with pytest.raises(NodeBehindIndex, match="two records differ"):
        world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE)
    world.ledger.recover()  # does not wait for a person


def test_killed_when_all_is_back_but_not_yet_noted(
    world: World, make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world.create_token()
    with world.store.engine.begin() as connection:
        connection.execute(sql.update(tables.cursor).values(forgotten_after=1))
    again = make_world(node.urls)
    again.ledger.recover()
    assert again.rows(tables.cursor)[0].forgotten_after is None


def test_a_run_waits_until_all_before_it_are_mined(world: World) -> None:
    """A transaction that comes while the one before it is mined may never be mined by anvil."""
    world.create_token()
    first, second = request_mints(world, 2)
    world.ledger.dispatcher._sign_ready()
    with world.store.engine.begin() as connection:  # as if it had been sent and then forgotten
        connection.execute(
            sql.update(tables.order).where(tables.order.c.id == first).values(state="sent")
        )
    assert not world.ledger.dispatcher.send_signed()
    assert world.look(second).state == "signed"
    world.ledger.dispatcher.resend_all()
    world.ledger.pump()
    check_once(world, [first, second])


def test_runs_are_mined_whole(world: World, wallet: KeySigner) -> None:
    rpc = world.ledger.rpc
    for first in range(0, 200, 20):
        assert next_nonces(rpc, [wallet.address]) == {wallet.address: first}
        plain = [
            ChainTransaction(CHAIN_ID, nonce, BOB, b"", 21_000, 10**9, 0)
            for nonce in range(first, first + 20)
        ]
        send_run(rpc, [wallet.sign_transaction(one).raw for one in plain])
        limit = time.monotonic() + 20
        while next_nonces(rpc, [wallet.address])[wallet.address] < first + 20:
            assert time.monotonic() < limit, rpc.call("txpool_content")
            time.sleep(0.005)


def test_a_torn_state_is_replaced_by_the_copy_that_was_kept(
    world: World, node: EmbeddedNode
) -> None:
    world.create_token()
    ids = request_mints(world, 25)
    world.ledger.pump()
    kept = node.folder / "state.kept.json"
    limit = time.monotonic() + 30
    before = time.time()
    while not (kept.exists() and kept.stat().st_mtime > before + 1):
        assert time.monotonic() < limit
        world.order("mint", BOB, 1)  # the node writes its state when it has changed
        world.ledger.pump()
        time.sleep(0.2)
    genesis = (node.folder / "genesis.json").read_bytes()
    node.stop()
    state = node.folder / "state.json"
    state.write_bytes(state.read_bytes()[:-700])
    node.start()
    assert kept.read_bytes() != genesis
    assert world.ledger.rpc.block_number() > 1
    world.ledger.pump()
    assert {world.look(one).state for one in ids} == {"done"}
    assert world.ledger.check() == []
    assert any(node.folder.glob("state.torn-*.json"))
