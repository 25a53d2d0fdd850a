"""What may be seen of auctions.

The offer, the close, the released keys and the result with every bid under its bidder's number are
public.  Before the book is opened nobody sees how much was bid, and only a bidder its own sheets;
how many sheets came in is seen by the institutions that run the tender and the auditor alone.
After the opening ministry, central bank and auditor see the book, and after the result who bid
under which number and what each owes; a dealer sees its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from pydantic import Field
from sqlalchemy.engine import Row

from amanat.access.acts import Query, ViewContext, view
from amanat.auctions import tables
from amanat.auctions.acts_book import (
    bidders_of,
    decision_of,
    key_rows,
    result_of,
    terms_of,
)
from amanat.auctions.acts_rules import TenderState
from amanat.auctions.commands import Code
from amanat.auctions.model import Award
from amanat.auctions.recompute import Recomputed
from amanat.auctions.showing import NOTHING_OPENED, shown_of
from amanat.core.errors import NotFound, Refusal
from amanat.core.money import Money
from amanat.ledger.typed_data import Domain
from amanat.programme.commands import IsinText
from amanat.programme.records import currency_of, find_programme

RUNS = ("issuer", "auctioneer", "auditor")
_OPEN_BOOK = (
    TenderState.OPENED.value,
    TenderState.DECIDED.value,
    TenderState.AWARDED.value,
    TenderState.NO_AWARD.value,
)
_PUBLISHED = (TenderState.AWARDED.value, TenderState.NO_AWARD.value)
_COLUMNS = [one for one in tables.tender.c if one.name not in ("result", "result_shown")]


class TendersAsked(Query):
    """Which tenders to list."""

    state: TenderState | None = None
    isin: IsinText | None = None


class TenderAsked(Query):
    """One tender by its code."""

    tender: Code


class MyBidsAsked(Query):
    """One's own sheets in a tender; `full` shows each ciphertext, some 33,000 digits, whole."""

    tender: Code
    full: bool = False


class CalendarAsked(Query):
    """The calendar in force, or one by its code."""

    calendar: Code | None = None


class AllotmentsAsked(Query):
    """Which allotments to list."""

    tender: Code | None = None
    state: str | None = Field(default=None, pattern="^(awaiting_settlement|settled|defaulted)$")


@view("auction_calendar", public=True)
def auction_calendar(query: CalendarAsked, context: ViewContext) -> dict[str, Any]:
    """The calendar of coming auctions: `calendar`, `published_at`, `lines`.

    Refuses `NotFound`.
    """
    calendar, line = tables.auction_calendar, tables.auction_calendar_line
    asked = sql.select(calendar).where(calendar.c.programme == context.programme)
    if query.calendar is not None:
        asked = asked.where(calendar.c.code == query.calendar)
    else:
        asked = asked.where(calendar.c.replaced_by.is_(None))
    row = context.connection.execute(
        asked.order_by(calendar.c.published_at.desc()).limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="calendar", value=query.calendar or "in force")
    lines = context.connection.execute(
        sql.select(line)
        .where(line.c.programme == context.programme, line.c.calendar == row.code)
        .order_by(line.c.position)
    )
    return {
        "calendar": row.code,
        "published_at": row.published_at,
        "replaces": row.replaces,
        "replaced_by": row.replaced_by,
        "lines": [
            {
                "auction_date": one.auction_date,
                "settlement_date": one.settlement_date,
                "security": one.security,
                "target": str(one.target),
            }
            for one in lines
        ],
    }


@view("tenders", public=True)
def tenders(query: TendersAsked, context: ViewContext) -> list[dict[str, Any]]:
    """All tenders, the latest auction first; those not yet announced to whom runs them."""
    table = tables.tender
    asked = sql.select(*_COLUMNS).where(table.c.programme == context.programme)
    if query.state is not None:
        asked = asked.where(table.c.state == query.state.value)
    if query.isin is not None:
        asked = asked.where(table.c.isin == query.isin)
    rows = context.connection.execute(asked.order_by(table.c.auction_date.desc(), table.c.code))
    return [_shown(row) for row in rows if _visible(row, context)]


@view("tender", public=True)
def one_tender(query: TenderAsked, context: ViewContext) -> dict[str, Any]:
    """One tender: offer, times, keys; the book when opened, the sheet and demand curve.

    `rules`, `sealing_keys` and `signing_domain` are all that it takes to seal a bid elsewhere.
    `sees` says which parts this actor may see: offer, counts, book, bidders.  Refuses `NotFound`.
    """
    row = _find(query.tender, context)
    found = _shown(row) | {
        "rules": json.loads(row.rules) if row.rules else None,
        "signing_domain": _signing_domain(row, context) if row.rules else None,
        "sealing_keys": _keys(row, context),
        "targets": _targets(row, context),
        "sees": ["offer"],
    }
    runs = context.sees(*RUNS)
    public = row.state in _PUBLISHED
    if runs or public:
        found["sees"].append("counts")
        found["commitments"] = _commitments(row, context)
    if (runs and row.state in _OPEN_BOOK) or public:
        found["sees"].append("book")
        found |= _opened(row, context)
    if runs and public:
        found["sees"].append("bidders")
        found["bidders"] = {
            str(number): bidder.participant
            for number, bidder in bidders_of(context.connection, row).items()
        }
    if public or (runs and row.decision is not None):
        found["decision"] = json.loads(row.decision)
    return found


@view("tender_result", public=True)
def tender_result(query: TenderAsked, context: ViewContext) -> dict[str, Any]:
    """All that is published of a result, from which anyone computes it again.

    Refuses `NotFound` before it is final.
    """
    row = _find(query.tender, context)
    if row.state not in _PUBLISHED:
        raise NotFound(thing="result of tender", value=query.tender)
    record: dict[str, Any] = json.loads(_large(row, context, tables.tender.c.result))
    return record


@view("my_bids")
def my_bids(query: MyBidsAsked, context: ViewContext) -> dict[str, Any]:
    """One's own sheets with their receipts, one's number and the investors one named.

    Of each sealed sheet its SHA-256 and its length in bytes; the ciphertext itself with `full`.
    Refuses `NotFound`.
    """
    row = _find(query.tender, context)
    assert context.actor is not None  # this view is not public
    own = context.actor.institution
    bid, bidder, investor = tables.sealed_bid, tables.tender_bidder, tables.tender_investor
    sheets = context.connection.execute(
        sql.select(bid)
        .where(
            bid.c.programme == row.programme,
            bid.c.tender == row.code,
            bid.c.participant == own,
        )
        .order_by(bid.c.id)
    )
    numbers = context.connection.execute(
        sql.select(bidder).where(
            bidder.c.programme == row.programme,
            bidder.c.tender == row.code,
            bidder.c.participant == own,
            bidder.c.admitted_at.is_not(None),
        )
    )
    named = context.connection.execute(
        sql.select(investor)
        .where(
            investor.c.programme == row.programme,
            investor.c.tender == row.code,
            investor.c.participant == own,
        )
        .order_by(investor.c.account)
    )
    return {
        "tender": row.code,
        "chain_id": row.chain_id,
        "state": row.state,
        "bidders": [{"number": one.number, "account": one.account} for one in numbers],
        "bids": [_receipt(one, full=query.full) for one in sheets],
        "investors": [
            {
                "account": one.account,
                "investor": one.reference,
                "investor_class": one.investor_class,
            }
            for one in named
        ],
        "allotments": _allotments(context, tender=row.code, participant=own),
    }


@view("tender_letters")
def tender_letters(query: TenderAsked, context: ViewContext) -> list[dict[str, Any]]:
    """The letters that were entered in a tender, for whom runs it; refuses `NotFound` to others."""
    if not context.sees(*RUNS):
        raise NotFound(thing="letters of tender", value=query.tender)
    row, bid = _find(query.tender, context), tables.sealed_bid
    found = context.connection.execute(
        sql.select(bid)
        .where(bid.c.programme == row.programme, bid.c.tender == row.code, bid.c.letter)
        .order_by(bid.c.id)
    )
    return [
        {
            "bid": one.id,
            "number": one.number,
            "commitment": one.commitment,
            "window": one.window,
            "state": one.state,
            "opened": one.sealed is not None,
        }
        for one in found
    ]


@view("allotments")
def allotments(query: AllotmentsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Allotments with what is owed for them; all to whom runs tenders, else one's own."""
    assert context.actor is not None  # this view is not public
    everyone = context.sees(*RUNS, "registrar")
    return _allotments(
        context,
        tender=query.tender,
        state=query.state,
        participant=None if everyone else context.actor.institution,
    )


def _large(row: Row[Any], context: ViewContext, column: sql.Column[Any]) -> bytes:
    """What is published of a result: every sealed bid is in it, so it is read where it is shown."""
    table = tables.tender
    found = context.connection.execute(
        sql.select(column).where(
            table.c.programme == row.programme, table.c.code == row.code, column.is_not(None)
        )
    ).scalar_one()
    return bytes(found)


def _find(code: str, context: ViewContext) -> Row[Any]:
    table = tables.tender
    row = context.connection.execute(
        sql.select(*_COLUMNS).where(table.c.programme == context.programme, table.c.code == code)
    ).one_or_none()
    if row is None or not _visible(row, context):
        raise NotFound(thing="tender", value=code)
    return row


def _visible(row: Row[Any], context: ViewContext) -> bool:
    return row.announced_at is not None or context.sees(*RUNS)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "tender": row.code,
        "chain_id": row.chain_id,
        "isin": row.isin,
        "state": row.state,
        "pending": row.pending,
        "refusal": row.refusal,
        "target": str(row.target),
        "auction_date": row.auction_date,
        "settlement_date": row.settlement_date,
        "last_settlement_date": row.last_settlement_date,
        "bids_open": row.bids_open,
        "bids_due": row.bids_due,
        "non_competitive_due": row.non_competitive_due,
        "unpaid": row.unpaid,
        "calendar": row.calendar,
        "ministry": row.ministry,
        "central_bank": row.central_bank,
        "terms_hash": row.terms_hash,
        "announced_at": row.announced_at,
        "close_block": row.close_block,
        "close_block_hash": row.close_block_hash,
        "closed_at": row.closed_at,
        "opened_at": row.opened_at,
        "decided_at": row.decided_at,
        "awarded_at": row.awarded_at,
        "result_root": row.result_root if row.state in _PUBLISHED else None,
        "result_digest": row.result_digest if row.state in _PUBLISHED else None,
    }


def _signing_domain(row: Row[Any], context: ViewContext) -> dict[str, Any]:
    """The EIP-712 domain in which keys sign for this tender."""
    chain_id = find_programme(context.connection, row.programme).chain_id
    return Domain(chain_id, context.ledger.address("Tender")).fields()


def _keys(row: Row[Any], context: ViewContext) -> list[dict[str, Any]]:
    """Inner first; a share is shown once the chain has noted its release."""
    try:
        found = key_rows(context.connection, row)
    except NotFound:
        return []  # before the announcement one of them is not made yet
    return [
        {
            "institution": one.institution,
            "layer": layer,
            "public_key": one.public_key,
            "share": one.released if one.released_at else None,
            "released_at": one.released_at,
        }
        for layer, one in zip(("inner", "outer"), found, strict=True)
    ]


def _targets(row: Row[Any], context: ViewContext) -> list[dict[str, Any]]:
    table = tables.tender_target
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == row.programme, table.c.tender == row.code)
        .order_by(table.c.version)
    )
    return [
        {"version": one.version, "target": str(one.target), "set_at": one.set_at} for one in rows
    ]


def _commitments(row: Row[Any], context: ViewContext) -> list[dict[str, Any]]:
    table = tables.commitment
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == row.programme, table.c.tender == row.code)
        .order_by(table.c.sequence)
    )
    return [
        {
            "sequence": one.sequence,
            "number": one.number,
            "commitment": one.commitment,
            "window": one.window,
            "letter": one.letter,
            "late": one.late,
            "withdrawn": one.withdrawn,
            "block": one.block,
            "block_time": one.block_time,
            "chain_transaction": one.chain_transaction,
            "fate": one.fate,
            "reason": one.reason,
            "evidence": one.evidence,
        }
        for one in rows
    ]


def _opened(row: Row[Any], context: ViewContext) -> dict[str, Any]:
    """Sheet and demand curve: of the result, of the decision, or as if all were accepted.

    Before the ministry has decided, they show what an award of every bid would be.  Those of a
    published result were stored when they had been verified.
    """
    if row.state in _PUBLISHED:
        return dict(json.loads(_large(row, context, tables.tender.c.result_shown)))
    found = _computed(row, context)
    if found is None:
        return dict(NOTHING_OPENED)
    return shown_of(found, currency_of(context.connection, row.programme))


def _computed(row: Row[Any], context: ViewContext) -> Recomputed | None:
    if row.decision is not None:
        return result_of(context.connection, row, decision_of(row))[0]
    line = tables.bid_line
    bids = context.connection.execute(
        sql.select(line).where(
            line.c.programme == row.programme,
            line.c.tender == row.code,
            line.c.competitive,
        )
    ).all()
    worst = _worst_quote(row, bids)
    if worst is None:
        return None
    try:
        return result_of(context.connection, row, Award(cut_off=worst))[0]
    except Refusal:
        return None  # no bid keeps the rules, so there is nothing to draw


def _worst_quote(row: Row[Any], bids: Sequence[Row[Any]]) -> Decimal | None:
    """The worst competitive quote as stated; void ones fall at the computation."""
    by_price = terms_of(row).bid_by.value == "price"
    quotes = [
        Decimal(one.price if by_price else one.yield_pct)
        for one in bids
        if (one.price if by_price else one.yield_pct) is not None
    ]
    if not quotes:
        return None
    return min(quotes) if by_price else max(quotes)


def _receipt(row: Row[Any], *, full: bool) -> dict[str, Any]:
    """What a bidder keeps: with it and its sealed sheet it proves what it sent, and when."""
    sealed: bytes | None = row.sealed
    whole = {"sealed": sealed.hex() if sealed else None} if full else {}
    return whole | {
        "bid": row.id,
        "window": row.window,
        "number": row.number,
        "account": row.account,
        "letter": row.letter,
        "state": row.state,
        "replaces": row.replaces,
        "commitment": row.commitment,
        "salt": row.salt,
        "sealed_digest": hashlib.sha256(sealed).hexdigest() if sealed else None,
        "sealed_bytes": len(sealed) if sealed else None,
        "submitted_at": row.submitted_at,
        "business_date": row.business_date,
        "sequence": row.sequence,
        "block": row.block,
        "block_time": row.block_time,
        "chain_transaction": row.chain_transaction,
        "withdrawn_at": row.withdrawn_at,
        "refusal": row.refusal,
    }


def _allotments(
    context: ViewContext,
    *,
    tender: Code | None = None,
    state: str | None = None,
    participant: str | None = None,
) -> list[dict[str, Any]]:
    table = tables.allotment
    asked = sql.select(table).where(table.c.programme == context.programme)
    if tender is not None:
        asked = asked.where(table.c.tender == tender)
    if state is not None:
        asked = asked.where(table.c.state == state)
    if participant is not None:
        asked = asked.where(table.c.participant == participant)
    rows = context.connection.execute(
        asked.order_by(table.c.tender, table.c.sequence, table.c.line)
    )
    return [_allotment(row) for row in rows]


def _allotment(row: Row[Any]) -> dict[str, Any]:
    def money(minor: int) -> str:
        return f"{Money(minor, row.currency).amount} {row.currency}"

    return {
        "allotment": row.id,
        "tender": row.tender,
        "isin": row.isin,
        "number": row.number,
        "line": row.line,
        "competitive": row.competitive,
        "participant": row.participant,
        "account": row.account,
        "investor": row.investor,
        "nominal": str(row.nominal),
        "price": row.price,
        "yield_pct": row.yield_pct,
        "realised": money(row.realised_minor),
        "accrued": money(row.accrued_minor),
        "consideration": money(row.realised_minor + row.accrued_minor),
        "consideration_minor": str(row.realised_minor + row.accrued_minor),
        "settlement_date": row.settlement_date,
        "last_settlement_date": row.last_settlement_date,
        "state": row.state,
        "instruction": row.instruction,
        "settled_at": row.settled_at,
        "defaulted_at": row.defaulted_at,
        "unpaid": row.unpaid,
    }
