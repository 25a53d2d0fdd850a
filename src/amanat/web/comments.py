"""Comments of the public on a draft rulebook: a form, its fault or its number; and an interface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel

from amanat.access.entrance import Visitor
from amanat.app import Application
from amanat.core.errors import AmanatError
from amanat.licensing.openness.commands import PublicComment
from amanat.licensing.openness.rulebooks import Commented, take_comment
from amanat.web.pages import Pages, Problem, problems_of
from amanat.web.sign_in import Form, require_token
from amanat.web.visitors import visitor_of

_FIELDS = ("name", "text", "mail", "key")
_PAGE = "/p/{programme}/rulebook/{rulebook}/{version}/comment"


class CommentTaken(BaseModel):
    """The number of a comment among those on its version."""

    number: int


def add_routes(api: APIRouter, app: Application) -> None:
    """The interface, under the prefix of a programme."""
    code = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

    def comment(programme: str, stated: PublicComment, request: Request) -> CommentTaken:
        app.require_programme(programme)
        taken = _take(app, programme, stated.model_dump(mode="json"), visitor_of(request))
        return CommentTaken(number=taken.number)

    comment.__annotations__["programme"] = code
    api.add_api_route(
        "/comments",
        comment,
        methods=["POST"],
        status_code=201,
        operation_id="comment",
        summary="Comment on a rulebook that is consulted on, as anyone.",
        tags=["licensing"],
        openapi_extra={"x-public": True},
    )


def _take(
    app: Application, programme: str, stated: Mapping[str, Any], visitor: Visitor
) -> Commented:
    return take_comment(app.store, app.business_date, programme, stated, visitor)


def router(pages: Pages) -> APIRouter:
    """The page on which a draft is commented."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(_PAGE)
    def commenting(request: Request, programme: str, rulebook: str, version: int) -> Response:
        shown = _rulebook(pages, request, programme, rulebook, version)
        return _page(pages, request, programme, shown, {}, [], None)

    @routes.post(_PAGE)
    def commented(
        request: Request, programme: str, rulebook: str, version: int, form: Form
    ) -> Response:
        shown = _rulebook(pages, request, programme, rulebook, version)
        require_token(pages, request, form)
        given = {name: str(form.get(name, "")).strip() for name in _FIELDS}
        if form.get("step") == "language":
            return _page(pages, request, programme, shown, given, [], None)
        stated: dict[str, Any] = {name: text for name, text in given.items() if text}
        stated |= {"rulebook": rulebook, "version": version}
        try:
            taken = _take(pages.app, programme, stated, visitor_of(request))
        except AmanatError as error:
            if error.status >= 500:
                raise
            problems = problems_of(error, pages.reader(request))
            return _page(pages, request, programme, shown, given, problems, None, error.status)
        return _page(pages, request, programme, shown, {}, [], taken.number)

    return routes


def _rulebook(
    pages: Pages, request: Request, programme: str, rulebook: str, version: int
) -> dict[str, Any]:
    pages.app.require_programme(programme)
    asked = {"rulebook": rulebook, "version": version}
    shown: dict[str, Any] = pages.look(request, programme, "rulebook", asked)
    return shown


def _page(
    pages: Pages,
    request: Request,
    programme: str,
    shown: Mapping[str, Any],
    given: Mapping[str, str],
    problems: Sequence[Problem],
    number: int | None,
    status: int = 422,
) -> Response:
    return pages.render(
        request,
        "rulebook_comment.html",
        status if problems else 200,
        programme=programme,
        shown=shown,
        given=given,
        problems=problems,
        number=number,
    )
