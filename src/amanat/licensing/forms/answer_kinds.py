"""One answer of each kind of question: how it is written, and the value that it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from amanat.core.dates import date_from
from amanat.core.errors import Invalid, Place, Refusal
from amanat.core.identifiers import Lei
from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.core.quantities import decimal_from, integer_from
from amanat.jurisdictions.countries import COUNTRIES
from amanat.licensing.forms.form import (
    APPLICANT,
    LONG_TEXT_MAX,
    TEXT_MAX,
    YES,
    Question,
    QuestionKind,
)

PERSON_PARTS = ("name", "born", "nationality", "document", "number")
IDENTITY_DOCUMENTS = ("cnic", "passport")
HUNDRED = Decimal(100)
SHARE_PLACES = 6
ITEM_NAME = re.compile(r"[1-9][0-9]{0,2}")
_EMAIL = re.compile(
    r"[^\s@<>\"',;:]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\.[a-z]{2,}"
)
_CNIC = re.compile(r"([0-9]{5})-?([0-9]{7})-?([0-9])")
_PASSPORT = re.compile(r"[A-Z0-9]{6,12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_OLDEST_YEARS = 120


class AnswerNotRead(Invalid):
    """An answer is written in the way of its kind of question."""

    template: ClassVar[str] = "{question} – {reason}"


class AnswerOutside(Invalid):
    """A figure lies within the limits of its question."""

    template: ClassVar[str] = "{question} – {value} is outside; from {least} to {most} is taken."


class AnswerLength(Invalid):
    """A text has as many characters as its question takes."""

    template: ClassVar[str] = (
        "{question} – {count} characters; from {least} to {most} characters are taken."
    )


class HeldNotListed(Invalid):
    """A share is held in the applicant, or in a company of the list."""

    template: ClassVar[str] = (
        "Say in which company of this list the share is held, or the applicant."
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person as a form asks for one; `number` of a CNIC is 12345-1234567-1."""

    name: str
    born: date
    nationality: str
    document: str
    number: str


def faults_of(question: Question, answer: Any, today: date, path: str) -> list[Refusal]:
    """What is wrong with one answer, each at its own place within `path`."""
    if question.kind is QuestionKind.PERSON:
        return _faults_of_person(question, answer, today, path)
    try:
        value_of(question, answer, today)
    except Refusal as refusal:
        return [refusal.at(Place(field=path))]
    return []


def value_of(question: Question, answer: Any, today: date) -> Any:
    """The answer as a value: text, tuple of codes, `date`, `Money`, `Decimal`, `Lei`, `Person`.

    Refuses `AnswerNotRead`, `AnswerOutside`, `AnswerLength`.
    """
    if question.kind is QuestionKind.PERSON:
        refusals = _faults_of_person(question, answer, today, "")
        if refusals:
            raise refusals[0]
        return Person(**{**answer, "born": date_from(answer["born"])})
    return _READERS[question.kind](question, answer, today)


def _refuse(question: Question, reason: Message) -> AnswerNotRead:
    return AnswerNotRead(question=Message(question.label), reason=reason)


def _text(question: Question, answer: Any, _today: date) -> str:
    if not isinstance(answer, str):
        raise _refuse(question, Message("this is not a text."))
    longest = LONG_TEXT_MAX if question.kind is QuestionKind.LONG_TEXT else TEXT_MAX
    least, most = int(question.least or 1), int(question.most or longest)
    count = len(answer.strip())
    if not least <= count <= most:
        raise AnswerLength(question=Message(question.label), count=count, least=least, most=most)
    if question.kind is QuestionKind.TEXT and ("\n" in answer or "\r" in answer):
        raise _refuse(question, Message("this is written on one line."))
    return answer.strip()


def _email(question: Question, answer: Any, today: date) -> str:
    text = _text(question, answer, today)
    if not _EMAIL.fullmatch(text):
        raise _refuse(question, Message("this is written as name@example.org."))
    return text


def _choice(question: Question, answer: Any, _today: date) -> str:
    if not isinstance(answer, str) or question.option(answer) is None:
        raise _refuse(question, Message("choose one of the answers that are offered."))
    return answer


def _several(question: Question, answer: Any, _today: date) -> tuple[str, ...]:
    given = answer if isinstance(answer, list | tuple) else [answer]
    if any(not isinstance(one, str) or question.option(one) is None for one in given):
        raise _refuse(question, Message("choose among the answers that are offered."))
    least, most = int(question.least or 1), int(question.most or len(question.options))
    if len(set(given)) < len(given) or not least <= len(given) <= most:
        raise AnswerOutside(
            question=Message(question.label), value=len(given), least=least, most=most
        )
    return tuple(given)


def _date(question: Question, answer: Any, today: date) -> date:
    try:
        day = date_from(answer if isinstance(answer, str) else "")
    except Invalid:
        raise _refuse(
            question, Message("there is no such day; a date is such as 2025-12-31.")
        ) from None
    if question.time == "past" and day > today:
        raise _refuse(question, Message("this day must not lie in the future."))
    if question.time == "future" and day < today:
        raise _refuse(question, Message("this day must not lie in the past."))
    return day


def _figure(question: Question, answer: Any, places: int) -> Decimal:
    try:
        figure = decimal_from(answer if isinstance(answer, str) else "")
    except Invalid:
        raise _refuse(question, Message("this is written in figures, such as 1250000.")) from None
    exponent = figure.as_tuple().exponent
    if len(str(answer)) > 40 or (isinstance(exponent, int) and -exponent > places):
        raise _refuse(question, Message("this has more digits than are taken."))
    return figure


def _within(question: Question, figure: Decimal, least: Decimal, most: Decimal) -> Decimal:
    if not least <= figure <= most:
        raise AnswerOutside(question=Message(question.label), value=figure, least=least, most=most)
    return figure


_LARGEST = Decimal(10) ** 15


def _amount(question: Question, answer: Any, _today: date) -> Money:
    currency = answer.get("currency") if isinstance(answer, Mapping) else None
    if currency not in question.currencies:
        raise _refuse(question, Message("name one of the currencies that are offered."))
    figure = _figure(question, answer.get("amount"), 2)
    least, most = question.least or Decimal(0), question.most or _LARGEST
    return Money.of(_within(question, figure, least, most), currency)


def _percent(question: Question, answer: Any, _today: date) -> Decimal:
    figure = _figure(question, answer, SHARE_PLACES)
    least, most = question.least or Decimal(0), question.most or HUNDRED
    return _within(question, figure, least, most)


def _number(question: Question, answer: Any, _today: date) -> int:
    try:
        figure = integer_from(answer if isinstance(answer, str) else "")
    except Invalid:
        raise _refuse(question, Message("this is a whole number, such as 120.")) from None
    least, most = question.least or Decimal(0), question.most or _LARGEST
    return int(_within(question, Decimal(figure), least, most))


def _country(question: Question, answer: Any, _today: date) -> str:
    if not isinstance(answer, str) or answer not in COUNTRIES:
        raise _refuse(question, Message("choose one of the countries that are offered."))
    return answer


def _lei(question: Question, answer: Any, _today: date) -> Lei:
    try:
        return Lei(answer if isinstance(answer, str) else "")
    except Invalid:
        reason = Message("an LEI has 18 capital letters or digits and two check digits.")
        raise _refuse(question, reason) from None


def _held(_question: Question, answer: Any, _today: date) -> str:
    if not isinstance(answer, str) or (answer != APPLICANT and not ITEM_NAME.fullmatch(answer)):
        raise HeldNotListed()
    return answer


def _declaration(question: Question, answer: Any, _today: date) -> str:
    if answer != YES:
        raise _refuse(question, Message("this has to be affirmed."))
    return YES


def _document(question: Question, answer: Any, _today: date) -> str:
    whole = isinstance(answer, Mapping) and set(answer) == {"digest", "name"}
    if not whole or not _DIGEST.fullmatch(str(answer["digest"])):
        raise _refuse(question, Message("upload the document here."))
    return str(answer["digest"])


_READERS = {
    QuestionKind.TEXT: _text,
    QuestionKind.LONG_TEXT: _text,
    QuestionKind.EMAIL: _email,
    QuestionKind.CHOICE: _choice,
    QuestionKind.SEVERAL: _several,
    QuestionKind.DATE: _date,
    QuestionKind.AMOUNT: _amount,
    QuestionKind.PERCENT: _percent,
    QuestionKind.NUMBER: _number,
    QuestionKind.COUNTRY: _country,
    QuestionKind.LEI: _lei,
    QuestionKind.HELD: _held,
    QuestionKind.DECLARATION: _declaration,
    QuestionKind.DOCUMENT: _document,
}


def _faults_of_person(question: Question, answer: Any, today: date, path: str) -> list[Refusal]:
    if not isinstance(answer, Mapping) or not set(answer) <= set(PERSON_PARTS):
        return [_refuse(question, Message("name a person.")).at(Place(field=path))]
    found: list[Refusal] = []

    def note(part: str, reason: Message) -> None:
        place = Place(field=".".join(filter(None, (path, part))))
        found.append(_refuse(question, reason).at(place))

    given = {part: answer.get(part) for part in PERSON_PARTS}
    name, number = given["name"], given["number"]
    if not isinstance(name, str) or not 2 <= len(name.strip()) <= TEXT_MAX or "\n" in name:
        note("name", Message("give the full name as in the identity document."))
    try:
        born = date_from(given["born"] if isinstance(given["born"], str) else "")
        if not born <= today or today.year - born.year > _OLDEST_YEARS:
            note("born", Message("this cannot be a date of birth."))
    except Invalid:
        note("born", Message("there is no such day; a date is such as 2025-12-31."))
    if not isinstance(given["nationality"], str) or given["nationality"] not in COUNTRIES:
        note("nationality", Message("choose one of the countries that are offered."))
    if given["document"] not in IDENTITY_DOCUMENTS:
        note("document", Message("choose a CNIC or a passport."))
    elif not isinstance(number, str) or not _number_fits(str(given["document"]), number):
        note(
            "number",
            Message("a CNIC has 13 digits, such as 42101-1234567-1.")
            if given["document"] == "cnic"
            else Message("a passport's number has 6 to 12 capital letters and digits."),
        )
    return found


def _number_fits(document: str, number: str) -> bool:
    return bool((_CNIC if document == "cnic" else _PASSPORT).fullmatch(number))


def cnic_written(number: str) -> str:
    """A CNIC as it is printed, 12345-1234567-1; anything else as it is."""
    found = _CNIC.fullmatch(number)
    return "-".join(found.groups()) if found else number
