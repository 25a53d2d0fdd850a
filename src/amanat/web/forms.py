"""Pages that change something: forms of acts, approvals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from amanat.access.acts import ACTS, VIEWS, ActKind
from amanat.access.desk import Outcome, parse
from amanat.access.shown_once import ShownOnce
from amanat.core.errors import AmanatError, Forbidden, NotFound, Refusal
from amanat.core.ids import new_id
from amanat.web import elsewhere, texts
from amanat.web.elsewhere import SignedForm, signatures_of
from amanat.web.messages import message_text
from amanat.web.pages import (
    Pages,
    Problem,
    download,
    language_of,
    may,
    page_of_view,
    problems_of,
    sheets,
)
from amanat.web.sign_in import Form, prove_first, require_session, require_token

# Never put into an address, where logs and history would keep them.
_SECRET_FIELDS = {"salt", "private_key", "ciphertext", "form", "holder", "name"}
_OURS = {"form_token", "idempotency_key", "step", "next", "token"}


def router(pages: Pages) -> APIRouter:
    """All pages with forms."""
    routes = APIRouter(include_in_schema=False)
    _act_routes(routes, pages)
    _proposal_routes(routes, pages)
    return routes


def _act_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/p/{programme}/acts")
    def acts(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        return _acts_page(pages, request, programme)

    @routes.get("/p/{programme}/acts/{name}")
    def act_form(request: Request, programme: str, name: str) -> Response:
        require_session(pages, request, programme)
        values = {k: v for k, v in request.query_params.items() if k != "lang"}
        return _form(pages, request, programme, _kind(name), values, [])

    @routes.post("/p/{programme}/acts/{name}")
    def act_sent(request: Request, programme: str, name: str, form: Form) -> Response:
        session, kind = require_session(pages, request, programme), _kind(name)
        require_token(pages, request, form)
        given = {key: str(value) for key, value in form.items()}
        values = {key: value for key, value in given.items() if key not in _OURS}
        step = given.get("step")
        if step == "mend":
            return _form(pages, request, programme, kind, values, [])
        try:
            command = parse(kind.command, read_form(kind, values))
            if step != "send":
                return _check(pages, request, programme, kind, values, command)
            if kind.personal:
                # What makes or ends one's own ways in is done by whoever has just proved it.
                proof = prove_first(pages, session, f"{request.url.path}?{urlencode(values)}")
                if proof is not None:
                    return proof
            key = given.get("idempotency_key")
            outcome = pages.app.desk.submit(session.actor, command, key=key)
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _form(pages, request, programme, kind, values, problems)
        pages.app.wake()
        return _outcome(pages, request, programme, outcome)


def _acts_page(pages: Pages, request: Request, programme: str) -> Response:
    """Every act with who may propose it; those that the reader may lead to their forms."""
    actor, language = pages.actor(request, programme), language_of(request)
    kinds = sorted(ACTS.values(), key=lambda one: (one.room, one.name))
    rows = [
        {
            "room": kind.room,
            "act": kind.name,
            "what_it_does": texts.translated(language, texts.headline(kind.summary)),
            "by": [texts.translated(language, texts.words(one)) for one in sorted(kind.capacities)],
            "second_person": kind.approvals is not None,
        }
        for kind in kinds
    ]
    wanted = download(request, {"rows": rows}, rows)
    return wanted or pages.render(
        request,
        "acts.html",
        programme=programme,
        tables=sheets(request, "acts", {"rows": rows}, "PKR"),
        hrefs={
            "act": {
                kind.name: f"{request.url.path}/{kind.name}" for kind in kinds if may(actor, kind)
            }
        },
    )


def _proposal_routes(routes: APIRouter, pages: Pages) -> None:
    elsewhere.add_routes(routes, pages)

    @routes.post("/p/{programme}/proposals/{identifier}/{decision}")
    def decide(
        request: Request, programme: str, identifier: str, decision: str, sent: SignedForm
    ) -> Response:
        form, brought = sent
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        if decision == "approve":
            back = f"/p/{programme}/v/proposal?{urlencode({'proposal': identifier})}"
            proof = prove_first(pages, session, back)
            if proof is not None:
                return proof
            try:
                shown = pages.look(request, programme, "proposal", {"proposal": identifier})
                given = signatures_of(shown, session.actor, form, brought)
                outcome = pages.app.desk.approve(session.actor, identifier, signatures=given)
            except Refusal as error:
                if "elsewhere" not in form or isinstance(error, NotFound | Forbidden):
                    raise
                reader = pages.reader(request)
                found = [Problem("signature", one.text) for one in problems_of(error, reader)]
                asked = {"proposal": identifier}
                return page_of_view(pages, request, programme, VIEWS["proposal"], asked, found)
        elif decision == "withdraw":
            outcome = pages.app.desk.withdraw(session.actor, identifier)
        else:
            raise NotFound(thing="page", value=decision)
        pages.app.wake()
        return _outcome(pages, request, programme, outcome)


def _outcome(pages: Pages, request: Request, programme: str, outcome: Outcome) -> Response:
    """What became of it; a secret of its result is shown here, once, in full."""
    result = outcome.result or {}
    secrets = {name: one for name, one in result.items() if isinstance(one, ShownOnce)}
    if "link" in secrets:
        origin = pages.app.settings.sign_in.origin or f"{request.url.scheme}://{request.url.netloc}"
        secrets["link"] = ShownOnce(origin + secrets["link"])
    plain = {name: one for name, one in result.items() if name not in secrets}
    return pages.render(
        request,
        "outcome.html",
        programme=programme,
        outcome=outcome,
        result=plain,
        secrets=secrets,
    )


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
    actor = require_session(pages, request, programme).actor
    reader = pages.reader(request)
    told: list[str] = []
    refused: list[Problem] = []
    try:
        told = [message_text(reader, one) for one in pages.app.desk.foresee(actor, command)]
    except AmanatError as error:
        if error.status >= 500:
            raise
        refused = problems_of(error, reader)
    keeps = kind.confidential or _SECRET_FIELDS & set(kind.command.model_fields)
    address = None if keeps else f"{request.url.path}?{urlencode(given)}"
    return pages.render(
        request,
        "check.html",
        programme=programme,
        kind=kind,
        values=given,
        stated=command.model_dump(mode="json"),
        effects=told,
        refused=refused,
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
