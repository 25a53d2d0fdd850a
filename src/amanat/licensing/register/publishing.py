"""What is published of the register, as bytes with the time for which they are good.

Every document is checked against its own schema on the way; the same state gives the same bytes,
which are kept until the register or the day changes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from threading import Lock

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import NotFound
from amanat.licensing.register.book import (
    change_of,
    changes_between,
    publisher_of,
    size_of,
)
from amanat.licensing.register.feed import (
    CHANGES_IN_ARCHIVE,
    FeedAddresses,
    archives_of,
    feed_document,
)
from amanat.licensing.register.files import register_csv, register_json, warnings_csv
from amanat.licensing.register.model import FIRST_PREVIOUS, Register
from amanat.licensing.register.tables import register_change

KEPT_MAX = 64
_BEFORE_ANY = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Document:
    """What is published: its bytes, and a tag that differs whenever they do."""

    content: bytes
    tag: str


class Publications:
    """The documents of all programmes, made once for each state of the register."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], Document] = OrderedDict()
        self._lock = Lock()

    def register(self, connection: Connection, programme: str, day: date, form: str) -> Document:
        """The register of a day: `json`, `csv`, or `warnings` (CSV)."""
        size = size_of(connection, programme)

        def make() -> bytes:
            found = register_on(connection, programme, day)
            publisher = publisher_of(connection, programme)
            if form == "json":
                return register_json(found, publisher)
            written = register_csv if form == "csv" else warnings_csv
            return written(found, publisher).encode()

        return self._kept_or(("register", programme, size, day, form), make)

    def feed(
        self,
        connection: Connection,
        programme: str,
        addresses: FeedAddresses,
        archive: int | None = None,
    ) -> Document:
        """The current document of the feed, or an archived one (from 1).  Refuses `NotFound`."""
        size = size_of(connection, programme)
        full = archives_of(size)
        if archive is not None and not 1 <= archive <= full:
            raise NotFound(thing="archived feed", value=str(archive)[:20])
        part = full + 1 if archive is None else archive

        def make() -> bytes:
            first = (part - 1) * CHANGES_IN_ARCHIVE + 1
            changes = changes_between(connection, programme, first, part * CHANGES_IN_ARCHIVE)
            publisher = publisher_of(connection, programme)
            return feed_document(changes, publisher, addresses, _BEFORE_ANY, archive)

        state = size if archive is None else 0
        return self._kept_or(("feed", programme, state, archive, addresses), make)

    def _kept_or(self, key: tuple[object, ...], make: Callable[[], bytes]) -> Document:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        content = make()
        document = Document(content, hashlib.sha256(content).hexdigest()[:32])
        with self._lock:
            self._kept[key] = document
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return document


def register_on(connection: Connection, programme: str, day: date) -> Register:
    """The register at the end of a business date, from the last change of each subject by then.

    `register_model.as_of` says the same from all changes, and checks their chain on the way.
    """
    table = register_change
    by_then = (table.c.programme == programme, table.c.day <= day.isoformat())
    last = (
        sql.select(sql.func.max(table.c.number)).where(*by_then).group_by(table.c.subject)
    ).scalar_subquery()
    rows = connection.execute(
        sql.select(table.c.content)
        .where(table.c.programme == programme, table.c.number.in_(last))
        .order_by(table.c.number)
    ).scalars()
    changes = [change_of(content) for content in rows]
    entries = {one.subject: one.entry for one in changes if one.entry is not None}
    warnings = {one.subject: one.warning for one in changes if one.warning is not None}
    newest = changes[-1] if changes else None
    return Register(
        day=day,
        number=newest.number if newest else 0,
        digest=newest.digest() if newest else FIRST_PREVIOUS,
        entries=tuple(entries[code].on(day) for code in sorted(entries)),
        warnings=tuple(warnings[number] for number in sorted(warnings)),
    )
