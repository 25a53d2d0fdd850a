"""What holds keep in place, and what an order on paper must say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from amanat.register.model import (
    ALL_FROZEN,
    Holding,
    InvalidOrder,
    check_order,
    frozen_amount,
    held_of,
)

_holds = some.lists(some.one_of(some.none(), some.integers(1, 1_000)), max_size=6)


@given(some.integers(0, 2_000), _holds)
def test_held_is_never_more_than_there_is_and_more_holds_never_free(
    nominal: int, holds: list[int | None]
) -> None:
    held = held_of(nominal, holds)
    assert 0 <= held <= nominal
    assert Holding("PK1", nominal, held).free == nominal - held
    assert held <= held_of(nominal, [*holds, 5])


def test_a_hold_on_everything_keeps_everything_also_what_arrives() -> None:
    assert held_of(100, [30, None]) == 100
    assert held_of(10**20, [None]) == 10**20
    assert frozen_amount([None]) == ALL_FROZEN


def test_partial_holds_add_up() -> None:
    assert held_of(100, [30, 20]) == 50
    assert frozen_amount([30, 20]) == 50
    assert held_of(40, [30, 20]) == 40


def test_an_order_names_its_paper_and_reason() -> None:
    check_order("ab" * 32, "court order 17/2021")
    with pytest.raises(InvalidOrder, match="64 hexadecimal"):
        check_order("AB" * 32, "court order")
    with pytest.raises(InvalidOrder, match="reason"):
        check_order("ab" * 32, "  ")
