"""Server-rendered pages over the same views and acts as the API; readable without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException

from amanat.access.actors import Actor
from amanat.access.acts import ACTS, VIEWS, ActKind, ViewKind
from amanat.access.effects import from_json
from amanat.access.sessions import Session
from amanat.app import Application
from amanat.core.errors import AmanatError, NotFound, Refusal, Refusals, Unauthenticated
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.web import (
    licensing_desk,
    subjects,
    supervision_desk,
    supervision_pages,
    tables,
    texts,
)
from amanat.web.guard import FormTokens
from amanat.web.messages import Reader, message_text, refusal_text
from amanat.web.places import PARENTS, here, sections_for
from amanat.web.visitors import session_cookie

_PART_ROWS = 1_000
_DOWNLOAD_ROWS_MAX = 200_000
# Where the subject of a journal entry or proposal leads, by its first word.
SUBJECTS = {
    "programme": ("security", "isin"),
    "security": ("security", "isin"),
    "tender": ("tender", "tender"),
    "payment": ("payment", "payment"),
    "participant": ("participant", "participant"),
    "asset": ("asset", "asset"),
    "instruction": ("instruction", "instruction"),
    "agreement": ("agreement", "agreement"),
    "complaint": ("complaint", "complaint"),
    "rulebook": ("rulebook", "rulebook"),
}
# Where the `id` of a row leads, by the view that lists it.
ROW_LINKS = {
    "instructions": ("instruction", "instruction"),
    "fails": ("instruction", "instruction"),
    "payments": ("payment", "payment"),
    "journal": ("entry", "id"),
}
# Where a value of this column leads: the view and the query field that shows the thing.
LINKS = {
    "isin": ("security", "isin"),
    "tender": ("tender", "tender"),
    "proposal": ("proposal", "proposal"),
    "instruction": ("instruction", "instruction"),
    "payment": ("payment", "payment"),
    "participant": ("participant", "participant"),
    "asset": ("asset", "asset"),
    "entry": ("entry", "id"),
    "entry_id": ("entry", "id"),
    "journal_id": ("entry", "id"),
    "agreement": ("agreement", "agreement"),
    "complaint": ("complaint", "complaint"),
    "rulebook": ("rulebook", "rulebook"),
    "case": ("case", "case"),
    "alert": ("monitoring_alert", "alert"),
    "hit": ("screening_hit", "hit"),
    "refused": ("return_errors", "refused"),
    "return": ("accepted_return", "accepted"),
    "monitoring_run": ("monitoring_run", "run"),
    "report": ("report", "report"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of an error summary."""

    field: str | None
    text: str


def problems_of(error: AmanatError, reader: Reader) -> list[Problem]:
    """The lines of the error summary in the reader's language, each with its field."""
    refusals = error.refusals if isinstance(error, Refusals) else (error,)
    return [_problem(one, reader) for one in refusals]


def _problem(error: AmanatError, reader: Reader) -> Problem:
    place = error.place if isinstance(error, Refusal) else None
    return Problem(place.field if place else None, refusal_text(reader, error))


@cache
def asset(name: str) -> str:
    """The address of a static file, which changes with its content."""
    content = (files("amanat.web") / "static" / name).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


class Pages:
    """Renders pages for one application."""

    def __init__(self, app: Application, tokens: FormTokens) -> None:
        self.app = app
        self.tokens = tokens
        self._environments = {language: _environment(language) for language in texts.LANGUAGES}

    def actor(self, request: Request, programme: str | None = None) -> Actor | None:
        """Who looks; a session that has ended, or of another programme, counts as nobody."""
        session = self.session(request)
        found = None if session is None else session.actor
        return found if found is None or programme in (None, found.programme) else None

    def session(self, request: Request) -> Session | None:
        """The valid session of whoever looks."""
        if not hasattr(request.state, "session"):
            secret = session_cookie(request)
            request.state.session = self.app.entrance.session(secret) if secret else None
        found: Session | None = request.state.session
        return found

    def reader(self, request: Request) -> Reader:
        """The language of the request, and the zone of its programme."""
        programme = request.path_params.get("programme")
        for one in self.app.programmes() if programme else ():
            if one["code"] == programme:
                return Reader(language_of(request), one["zone"])
        return Reader(language_of(request))

    def look(self, request: Request, programme: str, name: str, fields: Mapping[str, Any]) -> Any:
        """What a view shows this reader."""
        return self.app.desk.view(self.actor(request, programme), programme, name, fields)

    def glance(self, request: Request, programme: str, name: str, **fields: Any) -> Any:
        """What a view shows this reader, or None where it is not theirs to see."""
        kind = VIEWS.get(name)
        if kind is None or (not kind.public and self.actor(request, programme) is None):
            return None
        try:
            return self.look(request, programme, name, fields)
        except NotFound:
            return None

    def compile_templates(self) -> None:
        """Compile every template, so that nobody's first look waits for it."""
        for environment in self._environments.values():
            for name in environment.list_templates(extensions=["html"]):
                environment.get_template(name)

    def draw_published(self, done: set[tuple[str, str]]) -> None:
        """Draw the results that are published and not yet in `done`, in every language."""
        for one in self.app.programmes():
            for tender in self.app.desk.view(None, one["code"], "tenders", {}):
                drawn = (one["code"], str(tender["result_digest"]))
                if tender["result_digest"] is None or drawn in done:
                    continue
                asked = {"tender": tender["tender"]}
                shown = self.app.desk.view(None, one["code"], "tender", asked)
                for language in texts.LANGUAGES:
                    picture_of(shown, language)
                done.add(drawn)

    def render(
        self, request: Request, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """One page in the reader's language."""
        language = language_of(request)
        programme = values.get("programme")
        facts = self.app.programme_facts(programme) if programme else {}
        actor = self.actor(request)
        path = request.url.path
        kept = {k: v for k, v in request.query_params.items() if k != "lang"}

        def with_language(code: str) -> str:
            return f"{path}?{urlencode({**kept, 'lang': code})}"

        html = (
            self._environments[language]
            .get_template(template)
            .render(
                {"simulation": False, "zone": "UTC", "currency": "PKR"}
                | facts
                | values
                | {
                    "actor": actor,
                    "form_token": self.tokens.issue(session_cookie(request)),
                    "with_language": with_language,
                    "sections": sections_for(actor, programme),
                    "here": here(path, programme),
                    "programme": programme,
                }
            )
        )
        response = HTMLResponse(html, status)
        if request.query_params.get("lang") in texts.LANGUAGES:
            response.set_cookie("lang", language, samesite="lax", httponly=True)
        return response

    def refuse(self, request: Request, error: AmanatError) -> Response:
        """The page of an expected error; who is not signed in is asked to sign in first."""
        if isinstance(error, Unauthenticated) and request.method == "GET":
            return RedirectResponse(f"/sign-in?{urlencode({'next': _own_address(request)})}", 303)
        return self.render(
            request,
            "refused.html",
            error.status,
            problems=problems_of(error, self.reader(request)),
        )

    def refuse_http(self, request: Request, error: HTTPException) -> Response:
        """The page of an error of HTTP itself."""
        problems = [Problem(None, texts.translated(language_of(request), str(error.detail)))]
        return self.render(request, "refused.html", error.status_code, problems=problems)


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(str(files("amanat.web") / "templates"))),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        texts.catalogue(language), newstyle=True
    )
    environment.filters.update(texts.filters(language))
    environment.tests["identifier"] = texts.is_identifier
    environment.tests["day"] = texts.is_day
    environment.tests["file_number"] = texts.is_file_number
    environment.tests["message"] = lambda value: isinstance(value, Message)
    environment.filters["told"] = lambda value: (
        str(value) if language == "en" else message_text(Reader(language), value)
    )
    environment.filters["shape_of"] = lambda name: texts.shape_of(str(name), "PKR")
    environment.globals.update(
        asset=asset,
        direction=texts.direction(language),
        language=language,
        languages=texts.LANGUAGES,
        links=LINKS,
        row_links=ROW_LINKS,
        subject_links=SUBJECTS,
        named=lambda name: texts.translated(language, texts.words(str(name))),
        new_key=new_id,
        said=lambda text: texts.translated(language, texts.headline(str(text))),
        worded=lambda text: texts.translated(language, str(text)),
        views=VIEWS,
    )
    return environment


def _own_address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def language_of(request: Request) -> str:
    """By `?lang=`, else by cookie, else English."""
    wanted = request.query_params.get("lang") or request.cookies.get("lang") or "en"
    return wanted if wanted in texts.LANGUAGES else "en"


def may(actor: Actor | None, kind: ActKind) -> bool:
    """Whether the reader may propose an act; the policy decides again when they do."""
    return (
        actor is not None
        and (kind.personal or bool(actor.capacities & kind.capacities))
        and (kind.personal or actor.role.value in kind.roles)
        and (kind.personal or actor.role.value != "viewer")
    )


def router(pages: Pages) -> APIRouter:
    """The pages that read."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def home(request: Request) -> Response:
        found = {"rows": pages.app.programmes()}
        wanted = download(request, found, found["rows"])
        return wanted or pages.render(
            request, "home.html", tables=sheets(request, "programmes", found, "PKR")
        )

    @routes.get("/p/{programme}")
    def programme_page(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        return _programme_page(pages, request, programme)

    @routes.get("/p/{programme}/views")
    def all_views(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        inside = pages.actor(request, programme) is not None
        offered = [
            kind
            for kind in sorted(VIEWS.values(), key=lambda one: (one.room, one.name))
            if kind.public or inside
        ]
        return pages.render(request, "views.html", programme=programme, offered=offered)

    @routes.get("/p/{programme}/v/{name}")
    def view_page(request: Request, programme: str, name: str) -> Response:
        pages.app.require_programme(programme)
        if name not in VIEWS:
            raise NotFound(thing="page", value=name)
        given = {k: v for k, v in request.query_params.items() if v}
        return page_of_view(pages, request, programme, VIEWS[name], given)

    return routes


def _programme_page(pages: Pages, request: Request, programme: str) -> Response:
    def seen(name: str) -> list[dict[str, Any]]:
        return tables.rows_of(pages.glance(request, programme, name)) or []

    shown = pages.look(request, programme, "programme", {})
    today = shown["day"]["business_date"] or ""
    found = {
        "securities": seen("securities"),
        "tenders": seen("tenders"),
        "payments": subjects.to_come(seen("payment_calendar"), today),
        "kinds": shown["kinds"],
        "classes": shown["classes"],
        "exchange_rates": shown["exchange_rates"],
    }
    wanted = download(request, found, shown)
    if wanted is not None:
        return wanted
    actor = pages.actor(request, programme)
    return pages.render(
        request,
        "overview.html",
        programme=programme,
        shown=shown,
        bar=subjects.ceiling_bar(shown),
        tables=sheets(request, "programme", found, shown["currency"]),
        acts=subjects.acts_for("programme", {}, [a for a in ACTS.values() if may(actor, a)]),
    )


def sheets(
    request: Request, view: str, found: Mapping[str, list[dict[str, Any]]], currency: str
) -> dict[str, tables.Table]:
    """The tables of a page, as the address asks for them."""
    parameters = {k: v for k, v in request.query_params.items() if k != "lang"}
    return {
        name: tables.table_of(
            name,
            rows,
            request.url.path,
            parameters,
            preferred=tables.preferred(view, name),
            currency=currency,
        )
        for name, rows in found.items()
    }


def page_of_view(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ViewKind,
    given: Mapping[str, str],
    problems: Sequence[Problem] = (),
) -> Response:
    """The page of a view; `problems` are those of a form on it that was just sent."""
    actor = pages.actor(request, programme)
    if not kind.public and actor is None:
        raise Unauthenticated(reason="this page is for people of the programme")
    fields = {k: v for k, v in given.items() if k in kind.query.model_fields}
    required = [name for name, info in kind.query.model_fields.items() if info.is_required()]
    if any(name not in fields for name in required):
        return pages.render(
            request, "ask.html", programme=programme, name=kind.name, kind=kind, given=fields
        )
    wanted = request.query_params.get("format")
    shown = _shown(pages, request, programme, kind, fields, whole=wanted is not None)
    found = tables.named_tables(shown, kind.name) | _further(pages, request, programme, kind, shown)
    answer = download(request, found, shown)
    if answer is not None:
        return answer
    shown, told = supervision_pages.in_words(kind.name, shown, found, pages.reader(request))
    state = shown.get("state") if isinstance(shown, dict) else None
    return pages.render(
        request,
        f"{kind.name}.html" if _has_template(kind.name) else "view.html",
        422 if problems else 200,
        problems=problems,
        programme=programme,
        name=kind.name,
        kind=kind,
        parent=PARENTS.get(kind.name),
        shown=shown,
        asked=fields,
        tables=sheets(request, kind.name, told, "PKR"),
        acting=kind.name in subjects.ACTS_OF,
        acts=subjects.acts_for(
            kind.name, fields, [a for a in ACTS.values() if may(actor, a)], state
        ),
        older=_older(request, kind, shown),
        **_extra(pages, request, programme, kind, shown, told),
    )


def _shown(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ViewKind,
    fields: Mapping[str, Any],
    *,
    whole: bool,
) -> Any:
    """What a view shows; one that answers in parts is asked on for a download, up to a bound."""
    inside = kind.query.model_fields
    if "before" not in inside:
        return pages.look(request, programme, kind.name, fields)
    more = {"limit": _PART_ROWS} if "limit" in inside and "limit" not in fields else {}
    shown = pages.look(request, programme, kind.name, {**fields, **more})
    rows = tables.rows_of(shown, kind.name)
    following = _before(kind, shown)
    while whole and following is not None and rows and len(rows) < _DOWNLOAD_ROWS_MAX:
        part = pages.look(request, programme, kind.name, {**fields, **more, "before": following})
        rows.extend(tables.rows_of(part, kind.name) or [])
        following = _before(kind, part)
    return shown


def _before(kind: ViewKind, shown: Any) -> Any:
    """Where a view that answers in parts goes on; None at its end."""
    if not isinstance(shown, dict) or "before" not in kind.query.model_fields:
        return None
    if "next" in shown:
        return shown["next"]
    rows = tables.rows_of(shown, kind.name)
    return rows[-1].get("leaf") or None if rows else None


def _older(request: Request, kind: ViewKind, shown: Any) -> str | None:
    following = _before(kind, shown)
    if following is None:
        return None
    kept = {k: v for k, v in request.query_params.items() if k not in {"start", "lang"}}
    return f"{request.url.path}?{urlencode(kept | {'before': following})}"


def _further(
    pages: Pages, request: Request, programme: str, kind: ViewKind, shown: Any
) -> dict[str, list[dict[str, Any]]]:
    """The tables of a special page beside those of its view, as far as its reader may see them."""
    if kind.name in supervision_desk.PAGES:
        return supervision_desk.further(pages, request, programme, kind.name, shown)
    if kind.name == "tender" and shown.get("sheet"):
        return {"sheet": shown["sheet"]["rows"]}
    if kind.name == "security":
        isin = shown["isin"]
        holders = pages.glance(request, programme, "holders", isin=isin) or {}
        return {
            "holders": holders.get("lines", []),
            "payments": pages.glance(request, programme, "payment_calendar", isin=isin) or [],
        }
    return {}


def _extra(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ViewKind,
    shown: Any,
    found: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """What a special page shows beside its own view, as far as its reader may see that."""
    if kind.name == "case":
        asked = {"case": shown["case"]}
        network = pages.look(request, programme, "case_network", asked)
        return {"network": network, "picture": supervision_pages.network_svg(network)}
    if kind.name == "market_overview":
        language = language_of(request)
        return {
            "pictures": supervision_pages.market_pictures(
                shown, lambda text: texts.translated(language, text)
            )
        }
    if kind.name in supervision_desk.PAGES:
        return supervision_desk.extra(pages, request, programme, kind.name, shown, found)
    if kind.name in licensing_desk.PAGES:
        return licensing_desk.extra(pages, request, programme, kind.name, shown)
    if kind.name == "tender":
        return {"picture": picture_of(shown, language_of(request))}
    if kind.name == "security":
        today = pages.app.programme_facts(programme)["business_date"]
        isin = shown["isin"]
        return {
            "life": subjects.life_of_security(shown, found["payments"], today),
            "holders": pages.glance(request, programme, "holders", isin=isin) or {},
        }
    if kind.name == "proposal":
        reader, told = pages.reader(request), shown["effects"]
        effects = {
            name: [message_text(reader, one) for one in from_json(told[name] or [])]
            for name in ("announced", "now", "refused")
        }
        return effects | {"signing": parts_to_sign(shown, pages.actor(request, programme))}
    return {}


def parts_to_sign(shown: Mapping[str, Any], actor: Actor | None) -> list[dict[str, Any]]:
    """What of an open proposal this reader may sign, with which key; its place in the proposal."""
    if actor is None or shown["state"] != "open":
        return []
    approves = not shown["mine"] and actor.role.value == "approver"
    return [
        {"place": place, "signer": need["key"] or actor.address, **need}
        for place, need in enumerate(shown["requirements"])
        if need["institution"] == actor.institution
        and need["met_at"] is None
        and (need["key"] or actor.address)
        and (approves or (shown["mine"] and need["proposer_counts"]))
    ]


def picture_of(shown: Mapping[str, Any], language: str) -> subjects.TenderPicture | None:
    """The picture of a tender in a language; None before its book is open to the reader."""

    def say(text: str) -> str:
        return texts.translated(language, text)

    def figure(text: str) -> str:
        return texts.left_to_right(language, text)

    return subjects.tender_picture(shown, say, figure)


def download(
    request: Request, found: Mapping[str, list[dict[str, Any]]], shown: Any
) -> Response | None:
    """What was asked for instead of a page: one table as CSV, or everything as JSON."""
    wanted = request.query_params.get("format")
    if wanted is None:
        return None
    name = request.query_params.get("table", "rows")
    if wanted == "json" and "table" not in request.query_params:
        return JSONResponse(shown)
    if wanted not in {"csv", "json"} or name not in found:
        raise NotFound(thing="download", value=f"{name} ({wanted})")
    prefix = "" if name == "rows" else f"{name}."
    rows = tables.select(found[name], request.query_params, prefix)
    if wanted == "json":
        return JSONResponse(rows)
    thing = request.url.path.rsplit("/", 1)[-1] + ("" if name == "rows" else f"-{name}")
    headers = {"Content-Disposition": f'attachment; filename="{thing}.csv"'}
    return Response(tables.csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)


@cache
def _has_template(name: str) -> bool:
    return (files("amanat.web") / "templates" / f"{name}.html").is_file()
