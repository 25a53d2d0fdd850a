"""What returns are checked against is data, read whole and refused with all its mistakes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from amanat.core.errors import NotFound, Refusals
from amanat.jurisdictions.returns import load_returns, returns_from

TABLE = """
currency = "PKR"
zone = "Asia/Karachi"
period_days_max = 35
due_days = 1
calendar = "pk"
overlap_days = 400
placeholders = []
documents = []
door = [{status = "suspended", first_day = 2026-01-01, days_before = true, source = "x"}]
networks = []

[limits]
rows_max = 1
file_mib_max = 1
inflate_max = 1
bytes_per_row_min = 1

[[assets]]
code = "BTC"
name = "Bitcoin"
price_min = "2"
price_max = "3"
"""


def test_the_table_of_pakistan() -> None:
    pack = load_returns("pk")
    assert (pack.currency, pack.zone.key) == ("PKR", "Asia/Karachi")
    ethereum = pack.network("ethereum")
    assert ethereum is not None
    assert ethereum.fold
    assert pack.network("nowhere") is None
    # A value in paisa is a hundred times too high: narrower than that every band must be.
    assert all(one.price_max / one.price_min < 100 for one in pack.assets)
    with pytest.raises(NotFound):
        load_returns("xx")


def test_a_table_of_one_s_own() -> None:
    pack = returns_from(TABLE, "mine.toml")
    assert pack.assets[0].price_max == Decimal(3)
    assert pack.days_before("suspended", date(2026, 1, 1))
    assert not pack.days_before("suspended", date(2025, 12, 31))
    assert not pack.days_before("revoked", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('zone = "Asia/Karachi"', 'zone = 5\nfurther = "x"'),
        ('price_min = "2"', 'price_min = "9"\nfurther = 1'),
        ('price_min = "2"', 'price_min = "0"\nfurther = 1'),
        ("days_before = true", "days_before = 1, further = 1"),
        ("rows_max = 1", "rows_max = -1\nfurther = 1"),
        (
            "networks = []",
            'networks = [{code = "a", hash = "(", address = "x", fold = 1, further = 1}]',
        ),
    ],
)
def test_all_mistakes_are_told_at_once(old: str, new: str) -> None:
    assert old in TABLE
    with pytest.raises(Refusals) as told:
        returns_from(TABLE.replace(old, new), "mine.toml")
    assert len(told.value.refusals) >= 2
