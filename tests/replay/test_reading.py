"""Positions in TOML, amounts with their unit, digits."""

from __future__ import annotations

import pytest

from amanat.core.errors import Refusal
from amanat.replay.reading import amount_in, foreign_digits, scaled, toml_lines

TOML = '''
# a comment
[programme]
code = "x"   # first

[[tender]]
code = "a"
list = [
  1,
  2,
]
[tender.margin]
residue = "r"

[[tender]]
text = """
code = "not a key"
"""
code = "b"
[tender.margin]
residue = "s"
'''


def test_lines_of_tables_and_keys() -> None:
    lines = toml_lines(TOML)
    assert lines["programme", 0] == 3
    assert lines["programme", 0, "code"] == 4
    assert lines["tender", 0, "code"] == 7
    assert lines["tender", 0, "margin", 0, "residue"] == 13
    assert lines["tender", 1] == 15
    assert lines["tender", 1, "code"] == 19
    assert lines["tender", 1, "margin", 0, "residue"] == 21


@pytest.mark.parametrize(
    ("text", "units"),
    [("250 million PKR", 250_000_000), ("1.5 billion PKR", 1_500_000_000), ("7 PKR", 7)],
)
def test_amounts_carry_their_unit(text: str, units: int) -> None:
    assert amount_in("PKR")(text) == units
    assert amount_in("PKR", minor=True)(text) == units * 100


@pytest.mark.parametrize(
    "text", ["250", "250 million", "250 million USD", "-1 PKR", "0.001 PKR", "2,000 PKR", 250]
)
def test_amounts_without_the_unit_are_refused(text: object) -> None:
    with pytest.raises((ValueError, Refusal)):
        amount_in("PKR")(text)


def test_fractions_of_the_smallest_unit_are_refused() -> None:
    assert scaled("250.39", 6) == 250_390_000
    with pytest.raises(ValueError, match="fraction"):
        scaled("0.0000001", 6)


def test_foreign_digits_are_found_outside_comments() -> None:
    assert foreign_digits("a = 1 # ۱\nb = ۲۳\n") == [(2, "۲۳")]
    assert foreign_digits("a = ۱, ۲\f٣") == [(1, "۱"), (1, "۲"), (1, "٣")]
    assert foreign_digits("نام = 1\n") == []
