"""What is due to whom: consultations that wait for an answer, and the calendar of everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ViewContext, view
from amanat.core.calendars import Calendar, DateOutsideCalendar
from amanat.licensing.clocks import WORKING, due_on
from amanat.licensing.commands import CalendarAsked, ConsultationsAsked
from amanat.licensing.complaints.views import due_complaints
from amanat.licensing.duties.periods import open_duties
from amanat.licensing.enforcement.views import due_enforcement
from amanat.licensing.model import CONFIRMS
from amanat.licensing.openness.grounds import recusals_of
from amanat.licensing.records import (
    authority_of,
    calendar_of,
    is_provider,
    pack_of,
)
from amanat.licensing.tables import (
    condition,
    consultation,
    direction,
    licensing_file,
    provider,
)
from amanat.licensing.views import consultation_json, sees_all
from amanat.participants.records import institutions_with

# What of a consultation, a file and a provider is shown: the rest is not brought.
_CONSULTED = tuple(
    consultation.c[name]
    for name in (
        "id",
        "stakeholder",
        "consulted",
        "question",
        "recorded_on",
        "days",
        "position",
        "answer",
        "answered_on",
    )
)


@view("consultations")
def consultations(query: ConsultationsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """A page of the consultations of one's own institution, or to those who license of all.

    The newest first; `after` is the id of the one after which a page goes on.
    """
    newest = consultation.c.id.desc()
    return _consultations(context, query.open, newest, query.limit, query.after)


def _consultations(
    context: ViewContext,
    unanswered: bool,
    order: sql.ColumnElement[Any],
    limit: int,
    after: str | None = None,
) -> list[dict[str, Any]]:
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    calendar = calendar_of(pack)
    wanted = (
        sql.select(*_CONSULTED)
        .add_columns(licensing_file.c.number, licensing_file.c.provider)
        .join(licensing_file, licensing_file.c.id == consultation.c.file)
        .where(consultation.c.programme == context.programme)
        .order_by(order)
        .limit(limit)
    )
    if not sees_all(context, pack):
        own = context.actor.institution
        if is_provider(context.connection, context.programme, own):
            return []  # who applies itself is shown no other's file
        wanted = wanted.where(consultation.c.consulted == own)
    away = recusals_of(context.connection, context.programme, context.actor.person)
    if away:
        wanted = wanted.where(licensing_file.c.provider.not_in(list(away)))
    if unanswered:
        wanted = wanted.where(consultation.c.answered_at.is_(None))
    if after is not None:
        wanted = wanted.where(consultation.c.id < after)
    # Many were opened on one day: its working days are counted once.
    days: dict[tuple[str, int], str | None] = {}
    found = []
    for row in context.connection.execute(wanted):
        asked = (row.recorded_on, row.days)
        if asked not in days:
            days[asked] = _answer_due(calendar, *asked)
        found.append(
            {
                "file": row.number,
                "provider": row.provider,
                **consultation_json(row),
                "due_on": days[asked],
            }
        )
    return found


def _answer_due(calendar: Calendar, asked_on: str, days: int) -> str | None:
    try:
        due = due_on(calendar, date.fromisoformat(asked_on), days, WORKING)
    except DateOutsideCalendar:
        return None
    return due.isoformat() if due else None


Elsewhere = Callable[[Connection, str, date, date, str | None], list[dict[str, Any]]]
E = TypeVar("E", bound=Elsewhere)
_ELSEWHERE: list[Elsewhere] = []


def adds_due(given: E) -> E:
    """Let a room add what is due there: of a programme, today, up to a day, of all or a provider.

    Its rows are as those of `licensing_calendar`, which knows no later room.
    """
    _ELSEWHERE.append(given)
    return given


@view("licensing_calendar")
def licensing_calendar(query: CalendarAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What is due, the earliest first: clocks of files, conditions, duties, directions, expiries.

    The authority and the auditor see what all owe; a provider what it owes and what it is owed;
    who is consulted its consultations, who confirms facts those that are awaited.
    """
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    last = context.business_date + timedelta(days=query.days)
    own = query.provider if sees_all(context, pack) else context.actor.institution
    found = [
        *_files(context, own, last, query.limit),
        *_awaited(context, query.provider, last, query.limit),
        *_owed(context, condition, "condition", "met_on", own, last, query.limit),
        *_duties(context, own, last, query.limit),
        *due_complaints(context.connection, context.programme, context.business_date, last, own),
        *due_enforcement(context.connection, context.programme, last, own),
        *_owed(context, direction, "direction", None, own, last, query.limit),
        *_expiries(context, own, last, query.limit),
    ]
    for elsewhere in _ELSEWHERE:
        today = context.business_date
        found += elsewhere(context.connection, context.programme, today, last, own)
    # The oldest first: of these most are due, or overdue.
    for one in _consultations(context, True, consultation.c.id, query.limit):
        if query.provider not in (None, one["provider"]):
            continue
        if one["due_on"] is not None and one["due_on"] <= last.isoformat():
            found.append(
                {
                    "due_on": one["due_on"],
                    "what": "consultation",
                    "owed_by": one["consulted"],
                    "provider": one["provider"],
                    "file": one["file"],
                    "text": one["question"],
                }
            )
    away = recusals_of(context.connection, context.programme, context.actor.person)
    found = [one for one in found if one["provider"] not in away]
    for one in found:
        one["overdue"] = one["due_on"] < context.business_date.isoformat()
        late = (context.business_date - date.fromisoformat(one["due_on"])).days
        one["days_late"] = max(0, late)
    return sorted(found, key=lambda one: (one["due_on"], one["what"], one["provider"]))[
        : query.limit
    ]


def _files(context: ViewContext, own: str | None, last: date, limit: int) -> list[dict[str, Any]]:
    table = licensing_file
    of = table.c
    wanted = sql.select(of.due_on, of.due_clock, of.due_by, of.provider, of.number).where(
        table.c.programme == context.programme,
        table.c.due_on <= last.isoformat(),
        table.c.closed_on.is_(None),
    )
    if own is not None:
        wanted = wanted.where(table.c.provider == own)
    rows = context.connection.execute(wanted.order_by(table.c.due_on).limit(limit)).all()
    authority = ""
    if rows:
        pack = pack_of(context.connection, context.programme)
        authority = authority_of(context.connection, context.programme, pack)
    return [
        {
            "due_on": row.due_on,
            "what": row.due_clock,
            "owed_by": row.provider if row.due_by == "applicant" else authority,
            "provider": row.provider,
            "file": row.number,
            "text": None,
        }
        for row in rows
    ]


def _awaited(
    context: ViewContext, asked: str | None, last: date, limit: int
) -> list[dict[str, Any]]:
    """Facts that files wait for, to who confirms them, to the provider and to who licenses."""
    assert context.actor is not None
    connection, programme = context.connection, context.programme
    pack, actor = pack_of(connection, programme), context.actor
    clocks = {one.code: one for one in pack.clocks if one.fact}
    of = licensing_file.c
    wanted = sql.select(of.fact_due_on, of.fact_clock, of.provider, of.number).where(
        of.programme == programme, of.fact_due_on <= last.isoformat()
    )
    if not sees_all(context, pack):
        own = [one.code for one in clocks.values() if f"{CONFIRMS}.{one.fact}" in actor.capacities]
        wanted = wanted.where(of.fact_clock.in_(own) | (of.provider == actor.institution))
    if asked is not None:
        wanted = wanted.where(of.provider == asked)
    rows = connection.execute(wanted.order_by(of.fact_due_on).limit(limit)).all()
    confirms = {
        code: institutions_with(connection, programme, f"{CONFIRMS}.{clocks[code].fact}")
        for code in {row.fact_clock for row in rows}
    }
    return [
        {
            "due_on": row.fact_due_on,
            "what": row.fact_clock,
            "owed_by": confirms[row.fact_clock][0].code if confirms[row.fact_clock] else None,
            "provider": row.provider,
            "file": row.number,
            "text": clocks[row.fact_clock].title,
        }
        for row in rows
    ]


def _owed(
    context: ViewContext,
    table: sql.Table,
    what: str,
    done: str | None,
    own: str | None,
    last: date,
    limit: int,
) -> list[dict[str, Any]]:
    """Conditions and directions of providers that are due and not done."""
    wanted = sql.select(table.c.due_on, table.c.provider, table.c.text).where(
        table.c.programme == context.programme,
        table.c.due_on <= last.isoformat(),
        *([table.c[done].is_(None)] if done else []),
        *([table.c.lifted_on.is_(None)] if "lifted_on" in table.c else []),
    )
    if own is not None:
        wanted = wanted.where(table.c.provider == own)
    rows = context.connection.execute(wanted.order_by(table.c.due_on).limit(limit))
    return [
        {
            "due_on": row.due_on,
            "what": what,
            "owed_by": row.provider,
            "provider": row.provider,
            "file": None,
            "text": row.text,
        }
        for row in rows
    ]


def _duties(context: ViewContext, own: str | None, last: date, limit: int) -> list[dict[str, Any]]:
    """Periods of duties that nothing has met."""
    found = open_duties(context.connection, context.programme, last, own, limit)
    return [
        {
            "due_on": one.due_on.isoformat(),
            "what": "obligation",
            "owed_by": one.provider,
            "provider": one.provider,
            "file": None,
            "text": one.title,
        }
        for one in found
        if one.due_on <= last
    ][:limit]


def _expiries(
    context: ViewContext, own: str | None, last: date, limit: int
) -> list[dict[str, Any]]:
    """Permissions that end by themselves, the first of each provider."""
    wanted = sql.select(provider.c.status_until, provider.c.code, provider.c.status).where(
        provider.c.programme == context.programme,
        provider.c.status_until >= context.business_date.isoformat(),
        provider.c.status_until <= last.isoformat(),
    )
    if own is not None:
        wanted = wanted.where(provider.c.code == own)
    rows = context.connection.execute(wanted.order_by(provider.c.status_until).limit(limit))
    return [
        {
            "due_on": row.status_until,
            "what": "expiry",
            "owed_by": row.code,
            "provider": row.code,
            "file": None,
            "text": row.status,
        }
        for row in rows
    ]
