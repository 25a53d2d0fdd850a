"""Auctions recomputed against what the State Bank of Pakistan published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from amanat.auctions.allotment import Status, allot
from amanat.auctions.model import (
    Award,
    BidBy,
    CompetitiveBid,
    MarginRule,
    NoAward,
    Pricing,
    Residue,
    TenderTerms,
    Weighting,
)
from amanat.auctions.sheet import demand_curve, result_sheet

MILLION = 1_000_000


def test_pib_sheet_of_4_march_2021(
    terms: TenderTerms,
    published_pib_bids: list[CompetitiveBid],
    published_pib_yields: list[Decimal],
    pib: Pricing,
) -> None:
    result = allot(terms, published_pib_bids, Award(cut_off=Decimal("94.9435")), pib)
    sheet = result_sheet(result)
    assert sheet.unit == "PKR million"
    assert sheet.total.face_value == 11_601
    assert sheet.total.realised_value == Decimal("11032.285")
    assert sheet.total.accrued_interest == Decimal("26.919")
    assert sheet.total.final_value == Decimal("11059.204")
    assert sheet.average_yield == Decimal("9.2665")
    assert [row.yield_pct for row in sheet.rows] == published_pib_yields
    assert {row.status for row in result.allotments} == {Status.ACCEPTED}
    assert (sheet.cut_off_price, sheet.cut_off_yield) == (Decimal("94.9435"), Decimal("9.3400"))


def test_pib_average_by_realised_value_is_another_figure(
    terms: TenderTerms, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> None:
    by_realised = replace(terms, weighting=Weighting.REALISED_VALUE)
    result = allot(by_realised, published_pib_bids, Award(amount=terms.target), pib)
    # Sum of realised value times yield over realised value, from the published sheet by hand.
    assert result.average_yield == Decimal("9.2662")


def test_bids_by_yield_give_the_published_prices(
    terms: TenderTerms,
    published_pib_bids: list[CompetitiveBid],
    published_pib_yields: list[Decimal],
    pib: Pricing,
) -> None:
    by_yield = [
        replace(bid, price=None, yield_pct=percent)
        for bid, percent in zip(published_pib_bids, published_pib_yields, strict=True)
    ]
    result = allot(
        replace(terms, bid_by=BidBy.YIELD), by_yield, Award(cut_off=Decimal("9.34")), pib
    )
    # A yield of four decimals has several prices; those of three and fewer were stated as yields.
    stated = [row for row in result.allotments if round(row.yield_bid or 0, 3) == row.yield_bid]
    assert len(stated) == 11
    prices = {bid.sequence: bid.price for bid in published_pib_bids}
    assert [row.price for row in stated] == [prices[row.bid.sequence] for row in stated]
    assert result.average_yield == Decimal("9.2665")


@pytest.mark.parametrize(
    ("residue", "first", "second"),
    [
        (Residue.LARGEST_BID_FIRST, 699, 200),
        (Residue.FIRST_BID_FIRST, 699, 200),
        (Residue.LAST_BID_FIRST, 700, 199),
        (Residue.SMALLEST_BID_FIRST, 700, 199),
    ],
)
@pytest.mark.parametrize(
    "award",
    [
        Award(amount=10_000 * MILLION),
        Award(cut_off=Decimal("94.9435"), amount=10_000 * MILLION),
    ],
)
def test_pib_margin_at_9_3400(
    terms: TenderTerms,
    published_pib_bids: list[CompetitiveBid],
    pib: Pricing,
    residue: Residue,
    first: int,
    second: int,
    award: Award,
) -> None:
    # 899 are left for bids of 2,000 and 500: 719.2 and 179.8, rounded 700 and 200, residue -1.
    at_margin = replace(terms, margin=MarginRule(residue=residue))
    result = allot(at_margin, published_pib_bids, award, pib)
    fills = [row.nominal // MILLION for row in result.allotments]
    assert fills[:12] == [1, 2000, 250, 1000, 500, 100, 500, 1000, 2000, 500, 1000, 250]
    assert fills[12:] == [first, second]
    assert result.cut_off_yield == Decimal("9.3400")


def test_pib_margin_without_rounding_is_the_exact_share(
    terms: TenderTerms, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> None:
    exact = replace(terms, margin=MarginRule(rounding_multiple=100_000))
    result = allot(exact, published_pib_bids, Award(amount=10_000 * MILLION), pib)
    assert [row.nominal for row in result.allotments[12:]] == [719_200_000, 179_800_000]


@pytest.mark.parametrize("days", [84, 182])
def test_bill_auction_of_20_march_2013(days: int, bills: Callable[[int], Any]) -> None:
    auction = bills(days)
    bids = [*auction.competitive, *auction.non_competitive]
    result = allot(auction.terms, bids, Award(cut_off=auction.cut_off_price), auction.pricing)
    sheet = result_sheet(result)
    assert {
        "face": str(sheet.competitive.face_value),
        "realised": str(sheet.competitive.realised_value),
        "average_yield": str(sheet.average_yield),
        "cut_off_yield": str(sheet.cut_off_yield),
        "average_price": str(sheet.average_price),
        "non_competitive_price": str(sheet.non_competitive_price),
        "non_competitive_face": str(sheet.non_competitive.face_value),
        "non_competitive_realised": str(sheet.non_competitive.realised_value),
    } == auction.published
    assert sheet.total.accrued_interest == 0
    assert sheet.non_competitive.accepted == len(auction.non_competitive)


def test_a_rejected_auction_allots_nothing(bills: Callable[[int], Any]) -> None:
    # As in October 2021, when all bids were rejected.
    auction = bills(84)
    bids = [*auction.competitive, *auction.non_competitive]
    result = allot(auction.terms, bids, NoAward(), auction.pricing)
    assert {row.status for row in result.allotments} == {Status.UNSUCCESSFUL}
    assert (result.awarded, result.awarded_non_competitive) == (0, 0)
    assert result.cut_off_price is result.average_yield is result.non_competitive_price is None


def test_demand_curve_of_the_pib_sheet(
    terms: TenderTerms, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> None:
    result = allot(terms, published_pib_bids, Award(amount=10_000 * MILLION), pib)
    curve = demand_curve(result)
    assert [(str(point.yield_pct), point.cumulative // MILLION) for point in curve] == [
        ("8.9934", 1),
        ("9.0000", 2001),
        ("9.2790", 2251),
        ("9.2900", 3251),
        ("9.3000", 3851),
        ("9.3100", 4351),
        ("9.3189", 5351),
        ("9.3200", 7351),
        ("9.3300", 7851),
        ("9.3380", 8851),
        ("9.3399", 9101),
        ("9.3400", 11601),
    ]
    assert sum(point.allotted for point in curve) == 10_000 * MILLION
