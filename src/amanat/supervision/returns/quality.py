"""The data quality of a return: how early, how complete and how often right, out of a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

_TIMELY, _COMPLETE, _RIGHT, _CORRECTED = 40, 30, 30, 20
_DAYS_LATE_MAX = 10


def quality_of(
    last_day: date, received_on: date, due_days: int, completeness: int, refused_before: int
) -> dict[str, Any]:
    """The parts of the score; `completeness` is in tenths of a per cent."""
    due = last_day + timedelta(days=due_days)
    return {
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
