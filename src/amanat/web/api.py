"""The HTTP API: every declared act and view under one path each, described in OpenAPI 3.1.

Acts and approvals take an `Idempotency-Key`; the same key with the same command answers with the
first outcome.
Lists answer in pages: `rows` and, where there are more, `next`, which is the `cursor` to ask with.
"""

from __future__ import annotations

import base64
import inspect
import json
import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from amanat.access.actors import Actor
from amanat.access.acts import ACTS, VIEWS, ActKind, ViewKind
from amanat.access.desk import parse
from amanat.app import Application
from amanat.core.errors import Invalid, NotFound, Unauthenticated
from amanat.core.messages import Message
from amanat.web import comments, complaints, documents, objections, returns
from amanat.web.problems import PROBLEM_SCHEMA
from amanat.web.visitors import visitor_of

PAGE_ROWS_MAX = 500
_PAGING = ("limit", "cursor")
ProgrammeCode = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=120, pattern=r"^[!-~]+$")
]
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text,
        "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
    }
    for status, text in (
        (400, "Not HTTP as we speak it"),
        (401, "Not signed in"),
        (403, "Not for this actor"),
        (404, "No such thing, or not yours to see"),
        (409, "A rule refuses it; nothing changed"),
        (422, "The input is wrong; all errors at once"),
        (429, "Too many requests, or locked out; see Retry-After"),
        (503, "A part outside does not answer"),
    )
}


class CursorNotOurs(Invalid):
    """A cursor is given back exactly as it came."""

    template = "{cursor} is not a cursor of this list."


class OutcomeBody(BaseModel):
    """What became of a submission."""

    act: str
    state: str = Field(description="carried_out, proposed or withdrawn")
    proposal: str | None
    digest: str | None
    awaits: list[str]
    result: dict[str, Any] | None


class ApprovalBody(BaseModel):
    """Signatures made offline, by the digest that was signed; empty where the key is held here."""

    model_config = ConfigDict(extra="forbid")

    signatures: dict[
        Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")],
        Annotated[str, Field(pattern=r"^[0-9a-f]{130}$")],
    ] = {}


def actor_of(request: Request, app: Application, programme: str) -> Actor | None:
    """The actor behind the bearer token; None without one.

    The console's cookie counts for nothing here, so that no other site's page can act through it.
    """
    stated = request.headers.get("Authorization", "")
    if not stated.strip():
        return None
    scheme, _, token = stated.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(reason="use a bearer token")
    return app.entrance.by_token(token.strip(), visitor_of(request), programme)


def router(app: Application) -> APIRouter:
    """All routes of the API, made from the declared acts and views."""
    api = APIRouter(prefix="/v1/programmes/{programme}", responses=_PROBLEMS)

    def signed_in(request: Request, programme: ProgrammeCode) -> Actor:
        actor = actor_of(request, app, programme)
        if actor is None:
            raise Unauthenticated(reason="no token was given")
        if actor.programme != programme:
            raise NotFound(thing="programme", value=programme)
        return actor

    def anyone(request: Request, programme: ProgrammeCode) -> Actor | None:
        actor = actor_of(request, app, programme)
        app.require_programme(programme)
        return actor

    for kind in sorted(ACTS.values(), key=lambda one: one.name):
        _add_act(api, app, kind, signed_in)
    for shown in sorted(VIEWS.values(), key=lambda one: one.name):
        _add_view(api, app, shown, anyone)
    _add_proposals(api, app, signed_in)
    complaints.add_routes(api, app)
    comments.add_routes(api, app)
    objections.add_routes(api, app)
    documents.add_routes(api, app, signed_in)
    returns.add_routes(api, app, signed_in)
    return api


def _add_act(
    api: APIRouter, app: Application, kind: ActKind, signed_in: Callable[..., Actor]
) -> None:
    def submit(
        command: Any,
        response: Response,
        actor: Annotated[Actor, Depends(signed_in)],
        key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        outcome = app.desk.submit(actor, command, key=key)
        app.wake()
        response.status_code = 202 if outcome.state == "proposed" else 200
        return outcome.as_json()

    submit.__annotations__["command"] = kind.command
    submit.__annotations__["actor"] = Annotated[Actor, Depends(signed_in)]
    api.add_api_route(
        f"/acts/{kind.name}",
        submit,
        methods=["POST"],
        name=kind.name,
        operation_id=kind.name,
        summary=kind.summary,
        description=_description(kind),
        tags=[kind.room],
        response_model=OutcomeBody,
        responses={202: {"model": OutcomeBody, "description": "Proposed; awaits others"}},
    )


def _description(kind: ActKind) -> str:
    who = ", ".join(sorted(kind.capacities))
    second = "Takes effect when others have approved it." if kind.approvals else ""
    return f"{(kind.command.__doc__ or '').strip()}\n\nBy: {who}. {second}"


def _add_view(
    api: APIRouter, app: Application, kind: ViewKind, anyone: Callable[..., Actor | None]
) -> None:
    def looking(request: Request, programme: ProgrammeCode) -> Actor | None:
        actor = anyone(request, programme)
        if actor is None and not kind.public:
            raise Unauthenticated(reason=Message("the view {view} is not public", view=kind.name))
        return actor

    def show(
        programme: ProgrammeCode,
        actor: Annotated[Actor | None, Depends(looking)],
        query: Any,
        limit: Annotated[int, Query(ge=1, le=PAGE_ROWS_MAX)] = 100,
        cursor: Annotated[str | None, Query(max_length=80)] = None,
    ) -> Any:
        fields = query.model_dump(exclude_unset=True)
        if "before" in kind.query.model_fields:
            fields |= {"limit": limit} | ({"before": _before(cursor)} if cursor else {})
            return app.desk.view(actor, programme, kind.name, fields)
        return page(app.desk.view(actor, programme, kind.name, fields), limit, cursor)

    show.__annotations__["query"] = Annotated[kind.query, Depends(_query_reader(kind))]
    show.__annotations__["actor"] = Annotated[Actor | None, Depends(looking)]
    api.add_api_route(
        f"/views/{kind.name}",
        show,
        methods=["GET"],
        name=f"view_{kind.name}",
        operation_id=f"view_{kind.name}",
        summary=kind.summary,
        tags=[kind.room],
        response_model=None,
        openapi_extra={"x-public": True} if kind.public else None,
    )


def _query_reader(kind: ViewKind) -> Callable[..., Any]:
    """A dependency whose parameters are the query's fields, so that OpenAPI lists each.

    A parameter that the view does not know is refused: a misspelt filter would show everything.
    """

    def read(asked: Request, **fields: Any) -> Any:
        given = {name: value for name, value in fields.items() if value is not None}
        known = {*kind.query.model_fields, *_PAGING}
        strange = {name: one for name, one in asked.query_params.items() if name not in known}
        return parse(kind.query, strange | given)

    parameters = [
        inspect.Parameter("asked", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    ]
    for name, info in kind.query.model_fields.items():
        default = Query(default=... if info.is_required() else None, description=info.description)
        annotation: Any = info.annotation
        if not info.is_required():
            annotation = annotation | None
        if info.metadata:
            annotation = Annotated[(annotation, *info.metadata)]
        parameters.append(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
            )
        )
    read.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return read


def _add_proposals(api: APIRouter, app: Application, signed_in: Callable[..., Actor]) -> None:
    identifier = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]

    def approve(
        proposal: Any,
        body: ApprovalBody,
        actor: Annotated[Actor, Depends(signed_in)],
        key: IdempotencyKey = None,
    ) -> dict[str, Any]:
        given = {signed: bytes.fromhex(text) for signed, text in body.signatures.items()}
        outcome = app.desk.approve(actor, proposal, signatures=given, key=key)
        app.wake()
        return outcome.as_json()

    def withdraw(proposal: Any, actor: Annotated[Actor, Depends(signed_in)]) -> dict[str, Any]:
        return app.desk.withdraw(actor, proposal).as_json()

    for function, text in (
        (approve, "Give your institution's approval; the last one carries the act out."),
        (withdraw, "Withdraw your institution's own open proposal."),
    ):
        function.__annotations__["proposal"] = identifier
        function.__annotations__["actor"] = Annotated[Actor, Depends(signed_in)]
        api.add_api_route(
            f"/proposals/{{proposal}}/{function.__name__}",
            function,
            methods=["POST"],
            operation_id=f"{function.__name__}_proposal",
            summary=text,
            tags=["proposals"],
            response_model=OutcomeBody,
        )


def page(shown: Any, limit: int, cursor: str | None) -> Any:
    """One page of a view that is a list or shows `rows`, as `rows`; other views whole."""
    if isinstance(shown, list):
        shown = {"rows": shown}
    if not isinstance(shown, dict) or not isinstance(shown.get("rows"), list):
        return shown
    start = _offset(cursor) if cursor else 0
    rows = shown["rows"]
    end = start + limit
    more = {"next": _cursor(end)} if end < len(rows) else {}
    return shown | {"rows": rows[start:end]} | more


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"from": offset}).encode()).decode().rstrip("=")


def _offset(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise CursorNotOurs(cursor=cursor) from None
    found = re.fullmatch(r'\{"from": (\d{1,15})\}', text)
    if found is None:
        raise CursorNotOurs(cursor=cursor)
    return int(found[1])


def _before(cursor: str) -> str:
    """The leaf or id before which a list goes on: the `next` of a view that answers in parts."""
    if not re.fullmatch(r"[0-9]{1,15}|[0-9a-f-]{36}", cursor):
        raise CursorNotOurs(cursor=cursor)
    return cursor
