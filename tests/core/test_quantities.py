"""Exact numbers: reading, rounding, sharing, nominal."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.identifiers import Isin
from amanat.core.quantities import (
    UNITS_MAX,
    InvalidNominal,
    InvalidNumber,
    MixedSecurities,
    Nominal,
    Rounding,
    decimal_from,
    integer_from,
    round_to,
    round_to_multiple,
    share_in_proportion,
    text_from,
)

BUND = Isin("DE0001102622")
APPLE = Isin("US0378331005")


@pytest.mark.parametrize(
    ("text", "value"), [("7.00", "7.00"), ("-0.5", "-0.5"), ("0", "0"), ("1" * 40, "1" * 40)]
)
def test_plain_decimals_are_read(text, value):
    assert decimal_from(text) == Decimal(value)


@pytest.mark.parametrize(
    "value",
    ["", " 7", "7.", ".5", "+7", "1e3", "1_000", "1,000", "۷", "٧", "NaN", "Infinity", "1" * 41],
)
def test_other_numbers_are_refused(value):
    with pytest.raises(InvalidNumber):
        decimal_from(value)
    with pytest.raises(InvalidNumber):
        integer_from(value + "x")


@pytest.mark.parametrize("value", [1.0, True, None, Decimal("NaN"), Decimal("Infinity"), b"1"])
def test_other_kinds_are_refused(value):
    with pytest.raises(InvalidNumber):
        decimal_from(value)
    with pytest.raises(InvalidNumber):
        integer_from(value)


def test_integers_are_read():
    assert (integer_from("-12"), integer_from(12), decimal_from(12)) == (-12, 12, Decimal(12))
    for value in ("1.0", "۱۲", "", "0x10"):
        with pytest.raises(InvalidNumber):
            integer_from(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [("7.00", "7"), ("1E+3", "1000"), ("-0.0", "0"), ("0.10", "0.1"), ("-2.50", "-2.5")],
)
def test_canonical_text(value, text):
    assert text_from(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12)))
def test_canonical_text_reads_back(value):
    if abs(value) < 10**30:
        assert decimal_from(text_from(value)) == value


@pytest.mark.parametrize(
    ("rounding", "results"),
    [
        (Rounding.HALF_UP, (3, -3, 2, 3)),
        (Rounding.HALF_EVEN, (2, -2, 2, 3)),
        (Rounding.HALF_DOWN, (2, -2, 2, 3)),
        (Rounding.DOWN, (2, -2, 2, 2)),
        (Rounding.UP, (3, -3, 3, 3)),
        (Rounding.FLOOR, (2, -3, 2, 2)),
        (Rounding.CEILING, (3, -2, 3, 3)),
    ],
)
def test_rounding_rules(rounding, results):
    values = ("2.5", "-2.5", "2.4", "2.6")
    assert tuple(int(round_to(Decimal(value), 0, rounding)) for value in values) == results


def test_round_to_places_and_multiples():
    assert str(round_to(Decimal("97.8873"), 2)) == "97.89"
    assert round_to_multiple(Decimal("719.2"), 50) == 700
    # DMMD circular 02/2007: to the nearest 50 million.
    assert round_to_multiple(Decimal("179.8"), 50) == 200
    with pytest.raises(InvalidNumber):
        round_to_multiple(Decimal(1), 0)


@given(
    total=st.integers(0, 10**30),
    weights=st.lists(st.integers(0, 10**12), min_size=1, max_size=30).filter(any),
)
def test_shares_sum_to_the_whole_and_miss_the_quota_by_less_than_one(total, weights):
    parts = share_in_proportion(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Fraction(total * weight, sum(weights)) - part) < 1


def test_odd_units_go_to_the_larger_remainder_then_the_earlier():
    assert share_in_proportion(10, [1, 1, 1]) == (4, 3, 3)
    assert share_in_proportion(5, [1, 3]) == (1, 4)
    assert share_in_proportion(899, [2000, 500]) == (719, 180)


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [0, 0]), (1, []), (1, [2, -1])])
def test_impossible_shares_are_refused(total, weights):
    with pytest.raises(InvalidNumber):
        share_in_proportion(total, weights)


def test_nominal_adds_within_one_security():
    assert Nominal(BUND, 5) + Nominal(BUND, 7) == Nominal(BUND, 12)
    assert Nominal(BUND, 7) - Nominal(BUND, 7) == Nominal(BUND, 0)
    assert [part.units for part in Nominal(BUND, 10).allot([1, 1, 1])] == [4, 3, 3]
    assert Nominal(BUND, UNITS_MAX).units == UNITS_MAX


def test_nominal_refuses_what_it_cannot_be():
    with pytest.raises(MixedSecurities):
        Nominal(BUND, 1) + Nominal(APPLE, 1)
    with pytest.raises(InvalidNominal):
        Nominal(BUND, 1) - Nominal(BUND, 2)
    for units in (-1, UNITS_MAX + 1, 10**40):
        with pytest.raises(InvalidNominal):
            Nominal(BUND, units)
    for units in (1.5, True, "1"):
        with pytest.raises(InvalidNumber):
            Nominal(BUND, units)
