"""Pages that change something: forms of acts, approvals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from amanat.access.acts import ACTS, VIEWS, ActKind
from amanat.access.desk import Outcome, parse
from amanat.access.shown_once import ShownOnce
from amanat.core.errors import AmanatError, Forbidden, NotFound, Refusal
from amanat.core.ids import new_id
from amanat.web import composing, elsewhere, nested, report_forms, supervision_desk, texts
from amanat.web.act_fields import SCORES, fields_of, gathered, lines_of, read_form, scores_given
from amanat.web.elsewhere import SignedForm, signatures_of
from amanat.web.licensing_forms import about_of, offered
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
from amanat.web.sign_in import ActForm, prove_first, require_session, require_token

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
        kind = _kind(name)
        values = {k: v for k, v in request.query_params.items() if k != "lang"}
        values = report_forms.begun(pages, request, programme, kind, values)
        return _form(pages, request, programme, kind, values, [])

    @routes.post("/p/{programme}/acts/{name}")
    def act_sent(request: Request, programme: str, name: str, form: ActForm) -> Response:
        session, kind = require_session(pages, request, programme), _kind(name)
        require_token(pages, request, form)
        given = nested.folded(fields_of(kind), gathered(form))
        values = {key: value for key, value in given.items() if key not in _OURS}
        problems: list[Problem] = []
        if kind.name in composing.COMPOSING:
            values = composing.gathered(kind, values, composing.currency_of(pages, programme))
            problems = composing.problems_in(kind, values, pages.reader(request))
        step = given.get("step")
        if step == "mend":
            return _form(pages, request, programme, kind, values, [])
        if step is not None and step.startswith(nested.MORE):
            more = step.removeprefix(nested.MORE)
            return _form(pages, request, programme, kind, values, [], more)
        try:
            command = parse(kind.command, read_form(kind, values))
            if problems:
                return _form(pages, request, programme, kind, values, problems)
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
            problems += problems_of(error, pages.reader(request))
            return _form(pages, request, programme, kind, values, problems)
        pages.app.wake()
        return _outcome(pages, request, programme, outcome, values)


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
                about = shown["command"]
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
            outcome, about = pages.app.desk.withdraw(session.actor, identifier), {}
        else:
            raise NotFound(thing="page", value=decision)
        pages.app.wake()
        return _outcome(pages, request, programme, outcome, about)


def _outcome(
    pages: Pages, request: Request, programme: str, outcome: Outcome, about: Mapping[str, Any]
) -> Response:
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
        about=about_of(programme, {**about, **plain}),
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
    more: str = "",
) -> Response:
    fields = fields_of(kind)
    known = {field["name"] for field in fields}
    if kind.room == "licensing":
        fields = offered(pages, request, programme, kind, fields, values)
    elif kind.name in supervision_desk.SETTLES:
        fields = supervision_desk.with_dispositions(pages, request, programme, kind, fields)
    elif kind.name in report_forms.REPORTING:
        fields = report_forms.offered(pages, programme, fields)
    elif kind.name in composing.COMPOSING:
        fields = composing.offered(pages, request, programme, kind, fields, values)
    texts_of = {key: value for key, value in values.items() if key in known}
    laid, shown = nested.laid_out(fields, texts_of, more)
    placed = [_placed(problem, laid) for problem in problems]
    return pages.render(
        request,
        "act.html",
        422 if problems else 200,
        programme=programme,
        kind=kind,
        fields=laid,
        values=shown,
        problems=placed,
        at_fault={path for one in placed for path in _paths(one.field or "")},
        opened=more,
        allowed=may(pages.actor(request, programme), kind),
        about=about_of(programme, values),
        lines_of=lines_of,
        suggestions=_suggestions(pages, programme, kind),
        scores=scores_given(values.get(SCORES, "")),
    )


def _suggestions(pages: Pages, programme: str, kind: ActKind) -> dict[str, Any]:
    if kind.name in report_forms.REPORTING:
        return report_forms.suggestions(pages, programme)
    return {}


def _paths(place: str) -> list[str]:
    """A place in a form and all that it lies within."""
    parts = place.split(".")
    return [".".join(parts[: at + 1]) for at in range(len(parts))]


def _told(kind: ActKind, stated: dict[str, Any]) -> dict[str, Any]:
    """A command without what its effects say in words."""
    return {k: v for k, v in stated.items() if k != composing.COMPOSING.get(kind.name)}


def _placed(problem: Problem, fields: Sequence[Mapping[str, Any]]) -> Problem:
    """A problem at the field of the form that holds it, if any does."""
    place = problem.field or ""
    if place.split("-")[0] in composing.COMPOSING.values():
        return problem
    return Problem(nested.place_of(place, fields), problem.text)


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
        about=about_of(programme, given),
        values=given,
        stated=_told(kind, command.model_dump(mode="json")),
        effects=told,
        refused=refused,
        key=new_id(),
        come_back=address if address and len(address) < 2000 else None,
    )
