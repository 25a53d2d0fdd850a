"""How a market counts, rounds and pays, as dated data.

A convention is chosen by its code and the day of the trade.  It never reaches beyond its dates:
a market that changed its invoice in between has two rows, and a day in neither is refused.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from amanat.core.calendars import RollRule
from amanat.core.errors import NotFound, Place, Refusal, Refused
from amanat.core.quantities import Rounding, round_to
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable

_NO_DAY = date.min


class NoConventionForDate(Refusal):
    """A convention answers only for the days that its rows cover."""

    template: ClassVar[str] = "Convention {convention} is not known for {day}."


class InstrumentKind(StrEnum):
    """What a convention prices."""

    BILL = "bill"
    BOND = "bond"


class DayCount(StrEnum):
    """How days become a share of the year or of the coupon period."""

    ACT_ACT_ICMA = "act_act_icma"
    """Days over the days of the coupon period times its frequency (ICMA rule 251)."""
    ACT_365 = "act_365"
    """Days over 365."""
    ACT_360 = "act_360"
    """Days over 360."""
    ACT_ACT_ISDA = "act_act_isda"
    """Days in leap years over 366 plus the other days over 365 (ISDA 2006, 4.16(b))."""
    THIRTY_E_360 = "thirty_e_360"
    """Months of 30 days, a day 31 counting as 30 (ISDA 2006, 4.16(g))."""


class Anchor(StrEnum):
    """From which end of a security's life the coupon dates are counted."""

    ISSUE = "issue"
    MATURITY = "maturity"


class YieldMethod(StrEnum):
    """Which formula turns a yield into a price."""

    SIMPLE = "simple"
    """Bills: 100 / (1 + y * days / year)."""
    BANK_DISCOUNT = "bank_discount"
    """Bills: 100 * (1 - d * days / year)."""
    STREET = "street"
    """Bonds: compounded also over the broken first period (ICMA)."""
    TREASURY = "treasury"
    """Bonds: simple over the broken first period (31 CFR 356, appendix B)."""


@dataclass(frozen=True, slots=True)
class Convention:
    """One market's rules for one kind of security, for the days `first_day` to `last_day`.

    `invoice_*` settles money between buyer and seller; `yield_*` only turns a quoted price into
    a yield and back.  Counts of days are settlement days; `year_days` serves bills alone.
    `assumed` names the fields that rest on no source.
    """

    code: str
    kind: InstrumentKind
    first_day: date
    last_day: date
    yield_method: YieldMethod
    year_days: int
    coupon_day_count: DayCount
    invoice_day_count: DayCount
    yield_day_count: DayCount
    coupon_anchor: Anchor
    invoice_anchor: Anchor
    yield_anchor: Anchor
    price_places: int
    yield_places: int
    accrued_places: int
    rounding: Rounding
    settlement_days: int
    record_days: int
    shut_days: int
    ex_dividend_days: int
    payment_roll: RollRule
    source: str
    assumed: tuple[str, ...]

    def round_price(self, price: Decimal) -> Decimal:
        """A price per 100 as this market quotes it."""
        return round_to(price, self.price_places, self.rounding)

    def round_yield(self, percent: Decimal) -> Decimal:
        """A yield in per cent as this market quotes it."""
        return round_to(percent, self.yield_places, self.rounding)

    def round_accrued(self, accrued: Decimal) -> Decimal:
        """Accrued interest per 100 as this market shows it."""
        return round_to(accrued, self.accrued_places, self.rounding)


def _convention(row: reading.Row) -> Convention:
    bond = row.take("kind", InstrumentKind, InstrumentKind.BOND) is InstrumentKind.BOND
    take_of_bond = row.take if bond else row.take_or
    icma, maturity = DayCount.ACT_ACT_ICMA, Anchor.MATURITY
    found = Convention(
        code=row.take("code", reading.text, ""),
        kind=InstrumentKind.BOND if bond else InstrumentKind.BILL,
        first_day=row.take("first_day", reading.day, _NO_DAY),
        last_day=row.take("last_day", reading.day, _NO_DAY),
        yield_method=row.take("yield_method", YieldMethod, YieldMethod.STREET),
        year_days=(row.take_or if bond else row.take)("year_days", reading.count, 365),
        coupon_day_count=take_of_bond("coupon_day_count", DayCount, icma),
        invoice_day_count=take_of_bond("invoice_day_count", DayCount, icma),
        yield_day_count=take_of_bond("yield_day_count", DayCount, icma),
        coupon_anchor=take_of_bond("coupon_anchor", Anchor, maturity),
        invoice_anchor=take_of_bond("invoice_anchor", Anchor, maturity),
        yield_anchor=take_of_bond("yield_anchor", Anchor, maturity),
        price_places=row.take("price_places", reading.count, 0),
        yield_places=row.take("yield_places", reading.count, 0),
        accrued_places=take_of_bond("accrued_places", reading.count, 0),
        rounding=row.take("rounding", Rounding, Rounding.HALF_UP),
        settlement_days=row.take("settlement_days", reading.count, 0),
        record_days=row.take("record_days", reading.count, 0),
        shut_days=row.take("shut_days", reading.count, 0),
        ex_dividend_days=row.take("ex_dividend_days", reading.count, 0),
        payment_roll=row.take("payment_roll", RollRule, RollRule.FOLLOWING),
        source=row.take("source", reading.text, ""),
        assumed=row.take("assumed", reading.texts, ()),
    )
    row.finish()
    return found


def conventions_from(content: str, file: str) -> tuple[Convention, ...]:
    """The conventions of a table in TOML.

    Refuses `InvalidTable`, all at once: fields that are missing, wrong or unknown, methods that
    do not fit the kind, rows of one code that overlap.
    """
    refused = Refused()
    found: list[Convention] = []
    for index, fields in enumerate(reading.rows(reading.parse(content, file), "convention", file)):
        name = f"convention[{index}]"
        before = len(refused.refusals)
        convention = _convention(reading.Row(fields, file, name, refused))
        if len(refused.refusals) == before:
            for reason in _faults(convention, found):
                refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        found.append(convention)
    refused.raise_if_any()
    return tuple(found)


def _faults(convention: Convention, others: list[Convention]) -> list[str]:
    faults = []
    if convention.first_day > convention.last_day:
        faults.append("it ends before it begins")
    of_bills = convention.yield_method in (YieldMethod.SIMPLE, YieldMethod.BANK_DISCOUNT)
    if of_bills != (convention.kind is InstrumentKind.BILL):
        faults.append(f"a {convention.kind} has no yield method {convention.yield_method}")
    if convention.year_days not in (360, 364, 365):
        faults.append(f"a year has no {convention.year_days} days")
    for other in others:
        overlap = convention.first_day <= other.last_day and other.first_day <= convention.last_day
        if other.code == convention.code and overlap:
            faults.append(f"{convention.code} has two rows for {convention.first_day}")
    faults += [
        f"there is no field {name} to assume"
        for name in convention.assumed
        if name not in Convention.__slots__
    ]
    return faults


@functools.cache
def _shipped(jurisdiction: str) -> tuple[Convention, ...]:
    return conventions_from(*reading.read_table(jurisdiction, "conventions"))


def conventions_of_file(path: Path) -> tuple[Convention, ...]:
    """The conventions of a file, such as a pilot's own.  Refuses as `conventions_from`."""
    return conventions_from(*reading.read_file(path))


def choose_convention(known: tuple[Convention, ...], code: str, on: date) -> Convention:
    """The row of `code` for the day `on`.

    Refuses, in order: `NotFound` (no such code), `NoConventionForDate`.
    """
    rows = [convention for convention in known if convention.code == code]
    if not rows:
        raise NotFound(thing="convention", value=code)
    for convention in rows:
        if convention.first_day <= on <= convention.last_day:
            return convention
    raise NoConventionForDate(convention=code, day=on)


def load_convention(code: str, on: date) -> Convention:
    """The convention that ships with Amanat for `code` on a day of trade or issue.

    A code begins with its jurisdiction: `pk-mtb`, `pk-pib-fixed`, `us-note`, `us-bill`,
    `gb-gilt`, `de-bund`, `de-bubill`.  Refuses as `choose_convention`.
    """
    jurisdiction = code.split("-", 1)[0]
    try:
        known = _shipped(jurisdiction)
    except NotFound as error:
        raise NotFound(thing="convention", value=code[:40]) from error
    return choose_convention(known, code, on)
