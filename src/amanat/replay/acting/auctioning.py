"""A tender from its target to the nominal that is issued for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.auctions import tables
from amanat.auctions.acts_bids import compose_sheet
from amanat.auctions.acts_book import keys_of, terms_of
from amanat.auctions.model import Bid, BidBy, CompetitiveBid, NonCompetitiveBid
from amanat.replay.laws import own_account
from amanat.replay.model import Tender
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step

SECONDS_LEFT_MIN = 2
"""When fewer are left while bids are still to come, the tender is extended."""


def set_target(performer: Performer, step: Step) -> None:
    """The ministry fixes the target."""
    tender: Tender = step.about
    performer.perform(
        step.key,
        "SetTarget",
        {
            "tender": tender.code,
            "isin": tender.isin,
            "auction_date": tender.auction_on,
            "target": tender.terms.target,
        },
        institution=performer.pilot.with_capacity("issuer")[0].code,
    )
    performer.pump()


def announce(performer: Performer, step: Step) -> None:
    """The central bank announces it; bids are due some seconds from now, in block time."""
    tender: Tender = step.about
    performer.perform(
        step.key, "AnnounceTender", _announcement(performer, tender), institution=_bank(performer)
    )
    performer.pump()


def _announcement(performer: Performer, tender: Tender) -> dict[str, Any]:
    terms = tender.terms
    apart = terms.non_competitive
    return {
        "tender": tender.code,
        "settlement_date": tender.settles_on,
        "last_settlement_date": tender.last_settlement_on,
        "bids_due": _due_in(performer.pilot.programme.bidding_window_seconds),
        "method": terms.method,
        "bid_by": terms.bid_by,
        "bid_minimum": terms.bid_minimum,
        "bid_multiple": terms.bid_multiple,
        "bid_maximum": terms.bid_maximum,
        "bidder_fraction_max": terms.bidder_fraction_max,
        "weighting": terms.weighting,
        "margin": {
            "rounding_multiple": terms.margin.rounding_multiple,
            "whole_up_to": terms.margin.whole_up_to,
            "residue": terms.margin.residue,
        },
        "non_competitive": None
        if apart is None
        else {
            "cap_fraction": apart.cap_fraction,
            "cap_nominal": apart.cap_nominal,
            "excluded_classes": list(apart.excluded_classes),
            "oversubscription": apart.oversubscription,
            "total_max": apart.total_max,
            "pricing": apart.pricing,
            "price_decimals": apart.price_decimals,
        },
    }


def _due_in(seconds: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds + 1)


def _bank(performer: Performer) -> str:
    return performer.pilot.with_capacity("auctioneer")[0].code


def bid(performer: Performer, step: Step) -> None:
    """Each dealer seals and submits its bids: those with a price, then those for investors."""
    tender: Tender = step.about
    for dealer in dict.fromkeys(one.bidder for one in tender.bids):
        _submit(performer, step, tender, dealer, "SubmitBid")
    for dealer in dict.fromkeys(one.dealer for one in tender.investor_bids):
        _submit(performer, step, tender, dealer, "SubmitNonCompetitiveBid")
    performer.pump()


def _submit(performer: Performer, step: Step, tender: Tender, dealer: str, act: str) -> None:
    key = f"{step.key}/{act}/{dealer}"
    if performer.former(key, dealer) is not None:
        return  # a sheet is sealed with fresh randomness, so it is never composed again
    account = own_account(performer.pilot, dealer)
    if account is None:
        raise ReplayStopped(f"{dealer} has no account of its own")
    row = _extended(performer, step, tender)
    address = performer.account(account.code)
    number, keys = _number_and_keys(performer, row, address)
    bids: list[Bid]
    if act == "SubmitBid":
        bids = list(_competitive(tender, dealer, number))
    else:
        bids = list(_for_investors(performer, step, tender, dealer, number))
    sealed, salt = compose_sheet(terms_of(row), number, bids, keys)
    performer.perform(
        key,
        act,
        {
            "tender": tender.code,
            "account": address,
            "ciphertext": sealed.hex(),
            "salt": salt.hex(),
        },
        institution=dealer,
    )


def _competitive(tender: Tender, dealer: str, number: int) -> list[CompetitiveBid]:
    by_price = tender.terms.bid_by is BidBy.PRICE
    own = [one for one in tender.bids if one.bidder == dealer]
    return [
        CompetitiveBid(
            number,
            line,
            one.nominal,
            price=one.value if by_price else None,
            yield_pct=None if by_price else one.value,
        )
        for line, one in enumerate(own, 1)
    ]


def _for_investors(
    performer: Performer, step: Step, tender: Tender, dealer: str, number: int
) -> list[NonCompetitiveBid]:
    lines = 0
    found = []
    for one in tender.investor_bids:
        if one.dealer != dealer:
            continue
        lines += 1
        named = performer.perform(
            f"{step.key}/name/{one.investor}",
            "NameInvestor",
            {"tender": tender.code, "account": performer.account(one.investor)},
            institution=dealer,
        )
        found.append(
            NonCompetitiveBid(
                number, lines, one.nominal, named["investor"], named["investor_class"]
            )
        )
    return found


def _number_and_keys(performer: Performer, row: Row[Any], address: str) -> tuple[int, Any]:
    bidder = tables.tender_bidder
    with performer.application.store.reading() as connection:
        number = connection.execute(
            sql.select(bidder.c.number).where(
                bidder.c.programme == row.programme,
                bidder.c.tender == row.code,
                bidder.c.account == address,
            )
        ).scalar_one()
        return int(number), keys_of(connection, row)


def tender_row(performer: Performer, code: str) -> Row[Any]:
    """A tender as the auction room has it now."""
    with performer.application.store.reading() as connection:
        return connection.execute(
            sql.select(tables.tender).where(
                tables.tender.c.programme == performer.programme, tables.tender.c.code == code
            )
        ).one()


def _seconds_to(row: Row[Any]) -> float:
    return (datetime.fromisoformat(row.bids_due) - datetime.now(UTC)).total_seconds()


def _extended(performer: Performer, step: Step, tender: Tender) -> Row[Any]:
    """The tender with time left to bid; it is extended where a slow machine has run short."""
    row = tender_row(performer, tender.code)
    if _seconds_to(row) < SECONDS_LEFT_MIN:
        performer.perform(
            f"{step.key}/extend/{row.bids_due}",
            "ExtendTender",
            {
                "tender": tender.code,
                "bids_due": _due_in(performer.pilot.programme.bidding_window_seconds),
                "reason": "bids are still coming in",
            },
            institution=_bank(performer),
        )
        performer.pump()
        row = tender_row(performer, tender.code)
    return row


def open_book(performer: Performer, step: Step) -> None:
    """Close when bids are due, release both keys, open every bid."""
    tender: Tender = step.about
    bank = _bank(performer)
    ministry = performer.pilot.with_capacity("issuer")[0].code
    if performer.former(f"{step.key}/close", bank) is None:
        _wait(performer, tender)
    asked = {"tender": tender.code}
    performer.perform(f"{step.key}/close", "CloseTender", asked, institution=bank)
    performer.pump()
    for institution in (ministry, bank):
        key = f"{step.key}/release/{institution}"
        performer.perform(key, "ReleaseShare", asked, institution=institution)
    performer.pump()
    performer.perform(f"{step.key}/open", "OpenBids", asked, institution=bank)
    performer.pump()


def _wait(performer: Performer, tender: Tender) -> None:
    """Until bids are due; block time is whole seconds, so a little longer."""
    began = time.monotonic()
    while (left := _seconds_to(tender_row(performer, tender.code)) + 1.0) > 0:
        time.sleep(min(left, 0.5))
    performer.waited_seconds += time.monotonic() - began


def award(performer: Performer, step: Step) -> None:
    """The ministry decides; the central bank publishes what follows."""
    tender: Tender = step.about
    decision = tender.decision
    nothing = decision.cut_off is None and decision.amount is None
    performer.perform(
        f"{step.key}/decide",
        "FixCutOff",
        {
            "tender": tender.code,
            "cut_off": decision.cut_off,
            "amount": decision.amount,
            "no_award": nothing,
        },
        institution=performer.pilot.with_capacity("issuer")[0].code,
    )
    act = "NoAward" if nothing else "AwardTender"
    performer.perform(
        f"{step.key}/publish", act, {"tender": tender.code}, institution=_bank(performer)
    )
    performer.pump()


def issue(performer: Performer, step: Step) -> None:
    """Create what was awarded, in the issuer's distribution account."""
    tender: Tender = step.about
    allotment = tables.allotment
    with performer.application.store.reading() as connection:
        nominal = connection.execute(
            sql.select(sql.func.sum(allotment.c.nominal)).where(
                allotment.c.programme == performer.programme,
                allotment.c.tender == tender.code,
            )
        ).scalar_one()
    if nominal:
        performer.perform(
            step.key,
            "IssueNominal",
            {"isin": tender.isin, "nominal": int(Decimal(nominal))},
            institution=performer.pilot.with_capacity("issuer")[0].code,
        )
        performer.pump()
