"""Canonical JSON (RFC 8785) of the values that Amanat writes down: no floats, no doubt.

Journal entries, terms and commands are hashed and signed over these bytes.  The permitted values
are strings, booleans, null, lists, objects with ASCII keys, and integers that every JSON reader
holds exactly (at most 2**53 - 1 in size).  Larger integers and all amounts are strings with a unit.
Within these bounds the standard library's encoder yields the bytes that RFC 8785 prescribes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from amanat.core.errors import Invalid

SAFE_INTEGER_MAX = 2**53 - 1

_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
).encode


class NotCanonical(Invalid):
    """A value that has no canonical form here (RFC 8785 with the bounds of this module)."""

    template = "{path}: {value} has no canonical form: {reason}"


def canonical_bytes(value: Any) -> bytes:
    """The one byte string for `value`.

    Raises `NotCanonical` for floats, integers beyond 2**53 - 1, lone surrogates, keys that are not
    ASCII strings, and types that JSON does not know.
    """
    _check(value, "$")
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical(path="$", value="text", reason="a lone surrogate") from error


def digest(value: Any) -> bytes:
    """SHA-256 over the canonical bytes: 32 bytes."""
    return hashlib.sha256(canonical_bytes(value)).digest()


def _check(value: Any, path: str) -> None:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return
    if kind is int:
        if not -SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX:
            raise NotCanonical(path=path, value=str(value)[:40], reason="write it as a string")
    elif kind is dict:
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise NotCanonical(path=path, value=repr(key), reason="keys are ASCII strings")
            _check(member, f"{path}.{key}")
    elif kind is list or kind is tuple:
        for position, member in enumerate(value):
            _check(member, f"{path}[{position}]")
    else:
        raise NotCanonical(path=path, value=repr(value)[:40], reason=f"a {kind.__name__}")
