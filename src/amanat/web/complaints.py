"""Complaints of the public: a form, its check, a reference number, and the state to who wrote.

Nobody signs in.  The same is an interface: `POST …/complaints` and `POST …/complaints/state`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.datastructures import FormData

from amanat.access.desk import parse
from amanat.access.entrance import Visitor
from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.licensing.complaints.commands import ComplaintNumber, PublicComplaint, Topic
from amanat.licensing.complaints.intake import (
    NoSuchComplaint,
    Taken,
    complaint_state,
    take_complaint,
)
from amanat.web.pages import Pages, Problem, problems_of
from amanat.web.sign_in import Form, require_token
from amanat.web.visitors import visitor_of

_FIELDS = ("provider", "about", "topic", "happened_on", "text", "remedy", "name", "mail", "phone")
_LISTED_MAX = 1_000


class ComplaintTaken(BaseModel):
    """The number of a complaint, and the secret that opens its state, which is told once."""

    complaint: str
    secret: str | None = Field(description="null where the same key was taken before")


class StateAsked(BaseModel):
    """Which complaint, and the secret that was told when it was taken."""

    model_config = ConfigDict(extra="forbid")

    complaint: ComplaintNumber
    secret: Annotated[str, StringConstraints(min_length=1, max_length=40)]


class ComplaintState(BaseModel):
    """What the complainant reads of a complaint."""

    complaint: str
    about: str
    topic: str
    stage: str
    outcome: str | None
    findings: str | None
    answer: str | None
    received_on: str
    closed_on: str | None
    steps: list[dict[str, str]]


# -- interface ------------------------------------------------------------------------------------


def add_routes(api: APIRouter, app: Application) -> None:
    """The interface, under the prefix of a programme."""
    code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

    def complain(programme: str, complaint: PublicComplaint, request: Request) -> ComplaintTaken:
        app.require_programme(programme)
        stated = complaint.model_dump(mode="json")
        taken = _take(app, programme, stated, visitor_of(request), "api")
        return ComplaintTaken(complaint=taken.number, secret=taken.secret)

    def state(programme: str, asked: StateAsked) -> ComplaintState:
        app.require_programme(programme)
        with app.store.reading() as connection:
            found = complaint_state(connection, programme, asked.complaint, asked.secret)
        return ComplaintState.model_validate(found)

    for function in (complain, state):
        function.__annotations__["programme"] = code
    common: dict[str, Any] = {"methods": ["POST"], "tags": ["licensing"]}
    api.add_api_route(
        "/complaints",
        complain,
        status_code=201,
        operation_id="complain",
        summary="Complain about a provider, as anyone; a network may only so often in a day.",
        openapi_extra={"x-public": True},
        **common,
    )
    api.add_api_route(
        "/complaints/state",
        state,
        operation_id="complaint_state",
        summary="How far a complaint is, to who has its secret.",
        openapi_extra={"x-public": True},
        **common,
    )


def _take(
    app: Application, programme: str, stated: Mapping[str, Any], visitor: Visitor, channel: str
) -> Taken:
    return take_complaint(app.store, app.business_date, programme, stated, visitor, channel)


# -- pages ----------------------------------------------------------------------------------------


def router(pages: Pages) -> APIRouter:
    """The pages of a complainant."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/p/{programme}/complain")
    def complain(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        given = {k: v for k, v in request.query_params.items() if k == "provider"}
        return _form_page(pages, request, programme, given, [])

    @routes.post("/p/{programme}/complain")
    def complained(request: Request, programme: str, form: Form) -> Response:
        pages.app.require_programme(programme)
        require_token(pages, request, form)
        return _sent(pages, request, programme, form)

    @routes.get("/p/{programme}/complaint")
    def asking(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        return _state_page(pages, request, programme, {}, None, [])

    @routes.post("/p/{programme}/complaint")
    def asked(request: Request, programme: str, form: Form) -> Response:
        pages.app.require_programme(programme)
        require_token(pages, request, form)
        given = {name: str(form.get(name, "")).strip() for name in ("complaint", "secret")}
        try:
            with pages.app.store.reading() as connection:
                found = complaint_state(
                    connection, programme, given["complaint"].upper(), given["secret"]
                )
        except NoSuchComplaint as error:
            said = problems_of(error, pages.reader(request))
            problems = [Problem("complaint", one.text) for one in said]
            return _state_page(pages, request, programme, given, None, problems)
        return _state_page(pages, request, programme, given, found, [])

    return routes


def _given(form: FormData) -> dict[str, str]:
    """What was filled in, without what is empty."""
    given = {name: str(form.get(name, "")).strip() for name in (*_FIELDS, "key")}
    return {name: text for name, text in given.items() if text} | (
        {"may_name": "true"} if form.get("may_name") else {}
    )


def _sent(pages: Pages, request: Request, programme: str, form: FormData) -> Response:
    """The form again with its faults, the check of it, or the number once it was taken."""
    given, step = _given(form), form.get("step")
    if step in ("language", "change"):
        return _form_page(pages, request, programme, given, [])
    try:
        if step != "send":
            parse(PublicComplaint, given)
            return _check_page(pages, request, programme, given)
        taken = _take(pages.app, programme, given, visitor_of(request), "page")
    except AmanatError as error:
        if error.status >= 500:
            raise
        problems = problems_of(error, pages.reader(request))
        response = _form_page(pages, request, programme, given, problems, error.status)
        if error.status == 429:
            response.headers["Retry-After"] = str(getattr(error, "fields", {}).get("seconds", 60))
        return response
    return pages.render(request, "complaint_sent.html", programme=programme, taken=taken)


def _providers(pages: Pages, request: Request, programme: str) -> list[tuple[str, str]]:
    found = pages.glance(request, programme, "register_of_providers", limit=_LISTED_MAX) or {}
    return [(row["provider"], row["name"]) for row in found.get("rows", [])]


def _form_page(
    pages: Pages,
    request: Request,
    programme: str,
    given: Mapping[str, str],
    problems: Sequence[Problem],
    status: int = 422,
) -> Response:
    return pages.render(
        request,
        "complain.html",
        status if problems else 200,
        programme=programme,
        given=given,
        problems=problems,
        providers=_providers(pages, request, programme),
        topics=[one.value for one in Topic],
    )


def _check_page(
    pages: Pages, request: Request, programme: str, given: Mapping[str, str]
) -> Response:
    return pages.render(
        request,
        "complain_check.html",
        programme=programme,
        given=dict.fromkeys((*_FIELDS, "may_name"), "") | dict(given),
        providers=dict(_providers(pages, request, programme)),
    )


def _state_page(
    pages: Pages,
    request: Request,
    programme: str,
    given: Mapping[str, str],
    found: Mapping[str, Any] | None,
    problems: Sequence[Problem],
) -> Response:
    return pages.render(
        request,
        "complaint_state.html",
        404 if problems else 200,
        programme=programme,
        given=given,
        found=found,
        problems=problems,
    )
