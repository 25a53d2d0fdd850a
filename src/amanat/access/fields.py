"""Types of fields that have one reading only, for commands and queries.

Python reads Urdu digits, `1_000`, `+5`, ` 5` and `True` as numbers and `1614556800` as a date.  A
command is signed and shown to other people: what it says must be what everyone reads in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

from amanat.core.errors import Invalid
from amanat.core.messages import Message
from amanat.core.quantities import decimal_from, integer_from

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
# Control characters but tab and line ends, and the embeddings, overrides and isolates of Unicode's
# bidirectional algorithm (UAX 9), which show a text in another order than it is stored.
_HIDDEN = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)


class TextNotPlain(Invalid):
    """A text has no control characters and none that reorder what a person sees (UAX 9)."""

    template = "{field}: the character {character} may not stand in a text."


def _whole(value: Any) -> Any:
    return value if type(value) is int else _read(integer_from, value)


def _decimal(value: Any) -> Any:
    # A float stands for the digits that were written, as `repr` gives them back.
    return _read(decimal_from, repr(value) if type(value) is float else value)


def _read(reader: Callable[[Any], Any], value: Any) -> Any:
    try:
        return reader(value)
    except Invalid as refusal:
        # A message keeps its key, so that the refusal of the field can be read in any language.
        fields = {name: str(value)[:80] for name, value in refusal.fields.items()}
        raise ValueError(Message(refusal.template, **fields)) from None


def _date(value: Any) -> Any:
    if type(value) is date or (isinstance(value, str) and _DATE.fullmatch(value)):
        return value
    raise ValueError(Message("a date is written YYYY-MM-DD"))


def _instant(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise ValueError(Message("a time is written YYYY-MM-DDTHH:MM:SS and its zone"))


Whole = Annotated[int, BeforeValidator(_whole)]
"""An integer, or its ASCII digits."""
PlainDecimal = Annotated[
    Decimal, BeforeValidator(_decimal), Field(max_digits=40, decimal_places=18)
]
"""A decimal in ASCII digits without an exponent, up to 40 digits, 18 of them after the point."""
Day = Annotated[date, BeforeValidator(_date)]
"""A date as YYYY-MM-DD."""
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
"""A time as YYYY-MM-DDTHH:MM:SS with its zone."""


# What `_HIDDEN` finds, in canonical JSON, and now and then what is plain.
_SUSPECT = re.compile(r"[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]|\\[bfu]")


def require_plain_json(text: str, stated: Any) -> None:
    """As `require_plain`, quickly: `text` is the canonical JSON of `stated`."""
    if _SUSPECT.search(text):
        require_plain(stated)


def require_plain(stated: Any, field: str = "") -> None:
    """Refuse `TextNotPlain` at the first text in `stated` (as JSON has it) that is not plain."""
    if isinstance(stated, str):
        found = _HIDDEN.search(stated)
        if found:
            raise TextNotPlain(field=field or "text", character=f"U+{ord(found[0]):04X}")
    elif isinstance(stated, Mapping):
        for name, one in stated.items():
            require_plain(name, field)
            require_plain(one, f"{field}.{name}" if field else str(name))
    elif isinstance(stated, (list, tuple)):
        for position, one in enumerate(stated):
            require_plain(one, f"{field}[{position}]")
