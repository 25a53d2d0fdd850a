"""Objections of clients to being moved to another provider: a form, and an interface.

Nobody signs in: a client has the number of the winding-down, its reference and a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel

from amanat.access.entrance import Visitor
from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.licensing.enforcement.commands import PublicObjection
from amanat.licensing.enforcement.objections import Objected, take_objection
from amanat.web.pages import Pages, Problem, problems_of
from amanat.web.sign_in import Form, require_token
from amanat.web.visitors import visitor_of

_FIELDS = ("file", "client", "code", "reason")
_PAGE = "/p/{programme}/transfer/object"


class ObjectionTaken(BaseModel):
    """That a client's objection stands, of which winding-down, and since when."""

    file: str
    objected_on: str
    again: bool


def add_routes(api: APIRouter, app: Application) -> None:
    """The interface, under the prefix of a programme."""
    code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

    def objection(programme: str, stated: PublicObjection, request: Request) -> ObjectionTaken:
        app.require_programme(programme)
        taken = _take(app, programme, stated.model_dump(mode="json"), visitor_of(request))
        return ObjectionTaken(file=taken.file, objected_on=taken.objected_on, again=taken.again)

    objection.__annotations__["programme"] = code
    api.add_api_route(
        "/transfers/objections",
        objection,
        methods=["POST"],
        status_code=201,
        operation_id="object_to_transfer_as_client",
        summary="Object to being moved to another provider, as a client with its code.",
        tags=["licensing"],
        openapi_extra={"x-public": True},
    )


def _take(
    app: Application, programme: str, stated: Mapping[str, Any], visitor: Visitor
) -> Objected:
    return take_objection(app.store, app.business_date, programme, stated, visitor)


def router(pages: Pages) -> APIRouter:
    """The page on which a client objects."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(_PAGE)
    def objecting(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        given = {k: v for k, v in request.query_params.items() if k == "file"}
        return _page(pages, request, programme, given, [], None)

    @routes.post(_PAGE)
    def objected(request: Request, programme: str, form: Form) -> Response:
        pages.app.require_programme(programme)
        require_token(pages, request, form)
        given = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        stated = {name: text for name, text in given.items() if text}
        try:
            taken = _take(pages.app, programme, stated, visitor_of(request))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            # What opens a client's record is not written back into a page.
            kept = {name: text for name, text in given.items() if name != "code"}
            return _page(pages, request, programme, kept, problems, None, error.status)
        return _page(pages, request, programme, {}, [], taken)

    return routes


def _page(
    pages: Pages,
    request: Request,
    programme: str,
    given: Mapping[str, str],
    problems: Sequence[Problem],
    taken: Objected | None,
    status: int = 422,
) -> Response:
    return pages.render(
        request,
        "transfer_objection.html",
        status if problems else 200,
        programme=programme,
        given=given,
        problems=problems,
        taken=taken,
    )
