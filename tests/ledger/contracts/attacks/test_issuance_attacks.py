"""Attacks on issuance: over-ceiling, and authorisation without the issuer."""

from __future__ import annotations

from typing import Any

from amanat.ledger import typed_data as td

NEW = "PK0440020308"


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


def _release(world: Any, authorisation: int, nominal: int) -> None:
    values = (world.number(), 1, authorisation, nominal)
    seals = world.seal(world.programme, td.HEADROOM_RELEASE, values, 1, 5)
    world.programme.call("release_headroom", values, seals)


def _redeem_all(world: Any, kit: Any, nominal: int) -> None:
    """The issuer's own holding of `NEW`, redeemed at its maturity."""
    world.open_day(kit.MATURITY)
    tree = td.EntitlementTree([td.Entitlement(0, world.at["issuer"], nominal, nominal, 0)])
    values = (1, world.security(NEW).address, 2, kit.MATURITY, tree.root, nominal, 1,
              world.at["issuer"], world.at["exchange"])  # fmt: skip
    seals = world.seal(world.payments, td.FUNDING, values, 1, 2)
    [own] = world.sign(world.payments, td.FUNDING, values, world.keys["issuer"])
    run = world.payments.ask("next_run")
    world.payments.call("fund", values, own, seals)
    world.payments.call("pay_chunk", run, 0, *tree.chunk(0))
    assert world.security(NEW).ask("redeemed") == nominal


def test_two_rates_do_not_free_more_than_was_authorised(world: Any, kit: Any, refuses: Any) -> None:
    """Issued at 10,000 to the dollar and redeemed; 1,000 at 1 to the dollar never issued.

    An average over both would free USD 500 for the redeemed and USD 1,000 for the rest: more than
    the USD 1,000.10 that they take of the ceiling, at the cost of the other securities.
    """
    before = world.programme.ask("used")
    world.authorise(world.authorisation(NEW, 1_000, rate=10_000_000_000))
    world.authorise(world.authorisation(NEW, 1_000, rate=1_000_000))
    assert world.programme.ask("used") - before == 10 + 100_000
    world.issue(2, 1_000, world.at["issuer"])
    _redeem_all(world, kit, 1_000)
    for _ in range(2):
        world.programme.call("release_redeemed", kit.word(NEW))
        assert world.programme.ask("used") - before == 100_000
    _release(world, 3, 1_000)
    assert world.programme.ask("used") == before
    for number in (2, 3):
        with refuses("AuthorisationExceeded"):
            _release(world, number, 1)


def test_rounding_never_frees_too_much(world: Any, kit: Any) -> None:
    """Parts are rounded down; what is issued keeps at least its value, to the last cent."""
    before = world.programme.ask("used")
    world.authorise(world.authorisation(NEW, 7, rate=300_000_000))  # 3 cents for 7 units
    world.issue(2, 3, world.at["issuer"])
    for _ in range(4):
        _release(world, 2, 1)
        assert world.programme.ask("used") - before >= 1
    _redeem_all(world, kit, 3)
    world.programme.call("release_redeemed", kit.word(NEW))
    assert world.programme.ask("used") == before


def test_nothing_is_cancelled_after_the_maturity(world: Any, kit: Any, refuses: Any) -> None:
    """Else what was freed for the redeemed could be freed again for the cancelled."""
    world.open_day(kit.MATURITY)
    values = (901, 1, 1, 1, world.at["issuer"])
    seals = world.seal(world.programme, td.UNSOLD_CANCELLATION, values, 1, 5)
    [own] = world.sign(world.programme, td.UNSOLD_CANCELLATION, values, world.keys["issuer"])
    with refuses("SecurityMatured", maturity_day=kit.MATURITY):
        world.programme.call("cancel_unsold", values, own, seals)


def test_absurd_rate(world: Any, refuses: Any) -> None:
    """A rate near 2**256 would overflow, and a view could not say why."""
    for rate in (2**128, 2**256 - 1):
        values = world.authorisation(NEW, 1_000, rate=rate)
        with refuses("RateInvalid", rate=rate):
            world.authorise(values)
        assert world.programme.ask("can_authorise", values) != b""


def test_issue_beyond_what_is_left(world: Any, refuses: Any) -> None:
    with refuses("AuthorisationExceeded", left=400_000):
        world.issue(1, 400_001, world.at["issuer"])
