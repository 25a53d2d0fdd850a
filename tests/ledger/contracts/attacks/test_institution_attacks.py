"""Attacks by institutions: a quorum of others, acts that were signed and kept back, one alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import vyper

from amanat.ledger import refusals
from amanat.ledger import typed_data as td
from amanat.ledger.wire import keccak

NEW = "PK0440020308"


def word(value: str | int) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else _address(value)


def _address(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def announce(world: Any, change: tuple[Any, ...], *institutions: int) -> bytes:
    seals = world.seal(world.directory, td.CHANGE, change, *institutions)
    world.directory.call("announce_change", change, seals)
    return bytes(world.directory.domain.digest(td.CHANGE.hash(*change)))


def cancel(world: Any, digest: bytes, *institutions: int) -> None:
    seals = world.seal(world.directory, td.CHANGE_CANCELLATION, (digest, 1), *institutions)
    world.directory.call("cancel_change", digest, 1, seals)


def changes(world: Any, kit: Any, at: str) -> dict[str, tuple[Any, ...]]:
    """What a quorum without the ministry may try in order to issue in its stead."""
    kind, mask = td.ChangeKind, td.mask((td.Capacity.ISSUER, td.Capacity.AUCTIONEER))
    stranger = kit.address_of(kit.key_of("stranger"))
    return {
        "a key in its name": (1, 1, kind.KEY, word(stranger), word(1)),
        "its key removed": (1, 1, kind.KEY, word(kit.address_of(world.key(1))), word(0)),
        "its capacity taken": (1, 1, kind.CAPACITIES, word(1), word(0)),
        "another issuer": (1, 1, kind.CAPACITIES, word(2), word(mask)),
        "another programme": (1, 1, kind.CONTRACT, word(3), word(at)),
        "another quorum": (1, 1, kind.QUORUM, word(0), word(2)),
    }


@pytest.mark.parametrize(
    "what",
    ["a key in its name", "its key removed", "its capacity taken", "another issuer",
     "another programme", "another quorum"],
)  # fmt: skip
def test_a_quorum_of_others_does_not_replace_the_issuer(
    world: Any, kit: Any, refuses: Any, what: str
) -> None:
    """Whoever would be replaced has the delay to object, alone; others have not."""
    change = changes(world, kit, world.bond.address)[what]
    digest = announce(world, change, 2, 3, 4)
    with refuses("QuorumNotMet", required=3, present=1):
        cancel(world, digest, 4)
    cancel(world, digest, 1)
    world.chain.wait(world.delay_seconds)
    with refuses("ChangeNotAnnounced"):
        world.directory.call("execute_change", change)


def test_a_change_without_objection_is_carried_out(world: Any, kit: Any) -> None:
    """An institution whose keys are all lost gets a new one from the others."""
    change = changes(world, kit, world.bond.address)["a key in its name"]
    announce(world, change, 2, 3, 4)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    assert world.directory.ask("institution_of", kit.address_of(kit.key_of("stranger"))) == 1


def test_a_replaced_calendar_does_not_turn_back(world: Any, kit: Any, refuses: Any) -> None:
    new = world.chain.deploy(kit.constructor("BusinessDay", world.directory.address, 18_000))
    change = (1, 1, td.ChangeKind.CONTRACT, word(1), word(new))
    announce(world, change, 1, 2, 3)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    calendar = kit.Contract(world.chain, "BusinessDay", new)
    for day in (kit.DAY_ONE - 1, kit.DAY_ONE, kit.DAY_ONE + 1):
        seals = world.seal(calendar, td.DAY_ADVANCE, (1, day, 1), 2, 5)
        if day > kit.DAY_ONE:
            calendar.call("advance", (1, day, 1), seals)
        else:
            with refuses("DayNotForward", current_day=kit.DAY_ONE):
                calendar.call("advance", (1, day, 1), seals)


@pytest.mark.parametrize("day", [-1, 0, 1])
def test_code_of_another_in_the_calendars_place_does_not_turn_back(
    world: Any, kit: Any, refuses: Any, day: int
) -> None:
    """A quorum may name any code: the Directory itself lets days go forward alone."""
    source = (Path(__file__).parents[1] / "rogue_calendar.vy").read_text()
    code = bytes.fromhex(vyper.compile_code(source, output_formats=["bytecode"])["bytecode"][2:])
    rogue = world.chain.deploy(code + _address(world.directory.address))
    change = (1, 1, td.ChangeKind.CONTRACT, word(1), word(rogue))
    announce(world, change, 1, 2, 3)
    world.chain.wait(world.delay_seconds)
    world.directory.call("execute_change", change)
    to = kit.DAY_ONE + day
    calldata = keccak(b"move(uint256,uint256)")[:4] + word(to) + word(1)
    outcome = world.chain.send(rogue, calldata, None, None)
    if day > 0:
        assert outcome.success
        assert tuple(world.directory.ask("today")) == (to, 1)
    else:
        with refuses("DayNotForward", current_day=kit.DAY_ONE):
            raise refusals.decode(outcome.output)


# Signed and kept back.


def test_withheld_grant_does_not_lift_a_suspension(world: Any, refuses: Any) -> None:
    """Two keys signed an admission that was never sent; a suspension came afterwards."""

    def act(number: int, level: int, *persons: int) -> tuple[Any, Any]:
        values = (number, 1, 2, 1, 586, level, 30_000)
        keys = [world.key(2, person) for person in persons]
        return values, world.sign(world.eligibility, td.PARTICIPANT, values, *keys)

    withheld, suspension, renewed = act(900, 1, 0, 1), act(901, 4, 0), act(902, 1, 0, 1)
    world.eligibility.call("set_participant", *suspension)
    with refuses("ActSuperseded", number=900, last=901):
        world.eligibility.call("set_participant", *withheld)
    world.eligibility.call("set_participant", *renewed)
    # What only takes away always gets through, whenever it was signed.
    world.eligibility.call("set_participant", *act(10, 4, 0))
    assert world.eligibility.ask("standing_of", 2)[0] == 4


def test_withheld_resumption_does_not_undo_a_halt(world: Any, refuses: Any) -> None:
    def act(number: int, halted: bool) -> tuple[Any, Any]:
        values = (number, 1, 6, halted, bytes(32))
        return values, world.seal(world.programme, td.HALT, values, 1, 2)

    world.programme.call("set_halt", *act(900, True))
    withheld = act(901, False)
    world.programme.call("set_halt", *act(902, False))
    world.programme.call("set_halt", *act(903, True))
    with refuses("ActSuperseded", number=901, last=903):
        world.programme.call("set_halt", *withheld)
    world.programme.call("set_halt", *act(904, False))


def test_withheld_release_does_not_undo_a_freeze(world: Any, refuses: Any) -> None:
    bond, bank = world.bond.address, world.at["bank"]
    release = world.order(td.OrderKind.FREEZE, bond, bank, amount=0)
    world.freeze(bond, bank, 200_000)
    with refuses("ActSuperseded"):
        world.orders.call("execute", *release)
    assert world.bond.ask("getFrozenTokens", bank) == 200_000
    # Freezes of other holdings have an order of their own.
    other = world.order(td.OrderKind.FREEZE, bond, world.at["dealer"], amount=1)
    world.freeze(bond, bank, 0)
    world.orders.call("execute", *other)


def test_withheld_ceiling_does_not_come_back(world: Any, refuses: Any) -> None:
    used = world.programme.ask("used")

    def set_ceiling(number: int, ceiling: int) -> None:
        seals = world.seal(world.programme, td.CEILING_CHANGE, (number, 1, ceiling), 1, 2)
        world.programme.call("set_ceiling", number, 1, ceiling, seals)

    set_ceiling(901, used)
    with refuses("ActSuperseded", number=900, last=901):
        set_ceiling(900, 10**18)


def test_withheld_rule_and_attestation_do_not_come_back(kit: Any, refuses: Any) -> None:
    world = kit.World(kit.BoaChain(), attestors=td.mask((4, 5))).found()
    world.open_day()

    def attest(number: int, reserves: int) -> None:
        values = (number, 1, reserves, 30_000)
        seals = world.seal(world.programme, td.RESERVE_ATTESTATION, values, 4, 5)
        world.programme.call("attest_reserves", values, seals)

    attest(901, 5)
    with refuses("ActSuperseded", number=900, last=901):
        attest(900, 10**9)

    def set_rule(number: int, clearances: int) -> None:
        rule = (7, clearances, 1 << 5)
        seals = world.seal(world.programme, td.KIND_RULE, (number, 1, *rule), 1, 3, 4, 5)
        world.programme.call("set_kind_rule", number, 1, rule, seals)

    set_rule(901, 1 << 3 | 1 << 4)
    with refuses("ActSuperseded"):
        set_rule(900, 1 << 4)


def test_one_withdrawal_does_not_block_another(world: Any, refuses: Any) -> None:
    """A bystander withdraws first; the mandatory signer's own withdrawal still counts."""
    values = world.authorisation(NEW, 1_000)
    digest = world.programme.domain.digest(td.AUTHORISATION.hash(*values, 0))

    def withdraw(*who: int) -> None:
        seals = world.seal(world.programme, td.AUTHORISATION_WITHDRAWAL, (digest, 1), *who)
        world.programme.call("withdraw_authorisation", digest, 1, seals)

    withdraw(4)
    withdraw(3)
    with refuses("ActSpent"):
        withdraw(3, 4)
    with refuses("ActWithdrawn", institution=3):
        world.authorise(values)


def test_a_withdrawal_of_another_epoch_has_no_effect(world: Any, refuses: Any) -> None:
    values = world.authorisation(NEW, 1_000)
    digest = world.programme.domain.digest(td.AUTHORISATION.hash(*values, 0))
    seals = world.seal(world.programme, td.AUTHORISATION_WITHDRAWAL, (digest, 2), 3)
    with refuses("WrongEpoch", given=2, current=1):
        world.programme.call("withdraw_authorisation", digest, 2, seals)
    world.authorise(values)


# One institution alone.


def test_no_rule_lets_one_institution_issue_alone(world: Any, refuses: Any) -> None:
    """A rule that names the issuer for every part does not make three signatures of one."""
    rule = (7, 1 << 1, 1 << 1)
    seals = world.seal(world.programme, td.KIND_RULE, (901, 1, *rule), 1)
    world.programme.call("set_kind_rule", 901, 1, rule, seals)
    values = world.authorisation(NEW, 1_000, kind=7)

    def authorise(*clearing: int) -> None:
        seals = [world.capacity_seals(values, n + 1, *who)
                 for n, who in enumerate(((1,), (1, *clearing), (1,)))]  # fmt: skip
        world.programme.call("authorise", values, *seals)

    with refuses("QuorumNotMet", required=2, present=1):
        authorise()
    authorise(2)
    issue = (902, 1, values[0], 10, world.at["issuer"])
    with refuses("QuorumNotMet", required=2, present=1):
        alone = world.seal(world.programme, td.ISSUE, issue, 1)
        world.programme.call("issue", issue, alone)


def test_starved_evidence_does_not_halt(kit: Any) -> None:
    """Anyone may halt for reserves, but not by leaving the inner question without gas."""
    world = kit.World(kit.BoaChain(), attestors=td.mask((4, 5))).found()
    world.open_day()
    values = (1, 1, 10**9, 30_000)
    seals = world.seal(world.programme, td.RESERVE_ATTESTATION, values, 4, 5)
    world.programme.call("attest_reserves", values, seals)
    data = world.programme.data("halt_for_reserves")
    for gas in [*range(21_000, 60_000, 500), *range(60_000, 3_000_000, 100_000)]:
        outcome = world.chain.send(world.programme.address, data, None, gas)
        assert not outcome.success
    assert not world.directory.ask("is_halted", 3)
