"""The result sheet in the manner of the State Bank of Pakistan's, and the demand curve, as data.

Faces draw them; here are exact figures in the sheet's units and the message keys of its columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from amanat.auctions.allotment import Allotment, AuctionResult, Status, ranked
from amanat.auctions.laws import competitive
from amanat.core.quantities import EXACT, round_to


@dataclass(frozen=True, slots=True)
class Column:
    """A column's message key and the unit that stands in its head (empty: none)."""

    key: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One bid; amounts in the sheet's unit, price per 100, yield in percent.

    `bid` is the bid's number on the sheet (from 1, in the order of the sheet).  Price and yield
    are what an accepted bid pays, else what it bid; None where it has none.
    """

    bid: int
    bidder: int
    line: int
    competitive: bool
    status: Status
    reasons: tuple[str, ...]
    offered: Decimal
    face_value: Decimal
    price: Decimal | None
    yield_pct: Decimal | None
    realised_value: Decimal
    accrued_interest: Decimal
    final_value: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some rows, each rounded once from the exact sum."""

    bids: int
    accepted: int
    offered: Decimal
    face_value: Decimal
    realised_value: Decimal
    accrued_interest: Decimal
    final_value: Decimal


@dataclass(frozen=True, slots=True)
class ResultSheet:
    """Rows best quote first, then non-competitive, then void ones, with totals and figures.

    `unit` is the unit of all amounts, such as "PKR million".  Void bids count in no total.
    """

    isin: str
    unit: str
    target: Decimal
    columns: tuple[Column, ...]
    rows: tuple[SheetRow, ...]
    competitive: Totals
    non_competitive: Totals
    total: Totals
    cut_off_price: Decimal | None
    cut_off_yield: Decimal | None
    average_price: Decimal | None
    average_yield: Decimal | None
    non_competitive_price: Decimal | None


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """All valid competitive bids at one quote: nominal there, and there or better, in units."""

    price: Decimal
    yield_pct: Decimal
    nominal: int
    cumulative: int
    allotted: int


@dataclass(frozen=True, slots=True)
class _Scale:
    """Turns units and minor units into the sheet's unit, 10**`power` of the currency."""

    power: int
    decimals: int
    money_decimals: int

    def nominal(self, units: int) -> Decimal:
        return round_to(Decimal(units).scaleb(-self.power), self.decimals)

    def money(self, minor: int) -> Decimal:
        return round_to(Decimal(minor).scaleb(-self.power - self.money_decimals), self.decimals)


def result_sheet(
    result: AuctionResult,
    *,
    currency: str = "PKR",
    power: int = 6,
    power_name: str = "million",
    decimals: int = 3,
) -> ResultSheet:
    """The sheet of a result, amounts in 10**`power` of the currency at `decimals`."""
    scale = _Scale(power, decimals, result.terms.rounding.money_decimals)
    unit = f"{currency} {power_name}".strip()
    ordered = _sheet_order(result)
    valid = [row for row in ordered if row.status is not Status.VOID]
    with localcontext(EXACT):
        return ResultSheet(
            isin=result.terms.isin,
            unit=unit,
            target=scale.nominal(result.terms.target),
            columns=_columns(unit),
            rows=tuple(_row(scale, place, row) for place, row in enumerate(ordered, start=1)),
            competitive=_totals(scale, (row for row in valid if row.competitive)),
            non_competitive=_totals(scale, (row for row in valid if not row.competitive)),
            total=_totals(scale, valid),
            cut_off_price=result.cut_off_price,
            cut_off_yield=result.cut_off_yield,
            average_price=result.average_price,
            average_yield=result.average_yield,
            non_competitive_price=result.non_competitive_price,
        )


def demand_curve(result: AuctionResult) -> tuple[DemandPoint, ...]:
    """Cumulative nominal by yield, the best quote for the issuer first; void bids left out."""
    rows = {row.bid.order: row for row in result.allotments if row.status is not Status.VOID}
    points: list[DemandPoint] = []
    cumulative = 0
    for _quote, group in ranked(result.terms, competitive(row.bid for row in rows.values())):
        first = rows[group[0].order]
        assert first.price_bid is not None
        assert first.yield_bid is not None
        nominal = sum(bid.nominal for bid in group)
        cumulative += nominal
        allotted = sum(rows[bid.order].nominal for bid in group)
        points.append(DemandPoint(first.price_bid, first.yield_bid, nominal, cumulative, allotted))
    return tuple(points)


def _sheet_order(result: AuctionResult) -> list[Allotment]:
    valid = {row.bid.order: row for row in result.allotments if row.status is not Status.VOID}
    groups = ranked(result.terms, competitive(row.bid for row in valid.values()))
    best = [valid[bid.order] for _quote, group in groups for bid in group]
    others = [row for row in valid.values() if not row.competitive]
    return [*best, *others, *(row for row in result.allotments if row.status is Status.VOID)]


def _columns(unit: str) -> tuple[Column, ...]:
    return (
        Column("sheet.bid"),
        Column("sheet.offered", unit),
        Column("sheet.face_value", unit),
        Column("sheet.price", "per 100"),
        Column("sheet.yield", "%"),
        Column("sheet.realised_value", unit),
        Column("sheet.accrued_interest", unit),
        Column("sheet.final_value", unit),
        Column("sheet.status"),
    )


def _row(scale: _Scale, place: int, row: Allotment) -> SheetRow:
    accepted = row.status is Status.ACCEPTED
    return SheetRow(
        bid=place,
        bidder=row.bid.number,
        line=row.bid.line,
        competitive=row.competitive,
        status=row.status,
        reasons=row.reasons,
        offered=scale.nominal(row.bid.nominal),
        face_value=scale.nominal(row.nominal),
        price=row.price if accepted else row.price_bid,
        yield_pct=row.yield_pct if accepted else row.yield_bid,
        realised_value=scale.money(row.realised),
        accrued_interest=scale.money(row.accrued),
        final_value=scale.money(row.final),
    )


def _totals(scale: _Scale, rows: Iterable[Allotment]) -> Totals:
    rows = list(rows)
    return Totals(
        bids=len(rows),
        accepted=sum(row.status is Status.ACCEPTED for row in rows),
        offered=scale.nominal(sum(row.bid.nominal for row in rows)),
        face_value=scale.nominal(sum(row.nominal for row in rows)),
        realised_value=scale.money(sum(row.realised for row in rows)),
        accrued_interest=scale.money(sum(row.accrued for row in rows)),
        final_value=scale.money(sum(row.final for row in rows)),
    )
