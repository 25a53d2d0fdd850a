"""Acts of bidders: sealed sheets, their revision and withdrawal; and letters in an outage.

The trader seals a sheet before it reaches this room (`compose_sheet`): what is stored and what the
chain records says nothing to one institution alone.  A sheet is one order to the chain; the chain
decides by block time whether it came in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.auctions import acts_chain as chain
from amanat.auctions import events, tables
from amanat.auctions.acts_rules import (
    BiddingNotOpen,
    BiddingOver,
    BiddingStillOpen,
    BidNotTheirs,
    BidRefusedBefore,
    BidState,
    CommitmentTwice,
    LetterLate,
    SheetStands,
    TenderState,
    instant,
    load_tender,
    require_dealer,
    require_no_halt,
    require_part,
    subject,
    whole,
)
from amanat.auctions.book import Window
from amanat.auctions.commands import (
    DeliverSheet,
    EnterLetter,
    ReviseBid,
    SealedSheet,
    SubmitBid,
    SubmitNonCompetitiveBid,
    WithdrawBid,
)
from amanat.auctions.forms import write_form
from amanat.auctions.laws import check_bids
from amanat.auctions.model import Bid, TenderTerms
from amanat.auctions.sealing import TenderKey, commitment, new_salt, seal
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message


def compose_sheet(
    terms: TenderTerms, number: int, bids: Sequence[Bid], keys: tuple[TenderKey, TenderKey]
) -> tuple[bytes, bytes]:
    """The sealed bytes and the salt of a sheet, for whoever submits it; `keys` are (inner, outer).

    Refuses every breach of the rulebook at once, before anything is sealed: a sheet that breaks it
    would be void at the opening.  Refuses further `FormTooLong`, `KeyInvalid`.
    """
    check_bids(terms, bids)
    inner, outer = keys
    form = write_form(terms.tender, number, bids)
    return seal(form, tender=terms.tender, number=number, inner=inner, outer=outer), new_salt()


def approve_bid(command: SubmitBid, context: ActContext) -> Ask:
    """The account's key signs the commitment; the trader alone may do so."""
    return _ask_sheet(command, context, Window.COMPETITIVE, None)


@act(capacities=["primary_dealer"], approvals=approve_bid, confidential=True)
def submit_bid(command: SubmitBid, context: ActContext) -> Result:
    """Take a sealed sheet of competitive bids.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `Halted`,
    `BiddingNotOpen`, `BiddingOver`, `DealerMayNotBid`, `NotFound` (not on the roll), `SheetStands`,
    `CommitmentTwice`.
    """
    return _record_sheet(command, context, Window.COMPETITIVE, None)


def approve_non_competitive(command: SubmitNonCompetitiveBid, context: ActContext) -> Ask:
    """As `approve_bid`."""
    return _ask_sheet(command, context, Window.NON_COMPETITIVE, None)


@act(capacities=["primary_dealer"], approvals=approve_non_competitive, confidential=True)
def submit_non_competitive_bid(command: SubmitNonCompetitiveBid, context: ActContext) -> Result:
    """Take a sealed sheet of non-competitive bids in their own window; refuses as `submit_bid`."""
    return _record_sheet(command, context, Window.NON_COMPETITIVE, None)


def approve_revision(command: ReviseBid, context: ActContext) -> Ask:
    """As `approve_bid`; the chain strikes the former commitment in the same step."""
    former = _own_bid(command, context)
    return _ask_sheet(command, context, Window(former.window), former)


@act(capacities=["primary_dealer"], approvals=approve_revision, confidential=True)
def revise_bid(command: ReviseBid, context: ActContext) -> Result:
    """Put a new sheet in the place of a former one: the chain counts the last one in time.

    Refuses as `submit_bid`, and `BidNotTheirs`, `BidRefusedBefore`.
    """
    former = _own_bid(command, context)
    return _record_sheet(command, context, Window(former.window), former)


def approve_withdrawal(command: WithdrawBid, context: ActContext) -> Ask:
    """The account's key signs the withdrawal."""
    row = load_tender(context, command.tender, TenderState.OPEN)
    bid = _own_bid(command, context)
    _check_window(context, row, Window(bid.window))
    asked = chain.bid_withdrawal(context, row, bid)
    need = asked.requirement(
        context.actor.institution, "primary_dealer", key=bid.account, proposer=True
    )
    return Ask([need], memo=asked.memo(), subject=subject(row.code))


@act(capacities=["primary_dealer"], approvals=approve_withdrawal, confidential=True)
def withdraw_bid(command: WithdrawBid, context: ActContext) -> Result:
    """Ask the chain to strike a sheet; until it has, the sheet stands.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `BidNotTheirs`,
    `BidRefusedBefore`, `BiddingOver`.
    """
    row = load_tender(context, command.tender, TenderState.OPEN)
    bid = _own_bid(command, context)
    _check_window(context, row, Window(bid.window))
    entry = context.uow.journal.append(
        events.BID_WITHDRAWAL_REQUESTED,
        {"tender": row.code, "bid": bid.id, "commitment": bid.commitment},
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "withdraw_tender_bid",
        context.approved.signatures(),
        entry,
        ("tender_bid", bid.id),
    )
    return {"bid": bid.id, "state": bid.state, "order": order}


@act(capacities=["primary_dealer"], confidential=True)
def deliver_sheet(command: DeliverSheet, context: ActContext) -> Result:
    """Take the sealed sheet of a commitment that the chain has, until the book is opened.

    For bidders that sent their commitment to the chain themselves, and against whoever lost or
    altered what they delivered: only a sheet that gives the recorded commitment is taken.
    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `DealerMayNotBid`,
    `NotFound` (not on the roll, no such commitment).
    """
    row = load_tender(context, command.tender, TenderState.OPEN, TenderState.CLOSED)
    require_dealer(context, row, context.actor.institution, command.account)
    number: int = _bidder(context, row, command.account).number
    promised = _commitment(command, row, number).hex()
    recorded = _recorded(context, row, number, promised)
    sealed = bytes.fromhex(command.ciphertext)
    bid = _deliver(context, row, recorded, sealed, command)
    context.uow.journal.append(
        events.SHEET_DELIVERED,
        {
            "tender": row.code,
            "bid": bid,
            "commitment": promised,
            "sealed_digest": chain.sha256(sealed).hex(),
        },
        subject=subject(row.code),
    )
    return {"bid": bid, "tender": row.code, "number": number, "commitment": promised}


def approve_letter(command: EnterLetter, context: ActContext) -> Ask:
    """Central bank and ministry both sign; the proposer is a further person of the bank."""
    row, number = _check_letter(command, context)
    return chain.ask_both(row, chain.letter(context, row, number, command))


@act(capacities=["auctioneer"], approvals=approve_letter, confidential=True)
def enter_letter(command: EnterLetter, context: ActContext) -> Result:
    """Enter a sealed letter's commitment on the chain.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `BiddingStillOpen`, `LetterLate`, `NotFound` (no such bidder), `CommitmentTwice`.
    """
    row, number = _check_letter(command, context)
    bidder = _bidder(context, row, command.account)
    window = Window.NON_COMPETITIVE if command.non_competitive else Window.COMPETITIVE
    bid = new_id()
    entry = context.uow.journal.append(
        events.LETTER_ENTERED,
        {
            "tender": row.code,
            "bid": bid,
            "number": number,
            "commitment": command.commitment,
            "letter": command.letter,
            "received_at": instant(command.received_at),
            "reason": command.reason,
        },
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "commit_tender_letter",
        context.approved.signatures(),
        entry,
        ("tender_bid", bid),
    )
    _store_bid(
        context,
        row,
        {
            "id": bid,
            "participant": bidder.participant,
            "account": bidder.account,
            "number": number,
            "window": window.value,
            "letter": True,
            "commitment": command.commitment,
            "order_id": order,
        },
    )
    return {"bid": bid, "number": number, "commitment": command.commitment, "order": order}


def _ask_sheet(
    command: SealedSheet, context: ActContext, window: Window, former: Row[Any] | None
) -> Ask:
    row, number = _check_sheet(command, context, window, former)
    replaces = bytes.fromhex(former.commitment) if former is not None else chain.NOTHING
    promised = _commitment(command, row, number)
    asked = chain.bid_commitment(context, row, number, promised, replaces)
    need = asked.requirement(
        context.actor.institution, "primary_dealer", key=command.account.lower(), proposer=True
    )
    return Ask([need], memo=asked.memo(), subject=subject(row.code))


def _record_sheet(
    command: SealedSheet, context: ActContext, window: Window, former: Row[Any] | None
) -> Result:
    row, number = _check_sheet(command, context, window, former)
    replaces = former.id if former is not None else None
    promised = _commitment(command, row, number).hex()
    bid, sealed = new_id(), bytes.fromhex(command.ciphertext)
    digest = chain.sha256(sealed).hex()
    entry = context.uow.journal.append(
        events.BID_SUBMITTED,
        {
            "tender": row.code,
            "bid": bid,
            "number": number,
            "window": window.value,
            "commitment": promised,
            "replaces": replaces,
            "sealed_digest": digest,
        },
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "commit_tender_bid",
        context.approved.signatures(),
        entry,
        ("tender_bid", bid),
    )
    _store_bid(
        context,
        row,
        {
            "id": bid,
            "participant": context.actor.institution,
            "account": command.account.lower(),
            "number": number,
            "window": window.value,
            "letter": False,
            "sealed": sealed,
            "salt": command.salt,
            "commitment": promised,
            "replaces": replaces,
            "order_id": order,
        },
    )
    return {
        "bid": bid,
        "tender": row.code,
        "number": number,
        "window": window.value,
        "commitment": promised,
        "sealed_digest": digest,
        "salt": command.salt,
        "order": order,
    }


def _check_sheet(
    command: SealedSheet, context: ActContext, window: Window, former: Row[Any] | None
) -> tuple[Row[Any], int]:
    """The open tender and the bidder's number in it."""
    row = load_tender(context, command.tender, TenderState.OPEN)
    require_no_halt(context, row)
    _check_window(context, row, window)
    require_dealer(context, row, context.actor.institution, command.account)
    number: int = _bidder(context, row, command.account).number
    if former is None:
        _check_first(context, row, number, window)
    _check_new(context, row, _commitment(command, row, number).hex())
    return row, number


def _check_window(context: ActContext, row: Row[Any], window: Window) -> None:
    """By the clock here; the chain's own time decides when the order arrives."""
    now = instant(context.now)
    if row.bids_open is not None and now < row.bids_open:
        raise BiddingNotOpen(tender=row.code, bids_open=row.bids_open)
    due = row.bids_due
    if window is Window.NON_COMPETITIVE and row.non_competitive_due is not None:
        due = min(due, row.non_competitive_due)
    if now >= due:
        raise BiddingOver(tender=row.code, bids_due=due)


def _check_letter(command: EnterLetter, context: ActContext) -> tuple[Row[Any], int]:
    row = load_tender(context, command.tender, TenderState.OPEN)
    require_part(context, row, "central_bank")
    require_no_halt(context, row)
    if instant(context.now) < row.bids_due:
        raise BiddingStillOpen(tender=row.code, bids_due=row.bids_due)
    due = row.bids_due
    if command.non_competitive and row.non_competitive_due is not None:
        due = row.non_competitive_due
    received = whole("received_at", command.received_at)
    if received >= due:
        raise LetterLate(tender=row.code, received_at=received, bids_due=due)
    bidder = _bidder(context, row, command.account)
    require_dealer(context, row, bidder.participant, command.account)
    _check_new(context, row, command.commitment)
    return row, int(bidder.number)


def _recorded(context: ActContext, row: Row[Any], number: int, promised: str) -> Row[Any]:
    table = tables.commitment
    found = context.uow.connection.execute(
        sql.select(table).where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.number == number,
            table.c.commitment == promised,
        )
    ).one_or_none()
    if found is None:
        raise NotFound(
            thing=Message("commitment of yours in tender {tender}", tender=row.code), value=promised
        )
    return found


def _deliver(
    context: ActContext,
    row: Row[Any],
    recorded: Row[Any],
    sealed: bytes,
    command: DeliverSheet,
) -> str:
    """Store the sheet with its bid, which is entered if the commitment came past this room."""
    table = tables.sealed_bid
    known = context.uow.connection.execute(
        sql.select(table.c.id).where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.number == recorded.number,
            table.c.commitment == recorded.commitment,
        )
    ).scalar_one_or_none()
    if known is not None:
        context.uow.connection.execute(
            sql.update(table).where(table.c.id == known).values(sealed=sealed, salt=command.salt)
        )
        return str(known)
    bid = new_id()
    _store_bid(
        context,
        row,
        {
            "id": bid,
            "participant": context.actor.institution,
            "account": command.account.lower(),
            "number": recorded.number,
            "window": recorded.window,
            "letter": recorded.letter,
            "sealed": sealed,
            "salt": command.salt,
            "commitment": recorded.commitment,
            "sequence": recorded.sequence,
            "block": recorded.block,
            "block_time": recorded.block_time,
            "chain_transaction": recorded.chain_transaction,
            "state": (BidState.WITHDRAWN if recorded.withdrawn else BidState.RECORDED).value,
        },
    )
    return bid


def _check_first(context: ActContext, row: Row[Any], number: int, window: Window) -> None:
    bid = tables.sealed_bid
    standing = context.uow.connection.execute(
        sql.select(bid.c.id).where(
            bid.c.programme == row.programme,
            bid.c.tender == row.code,
            bid.c.number == number,
            bid.c.window == window.value,
            bid.c.state.in_((BidState.REQUESTED.value, BidState.RECORDED.value)),
        )
    ).first()
    if standing is not None:
        raise SheetStands(tender=row.code, bid=standing.id, window=window.value)


def _check_new(context: ActContext, row: Row[Any], promised: str) -> None:
    bid = tables.sealed_bid
    known = context.uow.connection.execute(
        sql.select(bid.c.id).where(
            bid.c.programme == row.programme,
            bid.c.tender == row.code,
            bid.c.commitment == promised,
        )
    ).first()
    if known is not None:
        raise CommitmentTwice(tender=row.code, commitment=promised)


def _bidder(context: ActContext, row: Row[Any], account: str) -> Row[Any]:
    table = tables.tender_bidder
    found = context.uow.connection.execute(
        sql.select(table).where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.account == account.lower(),
            table.c.admitted_at.is_not(None),
        )
    ).one_or_none()
    if found is None:
        raise NotFound(
            thing=Message("bidder of tender {tender} with account", tender=row.code), value=account
        )
    return found


def _own_bid(command: ReviseBid | WithdrawBid, context: ActContext) -> Row[Any]:
    bid = tables.sealed_bid
    found = context.uow.connection.execute(
        sql.select(bid).where(
            bid.c.programme == context.programme,
            bid.c.tender == command.tender,
            bid.c.id == command.bid,
            bid.c.participant == context.actor.institution,
        )
    ).one_or_none()
    if found is None:
        raise BidNotTheirs(bid=command.bid, tender=command.tender)
    if found.state not in (BidState.REQUESTED.value, BidState.RECORDED.value):
        raise BidRefusedBefore(bid=found.id, state=found.state)
    return found


def _commitment(command: SealedSheet, row: Row[Any], number: int) -> bytes:
    return commitment(
        bytes.fromhex(row.chain_id),
        number,
        bytes.fromhex(command.ciphertext),
        bytes.fromhex(command.salt),
    )


def _store_bid(context: ActContext, row: Row[Any], values: dict[str, Any]) -> None:
    context.uow.connection.execute(
        tables.sealed_bid.insert().values(
            programme=row.programme,
            tender=row.code,
            submitted_at=context.now.isoformat(),
            business_date=context.business_date.isoformat(),
            **{"state": BidState.REQUESTED.value, **values},
        )
    )
