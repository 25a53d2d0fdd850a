"""Withholding rates: dated, with their source or named as assumed, never carried on."""

from datetime import date
from decimal import Decimal

import pytest

from amanat.core.errors import AmanatError, NotFound
from amanat.jurisdictions.tax import (
    InvalidCertificate,
    NoTaxRateForDate,
    UnknownHolderClass,
    load_tax_table,
    tax_table_from,
    tax_table_of_file,
)

GOOD = """
[[withholding]]
instrument = "government_security"
holder_classes = ["company", "individual"]
first_day = 2022-07-01
last_day = 2023-06-30
active_percent = "15"
inactive_percent = "30"
final = false
source = "made for the test"
assumed = true
"""

SECURITY = "government_security"


@pytest.fixture(scope="module")
def pakistan():
    return load_tax_table("pk")


@pytest.mark.parametrize(
    ("instrument", "holder_class", "active", "day", "percent"),
    [
        # Income Tax Ordinance 2001, section 151, tax years 2026 and 2023.
        (SECURITY, "company", True, "2025-07-01", "20"),
        (SECURITY, "individual", False, "2026-06-30", "40"),
        (SECURITY, "bank", True, "2023-06-30", "15"),
        (SECURITY, "company", False, "2022-07-01", "30"),
        (SECURITY, "non_resident", True, "2025-08-20", "10"),
        (SECURITY, "collective_scheme", False, "2025-08-20", "0"),
        (SECURITY, "pension_fund", True, "2025-08-20", "0"),
        (SECURITY, "provident_fund", True, "2025-08-20", "0"),
        ("other_debt", "company", True, "2025-08-20", "15"),
        ("other_debt", "company", False, "2025-08-20", "30"),
        ("sukuk", "company", True, "2025-08-20", "25"),
        ("sukuk_above_one_million", "individual", True, "2025-08-20", "12.5"),
        ("sukuk_up_to_one_million", "individual", False, "2025-08-20", "20"),
    ],
)
def test_sourced_rates(pakistan, instrument, holder_class, active, day, percent):
    found = pakistan.withholding(
        instrument, holder_class, active_taxpayer=active, on=date.fromisoformat(day)
    )
    assert (found.percent, found.assumed, found.certificate) == (Decimal(percent), False, False)
    assert found.source
    assert found.final == (holder_class == "non_resident")


@pytest.mark.parametrize("day", ["2013-06-13", "2021-02-22", "2021-08-20", "2023-08-21"])
def test_unchecked_years_say_that_they_are_assumed(pakistan, day):
    found = pakistan.withholding(
        SECURITY, "company", active_taxpayer=True, on=date.fromisoformat(day)
    )
    assert found.assumed


@pytest.mark.parametrize("day", ["2012-06-30", "2014-07-01", "2020-06-30", "2026-07-01"])
def test_years_in_no_row_are_refused(pakistan, day):
    with pytest.raises(NoTaxRateForDate):
        pakistan.withholding(SECURITY, "company", active_taxpayer=True, on=date.fromisoformat(day))


def test_unknown_classes_and_instruments_are_refused(pakistan):
    for instrument, holder_class in ((SECURITY, "charity"), ("lottery", "company")):
        with pytest.raises(UnknownHolderClass):
            pakistan.withholding(
                instrument, holder_class, active_taxpayer=True, on=date(2025, 8, 20)
            )
    assert "company" in pakistan.holder_classes


def test_a_certificate_reduces_or_exempts(pakistan):
    for percent in ("0", "7.5", "20"):
        found = pakistan.withholding(
            SECURITY,
            "company",
            active_taxpayer=True,
            on=date(2025, 8, 20),
            certificate_percent=Decimal(percent),
        )
        assert (found.percent, found.certificate) == (Decimal(percent), True)


@pytest.mark.parametrize("percent", ["20.01", "-1"])
def test_a_certificate_never_raises_the_rate(pakistan, percent):
    with pytest.raises(InvalidCertificate):
        pakistan.withholding(
            SECURITY,
            "company",
            active_taxpayer=True,
            on=date(2025, 8, 20),
            certificate_percent=Decimal(percent),
        )


def test_own_table_is_read_from_a_file(tmp_path):
    path = tmp_path / "tax.toml"
    path.write_text(GOOD, encoding="utf-8")
    found = tax_table_of_file(path).withholding(
        SECURITY, "individual", active_taxpayer=False, on=date(2023, 1, 1)
    )
    assert (found.percent, found.assumed) == (Decimal(30), True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"15"', "15"),
        ('"15"', "15.0"),
        ('"15"', '"101"'),
        ('"15"', '"-1"'),
        ('"15"', '"۱۵"'),
        ('["company", "individual"]', '"company"'),
        ("2023-06-30", "2022-06-30"),
        ("final", "finally"),
        ("= true", '= "true"'),
        ("made for the test", ""),
    ],
)
def test_one_fault_is_refused(old, new):
    tax_table_from(GOOD, "good.toml")
    with pytest.raises(AmanatError) as caught:
        tax_table_from(GOOD.replace(old, new), "bad.toml")
    assert "bad.toml" in str(caught.value)


def test_two_rates_for_one_day_are_refused():
    other = GOOD.replace('["company", "individual"]', '["company"]').replace('"15"', '"10"')
    with pytest.raises(AmanatError, match="two rates for company"):
        tax_table_from(GOOD + other, "twice.toml")


def test_unknown_jurisdictions_are_refused():
    with pytest.raises(NotFound):
        load_tax_table("xx")
