"""The ledger is down on a payment day: paid by other systems, recorded, never paid twice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.programme.world import CODE
from tests.settlement.trading import BOND_ISIN, MILLION, Trading

from amanat.core.errors import NotFound
from amanat.servicing.acts import PaymentNotInState
from amanat.servicing.commands import (
    FundPayment,
    ListOutside,
    PayChunk,
    RecordPaidOutside,
    RecordTaxRates,
    WithdrawOutsideList,
)
from amanat.servicing.model import PaymentKind
from amanat.servicing.records import tree_of
from amanat.store.journal import Provenance

from .test_payments import fix, rate

DUE = date(2021, 8, 20)


@pytest.fixture
def coupon(trading: Trading) -> str:
    """A coupon that is fixed and due."""
    rows = (rate(("bank", "individual"), "15", "30", date(2023, 12, 31)),)
    trading.do("central_bank", RecordTaxRates(rows=rows), pump=False)
    for name, holder_class in (("bank_a.own", "bank"), ("bank_b.own", "bank")):
        trading.tax_status(name, holder_class, active=True)
        trading.trade("ministry.distribution", name, nominal=10 * MILLION, paisa=MILLION)
    trading.fund("ministry.treasury", 10 * MILLION * 100)
    trading.move_to(DUE)
    return str(fix(trading, BOND_ISIN, PaymentKind.COUPON, DUE)["payment"])


def fund(trading: Trading, payment: str) -> None:
    accounts = {"payer": trading.at("ministry.treasury"), "tax_account": trading.at("ministry.tax")}
    trading.do("ministry", FundPayment(payment=payment, **accounts))


def shown(trading: Trading, payment: str) -> dict[str, Any]:
    return dict(trading.world.view("payment", "central_bank_officer", payment=payment))


def listed(trading: Trading, payment: str) -> dict[str, Any]:
    return dict(trading.world.view("outside_list", "central_bank_officer", payment=payment))


def test_a_coupon_is_listed_while_the_node_is_down_and_recorded_when_it_is_back(
    trading: Trading, coupon: str
) -> None:
    app = trading.app
    assert app.node is not None
    app.node.stop()
    outcome = trading.do("central_bank", ListOutside(payment=coupon, reason="no node"), pump=False)
    assert outcome.result is not None
    # 3.5 rupees for 100 of face, of which 15 % are withheld: 350,000 gross to each holder.
    assert outcome.result["net_paisa"] == 2 * 297_500 * 100
    assert outcome.result["tax_paisa"] == 2 * 52_500 * 100
    assert [one["net_paisa"] for one in listed(trading, coupon)["lines"]] == [29_750_000] * 2
    with pytest.raises(PaymentNotInState, match="is listed"):
        fund(trading, coupon)
    with pytest.raises(PaymentNotInState, match="is listed"):
        trading.do("central_bank", PayChunk(payment=coupon), pump=False)
    app.node.start()
    app.ledger.recover()
    before = trading.cash("bank_a.own"), trading.cash("ministry.treasury")
    trading.do("central_bank", RecordPaidOutside(payment=coupon, reference="RTGS 2021-08-20/1"))
    after = shown(trading, coupon)
    assert (after["state"], after["outside_paisa"]) == ("complete", 2 * 350_000 * 100)
    assert {one["state"] for one in after["lines"]} == {"outside"}
    assert (after["reconciled"], after["escrow_paisa"], after["paid_paisa"]) == (True, 0, 0)
    assert (trading.cash("bank_a.own"), trading.cash("ministry.treasury")) == before
    trading.do("central_bank", PayChunk(payment=coupon, chunk=0))  # sent again: no effect
    assert trading.cash("bank_a.own") == before[0]
    with pytest.raises(PaymentNotInState, match="is complete"):
        trading.do("central_bank", RecordPaidOutside(payment=coupon, reference="again"))
    assert app.ledger.check() == []


def test_escrow_of_a_funded_payment_returns_to_the_payer(trading: Trading, coupon: str) -> None:
    had = trading.cash("ministry.treasury")
    fund(trading, coupon)
    assert trading.cash("ministry.treasury") == had - 2 * 350_000 * 100
    trading.do("central_bank", ListOutside(payment=coupon, reason="no node"), pump=False)
    trading.do("central_bank", RecordPaidOutside(payment=coupon, reference="RTGS 1"))
    assert trading.cash("ministry.treasury") == had
    assert shown(trading, coupon)["reconciled"] is True


def test_a_list_that_was_not_carried_out_is_withdrawn(trading: Trading, coupon: str) -> None:
    trading.do("central_bank", ListOutside(payment=coupon, reason="no node"), pump=False)
    command = WithdrawOutsideList(payment=coupon, reason="the node is back")
    trading.do("central_bank", command, pump=False)
    with pytest.raises(NotFound):
        listed(trading, coupon)
    with pytest.raises(PaymentNotInState, match="is fixed"):
        trading.do("central_bank", command, pump=False)
    fund(trading, coupon)
    trading.do("central_bank", PayChunk(payment=coupon))
    assert shown(trading, coupon)["state"] == "complete"
    with pytest.raises(PaymentNotInState, match="is complete"):
        trading.do("central_bank", ListOutside(payment=coupon, reason="late"), pump=False)


def test_a_chunk_that_anyone_sent_meanwhile_voids_the_record(trading: Trading, coupon: str) -> None:
    """The list is not recorded over what the ledger paid: what was paid twice is seen."""
    fund(trading, coupon)
    trading.do("central_bank", ListOutside(payment=coupon, reason="no node"), pump=False)
    somebody = Provenance(CODE, "bank_a", "holder", "officer", "test", DUE)
    with trading.app.store.work(somebody) as uow:
        tree = tree_of(uow.connection, CODE, coupon)
        uow.orders.request("stray", CODE, "Payments", "pay_chunk", [1, 0, *tree.chunk(0)])
        uow.commit()
    trading.app.pump()
    trading.do("central_bank", RecordPaidOutside(payment=coupon, reference="RTGS 1"))
    after = shown(trading, coupon)
    assert (after["state"], after["outside_paisa"]) == ("listed", 0)
    assert "Chunk 0 comes before chunk 1" in after["reason"]


def test_others_do_not_see_the_list(trading: Trading, coupon: str) -> None:
    with pytest.raises(NotFound):
        listed(trading, coupon)
    trading.do("central_bank", ListOutside(payment=coupon, reason="no node"), pump=False)
    with pytest.raises(NotFound):
        trading.world.view("outside_list", "bank_b_officer", payment=coupon)
