"""Server-rendered pages over the same views and acts as the API; readable without scripts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from amanat.access.actors import Actor, Role, authenticate
from amanat.access.acts import ACTS, VIEWS, ActKind
from amanat.access.desk import parse
from amanat.app import Application
from amanat.core.errors import AmanatError, NotFound, Refusal, Refusals, Unauthenticated
from amanat.core.ids import new_id
from amanat.web import texts
from amanat.web.api import actor_of, page
from amanat.web.charts import demand_curve

SECTIONS = (
    ("", "Programme"),
    ("/v/securities", "Securities"),
    ("/v/tenders", "Tenders"),
    ("/v/instructions", "Settlement"),
    ("/v/payments", "Payments"),
    ("/v/participants", "Participants"),
    ("/v/journal", "Journal"),
    ("/v/proposals", "Approvals"),
    ("/acts", "Acts"),
)
_ROWS = 50
# Where a value of this column leads: the view and the query field that shows the thing.
LINKS = {
    "isin": ("security", "isin"),
    "tender": ("tender", "tender"),
    "proposal": ("proposal", "proposal"),
    "instruction": ("instruction", "instruction"),
    "payment": ("payment", "payment"),
    "participant": ("participant", "participant"),
    "entry_id": ("entry", "id"),
    "journal_id": ("entry", "id"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One line of an error summary."""

    field: str | None
    text: str


def problems_of(error: AmanatError) -> list[Problem]:
    """The lines of the error summary, each with the field that it is about."""
    refusals = error.refusals if isinstance(error, Refusals) else (error,)
    return [
        Problem(one.place.field if isinstance(one, Refusal) and one.place else None, str(one))
        for one in refusals
    ]


class Pages:
    """Renders pages for one application."""

    def __init__(self, app: Application) -> None:
        self.app = app
        folder = Path(str(files("amanat.web") / "templates"))
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(texts.FILTERS)
        self._environment.globals.update(demand_curve=demand_curve, links=LINKS, new_key=new_id)

    def actor(self, request: Request) -> Actor | None:
        """Who looks; a token that no longer holds counts as nobody."""
        try:
            return actor_of(request, self.app)
        except Unauthenticated:
            return None

    def render(
        self, request: Request, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """One page in the reader's language."""
        language = language_of(request)
        environment = self._environment.overlay()
        environment.install_gettext_translations(  # type: ignore[attr-defined]
            texts.catalogue(language), newstyle=True
        )
        programme = values.get("programme")
        values.setdefault("actor", self.actor(request))
        if programme:
            values |= self.app.programme_facts(programme)
        here = request.url.path.removeprefix(f"/p/{programme}") if programme else None

        def with_language(code: str) -> str:
            return f"{request.url.path}?{urlencode({**request.query_params, 'lang': code})}"

        html = environment.get_template(template).render(
            values
            | {
                "language": language,
                "direction": texts.direction(language),
                "languages": texts.LANGUAGES,
                "with_language": with_language,
                "sections": SECTIONS,
                "here": here,
                "programme": programme,
                "simulation": values.get("simulation", False),
                "request": request,
            }
        )
        response = HTMLResponse(html, status)
        if "lang" in request.query_params:
            response.set_cookie("lang", language, samesite="lax", httponly=True)
        return response

    def look(self, request: Request, programme: str, name: str, fields: Mapping[str, Any]) -> Any:
        """What a view shows this reader."""
        return self.app.desk.view(self.actor(request), programme, name, fields)


def language_of(request: Request) -> str:
    """By `?lang=`, else by cookie, else English."""
    wanted = request.query_params.get("lang") or request.cookies.get("lang") or "en"
    return wanted if wanted in texts.LANGUAGES else "en"


def table_of(rows: list[dict[str, Any]], request: Request) -> dict[str, Any]:
    """Rows filtered, sorted and cut to a page by the parameters in the URL."""
    columns = [c for c in (rows[0] if rows else {}) if not isinstance(rows[0][c], dict | list)]
    sought = request.query_params.get("q", "").strip().lower()
    if sought:
        rows = [r for r in rows if any(sought in str(r.get(c, "")).lower() for c in columns)]
    order = request.query_params.get("sort", "")
    if order.lstrip("-") in columns:
        name = order.lstrip("-")
        rows = sorted(rows, key=lambda r: _sort_key(r.get(name)), reverse=order.startswith("-"))
    try:
        start = max(0, int(request.query_params.get("from", "0")))
    except ValueError:
        start = 0
    return {
        "columns": columns,
        "rows": rows[start : start + _ROWS],
        "count": len(rows),
        "start": start,
        "size": _ROWS,
        "sort": order,
        "sought": sought,
        "numeric": {c for c in columns if all(_is_number(r.get(c)) for r in rows[:50])},
    }


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int) or value is None:
        return True
    return isinstance(value, str) and value.replace(".", "", 1).lstrip("-").isdigit()


def _sort_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    return (1, float(value)) if _is_number(value) else (2, str(value))


def csv_of(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV; what a spreadsheet would take for a formula is kept as text."""
    columns = list(rows[0]) if rows else []
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = (
        json.dumps(value) if isinstance(value, dict | list) else "" if value is None else str(value)
    )
    risky = text[:1] in {"=", "+", "@", "\t", "\r"} or (text[:1] == "-" and not _is_number(text))
    return f"'{text}" if risky else text


def router(app: Application) -> APIRouter:
    """All pages."""
    pages = Pages(app)
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    def home(request: Request) -> Response:
        return pages.render(request, "home.html", programmes=app.programmes())

    @routes.get("/p/{programme}")
    def programme_page(request: Request, programme: str) -> Response:
        app.require_programme(programme)
        shown = {
            name: pages.look(request, programme, name, {})
            for name in ("programme", "securities", "tenders")
        }
        return pages.render(request, "programme.html", programme=programme, shown=shown)

    @routes.get("/p/{programme}/v/{name}")
    def view_page(request: Request, programme: str, name: str) -> Response:
        return _view_page(pages, request, programme, name)

    _sign_in_routes(routes, pages)
    _act_routes(routes, pages)
    return routes


def _view_page(pages: Pages, request: Request, programme: str, name: str) -> Response:
    pages.app.require_programme(programme)
    kind = VIEWS.get(name)
    if kind is None:
        raise NotFound(thing="page", value=name)
    if not kind.public and pages.actor(request) is None:
        return RedirectResponse(f"/sign-in?{urlencode({'next': str(request.url)})}", 303)
    fields = {k: v for k, v in request.query_params.items() if k in kind.query.model_fields and v}
    missing = [n for n, i in kind.query.model_fields.items() if i.is_required() and n not in fields]
    if missing:
        return pages.render(
            request, "ask.html", programme=programme, name=name, kind=kind, missing=missing
        )
    shown = pages.look(request, programme, name, fields)
    rows = shown.get("rows", []) if isinstance(shown, dict) else []
    wanted = request.query_params.get("format")
    if wanted == "csv":
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return Response(csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)
    if wanted == "json":
        return JSONResponse(page(shown, 10**9, None))
    template = f"{name}.html" if _has_template(name) else "view.html"
    return pages.render(
        request,
        template,
        programme=programme,
        name=name,
        kind=kind,
        shown=shown,
        asked=fields,
        table=table_of(rows, request),
        acts=[a for a in ACTS.values() if _may(pages.actor(request), a)],
        path=str(request.url.path) + ("?" + request.url.query if request.url.query else ""),
    )


def _has_template(name: str) -> bool:
    return (files("amanat.web") / "templates" / f"{name}.html").is_file()


def _may(actor: Actor | None, kind: ActKind) -> bool:
    return (
        actor is not None
        and bool(actor.capacities & kind.capacities)
        and actor.role.value in kind.roles
    )


def _sign_in_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/sign-in")
    def sign_in(request: Request) -> Response:
        return pages.render(request, "sign_in.html", problems=[])

    @routes.post("/sign-in")
    async def signed_in(request: Request) -> Response:
        form = await request.form()
        token = str(form.get("token", "")).strip()
        try:
            with pages.app.store.reading() as connection:
                actor = authenticate(connection, token, pages.app.store.clock())
        except Unauthenticated as error:
            return pages.render(request, "sign_in.html", 401, problems=problems_of(error))
        response = RedirectResponse(f"/p/{actor.programme}", 303)
        response.set_cookie("amanat_token", token, httponly=True, samesite="strict")
        return response

    @routes.get("/sign-out")
    def sign_out() -> Response:
        response = RedirectResponse("/", 303)
        response.delete_cookie("amanat_token")
        return response


def _act_routes(routes: APIRouter, pages: Pages) -> None:
    def require_actor(request: Request, programme: str) -> Actor:
        actor = pages.actor(request)
        if actor is None or actor.programme != programme:
            raise Unauthenticated(reason="this page is for people of the programme")
        return actor

    @routes.get("/p/{programme}/acts")
    def acts(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        actor = pages.actor(request)
        kinds = sorted(ACTS.values(), key=lambda one: (one.room, one.name))
        offered = [(kind, _may(actor, kind)) for kind in kinds]
        return pages.render(request, "acts.html", programme=programme, offered=offered)

    @routes.get("/p/{programme}/acts/{name}")
    def act_form(request: Request, programme: str, name: str) -> Response:
        require_actor(request, programme)
        values = {k: v for k, v in request.query_params.items() if k != "lang"}
        return _form(pages, request, programme, _kind(name), values, [])

    @routes.post("/p/{programme}/acts/{name}")
    async def act_sent(request: Request, programme: str, name: str) -> Response:
        actor, kind = require_actor(request, programme), _kind(name)
        values = {k: str(v) for k, v in (await request.form()).items()}
        key = values.pop("idempotency_key", None)
        try:
            command = parse(kind.command, read_form(kind, values))
            outcome = pages.app.desk.submit(actor, command, key=key)
        except AmanatError as error:
            if error.status >= 500:
                raise
            return _form(pages, request, programme, kind, values, problems_of(error))
        pages.app.wake()
        return pages.render(request, "outcome.html", programme=programme, outcome=outcome)

    @routes.post("/p/{programme}/proposals/{identifier}/{decision}")
    def decide(request: Request, programme: str, identifier: str, decision: str) -> Response:
        actor = require_actor(request, programme)
        if decision not in {"approve", "withdraw"}:
            raise NotFound(thing="page", value=decision)
        try:
            outcome = getattr(pages.app.desk, decision)(actor, identifier)
        except AmanatError as error:
            if error.status >= 500:
                raise
            return pages.render(
                request,
                "refused.html",
                error.status,
                programme=programme,
                problems=problems_of(error),
            )
        pages.app.wake()
        return pages.render(request, "outcome.html", programme=programme, outcome=outcome)


def _kind(name: str) -> ActKind:
    if name not in ACTS:
        raise NotFound(thing="act", value=name)
    return ACTS[name]


def _form(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ActKind,
    values: Mapping[str, str],
    problems: list[Problem],
) -> Response:
    schema = kind.command.model_json_schema()
    return pages.render(
        request,
        "act.html",
        422 if problems else 200,
        programme=programme,
        kind=kind,
        schema=schema,
        values=values,
        problems=problems,
        allowed=_may(pages.actor(request), kind),
        viewer=Role.VIEWER,
    )


def read_form(kind: ActKind, values: Mapping[str, str]) -> dict[str, Any]:
    """A form's texts as a command's fields: empty ones left out, lists and objects as JSON."""
    fields: dict[str, Any] = {}
    properties = kind.command.model_json_schema().get("properties", {})
    for name, text in values.items():
        if text.strip() == "":
            continue
        shape = properties.get(name, {})
        kinds = {shape.get("type")} | {one.get("type") for one in shape.get("anyOf", [])}
        if kinds & {"array", "object"} or "$ref" in shape:
            try:
                fields[name] = json.loads(text)
            except ValueError:
                fields[name] = text  # the schema then says what it should have been
        else:
            fields[name] = text.strip()
    return fields
