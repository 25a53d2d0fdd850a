"""The changes of the register as an Atom feed (RFC 4287), archived from its start (RFC 5005).

Each entry carries its change whole: `atom:content` of type `application/json` holds the canonical
bytes in base64, which is what RFC 4287, 4.1.3.3, prescribes for media types that are no text.
`replay_feed` rebuilds the register of any past day from the documents of the feed alone.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar
from xml.etree import ElementTree

from amanat.core.errors import Invalid
from amanat.licensing.register.files import Publisher
from amanat.licensing.register.model import (
    Change,
    ChangeInvalid,
    Register,
    as_of,
    change_bytes,
    change_from,
    time_text,
)

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"
CHANGES_IN_ARCHIVE = 500
"""How many changes one archived document holds; it never changes once it is full."""
MEDIA_TYPE = "application/json"
_SPACE = uuid.UUID("0b4a1d0e-6a3f-5d0c-9a44-5f0c7b1c9e21")


class FeedInvalid(Invalid):
    """A feed is Atom with one change of the register, whole, in each entry."""

    template: ClassVar[str] = "The feed of the register: {reason}."


@dataclass(frozen=True, slots=True)
class FeedAddresses:
    """Where the feed is: `current` always the newest document, `page` the register for people.

    `archive` is the address of an archived document with `{number}` in it, from 1.
    """

    current: str
    archive: str
    page: str


def archives_of(count: int) -> int:
    """How many documents of a feed with `count` changes are full and archived."""
    return max(0, (count - 1) // CHANGES_IN_ARCHIVE)


def feed_document(
    changes: Sequence[Change],
    publisher: Publisher,
    addresses: FeedAddresses,
    founded_at: datetime,
    archive: int | None = None,
) -> bytes:
    """One document of the feed: archived number `archive` (from 1), or the current one.

    `changes` are those of this document alone, oldest first; entries stand newest first, as
    readers expect.  The current document's links lead back to the first one.
    """
    first = changes[0].number if changes else 1
    before = (first - 1) // CHANGES_IN_ARCHIVE
    feed = _element(None, ATOM, "feed")
    _text(feed, "id", f"urn:uuid:{uuid.uuid5(_SPACE, publisher.programme)}")
    _text(feed, "title", f"Register of virtual-asset service providers: {publisher.authority}")
    _text(feed, "updated", time_text(changes[-1].at if changes else founded_at))
    author = _element(feed, ATOM, "author")
    _text(author, "name", publisher.authority)
    own = addresses.current if archive is None else _archive(addresses, archive)
    _link(feed, "self", own, "application/atom+xml")
    _link(feed, "alternate", addresses.page, "text/html")
    if archive is not None:
        _element(feed, HISTORY, "archive")
        _link(feed, "current", addresses.current, "application/atom+xml")
    if before:
        _link(feed, "prev-archive", _archive(addresses, before), "application/atom+xml")
    for change in reversed(changes):
        _entry(feed, change, addresses)
    ElementTree.register_namespace("", ATOM)
    ElementTree.register_namespace("fh", HISTORY)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def headline(change: Change) -> str:
    """What a reader of feeds sees of a change, in English."""
    if change.warning is not None:
        verb = "Warning withdrawn" if change.warning.withdrawn_on else "Warning"
        return f"{verb}: {change.warning.name}"
    assert change.entry is not None
    return f"{change.entry.name}: {change.entry.status.replace('_', ' ')}"


def _entry(feed: ElementTree.Element, change: Change, addresses: FeedAddresses) -> None:
    entry = _element(feed, ATOM, "entry")
    _text(entry, "id", f"urn:uuid:{change.id}")
    _text(entry, "title", headline(change))
    _text(entry, "updated", time_text(change.at))
    _text(entry, "published", time_text(change.at))
    _link(entry, "alternate", addresses.page, "text/html")
    _element(entry, ATOM, "category").set("term", change.kind.value)
    _text(entry, "summary", change.reason)
    content = _text(entry, "content", base64.b64encode(change_bytes(change)).decode())
    content.set("type", MEDIA_TYPE)


def _element(parent: ElementTree.Element | None, space: str, name: str) -> ElementTree.Element:
    tag = f"{{{space}}}{name}"
    return ElementTree.Element(tag) if parent is None else ElementTree.SubElement(parent, tag)


def _text(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    found = _element(parent, ATOM, name)
    found.text = text
    return found


def _link(parent: ElementTree.Element, rel: str, href: str, media_type: str) -> None:
    found = _element(parent, ATOM, "link")
    for name, value in (("rel", rel), ("href", href), ("type", media_type)):
        found.set(name, value)


def _archive(addresses: FeedAddresses, number: int) -> str:
    return addresses.archive.replace("{number}", str(number))


# -- reading ----------------------------------------------------------------------------------


def read_feed(document: bytes) -> list[Change]:
    """The changes of one document, oldest first.  Refuses `FeedInvalid`."""
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise FeedInvalid(reason="it declares a document type, which no feed needs")
    try:
        feed = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise FeedInvalid(reason=f"not XML ({error})") from None
    if feed.tag != f"{{{ATOM}}}feed":
        raise FeedInvalid(reason="not an Atom feed")
    found = [_change(entry) for entry in feed.iter(f"{{{ATOM}}}entry")]
    return sorted(found, key=lambda change: change.number)


def _change(entry: ElementTree.Element) -> Change:
    content = entry.find(f"{{{ATOM}}}content")
    if content is None or content.get("type") != MEDIA_TYPE:
        raise FeedInvalid(reason=f"an entry has no content of type {MEDIA_TYPE}")
    try:
        written = base64.b64decode((content.text or "").strip(), validate=True)
        change = change_from(json.loads(written))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise FeedInvalid(reason=f"an entry's content cannot be read ({error})") from None
    except ChangeInvalid as error:
        raise FeedInvalid(reason=f"an entry's content is no change ({error})") from None
    if change_bytes(change) != written:
        raise FeedInvalid(reason=f"change {change.number} is not in its canonical form")
    told = entry.findtext(f"{{{ATOM}}}id"), entry.findtext(f"{{{ATOM}}}updated")
    if told != (f"urn:uuid:{change.id}", time_text(change.at)):
        raise FeedInvalid(reason=f"change {change.number} and its entry differ")
    return change


def previous_archive(document: bytes) -> str | None:
    """The address of the document before this one; None in the first.  Refuses `FeedInvalid`."""
    try:
        feed = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise FeedInvalid(reason=f"not XML ({error})") from None
    for link in feed.findall(f"{{{ATOM}}}link"):
        if link.get("rel") == "prev-archive":
            return link.get("href")
    return None


def replay_feed(documents: Iterable[bytes], day: date) -> Register:
    """The register at the end of a business date, from all documents of the feed, in any order.

    Refuses `FeedInvalid`; `ChangesDiffer` where a change is missing, twice there, or altered.
    """
    changes = [change for document in documents for change in read_feed(document)]
    return as_of(sorted(changes, key=lambda change: change.number), day)
