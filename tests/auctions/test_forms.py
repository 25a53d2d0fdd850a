"""A bidder's form: one form, one reading."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.auctions.forms import FormUnreadable, read_form, write_form
from amanat.auctions.model import Bid, CompetitiveBid, NonCompetitiveBid
from amanat.auctions.sealing import FORM_BYTES_MAX

TENDER = bytes(range(32))
BIDS: tuple[Bid, ...] = (
    CompetitiveBid(7, 1, 2_000_000_000, price=Decimal("95.6574"), sequence=3),
    CompetitiveBid(7, 2, 1_000_000, yield_pct=Decimal("-0.35"), sequence=3),
    NonCompetitiveBid(7, 3, 50_000_000, "investor-1", "fund", 3),
)


def test_the_form_is_the_written_one() -> None:
    assert write_form(TENDER, 7, BIDS[:1]) == (
        b'{"competitive":[{"line":1,"nominal":"2000000000","price":"95.6574"}],'
        b'"non_competitive":[],"number":7,"schema":"amanat.bid-form/1","tender":"'
        + TENDER.hex().encode()
        + b'"}'
    )


def test_a_form_comes_back_in_the_order_of_its_lines() -> None:
    assert read_form(write_form(TENDER, 7, BIDS[::-1]), TENDER, 7, 3) == BIDS


def test_three_hundred_competitive_bids_fit_one_sealed_bid() -> None:
    bids = [CompetitiveBid(7, line, 2_000_000_000, price=Decimal("95")) for line in range(1, 301)]
    assert len(write_form(TENDER, 7, bids)) <= FORM_BYTES_MAX


GOOD = write_form(TENDER, 7, BIDS)


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"\xff",
        b"not json",
        b"[]",
        b"{}",
        b"[" * 10_000,
        b" " + GOOD,
        GOOD.replace(b'"number":7', b'"number":7,"number":7'),
        GOOD.replace(b'"number":7', b'"number":7.0'),
        GOOD.replace(b'"number":7', b'"number":true'),
        GOOD.replace(b'"number":7', b'"number":8'),
        GOOD.replace(b'"number":7', b'"number":"7"'),
        GOOD.replace(b"bid-form/1", b"bid-form/2"),
        GOOD.replace(TENDER.hex().encode(), bytes(32).hex().encode()),
        GOOD.replace(b'"schema"', b'"scheme"'),
        GOOD.replace(b'"line":1', b'"line":0'),
        GOOD.replace(b'"line":1', b'"line":true'),
        GOOD.replace(b'"line":1', b'"line":"1"'),
        GOOD.replace(b'"95.6574"', b'"95.65740"'),
        GOOD.replace(b'"95.6574"', b"95.6574"),
        GOOD.replace(b'"95.6574"', b'"+95.6574"'),
        GOOD.replace(b'"95.6574"', b'"NaN"'),
        GOOD.replace(b'"95.6574"', b"null"),
        GOOD.replace(b'"95.6574"', '"۹۵"'.encode()),
        GOOD.replace(b'"2000000000"', b"2000000000"),
        GOOD.replace(b'"2000000000"', b'"02000000000"'),
        GOOD.replace(b'"2000000000"', b'"2e9"'),
        GOOD.replace(b'"investor-1"', b"1"),
        GOOD.replace(b'"investor":"investor-1",', b""),
        GOOD.replace(b'"nominal":"1000000",', b'"nominal":"1000000","note":"x",'),
        GOOD.replace(b'"competitive":[{', b'"competitive":[1,{'),
        GOOD.replace(b'"competitive":[', b'"competitive":{"x":[').replace(
            b'],"non_comp', b']},"non_comp'
        ),
    ],
)
def test_anything_but_the_canonical_form_is_refused(form: bytes) -> None:
    assert form != GOOD
    with pytest.raises(FormUnreadable):
        read_form(form, TENDER, 7)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_refused_as_unreadable_and_nothing_else(form: bytes) -> None:
    with pytest.raises(FormUnreadable):
        read_form(form, TENDER, 7)
