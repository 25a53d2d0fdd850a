"""Signing in and out on the pages: with a token; proving again; one's own sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from amanat.access import sessions
from amanat.access.attempts import LockedOut
from amanat.access.sessions import Session
from amanat.core.errors import AmanatError, Unauthenticated
from amanat.core.messages import Message
from amanat.web.guard import FormNotOurs, require_own_origin
from amanat.web.nested import FIELDS_MAX
from amanat.web.pages import Pages, Problem, problems_of
from amanat.web.visitors import give_cookie, session_cookie, take_cookie, visitor_of


async def form_of(request: Request) -> FormData:
    """The posted form; refuses `FormNotOurs` when another site sent it."""
    require_own_origin(request)
    return await request.form(max_files=0, max_fields=200)


Form = Annotated[FormData, Depends(form_of)]


async def act_form_of(request: Request) -> FormData:
    """As `form_of`, with room for lists of things, part by part."""
    require_own_origin(request)
    return await request.form(max_files=0, max_fields=FIELDS_MAX)


ActForm = Annotated[FormData, Depends(act_form_of)]


def require_token(pages: Pages, request: Request, form: FormData) -> None:
    """Refuse `FormNotOurs` unless the form was made for this session."""
    if not pages.tokens.holds(session_cookie(request), str(form.get("form_token", ""))):
        raise FormNotOurs()


def require_session(pages: Pages, request: Request, programme: str | None = None) -> Session:
    """The session of a request.  Refuses `Unauthenticated`."""
    found = pages.session(request)
    if found is None or programme not in (None, found.actor.programme):
        raise Unauthenticated(reason=Message("this page is for people of the programme"))
    return found


def prove_first(pages: Pages, session: Session, back: str) -> Response | None:
    """Where to prove again who one is, unless that was minutes ago; `back` leads on from there."""
    if session.is_fresh(pages.app.store.clock()):
        return None
    return RedirectResponse(f"/prove?{urlencode({'next': back})}", 303)


def own_path(address: str) -> str | None:
    """An address of ours to go on to; anything that could lead elsewhere is dropped."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/p/") else None


def router(pages: Pages) -> APIRouter:
    """The pages of signing in."""
    routes = APIRouter(include_in_schema=False)
    _in_routes(routes, pages)
    _proof_routes(routes, pages)
    _out_routes(routes, pages)
    _own_routes(routes, pages)
    return routes


def _by_token(
    pages: Pages, request: Request, template: str, following: str, enter: Callable[[], Response]
) -> Response:
    """What `enter` answers, or the page again with what was refused."""
    try:
        return enter()
    except (Unauthenticated, LockedOut) as error:
        problems = [Problem("token", one.text) for one in problems_of(error, pages.reader(request))]
        response = entry_page(pages, request, template, error.status, problems, following)
        return _with_wait(response, error)


def _with_wait(response: Response, error: AmanatError) -> Response:
    if isinstance(error, LockedOut):
        response.headers["Retry-After"] = str(error.fields["seconds"])
    return response


def entry_page(
    pages: Pages,
    request: Request,
    template: str,
    status: int,
    problems: list[Problem],
    following: str,
) -> Response:
    """A page that asks who one is, by every means that there is here."""
    return pages.render(
        request,
        template,
        status,
        problems=problems,
        following=own_path(following) or "",
        openid=pages.app.settings.sign_in.openid is not None,
    )


def _in_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/sign-in")
    def sign_in(request: Request) -> Response:
        following = request.query_params.get("next", "")
        return entry_page(pages, request, "sign_in.html", 200, [], following)

    @routes.post("/sign-in")
    def signed_in(request: Request, form: Form) -> Response:
        text, following = str(form.get("token", "")).strip(), str(form.get("next", ""))

        def enter() -> Response:
            entrance, former = pages.app.entrance, pages.session(request)
            opened = entrance.open_by_token(text, visitor_of(request), former)
            address = own_path(following) or f"/p/{opened.actor.programme}"
            response = RedirectResponse(address, 303)
            give_cookie(request, response, opened.secret)
            return response

        return _by_token(pages, request, "sign_in.html", following, enter)


def _proof_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/prove")
    def prove(request: Request) -> Response:
        require_session(pages, request)
        following = request.query_params.get("next", "")
        return entry_page(pages, request, "prove.html", 200, [], following)

    @routes.post("/prove")
    def proved(request: Request, form: Form) -> Response:
        session = require_session(pages, request)
        require_token(pages, request, form)
        text, following = str(form.get("token", "")).strip(), str(form.get("next", ""))

        def enter() -> Response:
            secret = pages.app.entrance.prove_by_token(session, text, visitor_of(request))
            address = own_path(following) or f"/p/{session.actor.programme}"
            response = RedirectResponse(address, 303)
            give_cookie(request, response, secret)
            return response

        return _by_token(pages, request, "prove.html", following, enter)


def _out_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post("/sign-out")
    def sign_out(request: Request, form: Form) -> Response:
        require_token(pages, request, form)
        session = pages.session(request)
        if session is not None:
            everywhere = form.get("everywhere") == "yes"
            only, reason = (None, "everywhere") if everywhere else (session.id, "signed out")
            pages.app.entrance.sign_out(session, visitor_of(request), only=only, reason=reason)
        response = RedirectResponse("/", 303)
        take_cookie(request, response)
        return response

    @routes.post("/p/{programme}/me/sessions/{identifier}/end")
    def end(request: Request, programme: str, identifier: str, form: Form) -> Response:
        session = require_session(pages, request, programme)
        require_token(pages, request, form)
        pages.app.entrance.sign_out(
            session, visitor_of(request), only=identifier, reason="ended from another session"
        )
        return RedirectResponse(f"/p/{programme}/me", 303)


def _own_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/p/{programme}/me")
    def mine(request: Request, programme: str) -> Response:
        session = require_session(pages, request, programme)
        shown: dict[str, Any] = pages.look(request, programme, "my_access", {})
        entrance, now = pages.app.entrance, pages.app.store.clock()
        valid = [one for one in shown["tokens"] if one["expires_at"] > now.isoformat()]
        with pages.app.store.reading() as connection:
            rows = sessions.of_person(
                connection, programme, session.actor.person, now, entrance.rules.terms
            )
        return pages.render(
            request,
            "me.html",
            programme=programme,
            shown=shown | {"tokens": valid},
            own_sessions=rows,
            session=session,
            fresh=session.is_fresh(now),
        )
