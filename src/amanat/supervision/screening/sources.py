"""Who is screened: providers with their people, out of licensing; customers, out of the vault.

A source yields `ScreenedParty`s; `screen_parties` takes any iterable of them.  Of the vault the
system that screens reads names and documents, and keeps none: a hit has a pseudonym.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.tables import institution
from amanat.core.canonical import digest
from amanat.licensing.forms.filling import answers_of
from amanat.licensing.tables import licensing_file, provider
from amanat.supervision.identities import tables as vault_tables
from amanat.supervision.identities.model import Identity
from amanat.supervision.identities.pseudonyms import Pseudonyms
from amanat.supervision.identities.vault import Vault
from amanat.supervision.returns.storing import pseudonym_of
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ScreenedParty,
    Subject,
)
from amanat.supervision.screening.tables import screened

PROVIDER = "provider"
_ROLES: dict[str, tuple[str, ...]] = {
    "individuals": ("key_individual",),
    "controllers": ("controller",),
}
ROLES = (
    "customer",
    "beneficial_owner",
    "exposed_as_reported",
    PROVIDER,
    "key_individual",
    "controller",
    "named_in_application",
)
"""In what quality somebody is screened."""
_PERSON = ("name", "born", "number")


def licensing_parties(
    connection: Connection, programme: str, pseudonyms: Pseudonyms
) -> Iterator[ScreenedParty]:
    """Every provider, and everyone whom its files name as directing, holding or controlling it.

    Each with the pseudonym that its document has among customers.  Of several files the last one
    that names somebody in a place counts.
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
            pseudonyms,
            ScreenedParty(
                pseudonym=f"{PROVIDER}:{row.code}",
                kind=Subject.ORGANISATION,
                names=(row.institution_name,),
                documents=documents,
                country=row.country,
                roles=(PROVIDER,),
            ),
        )
        found: dict[str, ScreenedParty] = {}
        for file in files.get(row.code, ()):
            for party in _people(row.code, answers_of(connection, file)):
                found[party.pseudonym] = _revised(pseudonyms, party)
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
    return ScreenedParty(
        pseudonym=place,
        kind=Subject.PERSON,
        names=(str(answer["name"])[:300],),
        documents=(Document(kind, str(answer["number"])[:64], country),),
        born_on=str(answer["born"])[:10],
        country=country,
        roles=roles,
    )


def _company(place: str, item: Mapping[str, Any]) -> ScreenedParty:
    lei = item.get("lei")
    return ScreenedParty(
        pseudonym=place,
        kind=Subject.ORGANISATION,
        names=(str(item["company"])[:300],),
        documents=(Document(DocumentKind.LEI, lei),) if isinstance(lei, str) and lei else (),
        country=str(item.get("country") or "")[:2] or None,
        roles=("controller",),
    )


def _revised(pseudonyms: Pseudonyms, party: ScreenedParty) -> ScreenedParty:
    """The party with whom it is as a customer, and as its revision the digest of what is known."""
    customer = _as_customer(pseudonyms, party)
    known = {
        "customer": None if customer is None else str(customer),
        "names": list(party.names),
        "documents": [[one.kind.value, one.number] for one in party.documents],
        "born_on": party.born_on,
        "country": party.country,
        "roles": list(party.roles),
    }
    return replace(party, revision=digest(known).hex(), customer=customer)


def _as_customer(pseudonyms: Pseudonyms, party: ScreenedParty) -> int | None:
    """The pseudonym under which returns report who has the same document; None: it has none."""
    for one in party.documents:
        # An identity card is Pakistan's, whatever other nationality its holder has.
        country = "PK" if one.kind is DocumentKind.CNIC else one.country or party.country
        if country is not None:
            return pseudonym_of(pseudonyms, one.kind.value, country, one.number).number
    return None


# -- the vault ------------------------------------------------------------------------------------

_KINDS = {
    "cnic": DocumentKind.CNIC,
    "nicop": DocumentKind.CNIC,
    "poc": DocumentKind.CNIC,
    "passport": DocumentKind.PASSPORT,
    "registration": DocumentKind.REGISTRATION,
    "lei": DocumentKind.LEI,
    "tax_number": DocumentKind.TAX,
}
_AT_ONCE = 500


def vault_parties(
    vault: Vault, connection: Connection, programme: str, persons: Iterable[int]
) -> Iterator[ScreenedParty]:
    """These customers under every name that any exchange gave them; each once."""
    wanted = sorted(set(persons))
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        owners = set(
            connection.execute(
                sql.select(vault_tables.owner.c.owner).where(
                    vault_tables.owner.c.programme == programme,
                    vault_tables.owner.c.owner.in_(part),
                )
            ).scalars()
        )
        opened = vault.identities(connection, programme, persons=part)
        for person, said in groupby(opened, key=lambda one: one.person):
            yield _customer(person, list(said), owns=person in owners)


def _customer(person: int, said: Sequence[Identity], *, owns: bool) -> ScreenedParty:
    names = dict.fromkeys(name for one in said for name in (one.name, one.name_latin) if name)
    documents = dict.fromkeys(
        Document(
            _KINDS.get(one.document.type, DocumentKind.OTHER),
            one.document.number,
            one.document.country,
        )
        for one in said
    )
    roles = ["customer"]
    if owns:
        roles.append("beneficial_owner")
    if any(one.exposed for one in said):
        roles.append("exposed_as_reported")
    fathers = dict.fromkeys(one.father_name for one in reversed(said) if one.father_name)
    births = dict.fromkeys(one.born for one in reversed(said) if one.born)
    last = said[-1]
    # A row of the vault is never changed: which rows there are says what is known.
    rows = sorted((one.exchange, one.return_id) for one in said)
    return ScreenedParty(
        pseudonym=str(person),
        kind=Subject.PERSON if last.kind == "natural" else Subject.ORGANISATION,
        names=tuple(names),
        father_name=next(iter(fathers), None),
        documents=tuple(documents),
        born_on=next(iter(births), None),
        country=next((one.nationality for one in reversed(said) if one.nationality), None),
        roles=tuple(roles),
        revision=digest({"rows": [list(row) for row in rows], "roles": roles}).hex(),
        further_fathers=tuple(fathers)[1:],
        further_births=tuple(births)[1:],
    )


def persons_behind(connection: Connection, programme: str, versions: str, most: int) -> list[int]:
    """Customers never screened, not against these versions, or of whom a return said more since."""
    person = vault_tables.person
    never = _not_screened(programme, versions).order_by(person.c.person).limit(most)
    found = list(connection.execute(never).scalars())
    if len(found) < most:
        since = _said_more(programme).distinct().limit(most - len(found))
        found += connection.execute(since).scalars()
    return sorted(set(found))


def count_behind(connection: Connection, programme: str, versions: str) -> int:
    """How many `persons_behind` finds without a limit; who is in both is counted twice."""
    total = 0
    for query in (_not_screened(programme, versions), _said_more(programme).distinct()):
        counted = sql.select(sql.func.count()).select_from(query.subquery())
        total += int(connection.execute(counted).scalar_one())
    return total


def _not_screened(programme: str, versions: str) -> sql.Select[Any]:
    person = vault_tables.person
    done = sql.select(screened.c.party).where(
        screened.c.programme == programme, screened.c.versions == versions
    )
    return sql.select(person.c.person).where(
        person.c.programme == programme, sql.cast(person.c.person, sql.String).not_in(done)
    )


def _said_more(programme: str) -> sql.Select[Any]:
    """Of whom a return said more, or named as an owner, since they were screened."""
    record, owner = vault_tables.record, vault_tables.owner
    said = _since_screened(programme, record, record.c.person, record.c.return_id)
    owns = _since_screened(programme, owner, owner.c.owner, owner.c.first_return)
    both = sql.union(said, owns).subquery()
    return sql.select(both.c.person)


def _since_screened(
    programme: str,
    table: sql.Table,
    person: sql.ColumnElement[int],
    said_by: sql.ColumnElement[str],
) -> sql.Select[Any]:
    kept_at = sql.func.coalesce(manifest.c.settled_at, manifest.c.received_at)
    return (
        sql.select(person.label("person"))
        .join(manifest, manifest.c.id == said_by)
        .join(
            screened,
            sql.and_(
                screened.c.programme == table.c.programme,
                screened.c.party == sql.cast(person, sql.String),
            ),
        )
        .where(table.c.programme == programme, kept_at > screened.c.screened_at)
    )


def behind_of_return(
    connection: Connection, programme: str, versions: str, row: Row[Any]
) -> tuple[int, int]:
    """Of how many customers a return says something new; how many of them are to be screened."""
    record, owner = vault_tables.record, vault_tables.owner
    said = sql.select(record.c.person.label("person")).where(
        record.c.programme == programme, record.c.return_id == row.id
    )
    owned = sql.select(owner.c.owner).where(
        owner.c.programme == programme, owner.c.first_return == row.id
    )
    persons = sql.union(said, owned).subquery()
    here = sql.and_(
        screened.c.programme == programme,
        screened.c.party == sql.cast(persons.c.person, sql.String),
    )
    done = sql.and_(
        screened.c.versions == versions,
        screened.c.screened_at >= (row.settled_at or row.received_at),
    )
    counted = sql.select(sql.func.count(), sql.func.sum(sql.case((done, 0), else_=1)))
    found = connection.execute(counted.select_from(persons.outerjoin(screened, here))).one()
    return int(found[0]), int(found[1] or 0)


def persons_of_return(connection: Connection, programme: str, return_id: str) -> list[int]:
    """Customers of whom a return says something new, and owners that it names."""
    record, owner = vault_tables.record, vault_tables.owner
    said = connection.execute(
        sql.select(record.c.person).where(
            record.c.programme == programme, record.c.return_id == return_id
        )
    ).scalars()
    owned = connection.execute(
        sql.select(owner.c.owner).where(
            owner.c.programme == programme, owner.c.first_return == return_id
        )
    ).scalars()
    return sorted({*said, *owned})
