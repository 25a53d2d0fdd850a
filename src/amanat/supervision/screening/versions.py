"""Versions of lists: what a file adds to, changes in and takes from the version before."""

from __future__ import annotations

import base64
import binascii
import json
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine, Row

from amanat.core.canonical import digest
from amanat.core.ids import new_id
from amanat.jurisdictions.screening import ListKind
from amanat.supervision.screening.lists.entities import read_entities
from amanat.supervision.screening.lists.nacta import read_nacta
from amanat.supervision.screening.lists.ofac import read_ofac_csv, read_ofac_xml
from amanat.supervision.screening.lists.reading import BYTES_MAX, Reader, ReadList
from amanat.supervision.screening.lists.un import read_un
from amanat.supervision.screening.lists.wallets import read_wallets
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    ListedSubject,
    ListRefused,
    ListShrinks,
    ListStale,
    Subject,
    Topic,
)
from amanat.supervision.screening.tables import list_entry, list_version

READERS: Mapping[str, Reader] = {
    "un_xml": read_un,
    "nacta_json": read_nacta,
    "ofac_xml": read_ofac_xml,
    "ofac_csv": read_ofac_csv,
    "wallets_csv": read_wallets,
    "entities_json": read_entities,
}


_SHRINKS_MIN, _SHRINKS_SHARE = 20, 10
"""More entries than these, and more than one in so many, are stated to be taken off."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry in force: its list, the digest of its content, and what it says."""

    list: str
    digest: str
    subject: ListedSubject


@dataclass(frozen=True, slots=True)
class Difference:
    """What a version changes: references that came, whose content changed, that went."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {
            "added": len(self.added),
            "changed": len(self.changed),
            "removed": len(self.removed),
        }

    @property
    def fresh(self) -> frozenset[str]:
        """References to which everybody has to be held."""
        return frozenset((*self.added, *self.changed))


def content_of(kind: ListKind, encoded: str) -> bytes:
    """The bytes of a file in base64.  Refuses `ListRefused`: not base64, too large."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ListRefused(list=kind.code, reason="its content is not base64") from None
    if len(content) > BYTES_MAX:
        raise ListRefused(list=kind.code, reason=f"it is larger than {BYTES_MAX >> 20} MiB")
    return content


def read(kind: ListKind, content: bytes) -> ReadList:
    """A file in the format of its list.  Refuses as its reader does, all mistakes at once."""
    return READERS[kind.format](content, (Topic(kind.topic),))


def require_newer(connection: Connection, programme: str, kind: ListKind, dated_on: date) -> None:
    """Refuse `ListStale`: a version of a later day is in force."""
    last = last_version(connection, programme, kind.code)
    if last is not None and dated_on.isoformat() < last.dated_on:
        raise ListStale(list=kind.code, day=date.fromisoformat(last.dated_on))


def last_version(connection: Connection, programme: str, code: str) -> Row[Any] | None:
    """The version of a list that is in force; None before the first."""
    table = list_version
    columns = [one for one in table.c if one.name != "content"]
    return connection.execute(
        sql.select(*columns)
        .where(table.c.programme == programme, table.c.list == code)
        .order_by(table.c.number.desc())
        .limit(1)
    ).one_or_none()


def versions_in_force(connection: Connection, programme: str) -> dict[str, int]:
    """The number of each list's version in force."""
    table = list_version
    rows = connection.execute(
        sql.select(table.c.list, sql.func.max(table.c.number).label("number"))
        .where(table.c.programme == programme)
        .group_by(table.c.list)
    )
    return {row.list: row.number for row in rows}


def store(
    connection: Connection,
    programme: str,
    kind: ListKind,
    read_list: ReadList,
    content: bytes,
    dated_on: date,
    written: Mapping[str, Any],
    pseudonyms: Callable[[ListedSubject], list[int]],
) -> tuple[int, Difference]:
    """Store a version: its file, and of its entries what differs from the version before.

    `pseudonyms` makes of an entry's addresses what transactions name them by.
    """
    last = last_version(connection, programme, kind.code)
    number = 1 if last is None else last.number + 1
    difference = difference_from(connection, programme, kind, read_list)
    _close(connection, programme, kind.code, number, (*difference.changed, *difference.removed))
    fresh = difference.fresh
    rows = [
        {
            "id": new_id(),
            "programme": programme,
            "list": kind.code,
            "reference": reference,
            "digest": _digest(stated),
            "content": stated | {"pseudonyms": [str(each) for each in pseudonyms(one)]},
            "since": number,
        }
        for one in read_list.subjects
        if (reference := one.reference) in fresh and (stated := to_json(one))
    ]
    if rows:
        connection.execute(list_entry.insert(), rows)
    connection.execute(
        list_version.insert().values(
            id=new_id(),
            programme=programme,
            list=kind.code,
            number=number,
            digest=read_list.digest,
            format=kind.format,
            dated_on=dated_on.isoformat(),
            size=len(content),
            counts=read_list.counts(),
            added=len(difference.added),
            changed=len(difference.changed),
            removed=len(difference.removed),
            content=zlib.compress(content, 6),
            **written,
        )
    )
    return number, difference


def difference_from(
    connection: Connection, programme: str, kind: ListKind, read_list: ReadList
) -> Difference:
    """What a list that was read changes in the version in force."""
    before = {row.reference: row.digest for row in _open_rows(connection, programme, kind.code)}
    now = {one.reference: _digest(to_json(one)) for one in read_list.subjects}
    return Difference(
        added=tuple(one for one in now if one not in before),
        changed=tuple(one for one in now if one in before and before[one] != now[one]),
        removed=tuple(one for one in before if one not in now),
    )


def require_whole(
    connection: Connection,
    programme: str,
    kind: ListKind,
    difference: Difference,
    taken_off: int | None,
) -> None:
    """Refuses `ListShrinks`: a list cut off at the end of a line would delist whom it lacks."""
    before = len(_open_rows(connection, programme, kind.code))
    missing = len(difference.removed)
    if missing > _SHRINKS_MIN and missing * _SHRINKS_SHARE > before and taken_off != missing:
        raise ListShrinks(missing=missing, before=before, list=kind.code)


def _digest(stated: dict[str, Any]) -> str:
    return digest(stated).hex()


def _open_rows(connection: Connection, programme: str, code: str) -> list[Row[Any]]:
    table = list_entry
    return list(
        connection.execute(
            sql.select(table.c.reference, table.c.digest).where(
                table.c.programme == programme, table.c.list == code, table.c.until.is_(None)
            )
        )
    )


def _close(
    connection: Connection, programme: str, code: str, number: int, references: tuple[str, ...]
) -> None:
    table = list_entry
    for start in range(0, len(references), 500):
        connection.execute(
            sql.update(table)
            .where(
                table.c.programme == programme,
                table.c.list == code,
                table.c.until.is_(None),
                table.c.reference.in_(references[start : start + 500]),
            )
            .values(until=number)
        )


def entries_in_force(connection: Connection, programme: str) -> list[Entry]:
    """Every entry of every list's version in force."""
    table = list_entry
    rows = connection.execute(
        sql.select(table.c.list, table.c.digest, table.c.content)
        .where(table.c.programme == programme, table.c.until.is_(None))
        .order_by(table.c.list, table.c.reference)
    )
    return [Entry(row.list, row.digest, from_json(row.content)) for row in rows]


def is_listed(connection: Connection, programme: str, code: str, reference: str) -> bool:
    """Whether the version in force has an entry."""
    table = list_entry
    found = sql.select(table.c.id).where(
        table.c.programme == programme,
        table.c.list == code,
        table.c.reference == reference,
        table.c.until.is_(None),
    )
    return connection.execute(found.limit(1)).first() is not None


_STOPPED = {Topic.SANCTION.value, Topic.PROSCRIBED.value}
_ADDRESSES: weakref.WeakKeyDictionary[Engine, dict[str, tuple[Any, frozenset[int]]]] = (
    weakref.WeakKeyDictionary()
)


def addresses_listed(connection: Connection, programme: str, day: date) -> frozenset[int]:
    """Pseudonyms of the addresses that sanctions lists named on a day, for monitoring.

    A version holds from the day that the list itself is dated, until the next one's.
    """
    table = list_version
    rows = connection.execute(
        sql.select(table.c.list, sql.func.max(table.c.number).label("number"))
        .where(table.c.programme == programme, table.c.dated_on <= day.isoformat())
        .group_by(table.c.list)
    )
    mark = {row.list: row.number for row in rows}
    kept = _ADDRESSES.setdefault(connection.engine, {})
    if programme not in kept or kept[programme][0] != mark:
        found = (
            one
            for code, number in mark.items()
            for one in _named(connection, programme, code, number)
        )
        kept[programme] = (mark, frozenset(found))
    return kept[programme][1]


def _named(connection: Connection, programme: str, code: str, number: int) -> Iterator[int]:
    """Addresses that a version of a list stops."""
    table = list_entry
    rows = connection.execute(
        sql.select(table.c.content).where(
            table.c.programme == programme,
            table.c.list == code,
            table.c.since <= number,
            sql.or_(table.c.until.is_(None), table.c.until > number),
        )
    ).scalars()
    for stated in map(_stated, rows):
        if _STOPPED & set(stated["topics"]):
            yield from map(int, stated["pseudonyms"])


def original(connection: Connection, programme: str, code: str, number: int) -> bytes:
    """The file of a version as it came."""
    packed = connection.execute(
        sql.select(list_version.c.content).where(
            list_version.c.programme == programme,
            list_version.c.list == code,
            list_version.c.number == number,
        )
    ).scalar_one()
    return zlib.decompress(packed)


# -- entries as JSON ------------------------------------------------------------------------------


def to_json(subject: ListedSubject) -> dict[str, Any]:
    """An entry as it is stored."""
    return {
        "reference": subject.reference,
        "kind": subject.kind.value,
        "names": list(subject.names),
        "weak_names": list(subject.weak_names),
        "fathers": list(subject.fathers),
        "documents": [[one.kind.value, one.number, one.country] for one in subject.documents],
        "born_on": list(subject.born_on),
        "countries": list(subject.countries),
        "addresses": list(subject.addresses),
        "topics": [one.value for one in subject.topics],
        "programmes": list(subject.programmes),
        "listed_on": subject.listed_on,
        "places": list(subject.places),
        # As part of the entry, so that everybody is held to it anew where this changes.
        **(
            {"shared": sorted([kind.value, number] for kind, number in subject.shared)}
            if subject.shared
            else {}
        ),
    }


def _stated(content: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(content) if isinstance(content, str) else content
    return found


def from_json(stated: Any) -> ListedSubject:
    """An entry as it was stored."""
    stated = _stated(stated)
    return ListedSubject(
        reference=stated["reference"],
        kind=Subject(stated["kind"]),
        names=tuple(stated["names"]),
        weak_names=tuple(stated["weak_names"]),
        fathers=tuple(stated["fathers"]),
        documents=tuple(
            Document(DocumentKind(kind), number, country)
            for kind, number, country in stated["documents"]
        ),
        born_on=tuple(stated["born_on"]),
        countries=tuple(stated["countries"]),
        addresses=tuple(stated["addresses"]),
        topics=tuple(map(Topic, stated["topics"])),
        programmes=tuple(stated["programmes"]),
        listed_on=stated["listed_on"],
        places=tuple(stated["places"]),
        shared=frozenset((DocumentKind(kind), number) for kind, number in stated.get("shared", ())),
    )
