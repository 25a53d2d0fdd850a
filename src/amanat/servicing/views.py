"""Payments to come and made, their lines to whom may see, and the tax that was withheld."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.core.quantities import text_from
from amanat.programme.records import calendar_of, securities_of, terms_in
from amanat.register.records import SEES_HOLDERS, institutions_of
from amanat.servicing.commands import (
    CalendarAsked,
    ClaimsAsked,
    PaymentAsked,
    PaymentsAsked,
    WithholdingAsked,
)
from amanat.servicing.model import Reconciliation
from amanat.servicing.records import dues_of, find_payment_to_read
from amanat.servicing.tables import entitlement, lot, payment
from amanat.settlement.tables import claim

SEES_LINES = (*SEES_HOLDERS, "agent", "tax_agent")


@view("payment_calendar", public=True)
def payment_calendar(query: CalendarAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What the terms promise: due, payment, record and shut days, and the amount per 100."""
    connection, programme = context.connection, context.programme
    calendar = calendar_of(connection, programme)
    made = {
        (row.isin, row.kind, row.due_date): row
        for row in connection.execute(sql.select(payment).where(payment.c.programme == programme))
    }
    first = query.first_day or date.min
    last = query.last_day or date.max
    found = []
    for row in securities_of(connection, programme):
        if query.isin is not None and row.isin != query.isin:
            continue
        for due in dues_of(terms_in(row), calendar):
            if not first <= due.payment_date <= last:
                continue
            fixed = made.get((due.isin, due.kind.value, due.due_date.isoformat()))
            found.append(
                {
                    "isin": due.isin,
                    "kind": due.kind.value,
                    "due_date": due.due_date.isoformat(),
                    "payment_date": due.payment_date.isoformat(),
                    "record_date": due.record_date.isoformat(),
                    "ex_date": due.ex_date.isoformat(),
                    "shut_from": due.shut_from.isoformat(),
                    "gross_per_100": text_from(due.gross_per_100),
                    "assumed": due.assumed,
                    "payment": fixed.id if fixed is not None else None,
                    "state": fixed.state if fixed is not None else "to_come",
                }
            )
    return sorted(found, key=lambda one: (one["payment_date"], one["isin"], one["kind"]))


@view("payments", public=True)
def payments(query: PaymentsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Payments that have been fixed, with their sums; how each reconciles."""
    asked = sql.select(payment).where(payment.c.programme == context.programme)
    if query.isin is not None:
        asked = asked.where(payment.c.isin == query.isin)
    rows = context.connection.execute(asked.order_by(payment.c.payment_date, payment.c.id))
    return [_shown(row) for row in rows]


def _shown(row: Any) -> dict[str, Any]:
    funded = row.gross_paisa if row.funded_on is not None else 0
    if row.outside_paisa and not funded:
        funded = row.gross_paisa
    sums = Reconciliation(
        funded, row.paid_paisa, row.tax_paid_paisa, row.escrow_paisa, row.outside_paisa
    )
    return dict(row._mapping) | {
        "funded_paisa": funded,
        "difference_paisa": sums.difference_paisa,
        "reconciled": sums.difference_paisa == 0
        and row.gross_paisa == row.net_paisa + row.tax_paisa,
    }


@view("payment", public=True)
def one_payment(query: PaymentAsked, context: ViewContext) -> dict[str, Any]:
    """One payment: its sums for everyone, its lines to the holder and to whom may see all.

    Refuses `NotFound`.
    """
    connection, programme = context.connection, context.programme
    row = find_payment_to_read(connection, programme, query.payment)
    asked = sql.select(entitlement).where(
        entitlement.c.programme == programme, entitlement.c.payment == row.id
    )
    if not context.sees(*SEES_LINES):
        own = context.actor.institution if context.actor is not None else ""
        asked = asked.where(entitlement.c.institution == own)
    lines = [
        dict(line._mapping) for line in connection.execute(asked.order_by(entitlement.c.position))
    ]
    positions = [line["position"] for line in lines]
    return _shown(row) | {
        "lines": lines,
        "classes": _by_class(context, row.id),
        "lots": _lots(context, row.id, set(positions)),
    }


def _by_class(context: ViewContext, identifier: str) -> list[dict[str, Any]]:
    table = entitlement
    rows = context.connection.execute(
        sql.select(
            table.c.holder_class,
            table.c.tax_rate,
            sql.func.count().label("holders"),
            sql.func.sum(table.c.nominal).label("nominal"),
            sql.func.sum(table.c.gross_paisa).label("gross_paisa"),
            sql.func.sum(table.c.tax_paisa).label("tax_paisa"),
            sql.func.sum(table.c.net_paisa).label("net_paisa"),
        )
        .where(table.c.programme == context.programme, table.c.payment == identifier)
        .group_by(table.c.holder_class, table.c.tax_rate)
        .order_by(table.c.holder_class, table.c.tax_rate)
    )
    return [_integers(row) for row in rows]


def _integers(row: Any) -> dict[str, Any]:
    """Sums as integers: PostgreSQL sums big integers as decimals."""
    return {
        name: int(value) if name.endswith("_paisa") or name == "nominal" else value
        for name, value in row._mapping.items()
    }


def _lots(context: ViewContext, identifier: str, positions: set[int]) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(lot)
        .where(lot.c.programme == context.programme, lot.c.payment == identifier)
        .order_by(lot.c.position, lot.c.part)
    )
    return [dict(row._mapping) for row in rows if row.position in positions]


@view("withholding_statement")
def withholding_statement(query: WithholdingAsked, context: ViewContext) -> dict[str, Any]:
    """Tax withheld on what was paid in a period: by class and rate, and line by line.

    A holder sees its own lines, as the certificate of what was withheld from it.
    """
    table = entitlement
    asked = (
        sql.select(table, payment.c.isin, payment.c.kind, payment.c.payment_date)
        .join(
            payment,
            (payment.c.programme == table.c.programme) & (payment.c.id == table.c.payment),
        )
        .where(
            table.c.programme == context.programme,
            table.c.state == "paid",
            table.c.paid_on >= query.first_day.isoformat(),
            table.c.paid_on <= query.last_day.isoformat(),
        )
        .order_by(table.c.paid_on, payment.c.isin, table.c.payment, table.c.position)
    )
    if not context.sees(*SEES_LINES):
        own = context.actor.institution if context.actor is not None else ""
        asked = asked.where(table.c.institution == own)
    lines = [dict(row._mapping) for row in context.connection.execute(asked)]
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        key = (line["holder_class"], line["tax_rate"])
        group = groups.setdefault(
            key,
            {
                "holder_class": key[0],
                "tax_rate": key[1],
                "lines": 0,
                "gross_paisa": 0,
                "tax_base_paisa": 0,
                "tax_paisa": 0,
                "net_paisa": 0,
            },
        )
        group["lines"] += 1
        for name in ("gross_paisa", "tax_base_paisa", "tax_paisa", "net_paisa"):
            group[name] += line[name]
    return {
        "first_day": query.first_day.isoformat(),
        "last_day": query.last_day.isoformat(),
        "classes": [groups[key] for key in sorted(groups)],
        "gross_paisa": sum(line["gross_paisa"] for line in lines),
        "tax_paisa": sum(line["tax_paisa"] for line in lines),
        "net_paisa": sum(line["net_paisa"] for line in lines),
        "lines": lines,
    }


@view("claims")
def claims(query: ClaimsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Claims of trades across a record date: own ones, or all to whom may see."""
    asked = sql.select(claim).where(claim.c.programme == context.programme)
    if query.payment is not None:
        asked = asked.where(claim.c.payment == query.payment)
    owner = institutions_of(context.connection, context.programme)
    own = context.actor.institution if context.actor is not None else ""
    return [
        dict(row._mapping)
        for row in context.connection.execute(
            asked.order_by(claim.c.raised_on, claim.c.instruction)
        )
        if context.sees(*SEES_LINES) or own in (owner.get(row.debtor), owner.get(row.creditor))
    ]
