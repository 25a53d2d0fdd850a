"""ERC-20 transfers of a security: every rule by a success and its refusals."""

from __future__ import annotations

from typing import Any


def test_moves_and_tells(world: Any) -> None:
    outcome = world.bond.call("transfer", world.at["dealer"], 50, key=world.keys["bank"])
    assert world.bond.ask("balanceOf", world.at["bank"]) == 199_950
    assert world.bond.ask("balanceOf", world.at["dealer"]) == 100_050
    assert world.bond.events(outcome, "Transfer") == [
        {"sender": world.at["bank"], "receiver": world.at["dealer"], "value": 50}
    ]


def test_to_oneself_changes_nothing(world: Any) -> None:
    world.bond.call("transfer", world.at["bank"], 200_000, key=world.keys["bank"])
    assert world.bond.ask("balanceOf", world.at["bank"]) == 200_000
