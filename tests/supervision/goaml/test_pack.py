"""The tables of reports and of cases: what they say, and that mistakes are told at once."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from amanat.core.errors import Refusals
from amanat.jurisdictions.cases import DispositionUnknown, load_cases, read_cases
from amanat.jurisdictions.goaml import ReportCodeUnknown, load_goaml, read_goaml
from amanat.jurisdictions.reading import InvalidTable, read_table
from amanat.supervision.goaml.latin import LATIN_NAME, romanise_name, romanise_text

PACK = load_goaml("pk")


def test_districts_are_named_once_and_in_latin_letters() -> None:
    """Pakistan Bureau of Statistics, census of 2023: some 160 districts."""
    names = [name for some in PACK.districts.values() for name in some]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert 130 <= len(names) <= 180
    assert all(LATIN_NAME.fullmatch(name) for name in names)
    assert PACK.province_of("Keamari") == "Sindh"
    assert PACK.province_of("keamari") is None


def test_a_report_is_taken_from_its_first_day_on() -> None:
    """FMU Circular 04/2025 of 31 December 2025: STR-F as XML."""
    assert PACK.report_on("STR-F", date(2026, 1, 2)).content == "transactions"
    with pytest.raises(ReportCodeUnknown, match="STR-F"):
        PACK.report_on("STR-F", date(2025, 12, 30))


def test_every_mistake_of_a_table_is_told() -> None:
    content, file = read_table("pk", "goaml")
    broken = content.replace('kind = "str"', 'kind = "sar"', 1).replace("minor_units = 2", "x = 2")
    with pytest.raises(Refusals) as refused:
        read_goaml(broken, file, "pk")
    assert len(refused.value.refusals) == 3
    cases, name = read_table("pk", "cases")
    with pytest.raises(InvalidTable, match="neither working nor calendar"):
        read_cases(cases.replace('unit = "working"', 'unit = "lunar"', 1), name)


def test_a_case_ends_as_its_desk_may_end_it() -> None:
    pack = load_cases("pk")
    assert pack.disposition("referred", frozenset({"supervises"})).needs == "referral"
    with pytest.raises(DispositionUnknown):
        pack.disposition("referred", frozenset({"fiu"}))


def test_ten_years_are_counted_to_the_day() -> None:
    record = load_cases("pk").records[0]
    assert (record.longest.years, record.longest.law) == (10, "AML Act 2010 s.7C")
    assert record.until(date(2026, 3, 6)) == date(2036, 3, 6)
    assert record.until(date(2024, 2, 29)) == date(2034, 3, 1)


@pytest.mark.parametrize(
    ("written", "latin"),
    [
        ("محمد علی", "Muhammad Ali"),
        ("مُحَمَّد", "Muhammad"),  # with its vowels
        ("محمد علي", "Muhammad Ali"),  # as an Arabic keyboard writes it
        ("Muhammad Ali", "Muhammad Ali"),
        ("Müller", "Muller"),
        ("O'Brien", "O'Brien"),
    ],
)
def test_names_are_written_as_passports_write_them(written: str, latin: str) -> None:
    found = romanise_name(written, PACK.transliteration)
    assert found.latin == latin
    assert found.original == (None if LATIN_NAME.fullmatch(written) else written)


def test_what_no_table_knows_goes_by_letter_and_is_said() -> None:
    found = romanise_name("گوہر", PACK.transliteration)
    assert LATIN_NAME.fullmatch(found.latin)
    assert found.by_letter == ("گوہر",)
    assert romanise_text("رقم 5").latin.isascii()
