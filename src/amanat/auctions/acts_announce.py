"""The announcement of a tender and its changes, signed by central bank and ministry.

What is announced is on the chain, so each of these acts is first requested and takes effect when
the chain has it, final (`handlers`); a cancellation binds here from its request.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.access.tables import institution
from amanat.auctions import acts_chain as chain
from amanat.auctions import events, tables
from amanat.auctions.acts_book import keys_of, pricing_on, security_terms
from amanat.auctions.acts_rules import (
    BiddersTooMany,
    BiddingOver,
    OfferMoved,
    TenderState,
    TenderStateForbids,
    check_order,
    instant,
    load_tender,
    require_dealer,
    require_no_halt,
    require_part,
    subject,
    update_tender,
    whole,
)
from amanat.auctions.acts_shares import make_share
from amanat.auctions.commands import (
    AdmitBidders,
    AnnounceTender,
    CancelTender,
    ExtendTender,
    PostponeTender,
)
from amanat.auctions.laws import check_terms
from amanat.auctions.model import (
    MarginRule,
    NonCompetitiveRules,
    RoundingRules,
    TenderTerms,
)
from amanat.auctions.records import key_record, terms_record
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.errors import Refusal
from amanat.licensing.model import PermissionMissing
from amanat.licensing.standing import require_participant
from amanat.participants.model import Level
from amanat.participants.records import level_of, valid_until
from amanat.participants.tables import account, participant
from amanat.programme.model import NotBusinessDay
from amanat.programme.records import calendar_of

BIDDERS_MAX = 64


def approve_announcement(command: AnnounceTender, context: ActContext) -> Ask:
    """The proposer signs the roll of bidders; one more of the bank, and the ministry, the tender.

    The central bank's key for the sealed bids is made here, so that the signed terms name it.
    """
    row = _load_offer(command, context)
    make_share(context, row.code, row.central_bank, command.sealing_key)
    offer = _offer(command, context, row)
    roll = _draw_numbers(_bidders(command.bidders, context, row))
    announced = chain.announcement(context, row, offer)
    admitted = chain.bidder_roll(context, row, roll)
    return Ask(
        [
            admitted.requirement(row.central_bank, "auctioneer.bidders", proposer=True),
            announced.requirement(row.central_bank, "auctioneer"),
            announced.requirement(row.ministry, "issuer"),
        ],
        memo=announced.memo() | admitted.memo() | {"offer": offer},
        subject=subject(row.code),
    )


@act(capacities=["auctioneer"], approvals=approve_announcement)
def announce_tender(command: AnnounceTender, context: ActContext) -> Result:
    """Ask the chain to announce the tender, then to admit its bidders.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `Halted`, `TimeNotWhole`, `TimesDisorderly`, `NotBusinessDay`, `NoConventionForDate`,
    `SettlementOutsideLife`, `TermsInvalid`, `DealerMayNotBid`, `BiddersTooMany`, `KeyNotHeld`,
    `OfferMoved`.
    """
    row = _load_offer(command, context)
    offer: Mapping[str, Any] = context.approved.memo["offer"]
    _check_still_so(context, row, offer)
    message = context.approved.memo["admit_tender_bidders"]
    roll = [
        (int(number), address)
        for number, address in zip(message["bidders"], message["keys"], strict=True)
    ]
    entry = context.uow.journal.append(
        events.TENDER_ANNOUNCEMENT_REQUESTED,
        _announced(row, offer, len(roll)),
        subject=subject(row.code),
    )
    about = ("tender", row.code)
    given = context.approved
    first = chain.order(
        context, "announce_tender", given.signatures("auctioneer", "issuer"), entry, about
    )
    chain.order(
        context,
        "admit_tender_bidders",
        given.signatures("auctioneer.bidders"),
        entry,
        about,
        depends_on=[first],
    )
    _enter_bidders(context, row, roll)
    update_tender(
        context.uow.connection,
        row,
        pending="announce_tender",
        refusal=None,
        settlement_date=offer["settlement_date"],
        last_settlement_date=offer["last_settlement_date"],
        bids_open=offer["bids_open"],
        bids_due=offer["bids_due"],
        non_competitive_due=offer["non_competitive_due"],
        unpaid=offer["unpaid"],
        rules=canonical_bytes(offer["terms"]),
        terms_hash=offer["terms_hash"],
    )
    return {
        "tender": row.code,
        "chain_id": row.chain_id,
        "terms_hash": offer["terms_hash"],
        "bidders": len(roll),
        "order": first,
    }


def approve_bidders(command: AdmitBidders, context: ActContext) -> Ask:
    """A second person of the central bank signs the roll."""
    row = _load_announced(command, context)
    roll = _draw_numbers(_bidders(command.bidders, context, row))
    admitted = chain.bidder_roll(context, row, roll)
    return Ask(
        [admitted.requirement(row.central_bank, "auctioneer")],
        memo=admitted.memo(),
        subject=subject(row.code),
    )


@act(capacities=["auctioneer"], approvals=approve_bidders)
def admit_bidders(command: AdmitBidders, context: ActContext) -> Result:
    """Admit further bidders while bids come in, or all where the chain refused the first roll.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `DealerMayNotBid`, `BiddersTooMany`.
    """
    row = _load_announced(command, context)
    message = context.approved.memo["admit_tender_bidders"]
    roll = [
        (int(number), address)
        for number, address in zip(message["bidders"], message["keys"], strict=True)
    ]
    _enter_bidders(context, row, roll)
    entry = context.uow.journal.append(
        events.BIDDERS_ADMITTED,
        {"tender": row.code, "bidders": str(len(roll))},
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "admit_tender_bidders",
        context.approved.signatures(),
        entry,
        ("tender", row.code),
    )
    return {"tender": row.code, "bidders": len(roll), "order": order}


def approve_extension(command: ExtendTender, context: ActContext) -> Ask:
    """Central bank and ministry sign."""
    row, due = _check_extension(command, context)
    return chain.ask_both(row, chain.times(context, row, "extend_tender", row.bids_open, due))


@act(capacities=["auctioneer"], approvals=approve_extension)
def extend_tender(command: ExtendTender, context: ActContext) -> Result:
    """Ask the chain for a later time; until it has it, the former one binds.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `BiddingOver`, `TimeNotWhole`, `TimesDisorderly`.
    """
    row, due = _check_extension(command, context)
    return _request_change(context, row, "extend_tender", command.reason, {"bids_due": due})


def approve_postponement(command: PostponeTender, context: ActContext) -> Ask:
    """Central bank and ministry sign."""
    row, change = _check_postponement(command, context)
    signed = chain.times(context, row, "postpone_tender", change["bids_open"], change["bids_due"])
    return chain.ask_both(row, signed)


@act(capacities=["auctioneer"], approvals=approve_postponement)
def postpone_tender(command: PostponeTender, context: ActContext) -> Result:
    """Ask the chain to move a tender that has not opened to another day.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `TenderHasOpened`, `TimeNotWhole`, `TimesDisorderly`, `NotBusinessDay`,
    `SettlementOutsideLife`.
    """
    row, change = _check_postponement(command, context)
    return _request_change(context, row, "postpone_tender", command.reason, change)


def approve_cancellation(command: CancelTender, context: ActContext) -> Ask:
    """Central bank and ministry sign."""
    row = _check_cancellation(command, context)
    if row.announced_at is None:
        return Ask(
            [
                Requirement(row.central_bank, "auctioneer"),
                Requirement(row.ministry, "issuer"),
            ],
            subject=subject(row.code),
        )
    return chain.ask_both(row, chain.cancellation(context, row, command.reason))


@act(capacities=["auctioneer"], approvals=approve_cancellation)
def cancel_tender(command: CancelTender, context: ActContext) -> Result:
    """Cancel a tender that has no result; no bid is taken from the request on.

    One that was never announced ends at once.
    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`.
    """
    row = _check_cancellation(command, context)
    if row.announced_at is not None:
        return _request_change(context, row, "cancel_tender", command.reason, {})
    context.uow.journal.append(
        events.TENDER_CANCELLED, {"tender": row.code, "block": None}, subject=subject(row.code)
    )
    update_tender(context.uow.connection, row, state=TenderState.CANCELLED.value)
    return {"tender": row.code, "state": TenderState.CANCELLED.value}


class TenderHasOpened(Refusal):
    """Only a tender that has not opened can move to another day."""

    template = "Tender {tender} has taken bids since {bids_open}; cancel it instead."


def _load_offer(command: AnnounceTender, context: ActContext) -> Row[Any]:
    row = load_tender(context, command.tender, TenderState.TARGET_SET)
    require_part(context, row, "central_bank")
    require_no_halt(context, row)
    return row


def _load_announced(command: AdmitBidders, context: ActContext) -> Row[Any]:
    row = load_tender(context, command.tender, TenderState.OPEN, TenderState.TARGET_SET)
    require_part(context, row, "central_bank")
    if row.announced_at is None:
        raise TenderStateForbids(tender=row.code, state=row.state, allowed=TenderState.OPEN.value)
    return row


def _offer(command: AnnounceTender, context: ActContext, row: Row[Any]) -> dict[str, Any]:
    """Everything that is announced, as the journal has it."""
    opens = whole("bids_open", command.bids_open or context.now.replace(microsecond=0))
    due = whole("bids_due", command.bids_due)
    check_order(
        row.code,
        ("now", instant(context.now)),
        ("bids_due", due),
    )
    check_order(row.code, ("bids_open", opens), ("bids_due", due))
    apart = None
    if command.non_competitive_due is not None:
        apart = whole("non_competitive_due", command.non_competitive_due)
        check_order(row.code, ("bids_open", opens), ("non_competitive_due", apart))
        if apart > due:
            check_order(row.code, ("non_competitive_due", apart), ("bids_due", due))
    _check_dates(context, row, row.auction_date, command)
    terms = _terms(command, row)
    check_terms(terms)
    rules = terms_record(terms)
    del rules["target"]
    bound = {
        "terms": rules,
        "settlement_date": command.settlement_date.isoformat(),
        "last_settlement_date": command.last_settlement_date.isoformat(),
        "non_competitive_due": apart,
        "unpaid": command.unpaid.value,
        "sealing_keys": [key_record(key) for key in keys_of(context.uow.connection, row)],
    }
    return bound | {
        "terms_hash": digest(bound).hex(),
        "auction_date": row.auction_date,
        "bids_open": opens,
        "bids_due": due,
    }


def _check_still_so(context: ActContext, row: Row[Any], offer: Mapping[str, Any]) -> None:
    """What was signed is what stands: neither target, day nor keys have moved meanwhile."""
    now = {
        "target": str(row.target),
        "auction_date": row.auction_date,
        "sealing_keys": [key_record(key) for key in keys_of(context.uow.connection, row)],
    }
    signed = {
        "target": context.approved.memo["announce_tender"]["target"],
        "auction_date": offer["auction_date"],
        "sealing_keys": offer["sealing_keys"],
    }
    for what, value in now.items():
        if signed[what] != value:
            raise OfferMoved(tender=row.code, what=what, signed=signed[what], found=value)
    check_order(row.code, ("now", instant(context.now)), ("bids_due", offer["bids_due"]))


def _check_dates(
    context: ActContext,
    row: Row[Any],
    auction_date: str,
    command: AnnounceTender | PostponeTender,
) -> None:
    """Dates in order and on days of business, and a security that lives when it settles."""
    today = context.business_date.isoformat()
    if auction_date < today:
        check_order(row.code, ("today", today), ("auction_date", auction_date))
    calendar = calendar_of(context.uow.connection, row.programme)
    for day in (
        date.fromisoformat(auction_date),
        command.settlement_date,
        command.last_settlement_date,
    ):
        if not calendar.is_settlement_day(day):
            off = calendar.day_off(day)
            reason = off.name if off else "weekend"
            raise NotBusinessDay(day=day, calendar=calendar.code, reason=reason)
    check_order(
        row.code,
        ("auction_date", auction_date),
        ("settlement_date", command.settlement_date),
    )
    if command.last_settlement_date < command.settlement_date:
        check_order(
            row.code,
            ("settlement_date", command.settlement_date),
            ("last_settlement_date", command.last_settlement_date),
        )
    terms = security_terms(context.uow.connection, row.programme, row.isin)
    pricing_on(terms, command.settlement_date).accrued_per_100()


def _terms(command: AnnounceTender, row: Row[Any]) -> TenderTerms:
    apart = command.non_competitive
    rounding, margin = command.rounding, command.margin
    return TenderTerms(
        tender=bytes.fromhex(row.chain_id),
        isin=row.isin,
        target=row.target,
        method=command.method,
        bid_by=command.bid_by,
        bid_minimum=command.bid_minimum,
        bid_multiple=command.bid_multiple,
        bid_maximum=command.bid_maximum,
        bids_per_bidder_max=command.bids_per_bidder_max,
        bidder_fraction_max=command.bidder_fraction_max,
        weighting=command.weighting,
        margin=MarginRule(margin.rounding_multiple, margin.whole_up_to, margin.residue),
        non_competitive=None
        if apart is None
        else NonCompetitiveRules(
            cap_fraction=apart.cap_fraction,
            cap_nominal=apart.cap_nominal,
            excluded_classes=apart.excluded_classes,
            oversubscription=apart.oversubscription,
            total_max=apart.total_max,
            pricing=apart.pricing,
            price_decimals=apart.price_decimals,
        ),
        rounding=RoundingRules(
            price_decimals=rounding.price_decimals,
            yield_decimals=rounding.yield_decimals,
            mode=rounding.mode,
        ),
    )


def _announced(row: Row[Any], offer: Mapping[str, Any], bidders: int) -> dict[str, Any]:
    return {
        "tender": row.code,
        "chain_id": row.chain_id,
        "bidders": str(bidders),
        **offer,
    }


def _bidders(
    named: Sequence[str] | None, context: ActContext, row: Row[Any]
) -> list[tuple[str, str]]:
    """(participant, account) of who may bid."""
    connection, programme = context.uow.connection, context.programme
    found: list[tuple[str, str]] = []
    if named is None:
        found = _every_dealer(context)
    else:
        for address in dict.fromkeys(one.lower() for one in named):
            dealer = connection.execute(
                sql.select(account.c.participant).where(
                    account.c.programme == programme, account.c.address == address
                )
            ).scalar_one_or_none()
            require_dealer(context, row, str(dealer), address)
            found.append((str(dealer), address))
    if len(found) > BIDDERS_MAX:
        raise BiddersTooMany(tender=row.code, count=len(found), maximum=BIDDERS_MAX)
    return found


def _every_dealer(context: ActContext) -> list[tuple[str, str]]:
    """The first account of its own of every active primary dealer, by code."""
    rows = context.uow.connection.execute(
        sql.select(participant, institution.c.capacities, account.c.address)
        .join(
            institution,
            (institution.c.programme == participant.c.programme)
            & (institution.c.code == participant.c.code),
        )
        .join(
            account,
            (account.c.programme == participant.c.programme)
            & (account.c.participant == participant.c.code),
        )
        .where(
            participant.c.programme == context.programme,
            account.c.kind == "own",
            account.c.done_at.is_not(None),
            account.c.closed_at.is_(None),
        )
        .order_by(participant.c.code, account.c.label)
    )
    today = context.business_date.isoformat()
    found: dict[str, str] = {}
    for one in rows:
        active = level_of(one) is Level.ACTIVE and valid_until(one) >= today
        if active and "primary_dealer" in one.capacities and _may_bid(context, one.code):
            found.setdefault(one.code, one.address)
    return sorted(found.items())


def _may_bid(context: ActContext, code: str) -> bool:
    """Whether the licence of a provider, where it needs one, lets it bid."""
    try:
        require_participant(
            context.uow.connection, context.programme, code, "bid", context.business_date
        )
    except PermissionMissing:
        return False
    return True


def _draw_numbers(bidders: Sequence[tuple[str, str]]) -> list[tuple[int, str]]:
    """A random number for each account, so that numbers say nothing from tender to tender."""
    numbers: set[int] = set()
    while len(numbers) < len(bidders):
        numbers.add(secrets.randbelow(2**31 - 1) + 1)
    shuffled = list(numbers)
    secrets.SystemRandom().shuffle(shuffled)
    return [(number, address) for number, (_dealer, address) in zip(shuffled, bidders, strict=True)]


def _enter_bidders(context: ActContext, row: Row[Any], roll: Sequence[tuple[int, str]]) -> None:
    for number, address in roll:
        dealer = context.uow.connection.execute(
            sql.select(account.c.participant).where(
                account.c.programme == row.programme, account.c.address == address
            )
        ).scalar_one()
        context.uow.connection.execute(
            tables.tender_bidder.insert().values(
                programme=row.programme,
                tender=row.code,
                number=number,
                participant=dealer,
                account=address,
            )
        )


def _request_change(
    context: ActContext, row: Row[Any], kind: str, reason: str, change: Mapping[str, Any]
) -> Result:
    entry = context.uow.journal.append(
        events.TENDER_CHANGE_REQUESTED,
        {"tender": row.code, "change": kind, "reason": reason, "to": dict(change)},
        subject=subject(row.code),
    )
    order = chain.order(context, kind, context.approved.signatures(), entry, ("tender", row.code))
    update_tender(
        context.uow.connection,
        row,
        pending=kind,
        pending_change=canonical_bytes(dict(change)),
        refusal=None,
    )
    return {"tender": row.code, "pending": kind, "order": order}


def _check_extension(command: ExtendTender, context: ActContext) -> tuple[Row[Any], str]:
    row = load_tender(context, command.tender, TenderState.OPEN)
    require_part(context, row, "central_bank")
    if instant(context.now) >= row.bids_due:
        raise BiddingOver(tender=row.code, bids_due=row.bids_due)
    due = whole("bids_due", command.bids_due)
    check_order(row.code, ("the former bids_due", row.bids_due), ("bids_due", due))
    return row, due


def _check_postponement(
    command: PostponeTender, context: ActContext
) -> tuple[Row[Any], dict[str, Any]]:
    row = load_tender(context, command.tender, TenderState.OPEN)
    require_part(context, row, "central_bank")
    now = instant(context.now)
    if now >= row.bids_open:
        raise TenderHasOpened(tender=row.code, bids_open=row.bids_open)
    opens, due = whole("bids_open", command.bids_open), whole("bids_due", command.bids_due)
    check_order(row.code, ("now", now), ("bids_open", opens), ("bids_due", due))
    apart = None
    if command.non_competitive_due is not None:
        apart = whole("non_competitive_due", command.non_competitive_due)
    _check_dates(context, row, command.auction_date.isoformat(), command)
    return row, {
        "auction_date": command.auction_date.isoformat(),
        "settlement_date": command.settlement_date.isoformat(),
        "last_settlement_date": command.last_settlement_date.isoformat(),
        "bids_open": opens,
        "bids_due": due,
        "non_competitive_due": apart,
    }


def _check_cancellation(command: CancelTender, context: ActContext) -> Row[Any]:
    row = load_tender(
        context,
        command.tender,
        TenderState.TARGET_SET,
        TenderState.OPEN,
        TenderState.CLOSED,
        TenderState.OPENED,
        TenderState.DECIDED,
    )
    require_part(context, row, "central_bank")
    return row
