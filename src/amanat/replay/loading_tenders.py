"""Tenders and their bids, as `tenders.toml` and the files of bids that it names say them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from amanat.auctions.model import (
    BidBy,
    MarginRule,
    Method,
    NonCompetitivePricing,
    NonCompetitiveRules,
    Oversubscription,
    Residue,
    TenderTerms,
    Weighting,
)
from amanat.replay import reading
from amanat.replay.model import Bid, Decision, Instrument, InvestorBid, Tender
from amanat.replay.reading import FieldUnknown, Folder, Located, Row

_DAY = date(1970, 1, 1)
_PUBLISHED = (
    "face",
    "realised",
    "accrued",
    "final",
    "average_yield",
    "cut_off_yield",
    "cut_off_price",
    "average_price",
    "non_competitive_price",
    "non_competitive_face",
    "non_competitive_realised",
)
Word = TypeVar("Word", bound=StrEnum)


def word(kind: type[Word]) -> Callable[[Any], Word]:
    """A reader of one of the words of an enumeration."""

    def read(value: Any) -> Word:
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"it is none of {', '.join(kind)}") from None

    return read


def read_tenders(
    folder: Folder, currency: str, instruments: Mapping[str, Instrument], *, required: bool = True
) -> list[Tender]:
    """Every tender with its bids; what is wrong is noted in the folder's refusals."""
    tables = folder.toml("tenders.toml", required=required)
    rows = tables.pop("tender", [])
    for name, others in tables.items():
        folder.refused.add(
            FieldUnknown(place=others[0].where.of(), name=f"[{name}]", known="[[tender]]")
        )
    return [_tender(folder, row, currency, instruments) for row in rows]


def _tender(
    folder: Folder, row: Row, currency: str, instruments: Mapping[str, Instrument]
) -> Tender:
    terms = _terms(row, currency, instruments)
    settles_on = row.take("settlement_date", reading.day, _DAY)
    bids_file = row.take("bids", reading.text, "")
    others_file = row.take_or("non_competitive_bids", reading.text, "")
    found = Tender(
        code=row.take("code", reading.code, ""),
        isin=terms.isin,
        terms=terms,
        announced_on=row.take("announced_on", reading.day, _DAY),
        auction_on=row.take("auction_date", reading.day, _DAY),
        settles_on=settles_on,
        last_settlement_on=row.take_or("last_settlement_date", reading.day, settles_on),
        decision=_decision(row, currency),
        bids=tuple(_bids(folder, bids_file, currency, terms.bid_by)),
        investor_bids=tuple(_investor_bids(folder, others_file, currency)),
        made=row.take("made", reading.flag, False),
        source=row.take("source", reading.text, ""),
        published=_published(row),
        where=row.where,
    )
    row.finish()
    return found


def _terms(row: Row, currency: str, instruments: Mapping[str, Instrument]) -> TenderTerms:
    isin = row.take("isin", reading.text, "")
    known = instruments.get(isin)
    step = known.terms.denomination if known else 100_000
    amount = reading.amount_in(currency)
    return TenderTerms(
        # The ledger gives a tender its id; until then a digest stands for it.
        tender=hashlib.sha256(isin.encode()).digest(),
        isin=isin,
        target=row.take("target", amount, 0),
        method=row.take("method", word(Method), Method.MULTIPLE_PRICE),
        bid_by=row.take("bid_by", word(BidBy), BidBy.PRICE),
        bid_minimum=row.take_or("bid_minimum", amount, step),
        bid_multiple=row.take_or("bid_multiple", amount, step),
        bid_maximum=row.take_or("bid_maximum", amount, None),
        bidder_fraction_max=row.take_or("bidder_fraction_max", reading.number, None),
        weighting=row.take_or("weighting", word(Weighting), Weighting.FACE_VALUE),
        margin=_margin(row, currency),
        non_competitive=_non_competitive(row, currency),
    )


def _child(row: Row, name: str) -> Row | None:
    """The table of TOML below a tender, such as [tender.margin]."""
    children = row.children(name)  # marks the name as known
    if not children or not isinstance(children[0], dict):
        return None
    line = row.where.lines.get(name, row.where.line)
    return Row(children[0], Located(row.where.file, line), row.refused)


def _margin(row: Row, currency: str) -> MarginRule:
    table = _child(row, "margin")
    if table is None:
        return MarginRule()
    amount, usual = reading.amount_in(currency), MarginRule()
    found = MarginRule(
        rounding_multiple=table.take_or("rounding_multiple", amount, usual.rounding_multiple),
        whole_up_to=table.take_or("whole_up_to", amount, usual.whole_up_to),
        residue=table.take("residue", word(Residue), usual.residue),
    )
    table.finish()
    return found


def _non_competitive(row: Row, currency: str) -> NonCompetitiveRules | None:
    table = _child(row, "non_competitive")
    if table is None:
        return None
    amount, usual = reading.amount_in(currency), NonCompetitiveRules()
    found = NonCompetitiveRules(
        cap_fraction=table.take("cap_percent", reading.percent, Decimal("0.5")) / 100,
        cap_nominal=table.take("cap", amount, usual.cap_nominal),
        excluded_classes=table.take("excluded_classes", reading.codes, ()),
        oversubscription=table.take_or(
            "oversubscription", word(Oversubscription), usual.oversubscription
        ),
        total_max=table.take_or("total_max", amount, None),
        pricing=table.take("pricing", word(NonCompetitivePricing), usual.pricing),
        price_decimals=table.take_or("price_decimals", reading.natural, usual.price_decimals),
    )
    table.finish()
    return found


def _decision(row: Row, currency: str) -> Decision:
    table = _child(row, "decision")
    if table is None:
        row.note(None, reading.FieldMissing(name="[tender.decision]"))
        return Decision(None, None)
    none = table.take_or("no_award", reading.flag, False)
    found = Decision(
        cut_off=table.take_or("cut_off", reading.number, None),
        amount=table.take_or("amount", reading.amount_in(currency), None),
    )
    if none == (found.cut_off is not None or found.amount is not None):
        reason = "a decision is a cut-off, an amount or both; else no_award = true"
        table.note(None, reading.ValueWrong(name="decision", value=none, reason=reason))
    table.finish()
    return found


def _published(row: Row) -> dict[str, Decimal]:
    """Published figures, amounts in millions as the sheet prints them."""
    table = _child(row, "published")
    if table is None:
        return {}
    found = {
        name: table.take(name, reading.number, Decimal(0)) for name in _PUBLISHED if table.has(name)
    }
    table.finish()
    return found


def _bids(folder: Folder, file: str, currency: str, bid_by: BidBy) -> list[Bid]:
    found = []
    for row in folder.csv(file) if file else []:
        value = row.take(bid_by.value, reading.number, Decimal(0))
        other = BidBy.YIELD if bid_by is BidBy.PRICE else BidBy.PRICE
        row.take_or(other.value, reading.number, None)  # as published; the other follows
        bid = Bid(
            bidder=row.take("bidder", reading.code, ""),
            nominal=reading.take_amount(row, "face", currency),
            value=value,
            where=row.where,
        )
        row.finish()
        found.append(bid)
    return found


def _investor_bids(folder: Folder, file: str, currency: str) -> list[InvestorBid]:
    found = []
    for row in folder.csv(file) if file else []:
        bid = InvestorBid(
            dealer=row.take("dealer", reading.code, ""),
            investor=row.take("investor", reading.code, ""),
            nominal=reading.take_amount(row, "face", currency),
            where=row.where,
        )
        row.finish()
        found.append(bid)
    return found
