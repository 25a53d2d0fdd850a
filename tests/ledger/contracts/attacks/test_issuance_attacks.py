"""Attacks on issuance: over-ceiling, and authorisation without the issuer."""

from __future__ import annotations

from typing import Any


def test_over_ceiling(world: Any, kit: Any, refuses: Any) -> None:
    """One cent too much, in one authorisation and spread over many."""
    headroom = world.programme.ask("headroom")
    largest = headroom * kit.RATE // 100_000_000
    assert -(-(largest + 1) * 100_000_000 // kit.RATE) > headroom
    with refuses("CeilingPassed"):
        world.authorise(world.authorisation("PK0000000001", largest + 1))
    for i in range(3):
        world.authorise(world.authorisation(f"PK000000001{i}", largest // 3))
    with refuses("CeilingPassed"):
        world.authorise(world.authorisation("PK0000000020", 5))
    assert world.programme.ask("used") <= world.programme.ask("ceiling")


def test_cheap_dollar_does_not_lift_the_ceiling(world: Any, refuses: Any) -> None:
    """The value is computed from nominal and rate; a smaller one is refused."""
    values = list(world.authorisation("PK0000000001", 10**18))
    values[5] = 1
    with refuses("ValueMismatch", given=1):
        world.authorise(tuple(values))


def test_authorisation_without_the_issuer(world: Any, refuses: Any) -> None:
    """Everybody but the ministry signs, in every capacity."""
    values = world.authorisation("PK0000000001", 1_000)
    others = (2, 3, 4, 5)
    seals = [world.capacity_seals(values, capacity, *others) for capacity in (1, 2, 3)]
    with refuses("SignersMissing", required=1 << 1):
        world.programme.call("authorise", values, *seals)
    seals[1] = world.capacity_seals(values, 2, 1, *others)
    with refuses("SignersMissing", required=1 << 1):
        world.programme.call("authorise", values, *seals)


def test_issue_beyond_what_is_left(world: Any, refuses: Any) -> None:
    with refuses("AuthorisationExceeded", left=400_000):
        world.issue(1, 400_001, world.at["issuer"])
