"""Orders: freezes, forced transfers and re-registrations by a quorum."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td

K = td.OrderKind


def test_forced_transfer(world: Any) -> None:
    bond, bank, fund = world.bond, world.at["bank"], world.at["fund"]
    values, seals = world.order(K.FORCED_TRANSFER, bond.address, bank, fund, 7)
    outcome = world.orders.call("execute", values, seals)
    assert bond.ask("balanceOf", fund) == 7
    assert bond.events(outcome, "ForcedTransfer") == [
        {"sender": bank, "receiver": fund, "amount": 7}
    ]
    [executed] = world.orders.events(outcome, "OrderExecuted")
    assert executed["order_hash"] == values[7]


def test_forced_transfer_obeys_the_rules(world: Any, refuses: Any) -> None:
    """ERC-7943, multi-party: it does not bypass freezes, nor the receiver's eligibility."""
    bond, bank = world.bond.address, world.at["bank"]
    values, seals = world.order(K.FORCED_TRANSFER, bond, bank, world.at["exchange"], 7)
    with refuses("ClassNotAllowed"):
        world.orders.call("execute", values, seals)
    world.freeze(bond, bank, 200_000)
    values, seals = world.order(K.FORCED_TRANSFER, bond, bank, world.at["fund"], 7)
    with refuses("ERC7943InsufficientUnfrozenBalance"):
        world.orders.call("execute", values, seals)


def test_release_and_transfer_together_or_not_at_all(world: Any, refuses: Any) -> None:
    bond, bank, fund = world.bond, world.at["bank"], world.at["fund"]
    world.freeze(bond.address, bank, 200_000)
    release = world.order(K.FREEZE, bond.address, bank, amount=199_990)
    too_much = world.order(K.FORCED_TRANSFER, bond.address, bank, fund, 11)
    with refuses("ERC7943InsufficientUnfrozenBalance"):
        world.orders.call("execute_all", [release[0], too_much[0]], [release[1], too_much[1]])
    assert bond.ask("getFrozenTokens", bank) == 200_000
    right = world.order(K.FORCED_TRANSFER, bond.address, bank, fund, 10)
    world.orders.call("execute_all", [release[0], right[0]], [release[1], right[1]])
    assert bond.ask("balanceOf", fund) == 10


def test_freeze_of_cash(world: Any, refuses: Any) -> None:
    world.freeze(world.cash.address, world.at["bank"], 2**256 - 1)
    with refuses("ERC7943InsufficientUnfrozenBalance"):
        world.cash.call("transfer", world.at["dealer"], 1, key=world.keys["bank"])


def test_reregistration_takes_the_freeze_along(world: Any, kit: Any, refuses: Any) -> None:
    bond, bank = world.bond, world.at["bank"]
    new = kit.address_of(kit.key_of("bank's new account"))
    world.open_accounts(2, [new])
    world.freeze(bond.address, bank, 150_000)
    values, seals = world.order(K.REREGISTRATION, bond.address, bank, world.at["dealer"])
    with refuses("ParticipantsDiffer"):
        world.orders.call("execute", values, seals)
    values, seals = world.order(K.REREGISTRATION, bond.address, bank, bank)
    with refuses("SameAccount"):
        world.orders.call("execute", values, seals)
    values, seals = world.order(K.REREGISTRATION, bond.address, bank, "0x" + "77" * 20)
    with refuses("AccountUnknown"):
        world.orders.call("execute", values, seals)
    values, seals = world.order(K.REREGISTRATION, bond.address, bank, new)
    outcome = world.orders.call("execute", values, seals)
    assert world.orders.events(outcome, "OrderExecuted")[0]["amount"] == 200_000
    assert (bond.ask("balanceOf", bank), bond.ask("balanceOf", new)) == (0, 200_000)
    assert (bond.ask("getFrozenTokens", bank), bond.ask("getFrozenTokens", new)) == (0, 150_000)


def test_an_order_is_carried_out_once(world: Any, refuses: Any) -> None:
    values, seals = world.order(
        K.FORCED_TRANSFER, world.bond.address, world.at["bank"], world.at["fund"], 7
    )
    world.orders.call("execute", values, seals)
    with refuses("ActSpent"):
        world.orders.call("execute", values, seals)


def test_unknown_kind_token_and_halt(world: Any, refuses: Any) -> None:
    values, seals = world.order(9, world.bond.address, world.at["bank"])
    with refuses("OrderKindUnknown", kind=9):
        world.orders.call("execute", values, seals)
    values, seals = world.order(K.FREEZE, world.directory.address, world.at["bank"])
    with refuses("SecurityUnknown"):
        world.orders.call("execute", values, seals)
    world.halt(5)
    with refuses("ContractHalted", contract_id=5):
        world.freeze(world.bond.address, world.at["bank"], 1)
