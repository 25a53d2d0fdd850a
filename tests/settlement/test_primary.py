"""What a tender allotted is delivered against cash from the issuer's distribution account."""

from __future__ import annotations

import pytest
from tests.auctions.acts_world import SETTLEMENT_DAY, Auctions, bid

from amanat.auctions.commands import AwardTender, FixCutOff
from amanat.core.errors import Forbidden
from amanat.settlement.acts_primary import NothingAllotted
from amanat.settlement.commands import ConfirmInstruction, InstructAllotments

from .trading import BOND_ISIN, MILLION, Trading


def test_allotments_are_delivered_against_cash(trading: Trading) -> None:
    auctions, code = Auctions(trading.world), "T1"
    auctions.announce(code, target=100, non_competitive=None)
    with pytest.raises(NothingAllotted):
        trading.do("ministry", InstructAllotments(tender=code))
    auctions.submit(code, "bank_a", [bid(1, 60, "95.5000")], pump=False)
    auctions.submit(code, "bank_b", [bid(1, 60, "95.2000")])
    auctions.open(code)
    trading.do("ministry", FixCutOff(tender=code, amount=100 * MILLION))
    trading.do("central_bank", AwardTender(tender=code))
    trading.move_to(SETTLEMENT_DAY)

    with pytest.raises(Forbidden):
        trading.do("bank_a", InstructAllotments(tender=code))
    outcome = trading.do("ministry", InstructAllotments(tender=code), pump=False)
    assert outcome.result is not None
    first, second = outcome.result["instructions"]
    with pytest.raises(NothingAllotted):
        trading.do("ministry", InstructAllotments(tender=code))
    # Each winner confirms its own; one that does not leaves the others alone.
    trading.do("bank_a", ConfirmInstruction(instruction=first), pump=False)
    before = trading.cash("bank_a.own")
    trading.settle()
    assert trading.instruction(first)["state"] == "settled"
    assert trading.instruction(second)["state"] == "alleged"
    assert trading.holds(BOND_ISIN, "bank_a.own") == 60 * MILLION
    (allotted,) = trading.world.view("allotments", "bank_a_officer", tender=code)
    assert allotted["state"] == "settled"
    # By hand: 60m at 95.5000 and 12 of 181 days of 3.5 per 100 (4 March 2021), rounded to 6 digits.
    realised, accrued = 60 * MILLION * 9550 // 100, 60 * MILLION * 3.5 * 12 / 181
    assert before - trading.cash("bank_a.own") == pytest.approx(realised + accrued, abs=100)
    (waiting,) = trading.world.view("allotments", "bank_b_officer", tender=code)
    assert waiting["state"] == "awaiting_settlement"
