"""Dates, the ledger's day numbers, and steps of months."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.dates import (
    InvalidBusinessDay,
    InvalidDate,
    add_months,
    business_day_from_date,
    date_from,
    date_from_business_day,
    days_between,
    is_end_of_month,
)


def test_day_numbers_are_unix_days():
    moment = datetime(2021, 3, 4, tzinfo=UTC)
    assert business_day_from_date(date(2021, 3, 4)) == int(moment.timestamp()) // 86_400
    assert business_day_from_date(date(1970, 1, 1)) == 0


@given(st.dates(min_value=date(1970, 1, 1)))
def test_day_numbers_come_back(day):
    number = business_day_from_date(day)
    assert number < 2**32
    assert date_from_business_day(number) == day


@pytest.mark.parametrize("number", [-1, 2**32, True])
def test_impossible_day_numbers_are_refused(number):
    with pytest.raises(InvalidBusinessDay):
        date_from_business_day(number)


def test_day_before_the_epoch_is_refused():
    with pytest.raises(InvalidBusinessDay):
        business_day_from_date(date(1969, 12, 31))


def test_iso_text_is_read():
    assert date_from("2021-03-04") == date_from(date(2021, 3, 4)) == date(2021, 3, 4)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "2021-3-4",
        "04-03-2021",
        "20210304",
        "2021-02-29",
        "۲۰۲۱-۰۳-۰۴",
        "2021-03-04T00:00",
        None,
        1,
    ],
)
def test_other_dates_are_refused(value):
    with pytest.raises(InvalidDate):
        date_from(value)


def test_a_moment_is_not_a_date():
    with pytest.raises(InvalidDate):
        date_from(datetime(2021, 3, 4, tzinfo=UTC))


def test_months_hold_back_to_the_last_day():
    assert add_months(date(2020, 1, 31), 1) == date(2020, 2, 29)
    assert add_months(date(2020, 2, 29), 12) == date(2021, 2, 28)
    assert add_months(date(2020, 2, 29), 6) == date(2020, 8, 29)
    assert add_months(date(2020, 2, 29), 6, end_of_month=True) == date(2020, 8, 31)
    assert add_months(date(2020, 2, 28), 6, end_of_month=True) == date(2020, 8, 28)
    assert add_months(date(2020, 1, 15), -13) == date(2018, 12, 15)


@given(st.dates(date(1000, 1, 1), date(3000, 1, 1)), st.integers(-2000, 2000))
def test_months_move_by_as_many_months(day, months):
    moved = add_months(day, months)
    assert (moved.year - day.year) * 12 + moved.month - day.month == months
    assert moved.day == day.day or (moved.day < day.day and is_end_of_month(moved))
    assert (days_between(day, moved) > 0) == (months > 0)


def test_months_beyond_all_dates_are_refused():
    with pytest.raises(InvalidDate):
        add_months(date(9999, 12, 1), 1)
