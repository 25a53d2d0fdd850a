"""Answers to forms: what is asked, what is missing, and what is wrong, each at its place."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amanat.core.errors import AmanatError, Refusal, Refusals
from amanat.core.identifiers import Lei, lei_check_digits
from amanat.core.money import Money
from amanat.licensing.forms.answer_kinds import Person, value_of
from amanat.licensing.forms.answers import (
    asked,
    check,
    effective_shares,
    missing,
    next_item,
    require_complete,
    sections_asked,
)
from amanat.licensing.forms.form import Form, QuestionKind, Section, form_from, load_form

from ..documents import files_given as files

TODAY = date(2025, 12, 2)
FORMS = tuple(load_form("pk", f"A{number}") for number in range(1, 9))
A1, A2 = FORMS[0], FORMS[1]
OF_A_PERSON = {
    "name": "A director",
    "born": "1975-04-30",
    "nationality": "PK",
    "document": "cnic",
    "number": "42101-1234567-1",
}
PAPER = files.pdf()
DOCUMENT = {"digest": hashlib.sha256(PAPER).hexdigest(), "name": "paper.pdf"}


def places(refusals: tuple[Refusal, ...]) -> list[str]:
    """Where each stands."""
    return [str(one.place.field) for one in refusals if one.place is not None]


def answered(form: Form) -> dict[str, Any]:
    """A form with an answer to every question, the first choice of each."""
    answers: dict[str, Any] = {}
    for section in form.sections:
        row = {one.code: _any_answer(one) for one in section.questions}
        if section.repeats is None:
            answers[section.code] = row
        else:
            count = max(1, section.repeats.least)
            answers[section.code] = [row | {"item": str(n + 1)} for n in range(count)]
    return answers


def _any_answer(question: Any) -> Any:
    simple = {
        QuestionKind.EMAIL: "team@example.org",
        QuestionKind.DATE: TODAY.isoformat(),
        QuestionKind.PERCENT: "40",
        QuestionKind.COUNTRY: "PK",
        QuestionKind.LEI: "549300ABCDEFGHIJKL" + lei_check_digits("549300ABCDEFGHIJKL"),
        QuestionKind.PERSON: OF_A_PERSON,
        QuestionKind.HELD: "applicant",
        QuestionKind.DECLARATION: "yes",
        QuestionKind.DOCUMENT: DOCUMENT,
    }
    if question.kind in simple:
        return simple[question.kind]
    if question.kind is QuestionKind.NUMBER:
        return str(question.least or 12)
    if question.kind is QuestionKind.AMOUNT:
        return {"amount": "1000000.00", "currency": question.currencies[0]}
    if question.kind is QuestionKind.CHOICE:
        return question.options[0].code
    if question.kind is QuestionKind.SEVERAL:
        return [question.options[0].code]
    return "x" * max(3, int(question.least or 1))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_a_form_answered_in_full_is_complete(form: Form) -> None:
    answers = answered(form)
    assert missing(form, answers) == ()
    assert check(form, answers, TODAY) == ()
    require_complete(form, answers, TODAY)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_an_empty_form_misses_exactly_its_required_questions(form: Form) -> None:
    told = places(missing(form, {}))
    wanted = [one.path for one in asked(form, {}) if one.question.required]
    repeated = [
        one.code
        for one in form.sections
        if one.repeats is not None and one.repeats.least and not one.when
    ]
    assert sorted(told) == sorted(wanted + repeated)
    with pytest.raises(AmanatError):
        require_complete(form, {}, TODAY)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
def test_taking_any_required_answer_away_makes_it_miss_that_one(form: Form) -> None:
    answers = answered(form)
    for one in list(asked(form, answers)):
        if not one.question.required:
            continue
        row = answers[one.section.code]
        row = row if one.item is None else row[int(one.item) - 1]
        kept = row.pop(one.question.code)
        assert one.path in places(missing(form, answers))
        row[one.question.code] = kept


def test_what_is_asked_follows_from_the_answers() -> None:
    without = {"applicant": {"has_lei": "no"}}
    paths = [one.path for one in asked(A1, without)]
    assert "applicant.lei" not in paths
    assert "applicant.lei" in [one.path for one in asked(A1, {"applicant": {"has_lei": "yes"}})]
    assert "licences" not in [s.code for s in sections_asked(A1, {})]
    supervised = {"home": {"supervised": "yes"}}
    assert "licences" in [s.code for s in sections_asked(A1, supervised)]
    assert "licences" in places(missing(A1, supervised))


def test_what_is_no_longer_asked_decides_nothing() -> None:
    text = """
code = "X2"
title = "T"
purpose = "P"
filed_with = "authority"
law = "L"
assumed = true
[[section]]
code = "s"
title = "S"
[[section.question]]
code = "a"
kind = "choice"
label = "A?"
options = [{ code = "yes", label = "Yes" }, { code = "no", label = "No" }]
[[section.question]]
code = "b"
kind = "choice"
label = "B?"
options = [{ code = "yes", label = "Yes" }, { code = "no", label = "No" }]
when = { question = "a", is = ["yes"] }
[[section.question]]
code = "c"
kind = "text"
label = "C?"
when = { question = "b", is = ["yes"] }
"""
    form = form_from(text, "x2.toml")
    left_over = {"s": {"a": "no", "b": "yes", "c": "\n"}}
    assert [one.path for one in asked(form, left_over)] == ["s.a"]
    assert missing(form, left_over) == ()
    assert check(form, left_over, TODAY) == ()
    assert [one.path for one in asked(form, {"s": {"a": "yes", "b": "yes"}})] == [
        "s.a",
        "s.b",
        "s.c",
    ]


def wrong(section: str, **given: Any) -> list[str]:
    """Where `check` finds fault with these answers of a section of A1."""
    return places(check(A1, {section: given}, TODAY))


def test_each_kind_of_answer_has_its_way_of_being_written() -> None:
    assert wrong("applicant", incorporated_on="2019-02-28") == []
    for day in ("2019-02-30", "28.2.2019", "2030-01-01", 20190228):
        assert wrong("applicant", incorporated_on=day) == ["applicant.incorporated_on"]
    assert wrong("applicant", country="PK") == []
    assert wrong("applicant", country="XX") == ["applicant.country"]
    assert wrong("applicant", has_lei="perhaps") == ["applicant.has_lei"]
    assert wrong("applicant", legal_name="ab") == ["applicant.legal_name"]
    assert wrong("applicant", legal_name="A firm\nof two lines") == ["applicant.legal_name"]
    assert wrong("contact", email="a@b") == ["contact.email"]
    assert wrong("contact", email="a@b.example") == []
    assert wrong("services", wanted=["exchange", "custody"]) == []
    assert wrong("services", wanted=["exchange", "exchange"]) == ["services.wanted"]
    assert wrong("services", wanted=["mining"]) == ["services.wanted"]
    assert wrong("declaration", true="no") == ["declaration.true"]
    assert wrong("applicant", certificate={"digest": "1", "name": "a"}) == ["applicant.certificate"]


def test_an_lei_needs_its_check_digits() -> None:
    given = {"has_lei": "yes", "lei": "549300ABCDEFGHIJKL" + lei_check_digits("549300ABCDEFGHIJKL")}
    assert wrong("applicant", **given) == []
    assert wrong("applicant", **given | {"lei": "549300ABCDEFGHIJKL00"}) == ["applicant.lei"]


def test_every_part_of_a_person_is_told_at_once() -> None:
    bad = {"name": "", "born": "2099-01-01", "nationality": "??", "document": "cnic", "number": "1"}
    path = "declaration.signatory"
    assert wrong("declaration", signatory=bad) == [
        f"{path}.{part}" for part in ("name", "born", "nationality", "number")
    ]
    passport = OF_A_PERSON | {"document": "passport", "number": "AB1234567"}
    assert wrong("declaration", signatory=passport) == []
    assert wrong("declaration", signatory=passport | {"number": "ab-1"}) == [f"{path}.number"]
    assert wrong("declaration", signatory=OF_A_PERSON | {"number": "4210112345671"}) == []
    assert wrong("declaration", signatory="A director") == [path]


def test_values_are_exact() -> None:
    means = FORMS[2].section("means")
    assert means is not None
    paid_up = means.question("paid_up")
    assert paid_up is not None
    value = value_of(paid_up, {"amount": "1250000.55", "currency": "PKR"}, TODAY)
    assert value == Money(125_000_055, "PKR")
    for amount in ("1e9", "1.005", "-1", "NaN", "", 5, None, "9" * 50):
        with pytest.raises(AmanatError):
            value_of(paid_up, {"amount": amount, "currency": "PKR"}, TODAY)
    with pytest.raises(AmanatError):
        value_of(paid_up, {"amount": "1", "currency": "XXX"}, TODAY)
    signatory = A1.section("declaration").question("signatory")  # type: ignore[union-attr]
    assert signatory is not None
    person = value_of(signatory, OF_A_PERSON, TODAY)
    assert isinstance(person, Person)
    assert person.born == date(1975, 4, 30)
    lei = A1.section("applicant").question("lei")  # type: ignore[union-attr]
    assert lei is not None
    stem = "549300ABCDEFGHIJKL"
    assert isinstance(value_of(lei, stem + lei_check_digits(stem), TODAY), Lei)


# -- who holds whom -------------------------------------------------------------------------------


def owners(*rows: tuple[str, str, str]) -> dict[str, Any]:
    """Controllers of A2: item, what each holds, how much of it."""
    return {
        "controllers": [
            {"item": item, "kind": "company", "company": f"C{item}", "held": held, "share": share}
            for item, held, share in rows
        ]
    }


def controllers() -> Section:
    """The section of A2 that has a chain."""
    found = A2.section("controllers")
    assert found is not None
    return found


def test_shares_of_one_company_come_to_at_most_the_whole() -> None:
    assert check(A2, owners(("1", "applicant", "60"), ("2", "applicant", "40")), TODAY) == ()
    told = check(A2, owners(("1", "applicant", "60"), ("2", "applicant", "40.000001")), TODAY)
    assert [one.code for one in told] == ["shares_above_whole"]
    assert told[0].fields["total"] == Decimal("100.000001")
    # Each company has its own whole.
    assert check(A2, owners(("1", "applicant", "100"), ("2", "1", "100")), TODAY) == ()


def test_a_share_is_held_in_what_is_listed() -> None:
    for held in ("9", "1", "the applicant"):
        told = check(A2, owners(("1", held, "10")), TODAY)
        assert "held_not_listed" in [one.code for one in told]


def test_nobody_holds_itself_by_way_of_others() -> None:
    told = check(A2, owners(("1", "2", "50"), ("2", "3", "50"), ("3", "1", "50")), TODAY)
    assert [one.code for one in told] == ["chain_in_circle"]
    assert told[0].fields["chain"] == "C1 → C2 → C3 → C1"


def test_a_chain_multiplies_its_shares() -> None:
    answers = owners(("1", "applicant", "50"), ("2", "1", "50"), ("3", "2", "10"))
    shares = effective_shares(controllers(), answers)
    assert shares == {"1": Decimal(50), "2": Decimal(25), "3": Decimal("2.5")}


def test_a_further_item_takes_no_name_again() -> None:
    answers = owners(("1", "applicant", "1"), ("4", "applicant", "1"))
    assert next_item(controllers(), answers) == "5"
    assert next_item(controllers(), {}) == "1"


def test_an_item_named_twice_or_not_at_all_is_told() -> None:
    for items in (("1", "1"), ("", "1"), ("0", "1")):
        answers = owners(*((item, "applicant", "1") for item in items))
        assert "controllers" in places(check(A2, answers, TODAY))


def test_more_items_than_are_taken_are_told() -> None:
    rows = [(str(n), "applicant", "1") for n in range(1, 62)]
    told = [one.code for one in check(A2, owners(*rows), TODAY)]
    assert "too_many_given" in told


# -- whatever comes -------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8) | st.just("item"), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Form, dict[str, Any]]:
    """A form, with right answers of which some are missing and some are anything at all."""
    form = draw(st.sampled_from(FORMS))
    answers = answered(form)
    for section in form.sections:
        fate = draw(st.integers(0, 9))
        if fate == 0:
            del answers[section.code]
        elif fate == 1:
            answers[section.code] = draw(JSON)
        elif fate < 6:
            row = answers[section.code]
            row = row[0] if isinstance(row, list) else row
            chosen = draw(st.sampled_from(section.questions))
            row[chosen.code] = draw(JSON)
    return form, answers


@given(drafts())
@settings(max_examples=150, deadline=None)
def test_any_json_is_answered_with_refusals_that_have_a_place(
    drafted: tuple[Form, dict[str, Any]],
) -> None:
    form, answers = drafted
    told = (*missing(form, answers), *check(form, answers, TODAY))
    assert all(one.place is not None and one.place.field for one in told)
    try:
        require_complete(form, answers, TODAY)
    except (Refusal, Refusals):
        assert told
    else:
        assert told == ()
        # What is complete can be read as values.
        for one in asked(form, answers):
            if one.answer is not None:
                value_of(one.question, one.answer, TODAY)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 100)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_chains_without_a_fault_share_out_at_most_the_whole(rows: list[tuple[int, int]]) -> None:
    """The law of the chain: what natural persons at its ends hold never exceeds the applicant."""
    given_rows = [
        (str(n), "applicant" if into > len(rows) else str(into), str(share))
        for n, (into, share) in enumerate(rows, 1)
    ]
    answers = owners(*given_rows)
    if check(A2, answers, TODAY):
        return
    shares = effective_shares(controllers(), answers)
    held = {into for _item, into, _share in given_rows}
    ends = [shares[item] for item in shares if item not in held]
    assert sum(ends, Decimal(0)) <= 100
