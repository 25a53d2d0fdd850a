"""What the readers of lists share: what was read, what is wrong, dates, countries, safe XML.

A reader notes every mistake with its place and goes on; a list with one mistake is refused whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from lxml import etree

from amanat.core.errors import Invalid, Place, Refused
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ListedSubject,
    Subject,
    Topic,
    ascii_digits,
    marked,
)

BYTES_MAX = 160 * 2**20
ENTRIES_MAX = 500_000
_ERRORS_MAX = 200
_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
    for name in (names,)
}
_DAY_IN_WORDS = re.compile(r"(\d{1,2}) ([A-Za-z]{3})[a-z]* (\d{4})")


class EntryWrong(Invalid):
    """An entry of a list is as its format says."""

    template: ClassVar[str] = "{entry}: {reason}."


class NotTheFormat(Invalid):
    """A file is in the format that its list is published in."""

    template: ClassVar[str] = "The file is not {format}: {reason}."


class EntriesMissing(Invalid):
    """A list has as many entries as it says, and at least one."""

    template: ClassVar[str] = "The list says it has {said} entries; there are {found}."


@dataclass(frozen=True, slots=True)
class ReadList:
    """A list as it was read: its own date where it carries one, its entries, its digest."""

    digest: str
    dated_on: date | None
    subjects: tuple[ListedSubject, ...]

    def counts(self) -> dict[str, int]:
        """Entries by what they are."""
        found = dict.fromkeys((kind.value for kind in Subject), 0)
        for subject in self.subjects:
            found[subject.kind.value] += 1
        return found


class Collected:
    """Entries and mistakes of one file while it is read."""

    def __init__(self, content: bytes, topics: tuple[Topic, ...]) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        self.topics = topics
        self.refused = Refused()
        self.subjects: dict[str, ListedSubject] = {}
        self._errors = 0

    def wrong(self, entry: str, reason: str, line: int | None = None) -> None:
        """Note a mistake; beyond some hundreds they are no longer told one by one."""
        self._errors += 1
        if self._errors <= _ERRORS_MAX:
            place = Place(line=line) if line is not None else Place(field=entry[:60])
            self.refused.add(EntryWrong(place=place, entry=entry[:60], reason=reason))

    def add(self, subject: ListedSubject, line: int | None = None) -> None:
        """Keep an entry; one without a name, or with another's reference, is a mistake."""
        if not subject.reference:
            self.wrong("?", "it has no reference", line)
        elif subject.reference in self.subjects:
            self.wrong(subject.reference, "two entries have this reference", line)
        elif not subject.names and subject.kind is not Subject.WALLET:
            self.wrong(subject.reference, "it has no name", line)
        elif len(self.subjects) >= ENTRIES_MAX:
            self.wrong(subject.reference, f"more than {ENTRIES_MAX} entries", line)
        else:
            self.subjects[subject.reference] = subject

    def finish(self, dated_on: date | None, said: int | None = None) -> ReadList:
        """The list, or all that is wrong with it.  Refuses `EntryWrong`, `EntriesMissing`."""
        found = len(self.subjects)
        if not self._errors and (found == 0 or (said is not None and said != found)):
            self.refused.add(EntriesMissing(said=max(said or 0, 1), found=found))
        self.refused.raise_if_any()
        return ReadList(self.digest, dated_on, marked(self.subjects.values()))


_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_DEPTH_MAX = 64


def nested_too_deep(text: str) -> bool:
    """Whether a JSON text nests deeper than any list does: Python's parser would crash on it."""
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEPTH_MAX:
            return True
    return False


Reader = Callable[[bytes, tuple[Topic, ...]], ReadList]


def unique(values: Iterable[str | None]) -> tuple[str, ...]:
    """Values that are there, each once, in their order."""
    return tuple(dict.fromkeys(one.strip() for one in values if one and one.strip()))


def country_code(text: str | None) -> str | None:
    """ISO 3166 alpha-2 of a country by code or name; None where it is not known."""
    # Here alone: followthemoney takes long to import, and few commands read a list.
    from followthemoney.types import registry

    found = registry.country.clean(text) if text else None
    return found.upper() if found and len(found) == 2 else None


def countries(values: Iterable[str | None]) -> tuple[str, ...]:
    """Codes of countries, each once."""
    return unique(country_code(one) for one in values)


def partial_date(text: str | None) -> str | None:
    """`1970-01-31` or `1970` out of what lists write (`31 Jan 1970`, `circa 1970`); else None."""
    if not text:
        return None
    found = _ISO_DAY.search(text)
    if found:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    in_words = _DAY_IN_WORDS.search(text)
    if in_words and in_words[2].lower() in _MONTHS:
        return _day(int(in_words[3]), _MONTHS[in_words[2].lower()], int(in_words[1]))
    year = _YEAR.search(text)
    return year[1] if year else None


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return str(year) if 1800 <= year <= 2100 else None


def document_kind(text: str) -> DocumentKind:
    """What lists call a document, as a kind."""
    lowered = text.lower()
    for part, kind in (
        ("passport", DocumentKind.PASSPORT),
        ("cnic", DocumentKind.CNIC),
        ("national id", DocumentKind.CNIC),
        ("registration", DocumentKind.REGISTRATION),
        ("legal entity", DocumentKind.LEI),
        ("tax", DocumentKind.TAX),
    ):
        if part in lowered:
            return kind
    return DocumentKind.OTHER


def document_of(kind: str, number: str | None, country: str | None) -> Document | None:
    """A document as a list gives it; a national number of 13 digits of Pakistan is a CNIC."""
    if not number or not number.strip():
        return None
    code, found = country_code(country), document_kind(kind)
    digits = re.sub(r"\D", "", ascii_digits(number))
    if found is DocumentKind.CNIC and (code not in (None, "PK") or len(digits) != 13):
        found = DocumentKind.OTHER
    return Document(found, number.strip(), code)


# -- XML ------------------------------------------------------------------------------------------


def xml_root(content: bytes, format_name: str) -> Any:
    """The root of an XML file, read without entities, DTD or network.

    Refuses `NotTheFormat`: not well-formed, or with a document type, which no list needs and which
    is how a file expands without end or reads other files.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or None
        raise NotTheFormat(
            place=Place(line=line), format=format_name, reason=f"{error.msg}"[:200]
        ) from None
    if root.getroottree().docinfo.doctype:
        raise NotTheFormat(format=format_name, reason="it declares a document type")
    return root


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for a comment."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: Any, name: str) -> Iterator[Any]:
    """Children of that name, in any namespace."""
    return (one for one in element if local(one) == name)


def at(element: Any, *path: str) -> list[Any]:
    """Descendants by a path of names."""
    found = [element]
    for name in path:
        found = [inner for one in found for inner in children(one, name)]
    return found


def said(element: Any, *path: str) -> str | None:
    """The text of the first descendant by a path of names; None where empty."""
    for one in at(element, *path):
        text = "".join(one.itertext()).strip()
        if text:
            return " ".join(text.split())
    return None
