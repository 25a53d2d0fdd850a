"""Canonical JSON (RFC 8785) of the values that Amanat writes down: no floats, no doubt.

Journal entries, terms and commands are hashed and signed over these bytes.  The permitted values
are strings, booleans, null, lists, objects with ASCII keys, and integers that every JSON reader
holds exactly (at most 2**53 - 1 in size).  Larger integers and all amounts are strings with a unit.
Within these bounds the standard library's encoder yields the bytes that RFC 8785 prescribes.
"""

from __future__ import annotations

import hashlib
import json
import json.encoder
from collections.abc import Callable
from typing import Any

from amanat.core.errors import Invalid
from amanat.core.messages import Message

SAFE_INTEGER_MAX = 2**53 - 1

_PLAIN = frozenset({str, bool, type(None)})
_OPTIONS: dict[str, Any] = {
    "ensure_ascii": False,
    "sort_keys": True,
    "separators": (",", ":"),
    "allow_nan": False,
}


def _encoder() -> Callable[[Any], str]:
    """The standard library's encoder with the options of RFC 8785.

    Its C form is made once where it can be had: the class makes it anew for every value, which
    costs as much as encoding a journal entry.
    """
    make: Any = json.encoder.c_make_encoder  # type: ignore[attr-defined]
    if make is None:
        return json.JSONEncoder(**_OPTIONS).encode
    parts = make(None, None, json.encoder.encode_basestring, None, ":", ",", True, False, False)
    join = "".join
    return lambda value: join(parts(value, 0))


_encode = _encoder()


class NotCanonical(Invalid):
    """A value that has no canonical form here (RFC 8785 with the bounds of this module)."""

    template = "{path}: {value} has no canonical form: {reason}"


def canonical_bytes(value: Any) -> bytes:
    """The one byte string for `value`.

    Raises `NotCanonical` for floats, integers beyond 2**53 - 1, lone surrogates, keys that are not
    ASCII strings, and types that JSON does not know.
    """
    if not _permitted(value):
        _refuse(value, "$")
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical(path="$", value="text", reason="a lone surrogate") from error


def digest(value: Any) -> bytes:
    """SHA-256 over the canonical bytes: 32 bytes."""
    return hashlib.sha256(canonical_bytes(value)).digest()


def _permitted(value: Any) -> bool:
    """Whether a value has a canonical form; whole rows of plain members are looked at at once."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is int:
        return bool(-SAFE_INTEGER_MAX <= value <= SAFE_INTEGER_MAX)
    if kind is dict:
        if not value:
            return True
        if set(map(type, value)) != {str} or not "".join(value).isascii():
            return False
        value = value.values()
    elif kind is not list and kind is not tuple:
        return False
    if _PLAIN.issuperset(map(type, value)):
        return True
    for member in value:
        kind = type(member)
        if kind is int:
            if not -SAFE_INTEGER_MAX <= member <= SAFE_INTEGER_MAX:
                return False
        elif kind not in _PLAIN and not _permitted(member):
            return False
    return True


def _refuse(value: Any, path: str) -> None:
    """Raise `NotCanonical` at the first place of `value` that has no canonical form."""
    kind = type(value)
    if kind is int and not _permitted(value):
        raise NotCanonical(path=path, value=str(value)[:40], reason="write it as a string")
    if kind is dict:
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise NotCanonical(path=path, value=repr(key), reason="keys are ASCII strings")
            _refuse(member, f"{path}.{key}")
    elif kind is list or kind is tuple:
        for position, member in enumerate(value):
            _refuse(member, f"{path}[{position}]")
    elif kind not in _PLAIN and kind is not int:
        raise NotCanonical(
            path=path, value=repr(value)[:40], reason=Message("a {kind}", kind=kind.__name__)
        )
