"""Identifiers against published ones, against python-stdnum, and against near misses."""

import random
import string

import pytest
from stdnum import cfi as stdnum_cfi
from stdnum import isin as stdnum_isin
from stdnum import lei as stdnum_lei

from amanat.core.identifiers import (
    Cfi,
    Fisn,
    InvalidCfi,
    InvalidFisn,
    InvalidIsin,
    InvalidLei,
    Isin,
    Lei,
    isin_check_digit,
    lei_check_digits,
)


@pytest.mark.parametrize(
    "value",
    # A Bund, Apple and a gilt, as their exchanges list them; ISO 6166's own example.
    ["DE0001102622", "US0378331005", "GB0002634946"],
)
def test_published_isins(value):
    assert Isin(value) == value
    assert Isin(value).country == value[:2]


def test_check_digits_agree_with_stdnum():
    draw = random.Random(6166)
    for _ in range(500):
        tail = "".join(draw.choices(string.ascii_uppercase + string.digits, k=9))
        stem = draw.choice(["PK", "DE", "US", "GB"]) + tail
        assert isin_check_digit(stem) == stdnum_isin.calc_check_digit(stem)
        assert Isin(stem + isin_check_digit(stem))
        lei = "".join(draw.choices(string.ascii_uppercase + string.digits, k=18))
        assert stdnum_lei.is_valid(Lei(lei + lei_check_digits(lei)))


def test_every_wrong_check_digit_is_refused():
    for digit in set(string.digits) - {"2"}:
        with pytest.raises(InvalidIsin) as caught:
            Isin("DE000110262" + digit)
        assert "should be 2" in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", "DE000110262", "DE00011026222", "de0001102622", "DE000110262۲", "12345", None, 7]
)
def test_malformed_isins_are_refused(value):
    with pytest.raises(InvalidIsin):
        Isin(value)


def test_bad_stems_are_refused():
    with pytest.raises(InvalidIsin):
        isin_check_digit("DE0001")
    with pytest.raises(InvalidLei):
        lei_check_digits("ABC")


def test_published_lei():
    # GLEIF's own LEI.
    assert Lei("506700GE1G29325QX363")


@pytest.mark.parametrize("value", ["506700GE1G29325QX364", "506700ge1g29325qx363", "", None])
def test_wrong_leis_are_refused(value):
    with pytest.raises(InvalidLei):
        Lei(value)


@pytest.mark.parametrize("value", ["DBFTFR", "DBZTFR", "DBVTFR", "DYZTXR", "ESVUFR"])
def test_cfi_of_the_field(value):
    assert Cfi(value) == value


def test_cfi_knows_its_kind():
    assert (Cfi("DYZTXR").is_money_market, Cfi("DYZTXR").is_zero_rate) == (True, True)
    assert (Cfi("DBFTFR").is_money_market, Cfi("DBFTFR").is_zero_rate) == (False, False)
    assert not Cfi("ESVUFR").is_debt


@pytest.mark.parametrize(
    "value", ["DBFTF", "dbftfr", "ZBFTFR", "DQFTFR", "DBQTFR", "DBFTFQ", "DYZTFR", "", None]
)
def test_wrong_cfis_are_refused(value):
    with pytest.raises(InvalidCfi):
        Cfi(value)


def test_debt_tables_agree_with_stdnum():
    # python-stdnum carries the tables of the CFI's registration authority.
    draw = random.Random(10962)
    for _ in range(3000):
        group = draw.choice("BCWTGANY")
        value = "D" + group + "".join(draw.choices("FZVCKTGSUPNOQJABDLREMX", k=4))
        try:
            ours = bool(Cfi(value))
        except InvalidCfi:
            ours = False
        assert ours == stdnum_cfi.is_valid(value), value


@pytest.mark.parametrize("value", ["GOP/7.00 PIB 20230820", "A/B", "VODAFONE/SH USD0.10"])
def test_good_fisns(value):
    assert Fisn(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "",
        "GOP",
        "/PIB",
        "GOP/",
        "gop/pib",
        "GOP/PIB/3Y",
        "GOVERNMENT OF PAKISTAN/PIB",
        "GOP/" + "A" * 20,
        "GOP/پاکستان",
        None,
    ],
)
def test_wrong_fisns_are_refused(value):
    with pytest.raises(InvalidFisn):
        Fisn(value)
