"""Fields with one reading: what they take, and what only Python would take."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from amanat.access.fields import (
    Day,
    Instant,
    PlainDecimal,
    TextNotPlain,
    Whole,
    require_plain,
    require_plain_json,
)
from amanat.core.canonical import canonical_bytes


@pytest.mark.parametrize(
    ("kind", "given", "read"),
    [
        (Whole, 5, 5),
        (Whole, "-5", -5),
        (PlainDecimal, "7.00", Decimal("7.00")),
        (PlainDecimal, 0.1, Decimal("0.1")),
        (PlainDecimal, 7, Decimal(7)),
        (Day, "2021-03-01", date(2021, 3, 1)),
        (Day, date(2021, 3, 1), date(2021, 3, 1)),
        (Instant, "2021-03-01T10:00:00Z", datetime(2021, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_one_reading(kind: Any, given: Any, read: Any) -> None:
    assert TypeAdapter(kind).validate_python(given) == read


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (Whole, "۵"),
        (Whole, "1_000"),
        (Whole, True),
        (Whole, 5.0),
        (PlainDecimal, "۷"),
        (PlainDecimal, "1e999999"),
        (PlainDecimal, "NaN"),
        (PlainDecimal, True),
        (PlainDecimal, "9" * 41),
        (Day, 1614556800),
        (Day, "1614556800"),
        (Day, "2021-02-30"),
        (Day, datetime(2021, 3, 1, tzinfo=UTC)),
        (Instant, 1614556800),
        (Instant, "2021-03-01T10:00:00"),
    ],
)
def test_other_readings_are_refused(kind: Any, given: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(given)


@pytest.mark.parametrize("text", ["بیوہ فنڈ", "a\nb\tc", "\\u0000 as six letters", "na\u200cme"])
def test_plain_texts(text: str) -> None:
    require_plain({"reason": [text]})
    require_plain_json(canonical_bytes({"reason": text}).decode(), {"reason": text})


@pytest.mark.parametrize("text", ["a\0", "\x1b[31m", "\x08", "a\u202eb", "a\u2066b", "\x85"])
def test_texts_that_show_otherwise_than_they_are(text: str) -> None:
    stated = {"rows": [{"reason": text}]}
    for check in (
        lambda: require_plain(stated),
        lambda: require_plain_json(canonical_bytes(stated).decode(), stated),
    ):
        with pytest.raises(TextNotPlain, match=r"rows\[0\].reason: the character U\+"):
            check()
