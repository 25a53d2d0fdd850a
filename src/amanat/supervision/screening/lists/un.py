"""The consolidated list of the UN Security Council, in its XML (`CONSOLIDATED_LIST`).

Element names as the Committee publishes them: https://scsanctions.un.org/resources/xml/en/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

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

FORMAT = "the UN's consolidated list (XML)"
_NAMES = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_WEAK = frozenset({"low", "weak"})
_FATHER = re.compile(r"[Ff]ather(?:’s|'s|s)? name(?: is|:)? ([^.;,()]+)")


def read_un(content: bytes, topics: tuple[Topic, ...] = (Topic.SANCTION,)) -> ReadList:
    """Read the list.  Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing`, all at once."""
    root = xml_root(content, FORMAT)
    if local(root) != "CONSOLIDATED_LIST":
        raise NotTheFormat(format=FORMAT, reason=f"its root is {local(root)[:40]}")
    collected = Collected(content, topics)
    for element in at(root, "INDIVIDUALS", "INDIVIDUAL"):
        _add(collected, element, Subject.PERSON, "INDIVIDUAL")
    for element in at(root, "ENTITIES", "ENTITY"):
        _add(collected, element, Subject.ORGANISATION, "ENTITY")
    generated = partial_date(root.get("dateGenerated"))
    dated = date.fromisoformat(generated) if generated and len(generated) == 10 else None
    return collected.finish(dated)


def _add(collected: Collected, element: Any, kind: Subject, prefix: str) -> None:
    reference = said(element, "REFERENCE_NUMBER") or said(element, "DATAID") or ""
    whole = " ".join(filter(None, (said(element, name) for name in _NAMES)))
    strong, weak = _aliases(element, prefix)
    comments = said(element, "COMMENTS1") or ""
    births = list(_births(collected, element, reference))
    collected.add(
        ListedSubject(
            reference=reference,
            kind=kind,
            names=unique([whole, said(element, "NAME_ORIGINAL_SCRIPT"), *strong]),
            weak_names=unique(weak),
            fathers=unique(found.strip() for found in _FATHER.findall(comments)),
            documents=tuple(_documents(element)),
            born_on=unique(births),
            countries=countries(
                "".join(one.itertext()) for one in at(element, "NATIONALITY", "VALUE")
            ),
            topics=collected.topics,
            programmes=unique([said(element, "UN_LIST_TYPE")]),
            listed_on=partial_date(said(element, "LISTED_ON")),
            places=unique(
                ", ".join(filter(None, (said(one, "CITY"), said(one, "COUNTRY"))))
                for one in at(element, f"{prefix}_ADDRESS")
            ),
        ),
        element.sourceline,
    )


def _aliases(element: Any, prefix: str) -> tuple[list[str], list[str]]:
    strong: list[str] = []
    weak: list[str] = []
    for alias in at(element, f"{prefix}_ALIAS"):
        name = said(alias, "ALIAS_NAME")
        if name:
            low = (said(alias, "QUALITY") or "").lower() in _WEAK
            (weak if low else strong).append(name)
    return strong, weak


def _documents(element: Any) -> Iterator[Document]:
    for one in at(element, "INDIVIDUAL_DOCUMENT"):
        country = said(one, "ISSUING_COUNTRY") or said(one, "COUNTRY_OF_ISSUE")
        kind = said(one, "TYPE_OF_DOCUMENT") or ""
        found = document_of(kind, said(one, "NUMBER"), country)
        if found is not None:
            yield found


def _births(collected: Collected, element: Any, reference: str) -> Iterator[str | None]:
    for one in at(element, "INDIVIDUAL_DATE_OF_BIRTH"):
        exact = said(one, "DATE")
        if exact and partial_date(exact) is None:
            collected.wrong(reference, f"{exact[:40]} is no date of birth", one.sourceline)
        yield partial_date(exact) or partial_date(said(one, "YEAR"))
        first, last = said(one, "FROM_YEAR"), said(one, "TO_YEAR")
        if first and last and first.isdigit() and last.isdigit() and int(last) - int(first) < 30:
            yield from map(str, range(int(first), int(last) + 1))
