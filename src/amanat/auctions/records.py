"""Terms, decisions, commitments and results as canonical fields, and back.

What is written here is hashed into the result's root and published; amounts are decimal text,
bytes are hex.  `read_*` take exactly what `*_record` writes: a missing, unknown or differently
written field is refused, so that one record has one reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from amanat.auctions.allotment import Allotment, AuctionResult
from amanat.auctions.book import Commitment, Delivery, Outcome, Window
from amanat.auctions.model import (
    Award,
    BidBy,
    Decision,
    MarginRule,
    Method,
    NoAward,
    NonCompetitivePricing,
    NonCompetitiveRules,
    Oversubscription,
    Residue,
    RoundingRules,
    TenderTerms,
    Weighting,
)
from amanat.auctions.sealing import Share, TenderKey
from amanat.core.canonical import NotCanonical, canonical_bytes
from amanat.core.errors import Invalid
from amanat.core.messages import Message
from amanat.core.quantities import InvalidNumber, Rounding, decimal_from, integer_from, text_from

T = TypeVar("T")
Record = dict[str, Any]


class RecordUnreadable(Invalid):
    """A record lacks a field, has one too many, or writes a value in another way."""

    template: ClassVar[str] = "The {kind} record cannot be read: {reason}."


def terms_record(terms: TenderTerms) -> Record:
    """Every term of a tender: what its digest and the result's root bind."""
    rules = terms.non_competitive
    return {
        "tender": terms.tender.hex(),
        "isin": str(terms.isin),
        "target": str(terms.target),
        "method": terms.method.value,
        "bid_by": terms.bid_by.value,
        "bid_minimum": str(terms.bid_minimum),
        "bid_multiple": str(terms.bid_multiple),
        "bid_maximum": _text(terms.bid_maximum),
        "bids_per_bidder_max": _text(terms.bids_per_bidder_max),
        "bidder_fraction_max": _text(terms.bidder_fraction_max),
        "weighting": terms.weighting.value,
        "margin": {
            "rounding_multiple": str(terms.margin.rounding_multiple),
            "whole_up_to": str(terms.margin.whole_up_to),
            "residue": terms.margin.residue.value,
        },
        "non_competitive": None
        if rules is None
        else {
            "cap_fraction": text_from(rules.cap_fraction),
            "cap_nominal": str(rules.cap_nominal),
            "excluded_classes": list(rules.excluded_classes),
            "oversubscription": rules.oversubscription.value,
            "total_max": _text(rules.total_max),
            "pricing": rules.pricing.value,
            "price_decimals": str(rules.price_decimals),
        },
        "rounding": {
            "price_decimals": str(terms.rounding.price_decimals),
            "yield_decimals": str(terms.rounding.yield_decimals),
            "money_decimals": str(terms.rounding.money_decimals),
            "mode": terms.rounding.mode.value,
        },
    }


def read_terms(record: Mapping[str, Any]) -> TenderTerms:
    """The inverse of `terms_record`.  Raises `RecordUnreadable`."""
    return _exactly("terms", record, _terms, terms_record)


def decision_record(decision: Decision) -> Record:
    """An award with its cut-off and amount, or no award."""
    if isinstance(decision, NoAward):
        return {"award": False}
    return {"award": True, "cut_off": _text(decision.cut_off), "amount": _text(decision.amount)}


def read_decision(record: Mapping[str, Any]) -> Decision:
    """The inverse of `decision_record`.  Raises `RecordUnreadable`."""
    return _exactly("decision", record, _decision, decision_record)


def commitment_record(one: Commitment) -> Record:
    """A commitment as the chain recorded it."""
    return {
        "number": one.number,
        "sequence": str(one.sequence),
        "digest": one.digest.hex(),
        "window": one.window.value,
        "letter": one.letter,
        "late": one.late,
        "withdrawn": one.withdrawn,
    }


def read_commitment(record: Mapping[str, Any]) -> Commitment:
    """The inverse of `commitment_record`.  Raises `RecordUnreadable`."""
    return _exactly("commitment", record, _commitment, commitment_record)


def delivery_record(delivery: Delivery) -> Record:
    """A delivered sealed bid with its salt."""
    return {
        "sequence": str(delivery.sequence),
        "sealed": delivery.sealed.hex(),
        "salt": delivery.salt.hex(),
    }


def read_delivery(record: Mapping[str, Any]) -> Delivery:
    """The inverse of `delivery_record`.  Raises `RecordUnreadable`."""
    return _exactly("delivery", record, _delivery, delivery_record)


def key_record(key: TenderKey) -> Record:
    """An institution's public key for the tender."""
    return {"institution": key.institution, "public": key.public.hex()}


def read_key(record: Mapping[str, Any]) -> TenderKey:
    """The inverse of `key_record`.  Raises `RecordUnreadable`."""
    return _exactly(
        "key",
        record,
        lambda at: TenderKey(str(at["institution"]), bytes.fromhex(at["public"])),
        key_record,
    )


def share_record(share: Share) -> Record:
    """A released share; never written before the close is final."""
    return {"institution": share.institution, "private": share.private.hex()}


def read_share(record: Mapping[str, Any]) -> Share:
    """The inverse of `share_record`.  Raises `RecordUnreadable`."""
    return _exactly(
        "share",
        record,
        lambda at: Share(str(at["institution"]), bytes.fromhex(at["private"])),
        share_record,
    )


def outcome_record(outcome: Outcome) -> Record:
    """What became of a commitment."""
    return {
        "commitment": commitment_record(outcome.commitment),
        "fate": outcome.fate.value,
        "reason": outcome.reason.value if outcome.reason else None,
        "evidence": outcome.evidence.hex() if outcome.evidence else None,
    }


def allotment_record(row: Allotment) -> Record:
    """What one bid gets; money in minor units."""
    return {
        "line": row.bid.line,
        "competitive": row.competitive,
        "nominal_bid": str(row.bid.nominal),
        "price_bid": _text(row.price_bid),
        "yield_bid": _text(row.yield_bid),
        "status": row.status.value,
        "reasons": list(row.reasons),
        "nominal": str(row.nominal),
        "price": _text(row.price),
        "yield_pct": _text(row.yield_pct),
        "realised": str(row.realised),
        "accrued": str(row.accrued),
        "final": str(row.final),
    }


def figures_record(result: AuctionResult) -> Record:
    """The auction's own figures."""
    return {
        "cut_off_price": _text(result.cut_off_price),
        "cut_off_yield": _text(result.cut_off_yield),
        "average_price": _text(result.average_price),
        "average_yield": _text(result.average_yield),
        "non_competitive_price": _text(result.non_competitive_price),
        "awarded": str(result.awarded),
        "awarded_non_competitive": str(result.awarded_non_competitive),
    }


def _text(value: int | Decimal | None) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, int) else text_from(value)


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("a bidder number is a whole number")
    return value


def _integer(value: str | None) -> int | None:
    return None if value is None else integer_from(value)


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else decimal_from(value)


def _exactly(
    kind: str,
    record: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], T],
    write: Callable[[T], Record],
) -> T:
    """Read a record and require that writing it again gives the same."""
    try:
        value = read(record)
        # As bytes, since in Python True equals 1.
        same = canonical_bytes(write(value)) == canonical_bytes(record)
    except (KeyError, ValueError, TypeError, AttributeError, InvalidNumber, NotCanonical) as error:
        reason = Message("the fault is {fault}", fault=f"{type(error).__name__}: {error}")
        raise RecordUnreadable(kind=kind, reason=reason) from error
    if not same:
        raise RecordUnreadable(kind=kind, reason="a field is unknown or not canonical")
    return value


def _terms(record: Mapping[str, Any]) -> TenderTerms:
    margin, rounding, rules = record["margin"], record["rounding"], record["non_competitive"]
    return TenderTerms(
        tender=bytes.fromhex(record["tender"]),
        isin=str(record["isin"]),
        target=integer_from(record["target"]),
        method=Method(record["method"]),
        bid_by=BidBy(record["bid_by"]),
        bid_minimum=integer_from(record["bid_minimum"]),
        bid_multiple=integer_from(record["bid_multiple"]),
        bid_maximum=_integer(record["bid_maximum"]),
        bids_per_bidder_max=_integer(record["bids_per_bidder_max"]),
        bidder_fraction_max=_decimal(record["bidder_fraction_max"]),
        weighting=Weighting(record["weighting"]),
        margin=MarginRule(
            rounding_multiple=integer_from(margin["rounding_multiple"]),
            whole_up_to=integer_from(margin["whole_up_to"]),
            residue=Residue(margin["residue"]),
        ),
        non_competitive=None if rules is None else _non_competitive_rules(rules),
        rounding=RoundingRules(
            price_decimals=integer_from(rounding["price_decimals"]),
            yield_decimals=integer_from(rounding["yield_decimals"]),
            money_decimals=integer_from(rounding["money_decimals"]),
            mode=Rounding(rounding["mode"]),
        ),
    )


def _non_competitive_rules(rules: Mapping[str, Any]) -> NonCompetitiveRules:
    return NonCompetitiveRules(
        cap_fraction=decimal_from(rules["cap_fraction"]),
        cap_nominal=integer_from(rules["cap_nominal"]),
        excluded_classes=tuple(rules["excluded_classes"]),
        oversubscription=Oversubscription(rules["oversubscription"]),
        total_max=_integer(rules["total_max"]),
        pricing=NonCompetitivePricing(rules["pricing"]),
        price_decimals=integer_from(rules["price_decimals"]),
    )


def _decision(record: Mapping[str, Any]) -> Decision:
    if record["award"] is False:
        return NoAward()
    return Award(cut_off=_decimal(record["cut_off"]), amount=_integer(record["amount"]))


def _commitment(record: Mapping[str, Any]) -> Commitment:
    return Commitment(
        number=_whole(record["number"]),
        sequence=integer_from(record["sequence"]),
        digest=bytes.fromhex(record["digest"]),
        window=Window(record["window"]),
        letter=record["letter"] is True,
        late=record["late"] is True,
        withdrawn=record["withdrawn"] is True,
    )


def _delivery(record: Mapping[str, Any]) -> Delivery:
    return Delivery(
        sequence=integer_from(record["sequence"]),
        sealed=bytes.fromhex(record["sealed"]),
        salt=bytes.fromhex(record["salt"]),
    )
