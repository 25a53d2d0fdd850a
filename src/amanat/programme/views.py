"""What may be seen of the programme: everything here is public."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import Refusal
from amanat.core.money import Money
from amanat.instruments.payments import cash_flows
from amanat.instruments.schedule import payment_dates
from amanat.jurisdictions.conventions import load_convention
from amanat.ledger.gateway import SUCCESSOR
from amanat.ledger.tables import contract as ledger_contract
from amanat.ledger.typed_data import CONTRACT_NUMBERS
from amanat.participants.tables import participant_class
from amanat.programme.commands import (
    ChangesAsked,
    ContractsAsked,
    ProgrammeAsked,
    SecuritiesAsked,
    SecurityAsked,
)
from amanat.programme.records import (
    calendar_of,
    find_programme,
    find_security,
    headroom_of,
    kinds_of,
    latest_day,
    securities_of,
    terms_in,
)
from amanat.programme.tables import (
    authorisation,
    day_move,
    directory_change,
    exchange_rate,
    halt,
    issuance,
)
from amanat.store.journal import read_entries


@view("programme", public=True)
def one_programme(query: ProgrammeAsked, context: ViewContext) -> dict[str, Any]:
    """The programme: ceiling, what is authorised, issued and redeemed, headroom, day, halts."""
    del query
    row = find_programme(context.connection, context.programme)
    headroom = headroom_of(context.connection, context.programme)
    securities = securities_of(context.connection, context.programme)
    return {
        "programme": row.code,
        "name": row.name,
        "currency": row.currency,
        "zone": row.zone,
        "simulation": bool(row.simulation),
        "redemption_frees_headroom": bool(row.redemption_frees_headroom),
        "chain_id": row.chain_id,
        "founding_at": row.founding_at,
        "founded_at": row.founded_at,
        "calendar": row.calendar,
        "calendar_version": calendar_of(context.connection, context.programme).version,
        "ceiling_usd": _usd(headroom.ceiling_cents),
        "authorised_usd": _usd(headroom.authorised_cents),
        "headroom_usd": _usd(headroom.left_cents),
        "freed_usd": _usd(row.usd_freed_cents),
        "reserves_usd": None if row.reserves_usd_cents is None else _usd(row.reserves_usd_cents),
        "reserves_valid_until": row.reserves_valid_until,
        "authorised": sum(one.authorised for one in securities),
        "issued": sum(one.issued - one.cancelled for one in securities),
        "redeemed": sum(one.redeemed for one in securities),
        "outstanding": sum(one.issued - one.cancelled - one.redeemed for one in securities),
        "day": _day(context),
        "kinds": [
            {"kind": one.code, "clearances": one.clearances, "confirmations": one.confirmations}
            for one in kinds_of(context.connection, context.programme)
        ],
        "classes": _classes(context),
        "halts": _halts(context),
        "exchange_rates": _rates(context),
    }


@view("securities", public=True)
def securities(query: SecuritiesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Every security, by issue date and ISIN."""
    del query
    return [_security(row) for row in securities_of(context.connection, context.programme)]


@view("security", public=True)
def one_security(query: SecurityAsked, context: ViewContext) -> dict[str, Any]:
    """One security: its terms, authorisations, life as events, and its next payment.

    Refuses `NotFound`.
    """
    row = find_security(context.connection, context.programme, query.isin)
    return _security(row) | {
        "terms": json.loads(row.terms),
        "authorisations": _authorisations(query.isin, context),
        "movements": _movements(query.isin, context),
        "next_payment": next_payment(row, context),
        "life": [
            {
                "leaf": one["leaf"],
                "kind": one["kind"],
                "recorded_at": one["recorded_at"],
                "business_date": one["business_date"],
                "content": one["content"],
            }
            for one in read_entries(
                context.connection,
                programme=context.programme,
                subject=f"programme:{query.isin}",
            )
            if one["log"] == "public"
        ],
        "halts": [one for one in _halts(context) if one["scope"] in (query.isin, "programme")],
    }


def next_payment(row: Row[Any], context: ViewContext) -> dict[str, Any] | None:
    """The first payment that is not before the business date, per 100 of nominal.

    None after maturity; where the calendar or the convention does not reach that far, its days
    are absent and `unknown` says why.
    """
    terms = terms_in(row)
    try:
        convention = load_convention(terms.convention, terms.issue_date)
        flows = cash_flows(terms, convention, max(terms.denomination, 100))
    except Refusal as refusal:
        return {"unknown": refusal.message}
    calendar = calendar_of(context.connection, context.programme)
    units = max(terms.denomination, 100)
    for flow in flows:
        per_100 = Decimal(flow.amount.minor) / units
        shown: dict[str, Any] = {
            "kind": flow.kind.value,
            "number": flow.number,
            "due_date": flow.due_date.isoformat(),
            "per_100": f"{per_100:f}",
        }
        try:
            dates = payment_dates(flow.due_date, convention, calendar)
        except Refusal as refusal:
            if flow.due_date >= context.business_date:
                return shown | {"unknown": refusal.message}
            continue
        if dates.payment_date >= context.business_date:
            return shown | {
                "payment_date": dates.payment_date.isoformat(),
                "record_date": dates.record_date.isoformat(),
                "shut_from": dates.shut_from.isoformat(),
            }
    return None


def _security(row: Row[Any]) -> dict[str, Any]:
    return {
        "isin": row.isin,
        "kind": row.kind,
        "name": json.loads(row.terms).get("fisn"),
        "coupon_rate": json.loads(row.terms).get("coupon_rate"),
        "issue_date": row.issue_date,
        "maturity_date": row.maturity_date,
        "address": row.address,
        "asset": row.asset,
        "classes": row.classes,
        "terms_hash": row.terms_hash,
        "authorised": row.authorised,
        "issued": row.issued - row.cancelled,
        "cancelled": row.cancelled,
        "redeemed": row.redeemed,
        "outstanding": row.issued - row.cancelled - row.redeemed,
        "created_at": row.created_at,
    }


def _authorisations(isin: str, context: ViewContext) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(authorisation)
        .where(authorisation.c.programme == context.programme, authorisation.c.isin == isin)
        .order_by(authorisation.c.id)
    )
    return [
        {
            "number": row.number,
            "nominal": row.nominal,
            "usd_value": _usd(row.usd_value_cents),
            "rate": row.rate,
            "rate_date": row.rate_date,
            "rate_assumed": bool(row.rate_assumed),
            "asset": row.asset,
            "authority": row.authority,
            "expires_on": row.expires_on,
            "state": row.state,
            "issued": row.issued,
            "released": row.released,
            "requested_at": row.requested_at,
            "done_at": row.done_at,
            "refused_at": row.refused_at,
            "refusal": row.refusal,
        }
        for row in rows
    ]


def _movements(isin: str, context: ViewContext) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(issuance)
        .where(issuance.c.programme == context.programme, issuance.c.isin == isin)
        .order_by(issuance.c.id)
    )
    return [
        {
            "action": row.action,
            "nominal": row.nominal,
            "authorisation": row.authorisation,
            "requested_at": row.requested_at,
            "done_at": row.done_at,
            "refused_at": row.refused_at,
            "refusal": row.refusal,
        }
        for row in rows
    ]


def _day(context: ViewContext) -> dict[str, Any]:
    """The day and phase that the ledger has, and the move that is under way, each with its time."""
    row = latest_day(context.connection, context.programme)
    moving = context.connection.execute(
        sql.select(day_move)
        .where(
            day_move.c.programme == context.programme,
            day_move.c.done_at.is_(None),
            day_move.c.refused_at.is_(None),
        )
        .order_by(day_move.c.id.desc())
        .limit(1)
    ).one_or_none()
    return {
        "business_date": row.business_date if row is not None else None,
        "phase": row.phase if row is not None else None,
        "since": row.block_time if row is not None else None,
        "block": row.block_number if row is not None else None,
        "requested": None
        if moving is None
        else {
            "business_date": moving.business_date,
            "phase": moving.phase,
            "requested_at": moving.requested_at,
        },
    }


def _classes(context: ViewContext) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(participant_class)
        .where(participant_class.c.programme == context.programme)
        .order_by(participant_class.c.number)
    )
    return [{"class": row.code, "number": row.number, "authority": row.authority} for row in rows]


def _halts(context: ViewContext) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(halt).where(halt.c.programme == context.programme).order_by(halt.c.id)
    )
    return [
        {
            "scope": row.scope,
            "reason": row.reason,
            "requested_at": row.requested_at,
            "done_at": row.done_at,
            "refused_at": row.refused_at,
            "resume_requested_at": row.resume_requested_at,
            "resumed_at": row.resumed_at,
            "binds": row.refused_at is None and row.resumed_at is None,
        }
        for row in rows
    ]


def _rates(context: ViewContext) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(exchange_rate)
        .where(exchange_rate.c.programme == context.programme)
        .order_by(exchange_rate.c.rate_date)
    )
    return [
        {
            "rate_date": row.rate_date,
            "rate": row.rate,
            "source": row.source,
            "assumed": bool(row.assumed),
        }
        for row in rows
    ]


def _usd(cents: int) -> str:
    return f"{Money(cents, 'USD').amount} USD"


@view("contracts", public=True)
def contracts(query: ContractsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """The contracts that the Directory names or named, and those created to replace one.

    Each with its address, since which block it is there, and whether it is `in_use`, `replaced`, or
    a `successor` that nobody has named yet.
    """
    del query
    table = ledger_contract
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == context.programme, table.c.kind.in_(CONTRACT_NUMBERS))
        .order_by(table.c.block_number, table.c.address)
    ).all()
    ordered = sorted(rows, key=lambda row: CONTRACT_NUMBERS[row.kind])
    return [
        {
            "contract": row.kind,
            "address": row.address,
            "block": row.block_number,
            "state": _standing_of(row),
        }
        for row in ordered
    ]


def _standing_of(row: Row[Any]) -> str:
    if row.replaced:
        return "replaced"
    return "successor" if row.label == SUCCESSOR else "in_use"


@view("directory_changes", public=True)
def directory_changes(query: ChangesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Changes of the Directory, latest first: what, why, from when, and what became of it."""
    del query
    table = directory_change
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == context.programme)
        .order_by(table.c.number.desc())
    )
    names = ("kind", "subject", "value", "reason", "state", "due_at", "requested_at", "refusal")
    return [{"change": row.digest} | {name: getattr(row, name) for name in names} for row in rows]
