"""Answers to a form: what is asked in view of them, what is missing, and every mistake at once.

Answers are JSON, by section and question; a section that repeats is a list, each with an `item`:

```
{"company": {"legal_name": "…", "paid_up": {"amount": "1000000.00", "currency": "PKR"}},
 "controllers": [{"item": "1", "share": "60", "held": "applicant", …}, …]}
```

An answer to a question that is not asked (any more) is kept and counts for nothing.  Places are
paths: `company.legal_name`, `controllers.1.share`, `controllers.1.who.number`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.messages import Message
from amanat.core.quantities import decimal_from
from amanat.licensing.forms.answer_kinds import ITEM_NAME, HeldNotListed, faults_of
from amanat.licensing.forms.form import APPLICANT, Condition, Form, Question, Section

Answers = Mapping[str, Any]
ITEM = "item"
HUNDRED = Decimal(100)


class NotAnswered(Invalid):
    """Every question that is asked and required has an answer."""

    template: ClassVar[str] = "Not answered yet: {question}"


class TooFewGiven(Invalid):
    """A section that repeats is answered as often as its form asks at least."""

    template: ClassVar[str] = "{section}: give at least {least}, so far there are {count}."


class TooManyGiven(Invalid):
    """A section that repeats is answered as often as its form takes at most."""

    template: ClassVar[str] = "{section}: at most {most} are taken; there are {count}."


class NotInForm(Invalid):
    """Answers name sections and questions of their form, and each item once."""

    template: ClassVar[str] = "The form does not ask for this: {what}."


class SharesAboveWhole(Invalid):
    """The holders of one company hold at most the whole of it."""

    template: ClassVar[str] = (
        "The shares in {held} come to {total} per cent; together they are at most 100."
    )


class ChainInCircle(Invalid):
    """Nobody holds itself by way of others: every chain of holders ends with the applicant."""

    template: ClassVar[str] = (
        "These hold each other in a circle: {chain}. A chain of holders ends with the applicant."
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that is asked in view of the answers so far, and its answer or None."""

    section: Section
    item: str | None
    question: Question
    answer: Any

    @property
    def path(self) -> str:
        """Where it stands: `section.question`, or `section.item.question`."""
        return ".".join(filter(None, (self.section.code, self.item, self.question.code)))


# -- what is asked --------------------------------------------------------------------------------


def items_of(section: Section, answers: Answers) -> list[tuple[str | None, Mapping[str, Any]]]:
    """The parts in which a section is answered: itself, or each of its items by name."""
    found = answers.get(section.code)
    if section.repeats is None:
        return [(None, found if isinstance(found, Mapping) else {})]
    rows = found if isinstance(found, list | tuple) else ()
    return [(str(row[ITEM]), row) for row in rows if _is_item(row)]


def next_item(section: Section, answers: Answers) -> str:
    """The name of a further item: one above the highest, so that no name is used again."""
    return str(max((int(item) for item, _ in items_of(section, answers) if item), default=0) + 1)


def _is_item(row: Any) -> bool:
    return isinstance(row, Mapping) and bool(ITEM_NAME.fullmatch(str(row.get(ITEM, ""))))


def blank(answer: Any) -> bool:
    """Whether nothing was answered: absent, empty, or with empty parts alone."""
    if isinstance(answer, str):
        return not answer.strip()
    if isinstance(answer, Mapping):
        return all(blank(one) for name, one in answer.items() if name != "currency")
    return answer is None or (isinstance(answer, list | tuple) and not answer)


def asked(form: Form, answers: Answers) -> Iterator[Asked]:
    """Every question that is asked in view of the answers, in the order of the form.

    What was answered to a question that is not asked decides nothing.
    """
    counted: dict[tuple[str, str | None, str], Any] = {}

    def holds(conditions: Sequence[Condition], section: str, item: str | None) -> bool:
        return all(_holds(one, counted, section, item) for one in conditions)

    for section in form.sections:
        if not holds(section.when, section.code, None):
            continue
        for item, given in items_of(section, answers):
            for question in section.questions:
                if not holds(question.when, section.code, item):
                    continue
                answer = given.get(question.code)
                counted[section.code, item, question.code] = answer
                yield Asked(section, item, question, None if blank(answer) else answer)


def _holds(
    condition: Condition,
    counted: Mapping[tuple[str, str | None, str], Any],
    section: str,
    item: str | None,
) -> bool:
    place = (condition.section or section, None if condition.section else item, condition.question)
    answer = counted.get(place)
    if blank(answer):
        return False
    given = set(map(str, answer)) if isinstance(answer, list | tuple) else {str(answer)}
    return bool(given & set(condition.values)) is not condition.negated


def sections_asked(form: Form, answers: Answers) -> list[Section]:
    """The sections that are asked; one that repeats also while it has no item."""
    within = {one.section.code for one in asked(form, answers)}
    empty = {
        one.code
        for one in form.sections
        if one.repeats is not None and not items_of(one, answers) and _open(form, one, answers)
    }
    return [one for one in form.sections if one.code in within | empty]


def _open(form: Form, section: Section, answers: Answers) -> bool:
    counted = {(q.section.code, q.item, q.question.code): q.answer for q in asked(form, answers)}
    return all(_holds(one, counted, section.code, None) for one in section.when)


# -- laws -----------------------------------------------------------------------------------------


def missing(form: Form, answers: Answers) -> tuple[Refusal, ...]:
    """What still has to be answered: `NotAnswered` and `TooFewGiven`, each with its place."""
    found: list[Refusal] = []
    for section in sections_asked(form, answers):
        count = len(items_of(section, answers))
        if section.repeats is not None and count < section.repeats.least:
            found.append(
                TooFewGiven(
                    place=Place(field=section.code),
                    section=Message(section.title),
                    least=section.repeats.least,
                    count=count,
                )
            )
    for one in asked(form, answers):
        if one.question.required and one.answer is None:
            place = Place(field=one.path)
            found.append(NotAnswered(place=place, question=Message(one.question.label)))
    return tuple(found)


def check(form: Form, answers: Answers, today: date) -> tuple[Refusal, ...]:
    """Every mistake in what was answered, each with its place; nothing of what is missing."""
    found = [*_strangers(form, answers)]
    for one in asked(form, answers):
        if one.answer is not None:
            found += faults_of(one.question, one.answer, today, one.path)
    for section in sections_asked(form, answers):
        items = [item for item, _ in items_of(section, answers) if item is not None]
        most = section.repeats.most if section.repeats else 1
        if len(items) > most:
            found.append(
                TooManyGiven(
                    place=Place(field=section.code),
                    section=Message(section.title),
                    most=most,
                    count=len(items),
                )
            )
        found += _faults_of_chain(section, answers, today)
    return tuple(found)


def require_complete(form: Form, answers: Answers, today: date) -> None:
    """Refuse what is missing and what is wrong, all at once."""
    refused = Refused()
    for one in (*check(form, answers, today), *missing(form, answers)):
        refused.add(one)
    refused.raise_if_any()


def _strangers(form: Form, answers: Answers) -> Iterator[Refusal]:
    """What the form does not ask for at all, and items without a name of their own."""
    for code, given in answers.items():
        section = form.section(str(code))
        if section is None:
            yield NotInForm(place=Place(field=str(code)[:40]), what=str(code)[:40])
            continue
        repeated = section.repeats is not None
        rows = given if repeated else [given]
        if not isinstance(rows, list | tuple) or not all(isinstance(r, Mapping) for r in rows):
            yield NotInForm(place=Place(field=section.code), what=str(given)[:40])
            continue
        names = [str(row.get(ITEM, "")) for row in rows] if repeated else []
        if len(set(names)) < len(names) or not all(map(ITEM_NAME.fullmatch, names)):
            yield NotInForm(place=Place(field=section.code), what=", ".join(names)[:80])
        for row in rows:
            for name in row:
                if section.question(str(name)) is None and not (repeated and name == ITEM):
                    place = ".".join(filter(None, (section.code, str(row.get(ITEM, ""))[:3])))
                    yield NotInForm(place=Place(field=place), what=str(name)[:40])


# -- who holds whom -------------------------------------------------------------------------------


def _faults_of_chain(section: Section, answers: Answers, today: date) -> Iterator[Refusal]:
    """Shares of one company above the whole, holders of what is not listed, and circles."""
    if section.chain is None:
        return
    share, into = section.chain.share, section.chain.into
    held_by: dict[str, str] = {}
    totals: dict[str, Decimal] = {}
    items = {str(item): row for item, row in items_of(section, answers)}
    asked_share = section.question(share)
    assert asked_share is not None
    for item, row in items.items():
        held = row.get(into)
        if blank(held) or not isinstance(held, str):
            continue
        place = Place(field=f"{section.code}.{item}.{into}")
        if held != APPLICANT and (held not in items or held == item):
            yield HeldNotListed(place=place)
            continue
        held_by[item] = held
        if not faults_of(asked_share, row.get(share), today, ""):
            totals[held] = totals.get(held, Decimal(0)) + decimal_from(row[share])
    for held, total in totals.items():
        if total > HUNDRED:
            last = [item for item in held_by if held_by[item] == held][-1]
            yield SharesAboveWhole(
                place=Place(field=f"{section.code}.{last}.{share}"),
                held=_named(section, items, held),
                total=total.normalize() if total % 1 else total.quantize(Decimal(1)),
            )
    yield from _circles(section, items, held_by)


def _circles(
    section: Section, items: Mapping[str, Mapping[str, Any]], held_by: Mapping[str, str]
) -> Iterator[Refusal]:
    assert section.chain is not None
    told: set[str] = set()
    for start in held_by:
        chain = [start]
        while chain[-1] in held_by and held_by[chain[-1]] not in chain:
            chain.append(held_by[chain[-1]])
        following = held_by.get(chain[-1])
        if following is None or start in told or following != start:
            continue
        told.update(chain)
        names = " → ".join(str(_named(section, items, one)) for one in [*chain, start])
        place = Place(field=f"{section.code}.{start}.{section.chain.into}")
        yield ChainInCircle(place=place, chain=names)


def _named(section: Section, items: Mapping[str, Mapping[str, Any]], held: str) -> str:
    if held == APPLICANT:
        return Message("the applicant")
    return name_of_item(section, held, items.get(held, {}))


def name_of_item(section: Section, item: str, row: Mapping[str, Any]) -> str:
    """What an item is called: its first answer of those that name it, else its number."""
    for code in section.repeats.named_by if section.repeats else ():
        answer = row.get(code)
        text = answer.get("name") if isinstance(answer, Mapping) else answer
        if isinstance(text, str) and text.strip():
            return text.strip()
    return item


def effective_shares(section: Section, answers: Answers) -> dict[str, Decimal]:
    """Per item the share of the applicant that it holds by its chain, in per cent.

    Only for answers that `check` finds right: an item whose chain does not end counts 0.
    """
    if section.chain is None:
        return {}
    rows = {str(item): row for item, row in items_of(section, answers)}
    found: dict[str, Decimal] = {}
    for item in rows:
        part, at, seen = HUNDRED, item, set[str]()
        while at != APPLICANT and at in rows and at not in seen:
            seen.add(at)
            part = part * decimal_from(rows[at].get(section.chain.share) or "0") / HUNDRED
            at = str(rows[at].get(section.chain.into) or "")
        found[item] = part if at == APPLICANT else Decimal(0)
    return found
