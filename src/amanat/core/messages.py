"""Texts for people: message keys with typed arguments, which are English until they are translated.

A `Message` is a gettext key and its arguments.  As a string it is the English text, so that it may
stand wherever a text may; a face that speaks another language looks the key up and words each
argument by its type:

```
int, Decimal     a count or figure, with separators
Money            an amount with its currency
Face             nominal of a security, in units of its currency
date, datetime   in words of the language; times in the programme's zone
Word             a term of the model (a state, a level, an act), itself translated
Message          a text within a text
str              an identifier or name, which no language changes
```
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


class Word(str):
    """A term of the model, such as `wind_down` or `AwardTender`, that a face shows in words."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Face:
    """Nominal of a security in whole units of its currency, for people to read."""

    units: int
    currency: str = "PKR"

    def __str__(self) -> str:
        return f"{self.currency} {self.units:,} face"


class Message(str):
    """A text with its key and arguments; as a string, the English text.

    >>> Message("{count} accounts", count=1400)
    '1,400 accounts'
    """

    template: str
    fields: Mapping[str, Any]

    def __new__(cls, template: str, /, **fields: Any) -> Self:
        """The text of `template` over `fields`."""
        shown = {name: _shown(value) for name, value in fields.items()}
        return cls.stated(template.format(**shown), template, fields)

    @classmethod
    def stated(cls, text: str, template: str, fields: Mapping[str, Any]) -> Self:
        """A message whose English text has been made already."""
        made = super().__new__(cls, text)
        made.template = template
        made.fields = fields
        return made


def _shown(value: Any) -> Any:
    if isinstance(value, Word):
        return value.replace("_", " ")
    return f"{value:,}" if type(value) is int else value
