"""An applicant's file as pages need it: its forms, answers, faults, and how each page is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request

from amanat.core.errors import NotFound, Refusal
from amanat.jurisdictions.countries import COUNTRIES
from amanat.licensing.forms.answers import (
    Answers,
    asked,
    check,
    items_of,
    missing,
    name_of_item,
    sections_asked,
)
from amanat.licensing.forms.form import Form, Section, load_form
from amanat.web import answering, texts
from amanat.web.messages import refusal_text
from amanat.web.pages import Pages, language_of


@dataclass(frozen=True, slots=True)
class Mending:
    """One line of an error summary that leads to the page where it is mended."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Filled:
    """One form of a file: its answers, and everything missing or wrong in them."""

    form: Form
    answers: Answers
    faults: tuple[Refusal, ...]

    @property
    def places(self) -> frozenset[str]:
        """Where something is missing or wrong."""
        return frozenset(one.place.field or "" for one in self.faults if one.place)

    def state(self, section: Section) -> str:
        """How far a section is."""
        return answering.state_of(self.form, section, self.answers, self.places)


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of the reader's institution, as `application` shows it, with its forms read."""

    shown: Mapping[str, Any]
    forms: tuple[Filled, ...]
    base: str

    def filled(self, code: str) -> Filled:
        """A form of the file.  Refuses `NotFound`."""
        for one in self.forms:
            if one.form.code == code:
                return one
        raise NotFound(thing="form", value=code[:20])

    @property
    def complete(self) -> bool:
        """Whether nothing is missing or wrong in any form."""
        return not any(one.faults for one in self.forms)


def own_file(pages: Pages, request: Request, programme: str, number: str) -> OwnFile:
    """A file of the reader's institution.  Refuses `Unauthenticated`, `NotFound`."""
    shown: dict[str, Any] = pages.look(request, programme, "application", {"file": number})
    today = date.fromisoformat(pages.app.programme_facts(programme)["business_date"])
    found = []
    for row in shown["forms"]:
        form = load_form(shown["pack"], row["form"])
        answers = row["answers"]
        faults = (*check(form, answers, today), *missing(form, answers))
        found.append(Filled(form, answers, faults))
    return OwnFile(shown, tuple(found), f"/p/{programme}/apply/{number}")


def mendings(file: OwnFile, filled: Filled, request: Request, pages: Pages) -> list[Mending]:
    """Every fault of a form with the page on which it is mended."""
    reader = pages.reader(request)
    return [
        Mending(refusal_text(reader, one), f"{file.base}/{place_of(filled, one)}")
        for one in filled.faults
    ]


def place_of(filled: Filled, fault: Refusal) -> str:
    """The page below the file where a fault is mended: its question, else its section."""
    path = (fault.place.field or "" if fault.place else "").split(".")
    section = filled.form.section(path[0])
    if section is None:
        return ""
    item = path[1] if section.repeats is not None and len(path) > 2 else None
    rest = path[2:] if item is not None else path[1:]
    if not rest or section.question(rest[0]) is None:
        return f"{filled.form.code}/{section.code}"
    return answering.Spot(filled.form.code, section.code, item, rest[0]).address + "?back=check"


def summary_of(
    file: OwnFile, filled: Filled, language: str, only: str | None = None
) -> list[dict[str, Any]]:
    """Sections with their answered questions, for pages on which answers are checked."""
    found = []
    for section in sections_asked(filled.form, filled.answers):
        if only in (None, section.code):
            found.append({"section": section, "parts": _parts(file, filled, section, language)})
    return found


def _parts(file: OwnFile, filled: Filled, section: Section, language: str) -> list[dict[str, Any]]:
    rows: dict[str | None, list[dict[str, Any]]] = {
        item: [] for item, _ in items_of(section, filled.answers)
    }
    for one in asked(filled.form, filled.answers):
        if one.section.code != section.code:
            continue
        spot = answering.spot_of(filled.form, one)
        document = one.answer if one.question.kind.value == "document" else None
        rows[one.item].append(
            {
                "label": one.question.label,
                "required": one.question.required,
                "lines": answering.shown(one, filled.answers, language),
                "digest": document.get("digest") if isinstance(document, dict) else None,
                "href": f"{file.base}/{spot.address}?back=check",
            }
        )
    given = dict(items_of(section, filled.answers))
    return [
        {
            "item": item,
            "name": name_of_item(section, item, given[item]) if item else None,
            "rows": lines,
        }
        for item, lines in rows.items()
    ]


def tasks_of(file: OwnFile) -> list[dict[str, Any]]:
    """The list of tasks: each form with the sections that are asked, and how far each is."""
    return [
        {
            "form": filled.form,
            "sections": [
                {
                    "section": one,
                    "state": filled.state(one),
                    "count": len(items_of(one, filled.answers)) if one.repeats else None,
                    "href": f"{file.base}/{filled.form.code}/{one.code}",
                }
                for one in sections_asked(filled.form, filled.answers)
            ],
        }
        for filled in file.forms
    ]


def progress_of(tasks: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many sections are done, of how many."""
    states = [one["state"] for task in tasks for one in task["sections"]]
    return states.count(answering.DONE), len(states)


def countries_for(request: Request) -> list[tuple[str, str]]:
    """Countries by their names in the reader's language."""
    language = language_of(request)
    named = [(code, texts.translated(language, name)) for code, name in COUNTRIES.items()]
    return sorted(named, key=lambda one: one[1])
