"""What everybody may see of the register: providers, their history, warnings, changes.

The views answer with what is published, row by row as the files have it, of today or of any past
business date.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.licensing.caps import limits_json
from amanat.licensing.complaints.views import complaint_counts, no_complaints
from amanat.licensing.records import pack_of
from amanat.licensing.register.book import (
    change_of,
    changes_between,
    changes_of_subject,
    entry_in,
    size_of,
)
from amanat.licensing.register.commands import (
    ChangesAsked,
    RegisterAsked,
    RegisteredAsked,
    WarningsAsked,
)
from amanat.licensing.register.model import (
    Change,
    RegisterEntry,
    change_json,
    entry_json,
    warning_json,
)
from amanat.licensing.register.tables import register_change

_LIKE_MEANS = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@view("register_of_providers", public=True)
def register_of_providers(query: RegisterAsked, context: ViewContext) -> dict[str, Any]:
    """The register of providers on a day, found by name, status or service."""
    day = _day(query.as_of, context)
    wanted = _of_day(context, day, warns=False)
    if query.q.strip():
        wanted = wanted.where(_contains(query.q))
    if query.status is not None or query.category is not None:
        wanted = wanted.where(_fitting(context, wanted, query, day))
    table = register_change
    count = context.connection.execute(
        sql.select(sql.func.count()).select_from(wanted.subquery())
    ).scalar_one()
    rows = context.connection.execute(
        wanted.order_by(table.c.name, table.c.subject).offset(query.start).limit(query.limit)
    )
    return {
        "as_of": day.isoformat(),
        "change": size_of(context.connection, context.programme),
        "rows": [entry_json(_entry(row.content, day)) for row in rows],
        "count": int(count),
        "start": query.start,
    }


def _fitting(
    context: ViewContext, wanted: sql.Select[Any], query: RegisterAsked, day: date
) -> sql.ColumnElement[bool]:
    """Which rows have the status, and offer the service, that are asked for.

    The columns say it, but for the few of which something expires by itself before the day.
    """
    table = register_change
    moved = table.c.status_ends.is_not(None) & (table.c.status_ends <= day.isoformat())
    fits = sql.not_(moved)
    if query.status is not None:
        fits &= table.c.status == query.status
    if query.category is not None:
        fits &= table.c.categories.contains(f"|{query.category}|", autoescape=True)
    numbers = [
        row.number
        for row in context.connection.execute(wanted.where(moved))
        if _fits(_entry(row.content, day), query)
    ]
    return fits | table.c.number.in_(numbers)


def _fits(entry: RegisterEntry, query: RegisterAsked) -> bool:
    return query.status in (None, entry.status) and query.category in (None, *entry.services)


@view("registered_provider", public=True)
def registered_provider(query: RegisteredAsked, context: ViewContext) -> dict[str, Any]:
    """One provider of the register, on a day, with every change of its entry.

    Refuses `NotFound`.
    """
    day = _day(query.as_of, context)
    changes = changes_of_subject(context.connection, context.programme, query.provider)
    known = [one for one in changes if one.day <= day and one.entry is not None]
    if not known:
        raise NotFound(thing="provider", value=query.provider)
    entry = known[-1].entry
    assert entry is not None
    return entry_json(entry.on(day)) | {
        "as_of": day.isoformat(),
        **limits_json(pack_of(context.connection, context.programme), entry.on(day).status, day),
        "complaints": complaint_counts(context.connection, context.programme, [query.provider]).get(
            query.provider, no_complaints()
        ),
        "changes": [_line(one) for one in reversed(known)],
    }


@view("provider_warnings", public=True)
def provider_warnings(query: WarningsAsked, context: ViewContext) -> dict[str, Any]:
    """Whom the public is warned of; withdrawn warnings stay and say so."""
    day = _day(query.as_of, context)
    wanted = _of_day(context, day, warns=True)
    if query.q.strip():
        wanted = wanted.where(_contains(query.q))
    rows = context.connection.execute(wanted.order_by(register_change.c.subject.desc()))
    found = [change_of(row.content).warning for row in rows]
    return {
        "as_of": day.isoformat(),
        "rows": [warning_json(one) for one in found if one is not None],
    }


@view("register_changes", public=True)
def register_changes(query: ChangesAsked, context: ViewContext) -> dict[str, Any]:
    """The changes of the register after a number, whole, as journal and feed carry them."""
    last = query.after + query.limit
    changes = changes_between(context.connection, context.programme, query.after + 1, last)
    return {
        "size": size_of(context.connection, context.programme),
        "rows": [change_json(one) for one in changes],
    }


def _day(asked: date | None, context: ViewContext) -> date:
    return context.business_date if asked is None else asked


def _of_day(context: ViewContext, day: date, *, warns: bool) -> sql.Select[Any]:
    """The last change of every subject by the end of a day."""
    table = register_change
    wanted = sql.select(table.c.number, table.c.content).where(
        table.c.programme == context.programme, table.c.warns.is_(warns)
    )
    if day >= context.business_date:
        return wanted.where(table.c.latest.is_(True))
    other = table.alias()
    last = (
        sql.select(sql.func.max(other.c.number))
        .where(
            other.c.programme == context.programme,
            other.c.warns.is_(warns),
            other.c.day <= day.isoformat(),
        )
        .group_by(other.c.subject)
    )
    return wanted.where(table.c.number.in_(last))


def _contains(sought: str) -> sql.ColumnElement[bool]:
    text = sought.strip().casefold().translate(_LIKE_MEANS)
    return register_change.c.sought.like(f"%{text}%", escape="\\")


def _entry(content: bytes, day: date) -> RegisterEntry:
    entry = entry_in(content)
    assert entry is not None
    return entry.on(day)


def _line(change: Change) -> dict[str, Any]:
    entry = change.entry
    assert entry is not None
    return {
        "number": change.number,
        "day": change.day.isoformat(),
        "at": change_json(change)["at"],
        "status": entry.status,
        "law": change.law,
        "reason": change.reason,
        "entry": change.id,
    }
