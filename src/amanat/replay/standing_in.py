"""Answers that stand in for those that nobody published: well-formed, and saying nothing.

What applicants answer is confidential, of real ones and of invented ones alike, so a pilot's folder
does not hold it.  Every required question gets an answer that its form takes and that says of
itself that it stands in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from amanat.licensing.forms.answers import ITEM, Asked, asked, sections_asked
from amanat.licensing.forms.form import APPLICANT, YES, DocumentType, Form, Question, QuestionKind

STAND_IN = "Not published: this stands in."
NAME = "stand-in.pdf"
_PERSON = "Not published"
_PASSPORT = "STANDSIN"
_BORN = "1970-01-01"
_PAST = "2020-01-01"
_SHARE = "40"
_FIGURE = "12"
_AMOUNT = "1000000.00"
_NO = "no"
_MAIL = "stand-in@example.org"
_YEAR = timedelta(days=365)


def answers_to(form: Form, country: str, today: date, digest: str) -> dict[str, Any]:
    """A sound answer to every question of a form that is required, and to no other.

    `digest` is of the document `stand_in_document`, which the provider has given.
    """
    answers: dict[str, Any] = {}
    made = _makers(country, today, digest)
    while True:
        for section in sections_asked(form, answers):
            if section.repeats is not None:
                least = section.repeats.least
                items = [{ITEM: str(place)} for place in range(1, least + 1)]
                answers.setdefault(section.code, items)
        open_ones = [
            one for one in asked(form, answers) if one.question.required and one.answer is None
        ]
        if not open_ones:
            return answers
        # What is asked next may depend on this answer.
        _put(answers, open_ones[0], made[open_ones[0].question.kind](open_ones[0].question))


def _put(answers: dict[str, Any], one: Asked, answer: Any) -> None:
    if one.item is None:
        answers.setdefault(one.section.code, {})[one.question.code] = answer
        return
    rows = answers[one.section.code]
    next(row for row in rows if row[ITEM] == one.item)[one.question.code] = answer


def _makers(
    country: str, today: date, digest: str
) -> Mapping[QuestionKind, Callable[[Question], Any]]:
    person = {
        "name": _PERSON,
        "born": _BORN,
        "nationality": country,
        "document": "passport",
        "number": _PASSPORT,
    }
    later = (today + _YEAR).isoformat()
    return {
        QuestionKind.TEXT: _words,
        QuestionKind.LONG_TEXT: _words,
        QuestionKind.EMAIL: lambda _question: _MAIL,
        QuestionKind.CHOICE: _choice,
        QuestionKind.SEVERAL: lambda question: [
            one.code for one in question.options[: int(question.least or 1)]
        ],
        QuestionKind.DATE: lambda question: later if question.time == "future" else _PAST,
        QuestionKind.AMOUNT: lambda question: {
            "amount": f"{question.least:f}" if question.least else _AMOUNT,
            "currency": question.currencies[0],
        },
        QuestionKind.PERCENT: lambda question: f"{question.least:f}" if question.least else _SHARE,
        QuestionKind.NUMBER: lambda question: f"{question.least:f}" if question.least else _FIGURE,
        QuestionKind.COUNTRY: lambda _question: country,
        QuestionKind.PERSON: lambda _question: dict(person),
        QuestionKind.HELD: lambda _question: APPLICANT,
        QuestionKind.DECLARATION: lambda _question: YES,
        QuestionKind.DOCUMENT: lambda _question: {"digest": digest, "name": NAME},
    }


def _words(question: Question) -> str:
    longest = int(question.most or len(STAND_IN))
    return STAND_IN[:longest].ljust(int(question.least or 1), ".")


def _choice(question: Question) -> str:
    """No, where that is offered: it leads to the fewest further questions."""
    codes = [one.code for one in question.options]
    return _NO if _NO in codes else codes[0]


TAKEN = (DocumentType.PDF,)


def stand_in_document() -> bytes:
    """A PDF of one page that says that it stands in; always the same bytes."""
    text = f"BT /F1 12 Tf 72 720 Td ({STAND_IN}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length " + str(len(text)).encode() + b" >>\nstream\n" + text + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += str(number).encode() + b" 0 obj\n" + body + b"\nendobj\n"
    start = len(content)
    content += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    content += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    content += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n".encode()
    return content + f"startxref\n{start}\n%%EOF\n".encode()
