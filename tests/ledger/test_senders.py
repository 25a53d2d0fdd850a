"""Several senders, each with its queue: none holds up another, and what belongs together waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.ledger import tables
from amanat.ledger.dispatching import DispatchTimes
from amanat.ledger.node import EmbeddedNode
from amanat.ledger.orders import OrderRequest
from amanat.ledger.signers import KeySigner, Signers
from amanat.ledger.things import BRINGS, CHANGES, NEEDS, Things, meet, waits

from .conftest import ALICE, BOB, CHAIN_ID, PROGRAMME, WEI, MakeWorld, World

NAMES = ("operator", "settlement", "settlement_2", "payments")
CAROL = "0x" + "ca" * 20


@pytest.fixture
def keys() -> dict[str, KeySigner]:
    """A key for each sender."""
    return {name: KeySigner.generate() for name in NAMES}


@pytest.fixture
def several(tmp_path: Path, keys: dict[str, KeySigner], make_world: MakeWorld) -> Iterator[World]:
    """A ledger whose settlement has two senders, one of them not in use yet."""
    funded = {key.address: WEI for key in keys.values()}
    with EmbeddedNode(tmp_path / "node", chain_id=CHAIN_ID, funded=funded) as node:
        named: dict[str, Any] = dict(keys)
        made = make_world(node.urls, signers=Signers(named), times=DispatchTimes(look_again_s=0.5))
        made.create_token()
        made.ledger.book.senders_of = lambda _connection, purpose: [purpose]
        yield made


def two_settle(_connection: Connection, purpose: str) -> list[str]:
    """Two senders for settlement, one for everything else."""
    return ["settlement", "settlement_2"] if purpose == "settlement" else [purpose]


def mint(world: World, sender: str, things: Things, to: str = ALICE, **more: Any) -> str:
    return world.order("mint", to, 1, sender=sender, things=things, gas=200_000, **more)


def block(world: World, order_id: str) -> int:
    order = world.look(order_id)
    assert (order.state, order.refusal) == ("done", None)
    assert order.block_number is not None
    return order.block_number


def lose(world: World, name: str, key: KeySigner) -> None:
    """The key of a sender is not to be had."""
    keys: Any = world.ledger.signers
    assert keys._named.pop(name) is key


# -- who waits for whom ---------------------------------------------------------------------------


@pytest.mark.parametrize("earlier", [BRINGS, NEEDS, CHANGES])
def test_what_only_brings_waits_for_nothing(earlier: str) -> None:
    assert not waits(BRINGS, earlier)


def test_who_needs_waits_for_what_is_brought_or_changed_and_not_for_who_needs_the_same() -> None:
    assert [waits(NEEDS, one) for one in (BRINGS, NEEDS, CHANGES)] == [True, False, True]


def test_who_changes_waits_for_everybody() -> None:
    assert [waits(CHANGES, one) for one in (BRINGS, NEEDS, CHANGES)] == [True, True, True]


def test_what_is_both_brought_and_needed_is_changed() -> None:
    assert Things(brings=["a", "b"], needs=["b", "c"]).uses() == {
        "a": BRINGS,
        "b": CHANGES,
        "c": NEEDS,
    }


def test_orders_about_different_things_do_not_meet() -> None:
    assert not meet({"account:a": CHANGES}, {"account:b": CHANGES})
    assert meet({"account:a": CHANGES}, {"*": CHANGES})
    assert meet({"*": CHANGES}, {})


# -- on the chain ---------------------------------------------------------------------------------


def test_a_settlement_sender_without_its_key_does_not_hold_up_payments(
    several: World, keys: dict[str, KeySigner]
) -> None:
    lose(several, "settlement", keys["settlement"])
    settled = [
        mint(several, "settlement", Things(needs=["day"], changes=["account:a"])) for _ in range(3)
    ]
    paid = [
        mint(several, "payments", Things(needs=["day"], brings=["account:a"])) for _ in range(3)
    ]
    steps(several, paid)
    assert [several.look(one).state for one in settled] == ["requested"] * 3
    several.ledger.signers.add("settlement", keys["settlement"])
    several.ledger.pump()
    assert max(block(several, one) for one in paid) < min(block(several, one) for one in settled)


def test_a_settlement_transaction_that_is_not_mined_does_not_hold_up_payments(
    several: World, keys: dict[str, KeySigner]
) -> None:
    """A nonce that nobody ever used lies before it: the node keeps it and never mines it."""
    address = keys["settlement"].address
    with several.store.engine.begin() as connection:
        connection.execute(tables.counter.insert().values(name=f"nonce:{address}", next=1))
    stuck = mint(several, "settlement", Things(needs=["day"], changes=["account:a"]))
    paid = mint(several, "payments", Things(needs=["day"], brings=["account:a"]))
    steps(several, [paid])
    assert several.look(stuck).state in ("signed", "sent")
    moved = mint(several, "operator", Things(changes=["day"]))
    for _ in range(20):
        several.ledger.step()
    assert several.look(moved).state == "requested"  # what was ordered before comes before
    missing = keys["settlement"].sign_transaction(filler(several, 0))
    several.ledger.rpc.call("eth_sendRawTransaction", "0x" + missing.raw.hex())
    several.ledger.pump()
    assert block(several, paid) < block(several, stuck) < block(several, moved)


def filler(world: World, nonce: int) -> Any:
    from amanat.ledger.wire import ChainTransaction

    del world
    return ChainTransaction(CHAIN_ID, nonce, BOB, b"", 21_000, 10**10, 0)


def steps(world: World, orders: list[str]) -> None:
    """Go round until these are done."""
    for _ in range(2_000):
        world.ledger.step()
        if all(world.look(one).state == "done" for one in orders):
            return
    raise AssertionError([world.look(one).state for one in orders])


def test_what_one_sender_brings_is_there_before_another_takes_it(several: World) -> None:
    """The cash of a purchase is created by the payments' sender, and spent by settlement's."""
    created = mint(several, "payments", Things(brings=[f"account:{ALICE}"]))
    spent = several.order(
        "burn", ALICE, 1, sender="settlement", things=Things(changes=[f"account:{ALICE}"]),
        gas=200_000,
    )  # fmt: skip
    several.ledger.dispatcher.step()
    assert [several.look(one).state for one in (created, spent)] == ["sent", "requested"]
    several.ledger.pump()
    assert block(several, created) < block(several, spent)


def test_the_day_moves_after_what_was_ordered_on_it_and_before_what_is_ordered_next(
    several: World,
) -> None:
    on_it = [mint(several, name, Things(needs=["day"])) for name in ("settlement", "payments")]
    moved = mint(several, "operator", Things(changes=["day"]))
    after = [mint(several, name, Things(needs=["day"])) for name in ("settlement", "payments")]
    several.ledger.pump()
    assert max(block(several, one) for one in on_it) < block(several, moved)
    assert block(several, moved) < min(block(several, one) for one in after)


def test_an_order_that_says_nothing_waits_for_all_and_all_wait_for_it(several: World) -> None:
    before = mint(several, "payments", Things(changes=["account:a"]))
    everything = several.order("mint", ALICE, 1, gas=200_000)
    after = mint(several, "settlement", Things(changes=["account:b"]))
    several.ledger.pump()
    assert block(several, before) < block(several, everything) < block(several, after)


def test_a_refusal_ends_the_waiting_of_what_only_comes_after(several: World) -> None:
    refused = several.order(
        "burn", BOB, 5, sender="payments", things=Things(brings=["account:b"]), gas=200_000
    )
    follows = mint(several, "settlement", Things(changes=["account:b"]))
    needs = mint(several, "settlement", Things(changes=["account:c"]), depends_on=[refused])
    several.ledger.pump()
    assert several.look(refused).state == "refused"
    assert several.look(follows).state == "done"
    assert (several.look(needs).refusal or {})["error"] == "DependencyRefused"


def test_an_order_is_not_overtaken_in_its_own_queue_by_one_that_it_has_to_do_with(
    several: World,
) -> None:
    """The first waits for another sender; nonces would let the second go before it."""
    brought = mint(several, "payments", Things(brings=["account:a"]))
    first = mint(several, "settlement", Things(changes=["account:a", "account:b"]))
    second = mint(several, "settlement", Things(changes=["account:b"]))
    third = mint(several, "settlement", Things(changes=["account:c"]))
    several.ledger.dispatcher.step()
    states = [several.look(one).state for one in (brought, first, second, third)]
    assert states == ["sent", "requested", "requested", "sent"]
    several.ledger.pump()
    assert (several.look(first).nonce or 0) < (several.look(second).nonce or 0)


def test_things_of_another_programme_are_other_things(several: World) -> None:
    def ask(programme: str, sender: str, things: Things) -> str:
        where = several.ledger.contracts.address(PROGRAMME, "Token")
        request = OrderRequest(
            "mint", programme, "Token", "mint", [ALICE, 1], address=where, gas=200_000,
            sender=sender, things=things,
        )  # fmt: skip
        with several.work() as uow:
            order: str = uow.orders.request_many([request])[0]
            uow.commit()
        return order

    here = ask(PROGRAMME, "payments", Things(brings=["account:a"]))
    there = ask("another", "settlement", Things(changes=["account:a"]))
    several.ledger.dispatcher.step()
    assert [several.look(one).state for one in (here, there)] == ["sent", "sent"]
    several.ledger.pump()


# -- several senders of one purpose ---------------------------------------------------------------


def test_orders_about_different_accounts_go_by_different_senders_at_once(several: World) -> None:
    several.ledger.book.senders_of = two_settle
    orders = [mint(several, "settlement", Things(changes=[f"account:{at}"])) for at in range(6)]
    several.ledger.dispatcher.step()
    assert [several.look(one).state for one in orders] == ["sent"] * 6
    assert {several.look(one).sender for one in orders} == {"settlement", "settlement_2"}
    several.ledger.pump()


def test_orders_about_the_same_account_go_by_one_sender_in_their_sequence(several: World) -> None:
    several.ledger.book.senders_of = two_settle
    orders = [mint(several, "settlement", Things(changes=["account:a"])) for _ in range(5)]
    several.ledger.dispatcher.step()
    assert len({several.look(one).sender for one in orders}) == 1
    nonces = [several.look(one).nonce or 0 for one in orders]
    assert nonces == sorted(nonces)
    several.ledger.pump()


def test_an_order_that_joins_two_senders_waits_for_the_other(several: World) -> None:
    several.ledger.book.senders_of = two_settle
    one = mint(several, "settlement", Things(changes=["account:a"]))
    other = mint(several, "settlement", Things(changes=["account:b"]))
    joins = mint(several, "settlement", Things(changes=["account:a", "account:b"]))
    senders = {several.look(one).sender, several.look(other).sender}
    assert senders == {"settlement", "settlement_2"}
    several.ledger.pump()
    assert block(several, joins) >= max(block(several, one), block(several, other))
    waited = several.rows(tables.dependency, tables.dependency.c.order_id == joins)
    assert [row.depends_on in (one, other) for row in waited] == [True]


def test_a_ledger_forgets_what_ended_orders_had_to_do_with(several: World) -> None:
    mint(several, "settlement", Things(changes=["account:a"]))
    mint(several, "payments", Things(changes=["account:a"]), to=CAROL)
    assert several.count(tables.thing) == 2
    several.ledger.pump()
    assert several.count(tables.thing) == 0
    with several.store.reading() as connection:
        query = sql.select(tables.dependency.c.needed)
        assert list(connection.execute(query).scalars()) == [False]
