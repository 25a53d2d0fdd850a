"""Investors of non-competitive bids: named by a dealer, called by a reference in its sealed sheet.

One holder has one reference in a tender, whichever dealer names it, so that two bids for it void
each other at the opening, and nobody outside learns who it is, nor follows it to the next tender.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Result, act
from amanat.auctions import events, tables
from amanat.auctions.acts_book import terms_of
from amanat.auctions.acts_rules import (
    BiddingOver,
    TenderState,
    instant,
    load_tender,
    subject,
)
from amanat.auctions.commands import NameInvestor
from amanat.auctions.laws import InvestorClassExcluded, NonCompetitiveNotOffered
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.participants.tables import account


@act(capacities=["primary_dealer"], confidential=True)
def name_investor(command: NameInvestor, context: ActContext) -> Result:
    """Give a client's account its reference for this tender; the same again for the same holder.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `BiddingOver`,
    `NonCompetitiveNotOffered`, `NotFound` (no such account of yours), `InvestorClassExcluded`.
    """
    row = load_tender(context, command.tender, TenderState.OPEN)
    if instant(context.now) >= (row.non_competitive_due or row.bids_due):
        raise BiddingOver(tender=row.code, bids_due=row.non_competitive_due or row.bids_due)
    terms = terms_of(row)
    if terms.non_competitive is None:
        raise NonCompetitiveNotOffered(number=0, line=0)
    client = _client(context, command.account)
    if client.holder_class in terms.non_competitive.excluded_classes:
        raise InvestorClassExcluded(number=0, line=0, investor_class=client.holder_class)
    known = _known(context, row, client)
    if known is None or known.account != client.address:
        known = _enter(context, row, client, known)
    return {
        "tender": row.code,
        "investor": known.reference,
        "investor_class": known.investor_class,
        "cap": str(terms.investor_cap),
    }


def _client(context: ActContext, address: str) -> Row[Any]:
    found = context.uow.connection.execute(
        sql.select(account).where(
            account.c.programme == context.programme,
            account.c.address == address.lower(),
            account.c.participant == context.actor.institution,
            account.c.kind == "client",
            account.c.done_at.is_not(None),
            account.c.closed_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise NotFound(thing="client account of yours", value=address)
    return found


def _holder(row: Row[Any], client: Row[Any]) -> str:
    """Equal for equal holders in this tender: name without case and spacing, and residency."""
    name = " ".join(str(client.holder).casefold().split())
    return digest(
        {"tender": row.chain_id, "holder": name, "tax_residency": client.tax_residency}
    ).hex()


def _known(context: ActContext, row: Row[Any], client: Row[Any]) -> Row[Any] | None:
    """What this account, or else any account of the same holder, is called already."""
    table = tables.tender_investor
    rows = context.uow.connection.execute(
        sql.select(table).where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.holder == _holder(row, client),
        )
    ).all()
    own = [one for one in rows if one.account == client.address]
    return own[0] if own else (rows[0] if rows else None)


def _enter(context: ActContext, row: Row[Any], client: Row[Any], same: Row[Any] | None) -> Row[Any]:
    table = tables.tender_investor
    reference = same.reference if same is not None else secrets.token_hex(8)
    context.uow.connection.execute(
        table.insert().values(
            programme=row.programme,
            tender=row.code,
            account=client.address,
            reference=reference,
            participant=context.actor.institution,
            holder=_holder(row, client),
            investor_class=client.holder_class,
        )
    )
    context.uow.journal.append(
        events.INVESTOR_NAMED,
        {
            "tender": row.code,
            "reference": reference,
            "investor_class": client.holder_class,
            "account": client.address,
        },
        subject=subject(row.code),
    )
    entered = _known(context, row, client)
    assert entered is not None  # it has just been entered
    return entered
