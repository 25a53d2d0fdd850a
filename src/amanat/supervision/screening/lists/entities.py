"""Lists as entities of followthemoney, one JSON object a line, as OpenSanctions publishes them.

Lists of politically exposed persons, their relatives, and of the owners of listed companies come
so; an entity's own topics count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from amanat.supervision.screening.lists.reading import (
    Collected,
    NotTheFormat,
    ReadList,
    countries,
    document_of,
    nested_too_deep,
    partial_date,
    unique,
)
from amanat.supervision.screening.model import Document, ListedSubject, Subject, Topic

FORMAT = "entities of followthemoney (JSON lines)"
_SCHEMATA = {
    "Person": Subject.PERSON,
    "Organization": Subject.ORGANISATION,
    "Company": Subject.ORGANISATION,
    "LegalEntity": Subject.ORGANISATION,
    "PublicBody": Subject.ORGANISATION,
    "CryptoWallet": Subject.WALLET,
}
_DOCUMENTS = {
    "idNumber": "national id",
    "passportNumber": "passport",
    "registrationNumber": "registration",
    "leiCode": "legal entity",
    "taxNumber": "tax",
}
_TOPICS = {topic.value: topic for topic in Topic}


def read_entities(content: bytes, topics: tuple[Topic, ...] = (Topic.PEP,)) -> ReadList:
    """Read the entities that are people, organisations or wallets; others stand for relations.

    Refuses `NotTheFormat`; `EntryWrong` and `EntriesMissing`, all at once.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotTheFormat(format=FORMAT, reason="it is not UTF-8") from None
    collected = Collected(content, topics)
    for line, written in enumerate(text.split("\n"), 1):
        if not written.strip():
            continue
        if nested_too_deep(written):
            collected.wrong(f"line {line}", "it is nested too deep", line)
            continue
        try:
            entity = json.loads(written)
        except json.JSONDecodeError as error:
            collected.wrong(f"line {line}", f"it is no JSON ({error})"[:120], line)
            continue
        _add(collected, entity, line)
    return collected.finish(None)


def _add(collected: Collected, entity: Any, line: int) -> None:
    given = entity.get("properties") if isinstance(entity, Mapping) else None
    schema = entity.get("schema") if isinstance(entity, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(schema, str):
        collected.wrong(f"line {line}", "it has no schema and properties", line)
        return
    if schema not in _SCHEMATA:
        return

    def values(name: str) -> list[str]:
        found = given.get(name, [])
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    own = [_TOPICS[one] for one in values("topics") if one in _TOPICS]
    origin = next(iter([*values("country"), *values("nationality")]), None)
    documents: list[Document] = []
    for name, kind in _DOCUMENTS.items():
        found = (document_of(kind, number, origin) for number in values(name))
        documents += [one for one in found if one is not None]
    collected.add(
        ListedSubject(
            reference=str(entity.get("id") or "")[:120],
            kind=_SCHEMATA[schema],
            names=unique([*values("name"), *values("alias"), *values("previousName")]),
            weak_names=unique(values("weakAlias")),
            fathers=unique(values("fatherName")),
            documents=tuple(documents),
            born_on=unique(map(partial_date, values("birthDate"))),
            countries=countries([*values("country"), *values("nationality")]),
            addresses=unique(values("publicKey")),
            topics=tuple(own) or collected.topics,
            programmes=unique(values("programId") or values("position"))[:8],
        ),
        line,
    )
