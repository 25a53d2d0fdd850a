"""From terms to dates: coupon periods, and the days on which each is paid, shut and recorded.

Accrual dates are never moved: a coupon that falls on a holiday is paid later, and is worth the
same.  Only the days of payment, record and shut period look at a calendar.
"""

from __future__ import annotations

import decimal
import itertools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from amanat.core.calendars import Calendar, RollRule
from amanat.core.dates import add_months, days_between
from amanat.core.errors import Invalid
from amanat.core.quantities import EXACT
from amanat.instruments.day_counts import period_fraction, year_fraction
from amanat.instruments.model import BillTerms, BondTerms, Terms
from amanat.jurisdictions.conventions import Anchor, Convention, DayCount, InstrumentKind

MATURITY_DRIFT_DAYS_MAX = 7
"""Days by which maturity may miss the grid that steps forward from issue."""


class ConventionDoesNotFit(Invalid):
    """A bill is priced by a convention of bills, a bond by one of bonds."""

    template: ClassVar[str] = "Convention {convention} is not for a {kind}."


class MaturityOffGrid(Invalid):
    """Coupon dates that step forward from issue must end within a week of maturity."""

    template: ClassVar[str] = "Coupon dates from {issue_date} do not lead to {maturity_date}."


@dataclass(frozen=True, slots=True)
class CouponPeriod:
    """One coupon: earned from `start` to `end`, `coupon` per 100 nominal due on `end`.

    `grid` holds the regular periods in which the days of this one are counted: itself when it
    is regular, a longer one when it is short, two when it is long.
    """

    number: int
    start: date
    end: date
    grid: tuple[tuple[date, date], ...]
    coupon: Decimal

    @property
    def days(self) -> int:
        """Calendar days of the period."""
        return days_between(self.start, self.end)


@dataclass(frozen=True, slots=True)
class PaymentDates:
    """The days around one payment, all of them settlement days.

    Who holds the security at the close of `record_date` is paid on `payment_date`.  From
    `shut_from` to `payment_date`, the latter not included, the register is shut; without a shut
    period `shut_from` is the payment date.  From `ex_dividend_from` on, a trade settles without
    the coupon; without such a rule it is the first settlement day after the record date.
    """

    due_date: date
    payment_date: date
    record_date: date
    shut_from: date
    ex_dividend_from: date


def check_fits(terms: Terms, convention: Convention) -> None:
    """Refuse a convention of the other kind.  Refuses `ConventionDoesNotFit`."""
    if InstrumentKind(terms.kind) is not convention.kind:
        raise ConventionDoesNotFit(convention=convention.code, kind=terms.kind)


def coupon_grid(terms: BondTerms, anchor: Anchor) -> tuple[date, ...]:
    """Dates that divide the life of a bond into regular coupon periods, ascending.

    From `MATURITY` they step back until one is on or before issue; from `ISSUE` they step
    forward, and the last gives way to maturity.  Refuses `MaturityOffGrid`.
    """
    step = terms.months_per_coupon
    if anchor is Anchor.MATURITY:
        dates = [terms.maturity_date]
        while dates[-1] > terms.issue_date:
            months = -step * len(dates)
            dates.append(add_months(terms.maturity_date, months, end_of_month=terms.end_of_month))
        return tuple(reversed(dates))
    drift, count = _steps_from_issue(terms)
    if drift > MATURITY_DRIFT_DAYS_MAX or count == 0:
        raise MaturityOffGrid(issue_date=terms.issue_date, maturity_date=terms.maturity_date)
    inner = [_stepped_from_issue(terms, number) for number in range(count)]
    return (*inner, terms.maturity_date)


def _stepped_from_issue(terms: BondTerms, number: int) -> date:
    months = terms.months_per_coupon * number
    return add_months(terms.issue_date, months, end_of_month=terms.end_of_month)


def _steps_from_issue(terms: BondTerms) -> tuple[int, int]:
    """Days by which the nearest step misses maturity, and the number of steps to it."""
    issue, maturity = terms.issue_date, terms.maturity_date
    months = (maturity.year - issue.year) * 12 + maturity.month - issue.month
    near = months // terms.months_per_coupon
    drifts = (
        (abs(days_between(_stepped_from_issue(terms, number), maturity)), number)
        for number in (max(near - 1, 0), near, near + 1)
    )
    return min(drifts)


def coupon_schedule(
    terms: Terms, convention: Convention, *, anchor: Anchor | None = None
) -> tuple[CouponPeriod, ...]:
    """The coupon periods of a bond from issue to maturity, unadjusted; none for a bill.

    `anchor` replaces the convention's `coupon_anchor`.  A first coupon is short when issue falls
    inside a period, and long when the terms name a later `first_coupon_date`.
    Refuses `ConventionDoesNotFit`, `MaturityOffGrid`.
    """
    check_fits(terms, convention)
    if isinstance(terms, BillTerms):
        return ()
    dates = coupon_grid(terms, anchor or convention.coupon_anchor)
    grid = tuple(itertools.pairwise(dates))
    first_coupon = terms.first_coupon_date or grid[0][1]
    leading = tuple(pair for pair in grid if pair[1] <= first_coupon)
    groups = [leading, *((pair,) for pair in grid[len(leading) :])]
    return tuple(
        _period(terms, convention.coupon_day_count, number, group)
        for number, group in enumerate(groups, start=1)
    )


def _period(
    terms: BondTerms, day_count: DayCount, number: int, grid: tuple[tuple[date, date], ...]
) -> CouponPeriod:
    start, end = max(grid[0][0], terms.issue_date), grid[-1][1]
    years = accrual_years(terms, day_count, start, end, grid)
    return CouponPeriod(number, start, end, grid, interest_per_100(terms.coupon_rate, years))


def accrual_years(
    terms: BondTerms,
    day_count: DayCount,
    start: date,
    end: date,
    grid: tuple[tuple[date, date], ...],
) -> Fraction:
    """The share of a year from `start` to `end`, counted in the coupon periods of `grid`."""
    if day_count is DayCount.ACT_ACT_ICMA:
        return period_fraction(start, end, grid) / terms.coupons_per_year
    return year_fraction(day_count, start, end)


def interest_per_100(rate_percent: Decimal, years: Fraction) -> Decimal:
    """Interest per 100 nominal, at `PRECISION` digits."""
    with decimal.localcontext(EXACT):
        return rate_percent * years.numerator / years.denominator


def payment_dates(due_date: date, convention: Convention, calendar: Calendar) -> PaymentDates:
    """The days around a payment due on `due_date`: a coupon's `end`, or maturity.

    Record, shut and ex-dividend days are counted back from the due date, rolled forward, in
    settlement days.  Refuses `DateOutsideCalendar`.
    """
    payment = calendar.roll(due_date, convention.payment_roll)
    base = calendar.roll(due_date, RollRule.FOLLOWING)
    record = calendar.add_settlement_days(base, -convention.record_days)
    shut = calendar.add_settlement_days(base, -convention.shut_days)
    last_with_coupon = record
    if convention.ex_dividend_days:
        last_with_coupon = calendar.add_settlement_days(base, -convention.ex_dividend_days)
    ex_dividend_from = calendar.add_settlement_days(last_with_coupon, 1)
    return PaymentDates(due_date, payment, record, shut, ex_dividend_from)


def is_ex_dividend(
    terms: Terms, convention: Convention, calendar: Calendar, settlement_date: date
) -> bool:
    """Whether a trade settling on this day leaves the next coupon with the seller.

    Always False where the convention has no ex-dividend period.
    Refuses `DateOutsideCalendar`.
    """
    if convention.ex_dividend_days == 0 or isinstance(terms, BillTerms):
        return False
    for period in coupon_schedule(terms, convention):
        if period.start <= settlement_date < period.end:
            dates = payment_dates(period.end, convention, calendar)
            return settlement_date >= dates.ex_dividend_from
    return False
