"""The vault: names, documents and contact of persons, each field encrypted by itself.

AES-256-GCM under a key derived from the vault's; programme, person and field are bound to each
ciphertext, so that none can be put in another's place.  What an exchange says twice is kept once: a
keyed fingerprint over all fields tells, and tells nothing else.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.engine import Connection

from amanat.store.engine import insert_tuples
from amanat.supervision.identities import tables
from amanat.supervision.identities.model import Document, Identity, PseudonymsMeet
from amanat.supervision.identities.pseudonyms import Pseudonym, Pseudonyms, derived

_NONCE_BYTES = 12
_ASKED_AT_ONCE = 5_000
CONTACT = ("telephone", "mail", "address", "district")


@dataclass(frozen=True, slots=True)
class Said:
    """What a return says of a person, before it is sealed."""

    pseudonym: Pseudonym
    kind: str
    reference: str
    name: str
    name_latin: str | None
    father_name: str | None
    born: str | None
    document: Document
    contact: tuple[tuple[str, str], ...]
    nationality: str | None
    residence: str | None
    exposed: bool

    def content(self) -> bytes:
        """Everything that it says, in one way of writing it."""
        said = [
            self.kind, self.reference, self.name, self.name_latin, self.father_name, self.born,
            [self.document.type, self.document.country, self.document.number],
            self.contact, self.nationality, self.residence, self.exposed,
        ]  # fmt: skip
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


class Vault:
    """Seals, keeps and opens identities; `key` is 32 bytes, the authority's alone."""

    def __init__(self, key: bytes) -> None:
        self.pseudonyms = Pseudonyms(key)
        self._cipher = AESGCM(derived(key, b"amanat identities: fields"))
        self._prints = derived(key, b"amanat identities: fingerprints")

    # -- one field ----------------------------------------------------------------------------

    def seal(self, programme: str, person: int, field: str, value: str) -> bytes:
        """Nonce and ciphertext of one field of one person."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value.encode(), _bound(programme, person, field))

    def open(self, programme: str, person: int, field: str, sealed: bytes) -> str:
        """One field again; what was altered or moved raises `cryptography`'s `InvalidTag`."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return self._cipher.decrypt(nonce, text, _bound(programme, person, field)).decode()

    def _sealed(self, programme: str, person: int, field: str, value: str | None) -> bytes | None:
        return None if value is None else self.seal(programme, person, field, value)

    def _fingerprint(self, said: Said) -> str:
        return hmac.digest(self._prints, said.content(), "sha256")[:16].hex()

    # -- keeping ------------------------------------------------------------------------------

    def keep_persons(
        self,
        connection: Connection,
        programme: str,
        exchange: str,
        return_id: str,
        said: Iterable[Said],
    ) -> int:
        """Keep what is new of what a return says of persons; how many records that were.

        Raises `PseudonymsMeet`.
        """
        fresh = self.fresh_persons(connection, programme, exchange, said)
        return self.enter_persons(connection, programme, exchange, return_id, fresh)

    def fresh_persons(
        self, connection: Connection, programme: str, exchange: str, said: Iterable[Said]
    ) -> list[tuple[Any, ...]]:
        """Sealed, what the vault does not have of what a return says; nothing is written.

        A row each of `FRESH_PERSON`.  Raises `PseudonymsMeet`.
        """
        latest = {(one.pseudonym.number, self._fingerprint(one)): one for one in said}
        persons = sorted({person for person, _ in latest})
        marks = _marks(connection, programme, persons)
        for (person, _), one in latest.items():
            if marks.setdefault(person, one.pseudonym.mark) != one.pseudonym.mark:
                raise PseudonymsMeet(f"person {person} is two persons")
        known = _prints(connection, programme, exchange, persons)
        return [
            self._row(programme, fingerprint, one)
            for (person, fingerprint), one in latest.items()
            if (person, fingerprint) not in known
        ]

    def enter_persons(
        self,
        connection: Connection,
        programme: str,
        exchange: str,
        return_id: str,
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        """Write rows of `FRESH_PERSON` that are not there yet; how many records that were.

        Raises `PseudonymsMeet`.
        """
        latest = {(row[0], row[3]): row for row in rows}
        persons = sorted({person for person, _ in latest})
        marks = _marks(connection, programme, persons)
        fresh: dict[int, tuple[Any, ...]] = {}
        for (person, _), row in latest.items():
            if person not in marks:
                fresh[person] = row
            if marks.setdefault(person, row[2]) != row[2]:
                raise PseudonymsMeet(f"person {person} is two persons")
        insert_tuples(
            connection,
            tables.person,
            ("programme", "person", "kind", "mark", "first_return"),
            [(programme, at, row[1], row[2], return_id) for at, row in fresh.items()],
        )
        known = _prints(connection, programme, exchange, persons)
        records = [
            (programme, person, exchange, fingerprint, return_id, *row[4:])
            for (person, fingerprint), row in latest.items()
            if (person, fingerprint) not in known
        ]
        insert_tuples(connection, tables.record, _RECORD, records)
        return len(records)

    def _row(self, programme: str, fingerprint: str, one: Said) -> tuple[Any, ...]:
        person = one.pseudonym.number
        document = json.dumps([one.document.type, one.document.country, one.document.number])
        contact = json.dumps(one.contact, ensure_ascii=False) if one.contact else None
        return (
            person,
            one.kind,
            one.pseudonym.mark,
            fingerprint,
            self.seal(programme, person, "reference", one.reference),
            self.seal(programme, person, "name", one.name),
            self._sealed(programme, person, "name_latin", one.name_latin),
            self._sealed(programme, person, "father_name", one.father_name),
            self._sealed(programme, person, "born", one.born),
            self.seal(programme, person, "document", document),
            self._sealed(programme, person, "contact", contact),
            one.nationality,
            one.residence,
            one.exposed,
        )

    def keep_accounts(
        self,
        connection: Connection,
        programme: str,
        exchange: str,
        return_id: str,
        held: Sequence[tuple[int, int, str, str]],
    ) -> int:
        """Keep accounts that are new: pseudonym, person, number, day of opening of each."""
        fresh = self.fresh_accounts(connection, programme, held)
        return self.enter_accounts(connection, programme, exchange, return_id, fresh)

    def fresh_accounts(
        self, connection: Connection, programme: str, held: Sequence[tuple[int, int, str, str]]
    ) -> list[tuple[Any, ...]]:
        """As they are given, the number sealed, those that the vault does not have."""
        unique = {(account, person): (number, day) for account, person, number, day in held}
        known = _accounts(connection, programme, [account for account, _ in unique])
        return [
            (account, person, self.seal(programme, account, "number", number), day)
            for (account, person), (number, day) in unique.items()
            if (account, person) not in known
        ]

    def enter_accounts(
        self,
        connection: Connection,
        programme: str,
        exchange: str,
        return_id: str,
        rows: Sequence[tuple[Any, ...]],
    ) -> int:
        """Write rows of `fresh_accounts` that are not there yet; how many that were."""
        known = _accounts(connection, programme, [row[0] for row in rows])
        unique = {(row[0], row[1]): row for row in rows if (row[0], row[1]) not in known}
        fresh = [
            (programme, account, person, exchange, number, day, return_id)
            for account, person, number, day in unique.values()
        ]
        insert_tuples(connection, tables.account, _ACCOUNT, fresh)
        return len(fresh)

    # -- reading ------------------------------------------------------------------------------

    def identities(
        self,
        connection: Connection,
        programme: str,
        *,
        persons: Iterable[int] | None = None,
        return_id: str | None = None,
        exchange: str | None = None,
    ) -> Iterator[Identity]:
        """Identities opened: of these persons, of what a return brought or an exchange said.

        For the system that screens, which keeps none of it, and for the acts that open one for a
        case; people ask through those alone, which are journalled.
        """
        table = tables.record
        query = (
            sql.select(table, tables.person.c.kind)
            .join(
                tables.person,
                (tables.person.c.programme == table.c.programme)
                & (tables.person.c.person == table.c.person),
            )
            .where(table.c.programme == programme)
        )
        if return_id is not None:
            query = query.where(table.c.return_id == return_id)
        if exchange is not None:
            query = query.where(table.c.exchange == exchange)
        query = query.order_by(table.c.person, table.c.exchange, table.c.return_id)
        if persons is None:
            yield from self._opened(connection, programme, query)
            return
        for part in _parts(sorted(set(persons))):
            yield from self._opened(connection, programme, query.where(table.c.person.in_(part)))

    def _opened(
        self, connection: Connection, programme: str, query: sql.Select[Any]
    ) -> Iterator[Identity]:
        for row in connection.execute(query):
            fields = {
                name: None
                if getattr(row, name) is None
                else self.open(programme, row.person, name, getattr(row, name))
                for name in _SEALED
            }
            yield _identity(row, fields)

    def account_number(self, programme: str, account: int, sealed: bytes) -> str:
        """The number of an account at its exchange, for an order to that exchange."""
        return self.open(programme, account, "number", sealed)


_SEALED = ("reference", "name", "name_latin", "father_name", "born", "document", "contact")
_RECORD = (
    "programme", "person", "exchange", "fingerprint", "return_id", "reference", "name",
    "name_latin", "father_name", "born", "document", "contact", "nationality", "residence",
    "exposed",
)  # fmt: skip
FRESH_PERSON = ("person", "kind", "mark", *_RECORD[3:4], *_RECORD[5:])
"""What `Vault.fresh_persons` answers of each, in this order."""
_ACCOUNT = ("programme", "account", "person", "exchange", "number", "opened", "first_return")


def _identity(row: Any, fields: Mapping[str, str | None]) -> Identity:
    contact = json.loads(fields["contact"] or "[]")
    return Identity(
        person=row.person,
        exchange=row.exchange,
        reference=fields["reference"] or "",
        kind=row.kind,
        name=fields["name"] or "",
        name_latin=fields["name_latin"],
        father_name=fields["father_name"],
        born=fields["born"],
        document=Document(*json.loads(fields["document"] or "[]")),
        contact=tuple((name, value) for name, value in contact),
        nationality=row.nationality,
        residence=row.residence,
        exposed=row.exposed,
        return_id=row.return_id,
    )


def _bound(programme: str, person: int, field: str) -> bytes:
    return f"{programme}/{person}/{field}".encode()


def _parts(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(values), _ASKED_AT_ONCE):
        yield values[at : at + _ASKED_AT_ONCE]


def _marks(connection: Connection, programme: str, persons: Sequence[int]) -> dict[int, bytes]:
    table = tables.person
    found: dict[int, bytes] = {}
    for part in _parts(persons):
        rows = connection.execute(
            sql.select(table.c.person, table.c.mark).where(
                table.c.programme == programme, table.c.person.in_(part)
            )
        )
        found |= {row.person: bytes(row.mark) for row in rows}
    return found


def _accounts(
    connection: Connection, programme: str, accounts: Iterable[int]
) -> set[tuple[int, int]]:
    """Which of these accounts are there, each with its holders."""
    table = tables.account
    found: set[tuple[int, int]] = set()
    for part in _parts(sorted(set(accounts))):
        rows = connection.execute(
            sql.select(table.c.account, table.c.person).where(
                table.c.programme == programme, table.c.account.in_(part)
            )
        )
        found |= {(row.account, row.person) for row in rows}
    return found


def _prints(
    connection: Connection, programme: str, exchange: str, persons: Sequence[int]
) -> set[tuple[int, str]]:
    table = tables.record
    found: set[tuple[int, str]] = set()
    for part in _parts(persons):
        rows = connection.execute(
            sql.select(table.c.person, table.c.fingerprint).where(
                table.c.programme == programme,
                table.c.exchange == exchange,
                table.c.person.in_(part),
            )
        )
        found |= {(row.person, row.fingerprint) for row in rows}
    return found


def keep_owners(
    connection: Connection,
    programme: str,
    exchange: str,
    return_id: str,
    owned: Iterable[tuple[int, int]],
) -> None:
    """Keep who owns whom beneficially: the legal person and its owner, each pair once."""
    table = tables.owner
    wanted = sorted(set(owned))
    known: set[tuple[int, int]] = set()
    for part in _parts(sorted({person for person, _ in wanted})):
        rows = connection.execute(
            sql.select(table.c.person, table.c.owner).where(
                table.c.programme == programme,
                table.c.exchange == exchange,
                table.c.person.in_(part),
            )
        )
        known |= {(row.person, row.owner) for row in rows}
    insert_tuples(
        connection,
        table,
        ("programme", "person", "owner", "exchange", "first_return"),
        [(programme, *pair, exchange, return_id) for pair in wanted if pair not in known],
    )


def accounts_of(connection: Connection, programme: str, person: int) -> list[Any]:
    """Every account that a person holds or held: `account`, `exchange`, the sealed `number`."""
    table = tables.account
    query = sql.select(table).where(table.c.programme == programme, table.c.person == person)
    return list(connection.execute(query.order_by(table.c.exchange, table.c.account)))


def owners_of(connection: Connection, programme: str, person: int) -> list[int]:
    """The beneficial owners of a legal person."""
    table = tables.owner
    query = sql.select(table.c.owner).where(
        table.c.programme == programme, table.c.person == person
    )
    return sorted(set(connection.execute(query).scalars()))
