"""A tender from its target to the nominal that is issued for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.auctions import tables
from amanat.auctions.acts_bids import compose_sheet
from amanat.auctions.acts_book import keys_of, terms_of
from amanat.auctions.acts_rules import BiddingOver, BidState, TenderState
from amanat.auctions.model import Bid, BidBy, CompetitiveBid, NonCompetitiveBid
from amanat.replay.laws import own_account
from amanat.replay.model import Tender
from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Step

SECONDS_LEFT_MIN = 1.5
"""When fewer are left while bids are still to come, the tender is extended."""

ATTEMPTS_MAX = 5
"""How often a tender is announced anew, when bids were due while a replay was interrupted."""


def set_target(performer: Performer, step: Step) -> None:
    """The ministry fixes the target."""
    _set_target(performer, step.key, step.about, step.about.code)


def _set_target(performer: Performer, key: str, tender: Tender, code: str) -> None:
    performer.perform(
        key,
        "SetTarget",
        {
            "tender": code,
            "isin": tender.isin,
            "auction_date": tender.auction_on,
            "target": tender.terms.target,
        },
        institution=_ministry(performer),
    )
    performer.pump()


def announce(performer: Performer, step: Step) -> None:
    """The central bank announces it; bids are due some seconds from now, in block time."""
    _announce(performer, step.key, step.about, step.about.code)


def _announce(performer: Performer, key: str, tender: Tender, code: str) -> None:
    fields = _announcement(performer, tender) | {"tender": code}
    performer.perform(key, "AnnounceTender", fields, institution=_bank(performer))
    performer.pump()


def _announce_anew(performer: Performer, stem: str, tender: Tender, code: str) -> None:
    """Announce it with a later time, and its target first where it has none under this code.

    An announcement that reached the ledger when bids were due already was refused there, and what
    was carried out under its key is not composed again: each try has a key of its own.
    """
    if tender_row(performer, code) is None:
        _set_target(performer, f"{stem}/target", tender, code)
    for attempt in range(ATTEMPTS_MAX):
        _announce(performer, f"{stem}/announce/{attempt}", tender, code)
        row = tender_row(performer, code)
        if row is not None and row.state != TenderState.TARGET_SET:
            return


def _announcement(performer: Performer, tender: Tender) -> dict[str, Any]:
    terms = tender.terms
    apart = terms.non_competitive
    return {
        "settlement_date": tender.settles_on,
        "last_settlement_date": tender.last_settlement_on,
        "bids_due": _due_in(performer.bidding_window_seconds),
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


def _ministry(performer: Performer) -> str:
    return performer.pilot.with_capacity("issuer")[0].code


def bid(performer: Performer, step: Step) -> None:
    """Each dealer seals and submits its bids: those with a price, then those for investors.

    A run that was killed may find that bids were due while it was down.  The tender is then
    cancelled and announced anew under another code, so that every bid of the pilot is taken.  One
    whose announcement came too late is announced anew under its own.
    """
    tender: Tender = step.about
    for _ in range(ATTEMPTS_MAX):
        code = current_code(performer, tender)
        row = tender_row(performer, code)
        if row is None or row.state == TenderState.TARGET_SET:
            _announce_anew(performer, f"{step.key}/{code}", tender, code)
        elif row.state != TenderState.OPEN or _all_bids(performer, step, tender, code):
            return
        else:
            performer.perform(
                f"{step.key}/{code}/cancel",
                "CancelTender",
                {"tender": code, "reason": "bids were due during an interruption"},
                institution=_bank(performer),
            )
            performer.pump()
    raise ReplayStopped(f"tender {tender.code}: bids were not taken in {ATTEMPTS_MAX} attempts")


def current_code(performer: Performer, tender: Tender) -> str:
    """The code under which a tender is held: its own, or the first that was not cancelled."""
    code = tender.code
    for attempt in range(2, ATTEMPTS_MAX + 2):
        row = tender_row(performer, code)
        if row is None or row.state != TenderState.CANCELLED:
            break
        code = f"{tender.code}_{attempt}"
    return code


def _all_bids(performer: Performer, step: Step, tender: Tender, code: str) -> bool:
    """Submit what is not submitted yet; whether the ledger has every sheet in time."""
    sheets = [(one, "SubmitBid") for one in dict.fromkeys(one.bidder for one in tender.bids)]
    sheets += [
        (one, "SubmitNonCompetitiveBid")
        for one in dict.fromkeys(one.dealer for one in tender.investor_bids)
    ]
    slowest = 0.0
    for dealer, act in sheets:
        began = time.monotonic()
        if not _submit(performer, f"{step.key}/{code}", tender, code, dealer, act, 2 * slowest):
            return False
        slowest = max(slowest, time.monotonic() - began)
    performer.pump()
    table = tables.sealed_bid
    with performer.application.store.reading() as connection:
        recorded = connection.execute(
            sql.select(sql.func.count())
            .select_from(table)
            .where(
                table.c.programme == performer.programme,
                table.c.tender == code,
                table.c.state == BidState.RECORDED,
            )
        ).scalar_one()
    return int(recorded) == len(sheets)


def _submit(
    performer: Performer,
    stem: str,
    tender: Tender,
    code: str,
    dealer: str,
    act: str,
    takes: float,
) -> bool:
    """Seal and submit one dealer's sheet, in some seconds; False where bids have been due."""
    key = f"{stem}/{act}/{dealer}"
    if performer.former(key, dealer) is not None:
        return True  # a sheet is sealed with fresh randomness, so it is never composed again
    account = own_account(performer.pilot, dealer)
    row = _extended(performer, stem, code, takes)
    if account is None or row is None:
        return False
    address = performer.account(account.code)
    number, keys = number_and_keys(performer, row, address)
    bids: list[Bid]
    if act == "SubmitBid":
        bids = list(_competitive(tender, dealer, number))
    else:
        bids = list(_for_investors(performer, stem, tender, code, dealer, number))
    sealed, salt = compose_sheet(terms_of(row), number, bids, keys)
    fields = {
        "tender": code,
        "account": address,
        "ciphertext": sealed.hex(),
        "salt": salt.hex(),
    }
    try:
        performer.perform(key, act, fields, institution=dealer)
    except BiddingOver:
        return False  # sealing took longer than was left
    return True


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
    performer: Performer, stem: str, tender: Tender, code: str, dealer: str, number: int
) -> list[NonCompetitiveBid]:
    lines = 0
    found = []
    for one in tender.investor_bids:
        if one.dealer != dealer:
            continue
        lines += 1
        named = performer.perform(
            f"{stem}/name/{one.investor}",
            "NameInvestor",
            {"tender": code, "account": performer.account(one.investor)},
            institution=dealer,
        )
        found.append(
            NonCompetitiveBid(
                number, lines, one.nominal, named["investor"], named["investor_class"]
            )
        )
    return found


def number_and_keys(performer: Performer, row: Row[Any], address: str) -> tuple[int, Any]:
    """The number that an account has in a tender, and the keys to which its bids are sealed."""
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


def tender_row(performer: Performer, code: str) -> Row[Any] | None:
    """A tender as the auction room has it now; None where it has none."""
    table = tables.tender
    with performer.application.store.reading() as connection:
        return connection.execute(
            sql.select(table).where(table.c.programme == performer.programme, table.c.code == code)
        ).one_or_none()


def _seconds_to(row: Row[Any]) -> float:
    return (datetime.fromisoformat(row.bids_due) - datetime.now(UTC)).total_seconds()


def _extended(performer: Performer, stem: str, code: str, takes: float) -> Row[Any] | None:
    """The tender with `takes` seconds left to bid, extended where they run short; None if over."""
    row = tender_row(performer, code)
    if row is None or _seconds_to(row) <= 0.2:
        return None
    if _seconds_to(row) < max(SECONDS_LEFT_MIN, takes):
        fields = {
            "tender": code,
            "bids_due": _due_in(performer.bidding_window_seconds + ceil(takes)),
            "reason": "bids are still coming in",
        }
        key = f"{stem}/extend/{row.bids_due}"
        try:
            performer.perform(key, "ExtendTender", fields, institution=_bank(performer))
        except BiddingOver:
            return None  # extending took longer than was left
        performer.pump()
        row = tender_row(performer, code)
    return row


def open_book(performer: Performer, step: Step) -> None:
    """Close when bids are due, release both keys, open every bid."""
    bank = _bank(performer)
    code = current_code(performer, step.about)
    if performer.former(f"{step.key}/close", bank) is None:
        _wait(performer, code)
    asked = {"tender": code}
    performer.perform(f"{step.key}/close", "CloseTender", asked, institution=bank)
    performer.pump()
    for institution in (_ministry(performer), bank):
        key = f"{step.key}/release/{institution}"
        performer.perform(key, "ReleaseShare", asked, institution=institution)
    performer.pump()
    performer.perform(f"{step.key}/open", "OpenBids", asked, institution=bank)
    performer.pump()


def _wait(performer: Performer, code: str) -> None:
    """Until bids are due; block time is whole seconds, so a little longer."""
    began = time.monotonic()
    row = tender_row(performer, code)
    while row is not None and (left := _seconds_to(row) + 0.1) > 0:
        time.sleep(min(left, 0.5))
    performer.waited_seconds += time.monotonic() - began


def award(performer: Performer, step: Step) -> None:
    """The ministry decides; the central bank publishes what follows."""
    tender: Tender = step.about
    decision, code = tender.decision, current_code(performer, tender)
    nothing = decision.cut_off is None and decision.amount is None
    performer.perform(
        f"{step.key}/decide",
        "FixCutOff",
        {
            "tender": code,
            "cut_off": decision.cut_off,
            "amount": decision.amount,
            "no_award": nothing,
        },
        institution=_ministry(performer),
    )
    act = "NoAward" if nothing else "AwardTender"
    performer.perform(f"{step.key}/publish", act, {"tender": code}, institution=_bank(performer))
    performer.pump()


def issue(performer: Performer, step: Step) -> None:
    """Create what was awarded, in the issuer's distribution account."""
    tender: Tender = step.about
    allotment = tables.allotment
    with performer.application.store.reading() as connection:
        nominal = connection.execute(
            sql.select(sql.func.sum(allotment.c.nominal)).where(
                allotment.c.programme == performer.programme,
                allotment.c.tender == current_code(performer, tender),
            )
        ).scalar_one()
    if nominal:
        performer.perform(
            step.key,
            "IssueNominal",
            {"isin": tender.isin, "nominal": int(Decimal(nominal))},
            institution=_ministry(performer),
        )
        performer.pump()
