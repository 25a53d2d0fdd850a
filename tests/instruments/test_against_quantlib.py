"""Our decimals beside QuantLib's floats, over thousands of drawn terms."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
import QuantLib as ql

from amanat.core.dates import add_months
from amanat.instruments.pricing import accrued_interest, price_from_yield, yield_from_price
from amanat.instruments.schedule import coupon_schedule
from amanat.jurisdictions.conventions import load_convention

DRAWS = 1_000
NEAR = 1e-9
"""QuantLib computes in binary floats, which hold a price per 100 to some 1e-12."""

_PERIODS = {1: ql.Annual, 2: ql.Semiannual, 4: ql.Quarterly}


def _ql(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def _draw(seed: int, *, short_first: bool):
    draw = random.Random(seed)
    frequency = draw.choice([1, 2, 4])
    # A lone short coupon is left out: with one period in its schedule, QuantLib has no regular
    # period to count the days in.
    months = 12 // frequency * draw.randint(2 if short_first else 1, 20 * frequency)
    maturity = date(2000, 1, 1) + timedelta(days=draw.randrange(0, 18_000))
    if short_first:
        # QuantLib steps back from the first coupon's date, which forgets a maturity on the 29th
        # to 31st when that coupon fell in February; we stay on the grid of maturity.
        maturity = maturity.replace(day=min(maturity.day, 27))
    elif draw.random() < 0.2:
        maturity = add_months(maturity.replace(day=1), 1) - timedelta(days=1)
    end_of_month = draw.random() < 0.5
    issue = add_months(maturity, -months, end_of_month=end_of_month)
    if short_first:
        first_end = add_months(issue, 12 // frequency)
        issue += timedelta(days=draw.randrange(1, (first_end - issue).days - 3))
    settled = issue + timedelta(days=draw.randrange(0, (maturity - issue).days))
    rate = Decimal(draw.randrange(0, 20_000)) / 1000
    percent = Decimal(draw.randrange(-1_000, 30_000)) / 1000
    return frequency, issue, maturity, end_of_month, settled, rate, percent


def _quantlib_bond(frequency, issue, maturity, end_of_month, rate):
    schedule = ql.Schedule(
        _ql(issue),
        _ql(maturity),
        ql.Period(_PERIODS[frequency]),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        end_of_month,
    )
    count = ql.ActualActual(ql.ActualActual.ISMA, schedule)
    return ql.FixedRateBond(0, 100.0, schedule, [float(rate) / 100], count), count


@pytest.mark.parametrize("short_first", [False, True])
@pytest.mark.parametrize(
    ("code", "compounding"), [("de-bund", ql.Compounded), ("us-note", ql.SimpleThenCompounded)]
)
def test_bonds(bond, code, compounding, short_first):
    convention = load_convention(code, date(2024, 1, 2))
    for seed in range(DRAWS):
        drawn = _draw(seed, short_first=short_first)
        frequency, issue, maturity, end_of_month, settled, rate, percent = drawn
        text = format(rate.normalize(), "f")
        terms = bond(
            code,
            str(issue),
            str(maturity),
            text,
            coupons_per_year=frequency,
            end_of_month=end_of_month,
        )
        theirs, count = _quantlib_bond(frequency, issue, maturity, end_of_month, rate)
        ends = [period.end for period in coupon_schedule(terms, convention)]
        assert [_ql(end) for end in ends] == [flow.date() for flow in theirs.cashflows()][:-1], seed
        amounts = [period.coupon for period in coupon_schedule(terms, convention)]
        for amount, flow in zip(amounts, theirs.cashflows(), strict=False):
            assert abs(float(amount) - flow.amount()) < NEAR, (seed, drawn)
        accrued = accrued_interest(terms, convention, settled)
        assert abs(float(accrued) - theirs.accruedAmount(_ql(settled))) < NEAR, (seed, drawn)
        price = price_from_yield(terms, convention, settled, percent)
        clean = theirs.cleanPrice(
            float(percent) / 100, count, compounding, _PERIODS[frequency], _ql(settled)
        )
        assert abs(float(price.clean) - clean) < NEAR * max(1, clean), (seed, drawn)
        if seed % 10 == 0:
            back = yield_from_price(terms, convention, settled, price.clean)
            assert abs(back - percent) < Decimal("1e-25"), (seed, drawn)


@pytest.mark.parametrize(
    ("code", "count"), [("pk-mtb", ql.Actual365Fixed()), ("de-bubill", ql.Actual360())]
)
def test_bills(bill, code, count):
    convention = load_convention(code, date(2024, 1, 2))
    for seed in range(DRAWS):
        draw = random.Random(seed)
        issue = date(2000, 1, 1) + timedelta(days=draw.randrange(0, 18_000))
        maturity = issue + timedelta(days=draw.randrange(1, 365))
        settled = issue + timedelta(days=draw.randrange(0, (maturity - issue).days))
        percent = Decimal(draw.randrange(0, 30_000)) / 1000
        terms = bill(code, str(issue), str(maturity))
        price = price_from_yield(terms, convention, settled, percent)
        rate = ql.InterestRate(float(percent) / 100, count, ql.Simple, ql.Annual)
        assert (
            abs(float(price.clean) - 100 * rate.discountFactor(_ql(settled), _ql(maturity))) < NEAR
        )
        back = yield_from_price(terms, convention, settled, price.clean)
        assert abs(back - percent) < Decimal("1e-40") * 10**6
