"""What acts on a tender's times and target, on bids, letters and key shares will do.

Of bids nothing is said but to their bidder: how many there are nobody learns before the close who
does not run the tender.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.auctions import tables
from amanat.auctions.acts_rules import BidState, find_tender
from amanat.auctions.acts_shares import key_row
from amanat.auctions.commands import (
    EnterLetter,
    ExtendTender,
    OpenBids,
    OpenLetter,
    PostponeTender,
    PublishCalendar,
    ReleaseShare,
    ResealShare,
    ReviseBid,
    SetTarget,
    SubmitBid,
    SubmitNonCompetitiveBid,
    WithdrawBid,
)
from amanat.auctions.custody import keepers_of
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.programme.effects import face_of


def _announced(seen: Seen, code: str) -> Row[Any]:
    """A tender that is offered; before it is, whether there is one is not said here."""
    row = find_tender(seen.connection, seen.programme, code)
    if row.announced_at is None:
        raise NotFound(thing="announced tender", value=code)
    return row


def _run(seen: Seen, code: str) -> Row[Any]:
    """A tender that the proposer's institution runs.  Refuses `NotFound`."""
    row = find_tender(seen.connection, seen.programme, code)
    if seen.institution not in (row.ministry, row.central_bank):
        raise NotFound(thing="tender", value=code)
    return row


def _time(stored: str) -> datetime:
    return datetime.fromisoformat(stored)


@effects(SetTarget)
def target_set(command: SetTarget, seen: Seen) -> Iterator[Message]:
    """What is to be offered when; nobody outside knows it before the announcement."""
    yield Message(
        "{nominal} of {isin} is to be offered on {day}",
        nominal=face_of(seen, command.target),
        isin=command.isin,
        day=command.auction_date,
    )
    yield Message("Bidders learn of it when the tender is announced")


@effects(ExtendTender)
def extended(command: ExtendTender, seen: Seen) -> Iterator[Message]:
    """Until when bids are taken before and after."""
    yield _due(_announced(seen, command.tender), command.bids_due)
    yield Message("It takes effect when the ledger has it; till then the former time binds")


@effects(PostponeTender)
def postponed(command: PostponeTender, seen: Seen) -> Iterator[Message]:
    """The days and times before and after."""
    row = _announced(seen, command.tender)
    yield Message(
        "Auction of {tender}: {before} before, {after} after",
        tender=row.code,
        before=date.fromisoformat(row.auction_date),
        after=command.auction_date,
    )
    yield Message(
        "Settlement of {tender}: {before} before, {after} after",
        tender=row.code,
        before=date.fromisoformat(row.settlement_date),
        after=command.settlement_date,
    )
    yield _due(row, command.bids_due)


def _due(row: Row[Any], after: datetime) -> Message:
    return Message(
        "Bids in {tender} are due: {before} before, {after} after",
        tender=row.code,
        before=_time(row.bids_due),
        after=after,
    )


@effects(PublishCalendar)
def calendar_published(command: PublishCalendar, seen: Seen) -> Iterator[Message]:
    """How many auctions are announced, of how much, and what it replaces."""
    yield Message(
        "Auctions in the calendar: {count}, of {nominal} in all",
        count=len(command.lines),
        nominal=face_of(seen, sum(one.target for one in command.lines)),
    )
    if command.replaces is not None:
        yield Message("Calendar {calendar} is no longer in force", calendar=command.replaces)


@effects(SubmitBid, SubmitNonCompetitiveBid)
def bid_submitted(command: SubmitBid | SubmitNonCompetitiveBid, seen: Seen) -> Iterator[Message]:
    """That it binds, and until when it can be changed; what is inside nobody reads here."""
    row = _announced(seen, command.tender)
    yield Message(
        "A sealed sheet of {count} bytes for {tender}: nobody reads it before the close",
        tender=row.code,
        count=len(command.ciphertext) // 2,
    )
    yield _until(row)


@effects(ReviseBid, WithdrawBid)
def bid_changed(command: ReviseBid | WithdrawBid, seen: Seen) -> Iterator[Message]:
    """Which of one's own sheets counts no more."""
    row, bid = _announced(seen, command.tender), tables.sealed_bid
    own = seen.connection.execute(
        sql.select(bid.c.commitment).where(
            bid.c.programme == seen.programme,
            bid.c.tender == row.code,
            bid.c.id == command.bid,
            bid.c.participant == seen.institution,
            bid.c.state.in_((BidState.REQUESTED.value, BidState.RECORDED.value)),
        )
    ).scalar_one_or_none()
    if own is None:
        raise NotFound(thing="sheet of yours", value=command.bid)
    if isinstance(command, ReviseBid):
        yield Message("The new sheet takes the place of the one with commitment {commitment}",
                      commitment=str(own))  # fmt: skip
    else:
        yield Message("The sheet with commitment {commitment} counts no more", commitment=str(own))
    yield _until(row)


def _until(row: Row[Any]) -> Message:
    return Message(
        "It binds from the close; until {bids_due} you can revise or withdraw it",
        bids_due=_time(row.bids_due),
    )


@effects(EnterLetter)
def letter_entered(command: EnterLetter, seen: Seen) -> Iterator[Message]:
    """For whom a letter counts as a bid, and what both institutions vouch for."""
    row, bidder = _run(seen, command.tender), tables.tender_bidder
    dealer = seen.connection.execute(
        sql.select(bidder.c.participant).where(
            bidder.c.programme == seen.programme,
            bidder.c.tender == row.code,
            bidder.c.account == command.account.lower(),
        )
    ).scalar_one_or_none()
    if dealer is None:
        raise NotFound(thing="bidder", value=command.account)
    yield Message(
        "A letter of {participant} counts as a bid in {tender}, received {received_at}",
        participant=str(dealer),
        tender=row.code,
        received_at=command.received_at,
    )
    yield Message("Both institutions vouch that the sealed envelope was there in time")


@effects(ReleaseShare)
def share_released(command: ReleaseShare, seen: Seen) -> Iterator[Message]:
    """What can be opened afterwards, and that there is no way back."""
    row = _run(seen, command.tender)
    other = row.central_bank if seen.institution == row.ministry else row.ministry
    released = key_row(seen.connection, seen.programme, row.code, other).released_at is not None
    yield Message("The key of {institution} to the bids in {tender} becomes public for good",
                  institution=seen.institution, tender=row.code)  # fmt: skip
    if released:
        yield Message("Both keys are out then: every sealed bid can be opened")
    else:
        yield Message("Nothing opens before {institution} has released its key too",
                      institution=other)  # fmt: skip


@effects(ResealShare)
def share_resealed(command: ResealShare, seen: Seen) -> Iterator[Message]:
    """How many keys open one's share before; afterwards those of all one's people do."""
    row = _run(seen, command.tender)
    key = key_row(seen.connection, seen.programme, row.code, seen.institution)
    before = len(keepers_of(key.sealed_private)) if key.sealed_private is not None else 0
    yield Message(
        "Keys that open the share of {institution} in {tender}: {count}; afterwards those of all "
        "its people that are here",
        institution=seen.institution,
        tender=row.code,
        count=before,
    )


@effects(OpenLetter)
def letter_opened(command: OpenLetter, seen: Seen) -> Iterator[Message]:
    """Whose letter is opened."""
    row, bid = _run(seen, command.tender), tables.sealed_bid
    number = seen.connection.execute(
        sql.select(bid.c.number).where(
            bid.c.programme == seen.programme,
            bid.c.tender == row.code,
            bid.c.id == command.bid,
            bid.c.letter,
        )
    ).scalar_one_or_none()
    if number is None:
        raise NotFound(thing="letter", value=command.bid)
    yield Message("The letter of bidder {number} in {tender} is read into the book",
                  number=str(number), tender=row.code)  # fmt: skip


@effects(OpenBids)
def bids_opened(command: OpenBids, seen: Seen) -> Iterator[Message]:
    """How many commitments come to an outcome; what is not delivered by then is void."""
    row, table = _run(seen, command.tender), tables.commitment
    count = seen.connection.execute(
        sql.select(sql.func.count()).where(
            table.c.programme == seen.programme, table.c.tender == row.code
        )
    ).scalar_one()
    yield Message("Commitments that come to an outcome: {count}", count=int(count))
    yield Message("What was not delivered, or does not open, is void from then on")
