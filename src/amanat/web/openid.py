"""Sign-in by an OpenID provider: OpenID Connect Core 1.0, the code flow with PKCE (RFC 7636).

The provider says who somebody is; what they may here stays with the person to whom an officer has
linked that identity.  An identity that nobody has linked gets nothing, and no person is ever made.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import httpx
import sqlalchemy as sql
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from amanat.access import passkeys, sessions
from amanat.access.actors import Actor, load_actor
from amanat.access.shown_once import hash_of, matches
from amanat.access.tables import identity
from amanat.core.errors import NotFound, Unauthenticated, Unavailable
from amanat.core.messages import Message
from amanat.settings import OpenId
from amanat.web.pages import Pages
from amanat.web.sign_in import Form, own_path, require_session, require_token
from amanat.web.visitors import give_cookie, site_of, visitor_of

_RETURN = "/sign-in/openid/return"
_COOKIE = "amanat_openid"
_TIMEOUT_SECONDS = 10.0
_LEEWAY_SECONDS = 60
# Asymmetric signatures alone: a shared secret could also be used by whoever only reads tokens.
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]


class OpenIdRefused(Unauthenticated):
    """What the provider answered does not prove who it is, or is linked to nobody here."""

    template: ClassVar[str] = "Sign-in by the provider was refused: {reason}"


class ProviderUnavailable(Unavailable):
    """The OpenID provider does not answer as its standard says."""


class Provider:
    """One OpenID provider: its published configuration, its keys, and the exchange of codes."""

    def __init__(self, stated: OpenId) -> None:
        self.stated = stated
        self._lock = threading.Lock()
        self._known: dict[str, Any] | None = None
        self._keys: KeySet | None = None

    def address(self, redirect: str, state: str, nonce: str, verifier: str, **more: Any) -> str:
        """Where the browser asks the provider."""
        return str(
            prepare_grant_uri(
                self._configuration()["authorization_endpoint"],
                self.stated.client,
                "code",
                redirect_uri=redirect,
                scope="openid email" if self.stated.claim == "email" else "openid",
                state=state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier),
                code_challenge_method="S256",
                **more,
            )
        )

    def claims(self, code: str, redirect: str, nonce: str, verifier: str) -> Mapping[str, Any]:
        """What the ID token for a code says.

        Refuses, in order: `ProviderUnavailable`, `OpenIdRefused` (no code of ours; signature,
        issuer, audience, nonce or times are not as they must be).
        """
        answer = self._ask(
            "POST",
            self._configuration()["token_endpoint"],
            auth=(self.stated.client, self.stated.secret),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect,
                "code_verifier": verifier,
            },
        )
        if not answer.is_success:
            raise OpenIdRefused(reason="the provider does not know this code")
        try:
            text = str(answer.json()["id_token"])
            decoded = self._decoded(text)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.stated.issuer},
                    "aud": {"essential": True, "value": self.stated.client},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": self.stated.client},
            )
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise OpenIdRefused(
                reason=Message("its token is not valid ({fault})", fault=type(error).__name__)
            ) from None
        return dict(claims)

    def _decoded(self, text: str) -> Any:
        try:
            return jwt.decode(text, self._key_set(), algorithms=_ALGORITHMS)
        except InvalidKeyIdError:
            # The provider has changed its keys since they were read.
            return jwt.decode(text, self._key_set(again=True), algorithms=_ALGORITHMS)

    def _configuration(self) -> dict[str, Any]:
        with self._lock:
            if self._known is None:
                issuer = self.stated.issuer.rstrip("/")
                known = self._json(f"{issuer}/.well-known/openid-configuration")
                if known.get("issuer") != self.stated.issuer:
                    raise ProviderUnavailable(f"{issuer} says that it is another issuer")
                self._known = known
            return self._known

    def _key_set(self, *, again: bool = False) -> KeySet:
        where = self._configuration()["jwks_uri"]
        with self._lock:
            if self._keys is None or again:
                self._keys = KeySet.import_key_set(self._json(where))
            return self._keys

    def _json(self, address: str) -> Any:
        answer = self._ask("GET", address)
        if not answer.is_success:
            raise ProviderUnavailable(f"{address} answers {answer.status_code}")
        try:
            return answer.json()
        except ValueError as error:
            raise ProviderUnavailable(f"{address} does not answer with JSON") from error

    def _ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        try:
            return httpx.request(method, address, timeout=_TIMEOUT_SECONDS, **options)
        except httpx.HTTPError as error:
            raise ProviderUnavailable(f"the OpenID provider does not answer: {error}") from error


def router(pages: Pages) -> APIRouter:
    """The pages of sign-in by the provider of the settings; none where they name none."""
    routes = APIRouter(include_in_schema=False)
    stated = pages.app.settings.sign_in.openid
    if stated is not None:
        _routes(routes, pages, Provider(stated))
    return routes


def _routes(routes: APIRouter, pages: Pages, provider: Provider) -> None:
    @routes.get("/sign-in/openid")
    def ask(request: Request) -> Response:
        pages.app.entrance.require_unlocked(visitor_of(request))
        return _to_provider(pages, provider, request, request.query_params.get("next", ""), None)

    @routes.post("/prove/openid")
    def prove(request: Request, form: Form) -> Response:
        session = require_session(pages, request)
        require_token(pages, request, form)
        following = str(form.get("next", ""))
        return _to_provider(pages, provider, request, following, session.id)

    @routes.get(_RETURN)
    def back(request: Request) -> Response:
        return _from_provider(pages, provider, request)


def _redirect(pages: Pages, request: Request) -> str:
    return site_of(request, pages.app.settings.sign_in.origin).origin + _RETURN


def _to_provider(
    pages: Pages, provider: Provider, request: Request, following: str, session: str | None
) -> Response:
    nonce, verifier, binding = generate_token(32), generate_token(48), generate_token(32)
    content = {
        "nonce": nonce,
        "verifier": verifier,
        "binding": hash_of(binding),
        "next": own_path(following) or "",
        "session": session,
    }
    with pages.app.store.engine.begin() as connection:
        state = passkeys.begin(connection, "openid", content, pages.app.store.clock())
    # To prove again one signs in at the provider anew, whatever it remembers.
    more = {} if session is None else {"prompt": "login", "max_age": "0"}
    redirect = _redirect(pages, request)
    address = provider.address(redirect, state, nonce, verifier, **more)
    response: Response = RedirectResponse(address, 303)
    if session is not None:
        # A form may lead to this site alone (`form-action`), so that a page leads on from here.
        response = pages.render(request, "onward.html", following=address)
    # Lax, since the browser comes back from another site; it binds the answer to this browser.
    response.set_cookie(
        _COOKIE,
        binding,
        max_age=int(passkeys.CEREMONY_LIFETIME.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
        path=_RETURN,
    )
    return response


def _from_provider(pages: Pages, provider: Provider, request: Request) -> Response:
    entrance, visitor = pages.app.entrance, visitor_of(request)
    entrance.require_unlocked(visitor)
    theirs: tuple[str, str] | None = None
    try:
        kept, claims = _answered(pages, provider, request)
        actor = _person(pages, provider.stated, claims, kept["next"])
        theirs = (actor.programme, actor.person)
        if kept["session"] is None:
            secret = entrance.open(actor, visitor).secret
        else:
            secret = _proved(pages, request, actor, claims, kept["session"])
    except Unauthenticated as error:
        entrance.refused("openid", str(error), visitor, theirs)
        raise
    # The browser came from another site and so would not send a strict cookie with a redirect:
    # this page leads on from here.
    following = kept["next"] or f"/p/{actor.programme}"
    response = pages.render(request, "signed_in.html", following=following)
    give_cookie(request, response, secret)
    response.delete_cookie(_COOKIE, path=_RETURN)
    return response


def _answered(
    pages: Pages, provider: Provider, request: Request
) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """What was kept for this answer, and what its ID token claims."""
    asked = request.query_params
    with pages.app.store.engine.begin() as connection:
        now = pages.app.store.clock()
        kept = passkeys.finish(connection, "openid", asked.get("state", ""), now)
    if not matches(request.cookies.get(_COOKIE, ""), kept["binding"]):
        raise OpenIdRefused(reason="it was begun in another browser")
    if "error" in asked or not asked.get("code"):
        raise OpenIdRefused(
            reason=Message("the provider says {answer}", answer=asked.get("error", "nothing")[:60])
        )
    # RFC 9207: where the provider names itself, it must be the one that was asked.
    if not hmac.compare_digest(asked.get("iss", provider.stated.issuer), provider.stated.issuer):
        raise OpenIdRefused(reason="another provider answered")
    redirect = _redirect(pages, request)
    return kept, provider.claims(asked["code"], redirect, kept["nonce"], kept["verifier"])


def _person(pages: Pages, stated: OpenId, claims: Mapping[str, Any], following: str) -> Actor:
    """The person to whom this identity is linked, in the programme that they were on their way to.

    Refuses `OpenIdRefused`.
    """
    subject = claims.get(stated.claim)
    if stated.claim == "email" and claims.get("email_verified") is not True:
        raise OpenIdRefused(reason="the address of the mail is not verified")
    if not isinstance(subject, str) or not subject:
        raise OpenIdRefused(reason=Message("its token has no {claim}", claim=stated.claim))
    with pages.app.store.reading() as connection:
        rows = connection.execute(
            sql.select(identity)
            .where(identity.c.issuer == stated.issuer, identity.c.subject == subject)
            .order_by(identity.c.programme)
        ).all()
        wanted = following.split("/")[2:3]
        for row in sorted(rows, key=lambda one: [one.programme] != wanted):
            try:
                return load_actor(connection, row.programme, row.person, "openid")
            except NotFound:
                continue
    raise OpenIdRefused(reason="nobody here is linked to it; ask an officer of your institution")


def _proved(
    pages: Pages, request: Request, actor: Actor, claims: Mapping[str, Any], identifier: str
) -> str:
    entrance, now = pages.app.entrance, pages.app.store.clock()
    with pages.app.store.reading() as connection:
        session = sessions.by_id(connection, identifier, now, entrance.rules.terms)
    theirs = (actor.programme, actor.person)
    if session is None or (session.actor.programme, session.actor.person) != theirs:
        raise OpenIdRefused(reason="it is not the person of this session")
    if not _recent(claims.get("auth_time"), now, entrance.rules.terms.fresh.total_seconds()):
        raise OpenIdRefused(reason="the provider did not ask again who it is")
    return entrance.prove_again(session, "openid", visitor_of(request))


def _recent(auth_time: Any, now: datetime, seconds: float) -> bool:
    return isinstance(auth_time, int) and now.timestamp() - auth_time < seconds + _LEEWAY_SECONDS
