"""Files that people give: text, JSON and rows, and where each mistake in them stands."""

from __future__ import annotations

import sys

import pytest

from amanat.core.errors import Refusals
from amanat.core.files import (
    ColumnsDiffer,
    FileNotJson,
    FileNotText,
    JsonUnfit,
    RowUnreadable,
    json_in,
    rows_in,
    text_in,
)

COLUMNS = ("number", "account")


def test_text_is_utf_8_with_or_without_its_mark() -> None:
    assert text_in("a", "\ufeffبولی".encode()) == text_in("a", "بولی".encode()) == "بولی"


@pytest.mark.parametrize(
    ("content", "position", "line", "byte"),
    [
        (b"\xff", "1", 1, "0xff"),
        (b"one\ntwo\nth\xe9r\xe9", "11", 3, "0xe9"),  # Latin-1
        ("number".encode("utf-16"), "1", 1, "0xff"),
        ("کل".encode()[:-1], "3", 1, "0xd9"),  # cut short within a letter
    ],
)
def test_the_first_byte_that_is_no_utf_8_is_named(
    content: bytes, position: str, line: int, byte: str
) -> None:
    with pytest.raises(FileNotText, match=r"^list\.csv is not UTF-8 text") as refused:
        text_in("list.csv", content)
    told = {"file": "list.csv", "position": position, "line": line, "byte": byte}
    assert refused.value.fields == told


def test_a_json_object_has_what_is_needed_of_it() -> None:
    assert json_in("a", b'{"terms": {}, "more": 1}', "terms") == {"terms": {}, "more": 1}
    assert json_in("a", b"{}") == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", r"line 1, column 1"),
        (b'{"a": 1,\n "b": }', r"line 2, column 7"),
        (b'{"a": 1} {', r"line 1, column 10"),
        (b'{"a": [{"b": 1, "b": 2}]}', "the field b stands twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": -Infinity}', "-Infinity is no number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "digits"),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(content: bytes, told: str) -> None:
    with pytest.raises(FileNotJson, match=told):
        json_in("terms.json", content)


def test_json_without_end_is_refused() -> None:
    usual = sys.getrecursionlimit()  # libraries of other tests raise it beyond the stack
    sys.setrecursionlimit(1000)
    try:
        with pytest.raises(FileNotJson, match="nested too deep"):
            json_in("terms.json", b"[" * 100_000)
    finally:
        sys.setrecursionlimit(usual)


@pytest.mark.parametrize("content", [b"[1]", b'"terms"', b"1", b"null"])
def test_other_json_than_an_object_is_refused(content: bytes) -> None:
    with pytest.raises(JsonUnfit, match=r"^terms.json .*no JSON object"):
        json_in("terms.json", content, "terms")


def test_all_fields_that_are_missing_are_named() -> None:
    with pytest.raises(JsonUnfit, match="no field tender, sheet"):
        json_in("sheet.json", b'{"letters": []}', "tender", "letters", "sheet")


def test_rows_are_told_with_their_lines() -> None:
    text = 'account,number\r\n"a, b",1\r\n\r\nc,2\r\n'
    assert rows_in("f", text, COLUMNS) == [
        (2, {"number": "1", "account": "a, b"}),
        (4, {"number": "2", "account": "c"}),
    ]
    assert rows_in("f", "number,account\n", COLUMNS) == []


@pytest.mark.parametrize(
    "text",
    ["", "1,a\n", "number\n1\n", "number,account,letter\n", "number,account,account\n1,a,a\n"],
)
def test_a_file_without_just_its_columns_is_refused(text: str) -> None:
    with pytest.raises(ColumnsDiffer, match="not number, account"):
        rows_in("f", text, COLUMNS)


def test_every_row_of_another_length_is_refused() -> None:
    with pytest.raises(Refusals) as refused:
        rows_in("f", "number,account\n1\n2,b\n3,c,d\n", COLUMNS)
    told = [(type(one), str(one.place)) for one in refused.value.refusals]
    assert told == [(RowUnreadable, "f:2"), (RowUnreadable, "f:4")]
    with pytest.raises(RowUnreadable, match="f:2"):
        rows_in("f", 'number,account\n"1"2,b\n', COLUMNS)
