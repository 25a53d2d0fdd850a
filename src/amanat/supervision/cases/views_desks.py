"""Referrals, requests and disseminations, each to its two sides alone."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.supervision.cases.commands import (
    DisseminationsAsked,
    ReferralsAsked,
    RequestsAsked,
)
from amanat.supervision.cases.records import cases_of, clock_json, clock_reading, desk_of
from amanat.supervision.cases.tables import case, dissemination, information_request, referral


def _numbers(context: ViewContext, ids: set[str]) -> dict[str, str]:
    """Numbers of cases by their ids."""
    query = sql.select(case.c.id, case.c.number).where(case.c.id.in_(ids))
    return {row.id: row.number for row in context.connection.execute(query)}


@view("referrals")
def referrals(query: ReferralsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Referrals that the own desk sent or received, newest first.

    Each side sees the number of its own case.  Refuses `NotFound`: no desk.
    """
    own = desk_of(context).institution
    wanted = (
        sql.select(referral)
        .where(
            referral.c.programme == context.programme,
            (referral.c.from_desk == own) | (referral.c.to_desk == own),
        )
        .order_by(referral.c.id.desc())
    )
    if query.open is not None:
        at = referral.c.received_on
        wanted = wanted.where(at.is_(None) if query.open else at.is_not(None))
    rows = context.connection.execute(wanted).all()
    numbers = _numbers(
        context, {str(row.from_case if row.from_desk == own else row.to_case) for row in rows}
    )
    return [_referral(context, row, own, numbers) for row in rows]


def _referral(
    context: ViewContext, row: Row[Any], own: str, numbers: dict[str, str]
) -> dict[str, Any]:
    clock = cases_of(context.connection, context.programme).clock("acknowledge")
    reading = clock_reading(
        context.connection,
        context.programme,
        clock,
        row.recorded_on,
        row.received_on,
        context.business_date,
    )
    assert reading is not None
    return {
        "referral": row.number,
        "from": row.from_desk,
        "to": row.to_desk,
        "case": numbers.get(row.from_case if row.from_desk == own else row.to_case),
        "subject": row.subject,
        "risk": row.risk,
        "grounds": row.grounds,
        "sent_on": row.recorded_on,
        "received_on": row.received_on,
        "clock": clock_json(clock, reading),
    }


@view("information_requests")
def information_requests(query: RequestsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Requests that the own desk sent, with its case; or those that it is asked, without.

    Refuses `NotFound`: no desk.
    """
    own = desk_of(context).institution
    table = information_request
    wanted = (
        sql.select(table)
        .where(
            table.c.programme == context.programme,
            (table.c.desk == own) | (table.c.asked == own),
        )
        .order_by(table.c.id.desc())
    )
    if query.open is not None:
        at = table.c.answered_on
        wanted = wanted.where(at.is_(None) if query.open else at.is_not(None))
    rows = context.connection.execute(wanted).all()
    numbers = _numbers(context, {row.case for row in rows if row.desk == own})
    return [_request(context, row, own, numbers) for row in rows]


def _request(
    context: ViewContext, row: Row[Any], own: str, numbers: dict[str, str]
) -> dict[str, Any]:
    clock = cases_of(context.connection, context.programme).clock("answer")
    reading = clock_reading(
        context.connection,
        context.programme,
        clock,
        row.recorded_on,
        row.answered_on,
        context.business_date,
        row.days,
    )
    assert reading is not None
    return {
        "request": row.number,
        "from": row.desk,
        "asked": row.asked,
        "question": row.question,
        "asked_on": row.recorded_on,
        "due_on": reading.due.isoformat() if reading.due else None,
        "overdue": reading.overdue and reading.ended is None,
        "answer": row.answer,
        "documents": row.documents or [],
        "answered_on": row.answered_on,
        "case": numbers.get(row.case) if row.desk == own else None,
        "clock": clock_json(clock, reading),
    }


@view("disseminations")
def disseminations(query: DisseminationsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What the FIU gave to others, to the FIU and to whom it was given, newest first.

    Refuses `NotFound` to whoever neither has a desk nor was ever given anything: the two are not
    told apart.
    """
    del query
    actor = context.actor
    assert actor is not None
    own = actor.institution
    rows = context.connection.execute(
        sql.select(dissemination)
        .where(
            dissemination.c.programme == context.programme,
            (dissemination.c.desk == own) | (dissemination.c.recipient == own),
        )
        .order_by(dissemination.c.id.desc())
    ).all()
    if not rows:
        desk_of(context)
    numbers = _numbers(context, {row.case for row in rows if row.desk == own})
    return [
        {
            "dissemination": row.number,
            "from": row.desk,
            "recipient": row.recipient,
            "text": row.text,
            "digest": row.digest,
            "on": row.recorded_on,
            "case": numbers.get(row.case) if row.desk == own else None,
        }
        for row in rows
    ]
