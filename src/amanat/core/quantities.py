"""Exact numbers: strict decimals, rounding by name, shares that add up, and nominal amounts.

No function here takes or gives a float.  Intermediate results carry `PRECISION` significant
digits (`EXACT`); rounding to fewer happens only where a rule names the step.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from amanat.core.errors import Invalid
from amanat.core.identifiers import Isin

PRECISION = 50
"""Significant digits of every intermediate result."""

EXACT = decimal.Context(
    prec=PRECISION,
    rounding=decimal.ROUND_HALF_EVEN,
    Emin=-999_999,
    Emax=999_999,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)
"""The context of all calculations; enter it with `decimal.localcontext(EXACT)`."""

UNITS_MAX = 2**128 - 1
"""The largest nominal that the ledger can carry."""

_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?")
_INTEGER = re.compile(r"-?[0-9]{1,60}")


class InvalidNumber(Invalid):
    """A number is ASCII digits with at most one full stop: no sign `+`, exponent or separator.

    Python would also read Urdu digits; they are refused, since a file must have one reading.
    """

    template: ClassVar[str] = "{value!r} is not a plain decimal number in ASCII digits."


class InvalidNominal(Invalid):
    """A nominal is a whole number of units from 0 to 2**128 - 1."""

    template: ClassVar[str] = "A nominal of {value} units is not between 0 and {units_max}."


class Rounding(StrEnum):
    """How a result is brought to a step; negative amounts mirror positive ones for half rules."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    HALF_DOWN = "half_down"
    DOWN = "down"
    UP = "up"
    FLOOR = "floor"
    CEILING = "ceiling"

    @property
    def of_decimal(self) -> str:
        """The name of this rule in the standard library's `decimal`."""
        return f"ROUND_{self.name}"


def decimal_from(value: str | int | Decimal) -> Decimal:
    """A decimal from plain text, an integer, or a finite decimal.

    Refuses `InvalidNumber`: other forms, floats, booleans, NaN and infinities.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise InvalidNumber(value=value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InvalidNumber(value=str(value))
        return value
    if isinstance(value, int):
        return Decimal(value)
    if not _DECIMAL.fullmatch(value):
        raise InvalidNumber(value=value[:80])
    return Decimal(value)


def integer_from(value: str | int) -> int:
    """An integer from plain ASCII text or an integer.

    Refuses `InvalidNumber`: anything else, also fractions and booleans.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidNumber(value=value)
    if isinstance(value, int):
        return value
    if not _INTEGER.fullmatch(value):
        raise InvalidNumber(value=value[:80])
    return int(value)


def text_from(value: Decimal) -> str:
    """The one canonical text of a decimal: no exponent, no trailing zeros, no negative zero.

    >>> text_from(Decimal("7.00")), text_from(Decimal("1E+3")), text_from(Decimal("-0.0"))
    ('7', '1000', '0')
    """
    if value == 0:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def round_to(value: Decimal, places: int, rounding: Rounding = Rounding.HALF_UP) -> Decimal:
    """`value` at `places` decimals (negative places round to tens, hundreds, ...)."""
    step = Decimal(1).scaleb(-places)
    return value.quantize(step, rounding=rounding.of_decimal, context=EXACT)


def round_to_multiple(value: Decimal, step: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """The multiple of `step` (a positive integer) nearest to `value` by `rounding`.

    >>> round_to_multiple(Decimal("719.2"), 50), round_to_multiple(Decimal("179.8"), 50)
    (700, 200)
    """
    if step <= 0:
        raise InvalidNumber(value=step)
    with decimal.localcontext(EXACT):
        return int(round_to(value / step, 0, rounding)) * step


def share_in_proportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Whole parts of `total` in proportion to `weights`; they always sum to `total`.

    Odd units go to the largest remainders and, between equals, to the earlier weight.
    Refuses `InvalidNumber`: a negative total or weight, or weights that are all zero.
    """
    if total < 0:
        raise InvalidNumber(value=total)
    if any(weight < 0 for weight in weights) or not any(weights):
        raise InvalidNumber(value=list(weights)[:5])
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-remainders[index], index))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)


@dataclass(frozen=True, slots=True)
class Nominal:
    """Face value of one security, in units of its currency (1 unit = 1 rupee); never a price."""

    isin: Isin
    units: int

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int):
            raise InvalidNumber(value=self.units)
        if not 0 <= self.units <= UNITS_MAX:
            raise InvalidNominal(value=self.units, units_max=UNITS_MAX)

    def __add__(self, other: Nominal) -> Nominal:
        self._check_same(other)
        return Nominal(self.isin, self.units + other.units)

    def __sub__(self, other: Nominal) -> Nominal:
        self._check_same(other)
        return Nominal(self.isin, self.units - other.units)

    def allot(self, bids: Sequence[int]) -> tuple[Nominal, ...]:
        """Share this nominal over `bids` in proportion; the parts always sum to the whole.

        Odd units go to the largest remainders and, between equals, to the earlier bid.
        """
        return tuple(Nominal(self.isin, part) for part in share_in_proportion(self.units, bids))

    def _check_same(self, other: Nominal) -> None:
        if self.isin != other.isin:
            raise MixedSecurities(isin=self.isin, other=other.isin)


class MixedSecurities(Invalid):
    """Nominals of different securities are never added or subtracted."""

    template: ClassVar[str] = "Nominal of {isin} and of {other} cannot be combined."
