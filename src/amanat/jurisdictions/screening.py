"""How a jurisdiction screens: its lists, what a hit is, terms of decisions, grounds of freezes."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from amanat.core.errors import NotFound, Refusal, Refused
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
)

NAME = "screening"
FORMATS = ("un_xml", "nacta_json", "ofac_xml", "ofac_csv", "wallets_csv", "entities_json")
TOPICS = ("sanction", "crime.terror", "role.pep", "role.rca", "poi")


class BasisNotInForce(Refusal):
    """A freeze rests on a law that is in force on its day and says that assets are frozen."""

    template: ClassVar[str] = "{basis} is no ground for a freeze on {day}."


@dataclass(frozen=True, slots=True)
class ListKind:
    """One list that is screened against; `basis` is the law that gives it effect here."""

    code: str
    title: str
    format: str
    topic: str
    authority: str
    basis: str


@dataclass(frozen=True, slots=True)
class Basis:
    """A law: whether it freezes, and from which day (to which) it may be cited."""

    code: str
    title: str
    freezes: bool
    first_day: date
    last_day: date | None
    source: str
    assumed: bool


@dataclass(frozen=True, slots=True)
class ScreeningPack:
    """All of it; hours and days are upper limits, `cutoff_permille` thousandths of a score."""

    cutoff_permille: int
    false_match_days_max: int
    true_match_days_max: int
    acknowledge_hours: int
    report_hours: int
    freeze_days_max: int
    source: str
    assumed: bool
    lists: tuple[ListKind, ...]
    bases: tuple[Basis, ...]

    @property
    def cutoff(self) -> float:
        """From which score a pair of names is a hit, 0 to 1."""
        return self.cutoff_permille / 1000

    def list_kind(self, code: str) -> ListKind:
        """A list by its code.  Refuses `NotFound`."""
        for one in self.lists:
            if one.code == code:
                return one
        raise NotFound(thing="list", value=code)

    def freezing_basis(self, code: str, on: date) -> Basis:
        """A law that freezes on a day.  Refuses `BasisNotInForce`."""
        for one in self.bases:
            in_force = one.first_day <= on and (one.last_day is None or on <= one.last_day)
            if one.code == code and one.freezes and in_force:
                return one
        raise BasisNotInForce(basis=code, day=on)


@functools.cache
def load_screening(jurisdiction: str = "pk") -> ScreeningPack:
    """The pack that ships with Amanat.  Refuses `NotFound`, `InvalidTable`, all at once."""
    content, file = read_table(jurisdiction, NAME)
    return read_screening(content, file)


def read_screening(content: str, file: str) -> ScreeningPack:
    """A pack out of TOML.  Refuses every mistake at once: `InvalidTable` and what fields refuse."""
    table, refused = parse(content, file), Refused()
    given = table.get(NAME)
    if not isinstance(given, Mapping):
        raise InvalidTable(reason=f"there is no table [{NAME}] in {file}")
    head = Row(given, file, NAME, refused)
    pack = ScreeningPack(
        cutoff_permille=head.take("cutoff_permille", _permille, 700),
        false_match_days_max=head.take("false_match_days_max", count, 0),
        true_match_days_max=head.take("true_match_days_max", count, 0),
        acknowledge_hours=head.take("acknowledge_hours", count, 0),
        report_hours=head.take("report_hours", count, 0),
        freeze_days_max=head.take("freeze_days_max", count, 0),
        source=head.take("source", text, ""),
        assumed=head.take("assumed", flag, True),
        lists=tuple(_list(one, file, refused) for one in rows(table, "list", file)),
        bases=tuple(_basis(one, file, refused) for one in rows(table, "basis", file)),
    )
    head.finish()
    known = {basis.code for basis in pack.bases}
    for one in pack.lists:
        if one.basis not in known:
            refused.add(InvalidTable(reason=f"list {one.code} rests on no basis {one.basis}"))
    for codes in ([one.code for one in pack.lists], [one.code for one in pack.bases]):
        for code in {one for one in codes if codes.count(one) > 1}:
            refused.add(InvalidTable(reason=f"{code} is there twice"))
    refused.raise_if_any()
    return pack


def _permille(value: Any) -> int:
    number = count(value)
    if not 500 <= number <= 1000:
        raise InvalidTable(reason=f"the cutoff {number} is not between 500 and 1000")
    return number


def _one_of(*allowed: str) -> Any:
    def read(value: Any) -> str:
        if value not in allowed:
            raise InvalidTable(reason=f"{value!r} is none of {', '.join(allowed)}")
        return str(value)

    return read


def _list(fields: Mapping[str, Any], file: str, refused: Refused) -> ListKind:
    row = Row(fields, file, f"list {fields.get('code', '?')}", refused)
    found = ListKind(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        format=row.take("format", _one_of(*FORMATS), ""),
        topic=row.take("topic", _one_of(*TOPICS), ""),
        authority=row.take("authority", text, ""),
        basis=row.take("basis", text, ""),
    )
    row.finish()
    return found


def _basis(fields: Mapping[str, Any], file: str, refused: Refused) -> Basis:
    row = Row(fields, file, f"basis {fields.get('code', '?')}", refused)
    found = Basis(
        code=row.take("code", text, ""),
        title=row.take("title", text, ""),
        freezes=row.take("freezes", flag, False),
        first_day=row.take("first_day", day, date.min),
        last_day=row.take_or("last_day", day, None),
        source=row.take("source", text, ""),
        assumed=row.take("assumed", flag, True),
    )
    row.finish()
    return found
