"""Identifiers of the field, checked when they are made: ISIN, CFI, FISN and LEI.

Each is a `str` that has passed its own check, so it goes into JSON, a table or a page unchanged.
"""

from __future__ import annotations

import re
from typing import ClassVar

from amanat.core.errors import Invalid
from amanat.core.messages import Message

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")
_CFI = re.compile(r"[A-Z]{6}")
_FISN = re.compile(r"[A-Z0-9](?:[A-Z0-9 .&+-]{0,13}[A-Z0-9.])?/[A-Z0-9][A-Z0-9 .%&+-]{0,18}")

FISN_LENGTH_MAX = 35

_CFI_GROUPS = {
    "E": "SPCFLDYM",
    "C": "IHBESFPM",
    "D": "BCWTSEGANDYM",
    "R": "ASPWFDM",
    "O": "CPM",
    "F": "FC",
    "S": "RTECFM",
    "H": "RTECFM",
    "I": "FT",
    "J": "EFCRT",
    "K": "RTECFYM",
    "L": "LRS",
    "T": "CTRIBDM",
    "M": "CM",
}
"""Groups of every category of ISO 10962:2021."""

_RANKS = "TGSUPNOQJC"
_REDEMPTIONS = "FGCDABTLPQRE"
_FORMS = "BRNM"

_CFI_DEBT_ATTRIBUTES = {
    "B": ("FZVCK", _RANKS, _REDEMPTIONS, _FORMS),
    "C": ("FZVK", _RANKS, _REDEMPTIONS, _FORMS),
    "W": ("FZVK", _RANKS, _REDEMPTIONS, _FORMS),
    "T": ("FZVK", _RANKS, _REDEMPTIONS, _FORMS),
    "G": ("FZV", _RANKS, _REDEMPTIONS, _FORMS),
    "A": ("FZV", _RANKS, _REDEMPTIONS, _FORMS),
    "N": ("FZV", _RANKS, _REDEMPTIONS, _FORMS),
    "Y": ("FZVK", _RANKS, "", _FORMS),
}
"""Attributes three to six of the groups of debt that a programme may issue; `X` is always open."""


class InvalidIsin(Invalid):
    """An ISIN is a country, nine letters or digits, and the check digit of ISO 6166."""

    template: ClassVar[str] = "{value!r} is not an ISIN: {reason}."


class InvalidCfi(Invalid):
    """A CFI is six letters of the tables of ISO 10962:2021."""

    template: ClassVar[str] = "{value!r} is not a CFI: {reason}."


class InvalidFisn(Invalid):
    """A FISN is an issuer of at most 15 and a description of at most 19 characters (ISO 18774)."""

    template: ClassVar[str] = "{value!r} is not a FISN: issuer, stroke, description, at most 35."


class InvalidLei(Invalid):
    """An LEI is 18 letters or digits and two check digits (ISO 17442, ISO 7064 mod 97-10)."""

    template: ClassVar[str] = "{value!r} is not an LEI: {reason}."


def isin_check_digit(stem: str) -> str:
    """The check digit for the first eleven characters of an ISIN (ISO 6166, annex A).

    Letters become two digits (A = 10); every other digit from the right is doubled.
    Refuses `InvalidIsin`: a stem that is not two letters and nine letters or digits.
    """
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}", stem):
        raise InvalidIsin(value=stem[:20], reason="the stem is two letters and nine characters")
    digits = "".join(str(int(character, 36)) for character in stem)
    total = 0
    for position, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if position % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


def lei_check_digits(stem: str) -> str:
    """The two check digits for the first 18 characters of an LEI (ISO 7064 mod 97-10)."""
    if not re.fullmatch(r"[A-Z0-9]{18}", stem):
        raise InvalidLei(value=stem[:24], reason="the stem is 18 capital letters or digits")
    return f"{98 - _mod_97(stem + '00'):02d}"


def _mod_97(text: str) -> int:
    return int("".join(str(int(character, 36)) for character in text)) % 97


class Isin(str):
    """An ISIN with a correct check digit.  Refuses `InvalidIsin`.

    >>> Isin("DE0001102622").country
    'DE'
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Isin:
        if not isinstance(value, str) or not _ISIN.fullmatch(value):
            reason = "two letters, nine letters or digits, one digit"
            raise InvalidIsin(value=str(value)[:20], reason=reason)
        expected = isin_check_digit(value[:11])
        if value[11] != expected:
            raise InvalidIsin(
                value=value, reason=Message("the check digit should be {digits}", digits=expected)
            )
        return super().__new__(cls, value)

    @property
    def country(self) -> str:
        """The two letters of the numbering country."""
        return self[:2]


class Lei(str):
    """An LEI with correct check digits.  Refuses `InvalidLei`."""

    __slots__ = ()

    def __new__(cls, value: str) -> Lei:
        if not isinstance(value, str) or not _LEI.fullmatch(value):
            reason = "18 capital letters or digits and two digits"
            raise InvalidLei(value=str(value)[:24], reason=reason)
        if _mod_97(value) != 1:
            expected = lei_check_digits(value[:18])
            raise InvalidLei(
                value=value, reason=Message("the check digits should be {digits}", digits=expected)
            )
        return super().__new__(cls, value)


class Cfi(str):
    """A CFI whose letters stand in the tables of ISO 10962:2021.  Refuses `InvalidCfi`.

    Category and group are checked for every category, the attributes for groups of debt.

    >>> Cfi("DBFTFR").is_debt, Cfi("DYZTXR").is_money_market
    (True, True)
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Cfi:
        if not isinstance(value, str) or not _CFI.fullmatch(value):
            raise InvalidCfi(value=str(value)[:12], reason="six capital letters")
        category, group, attributes = value[0], value[1], value[2:]
        if category not in _CFI_GROUPS:
            raise InvalidCfi(
                value=value, reason=Message("there is no category {category}", category=category)
            )
        if group not in _CFI_GROUPS[category]:
            reason = Message(
                "category {category} has no group {group}", category=category, group=group
            )
            raise InvalidCfi(value=value, reason=reason)
        if category == "D" and group in _CFI_DEBT_ATTRIBUTES:
            allowed = _CFI_DEBT_ATTRIBUTES[group]
            for place, (letter, letters) in enumerate(zip(attributes, allowed, strict=True), 3):
                if letter != "X" and letter not in letters:
                    reason = Message(
                        "letter {position} cannot be {letter}", position=place, letter=letter
                    )
                    raise InvalidCfi(value=value, reason=reason)
        return super().__new__(cls, value)

    @property
    def is_debt(self) -> bool:
        """Whether the instrument is debt."""
        return self[0] == "D"

    @property
    def is_money_market(self) -> bool:
        """Whether the instrument is a money-market instrument, such as a treasury bill."""
        return self.startswith("DY")

    @property
    def is_zero_rate(self) -> bool:
        """Whether debt is sold at a discount and pays no interest."""
        return self.is_debt and self[2] == "Z"


class Fisn(str):
    """A financial instrument short name, `ISSUER/DESCRIPTION`.  Refuses `InvalidFisn`."""

    __slots__ = ()

    def __new__(cls, value: str) -> Fisn:
        good = isinstance(value, str) and len(value) <= FISN_LENGTH_MAX and _FISN.fullmatch(value)
        if not good:
            raise InvalidFisn(value=str(value)[:50])
        return super().__new__(cls, value)
