"""Clocks of a file: counted in working or calendar days, still while the applicant owes an answer.

The day on which a clock starts is not counted.  Of a pause from the day of a question to the day
of its answer, the days after the first are not counted, up to and with the last: a clock that
starts or stops on a day is told so during that day.  Pure; days are business dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from amanat.core.calendars import Calendar, DateOutsideCalendar

WORKING = "working"
_YEARS_MAX = 3_700


@dataclass(frozen=True, slots=True)
class Pause:
    """The applicant owed an answer from `asked` to `answered`; None is still open."""

    asked: date
    answered: date | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock shows: days used, days left (negative: overdue), and when it is due.

    `due` is None while it stands still, and where the calendar does not reach that far.
    """

    started: date
    used: int
    left: int
    due: date | None
    stopped: bool
    ended: date | None

    @property
    def overdue(self) -> bool:
        """Whether more days were used than there are."""
        return self.left < 0


def counts(calendar: Calendar, day: date, unit: str, pauses: Iterable[Pause]) -> bool:
    """Whether a clock counts this day.  Refuses `DateOutsideCalendar` (working days alone)."""
    if unit == WORKING and not calendar.is_settlement_day(day):
        return False
    return not any(
        one.asked < day and (one.answered is None or day <= one.answered) for one in pauses
    )


def days_run(
    calendar: Calendar, started: date, until: date, unit: str, pauses: Sequence[Pause] = ()
) -> int:
    """Days counted after `started`, up to and with `until`.  Refuses `DateOutsideCalendar`."""
    span = (until - started).days
    return sum(
        counts(calendar, started + timedelta(days=offset), unit, pauses)
        for offset in range(1, span + 1)
    )


def due_on(
    calendar: Calendar, started: date, days: int, unit: str, pauses: Sequence[Pause] = ()
) -> date | None:
    """The day on which the `days`-th day is counted; None while a question is open.

    Where an open question came on the last day or later, it changes nothing.
    Refuses `DateOutsideCalendar`.
    """
    day, left = started, days
    for _ in range(_YEARS_MAX):
        if left == 0:
            return day
        day += timedelta(days=1)
        if any(one.answered is None and one.asked < day for one in pauses):
            return None
        left -= counts(calendar, day, unit, pauses)
    return None


def read_clock(
    calendar: Calendar,
    *,
    started: date,
    days: int,
    unit: str,
    today: date,
    pauses: Sequence[Pause] = (),
    ended: date | None = None,
) -> Reading:
    """A clock as it stands today, or as it stood when it ended.

    Where the calendar does not reach, every day is counted and `due` is None.
    """
    until = min(today, ended) if ended is not None else today
    stopped = ended is None and any(one.answered is None and one.asked <= today for one in pauses)
    try:
        used = days_run(calendar, started, until, unit, pauses)
    except DateOutsideCalendar:
        used = days_run(calendar, started, until, "calendar", pauses)
    try:
        due = due_on(calendar, started, days, unit, pauses)
    except DateOutsideCalendar:
        due = None
    return Reading(started, used, days - used, due, stopped, ended)
