"""Conditions with their evidence, incidents, and what one was notified of."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.access.effects import from_json
from amanat.core.money import money_text
from amanat.licensing.duties.commands import (
    ConditionsAsked,
    IncidentsAsked,
    NetCapitalAsked,
    NotificationsAsked,
)
from amanat.licensing.duties.tables import (
    breach,
    condition_evidence,
    incident,
    mail_address,
    net_capital,
    notification,
)
from amanat.licensing.openness.grounds import recusals_of
from amanat.licensing.records import pack_of
from amanat.licensing.tables import condition
from amanat.licensing.views import sees_all


def _theirs(context: ViewContext, column: sql.Column[str]) -> sql.ColumnElement[bool]:
    """All rows to who licenses or audits, but of providers from which they are recused."""
    assert context.actor is not None
    if not sees_all(context, pack_of(context.connection, context.programme)):
        return column == context.actor.institution
    away = recusals_of(context.connection, context.programme, context.actor.person)
    return column.not_in(list(away)) if away else sql.true()


@view("net_capital")
def net_capital_stated(query: NetCapitalAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What providers stated of their net capital, day by day, with what they had to have.

    The authority and the auditor see those of all providers, a provider its own.
    """
    table = net_capital
    later = table.alias()
    wanted = sql.select(table).where(
        table.c.programme == context.programme,
        _theirs(context, table.c.provider),
        ~sql.exists().where(
            later.c.programme == table.c.programme,
            later.c.provider == table.c.provider,
            later.c.as_of == table.c.as_of,
            later.c.id > table.c.id,
        ),
    )
    if query.provider is not None:
        wanted = wanted.where(table.c.provider == query.provider)
    if query.short is not None:
        less = table.c.amount < table.c.required
        wanted = wanted.where(less if query.short else ~less)
    rows = context.connection.execute(
        wanted.order_by(table.c.as_of.desc(), table.c.provider).limit(query.limit)
    )
    return [
        {
            "provider": row.provider,
            "as_of": row.as_of,
            "amount": money_text(row.amount, row.currency),
            "required": money_text(row.required, row.currency),
            "short": row.amount < row.required,
            "document": row.document,
            "stated_on": row.recorded_on,
            "entry": row.entry,
        }
        for row in rows
    ]


@view("conditions")
def conditions(query: ConditionsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Conditions by due day: open, overdue, met or lifted; the last evidence; breaches.

    The authority and the auditor see those of all providers, a provider its own.
    """
    table = condition
    wanted = sql.select(table).where(
        table.c.programme == context.programme, _theirs(context, table.c.provider)
    )
    if query.provider is not None:
        wanted = wanted.where(table.c.provider == query.provider)
    if query.open is not None:
        settled = sql.func.coalesce(table.c.met_on, table.c.lifted_on)
        wanted = wanted.where(settled.is_(None) if query.open else settled.is_not(None))
    # Where no day is set it stands for as long as the permission does: at the end.
    order = (table.c.due_on.is_(None), table.c.due_on, table.c.id)
    rows = context.connection.execute(wanted.order_by(*order).limit(query.limit)).all()
    ids = [row.id for row in rows]
    given = {
        one.condition: one
        for one in context.connection.execute(
            sql.select(condition_evidence)
            .where(condition_evidence.c.condition.in_(ids))
            .order_by(condition_evidence.c.id)
        )
    }
    broken = dict(
        context.connection.execute(
            sql.select(breach.c.thing, breach.c.recorded_on).where(breach.c.thing.in_(ids))
        ).all()
    )
    today = context.business_date.isoformat()
    return [
        {
            "condition": row.id,
            "provider": row.provider,
            "text": row.text,
            "law": row.law,
            "rulebook": row.rulebook,
            "due_on": row.due_on,
            "overdue": row.due_on is not None
            and row.due_on < today
            and row.met_on is None
            and row.lifted_on is None,
            "met_on": row.met_on,
            "lifted_on": row.lifted_on,
            "consequence": row.consequence,
            "evidence": given[row.id].text if row.id in given else None,
            "accepted": given[row.id].accepted if row.id in given else None,
            "finding": given[row.id].finding if row.id in given else None,
            "breach_noted_on": broken.get(row.id),
        }
        for row in rows
    ]


@view("incidents")
def incidents(query: IncidentsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Incidents, newest first: to the authority and the auditor all, to a provider its own."""
    table = incident
    wanted = sql.select(table).where(
        table.c.programme == context.programme, _theirs(context, table.c.provider)
    )
    if query.provider is not None:
        wanted = wanted.where(table.c.provider == query.provider)
    return [
        {
            "incident": row.number,
            "provider": row.provider,
            "kind": row.kind,
            "detected_at": row.detected_at,
            "reported_at": row.recorded_at,
            "due_at": row.due_at,
            "late": row.late,
            "clients": row.clients,
            "text": row.text,
        }
        for row in context.connection.execute(wanted.order_by(table.c.id.desc()).limit(500))
    ]


@view("my_notifications")
def my_notifications(query: NotificationsAsked, context: ViewContext) -> dict[str, Any]:
    """What one was told, newest first, whether it went out by mail, and where to."""
    assert context.actor is not None
    own = (
        notification.c.programme == context.programme,
        notification.c.person == context.actor.person,
    )
    rows = context.connection.execute(
        sql.select(notification).where(*own).order_by(notification.c.id.desc()).limit(query.limit)
    )
    address = context.connection.execute(
        sql.select(mail_address.c.address).where(
            mail_address.c.programme == context.programme,
            mail_address.c.person == context.actor.person,
        )
    ).scalar_one_or_none()
    return {
        "mail_address": address,
        "rows": [
            {
                "text": str(from_json(row.message)[0]),
                "due_on": row.due_on,
                "created_at": row.created_at,
                "sent_at": row.sent_at,
                "failure": row.failure,
            }
            for row in rows
        ],
    }
