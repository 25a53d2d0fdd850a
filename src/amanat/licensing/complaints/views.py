"""Complaints to who deals with them, their counts to everyone, and declarations of assets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.jurisdictions.licensing import Clock, LicensingPack
from amanat.licensing.clocks import Reading, read_clock
from amanat.licensing.complaints.commands import (
    ComplaintAsked,
    ComplaintOutcome,
    ComplaintsAsked,
    CountsAsked,
    DeclarationsAsked,
)
from amanat.licensing.complaints.intake import KIND
from amanat.licensing.openness.grounds import recusals_of, require_not_recused
from amanat.licensing.openness.tables import client_assets, complaint, complaint_step
from amanat.licensing.records import authority_of, calendar_of, pack_of
from amanat.licensing.views import sees_all


def _own(context: ViewContext, pack: LicensingPack) -> sql.ColumnElement[bool]:
    assert context.actor is not None
    if sees_all(context, pack):
        return sql.true()
    return (complaint.c.provider == context.actor.institution) & (
        complaint.c.forwarded_on.is_not(None)
    )


@view("complaints")
def complaints(query: ComplaintsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Complaints, newest first: to the authority and the auditor all, to a provider those on it."""
    pack = pack_of(context.connection, context.programme)
    wanted = (
        sql.select(complaint)
        .where(complaint.c.programme == context.programme, _own(context, pack))
        .order_by(complaint.c.id.desc())
        .limit(query.limit)
    )
    assert context.actor is not None
    away = recusals_of(context.connection, context.programme, context.actor.person)
    if away:
        theirs = complaint.c.provider
        wanted = wanted.where(sql.or_(theirs.is_(None), theirs.not_in(list(away))))
    if query.provider is not None:
        wanted = wanted.where(complaint.c.provider == query.provider)
    if query.stage is not None:
        wanted = wanted.where(complaint.c.stage == query.stage)
    if query.open is not None:
        closed = complaint.c.closed_on
        wanted = wanted.where(closed.is_(None) if query.open else closed.is_not(None))
    rows = context.connection.execute(wanted).all()
    clocks = clocks_of(context.connection, pack, rows, context.business_date)
    return [_head(row) | _first_due(clocks[row.id]) for row in rows]


def _head(row: Row[Any]) -> dict[str, Any]:
    return {
        "complaint": row.number,
        "provider": row.provider,
        "about": row.about,
        "topic": row.topic,
        "stage": row.stage,
        "outcome": row.outcome,
        "channel": row.channel,
        "received_on": row.recorded_on,
        "closed_on": row.closed_on,
    }


def _first_due(readings: Sequence[tuple[Clock, Reading]]) -> dict[str, Any]:
    """Of the clocks that run the one that is due first."""
    running = [
        (reading.due, clock, reading)
        for clock, reading in readings
        if reading.ended is None and reading.due is not None
    ]
    if not running:
        return {"due_on": None, "due_by": None, "overdue": False}
    due, clock, reading = min(running, key=lambda one: one[0])
    return {"due_on": due.isoformat(), "due_by": clock.owed_by, "overdue": reading.overdue}


@view("complaint")
def one_complaint(query: ComplaintAsked, context: ViewContext) -> dict[str, Any]:
    """One complaint with what was done and its clocks.

    The provider sees neither notes of the authority nor who complained.  Who complained is read by
    the act ReadComplainant alone.  Refuses `NotFound`, `Conflicted`.
    """
    pack = pack_of(context.connection, context.programme)
    row = context.connection.execute(
        sql.select(complaint).where(
            complaint.c.programme == context.programme,
            complaint.c.number == query.complaint,
            _own(context, pack),
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="complaint", value=query.complaint)
    require_not_recused(context, row.provider)
    clocks = clocks_of(context.connection, pack, [row], context.business_date)[row.id]
    whole = sees_all(context, pack)
    steps = context.connection.execute(
        sql.select(complaint_step)
        .where(complaint_step.c.complaint == row.id)
        .order_by(complaint_step.c.id)
    )
    return _head(row) | {
        "text": row.text,
        "remedy": row.remedy,
        "happened_on": row.happened_on,
        "answer": row.answer,
        "findings": row.findings,
        "says_who": row.contact,
        "may_name": row.may_name,
        "clocks": [_clock(clock, reading) for clock, reading in clocks],
        "steps": [
            {
                "act": one.act,
                "outcome": one.outcome or None,
                "stage": one.to_stage,
                "law": one.law,
                "on": one.recorded_on,
            }
            | ({"note": one.note, "person": one.person} if whole else {})
            for one in steps
        ],
    }


def _clock(clock: Clock, reading: Reading) -> dict[str, Any]:
    return {
        "clock": clock.code,
        "title": clock.title,
        "owed_by": clock.owed_by,
        "started_on": reading.started.isoformat(),
        "left": reading.left,
        "due_on": reading.due.isoformat() if reading.due else None,
        "ended_on": reading.ended.isoformat() if reading.ended else None,
        "overdue": reading.overdue,
    }


def clocks_of(
    connection: Connection, pack: LicensingPack, rows: Sequence[Row[Any]], today: date
) -> dict[str, list[tuple[Clock, Reading]]]:
    """The clocks of complaints by id, in one query."""
    steps: dict[str, list[Row[Any]]] = {row.id: [] for row in rows}
    for step in connection.execute(
        sql.select(complaint_step)
        .where(complaint_step.c.complaint.in_(list(steps)))
        .order_by(complaint_step.c.id)
    ):
        steps[step.complaint].append(step)
    calendar = calendar_of(pack)
    found: dict[str, list[tuple[Clock, Reading]]] = {row.id: [] for row in rows}
    for identifier, own in steps.items():
        for clock in pack.clocks:
            started = [one for one in own if clock.file == KIND and one.act in clock.starts]
            if not started:
                continue
            later = (one for one in own if one.id > started[-1].id and one.act in clock.ends)
            ended = next(later, None)
            reading = read_clock(
                calendar,
                started=date.fromisoformat(started[-1].recorded_on),
                days=clock.days,
                unit=clock.unit,
                today=today,
                ended=date.fromisoformat(ended.recorded_on) if ended else None,
            )
            found[identifier].append((clock, reading))
    return found


def due_complaints(
    connection: Connection, programme: str, today: date, last: date, own: str | None
) -> list[dict[str, Any]]:
    """What is due on open complaints up to a day, as the calendar lists it; `own` of a provider."""
    pack = pack_of(connection, programme)
    wanted = sql.select(complaint).where(
        complaint.c.programme == programme, complaint.c.closed_on.is_(None)
    )
    if own is not None:
        wanted = wanted.where(complaint.c.provider == own, complaint.c.forwarded_on.is_not(None))
    rows = connection.execute(wanted.order_by(complaint.c.id)).all()
    if not rows:
        return []
    authority = authority_of(connection, programme, pack)
    clocks = clocks_of(connection, pack, rows, today)
    return [
        {
            "due_on": reading.due.isoformat(),
            "what": clock.title,
            "owed_by": row.provider if clock.owed_by == "applicant" else authority,
            "provider": row.provider or row.about,
            "file": row.number,
            "text": None,
        }
        for row in rows
        for clock, reading in clocks[row.id]
        if reading.ended is None and reading.due is not None and reading.due <= last
    ]


# -- public ---------------------------------------------------------------------------------------


def complaint_counts(
    connection: Connection, programme: str, codes: Sequence[str] | None = None
) -> dict[str, dict[str, int]]:
    """How many complaints there are about each provider: received, open, closed by outcome."""
    query = (
        sql.select(complaint.c.provider, complaint.c.outcome, sql.func.count().label("complaints"))
        .where(complaint.c.programme == programme, complaint.c.provider.is_not(None))
        .group_by(complaint.c.provider, complaint.c.outcome)
    )
    if codes is not None:
        query = query.where(complaint.c.provider.in_(codes))
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        own = found.setdefault(row.provider, no_complaints())
        own["received"] += row.complaints
        own[row.outcome or "open"] += row.complaints
    return found


def no_complaints() -> dict[str, int]:
    """The counts of a provider about which nobody complained."""
    return {"received": 0, "open": 0} | {one.value: 0 for one in ComplaintOutcome}


@view("complaint_counts", public=True)
def counts(query: CountsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """How many complaints there are about each provider, open and closed by outcome."""
    codes = None if query.provider is None else [query.provider]
    found = complaint_counts(context.connection, context.programme, codes)
    return [{"provider": code, **found[code]} for code in sorted(found)]


@view("client_asset_declarations", public=True)
def declarations(query: DeclarationsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What providers declared of their clients' assets: when, late or not, covered or not.

    Quantities are shown to the authority, the auditor and the provider itself.
    """
    table = client_assets
    wanted = sql.select(table).where(table.c.programme == context.programme)
    if query.provider is not None:
        wanted = wanted.where(table.c.provider == query.provider)
    pack = pack_of(context.connection, context.programme)
    whole = sees_all(context, pack)
    own = context.actor.institution if context.actor is not None else None
    rows = context.connection.execute(wanted.order_by(table.c.id.desc()).limit(500))
    return [
        {
            "provider": row.provider,
            "duty": row.duty,
            "as_of": row.as_of,
            "due_on": row.due_on,
            "declared_on": row.recorded_on,
            "late": row.late,
            "covered": row.covered,
            "auditor": row.auditor,
            "document": row.document,
            "entry": row.entry,
        }
        | ({"holdings": row.holdings} if whole or row.provider == own else {})
        for row in rows
    ]
