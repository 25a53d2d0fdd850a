"""From figures per 100 to money."""

from datetime import date
from decimal import Decimal

import pytest

from amanat.core.money import Money, UnknownCurrency
from amanat.core.quantities import Rounding
from amanat.instruments.model import NotInDenomination
from amanat.instruments.payments import (
    CashFlowKind,
    amount_at,
    cash_flows,
    coupon_amount,
    invoice,
    redemption_amount,
)
from amanat.instruments.schedule import coupon_schedule
from amanat.jurisdictions.conventions import load_convention


@pytest.fixture(scope="module")
def pib(bond):
    return bond("pk-pib-fixed", "2020-08-20", "2023-08-20", "7.00", denomination=100_000)


@pytest.fixture(scope="module")
def convention():
    return load_convention("pk-pib-fixed", date(2020, 8, 20))


def test_flows_are_the_coupons_and_the_nominal(pib, convention):
    flows = cash_flows(pib, convention, 100_000)
    assert [flow.kind for flow in flows] == [CashFlowKind.COUPON] * 6 + [CashFlowKind.REDEMPTION]
    assert [flow.amount.minor for flow in flows] == [350_000] * 6 + [10_000_000]
    assert flows[-1].due_date == flows[-2].due_date == date(2023, 8, 20)


def test_bill_pays_once(bill):
    terms = bill("pk-mtb", "2013-03-21", "2013-06-13")
    (only,) = cash_flows(terms, load_convention("pk-mtb", terms.issue_date), 5_000)
    assert (only.kind, only.amount) == (CashFlowKind.REDEMPTION, Money(500_000))


@pytest.mark.parametrize(
    ("rounding", "paisa"),
    [(Rounding.HALF_UP, 1), (Rounding.HALF_EVEN, 0), (Rounding.DOWN, 0), (Rounding.UP, 1)],
)
def test_a_half_paisa_goes_by_the_rule(rounding, paisa):
    assert amount_at(Decimal("0.5"), 1, "PKR", rounding).minor == paisa


def test_coupon_of_a_period(pib, convention):
    period = coupon_schedule(pib, convention)[2]
    assert coupon_amount(pib, period, 300_000) == Money(1_050_000)
    assert redemption_amount(pib, 300_000) == Money(30_000_000)


def test_invoice_refuses_odd_lots_and_unknown_currency(pib, convention):
    with pytest.raises(NotInDenomination):
        invoice(pib, convention, date(2021, 3, 4), 150_000, Decimal(95))
    with pytest.raises(UnknownCurrency):
        amount_at(Decimal(1), 1, "XXX")


def test_nothing_is_lost_on_the_largest_amounts():
    assert amount_at(Decimal("95.6713"), 10**30, "PKR").minor == 956713 * 10**26
