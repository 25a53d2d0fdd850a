"""Instructions keep their rulebook and their life; net positions of a cycle sum to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from amanat.settlement.model import (
    LIFE,
    ClaimSide,
    InstructionState,
    InstructionTerms,
    NetPosition,
    NotInThisState,
    Trade,
    UnbalancedPositions,
    check_balanced,
    claim_side,
    follow,
    net_positions,
    refusals_of,
    state_after_signatures,
)

SOUND = InstructionTerms(
    isin="PK0000000000",
    deliverer="0x" + "1" * 40,
    receiver="0x" + "2" * 40,
    nominal=5_000_000,
    consideration_paisa=478_000_000,
    trade_date=date(2021, 3, 3),
    first_day=date(2021, 3, 4),
    last_day=date(2021, 3, 11),
)


def test_sound_terms_break_no_law() -> None:
    assert refusals_of(SOUND) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"receiver": SOUND.deliverer}, "cannot deliver to itself"),
        ({"nominal": 0}, "nominal of 0"),
        ({"nominal": -5}, "nominal of -5"),
        ({"consideration_paisa": -1}, "consideration of -1 paisa"),
        ({"nominal": 2**62 + 1}, "is not from 1 to"),
        ({"last_day": date(2021, 3, 3)}, "not in order"),
        ({"trade_date": date(2021, 3, 5)}, "not in order"),
        ({"last_day": date(2021, 9, 4)}, "longer than 60 days"),
    ],
)
def test_each_law_refuses_with_its_value(change: dict[str, object], words: str) -> None:
    (refusal,) = refusals_of(replace(SOUND, **change))  # type: ignore[arg-type]
    assert words in str(refusal)


def test_all_broken_laws_are_reported_at_once() -> None:
    broken = replace(SOUND, receiver=SOUND.deliverer, nominal=0, consideration_paisa=-1)
    assert len(refusals_of(broken)) == 3


def test_signatures_lead_from_reserved_over_alleged_to_matched() -> None:
    assert state_after_signatures(None, None) is InstructionState.RESERVED
    assert state_after_signatures(b"s", None) is InstructionState.ALLEGED
    assert state_after_signatures(None, b"s") is InstructionState.ALLEGED
    assert state_after_signatures(b"s", b"s") is InstructionState.MATCHED


def test_life_knows_every_state_and_settled_is_for_good() -> None:
    assert set(LIFE) == set(InstructionState)
    assert LIFE[InstructionState.SETTLED] == frozenset()
    with pytest.raises(NotInThisState, match="is settled and cannot become cancelled"):
        follow("i", InstructionState.SETTLED, InstructionState.CANCELLED)


def test_a_failed_instruction_is_tried_again_or_expires() -> None:
    follow("i", InstructionState.FAILED, InstructionState.REQUESTED)
    follow("i", InstructionState.FAILED, InstructionState.EXPIRED)
    with pytest.raises(NotInThisState):
        follow("i", InstructionState.REQUESTED, InstructionState.EXPIRED)


_accounts = some.sampled_from([f"0x{number:040x}" for number in range(1, 7)])
_trades = some.lists(
    some.builds(
        Trade,
        isin=some.sampled_from(["PK1", "PK2", "PK3"]),
        deliverer=_accounts,
        receiver=_accounts,
        nominal=some.integers(1, 10**12),
        consideration_paisa=some.integers(1, 10**14),
    ),
    max_size=60,
)


@given(_trades)
def test_net_positions_balance_and_equal_gross_settlement(trades: Sequence[Trade]) -> None:
    positions = net_positions(trades)
    check_balanced(positions)
    gross: dict[tuple[str, str], int] = {}
    for trade in trades:
        for account, sign in ((trade.deliverer, -1), (trade.receiver, 1)):
            cash, paper = (account, "cash"), (account, trade.isin)
            gross[cash] = gross.get(cash, 0) - sign * trade.consideration_paisa
            gross[paper] = gross.get(paper, 0) + sign * trade.nominal
    net = {(one.account, "cash"): one.cash_paisa for one in positions}
    net |= {(one.account, isin): units for one in positions for isin, units in one.nominal.items()}
    assert {key: value for key, value in net.items() if value} == {
        key: value for key, value in gross.items() if value
    }


def test_positions_that_do_not_balance_are_refused() -> None:
    with pytest.raises(UnbalancedPositions, match="money sum to 1"):
        check_balanced([NetPosition("a", 1, {})])
    with pytest.raises(UnbalancedPositions, match="PK1 sum to -2"):
        check_balanced([NetPosition("a", 0, {"PK1": -2})])


# Record date Thursday 18 Feb, ex from Friday 19 Feb.  The market claims standards (CAJWG, 2012)
# name two cases: cum and settled after the record date; ex and settled on or before it.
@pytest.mark.parametrize(
    ("contract_day", "settled_on", "side"),
    [
        (date(2021, 2, 17), date(2021, 2, 18), None),
        (date(2021, 2, 18), date(2021, 2, 22), ClaimSide.TO_RECEIVER),
        (date(2021, 2, 19), date(2021, 2, 22), None),
    ],
)
def test_a_cum_trade_that_settles_late_owes_the_coupon(
    contract_day: date, settled_on: date, side: ClaimSide | None
) -> None:
    assert claim_side(contract_day, settled_on, date(2021, 2, 19), date(2021, 2, 18)) is side


def test_an_ex_trade_that_settles_before_the_record_date_owes_it_back() -> None:
    side = claim_side(date(2021, 2, 12), date(2021, 2, 15), date(2021, 2, 11), date(2021, 2, 18))
    assert side is ClaimSide.TO_DELIVERER
