"""Prices of US, British and German securities against figures that their debt offices publish."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from amanat.core.calendars import Calendar
from amanat.core.dates import add_months
from amanat.core.quantities import Rounding, round_to
from amanat.instruments.payments import coupon_amount
from amanat.instruments.pricing import (
    PriceOutOfRange,
    SettlementOutsideLife,
    discount_rate,
    investment_rate,
    price_from_yield,
    yield_from_price,
)
from amanat.instruments.schedule import coupon_schedule, is_ex_dividend
from amanat.jurisdictions.conventions import load_convention
from amanat.jurisdictions.holidays import calendar_from

# 31 CFR 356, appendix B, section II, examples A to G: issue, maturity, rate, other terms,
# settlement, yield, clean price, accrued.
NOTES = {
    "regular": ("1990-05-15", "2020-05-15", "8.75", {}, "1990-05-15", "8.84", "99.057893", "0"),
    "short_first": (
        "1990-04-02",
        "1992-03-31",
        "8.50",
        {"end_of_month": True},
        "1990-04-02",
        "8.59",
        "99.838183",
        "0",
    ),
    "long_first": (
        "1990-03-01",
        "1995-05-15",
        "8.50",
        {"first_coupon_date": "1990-11-15"},
        "1990-03-01",
        "8.53",
        "99.805118",
        "0",
    ),
    "reopened": (
        "1985-11-15",
        "1995-11-15",
        "9.50",
        {},
        "1985-11-29",
        "9.54",
        "99.730918",
        "0.367403",
    ),
    "reopened_in_long_first": (
        "1985-07-02",
        "2005-08-15",
        "10.75",
        {"first_coupon_date": "1986-02-15"},
        "1985-11-04",
        "10.47",
        "102.214586",
        "3.672798",
    ),
    "reopened_in_short_first": (
        "1983-05-16",
        "1991-05-15",
        "10.50",
        {},
        "1983-08-15",
        "10.53",
        "99.777074",
        "2.596467",
    ),
    "reopened_in_fraction_of_long_first": (
        "1988-10-15",
        "1994-12-15",
        "9.75",
        {"first_coupon_date": "1989-06-15"},
        "1988-11-15",
        "9.79",
        "99.738045",
        "0.825820",
    ),
}


@pytest.mark.parametrize("example", NOTES)
def test_treasury_notes(bond, example):
    issue, maturity, rate, others, settled, percent, clean, accrued = NOTES[example]
    day = date.fromisoformat(settled)
    terms = bond("us-note", issue, maturity, rate, **others)
    convention = load_convention("us-note", day)
    price = price_from_yield(terms, convention, day, Decimal(percent))
    # The appendix rounds P + A and A to six places and takes one from the other.
    dirty, interest = convention.round_price(price.dirty), convention.round_accrued(price.accrued)
    assert (str(dirty - interest), interest) == (clean, Decimal(accrued))
    if example != "reopened_in_short_first":  # unrounded, this one ends in ...073414
        assert str(convention.round_price(price.clean)) == clean
    back = yield_from_price(terms, convention, day, price.clean)
    assert abs(back - Decimal(percent)) < Decimal("1e-25")


@pytest.mark.parametrize(
    ("issue", "maturity", "others", "rate", "per_thousand", "of_nominal"),
    [
        # 31 CFR 356, appendix B, section I.A: short and long first payments.  The appendix rounds
        # a daily decimal to nine places, so its amounts per 1,000 are met to six.
        (
            "1990-07-02",
            "1992-06-30",
            {"end_of_month": True},
            "8.375",
            "41.419837",
            (20_000, 82_840),
        ),
        (
            "1990-12-03",
            "1996-02-15",
            {"first_coupon_date": "1991-08-15"},
            "7.875",
            "55.210598",
            (7_000, 38_647),
        ),
    ],
)
def test_irregular_first_payments(bond, issue, maturity, others, rate, per_thousand, of_nominal):
    terms = bond("us-note", issue, maturity, rate, currency="USD", **others)
    first = coupon_schedule(terms, load_convention("us-note", terms.issue_date))[0]
    assert str(round_to(first.coupon * 10, 6)) == per_thousand
    units, cents = of_nominal
    assert coupon_amount(terms, first, units).minor == cents


def test_bill_at_a_discount_rate(bill):
    # 31 CFR 356, appendix B, section VI.A: 7.610%, 24 November 1989 to 22 February 1990.
    issue = date(1989, 11, 24)
    terms = bill("us-bill", "1989-11-24", "1990-02-22")
    convention = load_convention("us-bill", issue)
    price = price_from_yield(terms, convention, issue, Decimal("7.610"))
    assert str(convention.round_price(price.clean)) == "98.097500"
    assert yield_from_price(terms, convention, issue, price.clean) == Decimal("7.61")


def test_discount_rate_of_a_price(bill):
    # Section VI.C: 30 December 1982 to 30 June 1983 at 95.934567 is 8.042%.
    terms = bill("us-bill", "1982-12-30", "1983-06-30")
    rate = discount_rate(terms, date(1982, 12, 30), Decimal("95.934567"))
    assert str(round_to(rate, 3)) == "8.042"


def test_investment_rate_within_half_a_year(bill):
    # Section VI.D.1: 1 to 21 June 1990 at 99.559444 is 8.076%.
    terms = bill("us-bill", "1990-06-01", "1990-06-21")
    rate = investment_rate(terms, date(1990, 6, 1), Decimal("99.559444"))
    assert str(round_to(rate, 3)) == "8.076"


def test_investment_rate_beyond_half_a_year(bill):
    # Section VI.D.2: 7 June 1990 to 6 June 1991 at 92.265000 is 8.237%.
    terms = bill("us-bill", "1990-06-07", "1991-06-06")
    rate = investment_rate(terms, date(1990, 6, 7), Decimal("92.265000"))
    assert str(round_to(rate, 3)) == "8.237"


def test_year_after_a_leap_day_counts_366(bill):
    # Section VI.D: 366 if the year from issue holds a 29 February: from 1 March 2019 it does,
    # from 28 February 2019 it does not.
    first = investment_rate(
        bill("us-bill", "2019-03-01", "2019-08-30"), date(2019, 3, 1), Decimal(98)
    )
    assert round_to(first, 10) == round_to(Decimal(2) / 98 * 366 / 182 * 100, 10)
    second = investment_rate(
        bill("us-bill", "2019-02-28", "2019-08-29"), date(2019, 2, 28), Decimal(98)
    )
    assert round_to(second, 10) == round_to(Decimal(2) / 98 * 365 / 182 * 100, 10)


def test_investment_rate_refuses_days_and_prices_outside(bill):
    terms = bill("us-bill", "1990-06-07", "1991-06-06")
    with pytest.raises(SettlementOutsideLife):
        investment_rate(terms, date(1991, 6, 6), Decimal(99))
    with pytest.raises(PriceOutOfRange):
        investment_rate(terms, date(1990, 6, 7), Decimal(0))


LONDON = """
code = "gb"
version = "1999"
weekend = ["saturday", "sunday"]
[reroll]
[[span]]
first_day = 1999-05-01
last_day = 1999-12-31
[[day_off]]
first_day = 1999-05-03
name = "Early May bank holiday"
closed = "settlement"
standing = "confirmed"
source = "UK bank holidays"
[[day_off]]
first_day = 1999-05-31
name = "Spring bank holiday"
closed = "settlement"
standing = "confirmed"
source = "UK bank holidays"
"""


@pytest.fixture(scope="module")
def london() -> Calendar:
    return calendar_from(LONDON, "london.toml")


@pytest.mark.parametrize(
    ("maturity", "rate", "percent", "settled", "ex_dividend", "dirty"),
    [
        # UK Debt Management Office, formulae for calculating gilt prices from yields, annex A:
        # 8% due 7 December 2015 at 4.445% and 6.75% due 26 November 2004 at 4.634%.
        ("2015-12-07", "8", "4.445", "1999-05-24", False, "145.012268"),
        ("2015-12-07", "8", "4.445", "1999-05-26", False, "145.047301"),
        ("2015-12-07", "8", "4.445", "1999-05-27", True, "141.070132"),
        ("2015-12-07", "8", "4.445", "1999-06-07", False, "141.257676"),
        ("2004-11-26", "6.75", "4.634", "1999-05-10", False, "113.315543"),
        ("2004-11-26", "6.75", "4.634", "1999-05-17", False, "113.415969"),
        ("2004-11-26", "6.75", "4.634", "1999-05-18", True, "110.058738"),
        ("2004-11-26", "6.75", "4.634", "1999-05-26", False, "110.170218"),
    ],
)
def test_gilts(bond, london, maturity, rate, percent, settled, ex_dividend, dirty):
    day = date.fromisoformat(settled)
    issue = "1995-12-07" if maturity == "2015-12-07" else "1995-11-26"
    terms = bond("gb-gilt", issue, maturity, rate)
    convention = load_convention("gb-gilt", day)
    assert is_ex_dividend(terms, convention, london, day) is ex_dividend
    price = price_from_yield(terms, convention, day, Decimal(percent), ex_dividend=ex_dividend)
    assert str(convention.round_price(price.dirty)) == dirty
    assert (price.accrued < 0) is ex_dividend
    back = yield_from_price(terms, convention, day, price.clean, ex_dividend=ex_dividend)
    assert abs(back - Decimal(percent)) < Decimal("1e-25")


def test_bund(bond):
    # DE0001102622, 2.1% due 15 November 2029 with a long first coupon: settled 12 June 2024 at
    # 97.180 it yields 2.66368627% (printed without the digits that follow), accrued 1.204918.
    settled = date(2024, 6, 12)
    terms = bond(
        "de-bund",
        "2022-10-20",
        "2029-11-15",
        "2.1",
        isin="DE0001102622",
        coupons_per_year=1,
        first_coupon_date="2023-11-15",
        currency="EUR",
    )
    convention = load_convention("de-bund", settled)
    percent = yield_from_price(terms, convention, settled, Decimal("97.180"))
    assert str(round_to(percent, 8, Rounding.DOWN)) == "2.66368627"
    price = price_from_yield(terms, convention, settled, percent)
    assert str(convention.round_accrued(price.accrued)) == "1.204918"
    assert str(convention.round_price(price.clean)) == "97.180"


def test_bund_inside_its_long_first_coupon(bond):
    # The same bond settled 2 November 2023: 378 days of 365, accrued 2.174795.
    settled = date(2023, 11, 2)
    terms = bond(
        "de-bund",
        "2022-10-20",
        "2029-11-15",
        "2.1",
        coupons_per_year=1,
        first_coupon_date="2023-11-15",
    )
    convention = load_convention("de-bund", settled)
    price = price_from_yield(terms, convention, settled, Decimal("2.636708016"))
    assert str(convention.round_accrued(price.accrued)) == "2.174795"
    assert str(convention.round_price(price.clean)) == "97.040"


def test_bubill_is_simple_over_360_days(bill):
    # Deutsche Finanzagentur: price = 100 / (1 + yield * days / 360).
    settled = date(2024, 6, 12)
    terms = bill("de-bubill", "2024-06-12", "2025-05-14")
    convention = load_convention("de-bubill", settled)
    price = price_from_yield(terms, convention, settled, Decimal("3.36"))
    assert round_to(price.clean, 20) == round_to(100 / (1 + Decimal("0.0336") * 336 / 360), 20)
    percent = yield_from_price(terms, convention, settled, price.clean)
    assert round_to(percent, 20) == Decimal("3.36")


@pytest.mark.parametrize("code", ["de-bund", "us-note", "gb-gilt", "pk-pib-fixed"])
def test_price_and_yield_lead_back_to_each_other_far_from_the_ordinary(bond, code):
    draw = random.Random(code)
    for _ in range(150):
        frequency = draw.choice([1, 2, 3, 4, 6, 12])
        issue = date(1990, 1, 1) + timedelta(days=draw.randrange(15_000))
        months = 12 // frequency * draw.randint(1, 30 * frequency)
        maturity = add_months(issue, months) + timedelta(days=draw.choice([0, 0, 1, 5]))
        rate = draw.choice(["0", "100", str(draw.randrange(0, 20))])
        terms = bond(code, str(issue), str(maturity), rate, coupons_per_year=frequency)
        convention = load_convention(code, date(2024, 1, 2))
        settled = issue + timedelta(days=draw.randrange((maturity - issue).days))
        percent = Decimal(draw.randrange(-40_000, 900_000)) / 1000
        without = draw.random() < 0.2
        try:
            price = price_from_yield(terms, convention, settled, percent, ex_dividend=without)
        except PriceOutOfRange:
            continue
        back = yield_from_price(terms, convention, settled, price.clean, ex_dividend=without)
        assert abs(back - percent) < Decimal("1e-20")
