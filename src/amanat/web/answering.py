"""Between a page's fields and an answer: what was typed, what it means, how it is shown.

Digits may be typed in Urdu; figures with separators; a CNIC with or without its dashes.  The answer
has one way of being written (`amanat.licensing.forms.answers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from starlette.datastructures import FormData

from amanat.jurisdictions.countries import COUNTRIES
from amanat.licensing.forms.answer_kinds import cnic_written
from amanat.licensing.forms.answers import (
    ITEM,
    Answers,
    Asked,
    asked,
    blank,
    items_of,
    name_of_item,
)
from amanat.licensing.forms.form import APPLICANT, Form, Question, QuestionKind, Section
from amanat.web import texts

FIELD = "answer"
NO_ITEM = "-"
"""What stands in an address for the item of a section that does not repeat."""

Typed = Mapping[str, list[str]]
"""What stands in the fields of a question's page, by the name of the field."""


def typed_in(form: FormData) -> dict[str, list[str]]:
    """The fields of a question as they were sent."""
    return {
        name: [str(one) for one in form.getlist(name)]
        for name in form
        if name == FIELD or name.startswith(f"{FIELD}-")
    }


def typed_of(question: Question, answer: Any) -> dict[str, list[str]]:
    """What fills the fields of a question that was answered before."""
    if blank(answer):
        return {}
    kind = question.kind
    if kind is QuestionKind.SEVERAL:
        return {FIELD: [str(one) for one in (answer if isinstance(answer, list) else [answer])]}
    if kind is QuestionKind.DATE:
        return _day_typed(FIELD, answer)
    if not isinstance(answer, Mapping):
        return {FIELD: [str(answer)]}
    found = {f"{FIELD}-{part}": [str(one)] for part, one in answer.items() if one is not None}
    if kind is QuestionKind.PERSON:
        found.pop(f"{FIELD}-born", None)
        found |= _day_typed(f"{FIELD}-born", answer.get("born"))
    return found


def _day_typed(name: str, day: Any) -> dict[str, list[str]]:
    year, month, number = (*str(day or "").split("-"), "", "", "")[:3]
    return {f"{name}-year": [year], f"{name}-month": [month], f"{name}-day": [number]}


def answer_of(question: Question, typed: Typed) -> Any:
    """The answer that was typed, right or wrong; None where nothing was."""
    kind = question.kind
    if kind is QuestionKind.SEVERAL:
        return [one for one in typed.get(FIELD, []) if one] or None
    if kind is QuestionKind.DATE:
        return _day(typed, FIELD)
    if kind is QuestionKind.AMOUNT:
        amount = texts.figure_typed(_one(typed, f"{FIELD}-amount"))
        currency = _one(typed, f"{FIELD}-currency")
        return {"amount": amount, "currency": currency} if amount else None
    if kind is QuestionKind.PERSON:
        return _person(typed)
    text = _one(typed, FIELD)
    if kind in (QuestionKind.NUMBER, QuestionKind.PERCENT):
        text = texts.figure_typed(text.removesuffix("%"))
    elif kind is QuestionKind.LEI:
        text = re.sub(r"[\s-]", "", text).upper()
    return text or None


def _one(typed: Typed, name: str) -> str:
    # Browsers send a line's end as two characters.
    return (typed.get(name) or [""])[0].replace("\r\n", "\n").strip()


def _day(typed: Typed, name: str) -> str | None:
    year, month, day = (
        texts.figure_typed(_one(typed, f"{name}-{part}")) for part in ("year", "month", "day")
    )
    if not year and not month and not day:
        return None
    return f"{year}-{month.rjust(2, '0')}-{day.rjust(2, '0')}"


def _person(typed: Typed) -> dict[str, str] | None:
    document = _one(typed, f"{FIELD}-document")
    number = texts.digits_typed(_one(typed, f"{FIELD}-number")).upper()
    number = re.sub(r"\s", "", number)
    given = {
        "name": _one(typed, f"{FIELD}-name"),
        "born": _day(typed, f"{FIELD}-born") or "",
        "nationality": _one(typed, f"{FIELD}-nationality"),
        "document": document,
        "number": cnic_written(number) if document == "cnic" else number,
    }
    return given if any(given.values()) else None


# -- how an answer is shown -----------------------------------------------------------------------


def shown(one: Asked, answers: Answers, language: str) -> list[str]:
    """An answer in lines that people read; none where there is none."""
    answer, question = one.answer, one.question
    if blank(answer):
        return []

    def say(text: str) -> str:
        return texts.translated(language, text)

    kind = question.kind
    if kind in (QuestionKind.CHOICE, QuestionKind.SEVERAL):
        codes = answer if isinstance(answer, list) else [answer]
        labels = {one.code: one.label for one in question.options}
        return [say(labels.get(str(code), str(code))) for code in codes]
    if kind is QuestionKind.DATE:
        return [_day_said(answer, language)]
    if kind is QuestionKind.COUNTRY:
        return [say(COUNTRIES.get(str(answer), str(answer)))]
    if kind is QuestionKind.DECLARATION:
        return [say("Affirmed")]
    if kind is QuestionKind.HELD:
        return [_held_said(one.section, answers, str(answer), say)]
    if kind is QuestionKind.DOCUMENT:
        return [str(answer.get("name", "")) if isinstance(answer, Mapping) else str(answer)]
    if kind is QuestionKind.AMOUNT and isinstance(answer, Mapping):
        figure = f"{answer.get('currency')} {_grouped(answer.get('amount'))}"
        return [texts.left_to_right(language, figure)]
    if kind in (QuestionKind.NUMBER, QuestionKind.PERCENT):
        figure = _grouped(answer) + (" %" if kind is QuestionKind.PERCENT else "")
        return [texts.left_to_right(language, figure)]
    if kind is QuestionKind.PERSON and isinstance(answer, Mapping):
        return _person_said(answer, language)
    return str(answer).split("\n")


def _person_said(answer: Mapping[str, Any], language: str) -> list[str]:
    country = COUNTRIES.get(str(answer.get("nationality")), "")
    document = {"cnic": "CNIC", "passport": "Passport"}.get(str(answer.get("document")), "")
    number = texts.left_to_right(language, str(answer.get("number", "")))
    return [
        str(answer.get("name", "")),
        _day_said(answer.get("born"), language),
        texts.translated(language, country),
        f"{texts.translated(language, document)} {number}",
    ]


def _day_said(answer: Any, language: str) -> str:
    try:
        return texts.day(date.fromisoformat(str(answer)), language)
    except ValueError:
        return str(answer)


def _grouped(figure: Any) -> str:
    try:
        return texts.grouped(Decimal(str(figure)))
    except InvalidOperation:
        return str(figure)


def _held_said(section: Section, answers: Answers, held: str, say: Any) -> str:
    if held == APPLICANT:
        return str(say("the applicant"))
    rows = dict(items_of(section, answers))
    return name_of_item(section, held, rows.get(held, {}))


def held_options(section: Section, answers: Answers, item: str | None) -> list[tuple[str, str]]:
    """In what a share may be held: the other items of the section that have a name, by number."""
    return [
        (str(other), name_of_item(section, str(other), row))
        for other, row in items_of(section, answers)
        if other != item and name_of_item(section, str(other), row) != other
    ]


# -- where one is ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spot:
    """One question's page, as its address names it."""

    form: str
    section: str
    item: str | None
    question: str

    @property
    def address(self) -> str:
        """The part of the address below the file."""
        return f"{self.form}/{self.section}/{self.item or NO_ITEM}/{self.question}"


def spot_of(form: Form, one: Asked) -> Spot:
    """Where a question that is asked has its page."""
    return Spot(form.code, one.section.code, one.item, one.question.code)


def asked_in(form: Form, answers: Answers, section: str, item: str | None) -> list[Asked]:
    """The questions of one section, and of one of its items, that are asked."""
    return [one for one in asked(form, answers) if one.section.code == section and one.item == item]


def with_item(section: Section, answers: Answers, item: str | None) -> Answers:
    """The answers with an empty item of that name, where it is not there yet."""
    if item is None or item in [name for name, _ in items_of(section, answers)]:
        return answers
    rows = [*(row for _, row in items_of(section, answers)), {ITEM: item}]
    return {**answers, section.code: rows}


def with_answer(
    section: Section, answers: Answers, item: str | None, question: str, answer: Any
) -> Any:
    """The content of a section with one answer changed; None takes it away."""

    def changed(row: Mapping[str, Any]) -> dict[str, Any]:
        left = {name: one for name, one in row.items() if name != question}
        return left if answer is None else left | {question: answer}

    rows = items_of(section, with_item(section, answers, item))
    if item is None:
        return changed(rows[0][1])
    return [changed(row) if name == item else dict(row) for name, row in rows]


def without_item(section: Section, answers: Answers, item: str) -> list[dict[str, Any]]:
    """The content of a section that repeats, without one of its items."""
    return [dict(row) for name, row in items_of(section, answers) if name != item]


def following(form: Form, answers: Answers, spot: Spot, *, only_open: bool = False) -> Spot | None:
    """The question after this one in its section and item; with `only_open` the next unanswered."""
    found = [spot_of(form, one) for one in asked_in(form, answers, spot.section, spot.item)]
    places = {one: place for place, one in enumerate(found)}
    later = found[places.get(spot, -1) + 1 :]
    if not only_open:
        return later[0] if later else None
    unanswered = {
        spot_of(form, one)
        for one in asked_in(form, answers, spot.section, spot.item)
        if one.answer is None and one.question.required
    }
    return next((one for one in found if one in unanswered), None)


def before(form: Form, answers: Answers, spot: Spot) -> Spot | None:
    """The question before this one in its section and item."""
    found = [spot_of(form, one) for one in asked_in(form, answers, spot.section, spot.item)]
    place = found.index(spot) if spot in found else 0
    return found[place - 1] if place else None


NOT_STARTED, STARTED, DONE = "not_started", "started", "done"


def state_of(form: Form, section: Section, answers: Answers, faults: frozenset[str]) -> str:
    """How far a section is: `not_started`, `started`, or `done` with nothing missing or wrong.

    `faults` are the places of what is missing or wrong in the form.
    """
    own = [one for one in asked(form, answers) if one.section.code == section.code]
    wrong = any(one == section.code or one.startswith(f"{section.code}.") for one in faults)
    if not wrong:
        return DONE
    return STARTED if any(one.answer is not None for one in own) else NOT_STARTED
