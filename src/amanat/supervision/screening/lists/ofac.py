"""Lists in the formats of OFAC's SDN list: SDN.XML (`sdnList`) and SDN.CSV with its columns.

Both are specified at https://ofac.treasury.gov (Specially Designated Nationals, data formats); the
columns of SDN.CSV are ent_num, SDN_Name, SDN_Type, Program, Title, Call_Sign, Vess_type, Tonnage,
GRT, Vess_flag, Vess_owner, Remarks, without a header, `-0-` standing for nothing.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from amanat.core.errors import Place
from amanat.supervision.screening.lists.reading import (
    Collected,
    NotTheFormat,
    ReadList,
    at,
    countries,
    document_of,
    local,
    partial_date,
    said,
    unique,
    xml_root,
)
from amanat.supervision.screening.model import Document, ListedSubject, Subject, Topic

XML = "OFAC's SDN list (XML)"
CSV = "OFAC's SDN list (CSV)"
_COLUMNS = 12
_NOTHING = "-0-"
_WALLET = re.compile(r"Digital Currency Address\s*-?\s*([A-Z0-9]{2,8})", re.IGNORECASE)
_TYPES = {"individual": Subject.PERSON, "entity": Subject.ORGANISATION}
_SKIPPED = frozenset({"vessel", "aircraft"})


def read_ofac_xml(content: bytes, topics: tuple[Topic, ...] = (Topic.SANCTION,)) -> ReadList:
    """Read SDN.XML; vessels and aircraft, which deal with nobody, are counted and left out.

    Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing` (against its own `Record_Count`), all
    at once.
    """
    root = xml_root(content, XML)
    if local(root) != "sdnList":
        raise NotTheFormat(format=XML, reason=f"its root is {local(root)[:40]}")
    collected = Collected(content, topics)
    skipped = 0
    for element in at(root, "sdnEntry"):
        kind = (said(element, "sdnType") or "").lower()
        if kind in _SKIPPED:
            skipped += 1
        elif kind not in _TYPES:
            collected.wrong(
                said(element, "uid") or "?", f"its type is {kind[:40]!r}", element.sourceline
            )
        else:
            _add(collected, element, _TYPES[kind])
    counted = said(root, "publshInformation", "Record_Count")
    total = int(counted) - skipped if counted and counted.isdigit() else None
    return collected.finish(_published(said(root, "publshInformation", "Publish_Date")), total)


def _published(text: str | None) -> date | None:
    if not text:
        return None
    for form in ("%m/%d/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _person(element: Any) -> str:
    return " ".join(filter(None, (said(element, "firstName"), said(element, "lastName"))))


def _add(collected: Collected, element: Any, kind: Subject) -> None:
    aliases = at(element, "akaList", "aka")
    weak = [one for one in aliases if (said(one, "category") or "").lower() == "weak"]
    documents, addresses = _identifiers(at(element, "idList", "id"))
    collected.add(
        ListedSubject(
            reference=said(element, "uid") or "",
            kind=kind,
            names=unique([_person(element), *(_person(one) for one in aliases if one not in weak)]),
            weak_names=unique(map(_person, weak)),
            documents=tuple(documents),
            born_on=unique(
                partial_date(said(one, "dateOfBirth"))
                for one in at(element, "dateOfBirthList", "dateOfBirthItem")
            ),
            countries=countries(
                said(one, "country")
                for path in (("nationalityList", "nationality"), ("citizenshipList", "citizenship"))
                for one in at(element, *path)
            ),
            addresses=unique(addresses),
            topics=collected.topics,
            programmes=unique(
                "".join(one.itertext()) for one in at(element, "programList", "program")
            ),
        ),
        element.sourceline,
    )


def _identifiers(elements: Iterable[Any]) -> tuple[list[Document], list[str]]:
    documents, addresses = [], []
    for one in elements:
        kind, number = said(one, "idType") or "", said(one, "idNumber")
        if _WALLET.match(kind):
            addresses.append(number or "")
            continue
        found = document_of(kind, number, said(one, "idCountry"))
        if found is not None:
            documents.append(found)
    return documents, addresses


# -- CSV ------------------------------------------------------------------------------------------

_DOCUMENTS = re.compile(
    r"(Passport|National ID No\.|C\.?N\.?I\.?C\.?|Registration Number|Tax ID No\.)\s+"
    r"([A-Z0-9-]+)(?: \(([^)]+)\))?"
)
_NATIONALITY = re.compile(r"(?:nationality|citizen) ([A-Z][A-Za-z ]+)")
_ALIAS = re.compile(r"(?:a\.k\.a\.|f\.k\.a\.|alt\. name)\s+['\"]?([^;'\"]+)")
_ADDRESS = re.compile(r"Digital Currency Address - [A-Z0-9]+ ([A-Za-z0-9]{20,})")


def read_ofac_csv(content: bytes, topics: tuple[Topic, ...] = (Topic.SANCTION,)) -> ReadList:
    """Read SDN.CSV; what is in its remarks (dates, documents, addresses) too.

    Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing`, all at once.
    """
    try:
        text = content.decode("utf-8-sig").rstrip("\x1a\r\n")
    except UnicodeDecodeError:
        raise NotTheFormat(format=CSV, reason="it is not UTF-8") from None
    collected = Collected(content, topics)
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        for row in rows:
            if row:
                _add_row(collected, row, rows.line_num)
    except csv.Error as error:
        raise NotTheFormat(place=Place(line=rows.line_num), format=CSV, reason=str(error)) from None
    return collected.finish(None)


def _add_row(collected: Collected, row: list[str], line: int) -> None:
    if len(row) != _COLUMNS:
        collected.wrong(f"line {line}", f"it has {len(row)} columns, not {_COLUMNS}", line)
        return
    number, name, kind, programme, *_rest = (
        "" if one.strip() == _NOTHING else one.strip() for one in row
    )
    remarks = "" if row[-1].strip() == _NOTHING else row[-1]
    if not number.isdigit():
        collected.wrong(f"line {line}", f"{number[:20]!r} is no ent_num", line)
        return
    if kind.lower() in _SKIPPED:
        return
    person = kind.lower() == "individual"
    collected.add(
        ListedSubject(
            reference=number,
            kind=Subject.PERSON if person else Subject.ORGANISATION,
            names=unique(
                [
                    _turned(name) if person else name,
                    *(_turned(one) for one in _ALIAS.findall(remarks)),
                ]
            ),
            documents=tuple(_documents(remarks)),
            born_on=unique(partial_date(part) for part in remarks.split(";") if "DOB" in part)
            if person
            else (),
            countries=countries(_NATIONALITY.findall(remarks)),
            addresses=unique(_ADDRESS.findall(remarks)),
            topics=collected.topics,
            programmes=unique(programme.split("] [")),
        ),
        line,
    )


def _turned(name: str) -> str:
    """`KHAN, Ali` as it is spoken."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}".strip() if comma else name


def _documents(remarks: str) -> Iterator[Document]:
    for kind, number, country in _DOCUMENTS.findall(remarks):
        found = document_of(kind.replace(".", "").replace("ID No", "id"), number, country or None)
        if found is not None:
            yield found
