"""Transfers of a security: every rule by a success and its refusals, in their order."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode

NOBODY = "0x" + "0" * 40


def send(world: Any, sender: str, receiver: str, amount: int) -> Any:
    return world.bond.call("transfer", world.at[receiver], amount, key=world.keys[sender])


def test_moves_and_tells(world: Any) -> None:
    outcome = send(world, "bank", "dealer", 50)
    assert world.bond.ask("balanceOf", world.at["bank"]) == 199_950
    assert world.bond.ask("balanceOf", world.at["dealer"]) == 100_050
    assert world.bond.events(outcome, "Transfer") == [
        {"sender": world.at["bank"], "receiver": world.at["dealer"], "value": 50}
    ]


def test_to_oneself_changes_nothing(world: Any) -> None:
    send(world, "bank", "bank", 200_000)
    assert world.bond.ask("balanceOf", world.at["bank"]) == 200_000


def test_to_a_new_holder(world: Any) -> None:
    send(world, "bank", "fund", 1)
    assert world.bond.ask("balanceOf", world.at["fund"]) == 1


@pytest.mark.parametrize(
    ("level", "sends", "receives"), [(1, True, True), (2, True, False), (3, True, False),
                                     (4, False, False)]
)  # fmt: skip
def test_levels(world: Any, refuses: Any, level: int, sends: bool, receives: bool) -> None:
    world.admit(2, level=level)
    for fine, sender, receiver in ((sends, "bank", "dealer"), (receives, "dealer", "bank")):
        assert world.bond.ask("canTransfer", world.at[sender], world.at[receiver], 1) == fine
        if fine:
            send(world, sender, receiver, 1)
        else:
            with refuses("LevelForbids", account=world.at["bank"], participant=2, level=level):
                send(world, sender, receiver, 1)
    assert world.bond.ask("canSend", world.at["bank"]) == sends
    assert world.bond.ask("canReceive", world.at["bank"]) == receives


def test_validity_has_a_last_day(world: Any, kit: Any, refuses: Any) -> None:
    world.admit(3, valid_until=kit.DAY_ONE)
    send(world, "bank", "dealer", 1)
    world.open_day(kit.DAY_ONE + 1)
    for sender, receiver in (("bank", "dealer"), ("dealer", "bank")):
        with refuses("ParticipantExpired", participant=3, valid_until=kit.DAY_ONE):
            send(world, sender, receiver, 1)


def test_class_of_the_receiver(world: Any, refuses: Any) -> None:
    with refuses("ClassNotAllowed", account=world.at["exchange"], participant_class=3):
        send(world, "bank", "exchange", 1)
    assert not world.bond.ask("canReceive", world.at["exchange"])
    assert world.bond.ask("canSend", world.at["exchange"])


def test_business_day(world: Any, kit: Any, refuses: Any) -> None:
    world.open_day(kit.DAY_ONE, td.Phase.BIDDING_CLOSED)
    send(world, "bank", "dealer", 1)
    world.open_day(kit.DAY_ONE, td.Phase.CLOSED)
    with refuses("DayNotOpen", day=kit.DAY_ONE, phase=3):
        send(world, "bank", "dealer", 1)


def test_maturity_ends_transfers(world: Any, kit: Any, refuses: Any) -> None:
    world.open_day(kit.MATURITY - 1)
    send(world, "bank", "dealer", 1)
    world.open_day(kit.MATURITY)
    with refuses("SecurityMatured", maturity_day=kit.MATURITY):
        send(world, "bank", "dealer", 1)


def test_halts(world: Any, refuses: Any) -> None:
    number = world.bond.ask("number")
    world.halt(number)
    with refuses("TokenHalted", token=world.bond.address):
        send(world, "bank", "dealer", 1)
    world.halt(number, False)
    world.halt(td.ContractId.PROGRAMME)
    with refuses("ProgrammeHalted"):
        send(world, "bank", "dealer", 1)
    world.halt(td.ContractId.PROGRAMME, False)
    send(world, "bank", "dealer", 1)


def test_balance(world: Any, refuses: Any) -> None:
    with refuses("ERC20InsufficientBalance", balance=200_000, needed=200_001):
        send(world, "bank", "dealer", 200_001)
    with refuses("ERC20InsufficientBalance", needed=2**256 - 1):
        send(world, "bank", "dealer", 2**256 - 1)


def test_freeze_in_part_and_whole(world: Any, refuses: Any) -> None:
    bank = world.at["bank"]
    world.freeze(world.bond.address, bank, 199_990)
    assert world.bond.ask("getFrozenTokens", bank) == 199_990
    send(world, "bank", "dealer", 10)
    with refuses("ERC7943InsufficientUnfrozenBalance", amount=1, unfrozen=0):
        send(world, "bank", "dealer", 1)
    send(world, "dealer", "bank", 5)
    send(world, "bank", "dealer", 5)
    world.freeze(world.bond.address, bank, 2**256 - 1)
    assert world.bond.ask("getFrozenTokens", bank) == 2**256 - 1
    send(world, "dealer", "bank", 5)
    assert world.bond.ask("availableOf", bank) == 0
    assert not world.bond.ask("canTransfer", bank, world.at["dealer"], 1)


def test_hold_and_release(world: Any, kit: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    hold = (bank, 150_000, dealer, 1, kit.DAY_ONE + 3)
    [wrong] = world.sign(world.bond, td.HOLD, hold, world.keys["dealer"])
    with refuses("BadSignature", expected=bank):
        world.bond.call("place_hold", hold, wrong)
    [signature] = world.sign(world.bond, td.HOLD, hold, world.keys["bank"])
    world.bond.call("place_hold", hold, signature)
    assert world.bond.ask("heldTokens", bank) == 150_000
    with refuses("HoldExists"):
        world.bond.call("place_hold", hold, signature)
    with refuses("ERC7943InsufficientUnfrozenBalance", unfrozen=50_000):
        send(world, "bank", "dealer", 50_001)
    send(world, "bank", "dealer", 50_000)
    digest = world.bond.domain.digest(td.HOLD.hash(*hold))
    [wrong] = world.sign(world.bond, td.HOLD_RELEASE, (digest,), world.keys["bank"])
    with refuses("BadSignature", expected=dealer):
        world.bond.call("release_hold", digest, wrong)
    [release] = world.sign(world.bond, td.HOLD_RELEASE, (digest,), world.keys["dealer"])
    world.bond.call("release_hold", digest, release)
    assert world.bond.ask("heldTokens", bank) == 0
    with refuses("HoldUnknown"):
        world.bond.call("release_hold", digest, release)
    with refuses("HoldExists"):
        world.bond.call("place_hold", hold, signature)


def test_hold_ends_with_its_last_day(world: Any, kit: Any, refuses: Any) -> None:
    hold = (world.at["bank"], 1, world.at["dealer"], 1, kit.DAY_ONE)
    [signature] = world.sign(world.bond, td.HOLD, hold, world.keys["bank"])
    world.bond.call("place_hold", hold, signature)
    digest = world.bond.domain.digest(td.HOLD.hash(*hold))
    with refuses("MalformedSignature"):
        world.bond.call("release_hold", digest, b"")
    world.open_day(kit.DAY_ONE + 1)
    world.bond.call("release_hold", digest, b"")
    late = (world.at["bank"], 1, world.at["dealer"], 2, kit.DAY_ONE)
    [signature] = world.sign(world.bond, td.HOLD, late, world.keys["bank"])
    with refuses("HoldExpired"):
        world.bond.call("place_hold", late, signature)


def test_allowance(world: Any, refuses: Any) -> None:
    bank, dealer, fund = (world.at[name] for name in ("bank", "dealer", "fund"))
    with refuses("ERC20InsufficientAllowance", allowance=0, needed=5):
        world.bond.call("transferFrom", bank, fund, 5, key=world.keys["dealer"])
    world.bond.call("approve", dealer, 5, key=world.keys["bank"])
    world.bond.call("transferFrom", bank, fund, 5, key=world.keys["dealer"])
    assert world.bond.ask("allowance", bank, dealer) == 0
    with refuses("ERC20InvalidSpender"):
        world.bond.call("approve", NOBODY, 5, key=world.keys["bank"])


def test_permit(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    deadline = world.chain.now() + 60
    [signature] = world.sign(world.bond, td.PERMIT, (bank, dealer, 7, 0, deadline),
                             world.keys["bank"])  # fmt: skip
    arguments = (bank, dealer, 7, deadline, signature[64], signature[:32], signature[32:64])
    world.bond.call("permit", *arguments)
    assert world.bond.ask("allowance", bank, dealer) == 7
    assert world.bond.ask("nonces", bank) == 1
    with refuses("ERC2612InvalidSigner", owner=bank):
        world.bond.call("permit", *arguments)
    world.chain.wait(61)
    with refuses("ERC2612ExpiredSignature"):
        world.bond.call("permit", *arguments)


def test_interfaces(world: Any) -> None:
    """Ids from EIP-165, EIP-20, EIP-2612 (as three functions) and EIP-7943 (fungible)."""
    for interface in ("01ffc9a7", "36372b07", "9d8ff7da", "3edbb4c4"):
        assert world.bond.ask("supportsInterface", bytes.fromhex(interface))
    assert not world.bond.ask("supportsInterface", bytes.fromhex("ffffffff"))


@pytest.mark.parametrize("amount", [0, 1, 200_000, 200_001, 2**256 - 1])
@pytest.mark.parametrize("sender", ["bank", "exchange", "stranger"])
@pytest.mark.parametrize("receiver", ["dealer", "fund", "exchange", "stranger"])
def test_views_never_revert_and_agree(world: Any, sender: str, receiver: str, amount: int) -> None:
    at = {**world.at, "stranger": "0x" + "77" * 20}
    reason = world.bond.ask("can_transfer", at[sender], at[receiver], amount)
    allowed = world.bond.ask("canTransfer", at[sender], at[receiver], amount)
    if reason == b"":
        assert allowed
    elif not allowed:
        assert decode(reason).name in ("AccountUnknown", "ClassNotAllowed")
    else:
        assert decode(reason).name == "ERC20InsufficientBalance"
    assert world.bond.ask("canSend", at["stranger"]) is False
    assert world.bond.ask("canReceive", at["stranger"]) is False


def test_only_the_named_contracts_move_holdings(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    calls = [
        ("setFrozenTokens", bank, 1),
        ("forcedTransfer", bank, dealer, 1),
        ("reregister", bank, dealer),
        ("settle_leg", bank, dealer, 1, 0),
        ("settle_net", [bank], [0], [0]),
        ("mint", bank, 1),
        ("burn", bank, 1),
        ("redeem", bank, 1),
    ]
    for name, *arguments in calls:
        with refuses("CallerNotAllowed"):
            world.bond.call(name, *arguments, key=world.keys["bank"])
