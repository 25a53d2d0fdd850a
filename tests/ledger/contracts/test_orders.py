"""Orders: freezes, forced transfers and re-registrations by a quorum."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td

K = td.OrderKind
NOBODY = "0x" + "00" * 20


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
    release = (K.FREEZE, bond.address, bank, NOBODY, 199_990)
    too_much = world.batch(release, (K.FORCED_TRANSFER, bond.address, bank, fund, 11))
    with refuses("ERC7943InsufficientUnfrozenBalance"):
        world.orders.call("execute_all", *too_much)
    assert bond.ask("getFrozenTokens", bank) == 200_000
    right = world.batch(release, (K.FORCED_TRANSFER, bond.address, bank, fund, 10))
    outcome = world.orders.call("execute_all", *right)
    assert bond.ask("balanceOf", fund) == 10
    assert [one["kind"] for one in world.orders.events(outcome, "OrderExecuted")] == [1, 2]
    with refuses("ActSpent"):
        world.orders.call("execute_all", *right)


def test_an_account_is_frozen_in_every_token_or_in_none(world: Any, refuses: Any) -> None:
    bond, cash, bank = world.bond, world.cash, world.at["bank"]
    steps = [(K.FREEZE, one.address, bank, NOBODY, 2**256 - 1) for one in (bond, cash)]
    unknown = (K.FREEZE, world.directory.address, bank, NOBODY, 1)
    with refuses("SecurityUnknown"):
        world.orders.call("execute_all", *world.batch(*steps, unknown))
    assert bond.ask("getFrozenTokens", bank) == 0
    world.orders.call("execute_all", *world.batch(*steps))
    assert bond.ask("getFrozenTokens", bank) == cash.ask("getFrozenTokens", bank) == 2**256 - 1
    for token in (bond, cash):
        with refuses("ERC7943InsufficientUnfrozenBalance"):
            token.call("transfer", world.at["dealer"], 1, key=world.keys["bank"])


def test_a_batch_takes_a_quorum_over_all_of_its_steps(world: Any, refuses: Any) -> None:
    bond, bank = world.bond.address, world.at["bank"]
    values, seals = world.batch((K.FREEZE, bond, bank, NOBODY, 1))
    with refuses("QuorumNotMet", required=2, present=1):
        world.orders.call("execute_all", values, seals[:1])
    # The signatures are over every step: none is left out, added or changed.
    for column, changed in ((2, [K.REREGISTRATION]), (4, [world.at["fund"]]), (6, [2])):
        other = (*values[:column], changed, *values[column + 1 :])
        with refuses("UnknownSigner"):
            world.orders.call("execute_all", other, seals)
    older = world.batch((K.FREEZE, bond, bank, NOBODY, 5))
    world.freeze(bond, bank, 7)
    with refuses("ActSuperseded"):
        world.orders.call("execute_all", *older)


def test_a_malformed_batch_does_nothing(world: Any, refuses: Any) -> None:
    bond, bank = world.bond.address, world.at["bank"]
    with refuses("BatchMalformed", length=0):
        world.orders.call("execute_all", *world.batch())
    values, seals = world.batch((K.FREEZE, bond, bank, NOBODY, 1))
    for column in range(3, 7):
        ragged = (*values[:column], [], *values[column + 1 :])
        with refuses("BatchMalformed", length=1):
            world.orders.call("execute_all", ragged, seals)
    world.halt(5)
    with refuses("ContractHalted", contract_id=5):
        world.orders.call("execute_all", values, seals)


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
