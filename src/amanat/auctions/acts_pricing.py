"""The arithmetic of the security on offer, for the day on which a tender settles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import NotFound
from amanat.instruments.model import Terms, terms_from
from amanat.instruments.pricing import accrued_interest, price_from_yield, yield_from_price
from amanat.jurisdictions.conventions import Convention, load_convention
from amanat.programme.tables import security


@dataclass(frozen=True, slots=True)
class SecurityPricing:
    """`Pricing` of one security, settled on one day; see `amanat.auctions.model.Pricing`."""

    terms: Terms
    convention: Convention
    settlement_date: date

    def price_of_yield(self, yield_pct: Decimal) -> Decimal:
        """Clean price per 100 of face, unrounded."""
        return price_from_yield(self.terms, self.convention, self.settlement_date, yield_pct).clean

    def yield_of_price(self, price: Decimal) -> Decimal:
        """Yield in percent, unrounded."""
        return yield_from_price(self.terms, self.convention, self.settlement_date, price)

    def accrued_per_100(self) -> Decimal:
        """Interest that the buyer pays on top, per 100 of face."""
        return accrued_interest(self.terms, self.convention, self.settlement_date)


def pricing_of(terms: Terms, settlement_date: date) -> SecurityPricing:
    """The pricing by the conventions in force on the settlement date.

    Refuses `NoConventionForDate`.
    """
    return SecurityPricing(
        terms, load_convention(terms.convention, settlement_date), settlement_date
    )


def security_terms(connection: Connection, programme: str, isin: str) -> Terms:
    """The terms of a security of this programme; refuses `NotFound`."""
    stored = connection.execute(
        sql.select(security.c.terms).where(
            security.c.programme == programme, security.c.isin == isin
        )
    ).scalar_one_or_none()
    if stored is None:
        raise NotFound(thing="security", value=isin)
    return terms_from(json.loads(stored))
