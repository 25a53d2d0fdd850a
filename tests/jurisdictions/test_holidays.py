"""Pakistan's gazette against the announcements, and what a gazette file may not say."""

from datetime import date

import pytest

from amanat.core.calendars import DateOutsideCalendar, Reroll, RollRule, Standing
from amanat.core.errors import AmanatError, NotFound
from amanat.jurisdictions.holidays import calendar_from, calendar_of_file, load_calendar

GOOD = """
code = "xx"
version = "1"
weekend = ["saturday", "sunday"]
[reroll]
payment = "roll_again"
[[span]]
first_day = 2023-01-01
last_day = 2023-12-31
[[day_off]]
first_day = 2023-04-21
last_day = 2023-04-25
name = "Eid-ul-Fitr"
closed = "settlement"
standing = "provisional"
source = "made for the test"
"""


@pytest.fixture(scope="module")
def pakistan():
    return load_calendar("pk")


@pytest.mark.parametrize(
    ("first", "last", "next_day"),
    [
        # Announcements of the State Bank of Pakistan and the Cabinet Division.
        ("2021-05-10", "2021-05-15", "2021-05-17"),
        ("2021-07-20", "2021-07-22", "2021-07-23"),
        ("2021-08-18", "2021-08-19", "2021-08-20"),
        ("2022-07-08", "2022-07-12", "2022-07-13"),
        ("2022-08-08", "2022-08-09", "2022-08-10"),
        ("2023-04-21", "2023-04-25", "2023-04-26"),
        ("2023-06-28", "2023-06-30", "2023-07-03"),
        ("2023-07-28", "2023-07-29", "2023-07-31"),
        ("2024-04-10", "2024-04-12", "2024-04-15"),
        ("2024-06-17", "2024-06-19", "2024-06-20"),
        ("2024-07-16", "2024-07-17", "2024-07-18"),
        ("2025-03-31", "2025-04-02", "2025-04-03"),
        ("2025-06-06", "2025-06-09", "2025-06-10"),
    ],
)
def test_announced_closures(pakistan, first, last, next_day):
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    assert pakistan.settlement_days(start, end) == ()
    assert pakistan.roll(start, RollRule.FOLLOWING) == date.fromisoformat(next_day)
    for day in (start, end):
        assert pakistan.day_off(day).standing is Standing.CONFIRMED


@pytest.mark.parametrize("day", ["2022-01-03", "2023-01-02", "2023-03-24", "2023-07-03"])
def test_bank_holidays_are_closed_to_the_public_and_settle(pakistan, day):
    bank_holiday = date.fromisoformat(day)
    assert not pakistan.is_open_to_public(bank_holiday)
    assert pakistan.is_settlement_day(bank_holiday)


@pytest.mark.parametrize("day", ["2011-12-31", "2014-01-01", "2019-12-31", "2027-01-01"])
def test_years_outside_are_refused(pakistan, day):
    with pytest.raises(DateOutsideCalendar):
        pakistan.is_settlement_day(date.fromisoformat(day))


def test_the_moon_of_2026_is_provisional(pakistan):
    eid = pakistan.day_off(date(2026, 5, 27))
    assert (eid.name, eid.standing) == ("Eid-ul-Azha", Standing.PROVISIONAL)
    assert eid in pakistan.unconfirmed(date(2026, 1, 1), date(2026, 12, 31))


def test_every_day_off_names_its_source_and_every_confirmed_one_where_it_was_read(pakistan):
    for day_off in pakistan.days_off.values():
        assert day_off.source
        if day_off.standing is Standing.CONFIRMED:
            assert "not checked" not in day_off.source


def test_reroll_rules_of_pakistan(pakistan):
    assert pakistan.reroll_rules["payment"] is Reroll.ROLL_AGAIN
    assert pakistan.reroll_rules["tender"] is Reroll.KEEP


def test_own_gazette_is_read_from_a_file(tmp_path):
    path = tmp_path / "holidays.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert calendar_of_file(path).add_settlement_days(date(2023, 4, 20), 1) == date(2023, 4, 26)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('code = "xx"', ""),
        ('"saturday"', '"caturday"'),
        ("roll_again", "perhaps"),
        ('closed = "settlement"', 'closed = "maybe"'),
        ("provisional", "rumoured"),
        ("last_day = 2023-04-25", "last_day = 2023-04-20"),
        ("last_day = 2023-04-25", "last_day = 2023-12-25"),
        ("last_day = 2023-12-31", "last_day = 2023-04-24"),
        ("2023-04-21", '"۲۰۲۳-۰۴-۲۱"'),
        ("name", "title"),
        ("[[span]]", "[[spam]]"),
        ("made for the test", ""),
    ],
)
def test_one_fault_is_refused(old, new):
    calendar_from(GOOD, "good.toml")
    with pytest.raises(AmanatError) as caught:
        calendar_from(GOOD.replace(old, new), "bad.toml")
    assert "bad.toml" in str(caught.value)
    assert caught.value.status == 422


def test_day_listed_twice_is_refused():
    twice = GOOD + GOOD[GOOD.index("[[day_off]]") :].replace("04-21", "04-25")
    with pytest.raises(AmanatError, match="2023-04-25 is listed twice"):
        calendar_from(twice, "twice.toml")


@pytest.mark.parametrize("jurisdiction", ["xx", "", "../pk", "PK"])
def test_unknown_jurisdictions_are_refused(jurisdiction):
    with pytest.raises(NotFound):
        load_calendar(jurisdiction)
