"""The public institutions of a jurisdiction: code, number on the ledger, capacities."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from amanat.core.errors import NotFound, Place, Refused
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable

NUMBER_MAX = 255


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution: `number` is its uint8 on the ledger, from 1 and never used again."""

    code: str
    number: int
    name: str
    capacities: tuple[str, ...]


def institutions_from(content: str, file: str) -> tuple[Institution, ...]:
    """The institutions of a table in TOML, by number.

    Refuses `InvalidTable`, all at once: wrong fields, a code or number given twice.
    """
    refused = Refused()
    found: list[Institution] = []
    for index, fields in enumerate(reading.rows(reading.parse(content, file), "institution", file)):
        name = f"institution[{index}]"
        row = reading.Row(fields, file, name, refused)
        institution = Institution(
            code=row.take("code", reading.text, ""),
            number=row.take("number", reading.count, 0),
            name=row.take("name", reading.text, ""),
            capacities=row.take("capacities", reading.texts, ()),
        )
        row.finish()
        for reason in _faults(institution, found):
            refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        found.append(institution)
    refused.raise_if_any()
    return tuple(sorted(found, key=lambda institution: institution.number))


def _faults(institution: Institution, others: list[Institution]) -> list[str]:
    faults = []
    if not 1 <= institution.number <= NUMBER_MAX:
        faults.append(f"number {institution.number} is not between 1 and {NUMBER_MAX}")
    for other in others:
        if institution.code == other.code:
            faults.append(f"the code {institution.code} is given twice")
        if institution.number == other.number:
            faults.append(f"the number {institution.number} is given twice")
    return faults


@functools.cache
def load_institutions(jurisdiction: str) -> tuple[Institution, ...]:
    """The institutions that ship with Amanat, such as for `pk`.  Refuses `NotFound`."""
    return institutions_from(*reading.read_table(jurisdiction, "institutions"))


def institutions_of_file(path: Path) -> tuple[Institution, ...]:
    """The institutions of a file, such as a pilot's own.  Refuses as `institutions_from`."""
    return institutions_from(*reading.read_file(path))


def institution(known: tuple[Institution, ...], code: str) -> Institution:
    """The institution with a code.  Refuses `NotFound`."""
    for one in known:
        if one.code == code:
            return one
    raise NotFound(thing="institution", value=code[:40])
