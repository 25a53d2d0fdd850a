"""Delivery versus payment: single instructions, batches, and netted cycles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_hash.auto import keccak

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode


def arguments(item: td.SignedInstruction) -> tuple[Any, bytes, bytes]:
    values = ("0x" + item.security.hex(), "0x" + item.deliverer.hex(), "0x" + item.receiver.hex(),
              item.nominal, item.consideration, item.number, item.first_day,
              item.last_day)  # fmt: skip
    return values, item.deliverer_signature, item.receiver_signature


def trade(world: Any, number: int = 1, **fields: Any) -> td.SignedInstruction:
    given = {"deliverer": "bank", "receiver": "dealer", "nominal": 100, "consideration": 9_500}
    given |= fields
    keys = (world.keys[given.pop("deliverer")], world.keys[given.pop("receiver")])
    item: td.SignedInstruction = world.instruction(
        world.bond, *keys, given.pop("nominal"), given.pop("consideration"), number, **given
    )
    return item


def batch(world: Any, items: list[td.SignedInstruction], gas: int | None = None) -> Any:
    return world.settlement.call("settle_batch", td.pack_batch(items), gas=gas)


def test_both_legs_move(world: Any) -> None:
    item = trade(world)
    assert world.settlement.ask("can_settle", *arguments(item)) == b""
    outcome = world.settle(item)
    assert world.bond.ask("balanceOf", world.at["dealer"]) == 100_100
    assert world.cash.ask("balanceOf", world.at["bank"]) == 100_009_500
    digest = world.settlement.domain.digest(item.struct_hash())
    assert world.settlement.events(outcome, "InstructionsSettled") == [{"digests": (digest,)}]
    assert world.settlement.ask("number_spent", world.at["bank"], 1)
    assert not world.settlement.ask("number_spent", world.at["bank"], 2)


def test_free_of_payment(world: Any) -> None:
    outcome = world.settle(trade(world, consideration=0))
    assert world.cash.events(outcome, "Transfer") == []


def cases(world: Any, kit: Any) -> dict[str, td.SignedInstruction]:
    good = trade(world)
    return {
        "InstructionNotYetDue": trade(world, first=kit.DAY_ONE + 1),
        "InstructionExpired": trade(world, last=kit.DAY_ONE - 1),
        "SameAccount": trade(world, receiver="bank"),
        "AmountZero": trade(world, nominal=0),
        "SecurityUnknown": world.instruction(
            world.directory, world.keys["bank"], world.keys["dealer"], 1, 1, 1
        ),
        "BadSignature": replace(good, consideration=9_499),
        "ERC20InsufficientBalance": trade(world, nominal=200_001),
        "ClassNotAllowed": trade(world, receiver="exchange"),
    }


@pytest.mark.parametrize(
    "name",
    ["InstructionNotYetDue", "InstructionExpired", "SameAccount", "AmountZero", "SecurityUnknown",
     "BadSignature", "ERC20InsufficientBalance", "ClassNotAllowed"],
)  # fmt: skip
def test_refusals_alone_in_a_batch_and_beforehand(
    world: Any, kit: Any, refuses: Any, name: str
) -> None:
    item = cases(world, kit)[name]
    with refuses(name):
        world.settle(item)
    assert decode(world.settlement.ask("can_settle", *arguments(item))).name == name
    outcome = batch(world, [trade(world, 5), item, trade(world, 6)])
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == name
    assert failure["index"] == 1
    assert failure["digest"] == world.settlement.domain.digest(item.struct_hash())
    [settled] = world.settlement.events(outcome, "InstructionsSettled")
    assert len(settled["digests"]) == 2
    assert world.bond.ask("balanceOf", world.at["dealer"]) == 100_200


def test_receiver_signs_too(world: Any, refuses: Any) -> None:
    item = trade(world)
    with refuses("BadSignature", expected=world.at["dealer"]):
        world.settle(replace(item, receiver_signature=item.deliverer_signature))
    with refuses("MalformedSignature"):
        world.settle(replace(item, receiver_signature=b""))


def test_failure_leaves_the_number_clear(world: Any, refuses: Any) -> None:
    item = trade(world, receiver="exchange", consideration=100)
    with refuses("ClassNotAllowed"):
        world.settle(item)
    assert not world.settlement.ask("number_spent", world.at["bank"], 1)
    short = trade(world, 2, receiver="dealer", consideration=100_000_001)
    with refuses("ERC20InsufficientBalance"):
        world.settle(short)
    world.create_cash(world.at["dealer"], 1)
    world.settle(short)
    with refuses("NumberSpent", number=2):
        world.settle(short)


def test_amounts_beyond_the_packed_fields(world: Any, refuses: Any) -> None:
    for fields in ({"nominal": 2**64}, {"consideration": 2**64}, {"number": 2**32},
                   {"first": 2**32}):  # fmt: skip
        with refuses("AmountTooLarge"):
            world.settle(trade(world, **fields))


def test_either_party_burns(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    first, second = trade(world, 1), trade(world, 2)
    [stranger] = world.sign(world.settlement, td.NUMBER_BURN, (bank, 1, bank), world.keys["dealer"])
    with refuses("BadSignature", expected=bank):
        world.settlement.call("burn_number", bank, 1, stranger)
    [own] = world.sign(world.settlement, td.NUMBER_BURN, (bank, 1, bank), world.keys["bank"])
    world.settlement.call("burn_number", bank, 1, own)
    with refuses("NumberSpent"):
        world.settle(first)
    with refuses("NumberSpent"):
        world.settlement.call("burn_number", bank, 1, own)
    [theirs] = world.sign(world.settlement, td.NUMBER_BURN, (bank, 2, dealer), world.keys["dealer"])
    with refuses("BadSignature", expected=bank):
        world.settlement.call("burn_instruction", arguments(second)[0], theirs, theirs)
    world.settlement.call(
        "burn_instruction", arguments(second)[0], second.deliverer_signature, theirs
    )
    with refuses("NumberSpent"):
        world.settle(second)


def test_numbers_of_neighbours_do_not_touch(world: Any) -> None:
    """Accounts share a word: every (account, number) still has a bit of its own."""
    used = {("bank", n) for n in (0, 1, 31, 32, 255, 256, 2**32 - 1)} | {("dealer", 1)}
    for name, number in used:
        other = "dealer" if name == "bank" else "bank"
        world.settle(trade(world, number, deliverer=name, receiver=other, nominal=1))
    for name in ("bank", "dealer", "issuer", "fund"):
        for number in (0, 1, 2, 30, 31, 32, 33, 255, 256, 257, 2**32 - 1):
            spent = world.settlement.ask("number_spent", world.at[name], number)
            assert spent == ((name, number) in used), (name, number)


def test_halted_settlement(world: Any, refuses: Any) -> None:
    world.halt(6)
    with refuses("ContractHalted", contract_id=6):
        world.settle(trade(world))
    with refuses("ContractHalted"):
        batch(world, [trade(world)])
    with refuses("ContractHalted"):
        world.settlement.call("settle_cycle", b"\0" * 100)


@pytest.mark.parametrize("change", [lambda b: b + b"\0", lambda b: b[:-1], lambda b: b"\0" + b[1:]])
def test_malformed_batches(world: Any, refuses: Any, change: Any) -> None:
    with refuses("BatchMalformed"):
        world.settlement.call("settle_batch", change(td.pack_batch([trade(world)])))


def test_inner_call_is_for_itself(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    with refuses("CallerNotAllowed"):
        world.settlement.call(
            "settle_inner", 0, bank, dealer, world.bond.address, 0, 0, 0, 0, 0, 0, 0
        )


# Cycles.


def cycle(world: Any, positions: dict[str, tuple[int, int]], number: int = 1,
          trades: bytes = keccak(b"trades"), first: int = 0, last: int = 2**32 - 1,
          signers: dict[str, str] | None = None) -> bytes:  # fmt: skip
    packed = []
    for name, (nominal, cash) in positions.items():
        account = bytes.fromhex(world.at[name][2:])
        key = world.keys[(signers or {}).get(name, name)]
        values = (trades, account, number, [world.bond.raw], [nominal], cash, first, last)
        [signature] = world.sign(world.settlement, td.POSITION, values, key)
        packed.append(td.SignedPosition(account, number, cash, (nominal,), signature))
    return td.pack_cycle(trades, [world.bond.raw], first, last, packed)


NET = {"bank": (-300, 28_000), "dealer": (100, -9_000), "fund": (200, -19_000)}


def test_cycle_moves_the_net_positions(world: Any, refuses: Any) -> None:
    packed = cycle(world, NET)
    outcome = world.settlement.call("settle_cycle", packed)
    assert world.bond.ask("balanceOf", world.at["bank"]) == 199_700
    assert world.bond.ask("balanceOf", world.at["fund"]) == 200
    assert world.cash.ask("balanceOf", world.at["fund"]) == 100_000_000 - 19_000
    moved = world.bond.events(outcome, "Transfer")
    through = world.settlement.address
    assert sum(e["value"] for e in moved if e["receiver"] == through) == 300
    assert sum(e["value"] for e in moved if e["sender"] == through) == 300
    assert world.bond.ask("balanceOf", through) == 0
    with refuses("NumberSpent"):
        world.settlement.call("settle_cycle", packed)


def test_cycle_is_all_or_nothing(world: Any, kit: Any, refuses: Any) -> None:
    cases = [
        ("CycleUnbalanced", cycle(world, {**NET, "fund": (201, -19_000)})),
        ("CycleUnbalanced", cycle(world, {**NET, "fund": (200, -19_001)})),
        ("BadSignature", cycle(world, NET, signers={"fund": "bank"})),
        ("InstructionNotYetDue", cycle(world, NET, first=kit.DAY_ONE + 1)),
        ("InstructionExpired", cycle(world, NET, last=kit.DAY_ONE - 1)),
        (
            "ERC20InsufficientBalance",
            cycle(world, {"bank": (-200_001, 5), "dealer": (200_001, -5)}),
        ),
        ("ClassNotAllowed", cycle(world, {"bank": (-1, 0), "exchange": (1, 0)})),
        ("BatchMalformed", cycle(world, NET)[:-1]),
    ]
    for name, packed in cases:
        with refuses(name):
            world.settlement.call("settle_cycle", packed)
    world.admit(4, kit.FUNDS, level=2)
    with refuses("LevelForbids"):
        world.settlement.call("settle_cycle", cycle(world, NET))
    assert not world.settlement.ask("number_spent", world.at["bank"], 1)


def test_cycle_needs_known_tokens(world: Any, refuses: Any) -> None:
    account = bytes.fromhex(world.at["bank"][2:])
    values = (keccak(b"t"), account, 1, [world.directory.raw], [0], 0, 0, 2**32 - 1)
    [signature] = world.sign(world.settlement, td.POSITION, values, world.keys["bank"])
    position = td.SignedPosition(account, 1, 0, (0,), signature)
    packed = td.pack_cycle(keccak(b"t"), [world.directory.raw], 0, 2**32 - 1, [position])
    with refuses("SecurityUnknown"):
        world.settlement.call("settle_cycle", packed)
