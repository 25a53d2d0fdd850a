"""From the room's tables to the values of the pure laws, and back: terms, book, result."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.auctions import tables
from amanat.auctions.book import Book, Commitment, Delivery, Window, open_book
from amanat.auctions.model import Decision, TenderTerms
from amanat.auctions.pricing import SecurityPricing
from amanat.auctions.recompute import Published, Recomputed, decide, read_published
from amanat.auctions.records import read_decision, read_terms
from amanat.auctions.sealing import Share, TenderKey
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.core.money import face_text
from amanat.instruments.model import Terms, terms_from
from amanat.jurisdictions.conventions import load_convention
from amanat.programme.records import currency_of
from amanat.programme.tables import security

_NOMINAL = frozenset(
    {
        "amount",
        "awarded",
        "awarded_non_competitive",
        "bid_maximum",
        "bid_minimum",
        "bid_multiple",
        "cap_nominal",
        "rounding_multiple",
        "total_max",
        "whole_up_to",
    }
)
"""Fields of `records` that are nominal.  There they are bare, for a digest covers them."""


def with_face(connection: Connection, programme: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of terms, decision or figures as the journal writes it: nominal with its unit."""
    currency = currency_of(connection, programme)

    def stated(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {inner: stated(inner, one) for inner, one in value.items()}
        return face_text(value, currency) if name in _NOMINAL and value is not None else value

    return {name: stated(name, value) for name, value in record.items()}


def terms_of(row: Row[Any]) -> TenderTerms:
    """The terms of an announced tender with its target as last amended."""
    if row.rules is None:
        raise NotFound(thing="announced tender", value=row.code)
    return read_terms(json.loads(row.rules) | {"target": str(row.target)})


def pricing_for(connection: Connection, row: Row[Any]) -> SecurityPricing:
    """The arithmetic of the tender's security for its settlement date."""
    terms = security_terms(connection, row.programme, row.isin)
    return pricing_on(terms, date.fromisoformat(row.settlement_date))


def pricing_on(terms: Terms, settlement_date: date) -> SecurityPricing:
    """By the conventions in force on the settlement date; refuses `NoConventionForDate`."""
    return SecurityPricing(
        terms, load_convention(terms.convention, settlement_date), settlement_date
    )


def security_terms(connection: Connection, programme: str, isin: str) -> Terms:
    """The terms of a security of this programme; refuses `NotFound`."""
    stored = connection.execute(
        sql.select(security.c.terms).where(
            security.c.programme == programme, security.c.isin == isin
        )
    ).scalar_one_or_none()
    if stored is None:
        raise NotFound(thing="security", value=isin)
    return terms_from(json.loads(stored))


def key_rows(connection: Connection, row: Row[Any]) -> tuple[Row[Any], Row[Any]]:
    """The keys of ministry (inner) and central bank (outer); refuses `NotFound`."""
    key = tables.tender_key
    found = {
        one.institution: one
        for one in connection.execute(
            sql.select(key).where(key.c.programme == row.programme, key.c.tender == row.code)
        )
    }
    for code in (row.ministry, row.central_bank):
        if code not in found:
            raise NotFound(
                thing=Message("sealing key of {institution} for tender", institution=code),
                value=row.code,
            )
    return found[row.ministry], found[row.central_bank]


def keys_of(connection: Connection, row: Row[Any]) -> tuple[TenderKey, TenderKey]:
    """The announced public keys, (inner, outer)."""
    inner, outer = key_rows(connection, row)
    return (
        TenderKey(inner.institution, bytes.fromhex(inner.public_key)),
        TenderKey(outer.institution, bytes.fromhex(outer.public_key)),
    )


def shares_of(connection: Connection, row: Row[Any]) -> tuple[Share, Share] | None:
    """The released shares, (inner, outer), or None while one is missing."""
    inner, outer = key_rows(connection, row)
    if inner.released_at is None or outer.released_at is None:
        return None
    return (
        Share(inner.institution, bytes.fromhex(inner.released)),
        Share(outer.institution, bytes.fromhex(outer.released)),
    )


def commitments_of(connection: Connection, row: Row[Any]) -> list[Commitment]:
    """Every commitment that the chain recorded, in its order."""
    table = tables.commitment
    found = connection.execute(
        sql.select(table)
        .where(table.c.programme == row.programme, table.c.tender == row.code)
        .order_by(table.c.sequence)
    )
    return [
        Commitment(
            number=one.number,
            sequence=one.sequence,
            digest=bytes.fromhex(one.commitment),
            window=Window(one.window),
            letter=one.letter,
            late=one.late,
            withdrawn=one.withdrawn,
        )
        for one in found
    ]


def deliveries_of(connection: Connection, row: Row[Any]) -> list[Delivery]:
    """What is stored for the commitments; one without any was withheld."""
    bid, table = tables.sealed_bid, tables.commitment
    found = connection.execute(
        sql.select(table.c.sequence, bid.c.sealed, bid.c.salt)
        .join(
            bid,
            (bid.c.programme == table.c.programme)
            & (bid.c.tender == table.c.tender)
            & (bid.c.number == table.c.number)
            & (bid.c.commitment == table.c.commitment),
        )
        .where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            bid.c.sealed.is_not(None),
        )
        .order_by(table.c.sequence, bid.c.id)
    )
    return [Delivery(one.sequence, one.sealed, bytes.fromhex(one.salt)) for one in found]


def book_of(connection: Connection, row: Row[Any], shares: tuple[Share, Share]) -> Book:
    """The opened book, computed from what is stored; raises the refusals of `open_book`."""
    return open_book(
        bytes.fromhex(row.chain_id),
        keys_of(connection, row),
        shares,
        commitments_of(connection, row),
        deliveries_of(connection, row),
    )


def result_of(
    connection: Connection, row: Row[Any], decision: Decision
) -> tuple[Recomputed, Published]:
    """The result under a decision, and all that is published of it.

    Refuses `NotFound` while a share is missing, and as `open_book` and `allot` do.
    """
    shares = shares_of(connection, row)
    if shares is None:
        raise NotFound(thing="both released keys of tender", value=row.code)
    book = book_of(connection, row, shares)
    terms = terms_of(row)
    found = decide(book, terms, decision, pricing_for(connection, row))
    published = Published(
        terms=terms,
        decision=decision,
        keys=keys_of(connection, row),
        shares=shares,
        commitments=tuple(commitments_of(connection, row)),
        deliveries=tuple(deliveries_of(connection, row)),
        head=bytes.fromhex(row.commitments_head),
        root=found.root,
    )
    return found, published


def decision_of(row: Row[Any]) -> Decision:
    """What the ministry decided; refuses `NotFound` before that."""
    if row.decision is None:
        raise NotFound(thing="decision on tender", value=row.code)
    return read_decision(json.loads(row.decision))


def published_of(row: Row[Any]) -> Published:
    """The stored result; refuses `NotFound` before it."""
    if row.result is None:
        raise NotFound(thing="result of tender", value=row.code)
    return read_published(json.loads(row.result))


def bidders_of(connection: Connection, row: Row[Any]) -> Mapping[int, Row[Any]]:
    """Who bids under which number."""
    table = tables.tender_bidder
    return {
        one.number: one
        for one in connection.execute(
            sql.select(table).where(table.c.programme == row.programme, table.c.tender == row.code)
        )
    }


def investors_of(connection: Connection, row: Row[Any]) -> Mapping[tuple[str, str], Row[Any]]:
    """The investors' accounts by (dealer, reference)."""
    table = tables.tender_investor
    return {
        (one.participant, one.reference): one
        for one in connection.execute(
            sql.select(table).where(table.c.programme == row.programme, table.c.tender == row.code)
        )
    }


def count_by(values: Sequence[str]) -> dict[str, int]:
    """How often each word occurs."""
    counts: dict[str, int] = defaultdict(int)
    for value in values:
        counts[value] += 1
    return dict(counts)
