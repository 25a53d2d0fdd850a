"""The fields that may appear in logs and traces: a list of what is admitted, not of what is hidden.

A field that is not named here is dropped; a value that does not have its field's form is replaced
by `withheld`.  So no name, number, token, key or free text reaches a log, whoever passes it: none
of them has the form of an identifier that we gave ourselves.  A person's code is not among the
fields: institutions are told, people are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

WITHHELD = "withheld"
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
_HASH = re.compile(r"0x[0-9a-f]{64}")
_ROUTE = re.compile(r"/[A-Za-z0-9_./{}:-]{0,120}|unmatched")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,120}(:\d{1,5})?|\[[0-9a-f:.]{2,45}\](:\d{1,5})?")

_TEXTS: Mapping[str, re.Pattern[str]] = {
    "act": _NAME,
    "alarm": _CODE,
    "block_hash": _HASH,
    "code": _CODE,
    "contract": _NAME,
    "error": re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,120}"),
    "function": _NAME,
    "institution": _CODE,
    "label": re.compile(r"[A-Z0-9]{12}|"),
    "method": re.compile(r"[A-Z]{1,10}|other"),
    "node": _HOST,
    "order": _UUID,
    "order_kind": _NAME,
    "outcome": _CODE,
    "programme": _CODE,
    "request": _UUID,
    "route": _ROUTE,
    "span": re.compile(r"[0-9a-f]{16}"),
    "step": _CODE,
    "trace": re.compile(r"[0-9a-f]{32}"),
    "tx_hash": _HASH,
    "version": re.compile(r"[0-9][0-9A-Za-z.+-]{0,30}"),
    "view": _CODE,
}
_NUMBERS = frozenset(
    {
        "attempt",
        "block_number",
        "blocks",
        "duration_ms",
        "entries",
        "gas_used",
        "nonce",
        "orders",
        "port",
        "receipt_status",
        "status",
    }
)


def admitted(fields: Mapping[str, Any]) -> dict[str, str | int | float]:
    """The fields that may be told, each in its form; None and unknown fields are left away."""
    told: dict[str, str | int | float] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name in _NUMBERS:
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            told[name] = value if plain else WITHHELD
        elif name in _TEXTS:
            fits = isinstance(value, str) and _TEXTS[name].fullmatch(value)
            told[name] = value if fits else WITHHELD
    return told


def names() -> frozenset[str]:
    """Every field that is admitted."""
    return frozenset(_TEXTS) | _NUMBERS
