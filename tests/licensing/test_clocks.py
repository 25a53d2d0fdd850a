"""Clocks of files: laws over any calendar, and days counted by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.calendars import DateOutsideCalendar
from amanat.jurisdictions.holidays import load_calendar
from amanat.licensing.clocks import Pause, counts, days_run, due_on, read_clock

PK = load_calendar("pk")
EU = load_calendar("eu")
FIRST = date(2025, 3, 3)

starts = st.integers(0, 300).map(lambda offset: FIRST + timedelta(days=offset))
units = st.sampled_from(["working", "calendar"])


@st.composite
def pauses(draw: st.DrawFn) -> list[Pause]:
    """Closed pauses, which may overlap."""
    found = []
    for _ in range(draw(st.integers(0, 4))):
        asked = draw(starts)
        found.append(Pause(asked, asked + timedelta(days=draw(st.integers(0, 30)))))
    return found


@given(starts, st.integers(0, 60), units, pauses())
def test_when_it_is_due_exactly_its_days_have_run(
    start: date, days: int, unit: str, owed: list[Pause]
) -> None:
    due = due_on(PK, start, days, unit, owed)
    assert due is not None
    assert days_run(PK, start, due, unit, owed) == days
    if days:
        assert days_run(PK, start, due - timedelta(days=1), unit, owed) == days - 1
        assert counts(PK, due, unit, owed)


@given(starts, st.integers(1, 60), units, pauses(), pauses())
def test_a_further_pause_never_makes_it_due_earlier(
    start: date, days: int, unit: str, owed: list[Pause], more: list[Pause]
) -> None:
    assert due_on(PK, start, days, unit, owed + more) >= due_on(PK, start, days, unit, owed)
    assert due_on(PK, start, days, unit, owed * 2) == due_on(PK, start, days, unit, owed)


@given(starts, st.integers(1, 60), units, st.integers(0, 30), st.integers(0, 20))
def test_a_pause_moves_it_by_the_days_that_it_takes_away(
    start: date, days: int, unit: str, after: int, long: int
) -> None:
    plain = due_on(PK, start, days, unit)
    assert plain is not None
    asked = start + timedelta(days=after)
    if asked >= plain:
        return
    pause = Pause(asked, asked + timedelta(days=long))
    taken = days_run(PK, asked, asked + timedelta(days=long), unit)
    due = due_on(PK, start, days, unit, [pause])
    assert due is not None
    assert days_run(PK, start, due, unit) == days + min(taken, days_run(PK, asked, due, unit))


@given(starts, st.integers(0, 120), units, pauses())
def test_days_run_add_up(start: date, span: int, unit: str, owed: list[Pause]) -> None:
    middle, end = start + timedelta(days=span // 2), start + timedelta(days=span)
    whole = days_run(PK, start, end, unit, owed)
    assert whole == days_run(PK, start, middle, unit, owed) + days_run(PK, middle, end, unit, owed)


def test_working_days_by_hand() -> None:
    # Friday 12 December 2025, the first NOCs: ten working days later is Monday 29 December, since
    # 25 December (Quaid-e-Azam Day) and two weekends lie between.
    assert due_on(PK, date(2025, 12, 12), 10, "working") == date(2025, 12, 29)
    assert due_on(PK, date(2025, 12, 12), 60, "calendar") == date(2026, 2, 10)


def test_a_day_on_which_an_answer_is_owed_is_not_counted() -> None:
    asked, answered = date(2026, 1, 13), date(2026, 1, 15)
    due = due_on(PK, date(2026, 1, 12), 5, "working", [Pause(asked, answered)])
    # Counted: 13 (asked during it), 16, 19, 20, 21.
    assert due == date(2026, 1, 21)
    assert due_on(PK, date(2026, 1, 12), 5, "working") == date(2026, 1, 19)


def test_mica_counts_25_and_40_working_days_over_the_union_s_holidays() -> None:
    # From 1 April 2026 (Wednesday): Good Friday 3 and Easter Monday 6 April are closed, 1 May too.
    assert due_on(EU, date(2026, 4, 1), 25, "working") == date(2026, 5, 11)
    assert due_on(EU, date(2026, 4, 1), 40, "working") == date(2026, 6, 1)


def test_an_open_question_stops_the_clock() -> None:
    owed = [Pause(date(2026, 1, 14), None)]
    assert due_on(PK, date(2026, 1, 12), 5, "working", owed) is None
    shown = read_clock(
        PK, started=date(2026, 1, 12), days=5, unit="working", today=date(2026, 2, 2), pauses=owed
    )
    assert (shown.stopped, shown.used, shown.left, shown.overdue) == (True, 2, 3, False)
    # A question that comes after the last day changes nothing.
    late = [Pause(date(2026, 1, 20), None)]
    assert due_on(PK, date(2026, 1, 12), 5, "working", late) == date(2026, 1, 19)


def test_what_the_gazette_does_not_cover_is_not_known() -> None:
    with pytest.raises(DateOutsideCalendar):
        due_on(PK, date(2026, 12, 28), 10, "working")
    shown = read_clock(
        PK, started=date(2026, 12, 28), days=10, unit="working", today=date(2026, 12, 30)
    )
    assert (shown.due, shown.used) == (None, 2)


def test_an_ended_clock_stands() -> None:
    shown = read_clock(
        PK,
        started=date(2026, 1, 12),
        days=5,
        unit="working",
        today=date(2026, 6, 1),
        ended=date(2026, 1, 14),
    )
    assert (shown.used, shown.left, shown.overdue, shown.stopped) == (2, 3, False, False)
