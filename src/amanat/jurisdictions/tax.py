"""Withholding tax as a dated table: by kind of instrument, class of holder, active or not.

A row says from which day to which it holds and whether it was read in a source or is assumed.
A date in no row is refused; a rate is never carried on.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.quantities import decimal_from
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable


class NoTaxRateForDate(Refusal):
    """A rate is known only for the days that a row covers."""

    template: ClassVar[str] = "No withholding rate on {instrument} for {holder_class} on {day}."


class UnknownHolderClass(Invalid):
    """The class of holder is one that the table knows for the instrument."""

    template: ClassVar[str] = "There is no class of holder {holder_class!r} for {instrument}."


class InvalidCertificate(Invalid):
    """A certificate reduces the rate: it lies between 0 and what would be withheld without it."""

    template: ClassVar[str] = "A certificate for {certificate} per cent does not reduce {percent}."


@dataclass(frozen=True, slots=True)
class TaxRow:
    """Rates in per cent of the gross for one instrument and several classes, for some days."""

    instrument: str
    holder_classes: tuple[str, ...]
    first_day: date
    last_day: date
    active_percent: Decimal
    inactive_percent: Decimal
    final: bool
    source: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Withholding:
    """The rate for one payment and why: a sheet that rests on an `assumed` one says so."""

    percent: Decimal
    final: bool
    source: str
    assumed: bool
    certificate: bool


@dataclass(frozen=True, slots=True)
class TaxTable:
    """The withholding rates of a jurisdiction."""

    rows: tuple[TaxRow, ...]

    def withholding(
        self,
        instrument: str,
        holder_class: str,
        *,
        active_taxpayer: bool,
        on: date,
        certificate_percent: Decimal | None = None,
    ) -> Withholding:
        """The rate on a payment made on a day to one class of holder.

        A holder's certificate for a lower rate (0 is an exemption) goes before the table's rate.
        Refuses, in order: `UnknownHolderClass`, `NoTaxRateForDate`, `InvalidCertificate`.
        """
        known = [
            row
            for row in self.rows
            if row.instrument == instrument and holder_class in row.holder_classes
        ]
        if not known:
            raise UnknownHolderClass(holder_class=holder_class, instrument=instrument)
        for row in known:
            if row.first_day <= on <= row.last_day:
                return _rate_of(row, active_taxpayer, certificate_percent)
        raise NoTaxRateForDate(instrument=instrument, holder_class=holder_class, day=on)

    @property
    def holder_classes(self) -> frozenset[str]:
        """Every class of holder that the table names."""
        return frozenset(name for row in self.rows for name in row.holder_classes)


def _rate_of(row: TaxRow, active_taxpayer: bool, certificate: Decimal | None) -> Withholding:
    percent = row.active_percent if active_taxpayer else row.inactive_percent
    if certificate is None:
        return Withholding(percent, row.final, row.source, row.assumed, certificate=False)
    certified = decimal_from(certificate)
    if not 0 <= certified <= percent:
        raise InvalidCertificate(certificate=certified, percent=percent)
    return Withholding(certified, row.final, row.source, row.assumed, certificate=True)


def tax_table_from(content: str, file: str) -> TaxTable:
    """A tax table in TOML, rows called `[[withholding]]`.

    Refuses `InvalidTable`, all at once: fields that are missing, wrong or unknown, and rows that
    give one class two rates for a day.
    """
    refused = Refused()
    found: list[TaxRow] = []
    for index, fields in enumerate(reading.rows(reading.parse(content, file), "withholding", file)):
        name = f"withholding[{index}]"
        before = len(refused.refusals)
        row = _row(reading.Row(fields, file, name, refused))
        if len(refused.refusals) == before:
            for reason in _faults(row, found):
                refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        found.append(row)
    refused.raise_if_any()
    return TaxTable(tuple(found))


def _row(row: reading.Row) -> TaxRow:
    found = TaxRow(
        instrument=row.take("instrument", reading.text, ""),
        holder_classes=row.take("holder_classes", reading.texts, ()),
        first_day=row.take("first_day", reading.day, date.min),
        last_day=row.take("last_day", reading.day, date.min),
        active_percent=row.take("active_percent", reading.percent, Decimal(0)),
        inactive_percent=row.take("inactive_percent", reading.percent, Decimal(0)),
        final=row.take("final", reading.flag, False),
        source=row.take("source", reading.text, ""),
        assumed=row.take("assumed", reading.flag, True),
    )
    row.finish()
    return found


def _faults(row: TaxRow, others: Iterable[TaxRow]) -> list[str]:
    faults = []
    if row.first_day > row.last_day:
        faults.append("it ends before it begins")
    for other in others:
        shared = set(row.holder_classes) & set(other.holder_classes)
        overlap = row.first_day <= other.last_day and other.first_day <= row.last_day
        if row.instrument == other.instrument and shared and overlap:
            faults.append(f"two rates for {', '.join(sorted(shared))} from {row.first_day}")
    return faults


@functools.cache
def load_tax_table(jurisdiction: str) -> TaxTable:
    """The table that ships with Amanat, such as `pk`.  Refuses `NotFound`."""
    return tax_table_from(*reading.read_table(jurisdiction, "tax"))


def tax_table_of_file(path: Path) -> TaxTable:
    """The table of a file, such as a pilot's own.  Refuses as `tax_table_from`."""
    return tax_table_from(*reading.read_file(path))
