"""Names in other spellings and scripts, and names made to slip through.

The pairs of Urdu and Latin names are the usual romanisations (national romanisation of Urdu,
spellings on identity cards); what an attacker does follows Unicode's UTS 39 and UAX 9.
"""

from __future__ import annotations

import pytest

from amanat.supervision.screening.matching import Matcher
from amanat.supervision.screening.model import (
    Document,
    DocumentKind,
    Feature,
    Grade,
    ListedSubject,
    ScreenedParty,
    Subject,
    Verdict,
    marked,
)
from amanat.supervision.screening.spelling import clean_name, sounds_same, split_father, words

CUTOFF = 0.7


def listed(*names: str, **known) -> ListedSubject:
    return ListedSubject("L-1", Subject.PERSON, names, **known)


def party(*names: str, **known) -> ScreenedParty:
    return ScreenedParty("1", Subject.PERSON, names, **known)


def hits(asked: ScreenedParty, *entries: ListedSubject):
    return Matcher(entries, CUTOFF).screen(asked)


@pytest.mark.parametrize(
    ("latin", "urdu"),
    [
        ("zulfiqar", "ذوالفقار"), ("ghulam", "غلام"), ("hussein", "حسین"), ("yusuf", "یوسف"),
        ("abdulrehman", "عبدالرحمان"), ("mustafa", "مصطفی".replace("ی", "ا")), ("shah", "شاہ"),
        ("ali", "علی"), ("usman", "عثمان"), ("saeed", "سعید"), ("ibrahim", "ابراہیم"),
        ("iqbal", "اقبال"), ("bhatti", "بھٹی"), ("mahmood", "محمود"), ("jan", "جان"),
        ("azhar", "اظہر"), ("ilyas", "الیاس"), ("nawaz", "نواز"), ("fatima", "فاطمہ"),
    ],
)  # fmt: skip
def test_urdu_and_latin_sound_the_same(latin, urdu) -> None:
    assert sounds_same(latin, urdu)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("jamal", "jamil"), ("jamal", "جمیل"), ("asif", "saif"), ("saeed", "saad"),
        ("karim", "akram"), ("ali", "wali"), ("naseem", "nizam"), ("salman", "saleem"),
    ],
)  # fmt: skip
def test_names_that_only_look_alike_do_not(one, other) -> None:
    assert not sounds_same(one, other)


@pytest.mark.parametrize(
    "written",
    [
        "Zulfiqar Hussain Zargun",
        "Zulfikar Husein Zarghun",
        "ZARGUN, Zulfiqar Hussain",
        "ذوالفقار حسین زرغون",
        "Zulfi\u200bqar Hus\u200dsain Zar\u2060gun",
        "\u200fZulfiqar\u200f \u202eHussain\u202c Zargun",
        "Zulfiq\u0430r Huss\u0430in Z\u0430rgun",
        "Z u l f i q a r Hussain Zargun",
        "Ｚｕｌｆｉｑａｒ Hussain Zargun",
        "Zulf1qar Hussa1n Zargun",
        "Zulfiqar Hussain Zargun s/o Daud Khan",
        "Zulfiqar  HUSSAIN\tZargun",
        "ZulfiqarHussain Zargun",
        "\u200b" * 400 + "Zulfiqar Hussain Zargun",
        "Zulfiqa\u0433 Hussai\u043f Za\u0433gu\u043f",
        "Зульфикар Хуссейн Заргун",
        "Zulfiqar Hussain Khan Zargun Wazir",
        "Zulfiqar Hussain Zargun the merchant of Karachi",
    ],
)
def test_no_way_of_writing_slips_through(written) -> None:
    found = hits(party(written), listed("Zulfiqar Hussain Zargun"))
    assert [hit.subject.reference for hit in found] == ["L-1"]


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("Hafiz Mohd. Saeed", "Hafiz Muhammad Saeed"),
        ("MD SAEED", "Muhammad Saeed"),
        ("Masʿūd Aẓhar", "Masood Azhar"),
        ("عبد الرحمن مكي", "Abdul Rehman Makki"),
        ("عبد الرحمن مكي", "عبدالرحمان مکی"),
        ("Hafeez Muhammad Sayeed", "Hafiz Muhammad Saeed"),
        ("دائود ابراہیم", "داؤد ابراہیم"),
    ],
)
def test_usual_ways_of_writing_are_known(written, known) -> None:
    assert hits(party(written), listed(known))


@pytest.mark.parametrize(
    "written",
    [
        "Alrashid Trust (Pvt) Ltd", "Al Rashid Trust Pvt. Ltd.", "AlRasheed Trust",
        "Rashid Trust Limited", "AL RASHID TRUST (SMC-PVT) LIMITED",
    ],
)  # fmt: skip
def test_a_company_is_known_without_its_legal_form_and_with_its_article(written) -> None:
    company = ListedSubject("1", Subject.ORGANISATION, ("Al Rashid Trust",))
    asked = ScreenedParty("2", Subject.ORGANISATION, (written,))
    assert Matcher([company], CUTOFF).screen(asked)


def test_a_legal_form_alone_is_no_company() -> None:
    company = ListedSubject("1", Subject.ORGANISATION, ("Indus Traders (Pvt) Ltd",))
    for written in ("Nowhere Holding (Pvt) Ltd", "Pvt Ltd", "Ltd", "ltd" + "." * 280 + "x"):
        asked = ScreenedParty("2", Subject.ORGANISATION, (written,))
        assert Matcher([company], CUTOFF).screen(asked) == []


@pytest.mark.parametrize(
    "written", ["Zulfiqar Khan Wazir Zargun Ahmed", "Hussain Zargun Traders of Karachi City"]
)
def test_part_of_a_listed_name_among_others_is_none(written) -> None:
    assert hits(party(written), listed("Zulfiqar Hussain Zargun")) == []


@pytest.mark.parametrize("written", ["Nadia Elsewhere", "Zulfiqar Ali Bhatti", "Hussain Elsewhere"])
def test_other_names_do_not_hit(written) -> None:
    assert hits(party(written), listed("Zulfiqar Hussain Zargun")) == []


def test_latin_names_are_found_on_an_urdu_list_and_the_other_way() -> None:
    assert hits(party("Abdur Rehman Zargun"), listed("عبدالرحمان زرغون"))
    assert hits(party("عبدالرحمان زرغون"), listed("Abdul Rahman Zargun"))


def test_a_fathers_name_is_not_taken_for_ones_own() -> None:
    assert split_father("علی ولد غلام") == ("علی", "غلام")
    assert hits(party("Kamran Elsewhere s/o Qasim Zargun"), listed("Qasim Zargun")) == []


def test_cleaning_leaves_honest_names_alone() -> None:
    assert clean_name("Qasim  Zargun") == "Qasim Zargun"
    assert clean_name("قاسم زرغون") == "قاسم زرغون"
    assert words("Haji Abd al-Rahman Khan") == ("abdulrahman", "khan")


# -- what is known beside the name ----------------------------------------------------------------

CNIC = Document(DocumentKind.CNIC, "35202-1928374-5", "PK")
OTHER_CNIC = Document(DocumentKind.CNIC, "61101-8273645-3", "PK")
PLACEHOLDERS = ("00000-0000000-0", "11111-1111111-1", "12345-1234567-1", "35202-0000000-1")


def test_a_number_identifies_and_its_absence_does_not_excuse() -> None:
    entry = listed("Qasim Zargun", documents=(CNIC,))
    assert hits(party("Qasim Zargun", documents=(CNIC,)), entry)[0].grade is Grade.IDENTIFIED
    assert hits(party("Qasim Zargun"), entry)[0].grade is Grade.NAME_ALONE
    other = hits(party("Qasim Zargun", documents=(OTHER_CNIC,)), entry)
    assert other[0].grade is Grade.CONTRADICTED
    renamed = hits(party("Nadia Elsewhere", documents=(CNIC,)), entry)
    assert renamed[0].grade is Grade.NUMBER_ALONE


@pytest.mark.parametrize("number", PLACEHOLDERS)
def test_placeholders_never_match(number) -> None:
    placeholder = Document(DocumentKind.CNIC, number, "PK")
    entry = listed("Qasim Zargun", documents=(placeholder,))
    assert hits(party("Nadia Elsewhere", documents=(placeholder,)), entry) == []
    assert hits(party("Qasim Zargun", documents=(placeholder,)), entry)[0].grade is Grade.NAME_ALONE


def test_a_number_that_two_entries_bear_matches_nobody() -> None:
    shared = Document(DocumentKind.CNIC, "31303-5550005-1", "PK")
    one = ListedSubject("L-1", Subject.PERSON, ("Qasim Zargun",), documents=(shared,))
    two = ListedSubject("L-2", Subject.PERSON, ("Haroon Otherwise",), documents=(shared,))
    assert hits(party("Nadia Elsewhere", documents=(shared,)), *marked((one, two))) == []


def test_a_date_of_birth_never_outweighs_the_name() -> None:
    """As yente issue 245 complains of: neither makes it a hit of other names, nor hides one."""
    entry = listed("Qasim Zargun", born_on=("1971-04-05",))
    assert hits(party("Nadia Elsewhere", born_on="1971-04-05"), entry) == []
    same = hits(party("Qasim Zargun", born_on="1971-04-05"), entry)[0]
    other = hits(party("Qasim Zargun", born_on="1999-09-09"), entry)[0]
    assert (same.grade, other.grade) == (Grade.CORROBORATED, Grade.CONTRADICTED)
    assert other.name_score == same.name_score


def test_twins_of_name_are_told_apart_within_the_top_score() -> None:
    """As nomenklatura issue 334 complains of: all at 1.0, so that triage is undefined."""
    twins = [
        ListedSubject("by-number", Subject.PERSON, ("Qasim Zargun",), documents=(CNIC,)),
        ListedSubject("by-father", Subject.PERSON, ("Qasim Zargun",), fathers=("Daud Zargun",)),
        ListedSubject("by-country", Subject.PERSON, ("Qasim Zargun",), countries=("PK",)),
        ListedSubject("alone", Subject.PERSON, ("Qasim Zargun",)),
        ListedSubject("other-father", Subject.PERSON, ("Qasim Zargun",), fathers=("Karim Khan",)),
    ]
    asked = party("Qasim Zargun", documents=(CNIC,), father_name="داؤد زرغون", country="PK")
    found = hits(asked, *twins)
    assert [hit.subject.reference for hit in found] == [
        "by-number", "by-father", "by-country", "alone", "other-father",
    ]  # fmt: skip
    assert {hit.name_score for hit in found} == {1.0}
    assert len({(hit.grade, hit.strength) for hit in found}) == len(found)


def test_every_feature_is_explained() -> None:
    entry = listed("Qasim Zargun", born_on=("1971-04-05",), documents=(CNIC,))
    hit = hits(party("Kasim Zarghun", born_on="1971-05-04"), entry)[0]
    said = {one.feature: one.verdict for one in hit.evidence}
    assert set(said) == set(Feature)
    assert said[Feature.BORN] is Verdict.UNCLEAR  # day and month exchanged
    assert said[Feature.DOCUMENT] is Verdict.MISSING
    assert {"name_match", "name_read"} & {one.feature for one in hit.features}


def test_addresses_match_exactly_whatever_their_capitals() -> None:
    address = "0xAbCdEf0123456789aBcDeF0123456789AbCdEf01"
    mixer = ListedSubject("W", Subject.WALLET, (), addresses=(address,))
    wallet = ScreenedParty("2", Subject.WALLET, (), addresses=(address.lower(),))
    assert hits(wallet, mixer)[0].grade is Grade.IDENTIFIED
    other = ScreenedParty("3", Subject.WALLET, (), addresses=(address[:-1] + "2",))
    assert hits(other, mixer) == []
