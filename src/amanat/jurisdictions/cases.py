"""Clocks of supervision's cases, how a case may end, and how long records are kept: data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refused
from amanat.jurisdictions.reading import (
    InvalidTable,
    Row,
    count,
    flag,
    parse,
    read_table,
    rows,
    text,
    texts,
)

NAME = "cases"


class DispositionUnknown(Invalid):
    """A case ends in one of the ways that the jurisdiction's table has for the desk."""

    template: ClassVar[str] = "{disposition} is no way in which a case of this desk ends: {known}."


@dataclass(frozen=True, slots=True)
class CaseClock:
    """One clock: what starts and ends it, and in how many days, `working` or `calendar`."""

    code: str
    title: str
    starts: str
    ends: str
    days: int
    unit: str
    section: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Disposition:
    """How a case may end; `needs` names what must have been sent: report, referral … or nothing."""

    code: str
    title: str
    desks: tuple[str, ...]
    needs: str


@dataclass(frozen=True, slots=True)
class KeepingRule:
    """A law and for how many years it has records kept."""

    law: str
    years: int


@dataclass(frozen=True, slots=True)
class RecordClass:
    """A class of record; of its rules the longest wins."""

    code: str
    title: str
    since: str
    rules: tuple[KeepingRule, ...]

    @property
    def longest(self) -> KeepingRule:
        """The rule that decides."""
        return max(self.rules, key=lambda one: one.years)

    def until(self, since: date) -> date:
        """The first day on which a record since that day may be destroyed."""
        years = self.longest.years
        try:
            return since.replace(year=since.year + years)
        except ValueError:
            return date(since.year + years, 3, 1)


@dataclass(frozen=True, slots=True)
class CasePack:
    """Everything that a jurisdiction says of cases."""

    clocks: tuple[CaseClock, ...]
    dispositions: tuple[Disposition, ...]
    records: tuple[RecordClass, ...]

    def clock(self, code: str) -> CaseClock:
        """The clock with this code.  Raises `KeyError`."""
        return next(one for one in self.clocks if one.code == code)

    def disposition(self, code: str, desks: frozenset[str]) -> Disposition:
        """How a case of a desk with these capacities ends.  Refuses `DispositionUnknown`."""
        known = [one for one in self.dispositions if desks & set(one.desks)]
        for one in known:
            if one.code == code:
                return one
        codes = ", ".join(one.code for one in known)
        raise DispositionUnknown(disposition=code, known=codes)


@cache
def load_cases(jurisdiction: str) -> CasePack:
    """The pack that ships with Amanat.  Refuses `NotFound`, and every mistake of it at once."""
    content, file = read_table(jurisdiction, NAME)
    return read_cases(content, file)


def read_cases(content: str, file: str) -> CasePack:
    """A pack from TOML.  Refuses every mistake at once (`InvalidTable`)."""
    table = parse(content, file)
    refused = Refused()
    pack = CasePack(
        clocks=tuple(_clock(one, file, refused) for one in rows(table, "clock", file)),
        dispositions=tuple(
            _disposition(one, file, refused) for one in rows(table, "disposition", file)
        ),
        records=tuple(_record(one, file, refused) for one in rows(table, "record", file)),
    )
    refused.raise_if_any()
    return pack


def _unit(value: Any) -> str:
    if value not in ("working", "calendar"):
        raise InvalidTable(reason=f"{value!r} is neither working nor calendar")
    return str(value)


def _clock(fields: Mapping[str, Any], file: str, refused: Refused) -> CaseClock:
    row = Row(fields, file, f"clock {fields.get('code', '?')}", refused)
    clock = CaseClock(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        starts=row.take("starts", text, ""),
        ends=row.take("ends", text, ""),
        days=row.take("days", count, 0),
        unit=row.take("unit", _unit, "working"),
        section=row.take("section", text, ""),
        assumed=row.take("assumed", flag, True),
    )
    row.finish()
    return clock


def _disposition(fields: Mapping[str, Any], file: str, refused: Refused) -> Disposition:
    row = Row(fields, file, f"disposition {fields.get('code', '?')}", refused)
    disposition = Disposition(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        desks=row.take("desks", texts, ()),
        needs=row.take_or("needs", text, ""),
    )
    row.finish()
    return disposition


def _rules(value: Any) -> tuple[KeepingRule, ...]:
    if not isinstance(value, list) or not value:
        raise InvalidTable(reason="a class of record has at least one rule")
    found = []
    for one in value:
        if not isinstance(one, dict) or set(one) != {"law", "years"}:
            raise InvalidTable(reason=f"{one!r} is not a law and its years")
        found.append(KeepingRule(text(one["law"]), count(one["years"])))
    return tuple(found)


def _record(fields: Mapping[str, Any], file: str, refused: Refused) -> RecordClass:
    row = Row(fields, file, f"record {fields.get('code', '?')}", refused)
    record = RecordClass(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        since=row.take("from", text, ""),
        rules=row.take("rules", _rules, (KeepingRule("", 0),)),
    )
    row.finish()
    return record
