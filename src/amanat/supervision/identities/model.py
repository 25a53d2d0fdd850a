"""Identities: what is known of a person, and the rules by which one may be looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.errors import Corrupt, Refusal

SUPERVISES, FIU, AUDITOR = "supervises", "fiu", "auditor"
"""Capacities: the supervisor of exchanges, the financial intelligence unit, who audits both."""
SECRET = "identities"
"""The name of the vault's key among the installation's secrets."""
FIELDS = ("name", "name_latin", "father_name", "born", "document", "contact")


class PseudonymsMeet(Corrupt):
    """Two documents have one pseudonym, or the key is another than the one that made the vault."""


class CaseNotTheirs(Refusal):
    """An identity is opened for a case of one's own institution, and of the person."""

    template: ClassVar[str] = (
        "There is no open case {case} of {institution} in which this person appears."
    )


@dataclass(frozen=True, slots=True)
class Document:
    """What identifies a person: a CNIC's number has its thirteen digits alone."""

    type: str
    country: str
    number: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What one exchange says of a person; a person of several exchanges has several."""

    person: int
    exchange: str
    reference: str
    kind: str
    name: str
    name_latin: str | None
    father_name: str | None
    born: str | None
    document: Document
    contact: tuple[tuple[str, str], ...]
    nationality: str | None
    residence: str | None
    exposed: bool
    return_id: str


CaseCheck = Callable[[Any, str, str, str, int], bool]
"""Given connection, programme, case number, institution and a person's pseudonym: whether that open
case is the institution's, and the person appears in it."""
case_checks: list[CaseCheck] = []
"""The room of cases adds what it knows; until then a case's number is taken as it is given."""
