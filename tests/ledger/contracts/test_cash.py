"""Cash: created and withdrawn by two key holders, against one RTGS reference each."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td

REFERENCE = b"\x11" * 32


def move(world: Any, act: str, values: tuple[Any, ...], *signers: tuple[int, int],
         holder: str = "bank") -> Any:  # fmt: skip
    struct = td.CASH_CREATION if act == "create" else td.CASH_WITHDRAWAL
    seals = world.sign(world.cash, struct, values, *(world.key(*one) for one in signers))
    if act == "create":
        return world.cash.call("create", values, seals)
    [own] = world.sign(world.cash, struct, values, world.keys[holder])
    return world.cash.call("withdraw", values, seals, own)


def test_created_and_withdrawn(world: Any) -> None:
    bank, supply = world.at["bank"], world.cash.ask("totalSupply")
    outcome = move(world, "create", (1, bank, 500, REFERENCE), (2, 0), (2, 1))
    assert world.cash.events(outcome, "CashCreated")[0]["rtgs_reference"] == REFERENCE
    assert world.cash.ask("totalSupply") == supply + 500
    move(world, "withdraw", (1, bank, 500, b"\x22" * 32), (2, 0), (2, 1))
    assert world.cash.ask("totalSupply") == supply
    assert world.cash.ask("decimals") == 2


def test_two_keys_of_the_central_bank(world: Any, refuses: Any) -> None:
    values = (1, world.at["bank"], 500, REFERENCE)
    for signers in ([(2, 0)], [(2, 0), (1, 0)], [(1, 0), (1, 1)], []):
        for act in ("create", "withdraw"):
            with refuses("SecondKeyMissing", institutions=1 << 2):
                move(world, act, values, *signers)
    with refuses("DuplicateSigner"):
        move(world, "create", values, (2, 0), (2, 0))


def test_reference_is_used_once_in_either_direction(world: Any, refuses: Any) -> None:
    bank = world.at["bank"]
    move(world, "create", (1, bank, 500, REFERENCE), (2, 0), (2, 1))
    with refuses("ReferenceUsed"):
        move(world, "create", (1, bank, 501, REFERENCE), (2, 0), (2, 1))
    with refuses("ReferenceUsed"):
        move(world, "withdraw", (1, bank, 500, REFERENCE), (2, 0), (2, 1))


def test_withdrawal_needs_the_holder(world: Any, refuses: Any) -> None:
    values = (1, world.at["bank"], 500, REFERENCE)
    with refuses("BadSignature", expected=world.at["bank"]):
        move(world, "withdraw", values, (2, 0), (2, 1), holder="dealer")


def test_only_for_participants_that_may(world: Any, refuses: Any) -> None:
    with refuses("AccountUnknown"):
        move(world, "create", (1, "0x" + "77" * 20, 1, REFERENCE), (2, 0), (2, 1))
    world.admit(2, level=3)
    with refuses("LevelForbids"):
        move(world, "create", (1, world.at["bank"], 1, REFERENCE), (2, 0), (2, 1))
    move(world, "withdraw", (1, world.at["bank"], 1, b"\x33" * 32), (2, 0), (2, 1))
    world.admit(2, level=4)
    with refuses("LevelForbids"):
        move(world, "withdraw", (1, world.at["bank"], 1, b"\x44" * 32), (2, 0), (2, 1))
    with refuses("AmountZero"):
        move(world, "create", (1, world.at["dealer"], 0, REFERENCE), (2, 0), (2, 1))
    with refuses("AmountTooLarge"):
        move(world, "create", (1, world.at["dealer"], 2**80, REFERENCE), (2, 0), (2, 1))


def test_participants_pay_each_other(world: Any, refuses: Any) -> None:
    world.cash.call("transfer", world.at["exchange"], 5, key=world.keys["bank"])
    world.admit(5, 3, level=3)
    world.cash.call("transfer", world.at["bank"], 1, key=world.keys["exchange"])
    with refuses("LevelForbids"):
        world.cash.call("transfer", world.at["exchange"], 5, key=world.keys["bank"])
    world.halt(4)
    with refuses("TokenHalted"):
        world.cash.call("transfer", world.at["dealer"], 5, key=world.keys["bank"])


def test_escrow_is_for_payments_alone(world: Any, refuses: Any) -> None:
    for name in ("escrow_in", "escrow_out"):
        with refuses("CallerNotAllowed"):
            world.cash.call(name, world.at["bank"], 1)
