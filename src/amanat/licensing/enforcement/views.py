"""Orders, stays and winding-downs to everyone; inspections and charges to who is concerned."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.licensing.enforcement.acts_winding_down import moved_digest
from amanat.licensing.enforcement.commands import EnforcementAsked, InspectionAsked
from amanat.licensing.enforcement.tables import (
    appeal,
    charge,
    control_change,
    finding,
    stay,
    winding_client,
    winding_down,
)
from amanat.licensing.openness.grounds import require_not_recused
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.tables import licensing_file
from amanat.licensing.views import sees_all

_HIDDEN = {"programme", "file", "id", "institution", "person", "recorded_at", "entry", "code"}


def _with_file(context: ViewContext, table: sql.Table, asked: EnforcementAsked) -> sql.Select[Any]:
    """Rows of a table with their file, newest first; of one provider or of all."""
    wanted = (
        sql.select(
            table, licensing_file.c.number, licensing_file.c.stage, licensing_file.c.provider
        )
        .join(licensing_file, licensing_file.c.id == table.c.file)
        .where(table.c.programme == context.programme)
        .order_by(licensing_file.c.id.desc())
        .limit(500)
    )
    if asked.provider is not None:
        wanted = wanted.where(licensing_file.c.provider == asked.provider)
    return wanted


@view("orders", public=True)
def orders(query: EnforcementAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Orders made against providers, with their reasons; of penalties whether they were paid."""
    wanted = _with_file(context, charge, query).where(charge.c.order.is_not(None))
    return [
        {
            "file": row.number,
            "provider": row.provider,
            "order": row.order,
            "stage": row.stage,
            "reasons": row.reasons,
            "ordered_on": row.ordered_on,
            "amount": row.amount,
            "currency": row.currency,
            "due_on": row.due_on,
            "paid_on": row.paid_on,
        }
        for row in context.connection.execute(wanted)
    ]


@view("stays", public=True)
def stays(query: EnforcementAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Stays by courts: of what, since when, until when."""
    return [
        {
            "file": row.number,
            "provider": row.provider,
            "court": row.court,
            "reference": row.reference,
            "reason": row.reason,
            "since": row.recorded_on,
            "ended_on": row.ended_on,
            "end_reason": row.end_reason,
        }
        for row in context.connection.execute(_with_file(context, stay, query))
    ]


@view("winding_downs", public=True)
def winding_downs(query: EnforcementAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Providers that are wound down: by whom, by which plan, who takes the clients, how many."""
    rows = context.connection.execute(_with_file(context, winding_down, query)).all()
    table = winding_client
    counts: dict[str, dict[str, int]] = {row.file: {} for row in rows}
    for one in context.connection.execute(
        sql.select(table.c.file, table.c.fate, sql.func.count().label("clients"))
        .where(table.c.file.in_(list(counts)))
        .group_by(table.c.file, table.c.fate)
    ):
        counts[one.file][one.fate or "open"] = one.clients
    return [
        {
            "file": row.number,
            "provider": row.provider,
            "stage": row.stage,
            "cause": row.cause,
            "administrator": row.administrator,
            "plan": row.plan,
            "deadline": row.deadline,
            "transfer_to": row.transfer_to,
            "objections_until": row.objections_until,
            "transferred_on": row.transferred_on,
            "statement": row.statement,
            "clients": sum(counts[row.file].values()),
            "clients_open": counts[row.file].get("open", 0),
            "unclaimed": counts[row.file].get("unclaimed", 0),
        }
        for row in rows
    ]


@view("enforcement")
def enforcement(query: InspectionAsked, context: ViewContext) -> dict[str, Any]:
    """What an inspection, charge, appeal, change of control or winding-down is about.

    To the authority, the auditor and the provider.  Refuses `NotFound`, `Conflicted`.
    """
    assert context.actor is not None
    row = context.connection.execute(
        sql.select(licensing_file).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.number == query.file,
        )
    ).one_or_none()
    whole = sees_all(context, pack_of(context.connection, context.programme))
    if row is None or not (whole or row.provider == context.actor.institution):
        raise NotFound(thing="file", value=query.file)
    require_not_recused(context, row.provider)
    return {
        "file": row.number,
        "provider": row.provider,
        "kind": row.kind,
        "stage": row.stage,
        "findings": _rows(context, finding, row),
        "charges": _rows(context, charge, row),
        "appeals": _rows(context, appeal, row),
        "stays": _rows(context, stay, row),
        "changes_of_control": _rows(context, control_change, row),
        "winding_down": _rows(context, winding_down, row),
        "clients": _rows(context, winding_client, row),
        "clients_moved": moved_digest(context.connection, row.id),
    }


def _rows(context: ViewContext, table: sql.Table, row: Row[Any]) -> list[dict[str, Any]]:
    found = context.connection.execute(sql.select(table).where(table.c.file == row.id)).mappings()
    return [{k: v for k, v in one.items() if k not in _HIDDEN} for one in found]


def due_enforcement(
    connection: Connection, programme: str, last: date, own: str | None
) -> list[dict[str, Any]]:
    """Remedies, answers, penalties and closings that are due up to a day, as the calendar lists."""
    found = []
    for table, column, what, open_while, by_provider in (
        (finding, finding.c.due_on, "finding", finding.c.accepted_on.is_(None), True),
        (charge, charge.c.answer_by, "answer_to_charge", charge.c.answer.is_(None), True),
        (charge, charge.c.due_on, "penalty", charge.c.paid_on.is_(None), True),
        (winding_down, winding_down.c.deadline, "winding_down", sql.true(), False),
    ):
        wanted = (
            sql.select(column.label("due"), licensing_file.c.number, licensing_file.c.provider)
            .join(licensing_file, licensing_file.c.id == table.c.file)
            .where(
                table.c.programme == programme,
                column <= last.isoformat(),
                licensing_file.c.closed_on.is_(None),
                open_while,
            )
            .order_by(column)
            .limit(500)
        )
        if own is not None:
            wanted = wanted.where(licensing_file.c.provider == own)
        found += [
            {
                "due_on": row.due,
                "what": what,
                "owed_by": row.provider if by_provider else None,
                "provider": row.provider,
                "file": row.number,
                "text": None,
            }
            for row in connection.execute(wanted)
        ]
    if any(row["owed_by"] is None for row in found):
        authority = authority_of(connection, programme, pack_of(connection, programme))
        found = [row | {"owed_by": row["owed_by"] or authority} for row in found]
    return found
