"""What a country's FIU takes on goAML: reports, indicators, districts, codes; dated data.

A correction is an edit of `{jurisdiction}/goaml.toml`.  What has no published source is `assumed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Place, Refused
from amanat.jurisdictions.reading import (
    InvalidTable,
    Row,
    count,
    day,
    flag,
    parse,
    read_table,
    rows,
    text,
    texts,
)

NAME = "goaml"
CONTENTS = ("transactions", "activity", "either")
KINDS = ("str", "ctr")


class ReportCodeUnknown(Invalid):
    """A report has a code that the FIU takes on the day of submission."""

    template: ClassVar[str] = "{code} is no report that the FIU takes on {day}: use {codes}."


@dataclass(frozen=True, slots=True)
class ReportCode:
    """One kind of report: its code and from which day the FIU takes it.

    `kind` is str or ctr; `content` says whether it has transactions, an activity, or either.
    `amount_min` is in minor units of the currency; None where there is no threshold.
    """

    code: str
    title: str
    kind: str
    content: str
    section: str
    valid_from: date
    valid_until: date | None
    amount_min: int | None
    assumed: bool


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator and for which kinds of report it may stand."""

    code: str
    title: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoamlForm:
    """How a country fills the form: currency, identifiers, lengths."""

    currency: str
    minor_units: int
    country: str
    timezone: str
    submission_codes: tuple[str, ...]
    reason_length_min: int
    text_length_max: int
    registration_pattern: str
    """The whole number of an entity on goAML: `rentity_id` is an integer in the schema."""
    local_identifier: str
    local_identifier_pattern: str
    local_identifier_placeholders: tuple[str, ...]
    district_element: str
    original_name_element: str
    source: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class KindCodes:
    """The codes of how and with what value moved, and those of notes and coin."""

    transmode: str
    funds: str
    cash_transmode: str
    cash_funds: str


@dataclass(frozen=True, slots=True)
class GoamlPack:
    """Everything that a country's reports are built and checked with."""

    jurisdiction: str
    form: GoamlForm
    reports: tuple[ReportCode, ...]
    indicators: tuple[Indicator, ...]
    codes: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, KindCodes]
    districts: Mapping[str, tuple[str, ...]]
    transliteration: Mapping[str, str]

    def report_on(self, code: str, on: date) -> ReportCode:
        """The report with this code as it is taken on a day.  Refuses `ReportCodeUnknown`."""
        taken = [one for one in self.reports if _in_force(one, on)]
        for one in taken:
            if one.code == code:
                return one
        codes = ", ".join(one.code for one in taken)
        raise ReportCodeUnknown(code=code, day=on, codes=codes)

    def indicator(self, code: str) -> Indicator | None:
        """The indicator with this code; None where there is none."""
        return next((one for one in self.indicators if one.code == code), None)

    def province_of(self, district: str) -> str | None:
        """The province of a district that is spelt as on the list; None of any other."""
        for province, names in self.districts.items():
            if district in names:
                return province
        return None


def _in_force(one: ReportCode, on: date) -> bool:
    return one.valid_from <= on and (one.valid_until is None or on <= one.valid_until)


@cache
def load_goaml(jurisdiction: str) -> GoamlPack:
    """The pack that ships with Amanat.  Refuses `NotFound`, and every mistake of it at once."""
    content, file = read_table(jurisdiction, NAME)
    return read_goaml(content, file, jurisdiction)


def read_goaml(content: str, file: str, jurisdiction: str) -> GoamlPack:
    """A pack from TOML.  Refuses every mistake at once (`InvalidTable`)."""
    table = parse(content, file)
    refused = Refused()
    reports = [_report(one, file, refused) for one in rows(table, "report", file)]
    indicators = [_indicator(one, file, refused) for one in rows(table, "indicator", file)]
    pack = GoamlPack(
        jurisdiction=jurisdiction,
        form=_form(_part(table, "form", file), file, refused),
        reports=tuple(reports),
        indicators=tuple(indicators),
        codes={name: texts(one) for name, one in _part(table, "codes", file).items()},
        kinds={
            name: _kind(one, file, name, refused)
            for name, one in _part(table, "kinds", file).items()
        },
        districts={name: texts(one) for name, one in _part(table, "districts", file).items()},
        transliteration={
            text(name): text(one) for name, one in _part(table, "transliteration", file).items()
        },
    )
    refused.raise_if_any()
    return pack


def _part(table: Mapping[str, Any], name: str, file: str) -> Mapping[str, Any]:
    found = table.get(name)
    if not isinstance(found, dict):
        raise InvalidTable(place=Place(file=file), reason=f"there is no table [{name}]")
    return found


def _one_of(*allowed: str) -> Any:
    def read(value: Any) -> str:
        if value not in allowed:
            raise InvalidTable(reason=f"{value!r} is none of {', '.join(allowed)}")
        return str(value)

    return read


def _pattern(value: Any) -> str:
    try:
        re.compile(text(value))
    except re.error as error:
        raise InvalidTable(reason=f"{value!r} is no pattern: {error}") from error
    return str(value)


def _form(fields: Mapping[str, Any], file: str, refused: Refused) -> GoamlForm:
    row = Row(fields, file, "form", refused)
    form = GoamlForm(
        currency=row.take("currency", text, ""),
        minor_units=row.take("minor_units", count, 2),
        country=row.take("country", text, ""),
        timezone=row.take("timezone", text, ""),
        submission_codes=row.take("submission_codes", texts, ()),
        reason_length_min=row.take("reason_length_min", count, 0),
        text_length_max=row.take("text_length_max", count, 0),
        registration_pattern=row.take("registration_pattern", _pattern, ""),
        local_identifier=row.take("local_identifier", text, ""),
        local_identifier_pattern=row.take("local_identifier_pattern", _pattern, ""),
        local_identifier_placeholders=row.take("local_identifier_placeholders", texts, ()),
        district_element=row.take("district_element", _one_of("city", "town", "state"), ""),
        original_name_element=row.take("original_name_element", text, ""),
        source=row.take("source", text, ""),
        assumed=row.take("assumed", flag, True),
    )
    row.finish()
    return form


def _report(fields: Mapping[str, Any], file: str, refused: Refused) -> ReportCode:
    row = Row(fields, file, f"report {fields.get('code', '?')}", refused)
    report = ReportCode(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        kind=row.take("kind", _one_of(*KINDS), ""),
        content=row.take("content", _one_of(*CONTENTS), ""),
        section=row.take("section", text, ""),
        valid_from=row.take("valid_from", day, date.min),
        valid_until=row.take_or("valid_until", day, None),
        amount_min=row.take_or("amount_min", count, None),
        assumed=row.take("assumed", flag, True),
    )
    row.finish()
    return report


def _indicator(fields: Mapping[str, Any], file: str, refused: Refused) -> Indicator:
    row = Row(fields, file, f"indicator {fields.get('code', '?')}", refused)
    indicator = Indicator(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        kinds=row.take("kinds", texts, ()),
    )
    row.finish()
    return indicator


def _kind(fields: Any, file: str, name: str, refused: Refused) -> KindCodes:
    row = Row(fields, file, f"kinds.{name}", refused)
    transmode = row.take("transmode", text, "")
    funds = row.take("funds", text, "")
    codes = KindCodes(
        transmode=transmode,
        funds=funds,
        cash_transmode=row.take_or("cash_transmode", text, transmode),
        cash_funds=row.take_or("cash_funds", text, funds),
    )
    row.finish()
    return codes
