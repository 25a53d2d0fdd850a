"""The result sheet: order, units, totals, and what counts in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from amanat.auctions.allotment import Status, allot
from amanat.auctions.model import Award, CompetitiveBid, NoAward, Pricing, TenderTerms
from amanat.auctions.sheet import Column, demand_curve, result_sheet

MILLION = 1_000_000


def test_units_stand_in_the_column_heads(
    terms: TenderTerms, published_pib_bids: list[CompetitiveBid], pib: Pricing
) -> None:
    result = allot(terms, published_pib_bids, Award(amount=terms.target), pib)
    sheet = result_sheet(result, currency="PKR", power=9, power_name="billion", decimals=6)
    assert Column("sheet.face_value", "PKR billion") in sheet.columns
    assert Column("sheet.price", "per 100") in sheet.columns
    assert str(sheet.total.realised_value) == "11.032285"
    assert str(sheet.target) == "11.601000"


def test_rows_are_best_first_then_investors_then_void(bills: Callable[[int], Any]) -> None:
    auction = bills(182)
    void = replace(auction.competitive[0], number=90, sequence=90, nominal=1)
    bids = [void, *auction.non_competitive, *auction.competitive[::-1]]
    result = allot(auction.terms, bids, Award(cut_off=auction.cut_off_price), auction.pricing)
    sheet = result_sheet(result)
    assert [row.bid for row in sheet.rows] == list(range(1, len(bids) + 1))
    prices = [row.price for row in sheet.rows if row.competitive and row.status is not Status.VOID]
    assert prices == sorted(prices, key=lambda price: -(price or 0))
    last = sheet.rows[-1]
    assert (last.bidder, last.status, last.price) == (90, Status.VOID, None)
    assert last.reasons == ("nominal_below_minimum", "nominal_not_multiple")
    assert not any(row.competitive for row in sheet.rows[7:16])


def test_totals_leave_void_bids_out_and_add_up(bills: Callable[[int], Any]) -> None:
    auction = bills(84)
    void = replace(auction.competitive[0], number=90, sequence=90, nominal=1)
    bids = [void, *auction.non_competitive, *auction.competitive]
    result = allot(auction.terms, bids, Award(cut_off=auction.cut_off_price), auction.pricing)
    sheet = result_sheet(result)
    assert (sheet.competitive.bids, sheet.competitive.accepted) == (12, 9)
    assert sheet.competitive.offered == Decimal("131197.000")
    assert sheet.total.face_value == Decimal("126247.390")
    assert sheet.total.final_value == Decimal("112763.222") + Decimal("10817.227")
    assert demand_curve(result)[-1].cumulative == 131_197 * MILLION


def test_a_sheet_without_an_award_shows_what_was_offered(bills: Callable[[int], Any]) -> None:
    auction = bills(84)
    sheet = result_sheet(allot(auction.terms, auction.competitive, NoAward(), auction.pricing))
    assert sheet.total.accepted == 0
    assert sheet.total.face_value == sheet.total.final_value == 0
    assert sheet.total.offered == Decimal("131197.000")
    assert sheet.cut_off_price is None
    assert all(row.price is not None for row in sheet.rows)
