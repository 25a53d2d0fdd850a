"""Instructions between two accounts that each signed all of them once, as a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode


def line(world: Any, number: int, **fields: Any) -> td.Listed:
    """One instruction of a list; the bank delivers to the dealer."""
    given = {"deliverer": "bank", "receiver": "dealer", "nominal": 100, "consideration": 9_500}
    given |= fields
    first, last = given.pop("first", 0), given.pop("last", 2**32 - 1)
    parties = [bytes.fromhex(world.at[given.pop(one)][2:]) for one in ("deliverer", "receiver")]
    security = given.pop("security", world.bond.raw)
    return td.Listed(
        security, *parties, given["nominal"], given["consideration"], number, first, last,
        given.get("is_tried", True),
    )  # fmt: skip


def packed(world: Any, items: list[td.Listed], second: str = "dealer") -> bytes:
    content: bytes = world.listed((world.keys["bank"], world.keys[second]), items)
    return content


def digest_of(world: Any, item: td.Listed) -> bytes:
    found: bytes = world.settlement.domain.digest(td.INSTRUCTION.hash(*item.terms()))
    return found


def test_both_directions_settle_under_one_signature_of_each(world: Any) -> None:
    back = line(world, 1, deliverer="dealer", receiver="bank", nominal=40, consideration=3_900)
    items = [line(world, 1), back, line(world, 2, nominal=1, consideration=0)]
    outcome = world.settlement.call("settle_list", packed(world, items))
    [told] = world.settlement.events(outcome, "InstructionsSettled")
    assert told["digests"] == tuple(digest_of(world, item) for item in items)
    assert world.bond.ask("balanceOf", world.at["bank"]) == 200_000 - 100 + 40 - 1
    assert world.cash.ask("balanceOf", world.at["bank"]) == 100_000_000 + 9_500 - 3_900
    for name, number in (("bank", 1), ("bank", 2), ("dealer", 1)):
        assert world.settlement.ask("number_spent", world.at[name], number)


REFUSED = {
    "InstructionNotYetDue": lambda w, kit: line(w, 2, first=kit.DAY_ONE + 1),
    "InstructionExpired": lambda w, kit: line(w, 2, last=kit.DAY_ONE - 1),
    "SameAccount": lambda w, _: line(w, 2, receiver="bank"),
    "AmountZero": lambda w, _: line(w, 2, nominal=0),
    "SecurityUnknown": lambda w, _: line(w, 2, security=w.directory.raw),
    "ERC20InsufficientBalance": lambda w, _: line(w, 2, nominal=200_001),
    "NumberSpent": lambda w, _: line(w, 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_one_refusal_undoes_itself_alone(world: Any, kit: Any, name: str) -> None:
    item = REFUSED[name](world, kit)
    outcome = world.settlement.call(
        "settle_list", packed(world, [line(world, 1), item, line(world, 3)])
    )
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == name
    assert failure["index"] == 1
    assert failure["digest"] == digest_of(world, item)
    assert world.bond.ask("balanceOf", world.at["dealer"]) == 100_200
    assert world.settlement.ask("number_spent", world.at["bank"], 2) is False


def test_the_ineligible_get_nothing_by_a_list(world: Any) -> None:
    outcome = world.settlement.call(
        "settle_list",
        packed(world, [line(world, 1, receiver="exchange")], second="exchange"),
    )
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == "ClassNotAllowed"


def test_what_failed_is_tried_again_without_the_rest(world: Any) -> None:
    items = [line(world, 1), line(world, 2, consideration=100_000_001 - 9_500)]
    outcome = world.settlement.call("settle_list", packed(world, items))
    [failure] = world.settlement.events(outcome, "InstructionFailed")
    assert decode(failure["reason"]).name == "ERC20InsufficientBalance"
    world.create_cash(world.at["dealer"], 1)
    again = [replace(items[0], is_tried=False), items[1]]
    outcome = world.settlement.call("settle_list", packed(world, again))
    assert world.settlement.events(outcome, "InstructionFailed") == []
    [told] = world.settlement.events(outcome, "InstructionsSettled")
    assert told["digests"] == (digest_of(world, items[1]),)


def test_whoever_sends_changes_nothing_that_was_signed(world: Any, refuses: Any) -> None:
    """A signed list with a line altered, left out, added or moved is signed by nobody."""
    items = [line(world, 1), line(world, 2)]
    good = packed(world, items)
    start = 172 + 20
    altered = bytearray(good)
    altered[start + 32 + 23] ^= 1  # the nominal of the second
    fewer = good[:1] + (1).to_bytes(2, "big") + good[3 : start + 32]
    more = good[:1] + (3).to_bytes(2, "big") + good[3:] + good[start : start + 32]
    moved = good[:start] + good[start + 32 :] + good[start : start + 32]
    other = good[:172] + world.cash.raw + good[start:]
    turned = bytearray(good)
    turned[start + 1], turned[start + 2] = 1, 0
    for one in (bytes(altered), fewer, more, moved, other, bytes(turned)):
        with refuses("BadSignature"):
            world.settlement.call("settle_list", one)
    swapped = good[:132] + good[152:172] + good[132:152] + good[172:]
    with refuses("BadSignature"):
        world.settlement.call("settle_list", swapped)
    elsewhere = td.Domain(1_234_567, world.settlement.address)
    parties = (world.keys["bank"], world.keys["dealer"])
    with refuses("BadSignature"):
        world.settlement.call("settle_list", world.listed(parties, items, elsewhere))
    assert not world.settlement.ask("number_spent", world.at["bank"], 1)


def test_each_must_have_signed(world: Any, refuses: Any) -> None:
    items = [line(world, 1)]
    good = packed(world, items)
    stranger = td.sign(
        world.settlement.domain.digest(td.INSTRUCTION_LIST.hash([items[0].terms()])),
        world.keys["fund"],
    )
    for at in (4, 68):
        for seal in (stranger[:64], b"\0" * 64):
            with refuses("BadSignature"):
                world.settlement.call("settle_list", good[:at] + seal + good[at + 64 :])
    nobody = good[:4] + b"\0" * 64 + good[68:132] + b"\0" * 20 + good[152:]
    with refuses("BadSignature"):
        world.settlement.call("settle_list", nobody)


def test_malformed_lists(world: Any, refuses: Any) -> None:
    good = packed(world, [line(world, 1)])
    start = 172 + 20
    broken = [good + b"\0", good[:-1], b"\0" + good[1:], b"\x21" + good[1:], good[:172]]
    # Another security than there is, an account that is neither, a doubtful "is tried".
    for at, value in ((start, 1), (start + 1, 2), (start + 2, 3), (start + 3, 2)):
        one = bytearray(good)
        one[at] = value
        broken.append(bytes(one))
    for content in broken:
        with refuses("BatchMalformed"):
            world.settlement.call("settle_list", content)


def test_halted(world: Any, refuses: Any) -> None:
    good = packed(world, [line(world, 1)])
    world.halt(6)
    with refuses("ContractHalted", contract_id=6):
        world.settlement.call("settle_list", good)


def test_the_inner_call_is_for_itself(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    with refuses("CallerNotAllowed"):
        world.settlement.call("settle_listed", 0, bank, dealer, world.bond.address, 0, 0, 0, False)


def test_either_party_burns_a_line(world: Any, refuses: Any) -> None:
    bank, dealer = world.at["bank"], world.at["dealer"]
    good = packed(world, [line(world, 1), line(world, 2), line(world, 3)])
    burn = td.NUMBER_BURN
    [theirs] = world.sign(world.settlement, burn, (bank, 2, dealer), world.keys["dealer"])
    [fund] = world.sign(world.settlement, burn, (bank, 2, dealer), world.keys["fund"])
    for place, seal, name in ((1, fund, "BadSignature"), (0, theirs, "BadSignature"),
                              (3, theirs, "BatchMalformed")):  # fmt: skip
        with refuses(name):
            world.settlement.call("burn_listed", good, place, seal)
    world.settlement.call("burn_listed", good, 1, theirs)
    [own] = world.sign(world.settlement, burn, (bank, 3, bank), world.keys["bank"])
    world.settlement.call("burn_number", bank, 3, own)
    outcome = world.settlement.call("settle_list", good)
    failures = world.settlement.events(outcome, "InstructionFailed")
    assert [(f["index"], decode(f["reason"]).name) for f in failures] == [
        (1, "NumberSpent"), (2, "NumberSpent"),
    ]  # fmt: skip
    with refuses("NumberSpent"):
        world.settlement.call("burn_listed", good, 1, theirs)


def test_one_number_never_settles_both_alone_and_in_a_list(world: Any, refuses: Any) -> None:
    alone = world.instruction(world.bond, world.keys["bank"], world.keys["dealer"], 10, 95, 1)
    world.settlement.call("settle_list", packed(world, [line(world, 1)]))
    with refuses("NumberSpent"):
        world.settle(alone)


def test_starved_of_gas_the_whole_is_refused(world: Any, refuses: Any) -> None:
    good = packed(world, [line(world, number) for number in range(60)])
    with refuses("BatchStarved"):
        world.settlement.call("settle_list", good, gas=900_000)
    assert not world.settlement.ask("number_spent", world.at["bank"], 0)
