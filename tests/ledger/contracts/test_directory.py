"""Founding, announced changes and keys."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td


def announce(world: Any, change: tuple[Any, ...], *institutions: int) -> bytes:
    seals = world.seal(world.directory, td.CHANGE, change, *institutions)
    world.directory.call("announce_change", change, seals)
    return bytes(world.directory.domain.digest(td.CHANGE.hash(*change)))


def address_word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def test_founding_needs_the_quorum_and_happens_once(kit: Any, refuses: Any) -> None:
    world = kit.World(kit.BoaChain())
    world.deploy()
    addresses = [world.contracts[name].address for name in kit.FOUNDED]
    two = world.seal(world.directory, td.FOUNDING, addresses, 1, 2)
    with refuses("QuorumNotMet", required=3, present=2):
        world.directory.call("found", tuple(addresses), two)
    missing = [*addresses[:-1], kit.NOBODY]
    seals = world.seal(world.directory, td.FOUNDING, missing, 1, 2, 3)
    with refuses("FoundingIncomplete", contract_id=8):
        world.directory.call("found", tuple(missing), seals)
    with refuses("NotFounded"):
        world.open_day()
    seals = world.seal(world.directory, td.FOUNDING, addresses, 1, 2, 3)
    world.directory.call("found", tuple(addresses), seals)
    with refuses("AlreadyFounded"):
        world.directory.call("found", tuple(addresses), seals)
    assert world.directory.ask("contract_at", 6) == addresses[5]


def test_change_of_a_contract_waits_for_its_delay(world: Any, kit: Any, refuses: Any) -> None:
    item = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 10, 1)
    new = world.chain.deploy(kit.constructor("Settlement", world.directory.address))
    change = (1, 1, td.ChangeKind.CONTRACT, td.ContractId.SETTLEMENT.to_bytes(32, "big"),
              address_word(new))  # fmt: skip
    with refuses("ChangeNotAnnounced"):
        world.directory.call("execute_change", change)
    with refuses("QuorumNotMet", present=2):
        announce(world, change, 1, 2)
    digest = announce(world, change, 1, 2, 3)
    with refuses("ChangeAlreadyAnnounced"):
        announce(world, change, 1, 2, 3)
    with refuses("ChangeNotDue", change="0x" + digest.hex()):
        world.directory.call("execute_change", change)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    with refuses("ContractReplaced", contract_id=6, current=new):
        world.settle(item)
    assert world.bond.ask("balanceOf", world.at["bank"]) == 200_000
    replacement = kit.Contract(world.chain, "Settlement", new)
    world.contracts = {**world.contracts, "settlement": replacement}
    again = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 10, 1)
    world.settle(again)
    with refuses("ChangeNotAnnounced"):
        world.directory.call("execute_change", change)


@pytest.fixture(autouse=True)
def _put_back(world: Any) -> Any:
    contracts = world.contracts
    yield
    world.contracts = contracts


def test_cash_is_never_replaced(world: Any, refuses: Any) -> None:
    change = (1, 1, td.ChangeKind.CONTRACT, td.ContractId.CASH.to_bytes(32, "big"),
              address_word(world.bond.address))  # fmt: skip
    with refuses("ContractNotReplaceable", contract_id=4):
        announce(world, change, 1, 2, 3)


def test_cancelled_change_cannot_be_executed_or_announced_again(world: Any, refuses: Any) -> None:
    change = (1, 1, td.ChangeKind.QUORUM, bytes(32), (2).to_bytes(32, "big"))
    digest = announce(world, change, 1, 2, 3)
    seals = world.seal(world.directory, td.CHANGE_CANCELLATION, (digest, 1), 3, 4, 5)
    with refuses("WrongEpoch"):
        world.directory.call("cancel_change", digest, 2, seals)
    world.directory.call("cancel_change", digest, 1, seals)
    world.chain.wait(world.delay_seconds)
    with refuses("ChangeNotAnnounced"):
        world.directory.call("execute_change", change)
    with refuses("ChangeAlreadyAnnounced"):
        announce(world, change, 1, 2, 3)


def test_new_key_begins_an_epoch(world: Any, kit: Any, refuses: Any) -> None:
    key = kit.key_of("new person")
    change = (1, 1, td.ChangeKind.KEY, address_word(kit.address_of(key)), (3).to_bytes(32, "big"))
    announce(world, change, 1, 2, 3)
    stale = world.authorisation(world.isin, 10)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    assert world.directory.ask("institution_of", kit.address_of(key)) == 3
    assert world.directory.ask("epoch") == 2
    with refuses("WrongEpoch", given=1, current=2):
        world.authorise(stale)
    world.authorise(world.authorisation(world.isin, 10))


def test_lost_key_is_removed_at_once(world: Any, kit: Any, refuses: Any) -> None:
    lost = kit.address_of(world.key(1))
    [foreign] = world.sign(world.directory, td.KEY_REVOCATION, (lost, 1), world.key(2))
    with refuses("UnknownSigner"):
        world.directory.call("revoke_key", lost, 1, foreign)
    [signature] = world.sign(world.directory, td.KEY_REVOCATION, (lost, 1), world.key(1, 1))
    world.directory.call("revoke_key", lost, 1, signature)
    with refuses("UnknownSigner", signer=lost):
        world.freeze(world.bond.address, world.at["bank"], 1)


def test_quorum_must_be_possible(world: Any, refuses: Any) -> None:
    for quorum in (1, 6):
        change = (quorum, 1, td.ChangeKind.QUORUM, bytes(32), quorum.to_bytes(32, "big"))
        announce(world, change, 1, 2, 3)
        world.chain.wait(world.delay_seconds)
        with refuses("QuorumImpossible", quorum=quorum):
            world.directory.call("execute_change", change)


def test_capacities_change(world: Any, refuses: Any) -> None:
    mask = td.mask((td.Capacity.GUARDIAN,))
    change = (1, 1, td.ChangeKind.CAPACITIES, (1).to_bytes(32, "big"), mask.to_bytes(32, "big"))
    announce(world, change, 1, 2, 3)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    assert world.directory.ask("with_capacity", td.Capacity.ISSUER) == 0
    with refuses("SignersMissing"):
        world.authorise(world.authorisation(world.isin, 10))
    bad = (2, 2, td.ChangeKind.CAPACITIES, (64).to_bytes(32, "big"), bytes(32))
    announce(world, bad, 1, 2, 3)
    world.chain.wait(world.delay_seconds)
    with refuses("InstitutionUnknown", institution=64):
        world.directory.call("execute_change", bad)


def test_board_is_written_by_its_contracts_alone(world: Any, refuses: Any) -> None:
    calls = [("post_day", 1, 1), ("post_halt", 3, True), ("post_participant", 1, 0),
             ("post_account", world.at["bank"], 1), ("post_token", world.at["bank"])]  # fmt: skip
    for name, *arguments in calls:
        with refuses("CallerNotAllowed"):
            world.directory.call(name, *arguments)


def test_signers_refuses_strangers_and_doubles(world: Any, kit: Any, refuses: Any) -> None:
    digest = bytes(32)
    seal = td.sign(digest, world.key(1))
    assert world.directory.ask("signers", digest, [seal, td.sign(digest, world.key(1, 1))]) == (
        2, 2, 2,
    )  # fmt: skip
    with refuses("DuplicateSigner"):
        world.directory.ask("signers", digest, [seal, seal])
    with refuses("UnknownSigner"):
        world.directory.ask("signers", digest, [td.sign(digest, kit.key_of("stranger"))])
    with refuses("MalformedSignature", length=64):
        world.directory.ask("signers", digest, [seal[:64]])


def test_unknown_kind_and_unfounded(world: Any, kit: Any, refuses: Any) -> None:
    with refuses("ChangeKindUnknown", kind=9):
        announce(world, (1, 1, 9, bytes(32), bytes(32)), 1, 2, 3)
    with refuses("WrongEpoch"):
        announce(world, (1, 9, 1, bytes(32), bytes(32)), 1, 2, 3)
    fresh = kit.World(kit.BoaChain())
    fresh.deploy()
    with refuses("NotFounded"):
        announce(fresh, (1, 1, 1, bytes(32), bytes(32)), 1, 2, 3)
