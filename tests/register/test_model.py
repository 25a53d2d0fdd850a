"""What holds keep in place, and what an order on paper must say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from amanat.register.model import Hold, Holding, InvalidOrder, check_order, held_of

_holds = some.lists(
    some.builds(
        Hold,
        isin=some.sampled_from([None, "PK1", "PK2"]),
        nominal=some.one_of(some.none(), some.integers(1, 1_000)),
    ),
    max_size=6,
)


@given(some.integers(0, 2_000), _holds)
def test_held_is_never_more_than_there_is_and_more_holds_never_free(
    nominal: int, holds: list[Hold]
) -> None:
    held = held_of("PK1", nominal, holds)
    assert 0 <= held <= nominal
    assert Holding("PK1", nominal, held).free == nominal - held
    assert held <= held_of("PK1", nominal, [*holds, Hold("PK1", 5)])


def test_a_hold_on_the_account_keeps_everything() -> None:
    assert held_of("PK1", 100, [Hold(None, None)]) == 100
    assert held_of("PK1", 100, [Hold("PK1", None)]) == 100


def test_partial_holds_add_up_and_others_do_not_count() -> None:
    assert held_of("PK1", 100, [Hold("PK1", 30), Hold("PK1", 20), Hold("PK2", None)]) == 50


def test_an_order_names_its_paper_and_reason() -> None:
    check_order("ab" * 32, "court order 17/2021")
    with pytest.raises(InvalidOrder, match="64 hexadecimal"):
        check_order("AB" * 32, "court order")
    with pytest.raises(InvalidOrder, match="reason"):
        check_order("ab" * 32, "  ")
