"""Terms made short: what a test does not name is innocent."""

from collections.abc import Callable

import pytest

from amanat.instruments.model import BillTerms, BondTerms, terms_from

_SHARED = {
    "isin": "PK0000000007",
    "fisn": "GOP/PAPER",
    "currency": "PKR",
    "denomination": 1,
    "calendar": "pk",
}


@pytest.fixture(scope="session")
def bond() -> Callable[..., BondTerms]:
    """Makes a semi-annual bond: bond(convention, issue, maturity, rate, **others)."""

    def make(convention: str, issue: str, maturity: str, rate: str, **others: object) -> BondTerms:
        cfi = "DBZTFR" if rate == "0" else "DBFTFR"
        given = {"kind": "bond", "cfi": cfi, "coupons_per_year": 2, **_SHARED}
        dates = {"issue_date": issue, "maturity_date": maturity}
        terms = terms_from(given | dates | {"convention": convention, "coupon_rate": rate} | others)
        assert isinstance(terms, BondTerms)
        return terms

    return make


@pytest.fixture(scope="session")
def bill() -> Callable[..., BillTerms]:
    """Makes a bill: bill(convention, issue, maturity, **others)."""

    def make(convention: str, issue: str, maturity: str, **others: object) -> BillTerms:
        given = {"kind": "bill", "cfi": "DYZTXR", **_SHARED, "convention": convention}
        terms = terms_from(given | {"issue_date": issue, "maturity_date": maturity} | others)
        assert isinstance(terms, BillTerms)
        return terms

    return make
