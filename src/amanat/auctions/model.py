"""Tenders and bids: what is offered, on what rules, and what a bidder may say.

Nominal is an integer of units, one unit being 1 of the currency in face value.  Money is an
integer of the currency's minor units.  Prices are clean, per 100 of face; yields are in percent.
Both are exact `Decimal`s.  Nothing here knows an instrument: its arithmetic comes in as `Pricing`.

Sources: market practice of the State Bank of Pakistan as its agent for government securities,
DMMD Circular 02/2007 for the margin and the non-competitive rules of its auction calendars.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from amanat.core.quantities import Rounding, round_to


class Method(StrEnum):
    """What an accepted bidder pays: the price it bid, or the one price at the cut-off."""

    MULTIPLE_PRICE = "multiple_price"
    UNIFORM_PRICE = "uniform_price"


class BidBy(StrEnum):
    """What a competitive bid states; the other of the two follows from the instrument."""

    PRICE = "price"
    YIELD = "yield"


class Weighting(StrEnum):
    """What weighs each accepted yield in the average.

    Over bills bid at simple yields, `realised_value` gives exactly the yield of the average
    price, as published in 2013; fixed PIBs are published by `face_value`.
    """

    FACE_VALUE = "face_value"
    REALISED_VALUE = "realised_value"


class Oversubscription(StrEnum):
    """How non-competitive bids share a total that does not suffice."""

    SMALLEST_FIRST = "smallest_first"
    PRO_RATA = "pro_rata"


class Residue(StrEnum):
    """Whose allotment takes what rounding at the margin leaves over or lacks.

    The rule is unpublished, so it is a parameter.  Between bids of equal size the earlier one is
    taken first, in `last_bid_first` the later one.
    """

    LARGEST_BID_FIRST = "largest_bid_first"
    SMALLEST_BID_FIRST = "smallest_bid_first"
    FIRST_BID_FIRST = "first_bid_first"
    LAST_BID_FIRST = "last_bid_first"


class NonCompetitivePricing(StrEnum):
    """At what price non-competitive bids are allotted.

    `average_price`: the weighted average price (bills; SBP rounds it to 2 decimals);
    `price_of_average_yield`: the price of the weighted average yield (fixed PIBs);
    `cut_off_price`: the price at the cut-off (reopenings of GIS, uniform price).
    """

    AVERAGE_PRICE = "average_price"
    PRICE_OF_AVERAGE_YIELD = "price_of_average_yield"
    CUT_OFF_PRICE = "cut_off_price"


class Pricing(Protocol):
    """The arithmetic of one security for one settlement date; unrounded, deterministic."""

    def price_of_yield(self, yield_pct: Decimal) -> Decimal:
        """Clean price per 100 of face at a yield in percent."""
        ...

    def yield_of_price(self, price: Decimal) -> Decimal:
        """Yield in percent at a clean price per 100 of face."""
        ...

    def accrued_per_100(self) -> Decimal:
        """Interest accrued per 100 of face that the buyer pays on top; 0 for a bill."""
        ...


@dataclass(frozen=True, slots=True)
class MarginRule:
    """How bids at the cut-off share what the better ones leave.

    share = own bid / all bids at the cut-off, rounded to the nearest `rounding_multiple`, halves
    up; bids of `whole_up_to` or less are filled whole first (DMMD 02/2007: both PKR 50 million).
    What rounding leaves over or lacks goes by `residue`.
    """

    rounding_multiple: int = 50_000_000
    whole_up_to: int = 50_000_000
    residue: Residue = Residue.LARGEST_BID_FIRST


@dataclass(frozen=True, slots=True)
class NonCompetitiveRules:
    """Who may bid without a price, how much, and at what price they are allotted.

    One bid per investor and tender: duplicates void them all.  An investor's cap is the smaller
    of `cap_fraction` of the target and `cap_nominal` (0.50%, PKR 500 million; GIS 0.25%, 250).
    `total_max` limits them all together; None means every valid bid is filled.
    """

    cap_fraction: Decimal = Decimal("0.005")
    cap_nominal: int = 500_000_000
    excluded_classes: tuple[str, ...] = ("bank", "dfi", "investment_bank")
    oversubscription: Oversubscription = Oversubscription.SMALLEST_FIRST
    total_max: int | None = None
    pricing: NonCompetitivePricing = NonCompetitivePricing.AVERAGE_PRICE
    price_decimals: int = 2


@dataclass(frozen=True, slots=True)
class RoundingRules:
    """Decimals of what is published and paid, and how they are reached."""

    price_decimals: int = 4
    yield_decimals: int = 4
    money_decimals: int = 2
    mode: Rounding = Rounding.HALF_UP

    def price(self, exact: Decimal) -> Decimal:
        """A price per 100, rounded as bid and published."""
        return self.to(exact, self.price_decimals)

    def yield_pct(self, exact: Decimal) -> Decimal:
        """A yield in percent, rounded as bid and published."""
        return self.to(exact, self.yield_decimals)

    def money(self, nominal: int, per_100: Decimal) -> int:
        """What `nominal` costs at `per_100`, in minor units."""
        exact = Decimal(nominal) * per_100 * Decimal(10) ** (self.money_decimals - 2)
        return int(round_to(exact, 0, self.mode))

    def to(self, exact: Decimal, decimals: int) -> Decimal:
        """`exact` to a number of decimals."""
        return round_to(exact, decimals, self.mode)


@dataclass(frozen=True, slots=True)
class TenderTerms:
    """What is offered and on what rules; complete, so that the result follows from bids alone.

    `tender` is the 32-byte id that the chain knows.  `bid_multiple` is also the smallest step of
    any allotment.  `bidder_fraction_max` caps the sum of one bidder's competitive bids as a
    fraction of the target; None leaves it open.
    """

    tender: bytes
    isin: str
    target: int
    method: Method = Method.MULTIPLE_PRICE
    bid_by: BidBy = BidBy.PRICE
    bid_minimum: int = 100_000
    bid_multiple: int = 100_000
    bid_maximum: int | None = None
    bids_per_bidder_max: int | None = None
    bidder_fraction_max: Decimal | None = None
    weighting: Weighting = Weighting.FACE_VALUE
    margin: MarginRule = MarginRule()
    non_competitive: NonCompetitiveRules | None = None
    rounding: RoundingRules = RoundingRules()

    @property
    def investor_cap(self) -> int:
        """The most nominal that one investor may bid without a price, in whole multiples."""
        rules = self.non_competitive
        if rules is None:
            return 0
        exact = min(rules.cap_fraction * self.target, Decimal(rules.cap_nominal))
        return int(exact // self.bid_multiple) * self.bid_multiple


@dataclass(frozen=True, slots=True)
class CompetitiveBid:
    """An offer to buy `nominal` at a price per 100, or at a yield in percent.

    `number` is the bidder's number in this tender, `line` the place in its sealed form (from 1);
    `sequence` is the order in which the chain recorded the form, given when the book is opened.
    """

    number: int
    line: int
    nominal: int
    price: Decimal | None = None
    yield_pct: Decimal | None = None
    sequence: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """Earlier bids sort first; no two bids of a book are equal in it."""
        return (self.sequence, self.number, self.line)


@dataclass(frozen=True, slots=True)
class NonCompetitiveBid:
    """An offer to buy `nominal` at the auction's own price, by a dealer for a named investor.

    `investor` is an opaque reference, equal for equal investors; `investor_class` the class that
    the programme's register of participants gives it.
    """

    number: int
    line: int
    nominal: int
    investor: str
    investor_class: str
    sequence: int = 0

    @property
    def order(self) -> tuple[int, int, int]:
        """Earlier bids sort first; no two bids of a book are equal in it."""
        return (self.sequence, self.number, self.line)


Bid = CompetitiveBid | NonCompetitiveBid


@dataclass(frozen=True, slots=True)
class Award:
    """The ministry accepts bids: down to a cut-off, up to an amount, or both.

    `cut_off` is a price or yield as the tender's `bid_by` says: every better bid is filled whole
    and those at it share the rest of `amount` (all of them whole, when no amount is given).
    With an `amount` alone the cut-off is where the bids, best first, reach it.  The amount is
    competitive nominal and may lie under or over the target.
    """

    cut_off: Decimal | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True)
class NoAward:
    """The ministry accepts no bid at all."""


Decision = Award | NoAward
