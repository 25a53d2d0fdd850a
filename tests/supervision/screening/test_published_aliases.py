"""Kinds of variants of names, each with pairs that a list itself calls one person.

Source of every pair with a reference: name and alias (quality `Good`, or the original script) of
that entry in the UN Security Council's consolidated list, https://scsanctions.un.org/consolidated/
as of 29 October 2018.  Pairs without one are the same kind of variant in a
common Pakistani name, after the spellings in bench/screening_names.toml.
"""

from __future__ import annotations

import pytest

from amanat.supervision.screening.matching import Matcher
from amanat.supervision.screening.model import ListedSubject, ScreenedParty, Subject
from amanat.supervision.screening.reading import read_as
from amanat.supervision.screening.spelling import sounds_same, split_names, words

SAME = {
    "initials, beside two words or an honorific that both have": [
        ("Hafiz M Saeed", "Hafiz Muhammad Saeed"),
        ("Khalil A Haqqani", "Khalil Ahmed Haqqani"),
        ("M. Zafar Iqbal", "Muhammad Zafar Iqbal"),
    ],
    "shortened given names": [
        ("Mhd Iqbal", "Muhammad Iqbal"),
        ("M/ Iqbal", "Muhammad Iqbal"),
        ("Ab. Rehman Makki", "Abdul Rehman Makki"),
        ("Ab Rahman Makki", "Abdul Rehman Makki"),
        ("Gh. Mustafa Khan", "Ghulam Mustafa Khan"),
        ("Muh Sholeh Ibrahim", "MUHAMMAD SHOLEH IBRAHIM"),  # QDi.395
    ],
    "honorifics": [
        ("Maulavi Adam Khan", "ADAM KHAN ACHEKZAI"),  # TAi.167
        ("Syed Qasim Zarghun", "Qasim Zargun"),
    ],
    "particles left out, joined or written otherwise": [
        ("Osama Binladen", "Usama Bin Ladin"),
        ("Usama Ladin", "Usama Bin Ladin"),
        ("Usama ibn Laden", "Usama bin Ladin"),
        ("Hamid bin Abdallah Ahmed Al-Ali", "HAMID ABDALLAH AHMAD AL-ALI"),  # QDi.236
        ("Salah-ud-Din Shah", "Salahuddin Shah"),
        ("Fazal-ur-Rehman Khalil", "Fazlur Rahman Khalil"),
    ],
    "words of Urdu and Arabic joined or apart": [
        ("عبد الرحمن مکی", "عبدالرحمٰن مکی"),
        ("عبد\u200cالرحمن مکی", "Abdul Rehman Makki"),
        ("نورمحمد خان", "Noor Muhammad Khan"),
        ("نور محمد خان", "Noormuhammad Khan"),
        ("محمد\u200cسعید", "Muhammad Saeed"),
        ("فضل الرحمن خلیل", "Fazlur Rehman Khalil"),
        ("فضل\u200cالرحمٰن خلیل", "Fazal ur Rehman Khalil"),
        ("نظام الدین شامزئی", "Nizamuddin Shamzai"),
        ("هیبة الله اخندزاده", "Haibatullah Akhundzada"),
        ("وسیم\u200cادریس صدیقی", "Waseem Idris Siddiqui"),
        ("احمدحمزہ چوہدری", "Ahmed Hamza Chaudhry"),
        ("ندیمعبدالرشید محسود", "Nadeem Abdul Rashid Mehsud"),
        ("کاظم\u200cمرتضیٰ عثمانی", "Kazim Murtaza Usmani"),
        ("ولی جان", "WALIJAN"),  # TAi.095
        ("جلال الدين حقانى", "JALALUDDIN HAQQANI"),  # TAi.040
        ("نصیر الدین حقانی", "NASIRUDDIN HAQQANI"),  # TAi.146
    ],
    "the original script": [
        ("نشوان عبد الرزاق عبد الباقي", "NASHWAN ABD AL-RAZZAQ ABD AL-BAQI"),  # QDi.012
        ("حامد عبد الله أحمد العلي", "HAMID ABDALLAH AHMAD AL-ALI"),  # QDi.236
        ("سمير عبد العزيز النجم", "SAMIR ABD AL-AZIZ AL-NAJIM"),  # IQi.042
        ("محمد عیسی آخوند", "MOHAMMAD ESSA AKHUND"),  # TAi.060
    ],
    "another romanisation of one letter": [
        ("Muthana Haris Al-Dhari", "MUTHANNA HARITH AL-DARI"),  # QDi.278
        ("Eyad Nazmi Saleh Khalil", "IYAD NAZMI SALIH KHALIL"),  # QDi.400
    ],
    "several names in one field": [
        ("Tariq Invented @ Kasem Zarghun", "Qasim Zargun"),
        ("Tariq Invented alias Kasem Zarghun", "Qasim Zargun"),
        ("طارق عرف قاسم زرغون", "Qasim Zargun"),
        ("Tariq Invented (Kasem Zarghun)", "Qasim Zargun"),
        ("Tariq Invented قاسم زرغون", "Qasim Zargun"),
        ("Ezatullah Haqqani (previously listed as)", "EZATULLAH HAQQANI KHAN SAYYID"),  # TAi.064
    ],
}

OTHERS = [
    ("M Khan", "Muhammad Khan"),  # an initial and one word are too little
    ("M. Saeed", "Hafiz Muhammad Saeed"),
    ("Z. Khan", "Muhammad Zafar Khan"),
    ("Haji Adam", "Adam Khan Achekzai"),  # an honorific and one word
    ("Maulana Rashid", "Abdul Rashid Ghazi"),
    ("Bin Ladin", "Usama Bin Ladin"),
    ("Abdul Ghani Makki", "Abdul Rehman Makki"),
    ("Ab. Ghani Makki", "Abdul Rehman Makki"),
    ("Mahmood Iqbal", "Muhammad Iqbal"),
    ("Md Aslam", "Muhammad Iqbal"),
    ("Syed Muhammad Ali", "Syed Muhammad Hassan"),
    ("قصي صدام حسين التكريتي", "Uday Saddam Hussein al-Tikriti"),  # brothers, each on the list
    ("نور محمد خان", "Noor Ahmad Khan"),
    ("احمدحمزہ چوہدری", "Ahmed Hassan Chaudhry"),
    ("ممتاز خان", "Mutaz Elsewhere"),
    ("فضل الرحمن خلیل", "Fazal Haq Khalil"),
    ("نظام الدین", "Nizami"),
    ("Tariq Invented (previously listed as)", "Tariq Elsewhere"),
    ("Kamran Elsewhere s/o Abdur Rehman Makki", "Abdul Rehman Makki"),
]


def found(written: str, known: str) -> bool:
    listed = ListedSubject("L-1", Subject.PERSON, (known,))
    return bool(Matcher([listed], 0.7).screen(ScreenedParty("1", Subject.PERSON, (written,))))


@pytest.mark.parametrize(("written", "known"), [pair for pairs in SAME.values() for pair in pairs])
def test_a_variant_of_a_listed_name_is_found(written, known) -> None:
    assert found(written, known)


@pytest.mark.parametrize(("written", "known"), OTHERS)
def test_another_name_is_not(written, known) -> None:
    assert not found(written, known)


def test_an_initial_counts_less_than_the_word_and_no_more_than_one_letter_says() -> None:
    whole = read_as("Hafiz Mohammed Saeed", "Hafiz Muhammad Saeed", person=True)
    initial = read_as("Hafiz M Saeed", "Hafiz Muhammad Saeed", person=True)
    assert whole is not None
    assert initial is not None
    assert initial.factor < whole.factor
    assert read_as("Hafiz A Saeed", "Hafiz Muhammad Saeed", person=True) is None


def test_an_organisations_words_are_not_filled_in() -> None:
    listed = ListedSubject("L-1", Subject.ORGANISATION, ("Al Rashid Trust",))
    asked = ScreenedParty("1", Subject.ORGANISATION, ("A R Traders",))
    assert Matcher([listed], 0.7).screen(asked) == []


def test_what_stands_in_brackets_is_a_name_only_where_it_is_one() -> None:
    assert split_names("Qasim Zargun (born in Kandahar)") == ("Qasim Zargun",)
    assert split_names("Qasim Zargun (Tariq)") == ("Qasim Zargun",)
    assert split_names("Qasim خان") == ("Qasim خان",)
    assert split_names("@") == ("@",)


def test_a_child_of_is_dropped_only_where_two_words_are_left() -> None:
    assert words("Usama bin Muhammad bin Ladin") == ("usama", "muhammad", "ladin")
    assert words("Ibn Khaldun") == ("ibn", "khaldun")


@pytest.mark.parametrize(
    ("one", "other"),
    [("mahmood", "muhammad"), ("صعب", "sabawi"), ("الیاس", "yasir"), ("عیسی", "aslam")],
)
def test_sounds_that_are_near_are_told_apart(one, other) -> None:
    assert not sounds_same(one, other)
