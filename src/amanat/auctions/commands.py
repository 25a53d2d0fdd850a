"""What can be asked of the auctions room: one command for each of its acts.

Nominal is whole units of face; prices are clean per 100 of face, yields in percent.  Times are
aware datetimes and are compared with block time; dates are business dates.  Bytes are lower-case
hexadecimal without a prefix.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command
from amanat.access.fields import Day, Instant, PlainDecimal, Whole
from amanat.auctions.model import (
    BidBy,
    Method,
    NonCompetitivePricing,
    Oversubscription,
    Residue,
    Weighting,
)
from amanat.core.quantities import Rounding

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Bytes32 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})+$", max_length=131_072)]
Address = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
Units = Annotated[Whole, Field(gt=0, le=2**53 - 1)]


class Unpaid(StrEnum):
    """What becomes of nominal that a winner did not pay."""

    CANCEL = "cancel"
    REOFFER = "reoffer"


# -- before bidding ---------------------------------------------------------------------------


class CalendarLine(Command):
    """One planned auction."""

    auction_date: Day
    settlement_date: Day
    security: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    target: Units


class PublishCalendar(Command):
    """Publish the calendar of coming auctions, or a new one in place of an old one."""

    calendar: Code
    lines: tuple[CalendarLine, ...] = Field(min_length=1, max_length=250)
    replaces: Code | None = None


class SetTarget(Command):
    """Fix the target of a coming tender; the ministry's key for its sealed bids is made with it.

    `sealing_key` is the public half of a key that the ministry keeps elsewhere; without it this
    installation makes one and keeps its private half under the ministry's own key.
    """

    tender: Code
    isin: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]
    auction_date: Day
    target: Units
    calendar: Code | None = None
    sealing_key: Bytes32 | None = None


class MarginTerms(Command):
    """How bids at the cut-off share what better ones leave (see `MarginRule`)."""

    rounding_multiple: Units = 50_000_000
    whole_up_to: Annotated[Whole, Field(ge=0, le=2**53 - 1)] = 50_000_000
    residue: Residue = Residue.LARGEST_BID_FIRST


class NonCompetitiveTerms(Command):
    """Who may bid without a price, and how much (see `NonCompetitiveRules`)."""

    cap_fraction: PlainDecimal = Decimal("0.005")
    cap_nominal: Units = 500_000_000
    excluded_classes: tuple[Code, ...] = ("bank", "dfi", "investment_bank")
    oversubscription: Oversubscription = Oversubscription.SMALLEST_FIRST
    total_max: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None
    pricing: NonCompetitivePricing = NonCompetitivePricing.AVERAGE_PRICE
    price_decimals: Whole = 2


class RoundingTerms(Command):
    """Decimals of what is published and paid (see `RoundingRules`)."""

    price_decimals: Whole = 4
    yield_decimals: Whole = 4
    mode: Rounding = Rounding.HALF_UP


class AnnounceTender(Command):
    """Announce a tender whose target is fixed: its times, its rules, and when it settles.

    `bids_due` is block time: nothing closes before it, and commitments in later blocks are void.
    Non-competitive bids are taken until `non_competitive_due` (without it: until `bids_due`).
    An allotment that is not settled by `last_settlement_date` is cancelled; `unpaid` says
    whether its nominal is cancelled too or offered again.  `bidders` are the accounts that may
    bid; without it, the first account of its own of every active primary dealer.
    """

    tender: Code
    settlement_date: Day
    last_settlement_date: Day
    bids_due: Instant
    bids_open: Instant | None = None
    non_competitive_due: Instant | None = None
    method: Method = Method.MULTIPLE_PRICE
    bid_by: BidBy = BidBy.PRICE
    bid_minimum: Units = 100_000
    bid_multiple: Units = 100_000
    bid_maximum: Units | None = None
    bids_per_bidder_max: Whole | None = None
    bidder_fraction_max: PlainDecimal | None = None
    weighting: Weighting = Weighting.FACE_VALUE
    margin: MarginTerms = MarginTerms()
    non_competitive: NonCompetitiveTerms | None = None
    rounding: RoundingTerms = RoundingTerms()
    unpaid: Unpaid = Unpaid.CANCEL
    bidders: tuple[Address, ...] | None = Field(default=None, max_length=64)
    sealing_key: Bytes32 | None = None


class AdmitBidders(Command):
    """Admit further bidders to a tender that is announced."""

    tender: Code
    bidders: tuple[Address, ...] = Field(min_length=1, max_length=64)


class AmendTarget(Command):
    """Change the target of a tender while bids come in, or before."""

    tender: Code
    target: Units


class ExtendTender(Command):
    """Give bidders more time on the same day."""

    tender: Code
    bids_due: Instant
    reason: Text


class PostponeTender(Command):
    """Move a tender that has not opened to another day; one that has is cancelled instead."""

    tender: Code
    auction_date: Day
    settlement_date: Day
    last_settlement_date: Day
    bids_open: Instant
    bids_due: Instant
    reason: Text
    non_competitive_due: Instant | None = None


class CancelTender(Command):
    """Cancel a tender before its result; its bids stay sealed."""

    tender: Code
    reason: Text


# -- bidding ----------------------------------------------------------------------------------


class SealedSheet(Command):
    """A sheet of bids that only both institutions together can read, and the promise to it.

    `account` is the participant's own, whose key signs the commitment for the chain.
    """

    tender: Code
    account: Address
    ciphertext: Hex
    salt: Bytes32


class SubmitBid(SealedSheet):
    """Submit a sealed sheet of competitive bids."""


class ReviseBid(SealedSheet):
    """Put a new sealed sheet in the place of one's former one, before the close."""

    bid: Identifier


class WithdrawBid(Command):
    """Withdraw one's sealed sheet before the close."""

    tender: Code
    bid: Identifier


class SubmitNonCompetitiveBid(SealedSheet):
    """Submit a sealed non-competitive sheet that names the investors for whom the dealer bids."""


class DeliverSheet(SealedSheet):
    """Deliver, again or for the first time, the sealed sheet of a commitment on the chain."""


class NameInvestor(Command):
    """Name a client for whom one will bid non-competitively; the answer is what the sheet calls it.

    One holder has one reference in a tender, whichever dealer names it, and another in the next.
    """

    tender: Code
    account: Address


class EnterLetter(Command):
    """Enter a sealed letter by hand, after bids were due and before the close, in an outage.

    The commitment stands on the envelope, which stays sealed until the bids are opened.
    `received_at` is when it arrived, by the central bank's receipt; `letter` the digest of the
    scanned envelope.
    """

    tender: Code
    account: Address
    commitment: Bytes32
    received_at: Instant
    reason: Text
    letter: Bytes32
    non_competitive: bool = False


# -- close and opening ------------------------------------------------------------------------


class CloseTender(Command):
    """Close the bidding on the chain, never before the announced time."""

    tender: Code


class ReleaseShare(Command):
    """Release one's institution's key to the sealed bids, once the close is final.

    `private_key` is given by an institution that keeps it elsewhere.
    """

    tender: Code
    private_key: Bytes32 | None = None


class ResealShare(Command):
    """Seal one's institution's share of a tender to the keys that its people have now."""

    tender: Code


class OpenLetter(Command):
    """Open an envelope that was entered sealed: its form and its salt, as they were committed to.

    Both institutions have released their keys by then.
    """

    tender: Code
    bid: Identifier
    form: Hex
    salt: Bytes32


class OpenBids(Command):
    """Open every sealed bid with both keys, and prove those that are void."""

    tender: Code


# -- decision and result ----------------------------------------------------------------------


class FixCutOff(Command):
    """Decide what is accepted: down to a cut-off, up to an amount, both, or nothing at all.

    `cut_off` is a price or yield as the tender takes bids; `amount` competitive nominal, which may
    lie under or over the target.
    """

    tender: Code
    cut_off: PlainDecimal | None = None
    amount: Units | None = None
    no_award: bool = False


class AwardTender(Command):
    """Publish the result that follows from the bids and the ministry's decision."""

    tender: Code


class NoAward(Command):
    """Publish that nothing is awarded, as the ministry decided."""

    tender: Code


class RecordDefault(Command):
    """Record that a winner has not paid by the last day; its allotment is cancelled."""

    allotment: Identifier
    reason: Text
