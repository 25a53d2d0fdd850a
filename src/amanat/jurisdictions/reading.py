"""Reads the tables of a jurisdiction: TOML in, typed values out, all mistakes at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from amanat.core.dates import date_from
from amanat.core.errors import Invalid, NotFound, Place, Refusal, Refused
from amanat.core.quantities import decimal_from

Value = TypeVar("Value")

TABLE_BYTES_MAX = 1_000_000


class InvalidTable(Invalid):
    """A table of a jurisdiction is TOML with the fields that its kind asks for, and no others."""

    template: ClassVar[str] = "{reason}."


class Row:
    """One row of a table; every field is read once, by kind, and what is wrong is noted."""

    def __init__(self, fields: Mapping[str, Any], file: str, name: str, refused: Refused) -> None:
        self._left = dict(fields)
        self._file, self._name, self._refused = file, name, refused

    def take(self, field: str, read: Callable[[Any], Value], default: Value) -> Value:
        """The field through `read`; a field that is absent or wrong is noted, then `default`."""
        if field not in self._left:
            self._note(field, InvalidTable(reason=f"the field {field} is missing"))
            return default
        return self.take_or(field, read, default)

    def take_or(self, field: str, read: Callable[[Any], Value], default: Value) -> Value:
        """As `take`, but the field may be absent."""
        if field not in self._left:
            return default
        value = self._left.pop(field)
        try:
            return read(value)
        except Refusal as refusal:
            self._note(field, refusal)
        except (ValueError, TypeError):
            self._note(field, InvalidTable(reason=f"{str(value)[:60]!r} is not a {field}"))
        return default

    def finish(self) -> None:
        """Note every field that nobody asked for."""
        for field in self._left:
            self._note(field, InvalidTable(reason=f"there is no field {field}"))

    def _note(self, field: str, refusal: Refusal) -> None:
        self._refused.add(refusal.at(Place(file=self._file, field=f"{self._name}.{field}")))


def text(value: Any) -> str:
    """A non-empty string."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidTable(reason=f"{value!r} is not a text")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise InvalidTable(reason=f"{value!r} is neither true nor false")
    return value


def count(value: Any) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidTable(reason=f"{value!r} is not a whole number from 0")
    return value


def percent(value: Any) -> Decimal:
    """A rate from 0 to 100 per cent, written as text so that it stays exact."""
    if not isinstance(value, str):
        raise InvalidTable(reason=f"the rate {value!r} is not written as text")
    rate = decimal_from(value)
    if not 0 <= rate <= 100:
        raise InvalidTable(reason=f"the rate {value} is not between 0 and 100")
    return rate


def texts(value: Any) -> tuple[str, ...]:
    """A list of non-empty strings."""
    if not isinstance(value, list):
        raise InvalidTable(reason=f"{value!r} is not a list")
    return tuple(text(item) for item in value)


def day(value: Any) -> date:
    """A date, as TOML's own or as ISO text."""
    return date_from(value)


def parse(content: str, file: str) -> dict[str, Any]:
    """TOML as a dictionary.  Refuses `InvalidTable`: not TOML, or over a megabyte."""
    if len(content) > TABLE_BYTES_MAX:
        raise InvalidTable(place=Place(file=file), reason="the table is larger than a megabyte")
    try:
        return tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise InvalidTable(place=Place(file=file), reason=f"not TOML: {error}") from error


def rows(table: Mapping[str, Any], name: str, file: str) -> list[Mapping[str, Any]]:
    """The list of rows called `name`, which must be there.  Refuses `InvalidTable`."""
    found = table.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InvalidTable(place=Place(file=file), reason=f"there are no rows [[{name}]]")
    return found


def read_table(jurisdiction: str, name: str) -> tuple[str, str]:
    """The content and file name of a table that ships with Amanat.

    Refuses `NotFound`: no such jurisdiction or table.
    """
    if not (jurisdiction.isascii() and jurisdiction.isalpha() and jurisdiction.islower()):
        raise NotFound(thing="jurisdiction", value=jurisdiction[:20])
    path = resources.files("amanat.jurisdictions").joinpath(jurisdiction, f"{name}.toml")
    if not path.is_file():
        raise NotFound(thing="table", value=f"{jurisdiction}/{name}")
    return path.read_text(encoding="utf-8"), f"{jurisdiction}/{name}.toml"


def read_file(path: Path) -> tuple[str, str]:
    """The content and name of a table in a folder, such as a pilot's own.

    Refuses `NotFound` and `InvalidTable`: not there, not UTF-8, or over a megabyte.
    """
    if not path.is_file():
        raise NotFound(thing="table", value=str(path))
    if path.stat().st_size > TABLE_BYTES_MAX:
        reason = "the table is larger than a megabyte"
        raise InvalidTable(place=Place(file=path.name), reason=reason)
    try:
        return path.read_text(encoding="utf-8"), path.name
    except UnicodeDecodeError as error:
        raise InvalidTable(place=Place(file=path.name), reason="not UTF-8 text") from error
