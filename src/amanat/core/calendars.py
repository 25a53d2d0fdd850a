"""Calendars read from a gazette: which days settle, which are only closed to the public.

A calendar is one version of what was announced.  It covers the days of its spans and refuses
every other, since a day that nobody gazetted is not known to be open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message


class DateOutsideCalendar(Refusal):
    """A calendar never answers for a day that its gazette does not cover."""

    template: ClassVar[str] = (
        "{day} lies outside calendar {calendar} version {version}, which covers {covers}."
    )


class InvalidCalendar(Invalid):
    """A gazette's days lie inside its dates, each once, and its weekend leaves a day open."""

    template: ClassVar[str] = "Calendar {calendar}: {reason}."


class RollRule(StrEnum):
    """Where an event goes that falls on a day without settlement."""

    NONE = "none"
    FOLLOWING = "following"
    PRECEDING = "preceding"
    MODIFIED_FOLLOWING = "modified_following"
    MODIFIED_PRECEDING = "modified_preceding"


class Standing(StrEnum):
    """How firmly a day off is known."""

    CONFIRMED = "confirmed"
    """Read in the authority's announcement or another named source."""
    ASSUMED = "assumed"
    """Public knowledge that has not been checked against the announcement."""
    PROVISIONAL = "provisional"
    """Expected, follows the moon, and may still move."""


class Reroll(StrEnum):
    """What happens to an event already rolled when a newer version of the calendar comes."""

    ROLL_AGAIN = "roll_again"
    """Rolled again from its unadjusted date, unless it has come already."""
    KEEP = "keep"
    """Stays where it was announced; only an act moves it."""


@dataclass(frozen=True, slots=True)
class DayOff:
    """One listed day: its name, what is closed, how firmly that is known and from where."""

    day: date
    name: str
    settlement_closed: bool
    public_closed: bool
    standing: Standing
    source: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """One version of a gazette.

    `spans` are the first and last days that it covers, both included; `weekend` holds ISO
    weekdays (Monday 1 ... Sunday 7); `reroll_rules` say per kind of event what a newer version
    does to it.
    """

    code: str
    version: str
    spans: tuple[tuple[date, date], ...]
    weekend: frozenset[int]
    days_off: Mapping[date, DayOff]
    reroll_rules: Mapping[str, Reroll]

    def __post_init__(self) -> None:
        if not self.spans or any(first > last for first, last in self.spans):
            raise InvalidCalendar(calendar=self.code, reason="a span ends before it begins")
        if not self.weekend <= frozenset(range(1, 8)) or len(self.weekend) == 7:
            raise InvalidCalendar(calendar=self.code, reason="the weekend leaves no day open")
        for day in self.days_off:
            if not self.covers(day):
                raise InvalidCalendar(
                    calendar=self.code, reason=Message("{day} lies outside its dates", day=day)
                )

    def covers(self, day: date) -> bool:
        """Whether this calendar answers for `day`."""
        return any(first <= day <= last for first, last in self.spans)

    def day_off(self, day: date) -> DayOff | None:
        """The listed day off, or None.  Refuses `DateOutsideCalendar`."""
        self._check(day)
        return self.days_off.get(day)

    def is_settlement_day(self, day: date) -> bool:
        """Whether money and securities settle on `day`.  Refuses `DateOutsideCalendar`."""
        listed = self.day_off(day)
        closed = listed is not None and listed.settlement_closed
        return not closed and day.isoweekday() not in self.weekend

    def is_open_to_public(self, day: date) -> bool:
        """Whether banks serve customers on `day`.  Refuses `DateOutsideCalendar`."""
        listed = self.day_off(day)
        closed = listed is not None and (listed.public_closed or listed.settlement_closed)
        return not closed and day.isoweekday() not in self.weekend

    def roll(self, day: date, rule: RollRule) -> date:
        """`day`, or the settlement day to which `rule` moves it.  Refuses `DateOutsideCalendar`."""
        if rule is RollRule.NONE or self.is_settlement_day(day):
            return day
        forward = rule in (RollRule.FOLLOWING, RollRule.MODIFIED_FOLLOWING)
        moved = self._step(day, 1 if forward else -1)
        modified = rule in (RollRule.MODIFIED_FOLLOWING, RollRule.MODIFIED_PRECEDING)
        if modified and moved.month != day.month:
            moved = self._step(day, -1 if forward else 1)
        return moved

    def add_settlement_days(self, day: date, count: int) -> date:
        """The settlement day `count` after `day` (before, if negative); 0 rolls forward.

        Refuses `DateOutsideCalendar`.
        """
        if count == 0:
            return self.roll(day, RollRule.FOLLOWING)
        self._check(day)
        for _ in range(abs(count)):
            day = self._step(day, 1 if count > 0 else -1)
        return day

    def settlement_days(self, first: date, last: date) -> tuple[date, ...]:
        """Every settlement day from `first` to `last`, both included."""
        days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
        return tuple(day for day in days if self.is_settlement_day(day))

    def unconfirmed(self, first: date, last: date) -> tuple[DayOff, ...]:
        """Days off between `first` and `last` that are assumed or provisional, in order.

        A sheet that rests on one of these days says so.
        """
        return tuple(
            self.days_off[day]
            for day in sorted(self.days_off)
            if first <= day <= last and self.days_off[day].standing is not Standing.CONFIRMED
        )

    def reroll(
        self, event: str, unadjusted: date, announced: date, rule: RollRule, today: date
    ) -> date:
        """Where an event announced under an older version goes under this one.

        `event` names a rule of the gazette (such as `payment` or `tender`).  An event that has
        come by `today` stays; one that may move is never moved before `today`.
        Refuses `InvalidCalendar` (no rule for the event) and `DateOutsideCalendar`.
        """
        if event not in self.reroll_rules:
            raise InvalidCalendar(
                calendar=self.code, reason=Message("no re-roll rule for {event!r}", event=event)
            )
        if announced <= today or self.reroll_rules[event] is Reroll.KEEP:
            return announced
        moved = self.roll(unadjusted, rule)
        return moved if moved >= today else self.roll(today, RollRule.FOLLOWING)

    def _step(self, day: date, direction: int) -> date:
        day += timedelta(days=direction)
        while not self.is_settlement_day(day):
            day += timedelta(days=direction)
        return day

    def _check(self, day: date) -> None:
        if not self.covers(day):
            covers = ", ".join(f"{first} to {last}" for first, last in self.spans)
            raise DateOutsideCalendar(
                day=day, calendar=self.code, version=self.version, covers=covers
            )
