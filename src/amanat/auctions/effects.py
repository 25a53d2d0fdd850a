"""What acts will do to tenders, bids and allotments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.auctions import tables
from amanat.auctions.acts_award import find_allotment
from amanat.auctions.acts_book import decision_of, result_of
from amanat.auctions.acts_rules import BidState, TenderState, find_tender
from amanat.auctions.commands import (
    AdmitBidders,
    AmendTarget,
    AnnounceTender,
    AwardTender,
    CancelTender,
    CloseTender,
    FixCutOff,
    NoAward,
    RecordDefault,
)
from amanat.auctions.model import Award, Decision
from amanat.auctions.model import NoAward as NothingAwarded
from amanat.core.messages import Message
from amanat.licensing.commands import Suspend
from amanat.licensing.model import Accounts
from amanat.licensing.records import pack_of
from amanat.participants.commands import SetLevel
from amanat.participants.model import Level
from amanat.participants.records import find_participant, level_of
from amanat.programme.commands import AnnounceChange, Halt, Replaceable, Resume
from amanat.programme.effects import cash_of, face_of
from amanat.programme.records import WHOLE_PROGRAMME


def _bids(seen: Seen, code: str) -> int:
    """Sealed sheets that stand."""
    table = tables.sealed_bid
    return int(
        seen.connection.execute(
            sql.select(sql.func.count()).where(
                table.c.programme == seen.programme,
                table.c.tender == code,
                table.c.state.in_((BidState.REQUESTED.value, BidState.RECORDED.value)),
            )
        ).scalar_one()
    )


def _admitted(seen: Seen, code: str) -> int:
    table = tables.tender_bidder
    return int(
        seen.connection.execute(
            sql.select(sql.func.count()).where(
                table.c.programme == seen.programme, table.c.tender == code
            )
        ).scalar_one()
    )


def _open(seen: Seen, *conditions: sql.ColumnElement[bool]) -> list[Row[Any]]:
    table = tables.tender
    return list(
        seen.connection.execute(
            sql.select(table).where(
                table.c.programme == seen.programme,
                table.c.state == TenderState.OPEN.value,
                *conditions,
            )
        )
    )


@effects(AnnounceTender)
def announced(command: AnnounceTender, seen: Seen) -> Iterator[Message]:
    """What is offered, and until when bids are taken."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    yield Message(
        "{nominal} of {isin} is offered; bids are due at {bids_due}",
        nominal=face_of(seen, row.target),
        isin=row.isin,
        bids_due=command.bids_due,
    )
    if command.bidders:
        yield Message("Accounts that may bid: {count}", count=len(command.bidders))


@effects(AdmitBidders)
def admitted(command: AdmitBidders, seen: Seen) -> Iterator[Message]:
    """Accounts that may bid before and after."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    before = _admitted(seen, row.code)
    yield Message(
        "Accounts that may bid in {tender}: {before} before, {after} after",
        tender=row.code,
        before=before,
        after=before + len(set(command.bidders)),
    )


@effects(AmendTarget)
def amended(command: AmendTarget, seen: Seen) -> Iterator[Message]:
    """The target before and after, and who has bid for the former one."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    yield Message(
        "Target of {tender}: {before} before, {after} after",
        tender=row.code,
        before=face_of(seen, row.target),
        after=face_of(seen, command.target),
    )
    yield Message("Sealed sheets that have come in: {count}", count=_bids(seen, row.code))


@effects(CancelTender)
def cancelled(command: CancelTender, seen: Seen) -> Iterator[Message]:
    """What is not offered any more, and the bids that stay sealed."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    yield Message(
        "{nominal} of {isin} is no longer offered", nominal=face_of(seen, row.target), isin=row.isin
    )
    yield Message("Bids that stay sealed for good: {count}", count=_bids(seen, row.code))


@effects(CloseTender)
def closed(command: CloseTender, seen: Seen) -> Iterator[Message]:
    """The bids that stand at the close."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    yield Message("Sealed sheets that have come in: {count}", count=_bids(seen, row.code))
    yield Message("Nobody can bid, revise or withdraw afterwards")


def _allotted(seen: Seen, row: Row[Any], decision: Decision) -> Iterator[Message]:
    found, _published = result_of(seen.connection, row, decision)
    taken = [one for one in found.result.allotments if one.nominal > 0]
    yield Message(
        "Bids accepted, whole or in part: {count} of {bids}",
        count=len(taken),
        bids=len(found.result.allotments),
    )
    yield Message(
        "Nominal accepted: {nominal} of {target} on offer",
        nominal=face_of(seen, sum(one.nominal for one in taken)),
        target=face_of(seen, int(row.target)),
    )


@effects(FixCutOff)
def cut_off(command: FixCutOff, seen: Seen) -> Iterator[Message]:
    """How many bids it accepts and how much of the offer."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    decision: Decision = (
        NothingAwarded() if command.no_award else Award(command.cut_off, command.amount)
    )
    yield from _allotted(seen, row, decision)


@effects(AwardTender, NoAward)
def awarded(command: AwardTender | NoAward, seen: Seen) -> Iterator[Message]:
    """What the ministry's decision makes of the bids."""
    row = find_tender(seen.connection, seen.programme, command.tender)
    yield from _allotted(seen, row, decision_of(row))


@effects(RecordDefault)
def defaulted(command: RecordDefault, seen: Seen) -> Iterator[Message]:
    """What is not delivered and not paid."""
    row = find_allotment(seen.connection, seen.programme, command.allotment)
    yield Message(
        "{nominal} of {isin} is not delivered to {participant}",
        nominal=face_of(seen, row.nominal),
        isin=row.isin,
        participant=row.participant,
    )
    yield Message(
        "Money that does not come in: {amount}",
        amount=cash_of(seen, row.realised_minor + row.accrued_minor),
    )


def _tenders_of(seen: Seen, code: str) -> int:
    """In how many open tenders a participant is on the roll."""
    table, bidder = tables.tender, tables.tender_bidder
    admitted_there = sql.exists().where(
        bidder.c.programme == table.c.programme,
        bidder.c.tender == table.c.code,
        bidder.c.participant == code,
    )
    return len(_open(seen, admitted_there))


@effects(Suspend)
def tenders_of_suspension(command: Suspend, seen: Seen) -> Iterator[Message]:
    """Open tenders in which the provider may not bid any more."""
    shuts = pack_of(seen.connection, seen.programme).suspension(command.level).shuts
    # Bids are for own accounts; what clients may do is another matter.
    apart = command.category is not None or command.accounts is Accounts.CLIENT
    if not apart and "bid" in shuts:
        yield Message(
            "Open tenders in which it may not bid any more: {count}",
            count=_tenders_of(seen, command.provider),
        )


@effects(SetLevel)
def tenders_of_level(command: SetLevel, seen: Seen) -> Iterator[Message]:
    """Open tenders in which the participant may or may not bid any more."""
    former = level_of(find_participant(seen.connection, seen.programme, command.participant))
    if (former is Level.ACTIVE) == (command.level is Level.ACTIVE):
        return
    count = _tenders_of(seen, command.participant)
    if command.level is Level.ACTIVE:
        yield Message("Open tenders in which it may bid again: {count}", count=count)
    else:
        yield Message("Open tenders in which it may not bid any more: {count}", count=count)


@effects(Halt, Resume)
def tenders_of_halt(command: Halt | Resume, seen: Seen) -> Iterator[Message]:
    """Open tenders in what is halted or resumed."""
    if command.scope in (WHOLE_PROGRAMME, "tenders"):
        rows = _open(seen)
    elif len(command.scope) == 12:
        rows = _open(seen, tables.tender.c.isin == command.scope)
    else:
        return
    if isinstance(command, Halt):
        yield Message("Open tenders that stand still while it lasts: {count}", count=len(rows))
    else:
        yield Message("Open tenders that go on: {count}", count=len(rows))


@effects(AnnounceChange)
def tenders_replaced(command: AnnounceChange, seen: Seen) -> Iterator[Message]:
    """For how many tenders without a result the replacement would wait now."""
    if command.contract is not Replaceable.TENDER:
        return
    yield Message(
        "Tenders without a result, for which it waits: {count}",
        count=int(seen.ledger.call("Tender", "open_tenders")),
    )
