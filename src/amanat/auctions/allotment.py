"""From bids and the ministry's decision to what every bid gets, at what price.

The result depends on the terms, the bids and the decision alone: not on the order in which bids
are given, the caller's decimal context, or the clock.  Bids that break a law of the rulebook are
void and stay in the result with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import groupby

from amanat.auctions.laws import check_terms, competitive, findings, non_competitive
from amanat.auctions.model import (
    Award,
    Bid,
    BidBy,
    CompetitiveBid,
    Decision,
    Method,
    NoAward,
    NonCompetitiveBid,
    NonCompetitivePricing,
    NonCompetitiveRules,
    Oversubscription,
    Pricing,
    Residue,
    TenderTerms,
    Weighting,
)
from amanat.core.errors import Refusal
from amanat.core.quantities import EXACT


class Status(StrEnum):
    """What became of a bid; one filled in part is accepted for less than it asked."""

    ACCEPTED = "accepted"
    UNSUCCESSFUL = "unsuccessful"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Allotment:
    """What one bid gets.

    `price_bid` and `yield_bid` are the bid's own quote in both forms (None where it has none);
    `price` and `yield_pct` what it pays (None where nothing is allotted).  `realised` is nominal
    at the price, `accrued` the interest on top, both in minor units.  `reasons` names the laws
    that a void bid breaks.
    """

    bid: Bid
    status: Status
    reasons: tuple[str, ...] = ()
    price_bid: Decimal | None = None
    yield_bid: Decimal | None = None
    nominal: int = 0
    price: Decimal | None = None
    yield_pct: Decimal | None = None
    realised: int = 0
    accrued: int = 0

    @property
    def final(self) -> int:
        """What the bidder pays in all, in minor units."""
        return self.realised + self.accrued

    @property
    def competitive(self) -> bool:
        """Whether the bid named a price or yield."""
        return isinstance(self.bid, CompetitiveBid)


@dataclass(frozen=True, slots=True)
class AuctionResult:
    """The whole outcome: every bid in the order of the book, and the figures of the auction.

    The cut-off is the quote of the worst accepted bid; it and the averages are None when nothing
    is awarded.  All figures are rounded as the terms say; the non-competitive price is rounded
    from the exact average, never from the published one.
    """

    terms: TenderTerms
    decision: Decision
    allotments: tuple[Allotment, ...]
    cut_off_price: Decimal | None
    cut_off_yield: Decimal | None
    average_price: Decimal | None
    average_yield: Decimal | None
    non_competitive_price: Decimal | None

    @property
    def awarded(self) -> int:
        """Competitive nominal allotted."""
        return sum(row.nominal for row in self.allotments if row.competitive)

    @property
    def awarded_non_competitive(self) -> int:
        """Non-competitive nominal allotted."""
        return sum(row.nominal for row in self.allotments if not row.competitive)


class AwardEmpty(Refusal):
    """An award names a cut-off, an amount, or both."""

    template = "An award needs a cut-off or an amount."


class AwardAcceptsNothing(Refusal):
    """No valid bid meets the cut-off; the ministry then decides that nothing is awarded."""

    template = "No bid meets the cut-off {cut_off}; decide no award instead."


class AwardExceedsBids(Refusal):
    """More is awarded than was bid at the cut-off or better."""

    template = "{amount} cannot be awarded: bids at the cut-off or better come to {bids}."


class AwardCutsBetterBids(Refusal):
    """The amount ends before the cut-off, so better bids would go short."""

    template = "{amount} ends before the cut-off {cut_off}: better bids alone come to {better}."


class AwardNotMultiple(Refusal):
    """The amount is not a positive whole number of the tender's steps."""

    template = "The amount {amount} is no positive multiple of {multiple}."


class QuoteUnpriceable(Refusal):
    """A quote has no finite counterpart on this security: its bid is void, never the auction."""

    template = "Bid {number}.{line} has no price or yield on this security."


def allot(
    terms: TenderTerms, bids: Sequence[Bid], decision: Decision, pricing: Pricing
) -> AuctionResult:
    """Decide every bid: the award's competitive ones first, then the non-competitive ones.

    Raises the refusals of `check_terms`, then in this order `AwardEmpty`, `AwardNotMultiple`,
    `AwardAcceptsNothing`, `AwardExceedsBids`, `AwardCutsBetterBids`.
    """
    check_terms(terms)
    with localcontext(EXACT):
        # Copies, so that a bid given twice is two bids and breaks the law against it twice.
        ordered = [replace(bid) for bid in sorted(bids, key=_full_order)]
        void = _void(terms, ordered)
        valid = [bid for index, bid in enumerate(ordered) if index not in void]
        quoted, unpriceable = _quoted(terms, competitive(valid), pricing)
        fills: dict[tuple[int, int, int], int] = {}
        if isinstance(decision, Award):
            fills = competitive_fills(terms, [row.bid for row in quoted], decision)
        rows = _priced(terms, quoted, fills, pricing)
        result = _result(terms, decision, rows, pricing)
        rest = _non_competitive(result, non_competitive(valid), pricing)
        rows = [*rows, *rest, *unpriceable, *void.values()]
        return replace(result, allotments=tuple(sorted(rows, key=lambda row: row.bid.order)))


def competitive_fills(
    terms: TenderTerms, bids: Sequence[Bid], award: Award
) -> dict[tuple[int, int, int], int]:
    """Nominal allotted to each valid competitive bid, by its order; the sum is the award."""
    groups = ranked(terms, competitive(bids))
    cut_off, amount = award.cut_off, award.amount
    if cut_off is None and amount is None:
        raise AwardEmpty
    if amount is not None and (amount <= 0 or amount % terms.bid_multiple):
        raise AwardNotMultiple(amount=amount, multiple=terms.bid_multiple)
    if cut_off is not None:
        worst = worth(terms, cut_off)
        groups = [(quote, group) for quote, group in groups if worth(terms, quote) >= worst]
        if not groups:
            raise AwardAcceptsNothing(cut_off=cut_off)
    sizes = [sum(bid.nominal for bid in group) for _quote, group in groups]
    amount = sum(sizes) if amount is None else amount
    if amount > sum(sizes):
        raise AwardExceedsBids(amount=amount, bids=sum(sizes))
    if cut_off is not None and amount <= sum(sizes[:-1]):
        raise AwardCutsBetterBids(amount=amount, cut_off=cut_off, better=sum(sizes[:-1]))
    fills: dict[tuple[int, int, int], int] = {}
    left = amount
    for (_quote, group), size in zip(groups, sizes, strict=True):
        fills |= margin_fills(terms, group, min(left, size))
        left -= min(left, size)
    return fills


def margin_fills(
    terms: TenderTerms, group: Sequence[Bid], available: int
) -> dict[tuple[int, int, int], int]:
    """Share `available` over bids at one quote; the parts always sum to it, none over its bid.

    Bids of `whole_up_to` or less are filled whole first and the others share what is left.  Where
    those small bids alone pass what is available, no one is filled whole: all share in proportion,
    rounded to the bid multiple.  Source: DMMD 02/2007; the residue is a parameter.
    """
    rule = terms.margin
    if available >= sum(bid.nominal for bid in group):
        return {bid.order: bid.nominal for bid in group}
    small = [bid for bid in group if bid.nominal <= rule.whole_up_to]
    whole = sum(bid.nominal for bid in small)
    if whole > available:
        return shared(group, available, terms.bid_multiple, rule.residue)
    rest = [bid for bid in group if bid.nominal > rule.whole_up_to]
    fills = {bid.order: bid.nominal for bid in small}
    return fills | shared(rest, available - whole, rule.rounding_multiple, rule.residue)


def shared(
    group: Sequence[Bid], available: int, multiple: int, residue: Residue
) -> dict[tuple[int, int, int], int]:
    """Pro rata over `group`, each part rounded to the nearest `multiple`, the residue by rule.

    `available` is at most the group's sum.  A part that rounding lifts over its bid is the bid.
    The residue goes to (or comes from) the bids in the rule's order, each as far as it can.
    """
    total = sum(bid.nominal for bid in group)
    parts: dict[tuple[int, int, int], int] = {}
    for bid in group:
        # Halves up, in integers: floor((2 * share + multiple) / (2 * multiple)) multiples.
        count = (2 * available * bid.nominal + multiple * total) // (2 * multiple * total)
        parts[bid.order] = min(count * multiple, bid.nominal)
    left = available - sum(parts.values())
    for bid in sorted(group, key=_residue_key(residue), reverse=residue is Residue.LAST_BID_FIRST):
        part = parts[bid.order]
        change = min(left, bid.nominal - part) if left > 0 else max(left, -part)
        parts[bid.order] = part + change
        left -= change
    return parts


def ranked(
    terms: TenderTerms, bids: Sequence[CompetitiveBid]
) -> list[tuple[Decimal, list[CompetitiveBid]]]:
    """Bids by quote, the best for the issuer first; within one quote in the order of the book."""
    best = sorted(bids, key=lambda bid: (-worth(terms, quote(terms, bid)), bid.order))
    return [(at, list(group)) for at, group in groupby(best, key=lambda bid: quote(terms, bid))]


def quote(terms: TenderTerms, bid: CompetitiveBid) -> Decimal:
    """What a valid bid states: its price or its yield."""
    stated = bid.price if terms.bid_by is BidBy.PRICE else bid.yield_pct
    assert stated is not None  # `quote_fits` voids every other bid
    return stated


def worth(terms: TenderTerms, stated: Decimal) -> Decimal:
    """A number that is greater, the better a quote is for the issuer."""
    return stated if terms.bid_by is BidBy.PRICE else -stated


def _residue_key(residue: Residue) -> Callable[[Bid], tuple[int, ...]]:
    if residue is Residue.LARGEST_BID_FIRST:
        return lambda bid: (-bid.nominal, *bid.order)
    if residue is Residue.SMALLEST_BID_FIRST:
        return lambda bid: (bid.nominal, *bid.order)
    return lambda bid: bid.order


def _full_order(bid: Bid) -> tuple[tuple[int, int, int], str]:
    """The book's order; two void lines of one number still sort the same way every time."""
    return bid.order, repr(bid)


def _void(terms: TenderTerms, bids: Sequence[Bid]) -> dict[int, Allotment]:
    """Rows of the bids that break a law, by their place in `bids`."""
    places = {id(bid): index for index, bid in enumerate(bids)}
    reasons: dict[int, list[str]] = {}
    for bid, refusal in findings(terms, bids):
        codes = reasons.setdefault(places[id(bid)], [])
        if refusal.code not in codes:
            codes.append(refusal.code)
    return {
        index: Allotment(bids[index], Status.VOID, tuple(codes)) for index, codes in reasons.items()
    }


def _quoted(
    terms: TenderTerms, bids: Sequence[CompetitiveBid], pricing: Pricing
) -> tuple[list[Allotment], list[Allotment]]:
    """Each valid bid with its quote in both forms, and those that have no counterpart."""
    rounding = terms.rounding
    rows: list[Allotment] = []
    unpriceable: list[Allotment] = []
    for bid in bids:
        stated = quote(terms, bid)
        try:
            if terms.bid_by is BidBy.PRICE:
                price, percent = stated, rounding.yield_pct(pricing.yield_of_price(stated))
            else:
                price, percent = rounding.price(pricing.price_of_yield(stated)), stated
        except (Refusal, ArithmeticError):
            reason = QuoteUnpriceable(number=bid.number, line=bid.line).code
            unpriceable.append(Allotment(bid, Status.VOID, (reason,)))
            continue
        rows.append(Allotment(bid, Status.UNSUCCESSFUL, (), price, percent))
    return rows, unpriceable


def _accepted(
    terms: TenderTerms,
    row: Allotment,
    nominal: int,
    price: Decimal,
    percent: Decimal,
    accrued_per_100: Decimal,
) -> Allotment:
    rounding = terms.rounding
    return replace(
        row,
        status=Status.ACCEPTED,
        nominal=nominal,
        price=price,
        yield_pct=percent,
        realised=rounding.money(nominal, price),
        accrued=rounding.money(nominal, accrued_per_100),
    )


def _worst(terms: TenderTerms, rows: Sequence[Allotment]) -> Allotment:
    """The accepted competitive row with the worst quote."""

    def goodness(row: Allotment) -> Decimal:
        assert isinstance(row.bid, CompetitiveBid)
        return worth(terms, quote(terms, row.bid))

    return min(rows, key=goodness)


def _priced(
    terms: TenderTerms,
    quoted: Sequence[Allotment],
    fills: dict[tuple[int, int, int], int],
    pricing: Pricing,
) -> list[Allotment]:
    """Competitive rows with what they pay, at their own price or at the cut-off."""
    filled = [row for row in quoted if fills.get(row.bid.order, 0) > 0]
    if not filled:
        return list(quoted)
    worst = _worst(terms, filled)
    accrued = pricing.accrued_per_100()
    rows: list[Allotment] = []
    for row in quoted:
        nominal = fills.get(row.bid.order, 0)
        if not nominal:
            rows.append(row)
            continue
        paid = row if terms.method is Method.MULTIPLE_PRICE else worst
        assert paid.price_bid is not None
        assert paid.yield_bid is not None
        rows.append(_accepted(terms, row, nominal, paid.price_bid, paid.yield_bid, accrued))
    return rows


def _result(
    terms: TenderTerms, decision: Decision, rows: Sequence[Allotment], pricing: Pricing
) -> AuctionResult:
    """The figures of the auction, from its accepted competitive rows."""
    accepted = [row for row in rows if row.status is Status.ACCEPTED]
    if isinstance(decision, NoAward) or not accepted:
        return AuctionResult(terms, decision, (), None, None, None, None, None)
    worst = _worst(terms, accepted)
    exact_price = weighted(accepted, Weighting.FACE_VALUE, lambda row: row.price)
    exact_yield = weighted(accepted, terms.weighting, lambda row: row.yield_pct)
    average_yield = terms.rounding.yield_pct(exact_yield)
    return AuctionResult(
        terms=terms,
        decision=decision,
        allotments=(),
        cut_off_price=worst.price_bid,
        cut_off_yield=worst.yield_bid,
        average_price=terms.rounding.price(exact_price),
        average_yield=average_yield,
        non_competitive_price=_non_competitive_price(
            terms, exact_price, average_yield, worst.price_bid, pricing
        ),
    )


def weighted(
    rows: Sequence[Allotment], by: Weighting, figure: Callable[[Allotment], Decimal | None]
) -> Decimal:
    """The exact mean of a figure of accepted rows, weighted by face or by realised value."""
    top, bottom = Decimal(0), 0
    for row in rows:
        weight = row.nominal if by is Weighting.FACE_VALUE else row.realised
        value = figure(row)
        assert value is not None  # accepted rows are priced
        top += weight * value
        bottom += weight
    return top / bottom


def _non_competitive_price(
    terms: TenderTerms,
    average_price: Decimal,
    average_yield: Decimal,
    cut_off_price: Decimal | None,
    pricing: Pricing,
) -> Decimal | None:
    rules = terms.non_competitive
    if rules is None or cut_off_price is None:
        return None
    exact = {
        NonCompetitivePricing.AVERAGE_PRICE: lambda: average_price,
        NonCompetitivePricing.PRICE_OF_AVERAGE_YIELD: lambda: pricing.price_of_yield(average_yield),
        NonCompetitivePricing.CUT_OFF_PRICE: lambda: cut_off_price,
    }[rules.pricing]()
    return terms.rounding.to(exact, rules.price_decimals)


def _non_competitive(
    result: AuctionResult, bids: Sequence[NonCompetitiveBid], pricing: Pricing
) -> list[Allotment]:
    """Rows of the valid non-competitive bids; without an award there is no price for them."""
    terms, price, rules = result.terms, result.non_competitive_price, result.terms.non_competitive
    rows = [Allotment(bid, Status.UNSUCCESSFUL) for bid in bids]
    if price is None or rules is None:
        return rows
    fills = non_competitive_fills(terms, rules, bids)
    percent = terms.rounding.yield_pct(pricing.yield_of_price(price))
    accrued = pricing.accrued_per_100()
    return [
        _accepted(terms, row, fills[row.bid.order], price, percent, accrued)
        if fills[row.bid.order]
        else row
        for row in rows
    ]


def non_competitive_fills(
    terms: TenderTerms, rules: NonCompetitiveRules, bids: Sequence[Bid]
) -> dict[tuple[int, int, int], int]:
    """Nominal allotted to each valid non-competitive bid; all of it, unless `total_max` binds.

    `smallest_first`: whole, from the smallest up, the last one in part (equal sizes: the earlier
    first).  `pro_rata`: in proportion, rounded to the bid multiple, residue as at the margin.
    """
    total = sum(bid.nominal for bid in bids)
    left = total if rules.total_max is None else min(total, rules.total_max)
    if left == total:
        return {bid.order: bid.nominal for bid in bids}
    if rules.oversubscription is Oversubscription.PRO_RATA:
        return shared(bids, left, terms.bid_multiple, terms.margin.residue)
    fills: dict[tuple[int, int, int], int] = {}
    for bid in sorted(bids, key=lambda bid: (bid.nominal, bid.order)):
        fills[bid.order] = min(left, bid.nominal)
        left -= fills[bid.order]
    return fills
