"""Participants and accounts: each class written by its authority."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td


def set_participant(world: Any, values: tuple[Any, ...], *signers: tuple[int, int]) -> Any:
    keys = [world.key(*one) for one in signers]
    seals = world.sign(world.eligibility, td.PARTICIPANT, values, *keys)
    return world.eligibility.call("set_participant", values, seals)


def test_one_act_changes_a_participant_everywhere(world: Any) -> None:
    world.admit(2, level=4)
    for token in (world.bond, world.cash):
        assert not token.ask("canSend", world.at["bank"])
    assert world.eligibility.ask("standing_of", 2) == (4, 1, 586, 30_000)


def test_suspension_needs_one_key_and_lifting_two(world: Any, refuses: Any) -> None:
    set_participant(world, (901, 1, 2, 1, 586, 4, 30_000), (2, 0))
    with refuses("SecondKeyMissing"):
        set_participant(world, (902, 1, 2, 1, 586, 1, 30_000), (2, 0))
    with refuses("SignersMissing"):
        set_participant(world, (902, 1, 2, 1, 586, 1, 30_000), (5, 0), (5, 1))
    set_participant(world, (902, 1, 2, 1, 586, 1, 30_000), (2, 0), (5, 0))


def test_longer_validity_is_a_grant_and_shorter_is_not(world: Any, refuses: Any) -> None:
    set_participant(world, (901, 1, 2, 1, 586, 1, 29_000), (2, 0))
    with refuses("SecondKeyMissing"):
        set_participant(world, (902, 1, 2, 1, 586, 1, 29_001), (2, 0))


@pytest.mark.parametrize(("participant_class", "authority"), [(1, 2), (2, 3), (3, 4)])
def test_each_class_has_its_authority(
    world: Any, refuses: Any, participant_class: int, authority: int
) -> None:
    values = (901, 1, 77, participant_class, 586, 1, 30_000)
    for other in {1, 2, 3, 4, 5} - {authority}:
        with refuses("SignersMissing", required=1 << authority):
            set_participant(world, values, (other, 0), (other, 1))
    set_participant(world, values, (authority, 0), (authority, 1))


def test_change_of_class_needs_both_authorities(world: Any, refuses: Any) -> None:
    values = (901, 1, 4, 1, 586, 1, 30_000)
    with refuses("SignersMissing", required=1 << 3):
        set_participant(world, values, (2, 0), (2, 1))
    set_participant(world, values, (2, 0), (2, 1), (3, 0))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((0, 1, 586, 1, 1), "ParticipantNumberInvalid"),
        ((2**32 - 1, 1, 586, 1, 1), "ParticipantNumberInvalid"),
        ((9, 9, 586, 1, 1), "ClassUnknown"),
        ((9, 256, 586, 1, 1), "ClassUnknown"),
        ((9, 1, 586, 0, 1), "LevelUnknown"),
        ((9, 1, 586, 5, 1), "LevelUnknown"),
        ((9, 1, 65_536, 1, 1), "ParticipantFieldInvalid"),
        ((9, 1, 586, 1, 2**32), "ParticipantFieldInvalid"),
    ],
)
def test_fields(world: Any, refuses: Any, values: tuple[int, ...], name: str) -> None:
    with refuses(name):
        set_participant(world, (901, 1, *values), (2, 0), (2, 1))


def test_accounts(world: Any, kit: Any, refuses: Any) -> None:
    new = kit.address_of(kit.key_of("second account"))
    outcome = world.open_accounts(2, [new])
    assert world.eligibility.events(outcome, "AccountOpened") == [
        {"account": new, "participant": 2}
    ]
    assert world.eligibility.ask("participant_of", new) == 2
    with refuses("AccountTaken", account=new, participant=2):
        world.open_accounts(3, [new])
    with refuses("ParticipantUnknown", participant=99):
        world.open_accounts(99, [kit.address_of(kit.key_of("third account"))])
    for account in (kit.NOBODY, world.bond.address):
        with refuses("AccountInvalid"):
            world.open_accounts(2, [account])
    values = (903, 1, 2, [kit.address_of(kit.key_of("third account"))])
    seals = world.seal(world.eligibility, td.ACCOUNT_OPENING, values, kit.CENTRAL_BANK)
    with refuses("SecondKeyMissing"):
        world.eligibility.call("open_accounts", values, seals)


def test_closed_account_neither_sends_nor_receives(world: Any, refuses: Any) -> None:
    bank = world.at["bank"]
    values = (901, 1, bank)
    seals = world.seal(world.eligibility, td.ACCOUNT_CLOSING, values, 3)
    with refuses("SignersMissing"):
        world.eligibility.call("close_account", values, [], seals)
    seals = world.seal(world.eligibility, td.ACCOUNT_CLOSING, values, 5)
    with refuses("SecurityUnknown"):
        world.eligibility.call("close_account", values, [world.directory.address], seals)
    world.eligibility.call("close_account", values, [world.bond.address], seals)
    with refuses("AccountClosed", account=bank):
        world.bond.call("transfer", world.at["dealer"], 1, key=world.keys["bank"])
    world.cash.call("sync_account", bank)
    with refuses("AccountClosed", account=bank):
        world.cash.call("transfer", bank, 1, key=world.keys["dealer"])
    again = (902, 1, bank)
    seals = world.seal(world.eligibility, td.ACCOUNT_CLOSING, again, 5)
    with refuses("AccountClosed"):
        world.eligibility.call("close_account", again, [], seals)
    unknown = (902, 1, "0x" + "77" * 20)
    seals = world.seal(world.eligibility, td.ACCOUNT_CLOSING, unknown, 5)
    with refuses("AccountUnknown"):
        world.eligibility.call("close_account", unknown, [], seals)


def test_class_moves_to_another_authority(world: Any, refuses: Any) -> None:
    values = (901, 1, 1, 3)
    seals = world.seal(world.eligibility, td.CLASS_AUTHORITY, values, 3, 1)
    with refuses("SignersMissing"):
        world.eligibility.call("set_class_authority", values, seals)
    seals = world.seal(world.eligibility, td.CLASS_AUTHORITY, values, 3, 1, 2)
    world.eligibility.call("set_class_authority", values, seals)
    set_participant(world, (902, 1, 78, 1, 586, 1, 30_000), (3, 0), (3, 1))
