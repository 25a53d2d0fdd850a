"""The threat model names tests that exist, for every threat, and every event of the contracts."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from amanat.ledger.artifacts import Artifacts

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test_")
    )


def rows_of(heading: str) -> list[list[str]]:
    """The rows of the tables under a heading, to the next one of its rank."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in part.splitlines()
        if line.startswith("|") and not line.startswith("|---")
    ]
    return [row for row in rows if row[0] not in ("threat", "contract")]


@pytest.mark.parametrize(("file", "name"), sorted(set(NAMED)))
def test_every_test_that_is_named_exists(file: str, name: str) -> None:
    assert name in names_in(file)


def test_every_threat_names_a_test() -> None:
    rows = rows_of("Threats")
    assert len(rows) > 40
    for row in rows:
        assert len(row) == 3, row
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`", row[2]), row
    assert PAGE.count("`tests/") - 1 == len(NAMED)  # one names this file itself


def test_what_a_validator_sees_is_every_event() -> None:
    told = {
        (contract, event)
        for row in rows_of("What a validator sees")
        for contract in re.findall(r"`(\w+)`", row[0])
        for event in re.findall(r"`([A-Z]\w+)`", row[1])
    }
    artifacts = Artifacts.load()
    seen = {
        (contract, event.name)
        for contract in artifacts.names()
        for event in artifacts.get(contract).events.values()
    }
    assert seen == told


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "docs/how-to/README.md"])
def test_it_is_found_from(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.search(r"\((\.\./|docs/)?security\.md\)", text)
