"""Lists of instructions that two accounts signed once each, from acceptance to their end."""

from __future__ import annotations

from typing import Any

import pytest
from tests.programme.world import CODE

from amanat.core.dates import business_day_from_date
from amanat.core.errors import NotFound, Refusals
from amanat.ledger.typed_data import INSTRUCTION_LIST, Domain
from amanat.settlement.commands import (
    CancelInstruction,
    ListedInstruction,
    SettleDay,
    SignedList,
    SubmitLists,
    TakeNumbers,
)
from amanat.settlement.model import (
    InvalidInstruction,
    ListSignatureNotOfAccount,
    ListUsed,
    NumberNotGiven,
)

from .trading import BOND_ISIN, MILLION, MONDAY, WEDNESDAY, Trading

FIRST, SECOND = "bank_a.own", "bank_b.own"


def line(trading: Trading, number: int, nominal: int, **changes: Any) -> ListedInstruction:
    """Bank A delivers to bank B, unless said otherwise."""
    fields: dict[str, Any] = {
        "isin": BOND_ISIN,
        "deliverer": trading.at(FIRST),
        "receiver": trading.at(SECOND),
        "number": number,
        "nominal": nominal,
        "consideration_paisa": nominal * 96,
        "trade_date": MONDAY,
        "first_day": MONDAY,
        "last_day": WEDNESDAY,
    }
    return ListedInstruction(**fields | changes)


def back(trading: Trading, number: int, nominal: int) -> ListedInstruction:
    """Bank B delivers to bank A."""
    return line(trading, number, nominal, deliverer=trading.at(SECOND), receiver=trading.at(FIRST))


def signed(trading: Trading, *lines: ListedInstruction, second: str = SECOND) -> SignedList:
    """The list with a signature of each account, made where the keys are."""
    gateway = trading.app.gateway(CODE)
    domain = Domain(trading.app.settings.chain_id, gateway.address("Settlement"))
    security = gateway.address("Security", BOND_ISIN)
    digest = domain.digest(
        INSTRUCTION_LIST.hash(
            [
                (security, one.deliverer, one.receiver, one.nominal, one.consideration_paisa,
                 one.number, business_day_from_date(one.first_day),
                 business_day_from_date(one.last_day))
                for one in lines
            ]
        )
    )  # fmt: skip
    accounts = (trading.at(FIRST), trading.at(second))
    seals = [trading.app.keys.sign(CODE, account, digest).hex() for account in accounts]
    return SignedList(
        first=accounts[0],
        second=accounts[1],
        first_signature=seals[0],
        second_signature=seals[1],
        instructions=lines,
    )


@pytest.fixture
def dealing(trading: Trading) -> Trading:
    """Bank A holds 100 million, and both banks have taken numbers."""
    trading.trade("ministry.distribution", FIRST, nominal=100 * MILLION, paisa=100)
    for bank, account in (("bank_a", FIRST), ("bank_b", SECOND)):
        trading.do(bank, TakeNumbers(deliverer=trading.at(account), count=20), pump=False)
    return trading


def states(trading: Trading, result: dict[str, Any]) -> dict[int, str]:
    """State of each line of the one list of an outcome, by its place."""
    shown = trading.world.view("instructions", "bank_a_officer", limit=100)["instructions"]
    return {one["place"]: one["state"] for one in shown if one["list"] in result["lists"]}


def test_lines_settle_and_fail_each_on_its_own(dealing: Trading) -> None:
    lines = [
        line(dealing, 0, 30 * MILLION),
        back(dealing, 0, 10 * MILLION),
        line(dealing, 1, 90 * MILLION),  # more than is left
        line(dealing, 2, MILLION),
    ]
    outcome = dealing.do("bank_a", SubmitLists(lists=(signed(dealing, *lines),)), pump=False)
    assert outcome.result is not None
    assert outcome.result["accepted"] == 4
    given = dealing.settle()
    assert given.result is not None
    assert given.result["batches"] == 1
    assert states(dealing, outcome.result) == {
        0: "settled", 1: "settled", 2: "failed", 3: "settled",
    }  # fmt: skip
    assert dealing.holds(BOND_ISIN, SECOND) == 21 * MILLION
    # What failed goes again by itself, and what it lacked is there now.
    dealing.trade("ministry.distribution", FIRST, nominal=20 * MILLION, paisa=100)
    dealing.settle()
    assert set(states(dealing, outcome.result).values()) == {"settled"}
    assert dealing.holds(BOND_ISIN, SECOND) == 111 * MILLION


def test_a_list_longer_than_a_batch_of_the_day_goes_in_parts(dealing: Trading) -> None:
    lines = [line(dealing, at, MILLION) for at in range(7)]
    outcome = dealing.do("bank_a", SubmitLists(lists=(signed(dealing, *lines),)), pump=False)
    given = dealing.do("central_bank", SettleDay(batch=3))
    assert given.result is not None
    assert given.result["batches"] == 3
    assert outcome.result is not None
    assert set(states(dealing, outcome.result).values()) == {"settled"}
    assert dealing.holds(BOND_ISIN, SECOND) == 7 * MILLION


@pytest.mark.parametrize(("who", "account"), [("bank_a", FIRST), ("bank_b", SECOND)])
def test_either_party_cancels_a_line_and_burns_its_number(
    dealing: Trading, who: str, account: str
) -> None:
    lines = [line(dealing, 0, MILLION), line(dealing, 1, MILLION)]
    outcome = dealing.do("bank_a", SubmitLists(lists=(signed(dealing, *lines),)), pump=False)
    assert outcome.result is not None
    dealing.do(who, CancelInstruction(instruction=outcome.result["first"], reason="a mistake"))
    assert dealing.app.gateway(CODE).call("Settlement", "number_spent", dealing.at(FIRST), 0), (
        account
    )
    dealing.settle()
    assert states(dealing, outcome.result) == {0: "cancelled", 1: "settled"}
    assert dealing.holds(BOND_ISIN, SECOND) == MILLION


def test_everything_wrong_is_told_at_once_and_nothing_is_accepted(dealing: Trading) -> None:
    good = signed(dealing, line(dealing, 0, MILLION), line(dealing, 1, MILLION))
    altered = good.model_copy(
        update={"instructions": (good.instructions[0], line(dealing, 1, MILLION + 1))}
    )
    turned = good.model_copy(
        update={"first_signature": good.second_signature, "second_signature": good.first_signature}
    )
    third = signed(dealing, line(dealing, 2, MILLION, receiver=dealing.at("fund_c.own")))
    mixed = signed(
        dealing,
        line(dealing, 20, MILLION),
        line(dealing, 3, MILLION, receiver="0x" + "99" * 20),
        line(dealing, 4, MILLION),
    )
    again = signed(dealing, line(dealing, 4, MILLION))
    with pytest.raises(Refusals) as caught:
        dealing.do("bank_a", SubmitLists(lists=(good, altered, turned, third, mixed, good, again)))
    found = [(type(one), one.place.field if one.place else None) for one in caught.value.refusals]
    assert found[:6] == [
        (ListSignatureNotOfAccount, "lists[1]"),
        (ListSignatureNotOfAccount, "lists[2]"),
        (InvalidInstruction, "lists[3].instructions[0]"),
        (NumberNotGiven, "lists[4].instructions[0]"),
        (NotFound, "lists[4].instructions[1]"),
        (ListUsed, None),
    ]
    assert {kind for kind, _ in found[6:]} == {NumberNotGiven}
    assert dealing.world.view("instructions", "bank_b_officer")["instructions"] == []


def test_a_list_is_submitted_once(dealing: Trading) -> None:
    good = signed(dealing, line(dealing, 0, MILLION))
    dealing.do("bank_a", SubmitLists(lists=(good,)), pump=False)
    with pytest.raises(Refusals) as caught:
        dealing.do("bank_b", SubmitLists(lists=(good,)), pump=False)
    assert ListUsed in {type(one) for one in caught.value.refusals}
    other = signed(dealing, line(dealing, 0, 2 * MILLION))
    with pytest.raises(NumberNotGiven, match="it is used"):
        dealing.do("bank_b", SubmitLists(lists=(other,)), pump=False)
