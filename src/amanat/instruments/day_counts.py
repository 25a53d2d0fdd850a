"""Day counts: how many days, over how many, from one date to another.

Each result is an exact fraction of a year.  For ACT/ACT (ICMA) the year consists of the
coupon periods in which the days fall, so it needs their dates.
"""

from __future__ import annotations

import calendar
from datetime import date
from fractions import Fraction

from amanat.core.dates import days_between
from amanat.jurisdictions.conventions import DayCount


def year_fraction(day_count: DayCount, start: date, end: date) -> Fraction:
    """The share of a year from `start` to `end` by a day count that needs no coupon period.

    ACT/ACT (ICMA) is not one of these: see `period_fraction`.
    """
    match day_count:
        case DayCount.ACT_365:
            return Fraction(days_between(start, end), 365)
        case DayCount.ACT_360:
            return Fraction(days_between(start, end), 360)
        case DayCount.THIRTY_E_360:
            return Fraction(_days_30e_360(start, end), 360)
        case DayCount.ACT_ACT_ISDA:
            return _act_act_isda(start, end)
        case DayCount.ACT_ACT_ICMA:
            raise ValueError("ACT/ACT (ICMA) counts coupon periods, not years")


def period_fraction(start: date, end: date, grid: tuple[tuple[date, date], ...]) -> Fraction:
    """How many coupon periods of `grid` lie from `start` to `end` (ICMA rule 251).

    `grid` holds regular periods, each with its first day and the first day of the next; days
    outside it do not count.
    """
    total = Fraction(0)
    for first, last in grid:
        days = days_between(max(start, first), min(end, last))
        if days > 0:
            total += Fraction(days, days_between(first, last))
    return total


def _days_30e_360(start: date, end: date) -> int:
    months = (end.year - start.year) * 12 + end.month - start.month
    return months * 30 + min(end.day, 30) - min(start.day, 30)


def _act_act_isda(start: date, end: date) -> Fraction:
    if start > end:
        return -_act_act_isda(end, start)
    total = Fraction(0)
    for year in range(start.year, end.year + 1):
        first = max(start, date(year, 1, 1))
        after_year = end if year == end.year else date(year + 1, 1, 1)
        days_in_year = 366 if calendar.isleap(year) else 365
        total += Fraction(days_between(first, after_year), days_in_year)
    return total
