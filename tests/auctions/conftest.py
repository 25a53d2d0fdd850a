"""Auctions that were really held, as the tests' material; single bills bids are made ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from amanat.auctions.model import (
    CompetitiveBid,
    NonCompetitiveBid,
    NonCompetitivePricing,
    NonCompetitiveRules,
    TenderTerms,
    Weighting,
)
from amanat.auctions.pricing import SecurityPricing
from amanat.core.identifiers import Cfi, Fisn, Isin, isin_check_digit
from amanat.instruments.model import BillTerms, BondTerms
from amanat.jurisdictions.conventions import load_convention

MILLION = 1_000_000
TENDER = bytes(range(32))

# Published bid sheet of the 3-year PIB auction settled on 4 March 2021: face in PKR million,
# price, yield in percent.
PIB_BIDS = [
    (1, "95.6713", "8.9934"),
    (2000, "95.6574", "9.0000"),
    (250, "95.0711", "9.2790"),
    (1000, "95.0481", "9.2900"),
    (500, "95.0271", "9.3000"),
    (100, "95.0271", "9.3000"),
    (500, "95.0062", "9.3100"),
    (1000, "94.9876", "9.3189"),
    (2000, "94.9853", "9.3200"),
    (500, "94.9644", "9.3300"),
    (1000, "94.9477", "9.3380"),
    (250, "94.9436", "9.3399"),
    (2000, "94.9435", "9.3400"),
    (500, "94.9435", "9.3400"),
]


@dataclass(frozen=True)
class BillAuction:
    """An auction of 20 March 2013: made bids, and the published figures that they add up to."""

    terms: TenderTerms
    pricing: SecurityPricing
    competitive: list[CompetitiveBid]
    non_competitive: list[NonCompetitiveBid]
    cut_off_price: Decimal
    published: dict[str, str]


# Made: price and face in PKR million.  The bids above the cut-off were chosen so that face times
# price comes to the published realised value to the rupee; the last three miss the cut-off.
MADE_84_DAYS = [
    ("97.9200", "1000"),
    ("97.9000", "10000"),
    ("97.8950", "15000"),
    ("97.8900", "25000"),
    ("97.8850", "20000"),
    ("97.8820", "10000"),
    ("97.8804", "12100"),
    ("97.8800", "12097"),
    ("97.8800", "10000"),
    ("97.8700", "5000"),
    ("97.8500", "8000"),
    ("97.8000", "3000"),
]
MADE_84_DAYS_NON_COMPETITIVE = ["500"] * 20 + ["400"] * 2 + ["250.390"]
MADE_182_DAYS = [
    ("95.5390", "100"),
    ("95.5190", "1000"),
    ("95.5140", "3000"),
    ("95.5110", "1143"),
    ("95.5100", "557.7"),
    ("95.4000", "2500"),
    ("95.3500", "1500"),
]
MADE_182_DAYS_NON_COMPETITIVE = ["250"] * 7 + ["150", "104.490"]


def units(millions: str) -> int:
    """PKR million as units of face."""
    return int(Decimal(millions) * MILLION)


def pib_bids() -> list[CompetitiveBid]:
    """The 14 published bids; each its own bidder, in the order of the sheet."""
    return [
        CompetitiveBid(number, 1, face * MILLION, price=Decimal(price), sequence=number)
        for number, (face, price, _percent) in enumerate(PIB_BIDS, start=1)
    ]


def isin(stem: str) -> Isin:
    """An ISIN with its check digit."""
    return Isin(stem + isin_check_digit(stem))


def pib_pricing() -> SecurityPricing:
    """7.00%, issued 20 August 2020, maturing 20 August 2023, settled on 4 March 2021."""
    terms = BondTerms(
        isin=isin("PK000000001"),
        cfi=Cfi("DBFTFR"),
        fisn=Fisn("PAKISTAN/7 BD 20230820"),
        currency="PKR",
        issue_date=date(2020, 8, 20),
        maturity_date=date(2023, 8, 20),
        denomination=100_000,
        convention="pk-pib-fixed",
        calendar="pk",
        coupon_rate=Decimal("7.00"),
        coupons_per_year=2,
    )
    settled = date(2021, 3, 4)
    return SecurityPricing(terms, load_convention("pk-pib-fixed", settled), settled)


def pib_terms(target: int = 11_601 * MILLION) -> TenderTerms:
    """A multiple-price tender by price, averages by face."""
    return TenderTerms(tender=TENDER, isin=str(pib_pricing().terms.isin), target=target)


def bill_pricing(days: int) -> SecurityPricing:
    """A bill settled on 21 March 2013, the day after the auction."""
    settled = date(2013, 3, 21)
    terms = BillTerms(
        isin=isin(f"PK{days:09d}"),
        cfi=Cfi("DYZTXR"),
        fisn=Fisn("PAKISTAN/TB"),
        currency="PKR",
        issue_date=settled,
        maturity_date=date.fromordinal(settled.toordinal() + days),
        denomination=5_000,
        convention="pk-mtb",
        calendar="pk",
    )
    return SecurityPricing(terms, load_convention("pk-mtb", settled), settled)


def bill_auction(days: int) -> BillAuction:
    """The 84- or 182-day bill of 20 March 2013, its single bids made; targets are made too."""
    target = {84: 100_000, 182: 50_000}[days] * MILLION
    bids = {84: MADE_84_DAYS, 182: MADE_182_DAYS}[days]
    others = {84: MADE_84_DAYS_NON_COMPETITIVE, 182: MADE_182_DAYS_NON_COMPETITIVE}[days]
    pricing = bill_pricing(days)
    terms = TenderTerms(
        tender=TENDER,
        isin=str(pricing.terms.isin),
        target=target,
        bid_minimum=5_000,
        bid_multiple=5_000,
        weighting=Weighting.REALISED_VALUE,
        non_competitive=NonCompetitiveRules(
            pricing=NonCompetitivePricing.AVERAGE_PRICE, price_decimals=2
        ),
    )
    return BillAuction(
        terms=terms,
        pricing=pricing,
        competitive=[
            CompetitiveBid(number, 1, units(face), price=Decimal(price), sequence=number)
            for number, (price, face) in enumerate(bids, start=1)
        ],
        non_competitive=[
            NonCompetitiveBid(
                100 + number, 1, units(face), f"investor-{number}", "fund", 100 + number
            )
            for number, face in enumerate(others, start=1)
        ],
        cut_off_price=Decimal({84: "97.8800", 182: "95.5100"}[days]),
        published=PUBLISHED[days],
    )


# Result of the auction of 20 March 2013 as published, amounts in PKR million.
PUBLISHED = {
    84: {
        "face": "115197.000",
        "realised": "112763.222",
        "average_yield": "9.3784",
        "cut_off_yield": "9.4114",
        "average_price": "97.8873",
        "non_competitive_price": "97.89",
        "non_competitive_face": "11050.390",
        "non_competitive_realised": "10817.227",
    },
    182: {
        "face": "5800.700",
        "realised": "5540.499",
        "average_yield": "9.4185",
        "cut_off_yield": "9.4280",
        "average_price": "95.5143",
        "non_competitive_price": "95.51",
        "non_competitive_face": "2004.490",
        "non_competitive_realised": "1914.488",
    },
}


@pytest.fixture
def published_pib_bids() -> list[CompetitiveBid]:
    """The 14 published bids of the PIB sheet."""
    return pib_bids()


@pytest.fixture
def published_pib_yields() -> list[Decimal]:
    """The yields that the PIB sheet prints for them."""
    return [Decimal(percent) for _face, _price, percent in PIB_BIDS]


@pytest.fixture
def pib() -> SecurityPricing:
    """Pricing of the 3-year PIB on 4 March 2021."""
    return pib_pricing()


@pytest.fixture
def terms() -> TenderTerms:
    """Terms of the PIB tender with the whole sheet as target."""
    return pib_terms()


@pytest.fixture
def bills() -> Callable[[int], BillAuction]:
    """The bill auctions of 20 March 2013, by days."""
    return bill_auction
