"""Readers of lists, held against the published formats; a broken list is refused whole.

Formats: UN consolidated list (scsanctions.un.org), NACTA's JSON, OFAC's SDN.XML and SDN.CSV with
their data specification, entities of followthemoney.  Everyone in the samples is invented.
"""

from __future__ import annotations

import json
from datetime import date

import pytest

from amanat.core.errors import AmanatError, Refusals
from amanat.supervision.screening.lists.entities import read_entities
from amanat.supervision.screening.lists.nacta import read_nacta
from amanat.supervision.screening.lists.ofac import read_ofac_csv, read_ofac_xml
from amanat.supervision.screening.lists.reading import (
    EntriesMissing,
    EntryWrong,
    NotTheFormat,
    partial_date,
)
from amanat.supervision.screening.lists.un import read_un
from amanat.supervision.screening.lists.wallets import read_wallets
from amanat.supervision.screening.model import DocumentKind, Subject, Topic

from .samples import ENTITIES, NACTA_ROWS, OFAC_CSV, OFAC_XML, UN, WALLETS, nacta


def test_the_un_list_is_read_with_all_that_screening_needs() -> None:
    read = read_un(UN.encode())
    assert read.dated_on == date(2026, 2, 20)
    person, trust = read.subjects
    assert (person.reference, person.kind) == ("TSi.001", Subject.PERSON)
    assert person.names == ("QASIM INVENTED ZARGUN", "قاسم زرغون", "Kasem Zarghun")
    assert person.weak_names == ("Grey Owl",)
    assert person.fathers == ("Daud Zargun",)
    assert person.born_on == ("1971-04-05", "1973", "1974", "1975")
    assert person.countries == ("PK",)
    assert [one.kind for one in person.documents] == [DocumentKind.PASSPORT, DocumentKind.CNIC]
    assert (trust.reference, trust.kind) == ("TSe.002", Subject.ORGANISATION)
    assert trust.names == ("INVENTED RELIEF TRUST OF NOWHERE", "IRTN")
    assert read.counts() == {"person": 1, "organisation": 1, "wallet": 0}


def test_nactas_names_are_split_and_their_numbers_kept() -> None:
    read = read_nacta(nacta())
    first = read.subjects[0]
    assert first.names == ("Tariq Zargun", "Tara", "Tariq Invented")
    assert first.fathers == ("Daud Zargun",)
    assert first.reference == "cnic-6110182736453"
    assert first.places == ("Lahore, Punjab",)
    assert len({one.reference for one in read.subjects}) == len(NACTA_ROWS)
    wrapped = json.dumps({"data": NACTA_ROWS, "count": 4}).encode()
    assert [one.names for one in read_nacta(wrapped).subjects] == [
        one.names for one in read.subjects
    ]


@pytest.mark.parametrize(
    ("read", "content"), [(read_ofac_xml, OFAC_XML), (read_ofac_csv, OFAC_CSV)]
)
def test_both_formats_of_ofac_say_the_same_of_a_person(read, content) -> None:
    person, company = read(content.encode()).subjects
    assert person.reference == "90001"
    assert person.names[0].casefold() == "invented person"
    assert person.born_on == ("1971-04-05",)
    assert person.countries == ("PK",)
    assert person.addresses == ("1InventedAddressForTests11111111",)
    assert [(one.kind, one.number) for one in person.documents] == [
        (DocumentKind.PASSPORT, "AB7654321")
    ]
    assert (company.kind, company.names) == (Subject.ORGANISATION, ("INVENTED TRADING COMPANY",))


def test_wallets_and_entities_are_read() -> None:
    mixer, other = read_wallets(WALLETS.encode()).subjects
    assert (mixer.kind, mixer.reference, mixer.names) == (
        Subject.WALLET,
        "W-1",
        ("Invented mixer",),
    )
    assert other.reference == "1InventedAddressForTests22222222"
    minister, sister, company = read_entities(ENTITIES.encode()).subjects
    assert minister.topics == (Topic.PEP,)
    assert sister.topics == (Topic.RELATIVE,)
    assert company.topics == (Topic.OWNER,)
    assert minister.born_on == ("1960",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("circa 1970", "1970"),
        ("31 Jan 1970", "1970-01-31"),
        ("1970-02-31", "1970"),
        ("1970-04-05T00:00:00", "1970-04-05"),
        ("unknown", None),
    ],
)
def test_dates_are_read_as_far_as_they_are_known(written, read) -> None:
    assert partial_date(written) == read


# -- refused whole --------------------------------------------------------------------------------

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">]>'
    "<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><FIRST_NAME>&d;</FIRST_NAME></INDIVIDUAL>"
    "</INDIVIDUALS></CONSOLIDATED_LIST>"
)
OUTSIDE = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    "<CONSOLIDATED_LIST><INDIVIDUALS><INDIVIDUAL><REFERENCE_NUMBER>T</REFERENCE_NUMBER>"
    "<FIRST_NAME>&f;</FIRST_NAME></INDIVIDUAL></INDIVIDUALS></CONSOLIDATED_LIST>"
)


@pytest.mark.parametrize("read", [read_un, read_ofac_xml])
@pytest.mark.parametrize("content", [BOMB, OUTSIDE])
def test_a_file_that_expands_or_reads_others_is_refused(read, content) -> None:
    with pytest.raises(NotTheFormat) as refused:
        read(content.encode())
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (read_un, UN[: len(UN) // 2].encode()),
        (read_un, OFAC_XML.encode()),
        (read_un, b""),
        (read_nacta, nacta()[:-20]),
        (read_nacta, b'{"no": "list"}'),
        (read_nacta, b"\xff\xfe"),
        (read_nacta, b"[" * 100_000),
        (read_ofac_csv, b'90001,"never closed'),
        (read_wallets, b"address,network\xff"),
        (read_wallets, b"place,number\n1,2\n"),
    ],
)
def test_what_is_not_the_format_is_refused(read, content) -> None:
    with pytest.raises(NotTheFormat):
        read(content)


def test_every_mistake_of_a_list_is_told_at_once() -> None:
    rows = [*NACTA_ROWS, {"name": "", "cnic": ""}, "no object", {"name": ["a list"]}]
    with pytest.raises(Refusals) as refused:
        read_nacta(json.dumps(rows).encode())
    assert [type(one) for one in refused.value.refusals] == [EntryWrong] * 3
    assert [one.fields["entry"] for one in refused.value.refusals] == [
        "entry 5",
        "entry 6",
        "entry 7",
    ]


def test_a_list_is_held_to_its_own_count() -> None:
    short = OFAC_XML.replace("<Record_Count>3<", "<Record_Count>4<")
    with pytest.raises(EntriesMissing):
        read_ofac_xml(short.encode())
    with pytest.raises(EntriesMissing):
        read_nacta(b"[]")


def test_two_entries_of_one_reference_are_a_mistake() -> None:
    twice = UN.replace("TSe.002", "TSi.001")
    with pytest.raises(AmanatError, match="two entries"):
        read_un(twice.encode())
