"""What the acts of this room have in common: states, refusals, and how a tender is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext
from amanat.access.tables import institution
from amanat.auctions.tables import tender
from amanat.core.errors import Forbidden, Invalid, NotFound, Refusal
from amanat.core.messages import Message, Word
from amanat.licensing.standing import require_participant
from amanat.participants.model import Level
from amanat.participants.records import level_of, valid_until
from amanat.participants.tables import account, participant
from amanat.programme.records import require_running

ROOM = "tender"
"""First part of the subject under which the journal files what concerns a tender."""


class TenderState(StrEnum):
    """How far a tender has come; an order that is under way stands in `pending` beside it."""

    TARGET_SET = "target_set"
    OPEN = "open"
    CLOSED = "closed"
    OPENED = "opened"
    DECIDED = "decided"
    AWARDED = "awarded"
    NO_AWARD = "no_award"
    CANCELLED = "cancelled"


class BidState(StrEnum):
    """What became of a submitted sheet before the close."""

    REQUESTED = "requested"
    RECORDED = "recorded"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


class AllotmentState(StrEnum):
    """What became of an allotment; settlement moves it on, or a default ends it."""

    AWAITING_SETTLEMENT = "awaiting_settlement"
    SETTLED = "settled"
    DEFAULTED = "defaulted"


class TenderExists(Refusal):
    """A tender's code is given once."""

    template: ClassVar[str] = "There is a tender {tender} already."


class CalendarExists(Refusal):
    """A calendar's code is given once; a later calendar names the one that it replaces."""

    template: ClassVar[str] = "There is a calendar {calendar} already."


class TenderStateForbids(Refusal):
    """Each act belongs to certain states of a tender."""

    template: ClassVar[str] = "Tender {tender} is {state}; this takes one that is {allowed}."


class OrderUnderWay(Refusal):
    """While an order about a tender is under way, no second one is made."""

    template: ClassVar[str] = "Tender {tender} awaits the outcome of {pending} on the ledger."


class NotTheirPart(Forbidden):
    """Ministry and central bank each have their own part in a tender."""

    template: ClassVar[str] = "{institution} has no such part in tender {tender}; {theirs} has."


class TimesDisorderly(Invalid):
    """A tender's times and dates follow one another, and lie ahead when they are set."""

    template: ClassVar[str] = (
        "Tender {tender}: {earlier} ({first}) must come before {later} ({second})."
    )


class TimeNotWhole(Invalid):
    """The ledger counts whole seconds."""

    template: ClassVar[str] = "{field}: {value} is not a whole second."


class TargetUnchanged(Invalid):
    """An amended target is another one."""

    template: ClassVar[str] = "The target of tender {tender} is {target} already."


class OfferMoved(Refusal):
    """What is announced is what was signed."""

    template: ClassVar[str] = "Tender {tender}: {what} was signed as {signed} and is now {found}."


class BiddersTooMany(Invalid):
    """One signed roll admits at most 64 bidders."""

    template: ClassVar[str] = "Tender {tender}: {count} bidders; one roll admits {maximum}."


class SheetStands(Refusal):
    """A bidder has one sheet in each window; it is revised, not added to."""

    template: ClassVar[str] = "Bid {bid} stands in the {window} window of {tender}: revise it."


class BiddingNotOpen(Refusal):
    """Bids are taken from the announced time on."""

    template: ClassVar[str] = "Bids for tender {tender} are taken from {bids_open}."


class BiddingOver(Refusal):
    """Bids are taken until the announced time, by block time."""

    template: ClassVar[str] = "Bids for tender {tender} were due at {bids_due}."


class BiddingStillOpen(Refusal):
    """Nothing closes, and no letter is entered, before the announced time."""

    template: ClassVar[str] = "Bids for tender {tender} are taken until {bids_due}."


class DealerMayNotBid(Refusal):
    """Bids come from an active primary dealer, by an account of its own."""

    status: ClassVar[int] = 403
    template: ClassVar[str] = "{participant} may not bid in tender {tender}: {reason}."


class CloseNotFinal(Refusal):
    """No key is released before the closing block is final."""

    template: ClassVar[str] = "Tender {tender} is not closed for good: no key is released yet."


class CommitmentTwice(Refusal):
    """A commitment is made once; a copy of another's would not open under one's own number."""

    template: ClassVar[str] = "Tender {tender} has the commitment {commitment} already."


class LetterLate(Refusal):
    """A letter counts that arrived before bids were due."""

    template: ClassVar[str] = "The letter arrived {received_at}; bids were due {bids_due}."


class LetterDiffers(Refusal):
    """What is read from an envelope gives the commitment that was entered for it."""

    template: ClassVar[str] = "Letter {bid} gives the commitment {found}, not {commitment}."


class SharesNotReleased(Refusal):
    """One institution's key alone opens nothing."""

    template: ClassVar[str] = "Tender {tender}: both institutions have not released their keys."


class DecisionMeaningless(Invalid):
    """A decision is an award with a cut-off or an amount, or no award."""

    template: ClassVar[str] = "Tender {tender}: name a cut-off or an amount, or no award."


class DecisionOther(Refusal):
    """What is published is what the ministry decided."""

    template: ClassVar[str] = "Tender {tender}: the ministry decided {decision}."


class ResultMoved(Refusal):
    """What is published is what was signed."""

    template: ClassVar[str] = "Tender {tender}: root {signed} was signed, {found} follows now."


class AllotmentStateForbids(Refusal):
    """An allotment is settled or cancelled once."""

    template: ClassVar[str] = "Allotment {allotment} is {state}; this takes one that is {allowed}."


class NotYetDefaulted(Refusal):
    """A winner may pay until the last day for settlement, inclusive."""

    template: ClassVar[str] = "Allotment {allotment} may be paid until {last_day}; it is {today}."


class BidRefusedBefore(Refusal):
    """Only a bid that stands can be revised or withdrawn."""

    template: ClassVar[str] = "Bid {bid} is {state}."


class BidNotTheirs(NotFound):
    """A bid is its own bidder's alone, until the book is opened."""

    template: ClassVar[str] = "There is no bid {bid} of yours in tender {tender}."


def instant(value: datetime) -> str:
    """A time as it is stored: UTC to the second, so that text sorts as time does."""
    return value.astimezone(UTC).isoformat(timespec="seconds")


def seconds(value: str) -> int:
    """Block time of a stored instant."""
    return int(datetime.fromisoformat(value).timestamp())


def from_seconds(value: int) -> str:
    """A stored instant of a block time."""
    return instant(datetime.fromtimestamp(value, UTC))


def whole(field: str, value: datetime) -> str:
    """A stored instant; refuses `TimeNotWhole`."""
    if value.microsecond:
        raise TimeNotWhole(field=field, value=value.isoformat())
    return instant(value)


def check_order(code: str, *steps: tuple[str, str | date]) -> None:
    """Refuse `TimesDisorderly` unless each step comes after the one before it."""
    for (earlier, first), (later, second) in pairwise(steps):
        if not str(first) < str(second):
            raise TimesDisorderly(
                tender=code, earlier=earlier, first=first, later=later, second=second
            )


def subject(code: str) -> str:
    """The journal's subject of a tender."""
    return f"{ROOM}:{code}"


def find_tender(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The tender's row, locked where the database locks rows; refuses `NotFound`."""
    row = connection.execute(
        sql.select(tender)
        .where(tender.c.programme == programme, tender.c.code == code)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="tender", value=code)
    return row


def load_tender(context: ActContext, code: str, *allowed: TenderState) -> Row[Any]:
    """The tender, in one of the allowed states and with no order under way.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`.
    """
    row = find_tender(context.uow.connection, context.programme, code)
    if row.state not in {state.value for state in allowed}:
        names = " or ".join(state.value for state in allowed)
        raise TenderStateForbids(tender=code, state=row.state, allowed=names)
    if row.pending is not None:
        raise OrderUnderWay(tender=code, pending=row.pending)
    return row


def require_no_halt(context: ActContext, row: Row[Any]) -> None:
    """Refuse `Halted` while the programme, its tenders or this security are halted."""
    require_running(context.uow.connection, context.programme, "tenders", row.isin)


def update_tender(connection: Connection, row: Row[Any], **values: Any) -> None:
    """Write some columns of a tender."""
    connection.execute(
        sql.update(tender)
        .where(tender.c.programme == row.programme, tender.c.code == row.code)
        .values(**values)
    )


def require_part(context: ActContext, row: Row[Any], part: str) -> None:
    """Refuse `NotTheirPart` unless the actor's institution is the tender's `ministry` or
    `central_bank`, as `part` says.

    That is asked when an act is proposed: it is carried out by whoever approves last.
    """
    theirs = row._mapping[part]
    if context.approval is None and context.actor.institution != theirs:
        raise NotTheirPart(institution=context.actor.institution, tender=row.code, theirs=theirs)


def institution_with(connection: Connection, programme: str, capacity: str) -> str:
    """The code of the one institution with a capacity; refuses `NotFound` if none or several."""
    rows = connection.execute(
        sql.select(institution.c.code, institution.c.capacities).where(
            institution.c.programme == programme
        )
    )
    found = [row.code for row in rows if capacity in row.capacities]
    if len(found) != 1:
        raise NotFound(thing="one institution with the capacity", value=capacity)
    return str(found[0])


def require_dealer(
    context: ActContext, row: Row[Any], dealer: str, address: str
) -> Mapping[str, Any]:
    """The dealer's account as a mapping; refuses `DealerMayNotBid` with the first reason.

    The level is the stricter of what the ledger has and what was requested, so a suspension binds
    at once.  Of a licensed provider the refusal names what is missing: `ProviderSuspended`,
    `PermissionMissing`.
    """
    connection, programme = context.uow.connection, context.programme
    require_participant(connection, programme, dealer, "bid", context.business_date)
    reason: Message | None = None
    found = connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme, participant.c.code == dealer
        )
    ).one_or_none()
    held = connection.execute(
        sql.select(account).where(
            account.c.programme == programme, account.c.address == address.lower()
        )
    ).one_or_none()
    capacities = connection.execute(
        sql.select(institution.c.capacities).where(
            institution.c.programme == programme, institution.c.code == dealer
        )
    ).scalar_one_or_none()
    today = context.business_date.isoformat()
    if found is None or "primary_dealer" not in (capacities or ()):
        reason = Message("it is no primary dealer")
    else:
        if level_of(found) is not Level.ACTIVE:
            reason = Message("its level is {level}", level=Word(level_of(found).value))
        elif valid_until(found) < today:
            reason = Message(
                "its admission was valid until {valid_until}",
                valid_until=valid_until(found) or Message("no day"),
            )
        elif held is None or held.participant != dealer or held.done_at is None or held.closed_at:
            reason = Message("account {account} is not enrolled as its own", account=address)
    if reason is not None or held is None:
        raise DealerMayNotBid(participant=dealer, tender=row.code, reason=reason)
    return dict(held._mapping)
