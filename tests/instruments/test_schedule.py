"""Coupon periods, and the days around a payment."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.calendars import DateOutsideCalendar
from amanat.core.quantities import round_to
from amanat.instruments.day_counts import period_fraction, year_fraction
from amanat.instruments.model import BondTerms
from amanat.instruments.schedule import (
    ConventionDoesNotFit,
    MaturityOffGrid,
    PaymentDates,
    coupon_schedule,
    is_ex_dividend,
    payment_dates,
)
from amanat.jurisdictions.conventions import Anchor, DayCount, load_convention
from amanat.jurisdictions.holidays import load_calendar


def pakistan(kind: str, day: date):
    return load_convention(f"pk-{kind}", day)


@pytest.fixture(scope="module")
def pib(bond):
    return bond("pk-pib-fixed", "2020-08-20", "2023-08-20", "7.00")


def test_coupon_periods_are_never_moved(pib):
    periods = coupon_schedule(pib, pakistan("pib-fixed", pib.issue_date))
    assert [str(period.end) for period in periods] == [
        "2021-02-20",
        "2021-08-20",
        "2022-02-20",
        "2022-08-20",
        "2023-02-20",
        "2023-08-20",
    ]
    assert [period.days for period in periods] == [184, 181, 184, 181, 184, 181]
    assert {period.coupon for period in periods} == {Decimal("3.5")}


@pytest.mark.parametrize(
    ("due", "paid", "record"),
    [
        # The 20th fell on Saturday, Friday, Sunday, Saturday, Monday and Sunday; 18 and 19 August
        # 2021 were Ashura.
        ("2021-02-20", "2021-02-22", "2021-02-19"),
        ("2021-08-20", "2021-08-20", "2021-08-17"),
        ("2022-02-20", "2022-02-21", "2022-02-18"),
        ("2022-08-20", "2022-08-22", "2022-08-19"),
        ("2023-02-20", "2023-02-20", "2023-02-17"),
        ("2023-08-20", "2023-08-21", "2023-08-18"),
    ],
)
def test_coupon_on_a_day_off_is_paid_on_the_next(due, paid, record):
    convention = pakistan("pib-fixed", date(2021, 3, 4))
    dates = payment_dates(date.fromisoformat(due), convention, load_calendar("pk"))
    assert dates == PaymentDates(
        due_date=date.fromisoformat(due),
        payment_date=date.fromisoformat(paid),
        record_date=date.fromisoformat(record),
        shut_from=date.fromisoformat(paid),
        ex_dividend_from=date.fromisoformat(paid),
    )


def test_payment_beyond_the_calendar_is_refused():
    with pytest.raises(DateOutsideCalendar):
        payment_dates(
            date(2029, 8, 20), pakistan("pib-fixed", date(2021, 3, 4)), load_calendar("pk")
        )


def test_pakistan_has_no_ex_dividend_period(pib):
    convention = pakistan("pib-fixed", date(2021, 3, 4))
    assert not is_ex_dividend(pib, convention, load_calendar("pk"), date(2023, 8, 18))


def test_bill_has_no_coupons(bill):
    terms = bill("pk-mtb", "2013-03-21", "2013-06-13")
    assert coupon_schedule(terms, pakistan("mtb", terms.issue_date)) == ()


def test_convention_of_the_other_kind_is_refused(bill, pib):
    terms = bill("pk-mtb", "2013-03-21", "2013-06-13")
    with pytest.raises(ConventionDoesNotFit):
        coupon_schedule(terms, pakistan("pib-fixed", date(2021, 3, 4)))
    with pytest.raises(ConventionDoesNotFit):
        coupon_schedule(pib, pakistan("mtb", date(2021, 3, 4)))


def test_grid_from_issue_gives_way_to_maturity(bond):
    terms = bond("pk-pfl", "2020-06-18", "2023-06-19", "8.2670")
    periods = coupon_schedule(terms, pakistan("pfl", terms.issue_date))
    assert (len(periods), periods[0].end) == (6, date(2020, 12, 18))
    assert (periods[-1].start, periods[-1].end) == (date(2022, 12, 18), date(2023, 6, 19))
    assert {period.coupon for period in periods} == {Decimal("4.1335")}


def test_grid_from_issue_that_misses_maturity_is_refused(bond):
    terms = bond("pk-pfl", "2020-06-18", "2023-07-19", "8.2670")
    with pytest.raises(MaturityOffGrid):
        coupon_schedule(terms, pakistan("pfl", terms.issue_date))


def test_short_and_long_first_coupons(bond):
    convention = load_convention("us-note", date(1990, 1, 1))
    short = bond("us-note", "1990-04-02", "1992-03-31", "8.50", end_of_month=True)
    first = coupon_schedule(short, convention)[0]
    assert (first.start, first.end, first.days) == (date(1990, 4, 2), date(1990, 9, 30), 181)
    assert round_to(first.coupon, 12) == round_to(Decimal("4.25") * 181 / 183, 12)
    long = bond("us-note", "1990-03-01", "1995-05-15", "8.50", first_coupon_date="1990-11-15")
    periods = coupon_schedule(long, convention)
    assert (len(periods), periods[0].end) == (10, date(1990, 11, 15))
    assert round_to(periods[0].coupon, 12) == round_to(
        Decimal("4.25") * (1 + Decimal(75) / 181), 12
    )


def test_end_of_month_stays_at_the_end(bond):
    terms = bond("us-note", "2020-08-31", "2022-02-28", "4", end_of_month=True)
    ends = [
        str(one.end) for one in coupon_schedule(terms, load_convention("us-note", date(2021, 1, 1)))
    ]
    assert ends == ["2021-02-28", "2021-08-31", "2022-02-28"]


@given(
    start=st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    first=st.integers(0, 4000),
    second=st.integers(0, 4000),
)
def test_calendar_day_counts_add_up(start, first, second):
    middle = date.fromordinal(start.toordinal() + first)
    end = date.fromordinal(middle.toordinal() + second)
    for day_count in (DayCount.ACT_365, DayCount.ACT_360, DayCount.ACT_ACT_ISDA):
        parts = year_fraction(day_count, start, middle) + year_fraction(day_count, middle, end)
        assert parts == year_fraction(day_count, start, end)


def test_day_counts_of_the_standards():
    # ISDA 2006 section 4.16 and the ISDA memorandum of 1998: 1 November 2003 to 1 May 2004.
    start, end = date(2003, 11, 1), date(2004, 5, 1)
    assert year_fraction(DayCount.ACT_ACT_ISDA, start, end) == Fraction(61, 365) + Fraction(
        121, 366
    )
    assert period_fraction(start, end, ((start, end),)) == 1
    assert year_fraction(DayCount.THIRTY_E_360, date(2007, 2, 28), date(2007, 8, 31)) == Fraction(
        182, 360
    )
    with pytest.raises(ValueError, match="ICMA"):
        year_fraction(DayCount.ACT_ACT_ICMA, start, end)


def test_anchor_can_be_chosen(bond):
    terms: BondTerms = bond("pk-pib-fixed", "2020-08-31", "2021-08-30", "7.00")
    convention = pakistan("pib-fixed", terms.issue_date)
    forward = coupon_schedule(terms, convention, anchor=Anchor.ISSUE)
    backward = coupon_schedule(terms, convention, anchor=Anchor.MATURITY)
    assert [one.end for one in forward] == [one.end for one in backward]
    assert forward[0].grid[0][0] == date(2020, 8, 31)
    assert backward[0].grid[0][0] == date(2020, 8, 30)
