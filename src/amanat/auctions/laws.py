"""The rulebook of tenders and bids: small named laws, and every refusal of them at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from amanat.auctions.model import (
    Bid,
    BidBy,
    CompetitiveBid,
    NonCompetitiveBid,
    TenderTerms,
)
from amanat.core.errors import Invalid, Refusal, Refused
from amanat.core.messages import Message
from amanat.core.quantities import round_to


class TermsInvalid(Invalid):
    """A term of the tender that no auction can run on."""

    template = "The tender's {term} is {value}: {rule}."


class NominalBelowMinimum(Invalid):
    """A bid's nominal is under the tender's minimum."""

    template = "Bid {number}.{line}: nominal {nominal} is under the minimum {minimum}."


class NominalNotMultiple(Invalid):
    """A bid's nominal is no whole multiple of the tender's step."""

    template = "Bid {number}.{line}: nominal {nominal} is no multiple of {multiple}."


class NominalAboveMaximum(Invalid):
    """A bid's nominal is over the tender's maximum for one bid."""

    template = "Bid {number}.{line}: nominal {nominal} is over the maximum {maximum}."


class QuoteWrong(Invalid):
    """A competitive bid lacks the price or yield that the tender asks, or has the other one."""

    template = "Bid {number}.{line}: this tender takes bids by {bid_by} alone."


class QuoteTooFine(Invalid):
    """A price or yield has more decimals than the tender takes."""

    template = "Bid {number}.{line}: {bid_by} {value} has more than {decimals} decimals."


class QuoteOutOfRange(Invalid):
    """A price must be above 0 and below 1,000; a yield between -100 and 1,000 percent."""

    template = "Bid {number}.{line}: {bid_by} {value} is out of range."


class TooManyBids(Invalid):
    """A bidder has more competitive bids than the tender takes from one."""

    template = "Bidder {number} has {count} competitive bids; at most {maximum} are taken."


class BidderOverLimit(Invalid):
    """A bidder's competitive bids together pass the cap for one bidder."""

    template = "Bidder {number} bids for {nominal} in all; one bidder's limit is {maximum}."


class NonCompetitiveNotOffered(Invalid):
    """The tender has no non-competitive part."""

    template = "Bid {number}.{line}: this tender takes no non-competitive bids."


class InvestorClassExcluded(Invalid):
    """Banks, DFIs and investment banks do not bid non-competitively."""

    template = "Bid {number}.{line}: {investor_class} may not bid non-competitively."


class InvestorOverCap(Invalid):
    """A non-competitive bid passes the cap for one investor."""

    template = "Bid {number}.{line}: nominal {nominal} is over an investor's cap {maximum}."


class InvestorUnnamed(Invalid):
    """A non-competitive bid names no investor, or no class."""

    template = "Bid {number}.{line}: a non-competitive bid names its investor and class."


class InvestorTwice(Invalid):
    """One investor has several non-competitive bids in a tender: all of them are void."""

    template = "Bid {number}.{line}: investor {investor} has {count} non-competitive bids."


class LineTwice(Invalid):
    """Two lines of one form bear the same number."""

    template = "Bidder {number} has more than one line {line}."


Finding = tuple[Bid, Refusal]


def terms_positive(terms: TenderTerms) -> Iterator[Refusal]:
    """Sizes and steps are above zero."""
    sizes = {
        "target": terms.target,
        "bid_minimum": terms.bid_minimum,
        "bid_multiple": terms.bid_multiple,
        "margin.rounding_multiple": terms.margin.rounding_multiple,
    }
    for term, value in sizes.items():
        if value <= 0:
            yield TermsInvalid(term=term, value=value, rule="it must be above zero")
    if terms.margin.whole_up_to < 0:
        yield TermsInvalid(
            term="margin.whole_up_to", value=terms.margin.whole_up_to, rule="it may not be negative"
        )


def terms_in_steps(terms: TenderTerms) -> Iterator[Refusal]:
    """Whatever bounds an allotment is a whole number of its steps, or residues could not go out."""
    step = terms.bid_multiple
    rules = terms.non_competitive
    sizes = {
        "target": terms.target,
        "bid_minimum": terms.bid_minimum,
        "bid_maximum": terms.bid_maximum,
        "margin.rounding_multiple": terms.margin.rounding_multiple,
        "non_competitive.total_max": rules.total_max if rules else None,
    }
    if step <= 0:
        return
    for term, value in sizes.items():
        if value is not None and value % step:
            yield TermsInvalid(
                term=term,
                value=value,
                rule=Message("it must be a multiple of {multiple}", multiple=step),
            )


def terms_bounds(terms: TenderTerms) -> Iterator[Refusal]:
    """Maxima lie above minima, fractions between 0 and 1."""
    if terms.bid_maximum is not None and terms.bid_maximum < terms.bid_minimum:
        yield TermsInvalid(
            term="bid_maximum", value=terms.bid_maximum, rule="it is under the minimum"
        )
    if terms.bids_per_bidder_max is not None and terms.bids_per_bidder_max < 1:
        yield TermsInvalid(
            term="bids_per_bidder_max",
            value=terms.bids_per_bidder_max,
            rule="it must be above zero",
        )
    rules = terms.non_competitive
    fractions = {
        "bidder_fraction_max": terms.bidder_fraction_max,
        "non_competitive.cap_fraction": rules.cap_fraction if rules else None,
    }
    for term, fraction in fractions.items():
        if fraction is not None and not 0 < fraction <= 1:
            yield TermsInvalid(term=term, value=fraction, rule="it must be above 0 and at most 1")
    if rules and rules.cap_nominal <= 0:
        yield TermsInvalid(
            term="non_competitive.cap_nominal",
            value=rules.cap_nominal,
            rule="it must be above zero",
        )
    if rules and rules.total_max is not None and rules.total_max < 0:
        yield TermsInvalid(
            term="non_competitive.total_max", value=rules.total_max, rule="it may not be negative"
        )


def terms_identified(terms: TenderTerms) -> Iterator[Refusal]:
    """The tender's id has the 32 bytes that the chain gives it; a security is named."""
    if len(terms.tender) != 32:
        yield TermsInvalid(term="tender", value=terms.tender.hex(), rule="it must have 32 bytes")
    if not terms.isin:
        yield TermsInvalid(term="isin", value=terms.isin, rule="it must name a security")


def terms_rounded(terms: TenderTerms) -> Iterator[Refusal]:
    """Published figures have a sane number of decimals."""
    rounding = terms.rounding
    decimals = {
        "rounding.price_decimals": rounding.price_decimals,
        "rounding.yield_decimals": rounding.yield_decimals,
        "rounding.money_decimals": rounding.money_decimals,
    }
    if terms.non_competitive:
        decimals["non_competitive.price_decimals"] = terms.non_competitive.price_decimals
    for term, value in decimals.items():
        if not 0 <= value <= 12:
            yield TermsInvalid(term=term, value=value, rule="it must be from 0 to 12")


TERMS_LAWS: tuple[Callable[[TenderTerms], Iterable[Refusal]], ...] = (
    terms_identified,
    terms_positive,
    terms_bounds,
    terms_in_steps,
    terms_rounded,
)


def nominal_fits(terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """Every bid keeps the tender's minimum, multiple and maximum."""
    for bid in bids:
        names: dict[str, Any] = {"number": bid.number, "line": bid.line, "nominal": bid.nominal}
        if bid.nominal < terms.bid_minimum:
            yield bid, NominalBelowMinimum(**names, minimum=terms.bid_minimum)
        if bid.nominal % terms.bid_multiple:
            yield bid, NominalNotMultiple(**names, multiple=terms.bid_multiple)
        if terms.bid_maximum is not None and bid.nominal > terms.bid_maximum:
            yield bid, NominalAboveMaximum(**names, maximum=terms.bid_maximum)


def quote_fits(terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """A competitive bid states what the tender asks, within its decimals and a sane range."""
    by_price = terms.bid_by is BidBy.PRICE
    decimals = terms.rounding.price_decimals if by_price else terms.rounding.yield_decimals
    for bid in competitive(bids):
        names: dict[str, Any] = {
            "number": bid.number,
            "line": bid.line,
            "bid_by": terms.bid_by.value,
        }
        value, other = (bid.price, bid.yield_pct) if by_price else (bid.yield_pct, bid.price)
        if value is None or other is not None:
            yield bid, QuoteWrong(**names)
            continue
        low = 0 if by_price else -100
        if not value.is_finite() or not low < value < 1000:
            yield bid, QuoteOutOfRange(**names, value=value)
        elif value != round_to(value, decimals):
            yield bid, QuoteTooFine(**names, value=value, decimals=decimals)


def lines_differ(_terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """A line number occurs once in a bidder's form, so that each bid can be named."""
    counts = Counter(bid.order for bid in bids)
    for bid in bids:
        if counts[bid.order] > 1:
            yield bid, LineTwice(number=bid.number, line=bid.line)


def bidder_within_limits(terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """A bidder's competitive bids keep the limits on their number and their sum, or all fall."""
    sheets: dict[int, list[CompetitiveBid]] = defaultdict(list)
    for bid in competitive(bids):
        sheets[bid.number].append(bid)
    for number, sheet in sheets.items():
        if terms.bids_per_bidder_max is not None and len(sheet) > terms.bids_per_bidder_max:
            for bid in sheet:
                yield (
                    bid,
                    TooManyBids(number=number, count=len(sheet), maximum=terms.bids_per_bidder_max),
                )
        if terms.bidder_fraction_max is None:
            continue
        total, limit = sum(bid.nominal for bid in sheet), terms.bidder_fraction_max * terms.target
        if total > limit:
            for bid in sheet:
                yield bid, BidderOverLimit(number=number, nominal=total, maximum=limit)


def investor_may_bid(terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """A non-competitive bid names an investor of a class that may bid, within the cap."""
    rules = terms.non_competitive
    for bid in non_competitive(bids):
        names: dict[str, Any] = {"number": bid.number, "line": bid.line}
        if rules is None:
            yield bid, NonCompetitiveNotOffered(**names)
            continue
        if not bid.investor or not bid.investor_class:
            yield bid, InvestorUnnamed(**names)
        if bid.investor_class in rules.excluded_classes:
            yield bid, InvestorClassExcluded(**names, investor_class=bid.investor_class)
        if bid.nominal > terms.investor_cap:
            yield bid, InvestorOverCap(**names, nominal=bid.nominal, maximum=terms.investor_cap)


def investor_once(_terms: TenderTerms, bids: Sequence[Bid]) -> Iterator[Finding]:
    """One non-competitive bid per investor, whoever submits it; duplicates void them all."""
    counts = Counter(bid.investor for bid in non_competitive(bids))
    for bid in non_competitive(bids):
        if counts[bid.investor] > 1:
            yield (
                bid,
                InvestorTwice(
                    number=bid.number,
                    line=bid.line,
                    investor=bid.investor,
                    count=counts[bid.investor],
                ),
            )


BID_LAWS: tuple[Callable[[TenderTerms, Sequence[Bid]], Iterable[Finding]], ...] = (
    lines_differ,
    nominal_fits,
    quote_fits,
    bidder_within_limits,
    investor_may_bid,
    investor_once,
)


def competitive(bids: Iterable[Bid]) -> list[CompetitiveBid]:
    """The competitive ones, in the given order."""
    return [bid for bid in bids if isinstance(bid, CompetitiveBid)]


def non_competitive(bids: Iterable[Bid]) -> list[NonCompetitiveBid]:
    """The non-competitive ones, in the given order."""
    return [bid for bid in bids if isinstance(bid, NonCompetitiveBid)]


def check_terms(terms: TenderTerms) -> None:
    """Refuse terms that no auction can run on, all faults at once."""
    refused = Refused()
    for law in TERMS_LAWS:
        for refusal in law(terms):
            refused.add(refusal)
    refused.raise_if_any()


def findings(terms: TenderTerms, bids: Sequence[Bid]) -> list[Finding]:
    """Every breach of a law by a bid, bids in their order and laws in the rulebook's."""
    found = [finding for law in BID_LAWS for finding in law(terms, bids)]
    place = {id(bid): index for index, bid in enumerate(bids)}
    return sorted(found, key=lambda finding: place[id(finding[0])])


def check_bids(terms: TenderTerms, bids: Sequence[Bid]) -> None:
    """Refuse a sheet of bids with all its faults at once; for one bidder before it is sealed."""
    refused = Refused()
    for _bid, refusal in findings(terms, bids):
        refused.add(refusal)
    refused.raise_if_any()
