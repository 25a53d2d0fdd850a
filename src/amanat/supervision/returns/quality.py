"""The data quality of a return: how early, how complete and how often right, out of a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from amanat.core.calendars import Calendar

_TIMELY, _COMPLETE, _RIGHT, _CORRECTED = 40, 30, 30, 20
_DAYS_LATE_MAX = 10


def due_on(last_day: date, due_days: int, calendar: Calendar) -> date:
    """By when a period's return is due: so many days after its end, or the next open day.

    Of days that no gazette covers yet the weekend alone is known to be closed.
    """
    due = last_day + timedelta(days=due_days)
    while due.isoweekday() in calendar.weekend or (
        calendar.covers(due) and not calendar.is_open_to_public(due)
    ):
        due += timedelta(days=1)
    return due


def quality_of(
    received_on: date, due: date, completeness: int, refused_before: int
) -> dict[str, Any]:
    """The parts of the score; `completeness` is in tenths of a per cent."""
    return {
        "due_on": due.isoformat(),
        "days_late": max(0, (received_on - due).days),
        "completeness": completeness,
        "refused_before": refused_before,
    }


def score_of(parts: Mapping[str, Any], *, corrected: bool = False) -> int:
    """0 to 100: 40 for being in time, less 4 a day; 30 for the share of wanted values that are
    there; 30 for being right at once, halved by a first refusal; less 20 if corrected later.
    """
    late = min(int(parts.get("days_late", 0)), _DAYS_LATE_MAX)
    timely = _TIMELY - _TIMELY * late // _DAYS_LATE_MAX
    complete = _COMPLETE * int(parts.get("completeness", 0)) // 1000
    right = _RIGHT // (1 + int(parts.get("refused_before", 0)))
    return max(0, timely + complete + right - (_CORRECTED if corrected else 0))
