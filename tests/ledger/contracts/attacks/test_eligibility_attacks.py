"""Attack: self-declared eligibility."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td


def test_self_declared_eligibility(world: Any, kit: Any, refuses: Any) -> None:
    """A stranger admits itself, with its own key and with another class's authority."""
    stranger = kit.key_of("stranger")
    at = kit.address_of(stranger)
    values = (901, 1, 99, kit.BANKS, kit.PAKISTAN, 1, 30_000)
    seals = world.sign(world.eligibility, td.PARTICIPANT, values, stranger)
    with refuses("UnknownSigner", signer=at):
        world.eligibility.call("set_participant", values, seals, key=stranger)
    seals = world.sign(world.eligibility, td.PARTICIPANT, values, world.key(4), world.key(4, 1))
    with refuses("SignersMissing", required=1 << kit.CENTRAL_BANK):
        world.eligibility.call("set_participant", values, seals, key=stranger)
    opening = (902, 1, 2, [at])
    seals = world.sign(world.eligibility, td.ACCOUNT_OPENING, opening, stranger)
    with refuses("UnknownSigner"):
        world.eligibility.call("open_accounts", opening, seals, key=stranger)
    for name, *arguments in (("post_participant", 99, 2**63), ("post_account", at, 2)):
        with refuses("CallerNotAllowed", caller=at):
            world.directory.call(name, *arguments, key=stranger)
    with refuses("AccountUnknown", account=at):
        world.bond.call("transfer", at, 1, key=world.keys["bank"])
