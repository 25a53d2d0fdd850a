"""Amounts of money: what a trade costs, what a coupon and a redemption pay.

Here per-100 figures meet a nominal, and the result is rounded once, to the minor unit, by a rule
that the caller names.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from amanat.core.money import Money, minor_digits
from amanat.core.quantities import EXACT, Nominal, Rounding, round_to
from amanat.instruments.model import Terms
from amanat.instruments.pricing import accrued_interest
from amanat.instruments.schedule import CouponPeriod, coupon_schedule
from amanat.jurisdictions.conventions import Convention


class CashFlowKind(StrEnum):
    """What a payment to holders is for."""

    COUPON = "coupon"
    REDEMPTION = "redemption"


@dataclass(frozen=True, slots=True)
class Invoice:
    """What a buyer pays for a nominal: `realised` for the paper, `accrued` for the interest.

    `realised` is the clean consideration; `accrued` is negative in an ex-dividend period.
    """

    nominal: Nominal
    clean_price: Decimal
    accrued_per_100: Decimal
    realised: Money
    accrued: Money

    @property
    def total(self) -> Money:
        """What changes hands."""
        return self.realised + self.accrued


@dataclass(frozen=True, slots=True)
class CashFlow:
    """One payment to the holders of a nominal, due on an unadjusted date.

    `number` is the coupon's, or 0 for the redemption.
    """

    kind: CashFlowKind
    number: int
    due_date: date
    amount: Money


def amount_at(
    per_100: Decimal, units: int, currency: str, rounding: Rounding = Rounding.HALF_UP
) -> Money:
    """The money for `units` of nominal at a figure per 100, rounded to the minor unit.

    Refuses `UnknownCurrency`.

    >>> amount_at(Decimal("98.1234"), 1_000_000, "PKR").minor
    98123400
    """
    with decimal.localcontext(EXACT):
        major = per_100 * units / 100
        minor = round_to(major.scaleb(minor_digits(currency)), 0, rounding)
    return Money(int(minor), currency)


def invoice(
    terms: Terms,
    convention: Convention,
    settlement_date: date,
    units: int,
    clean_price: Decimal,
    *,
    rounding: Rounding = Rounding.HALF_UP,
    ex_dividend: bool | None = None,
) -> Invoice:
    """What `units` of nominal cost at a clean price per 100, settling on a day.

    The two parts are rounded apart and the total is their sum.
    Refuses, in order: `NotInDenomination`, `InvalidNominal`, then as `accrued_interest`.
    """
    nominal = terms.nominal(units)
    accrued = accrued_interest(terms, convention, settlement_date, ex_dividend=ex_dividend)
    return Invoice(
        nominal=nominal,
        clean_price=clean_price,
        accrued_per_100=accrued,
        realised=amount_at(clean_price, units, terms.currency, rounding),
        accrued=amount_at(accrued, units, terms.currency, rounding),
    )


def coupon_amount(
    terms: Terms, period: CouponPeriod, units: int, rounding: Rounding = Rounding.HALF_UP
) -> Money:
    """The coupon of a period on `units` of nominal, before tax."""
    return amount_at(period.coupon, units, terms.currency, rounding)


def redemption_amount(terms: Terms, units: int) -> Money:
    """What `units` of nominal pay at maturity: themselves."""
    return Money.of(units, terms.currency)


def cash_flows(
    terms: Terms, convention: Convention, units: int, rounding: Rounding = Rounding.HALF_UP
) -> tuple[CashFlow, ...]:
    """Every payment on `units` of nominal from issue to maturity, in order of its due date.

    `schedule.payment_dates` turns a due date into the days of record and payment.
    Refuses `ConventionDoesNotFit`, `MaturityOffGrid`.
    """
    flows = [
        CashFlow(
            CashFlowKind.COUPON,
            period.number,
            period.end,
            coupon_amount(terms, period, units, rounding),
        )
        for period in coupon_schedule(terms, convention)
    ]
    redemption = redemption_amount(terms, units)
    flows.append(CashFlow(CashFlowKind.REDEMPTION, 0, terms.maturity_date, redemption))
    return tuple(flows)
