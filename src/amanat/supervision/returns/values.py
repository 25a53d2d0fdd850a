"""The rules of single values: texts become typed columns, and what cannot is noted and left out.

A value that is wrong is empty for the rules of rows, so that one mistake is told once.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from amanat.jurisdictions.countries import COUNTRIES
from amanat.supervision.returns.arrow import type_of, unscaled
from amanat.supervision.returns.findings import Findings
from amanat.supervision.returns.reading import Batch, Source
from amanat.supervision.returns.specification import Column, Form

# Control characters, line and paragraph separators, and the embeddings, overrides and isolates of
# Unicode's bidirectional algorithm (UAX 9), which show a text in another order than it is stored.
_HIDDEN = "[\\x00-\\x1f\\x7f-\\x9f\u2028-\u202e\u2066-\u2069\ufeff]"
# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = "^[=+\\-@\uff1d\uff0b\uff0d\uff20]"
# Spaces and characters that are not seen alone: joiners, marks of direction, tags (Cf, UAX 44).
_NOTHING_SEEN = "^[\\s\\p{Z}\\p{Cf}\u115f\u1160\u3164\uffa0]*$"
_COUNTRIES = pa.array([*COUNTRIES, "XK"])
_TEXTUAL = frozenset({Form.REFERENCE, Form.TEXT, Form.CODE, Form.COUNTRY})

_EPOCH = date(1970, 1, 1)
_DAYS = ((date.min - _EPOCH).days, (date.max - _EPOCH).days)
_MICROS = 86_400_000_000
_LIMITS = {
    Form.DAY: _DAYS,
    Form.INSTANT: (_DAYS[0] * _MICROS, (_DAYS[1] + 1) * _MICROS - 1),
}

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class Rows:
    """Typed rows of a file: what is wrong is null and among the errors already.

    `faulty` are rows of which some value is wrong; `given` says which values stood there at all, so
    that an absent one and a wrong one are told apart.
    """

    source: Source
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    columns: dict[str, pa.Array]
    given: dict[str, Mask]
    findings: Findings

    def __len__(self) -> int:
        return len(self.numbers)

    def texts(self, name: str) -> pa.Array:
        """A column of texts, out of its dictionary."""
        return plain(self.columns[name])

    def note(self, rule: str, column: str | None, breach: Mask, value: str | None = None) -> None:
        """Note the rows in which a rule is broken, showing the value of a column."""
        if not breach.any():
            return
        places = np.flatnonzero(breach)
        room = self.findings.room_for(self.source.name, column, rule)
        shown = places[:room]
        named = value or column
        values = self.columns.get(named) if named else None
        first = [
            (int(self.numbers[at]), None if values is None else shown_of(values[int(at)]))
            for at in shown
        ]
        self.findings.add_many(self.source.name, rule, column, first, len(places))


def shown_of(value: pa.Scalar) -> Any:
    """A value as it is told; of a day or an instant that no calendar has its number."""
    try:
        return value.as_py()
    except (OverflowError, ValueError):
        return value.value


def plain(column: pa.Array) -> pa.Array:
    """A column out of its dictionary."""
    if pa.types.is_dictionary(column.type):
        return column.dictionary_decode()
    return column


def mask_of(values: pa.Array) -> Mask:
    """A boolean column as numpy; null is false."""
    found: Mask = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


def typed(source: Source, batch: Batch, findings: Findings) -> Rows:
    """A batch with every value's own rules looked at."""
    rows = Rows(source, batch.rows, dict(batch.columns), {}, findings)
    count = len(batch.rows)
    for column in source.record.columns:
        given = batch.columns.get(column.name)
        if given is None:
            rows.columns[column.name] = pa.nulls(count, type_of(column.form))
            rows.given[column.name] = np.zeros(count, dtype=np.bool_)
            continue
        here = pc.is_valid(given).to_numpy(zero_copy_only=False)
        rows.given[column.name] = here
        if column.required:
            rows.note("required", column.name, ~here)
        if column.form in _TEXTUAL:
            _text(rows, column)
        elif pa.types.is_string(given.type):
            _parsed(rows, column)
        elif given.type != type_of(column.form):
            _cast(rows, column)
        if column.form in _LIMITS:
            _in_calendar(rows, column)
        if column.form in (Form.MONEY, Form.QUANTITY):
            _amount(rows, column)
    return rows


# -- texts ----------------------------------------------------------------------------------------


def _by_value(column: pa.Array, test: Callable[[pa.Array], pa.Array]) -> Mask:
    """Where a test of texts holds: of a dictionary each entry is tried once."""
    if not pa.types.is_dictionary(column.type):
        return mask_of(test(column))
    entries = mask_of(test(column.dictionary))
    indices = pc.fill_null(column.indices, 0).to_numpy(zero_copy_only=False)
    if not len(entries):
        return np.zeros(len(column), dtype=np.bool_)
    found: Mask = entries[indices] & pc.is_valid(column).to_numpy(zero_copy_only=False)
    return found


def _text(rows: Rows, column: Column) -> None:
    given = rows.columns[column.name]
    if pa.types.is_large_string(given.type) or (
        pa.types.is_dictionary(given.type) and given.type.value_type != pa.string()
    ):
        given = plain(given).cast(pa.string())
    if not _valid_utf8(rows, column, given):
        rows.columns[column.name] = pa.nulls(len(rows), pa.string())
        return
    rows.columns[column.name] = given
    empty = _by_value(given, lambda one: pc.equal(pc.binary_length(one), 0))
    if empty.any() and column.required:
        rows.note("required", column.name, empty)
    bad = empty
    for rule, test in _tests_of(column):
        breach = _by_value(given, test) & ~bad
        rows.note(rule, column.name, breach)
        bad = bad | breach
    if bad.any():
        rows.columns[column.name] = pc.if_else(
            pa.array(~bad), plain(given), pa.scalar(None, pa.string())
        )
        rows.given[column.name] = rows.given[column.name] & ~empty


def _valid_utf8(rows: Rows, column: Column, given: pa.Array) -> bool:
    """Whether all texts are UTF-8: Parquet only claims that they are."""
    texts = given.dictionary if pa.types.is_dictionary(given.type) else given
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        rows.findings.add(rows.source.name, "encoding", column=column.name)
        return False
    return True


def _no_country(given: pa.Array) -> pa.Array:
    """Which of the texts are no country; where there is none, nothing is said of it."""
    return pc.and_(pc.is_valid(given), pc.invert(pc.is_in(given, _COUNTRIES)))


def _tests_of(column: Column) -> list[tuple[str, Callable[[pa.Array], pa.Array]]]:
    """The rules of a text, each as the test that finds what breaks it, in their order."""
    if column.form is Form.CODE:
        words = pa.array(column.words)
        return [("words", lambda one: pc.invert(pc.is_in(one, words)))]
    if column.pattern is not None:
        pattern = column.pattern
        tests: list[tuple[str, Callable[[pa.Array], pa.Array]]] = [
            ("length", lambda one: pc.greater(pc.binary_length(one), 4 * column.longest)),
            ("formula", lambda one: pc.match_substring_regex(one, _FORMULA)),
            ("form", lambda one: pc.invert(pc.match_substring_regex(one, pattern))),
        ]
        if column.form is Form.COUNTRY:
            tests.append(("country_known", _no_country))
        return tests
    return [
        ("length", lambda one: pc.greater(pc.utf8_length(one), column.longest)),
        ("plain_text", lambda one: pc.match_substring_regex(one, _HIDDEN)),
        ("formula", lambda one: pc.match_substring_regex(one, _FORMULA)),
        ("required", lambda one: pc.match_substring_regex(one, _NOTHING_SEEN)),
    ]


# -- numbers, days, flags -------------------------------------------------------------------------


def _parsed(rows: Rows, column: Column) -> None:
    """A column of texts as its type; what is no such value is noted and null."""
    given = rows.columns[column.name]
    wanted = type_of(column.form)
    assert column.pattern is not None
    fine = mask_of(pc.match_substring_regex(given, column.pattern))
    wrong = rows.given[column.name] & ~fine
    if wrong.any():
        strange = np.zeros(len(rows), dtype=np.bool_)
        for at in np.flatnonzero(wrong):
            strange[at] = _has_other_digits(given[int(at)].as_py())
        rows.note("ascii_digits", column.name, strange)
        rows.note("form", column.name, wrong & ~strange)
        given = pc.if_else(pa.array(fine), given, pa.scalar(None, pa.string()))
    if column.form is Form.FLAG:
        rows.columns[column.name] = pc.equal(given, "true")
        return
    try:
        parsed = pc.cast(given, wanted)
    except pa.ArrowInvalid:
        parsed = _one_by_one(rows, column, given, wanted)
    rows.columns[column.name] = parsed


def _cast(rows: Rows, column: Column) -> None:
    """A column of Parquet as its type; what that type cannot hold is noted and null."""
    given, wanted = rows.columns[column.name], type_of(column.form)
    try:
        rows.columns[column.name] = given.cast(wanted)
    except pa.ArrowInvalid:
        rows.columns[column.name] = _one_by_one(rows, column, given, wanted)


def _in_calendar(rows: Rows, column: Column) -> None:
    """Days and instants are of the years 1 to 9999: others are noted and null."""
    given = rows.columns[column.name]
    width = pa.int32() if column.form is Form.DAY else pa.int64()
    numbers = pc.fill_null(given.cast(width), 0).to_numpy(zero_copy_only=False)
    least, most = _LIMITS[column.form]
    outside: Mask = (numbers < least) | (numbers > most)
    if outside.any():
        rows.note("form", column.name, outside)
        nothing = pa.scalar(None, given.type)
        rows.columns[column.name] = pc.if_else(pa.array(~outside), given, nothing)


def _one_by_one(rows: Rows, column: Column, given: pa.Array, wanted: pa.DataType) -> pa.Array:
    """Where one of them is no such value, such as 30 February: each by itself."""
    found, wrong = [], np.zeros(len(rows), dtype=np.bool_)
    for at, one in enumerate(given):
        try:
            found.append(pc.cast(one, wanted).as_py())
        except (pa.ArrowInvalid, OverflowError, ValueError):
            found.append(None)
            wrong[at] = True
    rows.note("form", column.name, wrong)
    return pa.array(found, wanted)


def _has_other_digits(text: str) -> bool:
    return any(unicodedata.category(one) == "Nd" and not one.isascii() for one in text)


def _amount(rows: Rows, column: Column) -> None:
    given = rows.columns[column.name]
    _low, high = unscaled(given)
    negative = (high < 0) & pc.is_valid(given).to_numpy(zero_copy_only=False)
    if not negative.any():
        return
    rows.note("not_negative", column.name, negative)
    rows.columns[column.name] = pc.if_else(pa.array(~negative), given, pa.scalar(None, given.type))
