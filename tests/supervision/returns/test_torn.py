"""Files that are torn, or lack what need not be there: nothing of a person stays of a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from amanat.supervision.returns.intake import ReturnRefused
from amanat.supervision.returns.specification import RECORDS
from amanat.supervision.returns.tables import refused

from .conftest import IntakeWorld
from .exchanges import found, rewritten, written

SAID = ("Aisha", "عائشہ", "Bilal", "35202", "House 1", "0092300", "somebody@")
"""What the usual return says of persons."""


def one_value_short(content: bytes) -> bytes:
    return content.replace(b'"P1","natural"', b'"P1"', 1)


def without_its_header(content: bytes) -> bytes:
    return content.split(b"\n", 1)[1]


def with_a_quote_that_does_not_end(content: bytes) -> bytes:
    return content.replace(b'"Bilal Ahmed"', b'"Bilal Ahmed', 1)


def moved_by_a_column(content: bytes) -> bytes:
    return content.replace(b'"P1"', b'"Aisha Khan"', 1)


def half_of_a_surrogate_pair(content: bytes) -> bytes:
    return content.replace(b'"P1"', b'"\\ud800 Aisha"', 1)


def a_name_for_a_field(content: bytes) -> bytes:
    return content.replace(b'"name":', b'"Aisha 35202-0000001-1":', 1)


@pytest.mark.parametrize(
    ("tear", "format", "rule"),
    [
        (one_value_short, "csv", "row_shape"),
        (without_its_header, "csv", "column_unknown"),
        (with_a_quote_that_does_not_end, "csv", "row_shape"),
        (moved_by_a_column, "csv", "form"),
        (half_of_a_surrogate_pair, "ndjson", "encoding"),
        (a_name_for_a_field, "ndjson", "column_unknown"),
    ],
)
def test_of_torn_parties_nothing_of_a_person_is_kept(
    world: IntakeWorld,
    tmp_path: Path,
    tear: Callable[[bytes], bytes],
    format: str,
    rule: str,
) -> None:
    folder = written(tmp_path / "r", format=format)
    rewritten(folder, f"parties.{format}", tear)
    with pytest.raises(ReturnRefused) as told:
        world.take(folder)
    assert rule in told.value.by_rule
    (row,) = world.rows(refused)
    assert rule in {one["rule"] for one in row.shown}
    kept = json.dumps(row.shown, ensure_ascii=False)
    assert [one for one in SAID if one in kept] == []
    # Whoever sent it is told in the answer what stood there.
    answered = json.dumps(told.value.problem(), ensure_ascii=False, default=str)
    assert any(one in answered for one in SAID)


def test_what_belongs_to_nobody_is_kept_of_a_refusal(world: IntakeWorld, tmp_path: Path) -> None:
    folder = written(tmp_path / "r")
    rewritten(folder, "accounts.csv", lambda content: content.replace(b'"active"', b'"open"', 1))
    rewritten(folder, "parties.csv", lambda content: content.replace(b"address,", b"party,", 1))
    with pytest.raises(ReturnRefused):
        world.take(folder)
    (row,) = world.rows(refused)
    kept = {(one["file"], one["column"], one["rule"], one["value"]) for one in row.shown}
    assert ("accounts.csv", "state", "words", "open") in kept
    assert ("parties.csv", "party", "column_twice", None) in kept


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("cnic", "35202-0000000-1"),
        ("nicop", "3520200000009"),
        ("passport", "AAAAAAA"),
        ("passport", "xxxxxxx"),
    ],
)
def test_numbers_that_stand_for_none(tmp_path: Path, kind: str, number: str) -> None:
    """They would join all who have no number into one person, over all exchanges."""

    def without_a_number(records: dict[str, Any]) -> None:
        records["parties"][0] |= {"document_type": kind, "document_number": number}

    shown = found(written(tmp_path / "r", without_a_number))
    assert shown == {("parties.csv", 1, "document_number", "document_placeholder")}


@pytest.mark.parametrize("name", RECORDS)
def test_a_column_of_parquet_is_missing(tmp_path: Path, name: str) -> None:
    """One that is required is an error by its name; another may be absent, as in CSV."""
    for column in RECORDS[name].columns:
        folder = written(tmp_path / column.name, format="parquet")
        path = folder / f"{name}.parquet"
        parquet.write_table(parquet.read_table(path).drop_columns([column.name]), path)
        shown = found(rewritten(folder, path.name, lambda content: content))
        missing = (path.name, None, column.name, "column_missing")
        assert (missing in shown) == column.required, column.name
        if column.name in ("telephone", "mail", "from_country", "owner_of"):
            assert shown == set(), column.name
