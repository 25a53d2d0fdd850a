"""Trades on a real node: matched, settled, failed and tried again, expired, cancelled."""

from __future__ import annotations

import pytest
from tests.programme.world import CODE

from amanat.core.errors import NotFound
from amanat.settlement.acts_cash import RtgsReferenceUsed
from amanat.settlement.commands import CancelInstruction, ConfirmInstruction, Side, WithdrawCash
from amanat.settlement.model import FreeDeliveryForbidden, InvalidInstruction, NotInThisState
from amanat.settlement.views import REASON_OF_ANOTHER

from .trading import BOND_ISIN, MILLION, MONDAY, TUESDAY, Trading


def test_a_trade_from_both_sides_to_settlement(trading: Trading) -> None:
    fields = trading.terms("ministry.distribution", "bank_a.own", 100 * MILLION, 9_500 * MILLION)
    alleged = trading.instruct(Side.DELIVER, fields)
    assert alleged.result is not None
    assert (alleged.result["state"], alleged.result["number"]) == ("alleged", 0)
    # The other party sees the allegation; strangers see nothing.
    identifier = alleged.result["instruction"]
    shown = trading.world.view("instruction", "bank_a_officer", instruction=identifier)
    assert shown["nominal"] == 100 * MILLION
    with pytest.raises(NotFound):
        trading.world.view("instruction", "bank_b_officer", instruction=identifier)
    with pytest.raises(NotFound):
        trading.do("bank_b", ConfirmInstruction(instruction=identifier))

    matched = trading.instruct(Side.RECEIVE, fields)
    assert matched.result is not None
    assert matched.result["instruction"] == identifier
    assert matched.result["state"] == "matched"
    before = trading.cash("bank_a.own")
    trading.settle()
    settled = trading.instruction(identifier)
    assert (settled["state"], settled["settled_on"]) == ("settled", MONDAY.isoformat())
    assert trading.holds(BOND_ISIN, "bank_a.own") == 100 * MILLION
    assert before - trading.cash("bank_a.own") == 9_500 * MILLION
    assert trading.cash("ministry.distribution") == 9_500 * MILLION

    fail_and_recycle(trading)
    cancel_and_expire(trading, identifier)
    withdraw_cash(trading)


def fail_and_recycle(trading: Trading) -> None:
    # A fail: bank B has no bond yet.  It is tried again, and settles once it has.
    late = trading.match("bank_b.own", "fund_c.own", nominal=MILLION, paisa=96 * MILLION)
    trading.settle()
    failed = trading.instruction(late)
    assert failed["state"] == "failed"
    assert failed["reason_code"] == "ERC20InsufficientBalance"
    assert failed["reason"] == (
        f"Account own of bank_b holds 0 PKR face of {BOND_ISIN} "
        f"and needs 1000000 PKR face of {BOND_ISIN}."
    )
    # With its key and arguments, so that it is read in other languages.
    assert failed["reason"].template == "{sender} holds {balance} and needs {needed}."
    assert failed["reason"].fields["sender"].fields == {"label": "own", "participant": "bank_b"}
    assert str(failed["reason"].fields["needed"]) == f"1000000 PKR face of {BOND_ISIN}"
    told = trading.world.view("instruction", "fund_c_officer", instruction=late)
    assert told["reason"] == REASON_OF_ANOTHER
    assert [one["id"] for one in trading.world.view("fails", "bank_b_officer")] == [late]
    trading.trade("bank_a.own", "bank_b.own", nominal=2 * MILLION, paisa=191 * MILLION)
    assert trading.instruction(late)["state"] == "settled"
    assert trading.instruction(late)["attempts"] == 2


def cancel_and_expire(trading: Trading, settled: str) -> None:
    # One that never can settle expires after its last day, with its reason.
    never = trading.match(
        "fund_c.own", "bank_b.own", nominal=50 * MILLION, paisa=10, last_day=MONDAY
    )
    trading.settle()
    assert trading.instruction(never)["state"] == "failed"
    # A free delivery between a bank's own and its client's account needs no cash.
    trading.trade("bank_a.own", "bank_a.client", nominal=MILLION, paisa=0, last_day=TUESDAY)
    with pytest.raises(FreeDeliveryForbidden):
        trading.match("bank_a.own", "bank_b.own", nominal=MILLION, paisa=0)

    # Either party can burn: the receiver what both signed, the deliverer what it alone did.
    burned = trading.match("bank_a.own", "bank_b.own", nominal=MILLION, paisa=96 * MILLION)
    trading.do("bank_b", CancelInstruction(instruction=burned, reason="double booking"))
    assert trading.instruction(burned)["state"] == "cancelled"
    number = trading.instruction(burned)["number"]
    settlement = trading.app.gateway(CODE)
    assert settlement.call("Settlement", "number_spent", trading.at("bank_a.own"), number)
    with pytest.raises(NotInThisState):
        trading.do("bank_a", CancelInstruction(instruction=burned, reason="again"))
    with pytest.raises(NotInThisState):
        trading.do("bank_a", CancelInstruction(instruction=settled, reason="too late"))

    trading.move_to(TUESDAY)
    trading.settle()
    expired = trading.instruction(never)
    assert (expired["state"], expired["reason_code"]) == ("expired", "ERC20InsufficientBalance")
    with pytest.raises(InvalidInstruction, match="has passed"):
        trading.match(
            "bank_a.own", "bank_b.own", nominal=MILLION, paisa=96 * MILLION, last_day=MONDAY
        )


def withdraw_cash(trading: Trading) -> None:
    # Cash leaves by two key holders and the holder; a reference counts once.
    held = trading.cash("fund_c.own")
    withdrawal = {"account": trading.at("fund_c.own"), "amount_paisa": 100, "rtgs_reference": "W1"}
    trading.do("central_bank", WithdrawCash(**withdrawal))
    assert trading.cash("fund_c.own") == held - 100
    with pytest.raises(RtgsReferenceUsed):
        trading.do("central_bank", WithdrawCash(**withdrawal))
    cash = trading.world.view("cash", "central_bank_officer")
    assert cash["created_paisa"] - cash["withdrawn_paisa"] == cash["outstanding_paisa"]
    assert sum(line["paisa"] for line in cash["accounts"]) == cash["outstanding_paisa"]
    assert trading.world.view("cash")["accounts"] == []
