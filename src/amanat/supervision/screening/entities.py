"""Listed subjects and parties as entities of followthemoney, which logic-v2 compares."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from amanat.supervision.screening.model import (
    NAMES_MAX,
    Document,
    DocumentKind,
    ListedSubject,
    ScreenedParty,
    Subject,
    normal_number,
)
from amanat.supervision.screening.spelling import (
    apart,
    clean_name,
    imitation,
    romanised,
    split_father,
    split_names,
    without_form,
)

if TYPE_CHECKING:
    from followthemoney.proxy import EntityProxy

_SCHEMATA = {
    Subject.PERSON: "Person",
    Subject.ORGANISATION: "Organization",
    Subject.WALLET: "CryptoWallet",
}
_PROPERTIES = {
    DocumentKind.CNIC: "idNumber",
    DocumentKind.PASSPORT: "passportNumber",
    DocumentKind.REGISTRATION: "registrationNumber",
    DocumentKind.LEI: "leiCode",
    DocumentKind.TAX: "taxNumber",
    DocumentKind.OTHER: "idNumber",
}

Numbers = frozenset[tuple[DocumentKind, str]]


def names_to_compare(names: Iterable[str]) -> tuple[str, ...]:
    """Names cleaned, without a father's behind them, and the Latin ones that they imitate.

    A company's also stands without its legal form, which others leave out; a name in a third
    script, such as Cyrillic, in Latin letters.
    """
    found: dict[str, None] = {}
    stated = [text for one in names for text in (one, apart(one)) if text]
    for written in stated:
        for name in split_names(clean_name(written)):
            cleaned, _father = split_father(name)
            for one in (cleaned, imitation(cleaned), romanised(cleaned), without_form(cleaned)):
                if one:
                    found.setdefault(one)
    return tuple(found)[:NAMES_MAX]


def _made(kind: Subject) -> EntityProxy:
    # Here alone: the model of followthemoney takes long to import, and few commands compare.
    from followthemoney import model

    return model.make_entity(_SCHEMATA[kind])


def listed_entity(subject: ListedSubject) -> EntityProxy:
    """The entity of a list's entry; numbers that others on its list bear are left out."""
    entity = _made(subject.kind)
    for name in names_to_compare(subject.names):
        entity.add("name", name)
    if subject.kind is Subject.WALLET:
        entity.add("publicKey", list(subject.addresses))
    else:
        entity.add("weakAlias", list(map(clean_name, subject.weak_names)))
        _add_documents(entity, subject.documents, subject.shared)
        entity.add("country", list(subject.countries))
    if subject.kind is Subject.PERSON:
        entity.add("birthDate", list(subject.born_on))
    entity.add("topics", [topic.value for topic in subject.topics])
    entity.id = f"listed-{subject.reference}-{_digest(entity)}"
    return entity


def party_entity(party: ScreenedParty, names: Iterable[str]) -> EntityProxy:
    """The entity of a party under these names."""
    entity = _made(party.kind)
    for name in names:
        entity.add("name", name)
    if party.kind is not Subject.WALLET:
        _add_documents(entity, party.documents, frozenset())
        entity.add("country", party.country)
    if party.kind is Subject.PERSON:
        entity.add("birthDate", [party.born_on, *party.further_births])
    entity.id = f"party-{party.pseudonym}-{_digest(entity)}"
    return entity


def _add_documents(entity: EntityProxy, documents: Iterable[Document], ignored: Numbers) -> None:
    for document in documents:
        number = normal_number(document)
        name = _PROPERTIES[document.kind]
        if number is None or (document.kind, number) in ignored:
            continue
        if name in entity.schema.properties:
            entity.add(name, number)


def _digest(entity: EntityProxy) -> str:
    # The comparison remembers names by the id alone, so that an id must not outlive its content.
    content = sorted((prop.name, value) for prop, value in entity.itervalues())
    return hashlib.sha256(repr(content).encode()).hexdigest()[:20]
