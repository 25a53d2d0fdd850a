"""What stands in a file that a person gave: text, JSON or rows; each mistake with its place.

The bytes are read elsewhere.  `file` is the file's name, to be told and nothing else.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Place, Refused
from amanat.core.messages import Message


class FileNotText(Invalid):
    """Text is UTF-8; bytes and lines are counted from 1."""

    template: ClassVar[str] = (
        "{file} is not UTF-8 text: byte {position}, in line {line}, is {byte}."
    )


class FileNotJson(Invalid):
    """JSON (RFC 8259), in which no name stands twice in one object."""

    template: ClassVar[str] = "{file} is not JSON: {reason}."


class JsonUnfit(Invalid):
    """The file holds a JSON object with the fields that are read from it."""

    template: ClassVar[str] = "{file} is not the file that is asked for: {reason}."


class ColumnsDiffer(Invalid):
    """A file is read by its columns, each once, in any order."""

    template: ClassVar[str] = "The columns are {found}, not {wanted}."


class RowUnreadable(Invalid):
    """A row has a value for each column."""

    template: ClassVar[str] = "The row in line {line} cannot be read: {reason}."


def text_in(file: str, content: bytes) -> str:
    """The text of a file, without the mark that some editors put before it.

    Refuses `FileNotText`.
    """
    try:
        return content.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise FileNotText(
            file=file,
            position=str(error.start + 1),
            line=content.count(b"\n", 0, error.start) + 1,
            byte=f"0x{content[error.start]:02x}",
        ) from None


def json_in(file: str, content: bytes, *needed: str) -> dict[str, Any]:
    """The JSON object of a file, which has the needed fields.

    Refuses, in order: `FileNotText`, `FileNotJson`, `JsonUnfit`.
    """
    text = text_in(file, content)
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = {"line": str(error.lineno), "column": str(error.colno)}
        reason = Message("{fault} (line {line}, column {column})", fault=error.msg, **place)
        raise FileNotJson(file=file, reason=reason) from None
    except RecursionError:
        raise FileNotJson(file=file, reason=Message("it is nested too deep")) from None
    except ValueError as error:
        raise FileNotJson(file=file, reason=error.args[0]) from None
    if not isinstance(found, dict):
        raise JsonUnfit(file=file, reason=Message("it holds no JSON object"))
    missing = [name for name in needed if name not in found]
    if missing:
        reason = Message("it has no field {names}", names=", ".join(missing))
        raise JsonUnfit(file=file, reason=reason)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two fields of one name people would be shown one alone."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(Message("the field {name} stands twice", name=twice[:40]))
    return found


def _constant(name: str) -> Any:
    raise ValueError(Message("{name} is no number", name=name))


def rows_in(file: str, text: str, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of CSV with their lines; lines without any value are passed over.

    Refuses `ColumnsDiffer`, then every `RowUnreadable` at once.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    refused = Refused()
    lines: list[tuple[int, list[str]]] = []
    try:
        lines = [(reader.line_num, values) for values in reader if values]
    except csv.Error as error:
        place = Place(file=file, line=reader.line_num)
        raise RowUnreadable(place=place, line=reader.line_num, reason=str(error)) from None
    names = lines[0][1] if lines else []
    if sorted(names) != sorted(columns):
        found = ", ".join(names) or Message("none")
        raise ColumnsDiffer(place=Place(file=file), found=found, wanted=", ".join(columns))
    for line, values in lines[1:]:
        if len(values) != len(names):
            reason = Message(
                "{found} values for {wanted} columns", found=len(values), wanted=len(names)
            )
            place = Place(file=file, line=line)
            refused.add(RowUnreadable(place=place, line=line, reason=reason))
    refused.raise_if_any()
    return [(line, dict(zip(names, values, strict=True))) for line, values in lines[1:]]
