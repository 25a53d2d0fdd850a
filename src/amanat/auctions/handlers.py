"""What the ledger's final events and outcomes mean for tenders, bids and allotments.

Effects follow the events, so they are the same whoever sent the transaction; what the chain
refuses leaves the tender as it was, with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.auctions import events, tables
from amanat.auctions.acts_award import cancel_allotment
from amanat.auctions.acts_book import (
    bidders_of,
    investors_of,
    keys_of,
    pricing_for,
    published_of,
    with_face,
)
from amanat.auctions.acts_chain import BID_ORDERS, TENDER_ORDERS, find_by_number
from amanat.auctions.acts_offer import change_target
from amanat.auctions.acts_rules import (
    AllotmentState,
    BidState,
    TenderState,
    find_tender,
    from_seconds,
    subject,
    update_tender,
)
from amanat.auctions.acts_shares import end_seal, end_share
from amanat.auctions.allotment import Allotment, Status
from amanat.auctions.book import Window
from amanat.auctions.model import CompetitiveBid, NoAward
from amanat.auctions.recompute import CommitmentsDiffer, ResultDiffers, tally, verify
from amanat.auctions.records import decision_record, figures_record, key_record
from amanat.auctions.showing import shown_of, stored
from amanat.core.errors import Corrupt
from amanat.core.ids import new_id
from amanat.core.money import Money
from amanat.core.quantities import text_from
from amanat.ledger.completion import raise_alarm
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.programme.records import currency_of, face_in
from amanat.store.uow import UnitOfWork

_REFUSAL_MAX = 200


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.make_public(
        "Tender",
        "TenderAnnounced",
        "TenderTimesChanged",
        "TenderTargetChanged",
        "TenderWasCancelled",
        "TenderClosed",
        "KeyShareReleased",
        "ResultPublished",
    )
    for name, function in (
        ("TenderAnnounced", tender_announced),
        ("TenderTimesChanged", times_changed),
        ("TenderTargetChanged", target_changed),
        ("TenderWasCancelled", tender_cancelled),
        ("BidderAdmitted", bidder_admitted),
        ("CommitmentRecorded", commitment_recorded),
        ("CommitmentWithdrawn", commitment_withdrawn),
        ("TenderClosed", tender_closed),
        ("ResultPublished", result_published),
    ):
        registry.on_event("Tender", name)(function)
    registry.on_done("admit_tender_bidders")(roll_done)
    registry.on_done("release_tender_share")(share_released)
    for kind in TENDER_ORDERS:
        registry.on_refused(kind)(tender_order_refused)
    for kind in BID_ORDERS:
        registry.on_refused(kind)(bid_order_refused)
    registry.on_refused("release_tender_share")(release_refused)


# -- the offer --------------------------------------------------------------------------------


def tender_announced(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The chain knows the tender; it opens here once its bidders are admitted as well."""
    row = _tender(event, uow)
    if row is None or row.rules is None:
        return
    if event.arguments["terms_hash"] != f"0x{row.terms_hash}":
        raise Corrupt(f"tender {row.code}: the chain has other terms than were signed")
    update_tender(uow.connection, row, announced_at=from_seconds(event.block_time))


def roll_done(order: Order, _events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """Bidders have their numbers; a tender that was being announced is open from now on."""
    row = _ordered_tender(order, uow)
    if row.state != TenderState.TARGET_SET.value:
        return
    bidders = bidders_of(uow.connection, row)
    uow.journal.append(
        events.TENDER_ANNOUNCED,
        {
            "tender": row.code,
            "chain_id": row.chain_id,
            "terms": with_face(uow.connection, row.programme, json.loads(row.rules)),
            "terms_hash": row.terms_hash,
            "auction_date": row.auction_date,
            "settlement_date": row.settlement_date,
            "last_settlement_date": row.last_settlement_date,
            "bids_open": row.bids_open,
            "bids_due": row.bids_due,
            "non_competitive_due": row.non_competitive_due,
            "unpaid": row.unpaid,
            "sealing_keys": [key_record(key) for key in keys_of(uow.connection, row)],
            "bidders": str(len(bidders)),
        },
        subject=subject(row.code),
    )
    update_tender(uow.connection, row, state=TenderState.OPEN.value, pending=None)


def bidder_admitted(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The bidder may commit; a number that is unknown here would make its bids nobody's."""
    row = _tender(event, uow)
    if row is None:
        return
    known = bidders_of(uow.connection, row).get(event.arguments["bidder"])
    if known is None or known.account != event.arguments["key"]:
        raise_alarm(
            uow.connection,
            "bidder_not_known",
            subject(row.code),
            f"the chain admitted bidder {event.arguments['bidder']}",
            uow.store.clock().isoformat(),
        )
        return
    bidder = tables.tender_bidder
    uow.connection.execute(
        sql.update(bidder)
        .where(
            bidder.c.programme == row.programme,
            bidder.c.tender == row.code,
            bidder.c.number == known.number,
        )
        .values(admitted_at=from_seconds(event.block_time))
    )


def times_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The new times bind; a postponement brings its dates with it."""
    row = _tender(event, uow)
    if row is None:
        return
    due = from_seconds(event.arguments["bids_due"])
    values: dict[str, Any] = {
        "bids_open": from_seconds(event.arguments["opens_at"]),
        "bids_due": due,
    }
    if row.pending == "postpone_tender":
        values |= json.loads(row.pending_change)
        uow.journal.append(
            events.TENDER_POSTPONED, {"tender": row.code, **values}, subject=subject(row.code)
        )
    else:
        uow.journal.append(
            events.TENDER_EXTENDED,
            {"tender": row.code, "former": row.bids_due, "bids_due": due},
            subject=subject(row.code),
        )
    update_tender(uow.connection, row, pending=None, pending_change=None, **values)


def target_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The amended target counts."""
    row = _tender(event, uow)
    if row is None:
        return
    change_target(uow, row, event.arguments["target"])
    update_tender(uow.connection, row, pending=None)


def tender_cancelled(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nothing more happens with this tender; its bids stay sealed."""
    row = _tender(event, uow)
    if row is None:
        return
    uow.journal.append(
        events.TENDER_CANCELLED,
        {"tender": row.code, "block": str(event.block_number)},
        subject=subject(row.code),
    )
    update_tender(
        uow.connection,
        row,
        state=TenderState.CANCELLED.value,
        pending=None,
        pending_change=None,
    )
    end_seal(uow.connection, row.programme, row.code, uow.store.clock())


# -- bids -------------------------------------------------------------------------------------


def commitment_recorded(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Note a commitment in the chain's order, and that its bid, where we have it, counts.

    The window is what the bid was submitted in.  One that came to the chain alone may hold both
    kinds of bids, or after the non-competitive window's end competitive ones only.
    """
    row = _tender(event, uow)
    if row is None:
        return
    told, at = event.arguments, from_seconds(event.block_time)
    promised = told["commitment"][2:]
    bid = _bid(uow, row, promised, told["bidder"])
    apart_over = row.non_competitive_due is not None and at >= row.non_competitive_due
    window = Window.COMPETITIVE if apart_over else Window.BOTH
    if bid is not None:
        window = Window(bid.window)
    late = apart_over and window is Window.NON_COMPETITIVE and not told["by_letter"]
    uow.connection.execute(
        tables.commitment.insert().values(
            programme=row.programme,
            tender=row.code,
            sequence=told["index"],
            commitment=promised,
            number=told["bidder"],
            window=window.value,
            letter=told["by_letter"],
            late=late,
            withdrawn=False,
            block=event.block_number,
            block_time=at,
            chain_transaction=event.tx_hash,
        )
    )
    if bid is None:
        return
    _set_bid(
        uow,
        bid.id,
        state=BidState.RECORDED.value,
        sequence=told["index"],
        block=event.block_number,
        block_time=at,
        chain_transaction=event.tx_hash,
    )
    uow.journal.append(
        events.BID_RECORDED,
        {
            "tender": row.code,
            "bid": bid.id,
            "sequence": str(told["index"]),
            "commitment": promised,
            "block": str(event.block_number),
            "block_time": at,
            "late": late,
        },
        subject=subject(row.code),
    )


def commitment_withdrawn(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A commitment no longer counts: withdrawn, or replaced by a revision."""
    row = _tender(event, uow)
    if row is None:
        return
    table, promised = tables.commitment, event.arguments["commitment"][2:]
    uow.connection.execute(
        sql.update(table)
        .where(
            table.c.programme == row.programme,
            table.c.tender == row.code,
            table.c.number == event.arguments["bidder"],
            table.c.commitment == promised,
        )
        .values(withdrawn=True)
    )
    bid = _bid(uow, row, promised, event.arguments["bidder"])
    if bid is None:
        return
    sealed = tables.sealed_bid
    replaced = uow.connection.execute(
        sql.select(sealed.c.id).where(
            sealed.c.replaces == bid.id, sealed.c.order_id == event.order_id
        )
    ).first()
    state = BidState.REPLACED if replaced is not None else BidState.WITHDRAWN
    at = from_seconds(event.block_time)
    _set_bid(uow, bid.id, state=state.value, withdrawn_at=at)
    uow.journal.append(
        events.BID_WITHDRAWN,
        {
            "tender": row.code,
            "bid": bid.id,
            "sequence": str(bid.sequence),
            "block": str(event.block_number),
        },
        subject=subject(row.code),
    )


def bid_order_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """A commitment that the chain refused never counts; a withdrawal that it refused leaves it."""
    assert order.subject is not None  # all orders of bids have one
    identifier, told = order.subject[1], str(refusal["message"])[:_REFUSAL_MAX]
    sealed = tables.sealed_bid
    bid = uow.connection.execute(sql.select(sealed).where(sealed.c.id == identifier)).one()
    if order.kind == "withdraw_tender_bid":
        _set_bid(uow, identifier, refusal=told)
    else:
        _set_bid(uow, identifier, state=BidState.REFUSED.value, refusal=told)
    uow.journal.append(
        events.BID_REFUSED,
        {"tender": bid.tender, "bid": identifier, "refusal": told},
        subject=subject(bid.tender),
    )


# -- close and keys ---------------------------------------------------------------------------


def tender_closed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The close is final: keys may be released."""
    row = _tender(event, uow)
    if row is None:
        return
    at = from_seconds(event.block_time)
    uow.journal.append(
        events.TENDER_CLOSED,
        {
            "tender": row.code,
            "block": str(event.block_number),
            "block_hash": event.block_hash,
            "closed_at": at,
        },
        subject=subject(row.code),
    )
    update_tender(
        uow.connection,
        row,
        state=TenderState.CLOSED.value,
        pending=None,
        close_block=event.block_number,
        close_block_hash=event.block_hash[2:],
        closed_at=at,
        commitments_head=event.arguments["commitments_head"][2:],
    )


def share_released(order: Order, happened: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The chain has noted the release: from now on the share is public."""
    row, code = _share_subject(order, uow)
    key = tables.tender_key
    released = uow.connection.execute(
        sql.update(key)
        .where(
            key.c.programme == row.programme,
            key.c.tender == row.code,
            key.c.institution == code,
        )
        .values(released_at=from_seconds(happened[0].block_time))
        .returning(key.c.public_key, key.c.released)
    ).one()
    end_share(uow.connection, row.programme, released.public_key, uow.store.clock())
    uow.journal.append(
        events.SHARE_RELEASED,
        {
            "tender": row.code,
            "institution": code,
            "public_key": released.public_key,
            "share": released.released,
        },
        subject=subject(row.code),
    )


def release_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The share stays unreleased and can be released again."""
    row, code = _share_subject(order, uow)
    key = tables.tender_key
    uow.connection.execute(
        sql.update(key)
        .where(
            key.c.programme == row.programme,
            key.c.tender == row.code,
            key.c.institution == code,
        )
        .values(released=None)
    )
    _note_refusal(row, order, refusal, uow)


# -- result -----------------------------------------------------------------------------------


def result_published(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The result is final: allotments exist, and wait to be settled."""
    row = _tender(event, uow)
    if row is None:
        return
    if row.result is None or event.arguments["root"] != f"0x{row.result_root}":
        raise Corrupt(f"tender {row.code}: the chain has a result that was not computed here")
    published = published_of(row)
    try:
        found = verify(published, pricing_for(uow.connection, row))
    except (CommitmentsDiffer, ResultDiffers) as refusal:
        raise Corrupt(
            f"tender {row.code}: what is stored is not the result: {refusal}"
        ) from refusal
    shown = shown_of(found, currency_of(uow.connection, row.programme))
    none = isinstance(published.decision, NoAward)
    stated = partial(with_face, uow.connection, row.programme)
    uow.journal.append(
        events.RESULT_PUBLISHED,
        {
            "tender": row.code,
            "decision": stated(decision_record(published.decision)),
            "figures": stated(figures_record(found.result)),
            "commitments": str(len(found.book.outcomes)),
            "void": str(tally(found).void),
            "root": row.result_root,
            "result_digest": row.result_digest,
            "block": str(event.block_number),
        },
        subject=subject(row.code),
    )
    update_tender(
        uow.connection,
        row,
        state=(TenderState.NO_AWARD if none else TenderState.AWARDED).value,
        pending=None,
        awarded_at=from_seconds(event.block_time),
        result_shown=stored(shown),
    )
    for one in found.result.allotments:
        if one.status is Status.ACCEPTED:
            _make_allotment(uow, row, one)


def _make_allotment(uow: UnitOfWork, row: Row[Any], won: Allotment) -> None:
    bid, bidder = won.bid, bidders_of(uow.connection, row)[won.bid.number]
    account, investor = bidder.account, None
    if not isinstance(bid, CompetitiveBid):
        investor = bid.investor
        named = investors_of(uow.connection, row).get((bidder.participant, bid.investor))
        known = named is not None and named.investor_class == bid.investor_class
        account = named.account if known and named is not None else None
    currency = currency_of(uow.connection, row.programme)
    assert won.price is not None  # accepted rows are priced
    assert won.yield_pct is not None
    identifier = new_id()
    values: dict[str, Any] = {
        "id": identifier,
        "programme": row.programme,
        "tender": row.code,
        "isin": row.isin,
        "sequence": bid.sequence,
        "number": bid.number,
        "line": bid.line,
        "competitive": won.competitive,
        "participant": bidder.participant,
        "account": account,
        "investor": investor,
        "nominal": won.nominal,
        "price": text_from(won.price),
        "yield_pct": text_from(won.yield_pct),
        "realised_minor": won.realised,
        "accrued_minor": won.accrued,
        "currency": currency,
        "settlement_date": row.settlement_date,
        "last_settlement_date": row.last_settlement_date,
        "state": AllotmentState.AWAITING_SETTLEMENT.value,
    }
    uow.connection.execute(tables.allotment.insert().values(**values))
    uow.journal.append(
        events.ALLOTMENT_MADE,
        {
            "tender": row.code,
            "allotment": identifier,
            "number": bid.number,
            "line": bid.line,
            "participant": bidder.participant,
            "account": account,
            "nominal": face_in(uow.connection, row.programme, won.nominal),
            "price": text_from(won.price),
            "realised": str(Money(won.realised, currency).amount) + f" {currency}",
            "accrued": str(Money(won.accrued, currency).amount) + f" {currency}",
        },
        subject=subject(row.code),
    )
    if account is None:
        # Nobody's account may receive it: the dealer never named this investor to the register.
        made = uow.connection.execute(
            sql.select(tables.allotment).where(tables.allotment.c.id == identifier)
        ).one()
        cancel_allotment(uow, row, made, "the investor was not named to the register")


# -- what several share -----------------------------------------------------------------------


def tender_order_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The tender stays as it was; it awaits nothing, and the reason is kept."""
    row = _ordered_tender(order, uow)
    if order.kind in ("announce_tender", "admit_tender_bidders"):
        # The numbers that were drawn are not known to the chain.
        bidder = tables.tender_bidder
        uow.connection.execute(
            bidder.delete().where(
                bidder.c.programme == row.programme,
                bidder.c.tender == row.code,
                bidder.c.admitted_at.is_(None),
            )
        )
    update_tender(uow.connection, row, pending=None, pending_change=None)
    _note_refusal(row, order, refusal, uow)


def _note_refusal(row: Row[Any], order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    told = str(refusal["message"])[:_REFUSAL_MAX]
    update_tender(uow.connection, row, refusal=told)
    uow.journal.append(
        events.TENDER_ORDER_REFUSED,
        {"tender": row.code, "order": order.kind, "refusal": told},
        subject=subject(row.code),
    )
    raise_alarm(
        uow.connection,
        "tender_order_refused",
        subject(row.code),
        f"{order.kind}: {told}",
        uow.store.clock().isoformat(),
    )


def _tender(event: LedgerEvent, uow: UnitOfWork) -> Row[Any] | None:
    """The tender of an event; one that is not known here is another room's of the network."""
    return find_by_number(uow.connection, event.programme, event.arguments["tender"])


def _ordered_tender(order: Order, uow: UnitOfWork) -> Row[Any]:
    assert order.subject is not None  # all orders of tenders have one
    return find_tender(uow.connection, order.programme, order.subject[1])


def _share_subject(order: Order, uow: UnitOfWork) -> tuple[Row[Any], str]:
    assert order.subject is not None  # all orders of shares have one
    code, institution = order.subject[1].rsplit(":", 1)
    return find_tender(uow.connection, order.programme, code), institution


def _bid(uow: UnitOfWork, row: Row[Any], promised: str, number: int) -> Row[Any] | None:
    sealed = tables.sealed_bid
    found: Row[Any] | None = uow.connection.execute(
        sql.select(sealed).where(
            sealed.c.programme == row.programme,
            sealed.c.tender == row.code,
            sealed.c.commitment == promised,
            sealed.c.number == number,
        )
    ).one_or_none()
    return found


def _set_bid(uow: UnitOfWork, identifier: str, **values: Any) -> None:
    sealed = tables.sealed_bid
    uow.connection.execute(sql.update(sealed).where(sealed.c.id == identifier).values(**values))
