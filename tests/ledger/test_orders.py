"""Orders from request to completion: sequence, dependencies, refusals, nonces, fees."""

from __future__ import annotations

import pytest
import sqlalchemy as sql

from amanat.core.errors import NotFound
from amanat.ledger import tables
from amanat.ledger.abi import CallNotEncodable
from amanat.ledger.balances import balance_at, balances_at
from amanat.ledger.orders import AddressOf, OrderRequest
from amanat.store.journal import read_entries

from .conftest import ALICE, BOB, PROGRAMME, World


def test_an_order_goes_to_the_chain_and_is_done(world: World) -> None:
    token = world.create_token()
    order_id = world.order("mint", ALICE, 500, subject=("register", "T-1"))
    assert world.look(order_id).state == "requested"
    world.ledger.pump()
    order = world.look(order_id)
    assert order.state == "done"
    assert order.tx_hash is not None
    assert world.ledger.gateway(PROGRAMME).call("Token", "balanceOf", ALICE) == 500
    with world.store.reading() as connection:
        assert balances_at(connection, token) == {ALICE: 500}
        kinds = [
            entry["kind"]
            for entry in read_entries(connection, subject="register:T-1", programme=PROGRAMME)
        ]
    assert kinds == ["ConfidentialLedgerEventSeen", "MintDone"]


def test_a_call_that_the_contract_refuses_is_refused_and_spends_no_nonce(world: World) -> None:
    world.create_token()
    order_id = world.order("burn", ALICE, 5)
    world.ledger.pump()
    order = world.look(order_id)
    assert (order.state, order.nonce) == ("refused", None)
    assert order.refusal is not None
    assert order.refusal["error"] == "ERC20InsufficientBalance"
    assert order.refusal["fields"]["needed"] == "5"


def test_with_a_gas_limit_the_chain_alone_decides(world: World) -> None:
    world.create_token()
    order_id = world.order("burn", ALICE, 5, gas=200_000)
    world.ledger.pump()
    order = world.look(order_id)
    assert order.state == "refused"
    assert order.nonce is not None
    assert order.refusal is not None
    assert order.refusal["error"] == "ERC20InsufficientBalance"


def test_too_little_gas_is_told_as_such(world: World) -> None:
    world.create_token()
    order_id = world.order("move_many", ALICE, BOB, 0, 500, gas=60_000)
    world.ledger.pump()
    refusal = world.look(order_id).refusal
    assert refusal is not None
    assert refusal["error"] == "GasExhausted"


def test_an_order_waits_for_what_it_depends_on(world: World) -> None:
    world.create_token()
    first = world.order("open_gate")
    second = world.order("pass_gate", depends_on=[first])
    world.ledger.dispatcher.step()
    assert [world.look(one).state for one in (first, second)] == ["sent", "requested"]
    world.ledger.pump()
    assert [world.look(one).state for one in (first, second)] == ["done", "done"]
    assert (world.look(first).block_number or 0) < (world.look(second).block_number or 0)


def test_an_order_that_silently_needs_an_earlier_one_waits_instead_of_being_refused(
    world: World,
) -> None:
    world.create_token()
    world.order("mint", ALICE, 10)
    later = world.order("burn", ALICE, 10)
    world.ledger.pump()
    assert world.look(later).state == "done"


def test_what_depends_on_a_refused_order_is_refused_with_its_reason(world: World) -> None:
    world.create_token()
    first = world.order("pass_gate")
    second = world.order("open_gate", depends_on=[first])
    third = world.order("open_gate", depends_on=[second])
    refused: list[str] = []
    world.registry.on_refused("open_gate")(lambda order, _r, _u: refused.append(order.id))
    world.ledger.pump()
    assert world.look(first).state == "refused"
    reasons = [(world.look(one).refusal or {})["error"] for one in (second, third)]
    assert reasons == ["DependencyRefused", "DependencyRefused"]
    assert refused == [second, third]


def test_arguments_may_name_a_contract_that_an_earlier_order_creates(world: World) -> None:
    with world.work() as uow:
        zero = "0x" + "00" * 20
        first = uow.orders.create("found", PROGRAMME, "Token", [zero], label="first")
        second = uow.orders.create(
            "found", PROGRAMME, "Token", [AddressOf("Token", "first")], label="second",
            depends_on=[first],
        )  # fmt: skip
        uow.orders.request(
            "mint", PROGRAMME, "Token", "mint", [AddressOf("Token", "first"), 7], label="second",
            depends_on=[second],
        )  # fmt: skip
        uow.commit()
    world.ledger.pump()
    gateway = world.ledger.gateway(PROGRAMME)
    first_address = gateway.address("Token", "first")
    assert gateway.call("Token", "peer", label="second") == first_address
    assert gateway.call("Token", "balanceOf", first_address, label="second") == 7


def test_a_call_to_a_contract_that_nothing_creates_is_refused(world: World) -> None:
    order_id = world.order("open_gate", label="nowhere")
    world.ledger.pump()
    assert (world.look(order_id).refusal or {})["error"] == "ContractUnknown"


def test_a_contract_that_a_contract_creates_is_followed(world: World) -> None:
    world.create_token()
    with world.work() as uow:
        uow.orders.create("found", PROGRAMME, "Token.blueprint")
        uow.commit()
    world.ledger.pump()
    blueprint = world.ledger.contracts.address(PROGRAMME, "Token.blueprint")
    made = world.order("make_child", blueprint, "PK0001")
    world.order("mint", BOB, 3, label="PK0001", depends_on=[made])
    world.ledger.pump()
    child = world.ledger.contracts.address(PROGRAMME, "Token", "PK0001")
    with world.store.reading() as connection:
        assert balance_at(connection, child, BOB) == 3


def test_arguments_that_do_not_fit_are_refused_before_anything_is_stored(world: World) -> None:
    world.create_token()
    with world.work() as uow:
        with pytest.raises(CallNotEncodable):
            uow.orders.request("mint", PROGRAMME, "Token", "mint", [ALICE, -1])
        with pytest.raises(CallNotEncodable):
            uow.orders.request("mint", PROGRAMME, "Token", "mint", [ALICE])
        with pytest.raises(NotFound):
            uow.orders.request("mint", PROGRAMME, "Nothing", "mint", [ALICE, 1])


def test_an_act_that_is_undone_orders_nothing(world: World) -> None:
    world.create_token()
    with world.work() as uow:
        uow.orders.request("mint", PROGRAMME, "Token", "mint", [ALICE, 1])
    assert world.ledger.dispatcher.pending() == 0


def test_hundreds_in_flight_keep_the_sequence(world: World) -> None:
    token = world.create_token()
    with world.work() as uow:
        ids = uow.orders.request_many(
            [
                OrderRequest("mint", PROGRAMME, "Token", "mint", [ALICE, at + 1], gas=100_000)
                for at in range(300)
            ]
        )
        uow.commit()
    world.ledger.dispatcher.step()
    assert world.count(tables.order, tables.order.c.state == "sent") == 300
    world.ledger.pump()
    orders = [world.look(one) for one in ids]
    assert {order.state for order in orders} == {"done"}
    nonces = [order.nonce for order in orders]
    assert nonces == list(range(nonces[0] or 0, (nonces[0] or 0) + 300))
    with world.store.reading() as connection:
        assert balance_at(connection, token, ALICE) == 300 * 301 // 2


def test_the_database_refuses_a_nonce_for_two_orders(world: World) -> None:
    world.create_token()
    first, second = world.order("open_gate"), world.order("open_gate")
    world.ledger.pump()
    table = tables.order
    with pytest.raises(sql.exc.IntegrityError), world.store.engine.begin() as connection:
        connection.execute(
            sql.update(table).where(table.c.id == second).values(nonce=world.look(first).nonce)
        )


def test_the_arguments_of_an_order_are_read_back_from_its_call(world: World) -> None:
    world.create_token()
    order_id = world.order("mint", ALICE, 2**200)
    with world.work() as uow:
        assert uow.orders.arguments(uow.orders.get(order_id)) == [ALICE, 2**200]
