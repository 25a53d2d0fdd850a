"""The journal: every act, as the exact bytes that a leaf of the log will be.

An entry is the RFC 8785 form of

    {"schema": "amanat.journal/1", "kind", "version", "id", "programme",
     "actor": {"institution", "capacity", "role", "means"}, "approval": [...] | null,
     "recorded_at", "business_date", "cause", "subject", "content": {...}}

at most 65,535 bytes.  Amounts are strings with a unit.  A private field stands in `content` as
`{"commitment": hex}`, SHA-256 over (entry id, field path, 32 random bytes, value); what opens it is
kept apart, encrypted under a key of its own, so that the journal can be published whole.
"""

from __future__ import annotations

import enum
import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import sqlalchemy as sql
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy.engine import Connection

from amanat.core.canonical import canonical_bytes
from amanat.core.errors import Corrupt, Invalid
from amanat.core.ids import new_id
from amanat.store.engine import insert_many, insert_tuples
from amanat.store.tables import journal_entry, journal_opening, log_size

ENTRY_BYTES_MAX = 65_535


class Audience(enum.StrEnum):
    """Which log an entry is a leaf of."""

    PUBLIC = "public"
    CONFIDENTIAL = "confidential"


class EntryNotDeclared(Invalid):
    """An entry's fields must be those that its kind declares."""

    template = "{kind}: missing {missing}, undeclared {undeclared}."


class EntryTooLarge(Invalid):
    """A leaf holds at most 65,535 bytes; larger content goes in by its digest."""

    template = "{kind}: {size} bytes, at most 65535."


@dataclass(frozen=True, slots=True)
class EventKind:
    """What a kind of entry says: its name in the past tense, who may read it, and its fields."""

    name: str
    audience: Audience
    fields: frozenset[str]
    private: frozenset[str] = frozenset()
    version: int = 1


_kinds: dict[str, EventKind] = {}


def declare(
    name: str,
    fields: Iterable[str],
    *,
    audience: Audience = Audience.PUBLIC,
    private: Iterable[str] = (),
    version: int = 1,
) -> EventKind:
    """Declare a kind of journal entry once, where the room's events are listed.

    Names in `private` are among `fields`; their values are committed to, never written.
    """
    hidden = frozenset(private)
    kind = EventKind(name, audience, frozenset(fields) | hidden, hidden, version)
    if _kinds.setdefault(name, kind) != kind:
        raise ValueError(f"{name} is declared twice, differently")
    return kind


def declared_kinds() -> Mapping[str, EventKind]:
    """All kinds declared so far, by name."""
    return _kinds


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who acts, in what capacity, on which business day; the head of every entry.

    `approval` lists those who approved, each {"institution", "capacity", "signature"}.
    """

    programme: str
    institution: str
    capacity: str
    role: str
    means: str
    business_date: date
    approval: tuple[Mapping[str, str], ...] = ()
    cause: str | None = None


class Clock(Protocol):
    """Says what time it is."""

    def __call__(self) -> datetime:
        """Now, in UTC."""
        ...


_COLUMNS = (
    "id",
    "programme",
    "institution",
    "subject",
    "business_date",
    "recorded_at",
    "entry",
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One entry as it will be stored, before it has its leaf number; values of `_COLUMNS`."""

    kind: EventKind
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """What entries of one kind and source have in common, as the bytes around what differs.

    An act may write thousands of entries; only their content, id, time and subject differ.
    """

    source: Provenance
    parts: tuple[bytes, bytes, bytes, bytes, bytes]

    @classmethod
    def of(cls, kind: EventKind, source: Provenance, cause: str | None) -> _Frame:
        """The frame: whatever stands before, between and after the five that differ."""
        actor = {
            "institution": source.institution,
            "capacity": source.capacity,
            "role": source.role,
            "means": source.means,
        }
        approval = [dict(one) for one in source.approval] or None
        # RFC 8785 orders the members by their names.
        head = _members(
            actor=actor,
            approval=approval,
            business_date=source.business_date.isoformat(),
            cause=cause,
        )
        middle = _members(kind=kind.name, programme=source.programme)
        return cls(
            source,
            (
                b"{" + head + b',"content":',
                b',"id":"',
                b'",' + middle + b',"recorded_at":"',
                b'","schema":"amanat.journal/1","subject":',
                b"," + _members(version=kind.version) + b"}",
            ),
        )

    def entry(self, content: bytes, entry_id: str, recorded_at: str, subject: bytes) -> bytes:
        """The entry's bytes; content and subject are canonical already."""
        one, two, three, four, five = self.parts
        return b"".join(
            (one, content, two, entry_id.encode(), three, recorded_at.encode(), four, subject, five)
        )


def _members(**values: Any) -> bytes:
    """Members of an object, without its braces."""
    return canonical_bytes(values)[1:-1]


class OpeningVault:
    """Seals and opens what private fields say, under a key of its own (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, entry_id: str, path: str, salt: bytes, value: str) -> bytes:
        """Nonce and ciphertext over salt and value, bound to the entry and the field."""
        nonce = secrets.token_bytes(12)
        bound = f"{entry_id}/{path}".encode()
        return nonce + self._cipher.encrypt(nonce, salt + value.encode(), bound)

    def open(self, entry_id: str, path: str, sealed: bytes) -> tuple[bytes, str]:
        """Salt and value; an altered row raises `cryptography.exceptions.InvalidTag`."""
        bound = f"{entry_id}/{path}".encode()
        plain = self._cipher.decrypt(sealed[:12], sealed[12:], bound)
        return plain[:32], plain[32:].decode()


def commitment(entry_id: str, path: str, salt: bytes, value: str) -> str:
    """SHA-256 over the four parts, each with its length before it, in hexadecimal."""
    parts = (entry_id.encode(), path.encode(), salt, value.encode())
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(framed).hexdigest()


class Journal:
    """Collects the entries of one unit of work and numbers them when it commits."""

    def __init__(
        self, connection: Connection, provenance: Provenance, vault: OpeningVault, clock: Clock
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._clock = clock
        self._pending: list[Recorded] = []
        self._openings: list[dict[str, Any]] = []
        self._frames: dict[tuple[Any, ...], _Frame] = {}
        self.provenance = provenance

    def append(
        self,
        kind: EventKind,
        content: Mapping[str, Any],
        *,
        subject: str | None = None,
        cause: str | None = None,
        provenance: Provenance | None = None,
    ) -> str:
        """Note one entry and return its id; it is stored when the unit of work commits.

        `subject` is `room:identifier`, by which pages find the history of a thing; `cause` is the
        id of the entry that led to this one.  Raises `EntryNotDeclared`, `EntryTooLarge`,
        `NotCanonical`.
        """
        given = frozenset(content)
        if given != kind.fields:
            raise EntryNotDeclared(
                kind=kind.name,
                missing=sorted(kind.fields - given),
                undeclared=sorted(given - kind.fields),
            )
        entry_id = new_id()
        if kind.private:
            content = self._commit_private(entry_id, kind, content)
        source = provenance or self.provenance
        recorded_at = self._clock().isoformat(timespec="microseconds").replace("+00:00", "Z")
        entry = self._frame(kind, source, cause or source.cause).entry(
            canonical_bytes(content if type(content) is dict else dict(content)),
            entry_id,
            recorded_at,
            canonical_bytes(subject),
        )
        if len(entry) > ENTRY_BYTES_MAX:
            raise EntryTooLarge(kind=kind.name, size=len(entry))
        self._pending.append(
            Recorded(
                kind,
                (
                    entry_id,
                    source.programme,
                    source.institution,
                    subject,
                    source.business_date.isoformat(),
                    recorded_at,
                    entry,
                ),
            )
        )
        return entry_id

    def _frame(self, kind: EventKind, source: Provenance, cause: str | None) -> _Frame:
        key = (kind.name, kind.version, id(source), cause)
        found = self._frames.get(key)
        if found is None:
            found = self._frames[key] = _Frame.of(kind, source, cause)
        return found

    def _commit_private(
        self, entry_id: str, kind: EventKind, content: Mapping[str, Any]
    ) -> dict[str, Any]:
        shown = dict(content)
        for name in sorted(kind.private):
            value = canonical_bytes(content[name]).decode()
            salt = secrets.token_bytes(32)
            shown[name] = {"commitment": commitment(entry_id, name, salt, value)}
            sealed = self._vault.seal(entry_id, name, salt, value)
            self._openings.append({"entry_id": entry_id, "path": name, "sealed": sealed})
        return shown

    def flush(self) -> None:
        """Number and store what was noted; called by the unit of work as it commits.

        The row of `log_size` is the one sequencer: it stays locked until the commit, so numbers
        are dense and follow the order of commits on both databases.
        """
        for audience in Audience:
            rows = [one for one in self._pending if one.kind.audience is audience]
            if not rows:
                continue
            size = self._connection.execute(
                sql.update(log_size)
                .where(log_size.c.log == audience.value)
                .values(size=log_size.c.size + len(rows))
                .returning(log_size.c.size)
            ).scalar_one_or_none()
            if size is None:
                raise Corrupt(f"log_size has no row for {audience.value}; run the migrations")
            log, first = audience.value, size - len(rows)
            insert_tuples(
                self._connection,
                journal_entry,
                ("log", "leaf", "kind", *_COLUMNS),
                [(log, leaf, one.kind.name, *one.values) for leaf, one in enumerate(rows, first)],
            )
        insert_many(self._connection, journal_opening, self._openings)
        self._pending.clear()
        self._openings.clear()


def read_entries(
    connection: Connection,
    *,
    log: Audience | None = None,
    programme: str | None = None,
    subject: str | None = None,
    kinds: Sequence[str] = (),
    after_leaf: int = -1,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Entries in the order of their leaves, each the parsed entry with `leaf` and `log` added."""
    query = sql.select(journal_entry.c.log, journal_entry.c.leaf, journal_entry.c.entry)
    if log is not None:
        query = query.where(journal_entry.c.log == log.value)
    if programme is not None:
        query = query.where(journal_entry.c.programme == programme)
    if subject is not None:
        query = query.where(journal_entry.c.subject == subject)
    if kinds:
        query = query.where(journal_entry.c.kind.in_(kinds))
    query = query.where(journal_entry.c.leaf > after_leaf)
    query = query.order_by(journal_entry.c.log.desc(), journal_entry.c.leaf).limit(limit)
    return [
        json.loads(row.entry) | {"log": row.log, "leaf": row.leaf}
        for row in connection.execute(query)
    ]
