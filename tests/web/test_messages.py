"""Refusals and messages in the reader's language: every class, every argument, both directions."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime
from string import Formatter
from typing import Any

import pytest
from pydantic import BaseModel
from tests.web import catalogue
from tests.web.test_catalogue import ARABIC

from amanat.access.desk import parse
from amanat.access.fields import Day, Whole
from amanat.core.errors import Forbidden, Invalid, NotFound, Place, Refusals
from amanat.core.messages import Face, Message, Word
from amanat.core.money import Money
from amanat.ledger.refusals import BY_NAME, ERRORS, ContractRefusal
from amanat.programme.model import CeilingExceeded, NotBusinessDay, SecurityMatured
from amanat.settlement.model import InvalidInstruction, NotInThisState
from amanat.web.messages import Reader, language_asked, problem_body, refusal_text
from amanat.web.pages import _environment
from amanat.web.problems import problem

URDU, ENGLISH = Reader("ur", "Asia/Karachi"), Reader("en", "Asia/Karachi")
ISIN = "PK03P2009015"
FACES = frozenset(
    (
        *("access", "assets", "auctions", "core", "instruments", "participants", "programme"),
        *("register", "servicing", "settlement", "web"),
    )
)


def fields_of(template: str) -> set[str]:
    """The names of a template's arguments."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


def test_every_class_of_refusal_is_translated_with_its_own_arguments() -> None:
    known = catalogue.read()
    found = catalogue.refusals()
    assert len(found) > 200
    for template in {*found.values(), *(error.template for error in ERRORS)}:
        urdu = str(getattr(known.get(template), "string", ""))
        assert ARABIC.search(urdu), template
        assert fields_of(urdu) == fields_of(template), template


def test_every_refusal_of_a_contract_reads_in_urdu_from_its_arguments() -> None:
    for error in ERRORS:
        arguments: dict[str, Any] = {
            name: "0x" + "00" * 32 if kind == "bytes32" else "0xAb" if kind == "address" else 7
            for name, kind in error.arguments
        }
        shown = refusal_text(URDU, ContractRefusal(error.name, arguments, "in English"))
        assert ARABIC.search(shown), error.name
        assert "{" not in shown, error.name


def test_a_contract_s_days_times_and_levels_are_worded() -> None:
    arguments = {"account": "0xAb", "participant": 7, "level": 4}
    shown = refusal_text(ENGLISH, ContractRefusal("LevelForbids", arguments, ""))
    assert shown == "Participant 7 (account 0xAb) is at level frozen."
    told = BY_NAME["SecurityMatured"]
    days = {"maturity_day": 18690, "day": 18691}
    assert refusal_text(ENGLISH, ContractRefusal(told.name, days, "")) == (
        "The security matured on day 4 March 2021; it is day 5 March 2021."
    )
    times = {"tender": 3, "bids_due": 1614838500}
    shown = refusal_text(ENGLISH, ContractRefusal("BiddingOver", times, ""))
    assert shown == "Bids for tender 3 were due at 2021-03-04 11:15 Asia/Karachi."


def test_an_undeclared_revert_says_what_came() -> None:
    refusal = ContractRefusal("Undeclared", {"data": "00"}, "The contract reverted with 0x00.")
    assert refusal_text(ENGLISH, refusal) == "The contract reverted with 0x00."


def test_dates_figures_and_identifiers_are_worded_for_the_reader() -> None:
    refusal = SecurityMatured(
        isin=ISIN, maturity_date=date(2023, 8, 20), business_date=date(2023, 8, 21)
    )
    assert refusal_text(ENGLISH, refusal) == (
        f"{ISIN} matures on 20 August 2023; it is 21 August 2023."
    )
    urdu = refusal_text(URDU, refusal)
    assert f"\u2066{ISIN}\u2069" in urdu
    assert "20 اگست 2023" in urdu
    ceiling = CeilingExceeded(
        isin=ISIN, value="12.00", headroom="1.00", ceiling="100.00", authorised="99.00"
    )
    assert "\u206612.00\u2069 امریکی ڈالر" in refusal_text(URDU, ceiling)


def test_terms_of_the_model_are_translated_and_never_shown_with_underscores() -> None:
    refusal = NotInThisState(instruction="i-1", state="awaiting_settlement", wanted="cancelled")
    assert "awaiting settlement" in refusal_text(ENGLISH, refusal)
    urdu = refusal_text(URDU, refusal)
    assert "cancelled" not in urdu
    assert "\u2066i-1\u2069" in urdu


def test_a_reason_is_translated_with_its_own_arguments() -> None:
    reason = Message("its last day {day} has passed", day=date(2021, 3, 4))
    refusal = InvalidInstruction(reason=reason)
    assert str(refusal) == "its last day 2021-03-04 has passed."
    assert refusal_text(URDU, refusal) == "اس کا آخری دن 4 مارچ 2021 گزر چکا ہے۔"
    assert "ہفتہ وار تعطیل" not in refusal_text(
        URDU, NotBusinessDay(day=date(2021, 3, 6), calendar="PK", reason="Some festival")
    )


def test_a_thing_is_named_in_the_reader_s_language() -> None:
    assert refusal_text(URDU, NotFound(thing="tender", value="T-9")) == (
        "ٹینڈر \u2066T-9\u2069 موجود نہیں۔"
    )
    nested = NotFound(thing=Message("holding of {isin}", isin=ISIN), value="0xAb")
    assert refusal_text(URDU, nested).startswith(f"\u2066{ISIN}\u2069 کی ملکیت")


def test_messages_word_each_argument_by_its_type() -> None:
    message = Message(
        "{actor} may not {act}: {reason}",
        actor=Face(1_000_000),
        act=Money(1_234_500),
        reason=datetime(2021, 3, 4, 6, 15, tzinfo=UTC),
    )
    shown = refusal_text(URDU, Forbidden(**message.fields))
    assert "\u2066PKR 1,000,000\u2069 اسمی مالیت" in shown
    assert "\u2066PKR 12,345.00\u2069" in shown
    assert "2021-03-04 11:15" in shown
    assert str(Message("{level} of {count}", level=Word("wind_down"), count=1400)) == (
        "wind down of 1,400"
    )


class Asked(BaseModel):
    """A form with what people get wrong."""

    count: Whole
    on: Day
    kind: str


def test_what_a_form_finds_wrong_reads_in_the_reader_s_language() -> None:
    with pytest.raises(Refusals) as refused:
        parse(Asked, {"count": "۵", "on": "4.3.2021", "more": 1})
    shown = [refusal_text(URDU, one) for one in refused.value.refusals]
    assert len(shown) == 3
    assert "ASCII" in shown[0]
    assert "YYYY-MM-DD" in shown[1]
    assert shown[2].endswith("یہ دینا لازم ہے (دیا گیا: کچھ نہیں)")
    assert all(ARABIC.search(one) for one in shown)
    assert [str(one) for one in refused.value.refusals][2] == (
        "kind: it must be given (given: nothing)"
    )


def test_a_problem_keeps_what_programs_read_and_translates_its_detail() -> None:
    one = NotFound(thing="tender", value="T-9", place=Place(field="tender"))
    english, urdu = problem_body(ENGLISH, one), problem_body(URDU, one)
    assert {k: v for k, v in english.items() if k != "detail"} == {
        k: v for k, v in urdu.items() if k != "detail"
    }
    assert english["detail"] == str(one)
    assert "موجود نہیں" in urdu["detail"]
    several = problem_body(URDU, Refusals([one, NotFound(thing="page", value="x")]))
    assert several["title"] == "refusals"
    assert several["detail"].splitlines() == [each["detail"] for each in several["errors"]]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("ur", "ur"),
        ("ur-PK,ur;q=0.9,en;q=0.8", "ur"),
        ("en-GB,en;q=0.9,ur;q=0.8", "en"),
        ("en;q=0.2, ur;q=0.7", "ur"),
        ("ur;q=0", "en"),
        ("fr, de;q=0.9", "en"),
        ("ur;q=abc", "en"),
        (",;=q" * 100, "en"),
    ],
)
def test_the_language_asked_for_is_the_best_of_ours(header: str | None, language: str) -> None:
    assert language_asked(header) == language


def test_a_problem_says_its_language_and_that_it_varies() -> None:
    answer = problem(NotFound(thing="tender", value="T-9"), "ur")
    assert answer.headers["content-language"] == "ur"
    assert answer.headers["vary"] == "Accept-Language"
    assert "موجود نہیں" in bytes(answer.body).decode()


def test_no_refusal_of_a_face_is_made_of_english_sentences_pasted_together() -> None:
    """What stands in a refusal is a key with arguments: an f-string could not be translated."""
    pasted = []
    for path in catalogue.SOURCES.rglob("*.py"):
        if path.relative_to(catalogue.SOURCES).parts[0] not in FACES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", "")
            for one in node.keywords:
                plain = one.arg in catalogue.PLAIN_WORDS and isinstance(one.value, ast.JoinedStr)
                if plain and name[:1].isupper():
                    pasted.append(f"{path.name}:{node.lineno} {name}({one.arg}=f…)")
    assert pasted == []


def test_a_refusal_without_a_translation_is_still_told_in_english() -> None:
    class Untold(Invalid):
        template = "{thing} is not in the catalogue"

    assert refusal_text(URDU, Untold(thing="T")) == "\u2066T\u2069 is not in the catalogue"


def test_why_an_instruction_failed_is_shown_in_the_readers_language() -> None:
    account = Message("account {label} of {participant}", label="own", participant="bank_b")
    reason = Message.stated(
        "Account own of bank_b holds 5 PKR and needs 7 PKR.",
        BY_NAME["ERC20InsufficientBalance"].template,
        {"sender": account, "balance": "5 PKR", "needed": "7 PKR"},
    )
    shown = '{% import "parts.html" as parts with context %}{{ parts.value("reason", it) }}'
    urdu, english = (
        _environment(language).from_string(shown).render(it=reason, programme="p", zone="UTC")
        for language in ("ur", "en")
    )
    assert english == "Account own of bank_b holds 5 PKR and needs 7 PKR."
    assert ARABIC.search(urdu)
    assert all(part in urdu for part in ("bank_b", "own", "5 PKR", "7 PKR"))
    assert "holds" not in urdu
    assert "account" not in urdu.lower()
