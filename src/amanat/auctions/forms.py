"""The form of one bidder: all its bids in one tender, as the bytes that are sealed.

Canonical JSON with the fields `schema`, `tender` (hex), `number`, `competitive` and
`non_competitive`; amounts are plain decimal text.  One form has one reading: anything but the
canonical bytes of the known fields is refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from amanat.auctions.laws import competitive, non_competitive
from amanat.auctions.model import Bid, CompetitiveBid, NonCompetitiveBid
from amanat.auctions.sealing import NUMBER_MAX
from amanat.core.canonical import NotCanonical, canonical_bytes
from amanat.core.errors import Invalid
from amanat.core.messages import Message
from amanat.core.quantities import InvalidNumber, decimal_from, integer_from, text_from

SCHEMA = "amanat.bid-form/1"


class FormUnreadable(Invalid):
    """An opened form is not the canonical form of this tender and bidder."""

    template: ClassVar[str] = "The form cannot be read: {reason}."


def write_form(tender: bytes, number: int, bids: Sequence[Bid]) -> bytes:
    """The form of bidder `number` with these bids, in the order of their lines."""
    lines = sorted(bids, key=lambda bid: bid.line)
    return canonical_bytes(
        {
            "schema": SCHEMA,
            "tender": tender.hex(),
            "number": number,
            "competitive": [competitive_record(bid) for bid in competitive(lines)],
            "non_competitive": [non_competitive_record(bid) for bid in non_competitive(lines)],
        }
    )


def read_form(form: bytes, tender: bytes, number: int, sequence: int = 0) -> tuple[Bid, ...]:
    """The bids of a form, by line; `sequence` is the order of its commitment.

    Raises `FormUnreadable`.  Whether the bids keep the tender's rules is not asked here.
    """
    try:
        value = json.loads(form.decode("utf-8"))
        if canonical_bytes(value) != form:
            raise FormUnreadable(reason="its bytes are not canonical")
    except (ValueError, RecursionError, NotCanonical) as error:
        raise FormUnreadable(reason="it is not canonical JSON") from error
    expected = {"schema", "tender", "number", "competitive", "non_competitive"}
    if not isinstance(value, dict) or set(value) != expected or value["schema"] != SCHEMA:
        raise FormUnreadable(reason=Message("it is no {schema}", schema=SCHEMA))
    if value["tender"] != tender.hex() or (type(value["number"]), value["number"]) != (int, number):
        raise FormUnreadable(reason="it is for another tender or bidder")
    bids: list[Bid] = []
    readers: dict[str, Callable[[Mapping[str, Any], int, int], Bid]] = {
        "competitive": read_competitive,
        "non_competitive": read_non_competitive,
    }
    for part, read in readers.items():
        if not isinstance(value[part], list):
            raise FormUnreadable(reason=Message("{part} is no list", part=part))
        for entry in value[part]:
            bids.append(_read(read, entry, number, sequence))
    return tuple(sorted(bids, key=lambda bid: bid.line))


def competitive_record(bid: CompetitiveBid) -> dict[str, Any]:
    """A competitive bid as canonical fields."""
    record: dict[str, Any] = {"line": bid.line, "nominal": str(bid.nominal)}
    if bid.price is not None:
        record["price"] = text_from(bid.price)
    if bid.yield_pct is not None:
        record["yield_pct"] = text_from(bid.yield_pct)
    return record


def non_competitive_record(bid: NonCompetitiveBid) -> dict[str, Any]:
    """A non-competitive bid as canonical fields."""
    return {
        "line": bid.line,
        "nominal": str(bid.nominal),
        "investor": bid.investor,
        "investor_class": bid.investor_class,
    }


def read_competitive(entry: Mapping[str, Any], number: int, sequence: int) -> CompetitiveBid:
    """The inverse of `competitive_record`; raises `InvalidNumber`, `KeyError`."""
    price, percent = entry.get("price"), entry.get("yield_pct")
    return CompetitiveBid(
        number=number,
        line=entry["line"],
        nominal=integer_from(entry["nominal"]),
        price=None if price is None else decimal_from(price),
        yield_pct=None if percent is None else decimal_from(percent),
        sequence=sequence,
    )


def read_non_competitive(entry: Mapping[str, Any], number: int, sequence: int) -> NonCompetitiveBid:
    """The inverse of `non_competitive_record`; raises `InvalidNumber`, `KeyError`."""
    return NonCompetitiveBid(
        number=number,
        line=entry["line"],
        nominal=integer_from(entry["nominal"]),
        investor=str(entry["investor"]),
        investor_class=str(entry["investor_class"]),
        sequence=sequence,
    )


def _read(
    read: Callable[[Mapping[str, Any], int, int], Bid], entry: Any, number: int, sequence: int
) -> Bid:
    """One line of a form; it must say exactly what its own record says again."""
    if not isinstance(entry, dict):
        raise FormUnreadable(reason="a line is no object")
    line = entry.get("line")
    if type(line) is not int or not 0 < line <= NUMBER_MAX:
        raise FormUnreadable(reason=Message("a line's number is {line!r}", line=str(line)))
    try:
        bid = read(entry, number, sequence)
    except (InvalidNumber, KeyError) as error:
        reason = Message("line {line}: a field is missing or no number", line=line)
        raise FormUnreadable(reason=reason) from error
    if isinstance(bid, CompetitiveBid):
        again = competitive_record(bid)
    else:
        again = non_competitive_record(bid)
    if canonical_bytes(again) != canonical_bytes(entry):
        reason = Message("line {line}: a field is unknown or not canonical", line=line)
        raise FormUnreadable(reason=reason)
    return bid
