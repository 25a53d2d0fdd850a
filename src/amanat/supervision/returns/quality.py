"""The data quality of a return: how early, how complete and how often right, out of a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from amanat.core.calendars import Calendar
from amanat.core.messages import Message

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


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: its points of how many, and what gave them."""

    part: str
    points: int
    of: int
    because: Message


def parts_of(parts: Mapping[str, Any], *, corrected: bool = False) -> tuple[Part, ...]:
    """40 for being in time, less 4 a day; 30 for the share of wanted values that are there; 30 for
    being right at once, halved by a first refusal; less 20 if corrected later.
    """
    late = int(parts.get("days_late", 0))
    there = int(parts.get("completeness", 0))
    refused = int(parts.get("refused_before", 0))
    timely = _TIMELY - _TIMELY * min(late, _DAYS_LATE_MAX) // _DAYS_LATE_MAX
    found = [
        Part("in_time", timely, _TIMELY, Message("{days} days late", days=late)),
        Part(
            "complete",
            _COMPLETE * there // 1000,
            _COMPLETE,
            Message("{percent}% of the values that are wanted", percent=Decimal(there) / 10),
        ),
        Part(
            "right_at_once",
            _RIGHT // (1 + refused),
            _RIGHT,
            Message("refused {count} times before", count=refused),
        ),
    ]
    if corrected:
        found.append(Part("corrected", -_CORRECTED, 0, Message("corrected by a later return")))
    return tuple(found)


def score_of(parts: Mapping[str, Any], *, corrected: bool = False) -> int:
    """0 to 100: the sum of `parts_of`, and no less than 0."""
    return max(0, sum(one.points for one in parts_of(parts, corrected=corrected)))
