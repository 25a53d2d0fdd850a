"""Money: minor units, one currency at a time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core.money import (
    MINOR_DIGITS,
    FractionOfMinorUnit,
    MixedCurrencies,
    Money,
    UnknownCurrency,
    money_text,
)
from amanat.core.quantities import InvalidNumber, Rounding

amounts = st.integers(-(10**24), 10**24).map(Money)


def test_money_from_major_units():
    assert Money.of("11032.285", rounding=Rounding.HALF_UP) == Money(1_103_229)
    assert Money.of("1.25", "USD") == Money(125, "USD")
    assert Money(125).amount == Decimal("1.25")
    assert str(Money(-123_456_789)) == "PKR -1,234,567.89"


def test_a_fraction_of_a_paisa_needs_a_rule():
    with pytest.raises(FractionOfMinorUnit):
        Money.of("0.005")
    assert Money.of("0.005", rounding=Rounding.HALF_UP).minor == 1
    assert Money.of("0.005", rounding=Rounding.HALF_EVEN).minor == 0


@given(amounts, amounts)
def test_sums_come_apart_again(one, other):
    assert (one + other) - other == one
    assert one + -one == Money(0)
    assert (one < other) == (one.minor < other.minor)
    assert (one <= other) == (one.minor <= other.minor)


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=9).filter(any))
def test_shares_sum_to_the_amount(money, weights):
    assert sum(part.minor for part in money.share(weights)) == money.minor


def test_percent_rounds_once():
    assert Money(333).percent(Decimal("15"), Rounding.HALF_UP) == Money(50)
    assert Money(333).percent(Decimal("15"), Rounding.DOWN) == Money(49)


def test_currencies_do_not_mix():
    for act in (lambda: Money(1) + Money(1, "USD"), lambda: Money(1) < Money(1, "USD")):
        with pytest.raises(MixedCurrencies):
            act()
    with pytest.raises(UnknownCurrency):
        Money(1, "XXX")


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_minor_units_are_integers(value):
    with pytest.raises(InvalidNumber):
        Money(value)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (1_105_920_400_000, "PKR", "11059204000.00 PKR"),
        (-5, "PKR", "-0.05 PKR"),
        (0, "USD", "0.00 USD"),
        (10**40 + 7, "PKR", "1" + "0" * 37 + "0.07 PKR"),
    ],
)
def test_money_as_the_journal_writes_it(minor, currency, text):
    assert money_text(minor, currency) == text


@given(st.integers(-(10**40), 10**40), st.sampled_from(sorted(MINOR_DIGITS)))
def test_what_the_journal_writes_is_the_same_money_again(minor, currency):
    amount, written = money_text(minor, currency).split()
    assert Money.of(amount, written) == Money(minor, currency)


@pytest.mark.parametrize("minor", [1.5, True, "150", Decimal(150)])
def test_only_whole_minor_units_are_written(minor):
    with pytest.raises(InvalidNumber):
        money_text(minor, "PKR")


def test_an_unknown_currency_is_not_written():
    with pytest.raises(UnknownCurrency):
        money_text(7, "XXX")
