"""What returns of a jurisdiction's exchanges are checked against: assets, networks, documents."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from amanat.core.errors import Place, Refused
from amanat.core.quantities import decimal_from
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable


@dataclass(frozen=True, slots=True)
class DocumentForm:
    """How the number of a type of document is written."""

    type: str
    pattern: str
    source: str


@dataclass(frozen=True, slots=True)
class Network:
    """A chain: how its hashes and addresses are written; `fold`: capitals in them mean nothing."""

    code: str
    hash: str
    address: str
    fold: bool


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset that is reported, and between which prices in the currency a unit plausibly lies."""

    code: str
    name: str
    price_min: Decimal
    price_max: Decimal
    assumed: bool


@dataclass(frozen=True, slots=True)
class Door:
    """What a provider of a status may still report, if that came about from `first_day` on.

    `days_before`: days before it took effect; otherwise nothing.
    """

    status: str
    first_day: date
    days_before: bool
    source: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """How large what is sent may be."""

    rows_max: int
    file_mib_max: int
    inflate_max: int
    bytes_per_row_min: int


@dataclass(frozen=True, slots=True)
class ReturnsPack:
    """All of it."""

    currency: str
    zone: ZoneInfo
    period_days_max: int
    due_days: int
    calendar: str
    overlap_days: int
    limits: Limits
    placeholders: frozenset[str]
    documents: tuple[DocumentForm, ...]
    networks: tuple[Network, ...]
    assets: tuple[Asset, ...]
    doors: tuple[Door, ...]

    def days_before(self, status: str, since: date) -> bool:
        """Whether days before `since`, when a status began, may still be reported; else nothing."""
        rows = [one for one in self.doors if one.status == status and one.first_day <= since]
        return bool(rows) and max(rows, key=lambda one: one.first_day).days_before

    def network(self, code: str) -> Network | None:
        """A network by its code."""
        return next((one for one in self.networks if one.code == code), None)


def _zone(value: Any) -> ZoneInfo:
    return ZoneInfo(reading.text(value))


def _pattern(value: Any) -> str:
    text = reading.text(value)
    try:
        re.compile(text)
    except re.error as error:
        raise InvalidTable(reason=f"{text[:60]!r} is no pattern: {error}") from None
    return text


def _price(value: Any) -> Decimal:
    price = decimal_from(reading.text(value))
    if price <= 0:
        raise InvalidTable(reason=f"the price {value} is not above nothing")
    return price


def _limits(fields: Any, file: str, refused: Refused) -> Limits:
    row = reading.Row(fields if isinstance(fields, dict) else {}, file, "limits", refused)
    found = Limits(
        *(
            row.take(name, reading.count, 0)
            for name in ("rows_max", "file_mib_max", "inflate_max", "bytes_per_row_min")
        )
    )
    row.finish()
    return found


def _documents(table: dict[str, Any], file: str, refused: Refused) -> list[DocumentForm]:
    found = []
    for index, fields in enumerate(reading.rows(table, "documents", file)):
        row = reading.Row(fields, file, f"documents[{index}]", refused)
        found.append(
            DocumentForm(
                row.take("type", reading.text, ""),
                row.take("pattern", _pattern, ""),
                row.take("source", reading.text, ""),
            )
        )
        row.finish()
    return found


def _networks(table: dict[str, Any], file: str, refused: Refused) -> list[Network]:
    found = []
    for index, fields in enumerate(reading.rows(table, "networks", file)):
        row = reading.Row(fields, file, f"networks[{index}]", refused)
        found.append(
            Network(
                row.take("code", reading.text, ""),
                row.take("hash", _pattern, ""),
                row.take("address", _pattern, ""),
                row.take("fold", reading.flag, False),
            )
        )
        row.finish()
    return found


def _assets(table: dict[str, Any], file: str, refused: Refused) -> list[Asset]:
    found = []
    for index, fields in enumerate(reading.rows(table, "assets", file)):
        name = f"assets[{index}]"
        row = reading.Row(fields, file, name, refused)
        asset = Asset(
            row.take("code", reading.text, ""),
            row.take("name", reading.text, ""),
            row.take("price_min", _price, Decimal(1)),
            row.take("price_max", _price, Decimal(1)),
            row.take_or("assumed", reading.flag, False),
        )
        row.finish()
        if asset.price_min > asset.price_max:
            place = Place(file=file, field=name)
            refused.add(InvalidTable(place=place, reason="price_min is above price_max"))
        found.append(asset)
    return found


def _doors(table: dict[str, Any], file: str, refused: Refused) -> list[Door]:
    found = []
    for index, fields in enumerate(reading.rows(table, "door", file)):
        row = reading.Row(fields, file, f"door[{index}]", refused)
        found.append(
            Door(
                row.take("status", reading.text, ""),
                row.take("first_day", reading.day, date.min),
                row.take("days_before", reading.flag, False),
                row.take("source", reading.text, ""),
                row.take_or("assumed", reading.flag, False),
            )
        )
        row.finish()
    return found


def returns_from(content: str, file: str) -> ReturnsPack:
    """The table of a file.  Refuses `InvalidTable`, all at once: fields wrong, codes twice."""
    table = reading.parse(content, file)
    refused = Refused()
    documents = _documents(table, file, refused)
    networks = _networks(table, file, refused)
    assets = _assets(table, file, refused)
    doors = _doors(table, file, refused)
    for what, codes in (
        ("documents", [one.type for one in documents]),
        ("networks", [one.code for one in networks]),
        ("assets", [one.code for one in assets]),
        ("door", [f"{one.status} from {one.first_day}" for one in doors]),
    ):
        for code in sorted({one for one in codes if codes.count(one) > 1}):
            place = Place(file=file, field=what)
            refused.add(InvalidTable(place=place, reason=f"{code} is there twice"))
    lists = ("documents", "networks", "assets", "door", "limits")
    limits = _limits(table.get("limits"), file, refused)
    row = reading.Row({k: v for k, v in table.items() if k not in lists}, file, "returns", refused)
    found = ReturnsPack(
        currency=row.take("currency", reading.text, ""),
        zone=row.take("zone", _zone, ZoneInfo("UTC")),
        period_days_max=row.take("period_days_max", reading.count, 1),
        due_days=row.take("due_days", reading.count, 1),
        calendar=row.take("calendar", reading.text, ""),
        overlap_days=row.take("overlap_days", reading.count, 1),
        limits=limits,
        placeholders=frozenset(row.take("placeholders", reading.texts, tuple[str, ...]())),
        documents=tuple(documents),
        networks=tuple(networks),
        assets=tuple(assets),
        doors=tuple(doors),
    )
    row.finish()
    refused.raise_if_any()
    return found


@functools.cache
def load_returns(jurisdiction: str) -> ReturnsPack:
    """The table that ships with Amanat, such as for `pk`.  Refuses `NotFound`."""
    return returns_from(*reading.read_table(jurisdiction, "returns"))


def returns_of_file(path: Path) -> ReturnsPack:
    """The table of a file, such as a pilot's own.  Refuses as `returns_from`."""
    return returns_from(*reading.read_file(path))
