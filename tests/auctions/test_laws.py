"""The rulebook of tenders and bids: a refusal for every law, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from amanat.auctions.laws import check_bids, check_terms, findings
from amanat.auctions.model import (
    Bid,
    BidBy,
    CompetitiveBid,
    MarginRule,
    NonCompetitiveBid,
    NonCompetitiveRules,
    RoundingRules,
    TenderTerms,
)
from amanat.core.errors import Refusal, Refusals

MILLION = 1_000_000
TERMS = TenderTerms(
    tender=bytes(32),
    isin="PK0000000015",
    target=10_000 * MILLION,
    bid_maximum=5_000 * MILLION,
    bids_per_bidder_max=3,
    bidder_fraction_max=Decimal("0.6"),
    non_competitive=NonCompetitiveRules(),
)
BID = CompetitiveBid(1, 1, 100 * MILLION, price=Decimal("95.6713"))
INVESTOR = NonCompetitiveBid(2, 1, 50 * MILLION, "investor-1", "fund")


def codes(terms: TenderTerms, bids: list[Bid]) -> list[str]:
    return [refusal.code for _bid, refusal in findings(terms, bids)]


def test_good_terms_and_bids_pass() -> None:
    check_terms(TERMS)
    check_bids(TERMS, [BID, INVESTOR])
    assert TERMS.investor_cap == 50 * MILLION  # 0.50% of 10,000 million, under the 500


def test_the_absolute_cap_binds_a_large_target() -> None:
    assert replace(TERMS, target=1_000_000 * MILLION).investor_cap == 500 * MILLION


def test_the_cap_is_in_whole_multiples() -> None:
    assert replace(TERMS, target=1_010 * MILLION).investor_cap == 5_000_000  # of 5,050,000
    assert replace(TERMS, non_competitive=None).investor_cap == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nominal": 50_000}, "nominal_below_minimum"),
        ({"nominal": -100_000}, "nominal_below_minimum"),
        ({"nominal": 100 * MILLION + 1}, "nominal_not_multiple"),
        ({"nominal": 5_001 * MILLION}, "nominal_above_maximum"),
        ({"price": None}, "quote_wrong"),
        ({"price": None, "yield_pct": Decimal("9.3")}, "quote_wrong"),
        ({"yield_pct": Decimal("9.3")}, "quote_wrong"),
        ({"price": Decimal("95.67131")}, "quote_too_fine"),
        ({"price": Decimal(0)}, "quote_out_of_range"),
        ({"price": Decimal(1000)}, "quote_out_of_range"),
        ({"price": Decimal("NaN")}, "quote_out_of_range"),
        ({"price": Decimal("Infinity")}, "quote_out_of_range"),
    ],
)
def test_a_competitive_bid_that_breaks_a_law(changes: dict[str, Any], code: str) -> None:
    assert code in codes(TERMS, [replace(BID, **changes)])
    assert codes(TERMS, [BID]) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nominal": 50_100_000}, "investor_over_cap"),
        ({"investor_class": "bank"}, "investor_class_excluded"),
        ({"investor_class": "dfi"}, "investor_class_excluded"),
        ({"investor_class": "investment_bank"}, "investor_class_excluded"),
        ({"investor": ""}, "investor_unnamed"),
        ({"investor_class": ""}, "investor_unnamed"),
    ],
)
def test_a_non_competitive_bid_that_breaks_a_law(changes: dict[str, Any], code: str) -> None:
    assert codes(TERMS, [replace(INVESTOR, **changes)]) == [code]


def test_a_tender_without_a_non_competitive_part_takes_none() -> None:
    closed = replace(TERMS, non_competitive=None)
    assert codes(closed, [INVESTOR]) == ["non_competitive_not_offered"]


def test_duplicates_of_an_investor_void_them_all_whoever_submits() -> None:
    by_another_dealer = replace(INVESTOR, number=3)
    other = replace(INVESTOR, line=2, investor="investor-2")
    found = findings(TERMS, [INVESTOR, other, by_another_dealer])
    assert [(bid.number, refusal.code) for bid, refusal in found] == [
        (2, "investor_twice"),
        (3, "investor_twice"),
    ]


def test_a_bidder_keeps_the_limits_on_number_and_sum() -> None:
    many: list[Bid] = [replace(BID, line=line) for line in (1, 2, 3, 4)]
    assert codes(TERMS, many) == ["too_many_bids"] * 4
    assert codes(TERMS, many[:3]) == []
    large: list[Bid] = [replace(BID, line=line, nominal=3_000 * MILLION) for line in (1, 2)]
    assert codes(TERMS, large) == []  # exactly 60%
    large[1] = replace(BID, line=2, nominal=3_000 * MILLION + 100_000)
    assert codes(TERMS, large) == ["bidder_over_limit"] * 2


def test_one_line_number_twice_in_a_form() -> None:
    assert codes(TERMS, [BID, replace(BID, price=Decimal("95"))]) == ["line_twice"] * 2
    assert codes(TERMS, [BID, replace(BID, number=2)]) == []
    assert codes(TERMS, [BID, replace(BID, sequence=2)]) == []


def test_bids_by_yield_may_be_negative_but_not_absurd() -> None:
    by_yield = replace(TERMS, bid_by=BidBy.YIELD)
    quoted = replace(BID, price=None, yield_pct=Decimal("-0.3500"))
    assert codes(by_yield, [quoted]) == []
    assert codes(by_yield, [replace(quoted, yield_pct=Decimal(1000))]) == ["quote_out_of_range"]
    assert codes(by_yield, [BID]) == ["quote_wrong"]


def test_every_fault_of_a_form_is_reported_at_once() -> None:
    bad = [replace(BID, nominal=1, price=Decimal(0)), replace(INVESTOR, investor_class="bank")]
    with pytest.raises(Refusals) as refused:
        check_bids(TERMS, bad)
    assert [refusal.code for refusal in refused.value.refusals] == [
        "nominal_below_minimum",
        "nominal_not_multiple",
        "quote_out_of_range",
        "investor_class_excluded",
    ]
    assert "Bid 1.1: nominal 1 is under the minimum 100000." in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "term"),
    [
        ({"tender": b"short"}, "tender"),
        ({"isin": ""}, "isin"),
        ({"target": 0}, "target"),
        ({"target": 100_001}, "target"),
        ({"bid_minimum": 0}, "bid_minimum"),
        ({"bid_multiple": 0}, "bid_multiple"),
        ({"bid_maximum": 0}, "bid_maximum"),
        ({"bids_per_bidder_max": 0}, "bids_per_bidder_max"),
        ({"bidder_fraction_max": Decimal(0)}, "bidder_fraction_max"),
        ({"bidder_fraction_max": Decimal("1.1")}, "bidder_fraction_max"),
        ({"margin": MarginRule(rounding_multiple=0)}, "margin.rounding_multiple"),
        ({"margin": MarginRule(rounding_multiple=150_000)}, "margin.rounding_multiple"),
        ({"margin": MarginRule(whole_up_to=-1)}, "margin.whole_up_to"),
        (
            {"non_competitive": NonCompetitiveRules(cap_fraction=Decimal(0))},
            "non_competitive.cap_fraction",
        ),
        ({"non_competitive": NonCompetitiveRules(cap_nominal=0)}, "non_competitive.cap_nominal"),
        ({"non_competitive": NonCompetitiveRules(total_max=-1)}, "non_competitive.total_max"),
        ({"non_competitive": NonCompetitiveRules(total_max=1)}, "non_competitive.total_max"),
        (
            {"non_competitive": NonCompetitiveRules(price_decimals=13)},
            "non_competitive.price_decimals",
        ),
        ({"rounding": RoundingRules(price_decimals=-1)}, "rounding.price_decimals"),
    ],
)
def test_terms_that_no_auction_can_run_on(changes: dict[str, Any], term: str) -> None:
    with pytest.raises((Refusal, Refusals)) as refused:
        check_terms(replace(TERMS, **changes))
    error = refused.value
    found = error.refusals if isinstance(error, Refusals) else (error,)
    assert term in {refusal.fields["term"] for refusal in found}
