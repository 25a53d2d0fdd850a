"""Registers of sealed letters: from the reception's list to what was in the envelopes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from amanat.auctions.letters import (
    COLUMNS,
    Letter,
    LetterRowInvalid,
    LetterStray,
    OpeningUnreadable,
    Register,
    RegisterOfAnother,
    RegisterUnreadable,
    TenderShown,
    make_register,
    read_openings,
    read_register,
    read_tender,
    sheet_by_letters,
)
from amanat.auctions.model import NoAward, TenderTerms
from amanat.auctions.records import terms_record
from amanat.auctions.sheet_files import TenderFileUnreadable
from amanat.core.errors import AmanatError, Invalid, Refusal, Refusals
from amanat.core.files import ColumnsDiffer, FileNotJson, FileNotText, JsonUnfit, RowUnreadable

TENDER = bytes(range(32))
FIRST = {
    "number": "1",
    "account": "0x" + "aB" * 20,
    "commitment": "1a" * 32,
    "received_at": "2021-03-03T11:29:59+05:00",
    "letter": "cd" * 32,
    "non_competitive": "no",
}
SECOND = FIRST | {
    "number": "2",
    "commitment": "2b" * 32,
    "received_at": "2021-03-03T06:00:00Z",
    "non_competitive": "",
}


def shown(**changes: Any) -> bytes:
    """What the view of the tender answered: bids were due at half past eleven in Karachi."""
    terms = TenderTerms(tender=TENDER, isin="PK0000000015", target=1_000_000_000)
    rules = dict(terms_record(terms))
    fields = {
        "tender": "pib",
        "chain_id": TENDER.hex(),
        "target": int(rules.pop("target")),
        "rules": rules,
        "bids_due": "2021-03-03T06:30:00+00:00",
        "non_competitive_due": "2021-03-03T06:15:00+00:00",
        "settlement_date": "2021-03-04",
        "state": "open",
    }
    return json.dumps(fields | changes).encode()


@pytest.fixture
def tender() -> TenderShown:
    """The tender as its view showed it."""
    return read_tender("tender.json", shown())


def listed(*rows: dict[str, str]) -> str:
    """The reception's list as CSV."""
    lines = [",".join(COLUMNS), *(",".join(one[name] for name in COLUMNS) for one in rows)]
    return "\n".join(lines) + "\n"


def made(tender: TenderShown, *rows: dict[str, str]) -> Register:
    return make_register(tender, "received.csv", listed(*rows))


def refusals(call: Callable[[], object]) -> list[Refusal]:
    """Every refusal of a call, which must refuse."""
    with pytest.raises(AmanatError) as refused:
        call()
    error = refused.value
    if isinstance(error, Refusals):
        return list(error.refusals)
    assert isinstance(error, Refusal)
    return [error]


# -- the tender ------------------------------------------------------------------------------------


def test_a_tender_is_read_as_its_view_shows_it(tender: TenderShown) -> None:
    assert (tender.code, tender.terms.tender, tender.terms.target) == ("pib", TENDER, 10**9)
    assert tender.bids_due.isoformat() == "2021-03-03T06:30:00+00:00"
    assert read_tender("t", shown(non_competitive_due=None)).non_competitive_due is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"chain_id": "00" * 32}, ["parts are of different tenders"]),
        ({"rules": {}}, ["its terms cannot be read"]),
        ({"bids_due": "2021-03-03T06:30:00"}, ["bids_due: a time is written"]),
        ({"bids_due": None, "target": 1.5}, ["target: ", "bids_due: "]),
        ({"rules": None, "settlement_date": "soon"}, ["rules: ", "settlement_date: "]),
    ],
)
def test_another_file_than_a_tender_is_refused(changes: dict[str, Any], told: list[str]) -> None:
    found = refusals(lambda: read_tender("tender.json", shown(**changes)))
    assert [type(one) for one in found] == [TenderFileUnreadable] * len(told)
    for refusal, words in zip(found, told, strict=True):
        assert words in str(refusal)


# -- the register ----------------------------------------------------------------------------------


def test_letters_stand_in_the_order_of_their_receipt(tender: TenderShown) -> None:
    register = made(tender, FIRST, SECOND)
    assert [one.number for one in register.letters] == [2, 1]
    assert [one.received_at.isoformat() for one in register.letters] == [
        "2021-03-03T06:00:00+00:00",
        "2021-03-03T06:29:59+00:00",
    ]
    assert {one.account for one in register.letters} == {"0x" + "ab" * 20}
    assert not any(one.non_competitive for one in register.letters)
    assert read_register("letters.json", register.written()) == register


def test_a_bidder_has_one_letter_for_each_window(tender: TenderShown) -> None:
    other = FIRST | {
        "commitment": "3c" * 32,
        "non_competitive": "yes",
        "received_at": "2021-03-03T06:14:59Z",
    }
    assert [one.non_competitive for one in made(tender, FIRST, other).letters] == [True, False]
    again = FIRST | {"commitment": "3c" * 32}
    (refused,) = refusals(lambda: made(tender, FIRST, again))
    assert "bidder 1 has another such letter" in str(refused)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"received_at": "2021-03-03T06:30:00Z"}, "it came at 2021-03-03 06:30:00+00:00, and bids"),
        ({"received_at": "2021-03-03T06:15:00Z", "non_competitive": "yes"}, "it came at"),
        ({"received_at": "2021-03-03T06:00:00"}, "received_at: a time is written"),
        ({"received_at": "2021-03-03T06:00:00.5Z"}, "received_at: a time is in whole seconds"),
        ({"received_at": "1614751200"}, "received_at: a time is written"),
        ({"number": "0"}, "number: it must be at least 1"),
        ({"number": "1.0"}, "number: "),
        ({"number": "۱"}, "number: "),  # a digit, but not of ASCII
        ({"number": str(2**32)}, "number: it must be at most"),
        ({"account": "ab" * 20}, "account: an address is 0x and 40 hexadecimal digits"),
        ({"commitment": "1A" * 32}, "commitment: a digest is 64 hexadecimal digits"),
        ({"letter": "cd"}, "letter: a digest is 64 hexadecimal digits"),
        ({"non_competitive": "perhaps"}, "non_competitive: it is yes or no"),
        ({"commitment": "2b" * 32}, "its commitment stands twice"),
    ],
)
def test_a_row_that_is_wrong_or_late_is_refused(
    tender: TenderShown, changes: dict[str, str], told: str
) -> None:
    (refused,) = refusals(lambda: made(tender, SECOND, FIRST | changes))
    assert isinstance(refused, LetterRowInvalid)
    assert str(refused).startswith("received.csv:3: Letter 3: ")
    assert told in str(refused)


def test_all_that_is_wrong_in_a_list_is_told_at_once(tender: TenderShown) -> None:
    late = SECOND | {"number": "3", "received_at": "2021-03-03T07:00:00Z"}
    found = refusals(lambda: made(tender, FIRST | {"number": "one", "letter": ""}, SECOND, late))
    assert [(one.place and one.place.line, one.fields["row"]) for one in found] == [
        (2, 2),
        (2, 2),
        (4, 4),
        (4, 4),  # late, and with the commitment of another
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        listed(FIRST).split("\n", 1)[1],  # without its head
        listed(FIRST).replace("commitment", "committment"),
        listed(FIRST).replace("\n", ",extra\n"),
        listed(FIRST).replace(",non_competitive\n", "\n"),
    ],
)
def test_a_list_of_other_columns_is_no_list_of_no_letters(tender: TenderShown, text: str) -> None:
    (refused,) = refusals(lambda: make_register(tender, "received.csv", text))
    assert isinstance(refused, ColumnsDiffer)
    assert str(refused).startswith("received.csv: The columns are ")


def test_a_row_that_is_cut_short_is_refused(tender: TenderShown) -> None:
    text = listed(SECOND, FIRST)
    (refused,) = refusals(lambda: make_register(tender, "received.csv", text[:-60]))
    assert isinstance(refused, RowUnreadable)


def altered(tender: TenderShown, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The register of both letters, changed and written canonically."""
    found = json.loads(made(tender, FIRST, SECOND).written())
    change(found)
    return json.dumps(found, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: one.update(schema="amanat.letters/2"), ["schema: the schema is amanat.let"]),
        (lambda one: one.pop("chain_id"), ["chain_id: it must be given"]),
        (lambda one: one.update(more=1), ["more: there is no such field here"]),
        (lambda one: one.update(letters={}), ["letters: a list is needed"]),
        (lambda one: one["letters"].append(5), ["letters.2: "]),
        (lambda one: one["letters"][1].update(number="1"), ["not canonical"]),
        (lambda one: one["letters"][1].update(account="0x" + "AB" * 20), ["not canonical"]),
        (
            lambda one: one["letters"][0].update(commitment="x", received_at=5, non_competitive=2),
            ["letters.0.commitment", "letters.0.received_at", "letters.0.non_competitive"],
        ),
        (lambda one: one["letters"].reverse(), ["not in the order of their receipt"]),
        (
            lambda one: one["letters"].append(one["letters"][-1]),
            ["letter 3: its commitment stands twice", "letter 3: bidder 1 has another"],
        ),
    ],
)
def test_a_register_that_was_written_otherwise_is_refused(
    tender: TenderShown, change: Callable[[dict[str, Any]], object], told: list[str]
) -> None:
    content = altered(tender, change)
    found = refusals(lambda: read_register("letters.json", content))
    assert [type(one) for one in found] == [RegisterUnreadable] * len(told)
    for refusal, words in zip(found, told, strict=True):
        assert str(refusal).startswith("letters.json is no register of letters: ")
        assert words in str(refusal)


def test_other_bytes_of_the_same_register_are_refused(tender: TenderShown) -> None:
    content = made(tender, FIRST).written()
    read_register("letters.json", content)
    for other in (content + b"\n", json.dumps(json.loads(content)).encode()):
        (refused,) = refusals(lambda one=other: read_register("letters.json", one))
        assert "its bytes are not canonical" in str(refused)
    kinds: list[tuple[bytes, type[Invalid]]] = [
        (b"\xff", FileNotText),
        (content[:-1], FileNotJson),
        (b"[]", JsonUnfit),
    ]
    for broken, kind in kinds:
        (refused,) = refusals(lambda one=broken: read_register("letters.json", one))
        assert type(refused) is kind


def test_letters_are_opened_for_their_own_tender_alone(tender: TenderShown) -> None:
    register = made(tender, FIRST)
    for other in ({"tender": "other"}, {"chain_id": "00" * 32}):
        foreign = register.model_copy(update=other)
        with pytest.raises(RegisterOfAnother, match="not of pib"):
            sheet_by_letters(tender, {}, foreign, {}, NoAward(), currency="PKR")


# -- the openings ----------------------------------------------------------------------------------


def opening(**changes: Any) -> bytes:
    fields = {
        "schema": "amanat.bid-opening/1",
        "letter_commitment": FIRST["commitment"],
        "form": "{}",
        "salt": "07" * 32,
        "account": FIRST["account"],
    }
    return json.dumps(fields | changes).encode()


def test_openings_are_those_of_the_register(tender: TenderShown) -> None:
    letters = made(tender, FIRST, SECOND).letters
    found = read_openings(letters, {"a.json": opening()})
    assert found == {FIRST["commitment"]: (b"{}", b"\x07" * 32)}


def test_every_opening_that_is_none_is_told_at_once(tender: TenderShown) -> None:
    letters: tuple[Letter, ...] = made(tender, FIRST).letters
    contents = {
        "sound": opening(),
        "stray": opening(letter_commitment="3c" * 32),
        "schema": opening(schema="amanat.bid-opening/2"),
        "fields": opening(form=None, salt="xy"),
        "list": b"[]",
        "cut": opening()[:-1],
        "text": b"\xff",
    }
    found = refusals(lambda: read_openings(letters, contents))
    assert [(one.fields["file"], type(one)) for one in found] == [
        ("stray", LetterStray),
        ("schema", OpeningUnreadable),
        ("fields", OpeningUnreadable),
        ("fields", OpeningUnreadable),
        ("list", JsonUnfit),
        ("cut", FileNotJson),
        ("text", FileNotText),
    ]
