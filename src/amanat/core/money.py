"""Money in minor units of one currency; amounts of different currencies never mix."""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from amanat.core.errors import Invalid
from amanat.core.quantities import (
    EXACT,
    InvalidNumber,
    Rounding,
    decimal_from,
    round_to,
    share_in_proportion,
)

MINOR_DIGITS = {"PKR": 2, "USD": 2, "GBP": 2, "EUR": 2}
"""Decimals of each currency that is known (ISO 4217)."""


class UnknownCurrency(Invalid):
    """Only currencies whose minor unit is known can carry money (ISO 4217)."""

    template: ClassVar[str] = "{currency!r} is not a known currency."


class MixedCurrencies(Invalid):
    """Amounts in different currencies are never added, subtracted or compared."""

    template: ClassVar[str] = "Amounts in {currency} and in {other} cannot be combined."


class FractionOfMinorUnit(Invalid):
    """An amount that no rule rounds must be whole in minor units."""

    template: ClassVar[str] = "{value} {currency} has a fraction of the smallest unit."


def minor_digits(currency: str) -> int:
    """Decimals of `currency`.  Refuses `UnknownCurrency`."""
    if currency not in MINOR_DIGITS:
        raise UnknownCurrency(currency=currency)
    return MINOR_DIGITS[currency]


def money_text(minor: int, currency: str) -> str:
    """Minor units as the journal writes money.  Refuses `InvalidNumber`, `UnknownCurrency`.

    >>> money_text(1105920400000, "PKR")
    '11059204000.00 PKR'
    """
    return f"{Money(minor, currency).amount:.{minor_digits(currency)}f} {currency}"


def face_text(units: int, currency: str) -> str:
    """Nominal as the journal writes it.

    >>> face_text(11601000000, "PKR")
    '11601000000 PKR face'
    """
    return f"{units} {currency} face"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (PKR: paisa); may be negative, as a claim or a correction."""

    minor: int
    currency: str = "PKR"

    def __post_init__(self) -> None:
        if isinstance(self.minor, bool) or not isinstance(self.minor, int):
            raise InvalidNumber(value=self.minor)
        minor_digits(self.currency)

    @classmethod
    def of(
        cls, amount: str | int | Decimal, currency: str = "PKR", rounding: Rounding | None = None
    ) -> Money:
        """Money from an amount in major units; without `rounding` it must be exact.

        Refuses `InvalidNumber`, `UnknownCurrency`, `FractionOfMinorUnit`.
        """
        value = decimal_from(amount)
        digits = minor_digits(currency)
        with decimal.localcontext(EXACT):
            scaled = value.scaleb(digits)
            whole = round_to(scaled, 0, rounding or Rounding.HALF_EVEN)
            if rounding is None and whole != scaled:
                raise FractionOfMinorUnit(value=amount, currency=currency)
        return cls(int(whole), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency), context=EXACT)

    def __add__(self, other: Money) -> Money:
        self._check_same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._check_same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._check_same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        self._check_same(other)
        return self.minor <= other.minor

    def share(self, weights: Sequence[int]) -> tuple[Money, ...]:
        """Parts in proportion to `weights` that sum to this amount (see `share_in_proportion`)."""
        sign = -1 if self.minor < 0 else 1
        parts = share_in_proportion(abs(self.minor), weights)
        return tuple(Money(sign * part, self.currency) for part in parts)

    def percent(self, rate: Decimal, rounding: Rounding) -> Money:
        """`rate` per cent of this amount, rounded to the minor unit by `rounding`."""
        with decimal.localcontext(EXACT):
            part = Decimal(self.minor) * rate / 100
        return Money(int(round_to(part, 0, rounding)), self.currency)

    def __str__(self) -> str:
        digits = minor_digits(self.currency)
        whole, part = divmod(abs(self.minor), 10**digits)
        sign = "-" if self.minor < 0 else ""
        decimals = f".{part:0{digits}d}" if digits else ""
        return f"{self.currency} {sign}{whole:,}{decimals}"

    def _check_same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MixedCurrencies(currency=self.currency, other=other.currency)
