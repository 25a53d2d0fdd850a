"""Calendars: what settles, what rolls where, and what a newer version moves."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.calendars import (
    Calendar,
    DateOutsideCalendar,
    DayOff,
    InvalidCalendar,
    Reroll,
    RollRule,
    Standing,
)

FIRST, LAST = date(2023, 1, 1), date(2023, 12, 31)


def off(day: date, *, settlement: bool = True, standing: Standing = Standing.CONFIRMED) -> DayOff:
    return DayOff(day, "A day off", settlement, True, standing, "made for the test")


def calendar(*days: DayOff, version: str = "1") -> Calendar:
    listed = {day.day: day for day in days}
    rules = {"payment": Reroll.ROLL_AGAIN, "tender": Reroll.KEEP}
    return Calendar("xx", version, ((FIRST, LAST),), frozenset({6, 7}), listed, rules)


# Friday 28 April to Monday 1 May off: the month ends inside.
EID = calendar(*(off(date(2023, 4, 27) + timedelta(days=offset)) for offset in range(5)))


@pytest.mark.parametrize(
    ("rule", "day"),
    [
        (RollRule.NONE, "2023-04-28"),
        (RollRule.FOLLOWING, "2023-05-02"),
        (RollRule.PRECEDING, "2023-04-26"),
        (RollRule.MODIFIED_FOLLOWING, "2023-04-26"),
        (RollRule.MODIFIED_PRECEDING, "2023-04-26"),
    ],
)
def test_roll_rules(rule, day):
    assert EID.roll(date(2023, 4, 28), rule) == date.fromisoformat(day)


def test_modified_preceding_stays_in_the_month():
    assert EID.roll(date(2023, 5, 1), RollRule.MODIFIED_PRECEDING) == date(2023, 5, 2)


@given(st.dates(date(2023, 1, 10), date(2023, 12, 20)), st.integers(1, 5))
def test_steps_there_and_back(day, count):
    start = EID.roll(day, RollRule.FOLLOWING)
    end = EID.add_settlement_days(start, count)
    assert EID.add_settlement_days(end, -count) == start
    assert len(EID.settlement_days(start, end)) == count + 1


@given(st.dates(date(2023, 1, 10), date(2023, 12, 20)), st.sampled_from(RollRule))
def test_rolled_days_settle_and_stay(day, rule):
    rolled = EID.roll(day, rule)
    assert rule is RollRule.NONE or EID.is_settlement_day(rolled)
    assert EID.roll(rolled, rule) == rolled


def test_no_steps_rolls_forward():
    assert EID.add_settlement_days(date(2023, 4, 29), 0) == date(2023, 5, 2)


def test_closed_to_the_public_still_settles():
    bank_holiday = calendar(off(date(2023, 1, 2), settlement=False))
    assert bank_holiday.is_settlement_day(date(2023, 1, 2))
    assert not bank_holiday.is_open_to_public(date(2023, 1, 2))
    assert bank_holiday.is_open_to_public(date(2023, 1, 3))
    assert not EID.is_open_to_public(date(2023, 4, 28))
    assert not EID.is_open_to_public(date(2023, 4, 23))


@pytest.mark.parametrize("day", [date(2022, 12, 31), date(2024, 1, 1)])
def test_days_outside_are_refused(day):
    with pytest.raises(DateOutsideCalendar):
        EID.is_settlement_day(day)
    with pytest.raises(DateOutsideCalendar):
        EID.day_off(day)


def test_rolling_out_of_the_calendar_is_refused():
    with pytest.raises(DateOutsideCalendar):
        EID.roll(date(2023, 12, 30), RollRule.FOLLOWING)
    with pytest.raises(DateOutsideCalendar):
        EID.add_settlement_days(date(2023, 1, 3), -3)


def test_unconfirmed_days_are_named():
    moon = calendar(
        off(date(2023, 4, 21), standing=Standing.PROVISIONAL),
        off(date(2023, 5, 1)),
        off(date(2023, 6, 29), standing=Standing.ASSUMED),
    )
    named = moon.unconfirmed(date(2023, 4, 1), date(2023, 6, 1))
    assert [day.day for day in named] == [date(2023, 4, 21)]


OLD = calendar(off(date(2023, 6, 29)))
NEW = calendar(off(date(2023, 6, 28)), version="2")


def moved(event: str, today: date, unadjusted: date = date(2023, 6, 29)) -> date:
    announced = OLD.roll(unadjusted, RollRule.FOLLOWING)
    return NEW.reroll(event, unadjusted, announced, RollRule.FOLLOWING, today)


def test_a_payment_rolls_again_from_its_unadjusted_date():
    assert OLD.roll(date(2023, 6, 29), RollRule.FOLLOWING) == date(2023, 6, 30)
    assert moved("payment", date(2023, 6, 1)) == date(2023, 6, 29)
    assert moved("payment", date(2023, 6, 1), date(2023, 6, 28)) == date(2023, 6, 29)


def test_a_tender_stays_where_it_was_announced():
    assert moved("tender", date(2023, 6, 1)) == date(2023, 6, 30)


def test_what_has_come_stays():
    assert moved("payment", date(2023, 6, 30)) == date(2023, 6, 30)


def test_nothing_moves_into_the_past():
    announced = date(2023, 7, 3)
    again = NEW.reroll(
        "payment", date(2023, 6, 26), announced, RollRule.FOLLOWING, date(2023, 6, 28)
    )
    assert again == date(2023, 6, 29)


def test_event_without_a_rule_is_refused():
    with pytest.raises(InvalidCalendar):
        moved("picnic", date(2023, 6, 1))


def test_impossible_calendars_are_refused():
    with pytest.raises(InvalidCalendar):
        Calendar("xx", "1", (), frozenset(), {}, {})
    with pytest.raises(InvalidCalendar):
        Calendar("xx", "1", ((LAST, FIRST),), frozenset(), {}, {})
    with pytest.raises(InvalidCalendar):
        Calendar("xx", "1", ((FIRST, LAST),), frozenset(range(1, 8)), {}, {})
    with pytest.raises(InvalidCalendar):
        Calendar("xx", "1", ((FIRST, FIRST),), frozenset(), {LAST: off(LAST)}, {})
