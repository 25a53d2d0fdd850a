"""Forms as data of a jurisdiction: sections, questions, conditions and limits; read and checked
whole.

A form is a file `forms/CODE.toml` of the jurisdiction:

```
code, title, purpose                     what it is called and what it is for
filed_with                               "authority", or "provider" for what stays in the house
law, source | assumed = true             where it comes from, or that nobody has published it
[[section]]                              code, title, intro?, when?, repeats?, chain?
[[section.question]]                     code, kind, label, help?, required?, when?, limits by kind
```

A question stands on a page of its own.  `when` names an earlier question and the answers with which
this one is asked.  A section that repeats is answered once for each person, company or place.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from amanat.core.errors import NotFound, Place, Refused
from amanat.core.money import MINOR_DIGITS
from amanat.core.quantities import decimal_from
from amanat.jurisdictions import reading
from amanat.jurisdictions.reading import InvalidTable, Row

ITEMS_MAX = 60
TEXT_MAX, LONG_TEXT_MAX = 200, 5_000
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FORM_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,23}")


class QuestionKind(StrEnum):
    """What is asked for, and how its answer is written."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    CHOICE = "choice"
    SEVERAL = "several"
    DATE = "date"
    AMOUNT = "amount"
    PERCENT = "percent"
    NUMBER = "number"
    COUNTRY = "country"
    LEI = "lei"
    EMAIL = "email"
    PERSON = "person"
    """Name, date of birth, nationality, and a CNIC or passport."""
    HELD = "held"
    """In which company a share is held: the applicant, or another of the same section."""
    DECLARATION = "declaration"
    """A statement that has to be affirmed."""
    DOCUMENT = "document"


class Recipient(StrEnum):
    """With whom a form is filed."""

    AUTHORITY = "authority"
    PROVIDER = "provider"


class DocumentType(StrEnum):
    """Kinds of files that may be uploaded."""

    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    CSV = "csv"
    XLSX = "xlsx"


CHOSEN = (QuestionKind.CHOICE, QuestionKind.SEVERAL)
ANSWERED_BY_CHOICE = (*CHOSEN, QuestionKind.COUNTRY, QuestionKind.DECLARATION)
"""Kinds on whose answers others may depend."""
YES = "yes"
APPLICANT = "applicant"
"""What a holder of the applicant itself names as held; no item of a section has this code."""
SCANS = (DocumentType.PDF, DocumentType.PNG, DocumentType.JPEG)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that is offered."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where the question's answer is, or is not, one of `values`.

    `section` is None for a question of the same section (and item).
    """

    section: str | None
    question: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One question.  `least` and `most` bound characters, figures or chosen options by its kind.

    `time` is `past` or `future` for dates that must lie there.
    """

    code: str
    kind: QuestionKind
    label: str
    help: str = ""
    required: bool = True
    when: tuple[Condition, ...] = ()
    options: tuple[Option, ...] = ()
    least: Decimal | None = None
    most: Decimal | None = None
    currencies: tuple[str, ...] = ()
    time: str | None = None
    accepts: tuple[DocumentType, ...] = ()

    def option(self, code: str) -> Option | None:
        """The offered answer with a code."""
        return next((one for one in self.options if one.code == code), None)


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often a section is answered: at least `least` times, each for `one`."""

    one: str
    least: int
    most: int
    named_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """That the items of a section hold shares, in the applicant or in each other.

    The holders of one company hold at most 100 per cent of it, none holds itself by way of others,
    and every chain ends with the applicant.
    """

    share: str
    into: str


@dataclass(frozen=True, slots=True)
class Section:
    """Questions that belong together: one task of the applicant's list."""

    code: str
    title: str
    questions: tuple[Question, ...]
    intro: str = ""
    when: tuple[Condition, ...] = ()
    repeats: Repeats | None = None
    chain: Chain | None = None

    def question(self, code: str) -> Question | None:
        """The question with a code."""
        return next((one for one in self.questions if one.code == code), None)


@dataclass(frozen=True, slots=True)
class Form:
    """One form.  `assumed` says that its content was not published where this was written."""

    code: str
    title: str
    purpose: str
    filed_with: Recipient
    law: str
    source: str
    assumed: bool
    sections: tuple[Section, ...]

    def section(self, code: str) -> Section | None:
        """The section with a code."""
        return next((one for one in self.sections if one.code == code), None)

    def texts(self) -> Iterator[str]:
        """Every text of this form that a person reads, for the catalogues of other languages."""
        yield from (self.title, self.purpose)
        for section in self.sections:
            yield section.title
            yield section.intro
            if section.repeats:
                yield section.repeats.one
            for question in section.questions:
                yield from (question.label, question.help)
                yield from (option.label for option in question.options)


# -- reading --------------------------------------------------------------------------------------


def form_from(content: str, file: str) -> Form:
    """The form in a TOML text.

    Refuses `InvalidTable`, all at once: wrong fields, codes given twice, conditions on what is not
    asked before, options that are not offered, limits that exclude everything.
    """
    table = dict(reading.parse(content, file))
    refused = Refused()
    sections = _rows(table.pop("section", None), "section", file, refused)
    head = Row(table, file, "form", refused)
    form = Form(
        code=head.take("code", _form_code, ""),
        title=head.take("title", reading.text, ""),
        purpose=head.take("purpose", reading.text, ""),
        filed_with=head.take("filed_with", Recipient, Recipient.AUTHORITY),
        law=head.take("law", reading.text, ""),
        source=head.take_or("source", reading.text, ""),
        assumed=head.take_or("assumed", reading.flag, False),
        sections=tuple(
            _section(fields, f"section[{place}]", file, refused)
            for place, fields in enumerate(sections)
        ),
    )
    head.finish()
    for where, reason in faults_of(form):
        refused.add(InvalidTable(place=Place(file=file, field=where), reason=reason))
    refused.raise_if_any()
    return form


def _rows(found: Any, name: str, file: str, refused: Refused) -> list[Mapping[str, Any]]:
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        return found
    refused.add(
        InvalidTable(place=Place(file=file, field=name), reason=f"there are no rows [[{name}]]")
    )
    return []


def _section(fields: Mapping[str, Any], name: str, file: str, refused: Refused) -> Section:
    left = dict(fields)
    questions = _rows(left.pop("question", None), f"{name}.question", file, refused)
    row = Row(left, file, name, refused)
    section = Section(
        code=row.take("code", _code, ""),
        title=row.take("title", reading.text, ""),
        intro=row.take_or("intro", reading.text, ""),
        when=row.take_or("when", _conditions, ()),
        repeats=row.take_or("repeats", _repeats, None),
        chain=row.take_or("chain", _chain, None),
        questions=tuple(
            _question(one, f"{name}.question[{place}]", file, refused)
            for place, one in enumerate(questions)
        ),
    )
    row.finish()
    return section


def _question(fields: Mapping[str, Any], name: str, file: str, refused: Refused) -> Question:
    row = Row(fields, file, name, refused)
    kind = row.take("kind", QuestionKind, QuestionKind.TEXT)
    accepts = SCANS if kind is QuestionKind.DOCUMENT else ()
    question = Question(
        code=row.take("code", _code, ""),
        kind=kind,
        label=row.take("label", reading.text, ""),
        help=row.take_or("help", reading.text, ""),
        required=row.take_or("required", reading.flag, True),
        when=row.take_or("when", _conditions, ()),
        options=row.take_or("options", _options, ()),
        least=row.take_or("least", _bound, None),
        most=row.take_or("most", _bound, None),
        currencies=row.take_or("currencies", reading.texts, ()),
        time=row.take_or("time", reading.text, None),
        accepts=row.take_or("accepts", _types, accepts),
    )
    row.finish()
    return question


def _code(value: Any) -> str:
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise InvalidTable(reason=f"{value!r} is not a code in small letters")
    return value


def _form_code(value: Any) -> str:
    if not isinstance(value, str) or not _FORM_CODE.fullmatch(value):
        raise InvalidTable(reason=f"{value!r} is not the code of a form, such as A1")
    return value


def _bound(value: Any) -> Decimal:
    if isinstance(value, float):
        raise InvalidTable(reason=f"the limit {value!r} is not written as text or whole number")
    return decimal_from(value)


def _types(value: Any) -> tuple[DocumentType, ...]:
    return tuple(DocumentType(one) for one in reading.texts(value))


def _table(value: Any, fields: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= set(fields):
        raise InvalidTable(reason=f"{str(value)[:60]} is not a table of {', '.join(fields)}")
    return {name: fields[name](one) for name, one in value.items()}


def _options(value: Any) -> tuple[Option, ...]:
    if not isinstance(value, list):
        raise InvalidTable(reason="the options are not a list")
    given = [_table(one, {"code": _code, "label": reading.text}) for one in value]
    if any(set(one) != {"code", "label"} for one in given):
        raise InvalidTable(reason="an option has a code and a label")
    return tuple(Option(**one) for one in given)


def _conditions(value: Any) -> tuple[Condition, ...]:
    rows = value if isinstance(value, list) else [value]
    fields = {"question": reading.text, "is": reading.texts, "is_not": reading.texts}
    found = []
    for row in rows:
        one = _table(row, fields)
        if "question" not in one or ("is" in one) == ("is_not" in one):
            raise InvalidTable(reason="a condition names a question, and is or is_not")
        section, _, question = one["question"].rpartition(".")
        values = one.get("is") or one.get("is_not") or ()
        found.append(Condition(section or None, question, tuple(values), "is_not" in one))
    return tuple(found)


def _repeats(value: Any) -> Repeats:
    fields = {
        "one": reading.text,
        "least": reading.count,
        "most": reading.count,
        "named_by": reading.texts,
    }
    given = {"least": 1, "most": ITEMS_MAX} | _table(value, fields)
    if set(given) != set(fields):
        raise InvalidTable(reason="what repeats has one and named_by")
    return Repeats(**given)


def _chain(value: Any) -> Chain:
    given = _table(value, {"share": _code, "into": _code})
    if set(given) != {"share", "into"}:
        raise InvalidTable(reason="a chain has share and into")
    return Chain(**given)


# -- laws of a form -------------------------------------------------------------------------------


def faults_of(form: Form) -> Iterator[tuple[str, str]]:
    """What is wrong with a form as a whole: where, and why."""
    for text in form.texts():
        if "{" in text or "}" in text or "%" in text:
            yield "form", f"the text {text[:40]!r} has a brace or per cent sign"
    if not form.assumed and not form.source:
        yield "form", "it names neither a source nor assumed = true"
    seen: set[str] = set()
    for place, section in enumerate(form.sections):
        where = f"section[{place}]"
        if section.code in seen:
            yield where, f"the section {section.code} is given twice"
        seen.add(section.code)
        for condition in section.when:
            if condition.section is None:
                yield where, "the condition of a section names section.question"
        yield from _faults_of_conditions(section.when, form, place, 0, where)
        if section.repeats is not None:
            yield from _faults_of_repeating(section, where)
        yield from _faults_of_chain(section, where)
        codes: set[str] = set()
        for number, question in enumerate(section.questions):
            spot = f"{where}.question[{number}]"
            if question.code in codes:
                yield spot, f"the question {question.code} is given twice"
            codes.add(question.code)
            yield from ((spot, reason) for reason in _faults_of_question(question))
            if question.kind is QuestionKind.HELD and section.chain is None:
                yield spot, "only a section with a chain asks in what a share is held"
            yield from _faults_of_conditions(question.when, form, place, number, spot)


def _faults_of_repeating(section: Section, where: str) -> Iterator[tuple[str, str]]:
    repeats = section.repeats
    assert repeats is not None
    if not repeats.least <= repeats.most <= ITEMS_MAX or repeats.most == 0:
        yield where, f"it repeats from least to most, at most {ITEMS_MAX} times"
    for name in repeats.named_by:
        named = section.question(name)
        if named is None or named.kind not in (QuestionKind.TEXT, QuestionKind.PERSON):
            yield where, f"{name} is no text or person of this section"
    if not repeats.named_by:
        yield where, "nothing says what each is called"


def _faults_of_chain(section: Section, where: str) -> Iterator[tuple[str, str]]:
    if section.chain is None:
        return
    if section.repeats is None:
        yield where, "only a section that repeats has a chain"
    for name, kind in (
        (section.chain.share, QuestionKind.PERCENT),
        (section.chain.into, QuestionKind.HELD),
    ):
        found = section.question(name)
        if found is None or found.kind is not kind or not found.required or found.when:
            yield where, f"{name} is no required question of the kind {kind.value}, always asked"


def _faults_of_question(question: Question) -> Iterator[str]:
    kind = question.kind
    codes = [one.code for one in question.options]
    if (kind in CHOSEN) != bool(codes):
        yield "a choice has options, and nothing else has"
    if len(set(codes)) < len(codes) or len(codes) == 1:
        yield "there are two or more options, each once"
    if (kind is QuestionKind.AMOUNT) != bool(question.currencies):
        yield "an amount names its currencies, and nothing else does"
    yield from (f"{c} is no currency" for c in question.currencies if c not in MINOR_DIGITS)
    if question.time not in (None, "past", "future"):
        yield "a date lies in the past or the future"
    if question.time is not None and kind is not QuestionKind.DATE:
        yield "only a date has a time"
    if question.accepts and kind is not QuestionKind.DOCUMENT:
        yield "only a document accepts types of files"
    if kind is QuestionKind.DECLARATION and not question.required:
        yield "a declaration is required"
    yield from _faults_of_limits(question)


def _faults_of_limits(question: Question) -> Iterator[str]:
    least, most = question.least, question.most
    bounded = (
        QuestionKind.TEXT,
        QuestionKind.LONG_TEXT,
        QuestionKind.SEVERAL,
        QuestionKind.AMOUNT,
        QuestionKind.NUMBER,
        QuestionKind.PERCENT,
    )
    if (least is not None or most is not None) and question.kind not in bounded:
        yield f"a {question.kind.value} has no limits"
    if least is not None and most is not None and least > most:
        yield f"no answer is from {least} to {most}"
    longest = {QuestionKind.TEXT: TEXT_MAX, QuestionKind.LONG_TEXT: LONG_TEXT_MAX}
    if most is not None and most > longest.get(question.kind, most):
        yield f"a {question.kind.value} has at most {longest[question.kind]} characters"
    if question.kind is QuestionKind.SEVERAL and (most or 0) > len(question.options):
        yield "more are to be chosen than there are"
    if question.kind is QuestionKind.PERCENT and not 0 <= (most or Decimal(0)) <= 100:
        yield "a percentage is at most 100"


def _faults_of_conditions(
    conditions: tuple[Condition, ...], form: Form, place: int, number: int, where: str
) -> Iterator[tuple[str, str]]:
    """Conditions look back: to an earlier section, or to an earlier question of the same one."""
    for condition in conditions:
        if condition.section is None:
            asked = form.sections[place].questions[:number]
        else:
            earlier = [one for one in form.sections[:place] if one.code == condition.section]
            asked = earlier[0].questions if earlier and earlier[0].repeats is None else ()
        found = next((one for one in asked if one.code == condition.question), None)
        name = ".".join(filter(None, (condition.section, condition.question)))
        if found is None:
            yield where, f"{name} is not asked before, or is asked several times"
        elif found.kind not in ANSWERED_BY_CHOICE:
            yield where, f"{name} is not answered by a choice"
        elif found.options:
            for value in condition.values:
                if found.option(value) is None:
                    yield where, f"{value} is no answer to {name}"


# -- what ships -----------------------------------------------------------------------------------


@functools.cache
def load_form(jurisdiction: str, code: str) -> Form:
    """A form that ships with Amanat, such as `A1` of `pk`.  Refuses `NotFound`, `InvalidTable`."""
    if not _FORM_CODE.fullmatch(code):
        raise NotFound(thing="form", value=code[:20])
    form = form_from(*reading.read_table(jurisdiction, f"forms/{code.lower()}"))
    if form.code != code:
        raise NotFound(thing="form", value=code)
    return form


def form_of_file(path: Path) -> Form:
    """The form in a file.  Refuses `NotFound` and as `form_from`."""
    return form_from(*reading.read_file(path))
