"""The desk of licensing: what is due and whose turn it is, for officers, approvers, stakeholders.

/p/{programme}/licensing            the work list
/p/{programme}/licensing/providers  providers with their standing
/p/{programme}/v/file?file=...      one file;  /v/provider?provider=...  one provider
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from amanat.access.actors import Actor
from amanat.access.acts import ACTS
from amanat.core.errors import NotFound
from amanat.licensing.model import CONFIRMS, CONSULTED
from amanat.licensing.records import pack_of
from amanat.participants.signing import AUTHORITY
from amanat.web.licensing_desk import grouped_work, titles_of_pack
from amanat.web.pages import Pages, download
from amanat.web.places import licenses
from amanat.web.sign_in import require_session

ROWS = 50
_FIELDS = ("kind", "stage", "overdue", "mine", "words")
GROUPS = {
    "mine": "For you to do",
    "colleague": "For a colleague: another officer or an approver",
    "consulted": "Stakeholders are asked",
    "applicant": "The applicant has to answer",
    "others": "Others are waited for",
    "standing": "Suspensions in force",
}
"""Headings of the work list, by whose turn it is."""
GROUPS_OF_OTHERS = GROUPS | {"consulted": "You are consulted"}
"""What a stakeholder reads there."""


def router(pages: Pages) -> APIRouter:
    """The desk's routes, all of which read."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/p/{programme}/licensing")
    def desk(request: Request, programme: str) -> Response:
        actor = require_session(pages, request, programme).actor
        if not licenses(actor):
            return RedirectResponse(f"/p/{programme}/apply", 303)
        return _desk(pages, request, programme, actor)

    @routes.get("/p/{programme}/licensing/providers")
    def providers(request: Request, programme: str) -> Response:
        actor = require_session(pages, request, programme).actor
        return _providers(pages, request, programme, actor)

    return routes


def _given(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    found = {name: request.query_params.get(name, "").strip() for name in names}
    return {name: value for name, value in found.items() if value}


def _desk(pages: Pages, request: Request, programme: str, actor: Actor) -> Response:
    asked = _given(request, _FIELDS)
    start = request.query_params.get("start", "0")
    work = pages.look(request, programme, "licensing_work", asked | {"start": start, "limit": ROWS})
    answer = download(request, {"rows": work["rows"]}, work)
    if answer is not None:
        return answer
    with pages.app.store.reading() as connection:
        pack = pack_of(connection, programme)

    def link(**changes: Any) -> str:
        kept = {k: str(v) for k, v in (asked | changes).items() if v not in (None, "", 0)}
        return f"/p/{programme}/licensing" + (f"?{urlencode(kept)}" if kept else "")

    authority = f"{AUTHORITY}.{pack.participant_class}"
    return pages.render(
        request,
        "licensing.html",
        programme=programme,
        work=work,
        groups=grouped_work(work["rows"]),
        headings=GROUPS if authority in actor.capacities else GROUPS_OF_OTHERS,
        assigns=authority in actor.capacities,
        proposals=_to_sign(pages, request, programme, actor),
        consultations=_asked_of(pages, request, programme, actor),
        confirms=_confirms(actor),
        asked=dict.fromkeys(_FIELDS, "") | asked,
        link=link,
        start=int(start) if start.isdecimal() else 0,
        kinds={one.code: one.title for one in pack.files},
        stages=sorted({one["stage"] for one in work["stages"]}),
        titles=titles_of_pack(pack),
    )


def _asked_of(pages: Pages, request: Request, programme: str, actor: Actor) -> list[dict[str, Any]]:
    """Consultations that wait for the reader's institution, where it is ever consulted."""
    if not any(one.startswith(f"{CONSULTED}.") for one in actor.capacities):
        return []
    found = pages.glance(request, programme, "consultations") or []
    return [one for one in found if one["consulted"] == actor.institution]


def _confirms(actor: Actor) -> list[str]:
    """The facts that an institution confirms."""
    prefix = f"{CONFIRMS}."
    return sorted(one.removeprefix(prefix) for one in actor.capacities if one.startswith(prefix))


def _to_sign(pages: Pages, request: Request, programme: str, actor: Actor) -> list[dict[str, Any]]:
    """Open proposals of licensing, those first that wait for the reader."""
    found = pages.glance(request, programme, "proposals", state="open") or {"rows": []}
    rows = [
        one | {"waits_for_me": actor.role.value == "approver" and one["person"] != actor.person}
        for one in found["rows"]
        if one["act"] in ACTS and ACTS[one["act"]].room == "licensing"
    ]
    return sorted(rows, key=lambda one: not one["waits_for_me"])


def _providers(pages: Pages, request: Request, programme: str, actor: Actor) -> Response:
    asked = _given(request, ("status", "words"))
    after = request.query_params.get("after", "0")
    if not licenses(actor):
        raise NotFound(thing="page", value="providers")
    rows = pages.look(request, programme, "providers", asked | {"after": after, "limit": ROWS})
    answer = download(request, {"rows": rows}, rows)
    if answer is not None:
        return answer
    with pages.app.store.reading() as connection:
        pack = pack_of(connection, programme)
    older = urlencode(asked | {"after": rows[-1]["number"]}) if len(rows) == ROWS else None
    return pages.render(
        request,
        "licensing_providers.html",
        programme=programme,
        rows=rows,
        older=f"/p/{programme}/licensing/providers?{older}" if older else None,
        asked={"status": "", "words": ""} | asked,
        statuses=[one.code for one in pack.statuses],
        titles=titles_of_pack(pack),
        confirms=_confirms(actor),
    )
