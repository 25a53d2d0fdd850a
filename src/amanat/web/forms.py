"""Pages that change something: signing in, forms of acts, approvals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from amanat.access.actors import Actor
from amanat.access.acts import ACTS, ActKind
from amanat.access.desk import parse
from amanat.access.tokens import authenticate
from amanat.core.errors import AmanatError, NotFound, Unauthenticated
from amanat.core.ids import new_id
from amanat.web.guard import FormNotOurs, require_own_origin
from amanat.web.pages import COOKIE, Pages, Problem, may, problems_of

# Never put into an address, where logs and history would keep them.
_SECRET_FIELDS = {"salt", "private_key", "ciphertext", "form", "holder", "name"}
_OURS = {"form_token", "idempotency_key", "step", "next", "token"}


async def form_of(request: Request) -> FormData:
    """The posted form; refuses `FormNotOurs` when another site sent it."""
    require_own_origin(request)
    return await request.form(max_files=0, max_fields=200)


Form = Annotated[FormData, Depends(form_of)]


def router(pages: Pages) -> APIRouter:
    """All pages with forms."""
    routes = APIRouter(include_in_schema=False)
    _sign_in_routes(routes, pages)
    _act_routes(routes, pages)
    _proposal_routes(routes, pages)
    return routes


def _require_token(pages: Pages, request: Request, form: FormData) -> None:
    session = request.cookies.get(COOKIE, "")
    if not pages.tokens.holds(session, str(form.get("form_token", ""))):
        raise FormNotOurs()


def _require_actor(pages: Pages, request: Request, programme: str) -> Actor:
    actor = pages.actor(request, programme)
    if actor is None:
        raise Unauthenticated(reason="this page is for people of the programme")
    return actor


def _sign_in_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/sign-in")
    def sign_in(request: Request) -> Response:
        following = request.query_params.get("next", "")
        return pages.render(request, "sign_in.html", problems=[], following=following)

    @routes.post("/sign-in")
    def signed_in(request: Request, form: Form) -> Response:
        token, following = str(form.get("token", "")).strip(), str(form.get("next", ""))
        try:
            with pages.app.store.reading() as connection:
                actor = authenticate(connection, token, pages.app.store.clock())
        except Unauthenticated as error:
            problems = [
                Problem("token", one.text) for one in problems_of(error, pages.reader(request))
            ]
            return pages.render(
                request, "sign_in.html", 401, problems=problems, following=following
            )
        response = RedirectResponse(_own_path(following) or f"/p/{actor.programme}", 303)
        response.set_cookie(
            COOKIE,
            token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return response

    @routes.post("/sign-out")
    def sign_out(request: Request, form: Form) -> Response:
        _require_token(pages, request, form)
        response = RedirectResponse("/", 303)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return response


def _own_path(address: str) -> str | None:
    """An address of ours to go on to; anything that could lead elsewhere is dropped."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/p/") else None


def _act_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/p/{programme}/acts")
    def acts(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        actor = pages.actor(request, programme)
        kinds = sorted(ACTS.values(), key=lambda one: (one.room, one.name))
        offered = [(kind, may(actor, kind)) for kind in kinds]
        return pages.render(request, "acts.html", programme=programme, offered=offered)

    @routes.get("/p/{programme}/acts/{name}")
    def act_form(request: Request, programme: str, name: str) -> Response:
        _require_actor(pages, request, programme)
        values = {k: v for k, v in request.query_params.items() if k != "lang"}
        return _form(pages, request, programme, _kind(name), values, [])

    @routes.post("/p/{programme}/acts/{name}")
    def act_sent(request: Request, programme: str, name: str, form: Form) -> Response:
        actor, kind = _require_actor(pages, request, programme), _kind(name)
        _require_token(pages, request, form)
        given = {key: str(value) for key, value in form.items()}
        values = {key: value for key, value in given.items() if key not in _OURS}
        step = given.get("step")
        if step == "mend":
            return _form(pages, request, programme, kind, values, [])
        try:
            command = parse(kind.command, read_form(kind, values))
            if step != "send":
                return _check(pages, request, programme, kind, values, command)
            outcome = pages.app.desk.submit(actor, command, key=given.get("idempotency_key"))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _form(pages, request, programme, kind, values, problems)
        pages.app.wake()
        return pages.render(request, "outcome.html", programme=programme, outcome=outcome)


def _proposal_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post("/p/{programme}/proposals/{identifier}/{decision}")
    def decide(
        request: Request, programme: str, identifier: str, decision: str, form: Form
    ) -> Response:
        actor = _require_actor(pages, request, programme)
        _require_token(pages, request, form)
        if decision == "approve":
            outcome = pages.app.desk.approve(actor, identifier)
        elif decision == "withdraw":
            outcome = pages.app.desk.withdraw(actor, identifier)
        else:
            raise NotFound(thing="page", value=decision)
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
    fields = fields_of(kind)
    known = {field["name"] for field in fields}
    return pages.render(
        request,
        "act.html",
        422 if problems else 200,
        programme=programme,
        kind=kind,
        fields=fields,
        values={key: value for key, value in values.items() if key in known},
        problems=[_placed(problem, known) for problem in problems],
        at_fault={str(problem.field).split(".")[0] for problem in problems},
        allowed=may(pages.actor(request, programme), kind),
    )


def _placed(problem: Problem, known: set[str]) -> Problem:
    """A problem at the field of the form that holds it, if any does."""
    field = (problem.field or "").split(".")[0]
    return Problem(field if field in known else None, problem.text)


def _check(
    pages: Pages,
    request: Request,
    programme: str,
    kind: ActKind,
    values: Mapping[str, str],
    command: Any,
) -> Response:
    """What is about to be sent, as the act will read it, before it is sent."""
    given = {key: value for key, value in values.items() if value.strip()}
    keeps = kind.confidential or _SECRET_FIELDS & set(kind.command.model_fields)
    address = None if keeps else f"{request.url.path}?{urlencode(given)}"
    return pages.render(
        request,
        "check.html",
        programme=programme,
        kind=kind,
        values=given,
        stated=command.model_dump(mode="json"),
        key=new_id(),
        come_back=address if address and len(address) < 2000 else None,
    )


def fields_of(kind: ActKind) -> list[dict[str, Any]]:
    """The fields of an act's form: name, control, choices, hint, whether it must be given."""
    schema = kind.command.model_json_schema()
    definitions = schema.get("$defs", {})
    required = set(schema.get("required", []))
    return [
        {"name": name, "required": name in required} | _control(shape, definitions)
        for name, shape in schema.get("properties", {}).items()
    ]


def _control(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    options = [_resolved(one, definitions) for one in shape.get("anyOf", [shape])]
    options = [one for one in options if one.get("type") != "null"]
    kinds = {one.get("type") for one in options}
    formats = {one.get("format") for one in options}
    choices: list[Any] = next((one["enum"] for one in options if "enum" in one), [])
    default = shape.get("default")
    if choices:
        control = "choice"
    elif "boolean" in kinds:
        control, choices = "choice", ["true", "false"]
    elif kinds & {"array", "object"}:
        control = "json"
    elif "date" in formats:
        control = "date"
    elif "date-time" in formats:
        control = "time"
    else:
        control = "number" if kinds == {"integer"} else "text"
    stated = default if isinstance(default, str | int) and not isinstance(default, bool) else None
    return {
        "control": control,
        "choices": [str(one) for one in choices],
        "default": stated,
        "example": _example(options, definitions) if control == "json" else "",
        "hint": shape.get("description", ""),
    }


def _resolved(shape: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = shape.get("$ref")
    if reference is None and len(shape.get("allOf", [])) == 1:
        reference = shape["allOf"][0].get("$ref")
    if reference is None:
        return shape
    found: Mapping[str, Any] = definitions[reference.rsplit("/", 1)[-1]]
    return found


def _example(options: list[Mapping[str, Any]], definitions: Mapping[str, Any]) -> str:
    """How a list or object is written, by the names of its fields."""
    for one in options:
        item = _resolved(one.get("items", one), definitions)
        inside = ", ".join(f'"{name}": …' for name in item.get("properties", {}))
        element = f"{{{inside}}}" if inside or item.get("type") == "object" else '"…"'
        if one.get("type") == "array":
            return f"[{element}, …]"
        return element
    return ""


def read_form(kind: ActKind, values: Mapping[str, str]) -> dict[str, Any]:
    """A form's texts as a command's fields: empty ones left out, lists and objects as JSON."""
    controls = {field["name"]: field["control"] for field in fields_of(kind)}
    fields: dict[str, Any] = {}
    for name, text in values.items():
        plain = text.strip()
        if plain == "":
            continue
        if controls.get(name) == "json":
            try:
                fields[name] = json.loads(plain)
            except ValueError:
                fields[name] = plain  # the schema then says what it should have been
        elif controls.get(name) == "number":
            fields[name] = plain.replace(",", "").replace(" ", "")
        else:
            fields[name] = plain
    return fields
