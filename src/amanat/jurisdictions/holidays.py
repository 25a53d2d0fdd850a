"""Calendars from gazette files in TOML.

```toml
code = "pk"
version = "2026-01"
weekend = ["saturday", "sunday"]
[[span]]            # days for which the file answers
first_day = 2020-01-01
last_day = 2026-12-31
[reroll]            # what a newer version does to an event announced under an older one
payment = "roll_again"
[[day_off]]
first_day = 2021-05-10
last_day = 2021-05-15   # absent: one day
name = "Eid-ul-Fitr"
closed = "settlement"   # or "public": banks closed to customers, settlement open
standing = "assumed"    # or "confirmed", "provisional"
source = "..."
```
"""

from __future__ import annotations

import functools
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from amanat.core.calendars import Calendar, DayOff, InvalidCalendar, Reroll, Standing
from amanat.core.errors import Place, Refusal, Refused
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_OFF_RUN_MAX = 31


def _weekend(value: Any) -> frozenset[int]:
    return frozenset(_WEEKDAYS.index(name) + 1 for name in reading.texts(value))


def _closed(value: Any) -> bool:
    if value not in ("settlement", "public"):
        raise InvalidTable(reason=f"{value!r} is neither settlement nor public")
    return bool(value == "settlement")


def _reroll(value: Any) -> dict[str, Reroll]:
    if not isinstance(value, dict):
        raise InvalidTable(reason="re-roll rules are a table of events")
    return {str(event): Reroll(rule) for event, rule in value.items()}


def _span(row: reading.Row) -> tuple[date, date]:
    first = row.take("first_day", reading.day, date.min)
    last = row.take("last_day", reading.day, date.min)
    row.finish()
    return first, last


def _days_off(row: reading.Row) -> list[DayOff]:
    first = row.take("first_day", reading.day, date.min)
    last = row.take_or("last_day", reading.day, first)
    name = row.take("name", reading.text, "")
    settlement_closed = row.take("closed", _closed, True)
    standing = row.take("standing", Standing, Standing.PROVISIONAL)
    source = row.take("source", reading.text, "")
    row.finish()
    count = (last - first).days + 1
    if not 1 <= count <= _DAYS_OFF_RUN_MAX:
        raise InvalidTable(reason=f"{name} runs from {first} to {last}")
    return [
        DayOff(first + timedelta(days=offset), name, settlement_closed, True, standing, source)
        for offset in range(count)
    ]


def calendar_from(content: str, file: str) -> Calendar:
    """The calendar of a gazette file.

    Refuses, all at once: `InvalidTable` for fields that are missing, wrong or unknown and for
    days listed twice; then `InvalidCalendar`.
    """
    table = reading.parse(content, file)
    refused = Refused()
    days: dict[date, DayOff] = {}
    for index, fields in enumerate(reading.rows(table, "day_off", file)):
        place = Place(file=file, field=f"day_off[{index}]")
        try:
            found = _days_off(reading.Row(fields, file, str(place.field), refused))
        except Refusal as refusal:
            refused.add(refusal.at(place))
            continue
        for day_off in found:
            if day_off.day in days:
                reason = f"{day_off.day} is listed twice"
                refused.add(InvalidTable(place=place, reason=reason))
            days[day_off.day] = day_off
    spans = tuple(
        _span(reading.Row(fields, file, f"span[{index}]", refused))
        for index, fields in enumerate(reading.rows(table, "span", file))
    )
    head = {key: value for key, value in table.items() if key not in ("day_off", "span")}
    row = reading.Row(head, file, "calendar", refused)
    code = row.take("code", reading.text, "")
    version = row.take("version", reading.text, "")
    weekend = row.take("weekend", _weekend, frozenset[int]())
    reroll = row.take("reroll", _reroll, dict[str, Reroll]())
    row.finish()
    refused.raise_if_any()
    try:
        return Calendar(code, version, spans, weekend, days, reroll)
    except InvalidCalendar as refusal:
        raise refusal.at(Place(file=file)) from refusal


@functools.cache
def load_calendar(jurisdiction: str) -> Calendar:
    """The gazette that ships with Amanat, such as `pk`.  Refuses `NotFound`."""
    return calendar_from(*reading.read_table(jurisdiction, "holidays"))


def calendar_of_file(path: Path) -> Calendar:
    """The calendar of a file, such as a pilot's own.  Refuses as `calendar_from`."""
    return calendar_from(*reading.read_file(path))
