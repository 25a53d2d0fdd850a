"""Conventions: dated rows, read whole or refused whole."""

from datetime import date

import pytest

from amanat.core.errors import AmanatError, NotFound, Refusals
from amanat.jurisdictions.conventions import (
    Anchor,
    Convention,
    DayCount,
    InstrumentKind,
    NoConventionForDate,
    YieldMethod,
    choose_convention,
    conventions_from,
    conventions_of_file,
    load_convention,
)
from amanat.jurisdictions.reading import TABLE_BYTES_MAX, InvalidTable, read_table

CODES = {
    "pk-mtb": InstrumentKind.BILL,
    "pk-pib-fixed": InstrumentKind.BOND,
    "pk-pfl": InstrumentKind.BOND,
    "us-note": InstrumentKind.BOND,
    "us-bill": InstrumentKind.BILL,
    "gb-gilt": InstrumentKind.BOND,
    "de-bund": InstrumentKind.BOND,
    "de-bubill": InstrumentKind.BILL,
}

GOOD = """
[[convention]]
code = "xx-bill"
kind = "bill"
first_day = 2020-01-01
last_day = 2020-12-31
yield_method = "simple"
year_days = 365
price_places = 4
yield_places = 4
rounding = "half_up"
settlement_days = 1
record_days = 1
shut_days = 0
ex_dividend_days = 0
payment_roll = "following"
source = "made for the test"
assumed = ["record_days"]
"""


@pytest.mark.parametrize("code", CODES)
def test_every_market_has_its_convention(code):
    convention = load_convention(code, date(2024, 6, 12))
    assert (convention.code, convention.kind) == (code, CODES[code])
    assert convention.source


def test_pakistan_left_act_365_between_2012_and_2020():
    before = load_convention("pk-pib-fixed", date(2012, 9, 27))
    after = load_convention("pk-pib-fixed", date(2021, 3, 4))
    assert (before.invoice_day_count, after.invoice_day_count) == (
        DayCount.ACT_365,
        DayCount.ACT_ACT_ICMA,
    )
    assert before.yield_day_count is after.yield_day_count is DayCount.ACT_ACT_ICMA
    floating = load_convention("pk-pfl", date(2020, 8, 13))
    assert (floating.invoice_anchor, floating.yield_anchor) == (Anchor.ISSUE, Anchor.MATURITY)


def test_each_method_is_of_its_market():
    day = date(2024, 6, 12)
    assert load_convention("us-note", day).yield_method is YieldMethod.TREASURY
    assert load_convention("gb-gilt", day).ex_dividend_days == 7
    assert load_convention("de-bubill", day).year_days == 360


def test_what_is_assumed_is_named():
    assert load_convention("pk-mtb", date(2024, 6, 12)).assumed == ("record_days", "shut_days")
    assert load_convention("us-note", date(2024, 6, 12)).assumed == ()


@pytest.mark.parametrize(
    ("code", "day"),
    [
        ("pk-pib-fixed", date(2013, 1, 1)),
        ("pk-mtb", date(2011, 12, 31)),
        ("de-bund", date(2027, 1, 1)),
    ],
)
def test_days_in_no_row_are_refused(code, day):
    with pytest.raises(NoConventionForDate):
        load_convention(code, day)


@pytest.mark.parametrize("code", ["", "pk", "pk-", "xx-bill", "../pk-mtb", "PK-MTB", "pk-gis"])
def test_unknown_codes_are_refused(code):
    with pytest.raises(NotFound):
        load_convention(code, date(2024, 6, 12))


def test_own_conventions_are_read_from_a_file(tmp_path):
    path = tmp_path / "conventions.toml"
    path.write_text(GOOD, encoding="utf-8")
    known = conventions_of_file(path)
    assert choose_convention(known, "xx-bill", date(2020, 6, 1)).year_days == 365
    with pytest.raises(NotFound):
        conventions_of_file(tmp_path / "missing.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidTable):
        conventions_of_file(path)
    path.write_text("#" * (TABLE_BYTES_MAX + 1), encoding="utf-8")
    with pytest.raises(InvalidTable):
        conventions_of_file(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kind", "sort"),
        ("simple", "street"),
        ("simple", "guess"),
        ("= 365", "= 366"),
        ("= 365", '= "365"'),
        ("half_up", "somehow"),
        ("2020-12-31", "2019-12-31"),
        ("2020-12-31", '"soon"'),
        ("settlement_days = 1", "settlement_days = -1"),
        ('["record_days"]', '["moon"]'),
        ("made for the test", " "),
    ],
)
def test_one_fault_is_refused(old, new):
    assert len(conventions_from(GOOD, "good.toml")) == 1
    with pytest.raises(AmanatError) as caught:
        conventions_from(GOOD.replace(old, new), "bad.toml")
    assert "bad.toml" in str(caught.value)


def test_all_faults_are_reported_at_once():
    bad = GOOD.replace("half_up", "somehow").replace("= 365", "= -1") + "colour = 1\n"
    with pytest.raises(Refusals) as caught:
        conventions_from(bad, "bad.toml")
    fields = [refusal.place.field for refusal in caught.value.refusals]
    assert fields == [
        "convention[0].year_days",
        "convention[0].rounding",
        "convention[0].colour",
    ]


def test_overlapping_rows_are_refused():
    with pytest.raises(InvalidTable):
        conventions_from(GOOD + GOOD, "twice.toml")


@pytest.mark.parametrize("content", ["", "= 3", "convention = 1"])
def test_what_is_no_table_is_refused(content):
    with pytest.raises(InvalidTable):
        conventions_from(content, "bad.toml")


def test_shipped_rows_are_never_open_ended():
    for jurisdiction in ("pk", "us", "gb", "de"):
        for convention in conventions_from(*read_table(jurisdiction, "conventions")):
            assert isinstance(convention, Convention)
            assert convention.last_day.year <= 2026
