"""The `Pricing` of one security on one settlement date, from the instruments' arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from amanat.instruments.model import Terms
from amanat.instruments.pricing import accrued_interest, price_from_yield, yield_from_price
from amanat.jurisdictions.conventions import Convention


@dataclass(frozen=True, slots=True)
class SecurityPricing:
    """Prices and yields of a security that settles on `settlement_date`.

    Its methods refuse as `amanat.instruments.pricing` does.
    """

    terms: Terms
    convention: Convention
    settlement_date: date
    ex_dividend: bool | None = None

    def price_of_yield(self, yield_pct: Decimal) -> Decimal:
        """Clean price per 100 of face at a yield in percent, unrounded."""
        return price_from_yield(
            self.terms,
            self.convention,
            self.settlement_date,
            yield_pct,
            ex_dividend=self.ex_dividend,
        ).clean

    def yield_of_price(self, price: Decimal) -> Decimal:
        """Yield in percent at a clean price per 100 of face, unrounded."""
        return yield_from_price(
            self.terms, self.convention, self.settlement_date, price, ex_dividend=self.ex_dividend
        )

    def accrued_per_100(self) -> Decimal:
        """Interest accrued per 100 of face, unrounded; 0 for a bill."""
        return accrued_interest(
            self.terms, self.convention, self.settlement_date, ex_dividend=self.ex_dividend
        )
