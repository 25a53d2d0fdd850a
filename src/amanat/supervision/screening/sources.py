"""Who is screened: providers with their people, out of licensing; customers, out of the vault.

A source yields `ScreenedParty`s.  Those of the vault need its key and are given by whoever has it
(`screen_parties` takes any iterable); those of licensing are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.tables import institution
from amanat.core.canonical import digest
from amanat.licensing.forms.filling import answers_of
from amanat.licensing.tables import licensing_file, provider
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ScreenedParty,
    Subject,
)

PROVIDER = "provider"
_ROLES: dict[str, tuple[str, ...]] = {
    "individuals": ("key_individual",),
    "controllers": ("controller",),
}
_PERSON = ("name", "born", "number")


def licensing_parties(connection: Connection, programme: str) -> Iterator[ScreenedParty]:
    """Every provider, and everyone whom its files name as directing, holding or controlling it.

    Of several files the last one that names somebody in a place counts.
    """
    rows = connection.execute(
        sql.select(provider, institution.c.name.label("institution_name"))
        .join(
            institution,
            sql.and_(
                institution.c.programme == provider.c.programme,
                institution.c.code == provider.c.code,
            ),
        )
        .where(provider.c.programme == programme)
        .order_by(provider.c.number)
    ).all()
    files: dict[str, list[str]] = {}
    for row in connection.execute(
        sql.select(licensing_file.c.id, licensing_file.c.provider)
        .where(licensing_file.c.programme == programme)
        .order_by(licensing_file.c.id)
    ):
        files.setdefault(row.provider, []).append(row.id)
    for row in rows:
        documents = (Document(DocumentKind.LEI, row.lei),) if row.lei else ()
        yield _revised(
            ScreenedParty(
                pseudonym=f"{PROVIDER}:{row.code}",
                kind=Subject.ORGANISATION,
                names=(row.institution_name,),
                documents=documents,
                country=row.country,
                roles=(PROVIDER,),
            )
        )
        found: dict[str, ScreenedParty] = {}
        for file in files.get(row.code, ()):
            for party in _people(row.code, answers_of(connection, file)):
                found[party.pseudonym] = party
        yield from found.values()


def _people(code: str, answers: Mapping[str, Mapping[str, Any]]) -> Iterator[ScreenedParty]:
    """Persons and companies in the answers to forms, wherever a question asks for one."""
    for form, sections in answers.items():
        for section, content in sections.items():
            for item in content if isinstance(content, list) else [content]:
                if not isinstance(item, Mapping):
                    continue
                place = f"{PROVIDER}:{code}/{form}.{section}.{item.get('item', '')}"
                for question, answer in item.items():
                    if isinstance(answer, Mapping) and all(answer.get(one) for one in _PERSON):
                        yield _person(f"{place}.{question}", section, item, answer)
                if section == "controllers" and isinstance(item.get("company"), str):
                    yield _company(f"{place}.company", item)


def _person(
    place: str, section: str, item: Mapping[str, Any], answer: Mapping[str, Any]
) -> ScreenedParty:
    cnic = str(answer.get("document")) == "cnic"
    kind = DocumentKind.CNIC if cnic else DocumentKind.PASSPORT
    country = str(answer.get("nationality") or "")[:2] or None
    roles: tuple[str, ...] = _ROLES.get(section, ("named_in_application",))
    if section == "controllers" and item.get("kind") == "person":
        roles = (*roles, "beneficial_owner")
    return _revised(
        ScreenedParty(
            pseudonym=place,
            kind=Subject.PERSON,
            names=(str(answer["name"])[:300],),
            documents=(Document(kind, str(answer["number"])[:64], country),),
            born_on=str(answer["born"])[:10],
            country=country,
            roles=roles,
        )
    )


def _company(place: str, item: Mapping[str, Any]) -> ScreenedParty:
    lei = item.get("lei")
    return _revised(
        ScreenedParty(
            pseudonym=place,
            kind=Subject.ORGANISATION,
            names=(str(item["company"])[:300],),
            documents=(Document(DocumentKind.LEI, lei),) if isinstance(lei, str) and lei else (),
            country=str(item.get("country") or "")[:2] or None,
            roles=("controller",),
        )
    )


def _revised(party: ScreenedParty) -> ScreenedParty:
    """The party with the digest of what is known of it as its revision."""
    known = {
        "names": list(party.names),
        "documents": [[one.kind.value, one.number] for one in party.documents],
        "born_on": party.born_on,
        "country": party.country,
        "roles": list(party.roles),
    }
    return ScreenedParty(
        pseudonym=party.pseudonym,
        kind=party.kind,
        names=party.names,
        documents=party.documents,
        born_on=party.born_on,
        country=party.country,
        roles=party.roles,
        revision=digest(known).hex(),
    )
