"""Terms: read from fields, every mistake at once, one canonical form, one hash."""

import hashlib
import json
from datetime import date
from decimal import Decimal

import pytest

from amanat.core.errors import Refusal, Refusals
from amanat.core.quantities import InvalidNominal
from amanat.instruments.model import LAWS, BondTerms, NotInDenomination, terms_from, terms_hash

BOND = {
    "kind": "bond",
    "isin": "DE0001102622",
    "cfi": "DBFTFR",
    "fisn": "GOP/7.00 PIB 20230820",
    "currency": "PKR",
    "issue_date": "2020-08-20",
    "maturity_date": "2023-08-20",
    "denomination": "100000",
    "convention": "pk-pib-fixed",
    "calendar": "pk",
    "coupon_rate": "7.00",
    "coupons_per_year": "2",
}

BILL = {
    "kind": "bill",
    "isin": "DE0001102622",
    "cfi": "DYZTXR",
    "fisn": "GOP/TBILL 20130613",
    "currency": "PKR",
    "issue_date": "2013-03-21",
    "maturity_date": "2013-06-13",
    "denomination": 5000,
    "convention": "pk-mtb",
    "calendar": "pk",
}


def refused_codes(given: dict) -> dict[str, str]:
    """The code of every refusal by the field where it arose."""
    with pytest.raises((Refusal, Refusals)) as caught:
        terms_from(given)
    error = caught.value
    found = error.refusals if isinstance(error, Refusals) else (error,)
    assert len({refusal.place.field for refusal in found}) == len(found)
    return {refusal.place.field: refusal.code for refusal in found}


def test_terms_are_read_typed():
    terms = terms_from(BOND)
    assert isinstance(terms, BondTerms)
    assert (terms.issue_date, terms.coupon_rate) == (date(2020, 8, 20), Decimal("7.00"))
    assert (terms.denomination, terms.months_per_coupon) == (100_000, 6)
    assert terms_from(BILL).kind == "bill"


@pytest.mark.parametrize("given", [BOND, BILL, BOND | {"first_coupon_date": "2021-08-20"}])
def test_canonical_form_is_text_and_reads_back(given):
    terms = terms_from(given)
    canonical = terms.canonical()
    assert all(isinstance(value, str) for value in canonical.values())
    assert terms_from(canonical) == terms


def test_hash_is_over_sorted_json_without_spaces():
    terms = terms_from(BOND)
    text = json.dumps(terms.canonical(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert terms_hash(terms) == hashlib.sha256(text.encode()).digest()
    assert '"coupon_rate":"7"' in text


def test_hash_does_not_depend_on_how_a_number_was_written():
    assert terms_hash(terms_from(BOND)) == terms_hash(terms_from(BOND | {"coupon_rate": "7"}))
    assert terms_hash(terms_from(BOND)) != terms_hash(terms_from(BOND | {"coupon_rate": "7.01"}))


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("isin", "DE0001102623", "invalid_isin"),
        ("isin", "de0001102622", "invalid_isin"),
        ("cfi", "DBFTF", "invalid_cfi"),
        ("cfi", "DYZTXR", "cfi_contradicts_terms"),
        ("cfi", "DBZTFR", "cfi_contradicts_terms"),
        ("fisn", "GOVERNMENT OF PAKISTAN 7.00 PIB 20230820", "invalid_fisn"),
        ("currency", "XXX", "unknown_currency"),
        ("issue_date", "20-08-2020", "invalid_date"),
        ("issue_date", "1969-12-31", "invalid_terms"),
        ("maturity_date", "2023-02-30", "invalid_date"),
        ("maturity_date", "2020-08-20", "maturity_before_issue"),
        ("maturity_date", "2019-08-20", "maturity_before_issue"),
        ("maturity_date", "2220-08-20", "maturity_before_issue"),
        ("denomination", "0", "invalid_terms"),
        ("denomination", "-5", "invalid_terms"),
        ("denomination", "1.5", "invalid_number"),
        ("denomination", str(10**40), "invalid_terms"),
        ("convention", "", "invalid_terms"),
        ("convention", "../pk", "invalid_terms"),
        ("coupon_rate", "100.01", "coupon_rate_out_of_range"),
        ("coupon_rate", "-0.01", "coupon_rate_out_of_range"),
        ("coupon_rate", "۷.۰۰", "invalid_number"),
        ("coupon_rate", "7,00", "invalid_number"),
        ("coupon_rate", "NaN", "invalid_number"),
        ("coupon_rate", 7.0, "invalid_number"),
        ("coupon_rate", None, "invalid_terms"),
        ("coupons_per_year", "5", "unknown_frequency"),
        ("coupons_per_year", True, "invalid_number"),
        ("end_of_month", "yes", "invalid_terms"),
        ("first_coupon_date", "2021-03-20", "invalid_terms"),
        ("first_coupon_date", "2024-02-20", "invalid_terms"),
        ("first_coupon_date", "2022-02-20", "invalid_terms"),
        ("day_count", "ACT/ACT", "invalid_terms"),
    ],
)
def test_one_bad_field_is_named(field, value, code):
    assert refused_codes(BOND | {field: value}) == {field: code}


def test_every_mistake_is_reported_at_once():
    bad = BOND | {
        "isin": "DE0001102621",
        "coupon_rate": "101",
        "coupons_per_year": "۲",
        "maturity_date": "2020-01-01",
        "denomination": "ten",
        "day_count": "ACT/ACT",
    }
    assert refused_codes(bad) == {
        "isin": "invalid_isin",
        "coupons_per_year": "invalid_number",
        "denomination": "invalid_number",
        "maturity_date": "maturity_before_issue",
        "coupon_rate": "coupon_rate_out_of_range",
        "day_count": "invalid_terms",
    }


@pytest.mark.parametrize("kind", [None, "sukuk", "", 7])
def test_unknown_kind_is_refused(kind):
    assert refused_codes(BOND | {"kind": kind}) == {"kind": "invalid_terms"}


def test_bill_longer_than_a_year_is_refused():
    assert refused_codes(BILL | {"maturity_date": "2014-03-23"}) == {
        "maturity_date": "invalid_terms"
    }
    assert terms_from(BILL | {"maturity_date": "2014-03-22"}).kind == "bill"


def test_bill_has_no_coupon():
    assert refused_codes(BILL | {"coupon_rate": "7"}) == {"coupon_rate": "invalid_terms"}


def test_dates_from_another_age_are_refused_and_nothing_breaks():
    bad = BOND | {"issue_date": "0001-01-01", "first_coupon_date": "0001-02-20"}
    assert refused_codes(bad) == {
        "issue_date": "invalid_terms",
        "maturity_date": "maturity_before_issue",
    }


def test_empty_terms_name_every_field():
    assert set(refused_codes({"kind": "bill"})) == set(BILL) - {"kind"}


def test_zero_coupon_bond_is_one():
    assert terms_from(BOND | {"cfi": "DBZTFR", "coupon_rate": "0"}).coupon_rate == 0


def test_nominal_is_a_multiple_of_the_denomination():
    terms = terms_from(BOND)
    assert terms.nominal(300_000).units == 300_000
    for units in (0, 50_000, 300_001):
        with pytest.raises(NotInDenomination):
            terms.nominal(units)
    with pytest.raises(InvalidNominal):
        terms.nominal(-100_000)
    with pytest.raises(InvalidNominal):
        terms.nominal(10**40)


def test_rulebook_is_eight_laws():
    assert [law.__name__ for law in LAWS] == [
        "_issued_since_the_epoch",
        "_matures_after_issue",
        "_bill_within_a_year",
        "_denomination_positive",
        "_cfi_fits",
        "_coupon_rate_in_range",
        "_frequency_known",
        "_first_coupon_on_grid",
    ]
