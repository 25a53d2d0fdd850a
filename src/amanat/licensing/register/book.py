"""Keeps the public register: every change of what it says, in one chain, with its journal entry.

Whatever changes a provider's standing ends with `note_provider`, in the same transaction: the
register then says what `standing` says, and nothing when nothing changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.tables import institution
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.register import events
from amanat.licensing.register.columns import RegisterCodes, published_text
from amanat.licensing.register.entries import entry_of
from amanat.licensing.register.files import Publisher, require_change
from amanat.licensing.register.model import (
    FIRST_PREVIOUS,
    Change,
    ChangeKind,
    ProviderWarning,
    RegisterEntry,
    change_bytes,
    change_from,
    change_json,
    entry_from,
    moment_from,
    time_text,
)
from amanat.licensing.register.tables import register_change, register_head
from amanat.store.uow import UnitOfWork

NAME_LENGTH_MAX = 2_000


def codes_of(pack: LicensingPack) -> RegisterCodes:
    """The closed lists of a jurisdiction's register."""
    return RegisterCodes(
        statuses=tuple(one.code for one in pack.statuses),
        categories=tuple(one.code for one in pack.categories),
        permissions=tuple(one.code for one in pack.permissions),
        suspensions=tuple(one.code for one in pack.suspensions),
    )


def publisher_of(connection: Connection, programme: str) -> Publisher:
    """Whose register it is: the institution that licenses, by its name."""
    pack = pack_of(connection, programme)
    code = authority_of(connection, programme, pack)
    name = connection.execute(
        sql.select(institution.c.name).where(
            institution.c.programme == programme, institution.c.code == code
        )
    ).scalar_one()
    return Publisher(programme, str(name), codes_of(pack))


# -- what is written ------------------------------------------------------------------------------


def note_provider(
    uow: UnitOfWork,
    code: str,
    *,
    programme: str,
    day: date,
    law: str | None,
    reason: str,
) -> int | None:
    """Let the register say what a provider's standing is; the number of the change, if any.

    A provider enters the register with its first permission.  Refuses `RegisterValueInvalid`.
    """
    entry = entry_of(uow.connection, programme, code, day)
    former = latest_entry(uow.connection, programme, code)
    if former is None and not entry.permissions:
        return None
    if former is not None and former.on(day) == entry:
        return None
    kind = ChangeKind.ENTERED if former is None else ChangeKind.CHANGED
    cited = None if law is None else published_text(law)
    return _append(uow, programme, kind, day, cited, published_text(reason), entry, None)


def note_warning(
    uow: UnitOfWork,
    warning: ProviderWarning,
    kind: ChangeKind,
    *,
    programme: str,
    day: date,
    law: str | None,
    reason: str,
) -> int:
    """Publish a warning, or its withdrawal; the number of the change."""
    return _append(uow, programme, kind, day, law, published_text(reason), None, warning)


def _append(
    uow: UnitOfWork,
    programme: str,
    kind: ChangeKind,
    day: date,
    law: str | None,
    reason: str,
    entry: RegisterEntry | None,
    warning: ProviderWarning | None,
) -> int:
    """Number, chain, journal and store one change; the head stays locked until the commit."""
    head = _locked_head(uow.connection, programme)
    now = uow.store.clock()
    if head is not None:
        # Clocks may be set back, and a block of yesterday may count today: the register never is.
        now, day = max(now, moment_from(head.at)), max(day, date.fromisoformat(head.day))
    change = Change(
        number=(head.size if head else 0) + 1,
        id="00000000-0000-0000-0000-000000000000",
        previous=head.digest if head else FIRST_PREVIOUS,
        kind=kind,
        at=now,
        day=day,
        law=law,
        reason=reason,
        entry=entry,
        warning=warning,
    )
    pack = pack_of(uow.connection, programme)
    require_change(change, codes_of(pack))
    said = change_json(change)
    del said["id"]
    journal_id = uow.journal.append(
        events.REGISTER_CHANGED, said, subject=f"provider:{change.subject}"
    )
    change = change_from(said | {"id": journal_id})
    _store(uow.connection, programme, change, head)
    return change.number


def _locked_head(connection: Connection, programme: str) -> Row[Any] | None:
    found: Row[Any] | None = connection.execute(
        sql.select(register_head).where(register_head.c.programme == programme).with_for_update()
    ).one_or_none()
    return found


def _store(connection: Connection, programme: str, change: Change, head: Row[Any] | None) -> None:
    values = {
        "size": change.number,
        "digest": change.digest(),
        "at": time_text(change.at),
        "day": change.day.isoformat(),
    }
    if head is None:
        connection.execute(register_head.insert().values(programme=programme, **values))
    else:
        connection.execute(
            sql.update(register_head).where(register_head.c.programme == programme).values(**values)
        )
    table = register_change
    connection.execute(
        sql.update(table)
        .where(
            table.c.programme == programme,
            table.c.subject == change.subject,
            table.c.latest.is_(True),
        )
        .values(latest=False)
    )
    connection.execute(table.insert().values(programme=programme, **row_of(change)))


def row_of(change: Change) -> dict[str, Any]:
    """A change as its row, with what the register is searched and filtered by."""
    entry, warning = change.entry, change.warning
    name = entry.name if entry is not None else warning.name if warning is not None else ""
    return {
        "number": change.number,
        "entry": change.id,
        "subject": change.subject,
        "kind": change.kind.value,
        "day": change.day.isoformat(),
        "warns": warning is not None,
        "latest": True,
        "name": name.casefold()[:NAME_LENGTH_MAX],
        "sought": _sought(change),
        "status": entry.status if entry is not None else None,
        "categories": _categories(entry) if entry is not None else None,
        "status_ends": _ends(entry),
        "content": change_bytes(change),
    }


def _sought(change: Change) -> str:
    parts: list[str | None] = []
    if change.entry is not None:
        entry = change.entry
        parts = [entry.name, *entry.trade_names, entry.provider, entry.lei, entry.registration]
        parts += [entry.website, *(one.number for one in entry.permissions)]
    if change.warning is not None:
        warning = change.warning
        parts = [warning.name, *warning.also_known_as, *warning.websites, warning.number]
    return "\n".join(one for one in parts if one).casefold()


def _categories(entry: RegisterEntry) -> str:
    return "".join(f"|{one}" for one in sorted(entry.services)) + "|" if entry.services else ""


def _ends(entry: RegisterEntry | None) -> str | None:
    """The first day on which this entry says something else without anybody doing anything."""
    if entry is None:
        return None
    days = [one.begins.isoformat() for one in entry.later]
    return min(days, default=None)


# -- what is read ---------------------------------------------------------------------------------


def change_of(content: bytes) -> Change:
    """A stored change."""
    return change_from(json.loads(content))


def entry_in(content: bytes) -> RegisterEntry | None:
    """The entry alone of a stored change, which was checked when it was stored."""
    found = json.loads(content)["entry"]
    return None if found is None else entry_from(found)


def latest_entry(connection: Connection, programme: str, code: str) -> RegisterEntry | None:
    """What the register says last of a provider; None before it entered."""
    content = connection.execute(
        sql.select(register_change.c.content).where(
            register_change.c.programme == programme,
            register_change.c.subject == code,
            register_change.c.latest.is_(True),
            register_change.c.warns.is_(False),
        )
    ).scalar_one_or_none()
    return None if content is None else change_of(content).entry


def changes_between(
    connection: Connection, programme: str, first: int = 1, last: int | None = None
) -> list[Change]:
    """The changes of these numbers, in their order."""
    table = register_change
    query = sql.select(table.c.content).where(
        table.c.programme == programme, table.c.number >= first
    )
    if last is not None:
        query = query.where(table.c.number <= last)
    return [change_of(one) for one in connection.execute(query.order_by(table.c.number)).scalars()]


def changes_of_subject(connection: Connection, programme: str, subject: str) -> list[Change]:
    """Every change of one provider or warning, oldest first."""
    table = register_change
    query = (
        sql.select(table.c.content)
        .where(table.c.programme == programme, table.c.subject == subject)
        .order_by(table.c.number)
    )
    return [change_of(one) for one in connection.execute(query).scalars()]


def changes_from_journal(entries: Iterable[dict[str, Any]]) -> list[Change]:
    """The register's changes as the journal has them; `entries` as `read_entries` gives them."""
    return [
        change_from(one["content"] | {"id": one["id"]})
        for one in entries
        if one["kind"] == events.REGISTER_CHANGED.name
    ]


def size_of(connection: Connection, programme: str) -> int:
    """How many changes there are."""
    found = connection.execute(
        sql.select(register_head.c.size).where(register_head.c.programme == programme)
    ).scalar_one_or_none()
    return int(found or 0)


def founded_at(connection: Connection, programme: str) -> datetime | None:
    """When the register's first change was published; None before it."""
    content = connection.execute(
        sql.select(register_change.c.content).where(
            register_change.c.programme == programme, register_change.c.number == 1
        )
    ).scalar_one_or_none()
    return None if content is None else change_of(content).at
