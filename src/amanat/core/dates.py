"""Dates: strict ISO text, business-day numbers of the chain, and steps of months."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import ClassVar

from amanat.core.errors import Invalid

EPOCH = date(1970, 1, 1)
"""Day 0 of the chain's day numbers."""

BUSINESS_DAY_MAX = 2**32 - 1
"""Largest day number in its ABI type, uint32; `date` itself ends in year 9999, earlier."""

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class InvalidDate(Invalid):
    """A date is written YYYY-MM-DD in ASCII digits and exists in the Gregorian calendar."""

    template: ClassVar[str] = "{value!r} is not a date written YYYY-MM-DD."


class InvalidBusinessDay(Invalid):
    """A day on the chain is a whole number of days since 1970-01-01, before year 10000."""

    template: ClassVar[str] = "{value} is not a day number that a date can carry."


def date_from(value: str | date) -> date:
    """A date from its strict ISO text.  Refuses `InvalidDate` (also a datetime)."""
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _ISO_DATE.fullmatch(value):
        raise InvalidDate(value=str(value)[:40])
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise InvalidDate(value=value) from error


def business_day_from_date(day: date) -> int:
    """Days since 1970-01-01 as the ledger counts them (uint32).

    Refuses `InvalidBusinessDay`: a date before 1970.

    >>> business_day_from_date(date(2024, 2, 29))
    19782
    """
    number = (day - EPOCH).days
    if number < 0:
        raise InvalidBusinessDay(value=number)
    return number


def date_from_business_day(number: int) -> date:
    """The date of a day number.  Refuses `InvalidBusinessDay`."""
    if isinstance(number, bool) or not 0 <= number <= (date.max - EPOCH).days:
        raise InvalidBusinessDay(value=number)
    return EPOCH + timedelta(days=number)


def days_between(earlier: date, later: date) -> int:
    """Calendar days from `earlier` to `later`; negative when they are the other way round."""
    return (later - earlier).days


def is_end_of_month(day: date) -> bool:
    """Whether `day` is the last of its month."""
    return day == month_end(day)


def month_end(day: date) -> date:
    """The last day of the day's month."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day: date, months: int, *, end_of_month: bool = False) -> date:
    """`day` moved by whole months, held back to the month's last day where it is too short.

    With `end_of_month`, a day that is its month's last goes to the last of the other month.
    Refuses `InvalidDate`: a result outside years 1 to 9999.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    if not date.min.year <= year <= date.max.year:
        raise InvalidDate(value=f"{day} and {months} months")
    last = calendar.monthrange(year, month + 1)[1]
    to_last = end_of_month and is_end_of_month(day)
    return date(year, month + 1, last if to_last else min(day.day, last))
