"""Canonical JSON against RFC 8785's own examples and the standard library's encoder."""

from __future__ import annotations

import enum
import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.core import canonical
from amanat.core.canonical import SAFE_INTEGER_MAX, NotCanonical, canonical_bytes, digest

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
PLAIN = (
    st.none()
    | st.booleans()
    | TEXT
    | st.integers(min_value=-SAFE_INTEGER_MAX, max_value=SAFE_INTEGER_MAX)
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


class Word(enum.StrEnum):
    ONE = "one"


def test_strings_are_written_as_rfc_8785_writes_them() -> None:
    # RFC 8785, section 3.2.2: the example's string, with its result in section 3.2.4.
    text = '\u20ac$\u000f\nA\'B"\\\\"/'
    assert canonical_bytes({"string": text}) == (
        b'{"string":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_literals_and_order_of_keys_are_those_of_rfc_8785() -> None:
    value = {"literals": [None, True, False], "b": 1, "B": {"z": 0, "a": []}, "1": ""}
    assert canonical_bytes(value) == (
        b'{"1":"","B":{"a":[],"z":0},"b":1,"literals":[null,true,false]}'
    )


@given(VALUES)
def test_the_bytes_are_those_of_the_standard_encoder(value: Any) -> None:
    expected = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical_bytes(value) == expected.encode()
    assert canonical_bytes(json.loads(expected)) == expected.encode()


def test_without_the_c_encoder_the_bytes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"b": ["é", 1, None, {"y": True, "x": ()}], "a": "\u2028"}
    before = canonical_bytes(value)
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    monkeypatch.setattr(canonical, "_encode", canonical._encoder())
    assert canonical_bytes(value) == before


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (1.0, "$", "a float"),
        ({"a": [0, {"b": 1.5}]}, "$.a[1].b", "a float"),
        ({"a": "x", "b": float("nan")}, "$.b", "a float"),
        ([SAFE_INTEGER_MAX + 1], "$[0]", "write it as a string"),
        ({"n": -SAFE_INTEGER_MAX - 1}, "$.n", "write it as a string"),
        ({1: "x"}, "$", "keys are ASCII strings"),
        ({"é": "x"}, "$", "keys are ASCII strings"),
        ({"a": {None: 1}}, "$.a", "keys are ASCII strings"),
        ({Word.ONE: 1}, "$", "keys are ASCII strings"),
        ({"a": Word.ONE}, "$.a", "a Word"),
        ([b"x"], "$[0]", "a bytes"),
        ((date(2021, 3, 4),), "$[0]", "a date"),
        ({"a": Decimal("1.5")}, "$.a", "a Decimal"),
        ({"a": {1, 2}}, "$.a", "a set"),
        (["\ud800"], "$", "a lone surrogate"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any, path: str, reason: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical_bytes(value)
    assert refused.value.fields["path"] == path
    assert refused.value.fields["reason"] == reason


def test_the_largest_integers_are_permitted() -> None:
    assert canonical_bytes([SAFE_INTEGER_MAX, -SAFE_INTEGER_MAX, True]) == (
        b"[9007199254740991,-9007199254740991,true]"
    )


def test_a_digest_is_sha_256_over_the_bytes() -> None:
    # SHA-256 of the two bytes {} (FIPS 180-4; any sha256sum prints it).
    assert digest({}).hex() == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
