"""Passkeys on the pages: the link of an invitation, registering, signing in, proving again.

The page's script carries the answers of the browser's authenticator here as JSON; whatever is
refused comes back as a problem document, whose text the script shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from amanat.access import events, passkeys
from amanat.access.actors import Actor, load_actor
from amanat.access.attempts import of_person, require_unlocked
from amanat.access.passkeys import PasskeyRefused
from amanat.access.sessions import Session
from amanat.core.errors import AmanatError, NotFound, Unauthenticated
from amanat.core.messages import Message
from amanat.web import problems
from amanat.web.guard import FormNotOurs, require_own_origin
from amanat.web.pages import Pages, language_of
from amanat.web.sign_in import own_path, require_session
from amanat.web.visitors import give_cookie, session_cookie, site_of, visitor_of

PREFIX = "/passkeys"
_Secret = Annotated[str, Field(max_length=200)]


class Offered(BaseModel):
    """What the script asks options with."""

    model_config = ConfigDict(extra="forbid")

    form_token: _Secret = ""
    invitation: _Secret = ""


class Answered(Offered):
    """What the authenticator answered, to which ceremony."""

    ceremony: _Secret
    credential: dict[str, Any]
    label: Annotated[str, Field(max_length=passkeys.LABEL_MAX)] = ""
    next: Annotated[str, Field(max_length=2000)] = ""


async def _own(request: Request) -> None:
    require_own_origin(request)


def router(pages: Pages) -> APIRouter:
    """The routes of passkeys."""
    routes = APIRouter(include_in_schema=False)
    _invitation_routes(routes, pages)
    asked = APIRouter(prefix=PREFIX, include_in_schema=False, dependencies=[Depends(_own)])
    _registration_routes(asked, pages)
    _sign_in_routes(asked, pages)
    _proof_routes(asked, pages)
    routes.include_router(asked)
    return routes


def _answer(request: Request, work: Callable[[], Response]) -> Response:
    """What `work` answers; an expected error as a problem, since a script asked."""
    try:
        return work()
    except AmanatError as error:
        return problems.problem(error, language_of(request))


def _site(pages: Pages, request: Request) -> passkeys.Site:
    return site_of(request, pages.app.settings.sign_in.origin)


def _session(pages: Pages, request: Request, form_token: str) -> Session:
    session = require_session(pages, request)
    if not pages.tokens.holds(session_cookie(request), form_token):
        raise FormNotOurs()
    return session


def _invitation_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/join/{secret}")
    def join(request: Request, secret: str) -> Response:
        actor = _invited(pages, request, secret)[0]
        return pages.render(request, "join.html", invited=actor, invitation=secret)


def _invited(pages: Pages, request: Request, secret: str) -> tuple[Actor, str]:
    """Whom an invitation is for, and its id.  Refuses `LockedOut`, `Unauthenticated`."""
    entrance, visitor = pages.app.entrance, visitor_of(request)
    entrance.require_unlocked(visitor)
    try:
        with pages.app.store.engine.begin() as connection:
            row = passkeys.invited(connection, secret, pages.app.store.clock())
            return load_actor(connection, row.programme, row.person, "invitation"), row.id
    except NotFound:
        raise Unauthenticated(reason=Message("this invitation is not valid any more")) from None
    except Unauthenticated:
        entrance.refused("invitation", "this invitation is not valid any more", visitor)
        raise


def _registrant(pages: Pages, request: Request, asked: Offered) -> tuple[Actor, str | None]:
    """Who registers: whoever was invited, or a session that has just proved who it is."""
    if asked.invitation:
        return _invited(pages, request, asked.invitation)
    session = _session(pages, request, asked.form_token)
    if not session.is_fresh(pages.app.store.clock()):
        raise Unauthenticated(reason=Message("prove again who you are, then add the passkey"))
    if session.actor.scopes is not None:
        # A passkey serves whatever its person may, which is more than this session's token.
        raise Unauthenticated(reason=Message("this session began with a token that has scopes"))
    return session.actor, None


def _registration_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post("/registration/options")
    def options(request: Request, asked: Annotated[Offered, Body()]) -> Response:
        def work() -> Response:
            actor, invitation = _registrant(pages, request, asked)
            with pages.app.store.engine.begin() as connection:
                return JSONResponse(
                    passkeys.offer_registration(
                        connection,
                        actor,
                        _site(pages, request),
                        pages.app.store.clock(),
                        invitation,
                    )
                )

        return _answer(request, work)

    @routes.post("/registration")
    def register(request: Request, asked: Annotated[Answered, Body()]) -> Response:
        return _answer(request, lambda: _register(pages, request, asked))


def _register(pages: Pages, request: Request, asked: Answered) -> Response:
    actor, invitation = _registrant(pages, request, asked)
    entrance, store = pages.app.entrance, pages.app.store
    site, now, label = _site(pages, request), store.clock(), asked.label.strip() or "passkey"
    with store.engine.begin() as connection:
        kept = passkeys.finish(connection, "registration", asked.ceremony, now)
    if (kept["programme"], kept["person"]) != (actor.programme, actor.person):
        raise PasskeyRefused(reason="it is another person's")

    def work(connection: Any, note: Callable[..., None]) -> None:
        if invitation is not None:
            # Looked at again in this transaction, so that a link serves once.
            passkeys.invited(connection, asked.invitation, now)
            passkeys.use_invitation(connection, invitation, now)
        identifier = passkeys.register(connection, kept, asked.credential, label, site, now)
        by = "invitation" if invitation else "session"
        note(events.PASSKEY_REGISTERED, passkey=identifier, label=label, by=by)

    entrance.journalled(actor, visitor_of(request), work)
    following = f"/p/{actor.programme}/me" if invitation is None else "/sign-in"
    return JSONResponse({"next": following})


def _sign_in_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post("/sign-in/options")
    def options(request: Request) -> Response:
        def work() -> Response:
            pages.app.entrance.require_unlocked(visitor_of(request))
            with pages.app.store.engine.begin() as connection:
                now = pages.app.store.clock()
                offered = passkeys.offer_sign_in(connection, _site(pages, request), now)
            return JSONResponse(offered)

        return _answer(request, work)

    @routes.post("/sign-in")
    def sign_in(request: Request, asked: Annotated[Answered, Body()]) -> Response:
        def work() -> Response:
            actor = _verified(pages, request, asked, "sign_in")
            opened = pages.app.entrance.open(
                actor, visitor_of(request), former=pages.session(request)
            )
            following = own_path(asked.next) or f"/p/{actor.programme}"
            response = JSONResponse({"next": following})
            give_cookie(request, response, opened.secret)
            return response

        return _answer(request, work)


def _proof_routes(routes: APIRouter, pages: Pages) -> None:
    @routes.post("/proof/options")
    def options(request: Request, asked: Annotated[Offered, Body()]) -> Response:
        def work() -> Response:
            session = _session(pages, request, asked.form_token)
            with pages.app.store.engine.begin() as connection:
                now, site = pages.app.store.clock(), _site(pages, request)
                return JSONResponse(passkeys.offer_sign_in(connection, site, now, session.actor))

        return _answer(request, work)

    @routes.post("/proof")
    def prove(request: Request, asked: Annotated[Answered, Body()]) -> Response:
        def work() -> Response:
            session = _session(pages, request, asked.form_token)
            actor = _verified(pages, request, asked, "prove")
            theirs = (session.actor.programme, session.actor.person)
            if (actor.programme, actor.person) != theirs:
                raise PasskeyRefused(reason="it is another person's")
            secret = pages.app.entrance.prove_again(session, "passkey", visitor_of(request))
            following = own_path(asked.next) or f"/p/{actor.programme}"
            response = JSONResponse({"next": following})
            give_cookie(request, response, secret)
            return response

        return _answer(request, work)


def _verified(pages: Pages, request: Request, asked: Answered, purpose: str) -> Actor:
    """Who proved with a passkey who they are; a refusal is journalled and counted."""
    entrance, store, visitor = pages.app.entrance, pages.app.store, visitor_of(request)
    entrance.require_unlocked(visitor)
    theirs: tuple[str, str] | None = None
    try:
        with store.engine.begin() as connection:
            now = store.clock()
            kept = passkeys.finish(connection, purpose, asked.ceremony, now)
        with store.engine.begin() as connection:
            row = passkeys.presented(connection, asked.credential)
            if row is None:
                raise PasskeyRefused(reason="it is not registered here")
            theirs = (row.programme, row.person)
            require_unlocked(connection, [of_person(*theirs)], now)
            site = _site(pages, request)
            passkeys.verify(connection, row, kept, asked.credential, site, now)
            return load_actor(connection, row.programme, row.person, "passkey")
    except NotFound:
        entrance.refused("passkey", "they have left", visitor, theirs)
        raise PasskeyRefused(reason="it is not registered here") from None
    except Unauthenticated as error:
        entrance.refused("passkey", str(error), visitor, theirs)
        raise
