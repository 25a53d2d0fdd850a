"""What the pages of one file and one provider show beside their views, for those who license.

The timeline of a file's stages, its checklists with their scores, the applicant's answers by form,
and each next step as a button that leads to its act's form; of a provider what is open and shut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import Request

from amanat.access.acts import ACTS
from amanat.access.effects import from_json
from amanat.jurisdictions.licensing import Checklist, LicensingPack
from amanat.licensing.forms.form import load_form
from amanat.licensing.records import pack_of
from amanat.web.messages import message_text

if TYPE_CHECKING:
    from amanat.web.pages import Pages

PAGES = frozenset(("file", "provider"))
"""Views whose pages this fills."""
# Steps that have a place of their own on the page, or in the applicant's pages.
_ELSEWHERE = frozenset(("SaveSection", "ScoreReview", "AnswerQuestion"))
# Acts that bring a file no further: who may only do these waits for another.
_ASIDE = frozenset(("AskApplicant", "ReturnFile", "WithdrawFile", "OpenConsultation"))
# Files that stand until somebody has a reason to end them.
_STANDING = frozenset(("suspension", "revocation"))
# What the authority may do to a provider, in the order of weight.
_OF_PROVIDER = (
    "Direct",
    "NoteBreach",
    "OpenInspection",
    "ShowCause",
    "Suspend",
    "SuspendUrgently",
    "Revoke",
    "BeginWindingDown",
    "ConvertPermission",
    "ConfirmFact",
    "HandOverReporting",
    "Surrender",
)
STOPS = frozenset(("Suspend", "SuspendUrgently", "Revoke", "BeginWindingDown"))
"""Acts that take something away."""


@dataclass(frozen=True, slots=True)
class Point:
    """One stage on a file's timeline: `past`, `here` or `to_come`."""

    stage: str
    state: str
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Button:
    """An act that may be done next: its form, and what hinders it, if anything."""

    act: str
    outcome: str | None
    href: str
    hindrance: str | None
    section: str = ""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A checklist and its last review, with the weighted mark in percent, if there is one."""

    listed: Checklist
    review: Mapping[str, Any] | None
    href: str | None

    def scored(self, item: str) -> Mapping[str, Any]:
        """The score, note and evidence of a point; empty where it was not scored."""
        scores = self.review["scores"] if self.review else []
        found = scores.get(item) if isinstance(scores, dict) else None
        if found is None and not isinstance(scores, dict):
            found = next((one for one in scores if one["item"] == item), None)
        return found or {}


def extra(
    pages: Pages, request: Request, programme: str, name: str, shown: Mapping[str, Any]
) -> dict[str, Any]:
    """What the template of `name` takes beside its view."""
    with pages.app.store.reading() as connection:
        pack = pack_of(connection, programme)
    titles = titles_of_pack(pack)
    if name == "provider":
        return {"titles": titles} | _provider(pages, request, programme, pack, shown)
    kind = pack.file(shown["kind"])
    reader = pages.reader(request)
    hinder = {
        n: message_text(reader, from_json([step["hindrance"]])[0])
        for n, step in enumerate(shown["next"])
        if step["hindrance"]
    }
    return {
        "titles": titles,
        "kind_title": kind.title,
        "timeline": timeline(pack, shown),
        "buttons": buttons(programme, shown, hinder),
        "desk": _desk(pages, request, programme, shown),
        "reviewed": reviewed(pack, programme, shown),
        "standing": pages.glance(request, programme, "provider", provider=shown["provider"]),
        "enforced": pages.glance(request, programme, "enforcement", file=shown["file"]),
        "answers": answers(pack, request, programme, shown),
    }


def _desk(pages: Pages, request: Request, programme: str, shown: Mapping[str, Any]) -> list[Button]:
    """Taking an open file, giving it away, putting it back: to who may."""
    from amanat.web.pages import may

    actor = pages.actor(request, programme)
    acts = ["AssignFile", *(["PutBackFile"] if shown.get("officer") else [])]
    if "officer" not in shown or shown.get("closed_on"):
        return []
    return [
        Button(act, None, _form(programme, act, {"file": shown["file"]}), None)
        for act in acts
        if may(actor, ACTS[act])
    ]


def titles_of_pack(pack: LicensingPack) -> dict[str, str]:
    """What the codes of a pack are called, in English: the keys of their translations."""
    found = {one.area: one.title for one in pack.checklists}
    found |= {one.code: one.title for one in pack.stakeholders}
    found |= {one.fact: one.title for one in pack.confirmations}
    found |= {one.code: one.title for one in pack.suspensions}
    found |= {one.code: one.title for one in pack.permissions}
    found |= {one.code: one.title for one in pack.categories}
    return found | {one.code: one.title for one in pack.statuses}


# -- a file ---------------------------------------------------------------------------------------


def timeline(pack: LicensingPack, shown: Mapping[str, Any]) -> list[Point]:
    """Stages that a file has been through with their days, where it is, and what is to come."""
    kind, here = pack.file(shown["kind"]), shown["stage"]
    place = kind.stages.index(here)
    if "steps" in shown:
        past = [
            Point(one["to_stage"], "past", one["recorded_on"])
            for one in shown["steps"]
            if one["from_stage"] != one["to_stage"]
        ]
    else:
        # Who is consulted is not told when: only the way that such a file goes.
        past = [Point(one, "past") for one in kind.stages[:place] if one not in kind.final]
    if not past or past[-1].stage != here:
        past.append(Point(here, "past"))
    if here in kind.final:
        return past
    later = [one for one in kind.stages[place + 1 :] if one not in kind.final]
    to_come = [Point(one, "to_come") for one in (*later, *kind.final[:1])]
    return [*past[:-1], Point(here, "here", past[-1].day), *to_come]


def buttons(
    programme: str, shown: Mapping[str, Any], hinder: Mapping[int, str] | None = None
) -> list[Button]:
    """The next steps that the reader may take, each with the address of its form."""
    found = []
    for number, step in enumerate(shown["next"]):
        if step["act"] in _ELSEWHERE:
            continue
        given = {"file": shown["file"], "outcome": step["outcome"]}
        if len(shown["categories"]) == 1:
            given["category"] = shown["categories"][0]
        found.append(
            Button(
                step["act"],
                step["outcome"],
                _form(programme, step["act"], given),
                (hinder or {}).get(number),
                step["section"],
            )
        )
    return found


def _form(programme: str, act: str, given: Mapping[str, Any]) -> str:
    """The address of an act's form, filled with what of `given` the act has."""
    known = ACTS[act].command.model_fields
    kept = {name: value for name, value in given.items() if value and name in known}
    return f"/p/{programme}/acts/{act}?{urlencode(kept)}"


def reviewed(pack: LicensingPack, programme: str, shown: Mapping[str, Any]) -> list[Reviewed]:
    """Each checklist of a file with its last review, and the form that scores it, if one may."""
    if "reviews" not in shown:
        return []
    last = {one["area"]: one for one in shown["reviews"]}
    may = any(step["act"] == "ScoreReview" for step in shown["next"])
    return [
        Reviewed(
            pack.checklist(area),
            last.get(area),
            _form(programme, "ScoreReview", {"file": shown["file"], "area": area}) if may else None,
        )
        for area in pack.file(shown["kind"]).checklists
    ]


def answers(
    pack: LicensingPack, request: Request, programme: str, shown: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The applicant's answers by form, in the order of the file's kind."""
    # Both need what asks for this here.
    from amanat.web.application_pages import Filled, OwnFile, summary_of
    from amanat.web.pages import language_of

    language = language_of(request)
    forms = tuple(
        Filled(load_form(pack.code, code), shown["sections"][code], ())
        for code in pack.file(shown["kind"]).forms
        if shown["sections"].get(code)
    )
    file = OwnFile(shown, forms, f"/p/{programme}/apply/{shown['file']}")
    return [{"form": one.form, "sections": summary_of(file, one, language)} for one in file.forms]


# -- a provider -----------------------------------------------------------------------------------


def _provider(
    pages: Pages,
    request: Request,
    programme: str,
    pack: LicensingPack,
    shown: Mapping[str, Any],
) -> dict[str, Any]:
    from amanat.web.pages import may

    code, actor = shown["provider"], pages.actor(request, programme)
    given = {"provider": code}

    def rows(view: str, **asked: Any) -> list[dict[str, Any]]:
        found = pages.glance(request, programme, view, **asked)
        return list(found or []) if not isinstance(found, dict) else list(found.get("rows", []))

    return {
        "kinds": {one.code: one.title for one in pack.files},
        "activities": opened(pack, shown["opens"]),
        "files": rows("files", provider=code, limit=50),
        "conditions": rows("conditions", provider=code),
        "due": rows("licensing_calendar", days=120, provider=code),
        "exceeded": rows("reported_volumes", exceeded=True, provider=code),
        "may_note": may(actor, ACTS["NoteBreach"]),
        "offered": [
            (ACTS[act], f"acts/{act}?{urlencode(given if act != 'Surrender' else {})}")
            for act in _OF_PROVIDER
            if may(actor, ACTS[act])
        ],
        "stops": STOPS,
    }


def opened(pack: LicensingPack, opens: Sequence[str]) -> list[tuple[str, bool]]:
    """Every activity of the pack, in its words, and whether it is open."""
    return [(words, code in opens) for code, words in pack.activities.items()]


def grouped_work(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Open files by whose they are: the reader's, a colleague's, then those who are waited for."""
    groups: dict[str, list[Mapping[str, Any]]] = {
        "mine": [], "colleague": [], "consulted": [], "applicant": [], "others": [], "standing": [],
    }  # fmt: skip
    for row in rows:
        turn = row["turn"]
        if row["kind"] in _STANDING and row["due_on"] is None:
            groups["standing"].append(row)
        elif turn == "authority":
            groups["mine" if set(row["mine"]) - _ASIDE else "colleague"].append(row)
        else:
            groups[turn if turn in groups else "others"].append(row)
    return [(name, found) for name, found in groups.items() if found]
