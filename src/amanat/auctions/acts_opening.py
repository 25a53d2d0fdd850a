"""From the close to the opened book: close, release of both keys, letters, opening.

No key leaves its institution before the closing block is final: `TenderClosed` is committed by the
indexer alone, at finality, and every act here but the close itself asks for that state.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.auctions import acts_chain as chain
from amanat.auctions import events, tables
from amanat.auctions.acts_book import book_of, commitments_of, count_by, shares_of
from amanat.auctions.acts_rules import (
    BiddingStillOpen,
    CloseNotFinal,
    LetterDiffers,
    NotTheirPart,
    SharesNotReleased,
    TenderState,
    find_tender,
    instant,
    load_tender,
    require_no_halt,
    require_part,
    subject,
    update_tender,
)
from amanat.auctions.acts_shares import take_share
from amanat.auctions.book import Book
from amanat.auctions.commands import CloseTender, OpenBids, OpenLetter, ReleaseShare
from amanat.auctions.model import CompetitiveBid
from amanat.auctions.sealing import commitment
from amanat.core.errors import Corrupt, NotFound
from amanat.core.messages import Message
from amanat.core.quantities import text_from


def approve_close(command: CloseTender, context: ActContext) -> Ask:
    """A second person of the central bank signs the close."""
    row = _check_close(command, context)
    closing = chain.closing(context, row)
    return Ask(
        [closing.requirement(row.central_bank, "auctioneer")],
        memo=closing.memo(),
        subject=subject(row.code),
    )


@act(capacities=["auctioneer"], approvals=approve_close)
def close_tender(command: CloseTender, context: ActContext) -> Result:
    """Ask the chain to close the bidding; from now on nothing more is taken here.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `Halted`, `BiddingStillOpen`.
    """
    row = _check_close(command, context)
    entry = context.uow.journal.append(
        events.TENDER_CLOSE_REQUESTED,
        {"tender": row.code, "bids_due": row.bids_due},
        subject=subject(row.code),
    )
    order = chain.order(
        context, "close_tender", context.approved.signatures(), entry, ("tender", row.code)
    )
    update_tender(context.uow.connection, row, pending="close_tender", refusal=None)
    return {"tender": row.code, "order": order}


def approve_release(command: ReleaseShare, context: ActContext) -> Ask:
    """A second person of the institution whose key it is signs its digest."""
    row = _check_release(command, context)
    own = context.actor.institution
    share = take_share(context, row.code, own, command.private_key)
    released = chain.share_release(context, row, share.private)
    capacity = "issuer" if own == row.ministry else "auctioneer"
    return Ask(
        [released.requirement(own, capacity)], memo=released.memo(), subject=subject(row.code)
    )


@act(capacities=["issuer", "auctioneer"], approvals=approve_release, confidential=True)
def release_share(command: ReleaseShare, context: ActContext) -> Result:
    """Release one's institution's key; it counts once the chain, which checks too, has noted it.

    Refuses, in order: `NotFound`, `NotTheirPart`, `CloseNotFinal`, `TenderStateForbids`, then as
    `acts_shares.take_share`.
    """
    row = _check_release(command, context)
    own = context.actor.institution
    share = take_share(context, row.code, own, command.private_key)
    key = tables.tender_key
    context.uow.connection.execute(
        sql.update(key)
        .where(
            key.c.programme == row.programme,
            key.c.tender == row.code,
            key.c.institution == own,
        )
        .values(released=share.private.hex())
    )
    entry = context.uow.journal.append(
        events.SHARE_RELEASE_REQUESTED,
        {"tender": row.code, "institution": own, "public_key": share.key.public.hex()},
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "release_tender_share",
        context.approved.signatures(),
        entry,
        ("tender_share", f"{row.code}:{own}"),
    )
    return {"tender": row.code, "institution": own, "order": order}


def approve_letter_opening(command: OpenLetter, context: ActContext) -> Ask:
    """A second person of the central bank, who sees the envelope opened."""
    row, _bid = _check_letter(command, context)
    return Ask([Requirement(row.central_bank, "auctioneer")], subject=subject(row.code))


@act(capacities=["auctioneer"], approvals=approve_letter_opening, confidential=True)
def open_letter(command: OpenLetter, context: ActContext) -> Result:
    """Take the form and salt out of an envelope.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `SharesNotReleased`, `NotFound` (no such letter), `LetterDiffers`.
    """
    row, bid = _check_letter(command, context)
    form = bytes.fromhex(command.form)
    table = tables.sealed_bid
    context.uow.connection.execute(
        sql.update(table).where(table.c.id == bid.id).values(sealed=form, salt=command.salt)
    )
    context.uow.journal.append(
        events.LETTER_OPENED,
        {"tender": row.code, "bid": bid.id, "form_digest": chain.sha256(form).hex()},
        subject=subject(row.code),
    )
    return {"tender": row.code, "bid": bid.id}


def approve_opening(command: OpenBids, context: ActContext) -> Ask:
    """A second person of the central bank."""
    row = _check_opening(command, context)
    return Ask([Requirement(row.central_bank, "auctioneer")], subject=subject(row.code))


@act(capacities=["auctioneer"], approvals=approve_opening)
def open_bids(command: OpenBids, context: ActContext) -> Result:
    """Open the book: every commitment of the chain comes to one outcome.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `SharesNotReleased`.  Raises `Corrupt` if the chain has commitments that are not indexed here.
    """
    row = _check_opening(command, context)
    connection = context.uow.connection
    recorded = chain.commitments_recorded(context, row)
    indexed = len(commitments_of(connection, row))
    if recorded != indexed:
        raise Corrupt(
            f"tender {row.code}: the chain has {recorded} commitments, the index {indexed}"
        )
    shares = shares_of(connection, row)
    assert shares is not None  # `_check_opening` refuses otherwise
    book = book_of(connection, row, shares)
    _store_book(context, row, book)
    fates = count_by([outcome.fate.value for outcome in book.outcomes])
    counted = {
        name: str(fates.get(name, 0)) for name in ("opened", "superseded", "withdrawn", "void")
    }
    context.uow.journal.append(
        events.BIDS_OPENED,
        {
            "tender": row.code,
            "commitments": str(len(book.outcomes)),
            "bids": str(len(book.bids)),
            **counted,
        },
        subject=subject(row.code),
    )
    update_tender(
        connection, row, state=TenderState.OPENED.value, opened_at=context.now.isoformat()
    )
    return {"tender": row.code, "bids": len(book.bids), **counted}


def _store_book(context: ActContext, row: Row[Any], book: Book) -> None:
    table, line = tables.commitment, tables.bid_line
    for outcome in book.outcomes:
        context.uow.connection.execute(
            sql.update(table)
            .where(
                table.c.programme == row.programme,
                table.c.tender == row.code,
                table.c.sequence == outcome.commitment.sequence,
            )
            .values(
                fate=outcome.fate.value,
                reason=outcome.reason.value if outcome.reason else None,
                evidence=outcome.evidence.hex() if outcome.evidence else None,
            )
        )
    for place, bid in enumerate(book.bids, 1):
        values: dict[str, Any] = {"competitive": isinstance(bid, CompetitiveBid)}
        if isinstance(bid, CompetitiveBid):
            values["price"] = text_from(bid.price) if bid.price is not None else None
            values["yield_pct"] = text_from(bid.yield_pct) if bid.yield_pct is not None else None
        else:
            values["investor"] = bid.investor
            values["investor_class"] = bid.investor_class
        context.uow.connection.execute(
            line.insert().values(
                programme=row.programme,
                tender=row.code,
                place=place,
                sequence=bid.sequence,
                number=bid.number,
                line=bid.line,
                nominal=str(bid.nominal),
                **values,
            )
        )


def _check_close(command: CloseTender, context: ActContext) -> Row[Any]:
    row = load_tender(context, command.tender, TenderState.OPEN)
    require_part(context, row, "central_bank")
    require_no_halt(context, row)
    if instant(context.now) < row.bids_due:
        raise BiddingStillOpen(tender=row.code, bids_due=row.bids_due)
    return row


def _check_release(command: ReleaseShare, context: ActContext) -> Row[Any]:
    row = find_tender(context.uow.connection, context.programme, command.tender)
    own = context.actor.institution
    if own not in (row.ministry, row.central_bank):
        raise NotTheirPart(
            institution=own, tender=row.code, theirs=f"{row.ministry} and {row.central_bank}"
        )
    if row.state in (TenderState.TARGET_SET.value, TenderState.OPEN.value):
        raise CloseNotFinal(tender=row.code)
    return load_tender(context, command.tender, TenderState.CLOSED)


def _check_opening(command: OpenBids | OpenLetter, context: ActContext) -> Row[Any]:
    row = load_tender(context, command.tender, TenderState.CLOSED)
    require_part(context, row, "central_bank")
    if shares_of(context.uow.connection, row) is None:
        raise SharesNotReleased(tender=row.code)
    return row


def _check_letter(command: OpenLetter, context: ActContext) -> tuple[Row[Any], Row[Any]]:
    row = _check_opening(command, context)
    table = tables.sealed_bid
    bid = context.uow.connection.execute(
        sql.select(table).where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.id == command.bid,
            table.c.letter,
        )
    ).one_or_none()
    if bid is None:
        raise NotFound(
            thing=Message("letter in tender {tender}", tender=row.code), value=command.bid
        )
    found = commitment(
        bytes.fromhex(row.chain_id),
        bid.number,
        bytes.fromhex(command.form),
        bytes.fromhex(command.salt),
    ).hex()
    if found != bid.commitment:
        raise LetterDiffers(bid=bid.id, found=found, commitment=bid.commitment)
    return row, bid
