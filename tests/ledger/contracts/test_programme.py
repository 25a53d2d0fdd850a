"""The ceiling, authorisations, issue and its undoing, reserves and halts."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode

NEW = "PK0440020308"


def authorise(world: Any, values: tuple[Any, ...], one: Any = (1,), two: Any = (2, 3),
              three: Any = (5,)) -> Any:  # fmt: skip
    seals = [world.capacity_seals(values, i + 1, *who) for i, who in enumerate((one, two, three))]
    return world.programme.call("authorise", values, *seals)


def test_authorisation_creates_the_security_once(world: Any, kit: Any) -> None:
    values = world.authorisation(NEW, 1_000)
    assert world.programme.ask("can_authorise", values) == b""
    before = world.programme.ask("used")
    outcome = authorise(world, values)
    [created] = world.programme.events(outcome, "SecurityCreated")
    assert created["security"] == world.security(NEW).address
    assert world.programme.ask("used") == before + values[5]
    security = world.security(NEW)
    assert security.ask("symbol") == NEW
    assert security.ask("name") == f"GOP/7 {NEW}"
    assert security.ask("isin") == kit.word(NEW)
    assert (security.ask("decimals"), security.ask("totalSupply")) == (0, 0)
    assert world.directory.ask("token_number", security.address) == security.ask("number") == 17
    again = authorise(world, world.authorisation(NEW, 500))
    assert world.programme.events(again, "SecurityCreated") == []
    assert world.programme.ask("nominal_of", kit.word(NEW)) == 1_500


@pytest.mark.parametrize("missing", ["one", "two", "three"])
def test_no_quorum_replaces_a_mandatory_signer(world: Any, refuses: Any, missing: str) -> None:
    values = world.authorisation(NEW, 1_000)
    everyone = {"one": (1, 2, 3, 4, 5), "two": (1, 2, 3, 4, 5), "three": (1, 2, 3, 4, 5)}
    without = {"one": (2, 3, 4, 5), "two": (1, 2, 4, 5), "three": (1, 2, 3, 4)}
    with refuses("SignersMissing"):
        authorise(world, values, **{**everyone, missing: without[missing]})
    authorise(world, values, **everyone)


def test_capacity_is_part_of_what_is_signed(world: Any, refuses: Any) -> None:
    values = world.authorisation(NEW, 1_000)
    clearing = world.capacity_seals(values, 1, 2, 3)
    with refuses("UnknownSigner"):
        world.programme.call("authorise", values, world.capacity_seals(values, 1, 1), clearing,
                             world.capacity_seals(values, 3, 5))  # fmt: skip


def test_refusals_of_the_authorisation_itself(world: Any, kit: Any, refuses: Any) -> None:
    good = world.authorisation(NEW, 1_000)

    def changed(**fields: Any) -> tuple[Any, ...]:
        names = [name for name, _ in td.AUTHORISATION.fields]
        values = list(good)
        for name, value in fields.items():
            values[names.index(name)] = value
        return tuple(values)

    cases = [
        ("KindUnknown", changed(kind=7)),
        ("AuthorisationNumberUsed", changed(number=1)),
        ("AuthorisationNumberUsed", changed(number=3)),
        ("AuthorisationExpired", changed(expiry_day=kit.DAY_ONE - 1)),
        ("AmountZero", changed(nominal=0)),
        ("AmountTooLarge", changed(nominal=2**80)),
        ("RateInvalid", changed(rate=0)),
        ("RateInvalid", changed(rate_day=kit.DAY_ONE + 1)),
        ("ValueMismatch", changed(usd_value=good[5] - 1)),
        ("WrongEpoch", changed(epoch=2)),
        ("TermsDiffer", changed(isin=kit.word(world.isin))),
    ]
    for name, values in cases:
        assert decode(world.programme.ask("can_authorise", values)).name == name
        with refuses(name):
            authorise(world, values)
    authorise(world, good)
    assert decode(world.programme.ask("can_authorise", good)).name == "ActSpent"


def test_withdrawal_until_execution(world: Any, refuses: Any) -> None:
    values = world.authorisation(NEW, 1_000)
    digest = world.programme.domain.digest(td.AUTHORISATION.hash(*values, 0))
    seals = world.seal(world.programme, td.AUTHORISATION_WITHDRAWAL, (digest, 1), 3)
    with refuses("QuorumNotMet"):
        world.programme.call("withdraw_authorisation", digest, 1, [])
    world.programme.call("withdraw_authorisation", digest, 1, seals)
    with refuses("ActWithdrawn", institution=3):
        authorise(world, values)
    renewed = world.authorisation(NEW, 1_000, expiry=29_999)
    authorise(world, renewed)
    digest = world.programme.domain.digest(td.AUTHORISATION.hash(*renewed, 0))
    seals = world.seal(world.programme, td.AUTHORISATION_WITHDRAWAL, (digest, 1), 3)
    with refuses("ActSpent"):
        world.programme.call("withdraw_authorisation", digest, 1, seals)


def test_issue_within_the_authorisation(world: Any, kit: Any, refuses: Any) -> None:
    issuer = world.at["issuer"]
    world.issue(1, 400_000, issuer)
    with refuses("AuthorisationExceeded", asked=1, left=0):
        world.issue(1, 1, issuer)
    with refuses("AuthorisationUnknown", number=9):
        world.issue(9, 1, issuer)
    assert world.bond.ask("totalSupply") == 1_000_000
    authorise(world, world.authorisation(world.isin, 100, expiry=kit.DAY_ONE))
    with refuses("AmountZero"):
        world.issue(2, 0, issuer)
    with refuses("ClassNotAllowed"):
        world.issue(2, 1, world.at["exchange"])
    values = (901, 1, 2, 1, issuer)
    for who in ((1,), (5,), (1, 2, 3, 4)):
        seals = world.seal(world.programme, td.ISSUE, values, *who)
        with refuses("SignersMissing"):
            world.programme.call("issue", values, seals)
    world.open_day(kit.DAY_ONE + 1)
    with refuses("AuthorisationExpired", number=2):
        world.issue(2, 1, issuer)


def test_unsold_is_cancelled_and_issued_again(world: Any, refuses: Any) -> None:
    issuer = world.at["issuer"]
    values = (901, 1, 1, 300_000, issuer)
    seals = world.seal(world.programme, td.UNSOLD_CANCELLATION, values, 1, 5)
    [wrong] = world.sign(world.programme, td.UNSOLD_CANCELLATION, values, world.keys["bank"])
    with refuses("BadSignature", expected=issuer):
        world.programme.call("cancel_unsold", values, wrong, seals)
    [own] = world.sign(world.programme, td.UNSOLD_CANCELLATION, values, world.keys["issuer"])
    world.programme.call("cancel_unsold", values, own, seals)
    assert world.bond.ask("totalSupply") == 300_000
    world.issue(1, 700_000, issuer)
    more = (902, 1, 1, 1_000_001, issuer)
    seals = world.seal(world.programme, td.UNSOLD_CANCELLATION, more, 1, 5)
    [own] = world.sign(world.programme, td.UNSOLD_CANCELLATION, more, world.keys["issuer"])
    with refuses("AuthorisationExceeded"):
        world.programme.call("cancel_unsold", more, own, seals)


def test_release_of_headroom(world: Any, refuses: Any) -> None:
    before = world.programme.ask("headroom")

    def release(nominal: int) -> None:
        values = (world.number(), 1, 1, nominal)
        seals = world.seal(world.programme, td.HEADROOM_RELEASE, values, 1, 5)
        world.programme.call("release_headroom", values, seals)

    with refuses("AuthorisationExceeded", left=400_000):
        release(400_001)
    with refuses("AmountZero"):
        release(0)
    release(400_000)
    _, _, nominal, usd_value, issued, _ = world.programme.ask("authorised", 1)
    assert (nominal, issued) == (600_000, 600_000)
    # 1,000,000 at 157.25 is USD 6,359.31 rounded up to 635,931 cents; two fifths are freed.
    assert world.programme.ask("headroom") - before == 635_931 * 400_000 // 1_000_000
    assert world.programme.ask("used") == usd_value


def test_ceiling(world: Any, refuses: Any) -> None:
    used = world.programme.ask("used")

    def set_ceiling(number: int, ceiling: int, *who: int) -> None:
        seals = world.seal(world.programme, td.CEILING_CHANGE, (number, 1, ceiling), *who)
        world.programme.call("set_ceiling", number, 1, ceiling, seals)

    with refuses("SignersMissing"):
        set_ceiling(901, used, 1, 3, 4, 5)
    with refuses("CeilingBelowUse", used=used):
        set_ceiling(901, used - 1, 1, 2)
    set_ceiling(901, used, 1, 2)
    with refuses("CeilingPassed", used=used, ceiling=used):
        authorise(world, world.authorisation(NEW, 1))
    assert world.programme.ask("headroom") == 0


def test_rule_of_a_kind(world: Any, refuses: Any) -> None:
    rule = (7, 1 << 4, 1 << 5)
    values = (901, 1, *rule)
    seals = world.seal(world.programme, td.KIND_RULE, values, 1, 5)
    with refuses("SignersMissing"):
        world.programme.call("set_kind_rule", 901, 1, rule, seals)
    seals = world.seal(world.programme, td.KIND_RULE, values, 1, 4, 5)
    world.programme.call("set_kind_rule", 901, 1, rule, seals)
    assert world.programme.ask("rule_of", 7) == rule
    authorise(world, world.authorisation(NEW, 1, kind=7), two=(4,))
    nobody = (7, 0, 1 << 5)
    seals = world.seal(world.programme, td.KIND_RULE, (902, 1, *nobody), 1, 4, 5)
    with refuses("SignersMissing"):
        world.programme.call("set_kind_rule", 902, 1, nobody, seals)


def test_reserves_and_evidence(kit: Any, refuses: Any) -> None:
    world = kit.World(kit.BoaChain(), attestors=td.mask((kit.PVARA, kit.DEPOSITORY))).found()
    world.open_day()

    def attest(reserves: int, valid_until: int, *who: int) -> None:
        values = (world.number(), 1, reserves, valid_until)
        seals = world.seal(world.programme, td.RESERVE_ATTESTATION, values, *who)
        world.programme.call("attest_reserves", values, seals)

    values = world.authorisation(NEW, 1_000_000)
    with refuses("EvidenceLapsed", valid_until=0):
        authorise(world, values)
    with refuses("SignersMissing"):
        attest(values[5], kit.DAY_ONE, 4)
    attest(values[5] - 1, kit.DAY_ONE, 4, 5)
    with refuses("ReservesShort", required=values[5]):
        authorise(world, values)
    attest(values[5], kit.DAY_ONE, 4, 5)
    authorise(world, values)
    with refuses("ReservesSound"):
        world.programme.call("halt_for_reserves")
    attest(values[5] - 1, kit.DAY_ONE, 4, 5)
    world.programme.call("halt_for_reserves")
    assert world.directory.ask("is_halted", 3)
    with refuses("ReservesShort"):
        world.halt(3, False)
    attest(values[5], kit.DAY_ONE, 4, 5)
    world.halt(3, False)
    world.open_day(kit.DAY_ONE + 1)
    world.programme.call("halt_for_reserves")
    with refuses("EvidenceLapsed"):
        world.halt(3, False)


def test_one_guardian_halts_and_two_resume(world: Any, refuses: Any) -> None:
    def set_halt(halted: bool, *who: int) -> None:
        values = (world.number(), 1, 6, halted, bytes(32))
        seals = world.seal(world.programme, td.HALT, values, *who)
        world.programme.call("set_halt", values, seals)

    with refuses("NotHalted", contract_id=6):
        set_halt(False, 1, 2)
    with refuses("QuorumNotMet", required=1, present=0):
        set_halt(True, 3, 4, 5)
    set_halt(True, 1)
    with refuses("QuorumNotMet", required=2, present=1):
        set_halt(False, 1, 3)
    set_halt(False, 1, 2)


def test_halted_programme_neither_authorises_nor_issues(world: Any, refuses: Any) -> None:
    world.halt(3)
    with refuses("ProgrammeHalted"):
        authorise(world, world.authorisation(NEW, 1))
    with refuses("ProgrammeHalted"):
        world.issue(1, 1, world.at["issuer"])
