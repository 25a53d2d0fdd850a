"""A database that was restored to an earlier moment meets a chain that went on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.ledger import tables
from amanat.ledger.node import EmbeddedNode
from amanat.store.tables import metadata

from .conftest import ALICE, BOB, PROGRAMME, MakeWorld, World

Rows = dict[str, list[dict[str, Any]]]


def contents(world: World) -> Rows:
    """All rows of all tables: a backup."""
    with world.store.reading() as connection:
        return {
            table.name: [dict(row._mapping) for row in connection.execute(sql.select(table))]
            for table in metadata.sorted_tables
        }


def put_back(world: World, rows: Rows) -> None:
    """The database as it was."""
    with world.store.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sql.delete(table))
        for table in metadata.sorted_tables:
            if rows[table.name]:
                connection.execute(sql.insert(table), rows[table.name])


def test_orders_that_were_mined_after_the_backup_are_adopted_and_not_done_twice(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls)
    world.create_token()
    world.order("mint", ALICE, 500)
    world.ledger.pump()
    waiting = world.order("mint", ALICE, 30)
    with world.work() as uow:
        created = uow.orders.create(
            "create_token", PROGRAMME, "Token", ["0x" + "0" * 40], label="B"
        )
        inside = uow.orders.request(
            "mint", PROGRAMME, "Token", "mint", [BOB, 7], label="B", depends_on=[created]
        )
        uow.commit()
    backup = contents(world)
    world.ledger.pump()
    hashes = {one: world.look(one).tx_hash for one in (waiting, created, inside)}

    put_back(world, backup)
    restored = make_world(node.urls)
    restored.ledger.pump()

    assert restored.ledger.reconcile().adopted == (waiting, created, inside)
    assert restored.ledger.reconcile().unknown == ()
    for one, tx_hash in hashes.items():
        order = restored.look(one)
        assert (order.state, order.tx_hash) == ("done", tx_hash)
    gateway = restored.ledger.gateway(PROGRAMME)
    assert gateway.call("Token", "balanceOf", ALICE) == 530
    assert gateway.call("Token", "balanceOf", BOB, label="B") == 7
    assert restored.ledger.check() == []


def test_what_was_ordered_after_the_backup_is_named_and_its_nonce_never_given_again(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls)
    world.create_token()
    backup = contents(world)
    lost = world.order("mint", ALICE, 11)
    world.ledger.pump()
    lost_hash, lost_nonce = world.look(lost).tx_hash, world.look(lost).nonce

    put_back(world, backup)
    restored = make_world(node.urls)
    after = restored.order("mint", ALICE, 2)
    restored.ledger.pump()

    assert restored.ledger.reconcile().unknown == (lost_hash,)
    assert restored.look(after).nonce == (lost_nonce or 0) + 1
    assert restored.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 13
    (alarm,) = restored.rows(tables.alarm)
    assert (alarm.kind, alarm.subject.endswith(f":{lost_nonce}")) == ("order_unknown", True)
    assert lost_hash in alarm.detail
    assert restored.ledger.check() == []


def test_what_was_signed_and_never_sent_is_sent_with_the_same_bytes(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    world = make_world(node.urls)
    world.create_token()
    order_id = world.order("mint", ALICE, 5)
    world.ledger.dispatcher._sign_ready()
    (signed,) = world.rows(tables.attempt, tables.attempt.c.order_id == order_id)
    assert world.look(order_id).state == "signed"

    restored = make_world(node.urls)
    restored.ledger.pump()

    assert restored.ledger.reconcile().adopted == ()
    (attempt,) = restored.rows(tables.attempt, tables.attempt.c.order_id == order_id)
    assert attempt.raw == signed.raw
    assert restored.look(order_id).tx_hash == signed.tx_hash
    assert restored.ledger.check() == []


def test_an_equal_order_given_after_the_backup_is_not_taken_for_another(
    make_world: MakeWorld, node: EmbeddedNode
) -> None:
    """Two equal orders wait and one of them was mined: one is adopted, one is sent."""
    world = make_world(node.urls)
    world.create_token()
    first = world.order("mint", ALICE, 3)
    second = world.order("mint", ALICE, 3)
    backup = contents(world)
    with world.store.engine.begin() as connection:
        connection.execute(sql.delete(tables.order).where(tables.order.c.id == second))
    world.ledger.pump()

    put_back(world, backup)
    restored = make_world(node.urls)
    restored.ledger.pump()

    assert restored.ledger.reconcile().adopted == (first,)
    assert restored.look(second).state == "done"
    assert restored.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 6
    assert restored.ledger.check() == []
