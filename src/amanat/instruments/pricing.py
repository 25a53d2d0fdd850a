"""Prices, yields and accrued interest, all per 100 nominal and all in exact decimals.

Yields are in per cent a year.  Nothing is rounded here beyond the 50 digits of `EXACT`: a market
rounds what it quotes with its convention's `round_price`, `round_yield` and `round_accrued`.

The yield looks at the dirty price *by the convention's yield accrual*; the invoice adds the
accrued interest *by its invoice accrual*.  The two differ in some markets, so a quoted clean price
is the only figure that passes from one to the other.
"""

from __future__ import annotations

import decimal
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from amanat.core.dates import add_months, days_between
from amanat.core.errors import Invalid
from amanat.core.quantities import EXACT
from amanat.instruments.model import BillTerms, BondTerms, Terms
from amanat.instruments.schedule import (
    CouponPeriod,
    accrual_years,
    check_fits,
    coupon_schedule,
    interest_per_100,
)
from amanat.jurisdictions.conventions import (
    Anchor,
    Convention,
    DayCount,
    YieldMethod,
)

YIELD_MIN_PERCENT = Decimal(-50)
YIELD_MAX_PERCENT = Decimal(1000)
PRICE_MIN = Decimal("0.000001")
PRICE_MAX = Decimal(10_000)
_STEPS_MAX = 400
_CLOSE = Decimal("1e-34")


class SettlementOutsideLife(Invalid):
    """A security trades from its issue date to the day before it matures."""

    template: ClassVar[str] = (
        "{settlement_date} is not between issue on {issue_date} and maturity on {maturity_date}."
    )


class PriceOutOfRange(Invalid):
    """A price per 100 lies between a millionth and 10,000."""

    template: ClassVar[str] = (
        "A price of {price} per 100 is not between {price_min} and {price_max}."
    )


class YieldOutOfRange(Invalid):
    """A yield lies between -50 and 1,000 per cent a year."""

    template: ClassVar[str] = "A yield of {percent} per cent is not between {least} and {most}."


class NoYieldAtPrice(Invalid):
    """No yield between -50 and 1,000 per cent a year gives this price."""

    template: ClassVar[str] = "A price of {price} implies no yield between {least} and {most}."


class ExDividendUnknown(Invalid):
    """Where a market trades without the next coupon, a price needs to know whether it does."""

    template: ClassVar[str] = (
        "Convention {convention} has an ex-dividend period: say whether this trade is in it."
    )


@dataclass(frozen=True, slots=True)
class Price:
    """A price per 100 nominal: `clean` is quoted, `accrued` added by the invoice, both unrounded.

    `accrued` is negative in an ex-dividend period.
    """

    clean: Decimal
    accrued: Decimal

    @property
    def dirty(self) -> Decimal:
        """What the buyer pays per 100: clean plus accrued."""
        return EXACT.add(self.clean, self.accrued)


@dataclass(frozen=True, slots=True)
class _Remaining:
    """What a holder is still paid, seen from a settlement day inside a coupon period.

    `coupons[k]` falls k whole periods after the next date; `first_share` is the share of the
    present period that is still to run; 100 comes with the last.
    """

    first_share: Decimal
    coupons: tuple[Decimal, ...]


def accrued_interest(
    terms: Terms,
    convention: Convention,
    settlement_date: date,
    *,
    ex_dividend: bool | None = None,
) -> Decimal:
    """Accrued interest per 100 as the invoice counts it; 0 for a bill.

    In an ex-dividend period it is minus the interest from settlement to the coupon.
    Refuses, in order: `ConventionDoesNotFit`, `SettlementOutsideLife`, `ExDividendUnknown`.
    """
    without_coupon = _check(terms, convention, settlement_date, ex_dividend)
    if isinstance(terms, BillTerms):
        return Decimal(0)
    return _accrued(
        terms,
        convention,
        settlement_date,
        without_coupon,
        convention.invoice_day_count,
        convention.invoice_anchor,
    )


def price_from_yield(
    terms: Terms,
    convention: Convention,
    settlement_date: date,
    yield_percent: Decimal,
    *,
    ex_dividend: bool | None = None,
) -> Price:
    """The price at a yield, unrounded.

    For bills of a discount market `yield_percent` is the discount rate that it quotes.
    Refuses, in order: `ConventionDoesNotFit`, `SettlementOutsideLife`, `ExDividendUnknown`,
    `YieldOutOfRange`, `PriceOutOfRange`.
    """
    without_coupon = _check(terms, convention, settlement_date, ex_dividend)
    if not YIELD_MIN_PERCENT <= yield_percent <= YIELD_MAX_PERCENT:
        raise YieldOutOfRange(
            percent=yield_percent, least=YIELD_MIN_PERCENT, most=YIELD_MAX_PERCENT
        )
    if isinstance(terms, BillTerms):
        days = days_between(settlement_date, terms.maturity_date)
        clean = _bill_price(convention, days, yield_percent)
        return Price(_checked_price(clean), Decimal(0))
    remaining = _remaining(terms, convention, settlement_date, without_coupon)
    with decimal.localcontext(EXACT):
        dirty, _ = _present_value(terms, convention, remaining, yield_percent)
        yield_accrued = _yield_accrued(terms, convention, settlement_date, without_coupon)
        clean = dirty - yield_accrued
    accrued = accrued_interest(terms, convention, settlement_date, ex_dividend=without_coupon)
    return Price(_checked_price(clean), accrued)


def yield_from_price(
    terms: Terms,
    convention: Convention,
    settlement_date: date,
    clean_price: Decimal,
    *,
    ex_dividend: bool | None = None,
) -> Decimal:
    """The yield in per cent at a clean price, unrounded (exact to some 30 digits).

    For bills of a discount market this is the discount rate that it quotes.
    Refuses, in order: `ConventionDoesNotFit`, `SettlementOutsideLife`, `ExDividendUnknown`,
    `PriceOutOfRange`, `NoYieldAtPrice`.
    """
    without_coupon = _check(terms, convention, settlement_date, ex_dividend)
    _checked_price(clean_price)
    if isinstance(terms, BillTerms):
        days = days_between(settlement_date, terms.maturity_date)
        percent = _bill_yield(convention, days, clean_price)
        if not YIELD_MIN_PERCENT <= percent <= YIELD_MAX_PERCENT:
            raise _no_yield_at(clean_price)
        return percent
    remaining = _remaining(terms, convention, settlement_date, without_coupon)
    with decimal.localcontext(EXACT):
        accrued = _yield_accrued(terms, convention, settlement_date, without_coupon)
        found = _solve(terms, convention, remaining, clean_price + accrued)
    if found is None:
        raise _no_yield_at(clean_price)
    return found


def discount_rate(
    terms: BillTerms, settlement_date: date, price: Decimal, year_days: int = 360
) -> Decimal:
    """The discount rate in per cent of a bill: 100 (100 - P) / 100 * year / days.

    31 CFR 356, appendix B, section VI.C.  Refuses `SettlementOutsideLife`, `PriceOutOfRange`.
    """
    _check_life(terms, settlement_date)
    _checked_price(price)
    days = days_between(settlement_date, terms.maturity_date)
    with decimal.localcontext(EXACT):
        return (100 - price) * year_days / days


def bill_discount(price: Decimal) -> Decimal:
    """What a holder of a bill gains per 100 from `price` to maturity: the base of its tax."""
    return EXACT.subtract(Decimal(100), _checked_price(price))


def investment_rate(terms: BillTerms, settlement_date: date, price: Decimal) -> Decimal:
    """The coupon-equivalent yield in per cent of a bill (31 CFR 356, appendix B, section VI.D).

    Up to half a year it is simple; beyond, it compounds once after half a year.  The year after
    `settlement_date` counts 366 days if it holds a 29 February.
    Refuses `SettlementOutsideLife`, `PriceOutOfRange`.
    """
    _check_life(terms, settlement_date)
    _checked_price(price)
    days = Decimal(days_between(settlement_date, terms.maturity_date))
    year = Decimal(days_between(settlement_date, _a_year_later(settlement_date)))
    with decimal.localcontext(EXACT):
        if 2 * days <= year:
            return (100 - price) / price * year / days * 100
        # P [1 + (r - y/2)(i/y)] (1 + i/2) = 100 is a i^2 + b i + c = 0 with these:
        a = days / (2 * year) - Decimal("0.25")
        b = days / year
        c = (price - 100) / price
        return (-b + (b * b - 4 * a * c).sqrt()) / (2 * a) * 100


def _a_year_later(day: date) -> date:
    """The same day next year; from 29 February, 1 March, so that no leap day is lost."""
    later = add_months(day, 12)
    return date(later.year, 3, 1) if later.day != day.day else later


def _check(
    terms: Terms, convention: Convention, settlement_date: date, ex_dividend: bool | None
) -> bool:
    check_fits(terms, convention)
    _check_life(terms, settlement_date)
    if ex_dividend is None and convention.ex_dividend_days and isinstance(terms, BondTerms):
        raise ExDividendUnknown(convention=convention.code)
    return bool(ex_dividend)


def _check_life(terms: Terms, settlement_date: date) -> None:
    if not terms.issue_date <= settlement_date < terms.maturity_date:
        raise SettlementOutsideLife(
            settlement_date=settlement_date,
            issue_date=terms.issue_date,
            maturity_date=terms.maturity_date,
        )


def _checked_price(price: Decimal) -> Decimal:
    if not PRICE_MIN <= price <= PRICE_MAX:
        raise PriceOutOfRange(price=price, price_min=PRICE_MIN, price_max=PRICE_MAX)
    return price


def _no_yield_at(price: Decimal) -> NoYieldAtPrice:
    return NoYieldAtPrice(price=price, least=YIELD_MIN_PERCENT, most=YIELD_MAX_PERCENT)


def _bill_price(convention: Convention, days: int, rate_percent: Decimal) -> Decimal:
    with decimal.localcontext(EXACT):
        share = rate_percent * days / (100 * convention.year_days)
        if convention.yield_method is YieldMethod.BANK_DISCOUNT:
            return 100 * (1 - share)
        return 100 / (1 + share)


def _bill_yield(convention: Convention, days: int, price: Decimal) -> Decimal:
    with decimal.localcontext(EXACT):
        if convention.yield_method is YieldMethod.BANK_DISCOUNT:
            return (100 - price) * convention.year_days / days
        return (100 / price - 1) * 100 * convention.year_days / days


def _period_of(
    terms: BondTerms, convention: Convention, settlement_date: date, anchor: Anchor
) -> tuple[int, tuple[CouponPeriod, ...]]:
    """The index of the coupon period that holds the day, and all periods by `anchor`."""
    periods = coupon_schedule(terms, convention, anchor=anchor)
    for index, period in enumerate(periods):
        if period.start <= settlement_date < period.end:
            return index, periods
    raise AssertionError("the periods cover the life of the bond")


def _accrued(
    terms: BondTerms,
    convention: Convention,
    settlement_date: date,
    ex_dividend: bool,
    day_count: DayCount,
    anchor: Anchor,
) -> Decimal:
    index, periods = _period_of(terms, convention, settlement_date, anchor)
    period = periods[index]
    start, end = period.start, settlement_date
    if ex_dividend:
        start, end = settlement_date, period.end
    years = accrual_years(terms, day_count, start, end, period.grid)
    return interest_per_100(terms.coupon_rate, -years if ex_dividend else years)


def _yield_accrued(
    terms: BondTerms, convention: Convention, settlement_date: date, ex_dividend: bool
) -> Decimal:
    return _accrued(
        terms,
        convention,
        settlement_date,
        ex_dividend,
        convention.yield_day_count,
        convention.yield_anchor,
    )


def _remaining(
    terms: BondTerms, convention: Convention, settlement_date: date, ex_dividend: bool
) -> _Remaining:
    index, periods = _period_of(terms, convention, settlement_date, convention.yield_anchor)
    coupons: list[Decimal] = []
    steps = [pair for pair in periods[index].grid if pair[1] > settlement_date]
    coupons += [Decimal(0)] * (len(steps) - 1)
    coupons.append(Decimal(0) if ex_dividend else periods[index].coupon)
    coupons += [period.coupon for period in periods[index + 1 :]]
    first, last = steps[0]
    with decimal.localcontext(EXACT):
        share = Decimal(days_between(settlement_date, last)) / days_between(first, last)
    return _Remaining(share, tuple(coupons))


def _present_value(
    terms: BondTerms, convention: Convention, remaining: _Remaining, yield_percent: Decimal
) -> tuple[Decimal, Decimal]:
    """The dirty price at a yield, and its derivative by the yield in per cent."""
    frequency = 100 * terms.coupons_per_year
    factor = 1 / (1 + yield_percent / frequency)
    # Horner's rule from the last payment back to the next date, for value and derivative by
    # the factor of one period.
    value, slope = Decimal(100), Decimal(0)
    for position in range(len(remaining.coupons) - 1, -1, -1):
        value += remaining.coupons[position]
        if position:
            slope = slope * factor + value
            value *= factor
    factor_slope = -factor * factor / frequency
    share = remaining.first_share
    if convention.yield_method is YieldMethod.TREASURY:
        broken = 1 / (1 + share * yield_percent / frequency)
        broken_slope = -broken * broken * share / frequency
    else:
        broken = factor**share
        broken_slope = share * broken / factor * factor_slope
    return value * broken, slope * factor_slope * broken + value * broken_slope


def _solve(
    terms: BondTerms, convention: Convention, remaining: _Remaining, dirty: Decimal
) -> Decimal | None:
    """Newton's steps on a falling convex curve, inside a bracket that halves when one strays.

    None when no yield inside the bracket gives the price.
    """
    low, high = YIELD_MIN_PERCENT, YIELD_MAX_PERCENT
    at_low, _ = _present_value(terms, convention, remaining, low)
    at_high, _ = _present_value(terms, convention, remaining, high)
    if not at_high <= dirty <= at_low:
        return None
    percent = min(max(terms.coupon_rate, Decimal(1)), Decimal(100))
    for _ in range(_STEPS_MAX):
        value, slope = _present_value(terms, convention, remaining, percent)
        low, high = (percent, high) if value > dirty else (low, percent)
        step = percent - (value - dirty) / slope
        if not low <= step <= high:
            step = (low + high) / 2
        if abs(step - percent) < _CLOSE:
            return step
        percent = step
    raise AssertionError("Newton's steps converge inside the bracket")
