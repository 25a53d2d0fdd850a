"""The guide to keys: every key that there is has a row, and the test that loses it exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amanat.access.key_register import ACCOUNT, SEAL
from amanat.app import RESERVE
from amanat.ledger.sender_names import OPERATOR, PURPOSES
from amanat.participants.model import OutsidePurpose

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "keys.md").read_text(encoding="utf-8")
DESCRIBED = "*described*"


def rows() -> list[list[str]]:
    """The cells of the table of keys."""
    table = GUIDE.split("## What there is")[1].split("## ")[0]
    lines = [one for one in table.splitlines() if one.startswith("| ")][1:]
    return [[cell.strip() for cell in one.strip("|").split("|")] for one in lines]


def test_every_row_says_who_what_lost_stolen_replaced_and_tried() -> None:
    assert len(rows()) >= 15
    for row in rows():
        assert len(row) == 6, row
        assert all(row), row


def test_every_loss_is_tried_by_a_test_that_exists_or_said_to_be_described() -> None:
    source = "\n".join(one.read_text("utf-8") for one in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE))
    tried = 0
    for row in rows():
        if row[-1] == DESCRIBED:
            continue
        name = row[-1].strip("`")
        assert name in defined, row
        tried += 1
    assert tried >= 15


@pytest.mark.parametrize(
    "word",
    [
        OPERATOR,
        RESERVE,
        *PURPOSES,
        f"`{ACCOUNT}`",
        f"`{SEAL}`",
        *(f"`{one.value}`" for one in OutsidePurpose),
    ],
)
def test_every_purpose_of_the_register_is_explained(word: str) -> None:
    assert word in GUIDE
