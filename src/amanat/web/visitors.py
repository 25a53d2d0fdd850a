"""What a request says of its sender: address, browser, session; and the origin of this site."""

from __future__ import annotations

from typing import ClassVar

from fastapi import Request
from fastapi.responses import Response

from amanat.access.entrance import Visitor
from amanat.access.passkeys import Site
from amanat.access.sessions import BROWSER_MAX
from amanat.core.errors import Invalid

COOKIE = "amanat_session"
# A browser takes a cookie of this prefix from https alone, for this host and the whole of it.
SECURE_COOKIE = f"__Host-{COOKIE}"


class OriginNotSet(Invalid):
    """Passkeys and sign-in by a provider are bound to one origin, which the settings name."""

    template: ClassVar[str] = (
        "This works at the origin that AMANAT_ORIGIN names, or at http://localhost; you came by"
        " {host}."
    )


def visitor_of(request: Request) -> Visitor:
    """Address and browser of a request."""
    address = request.client.host if request.client else "unknown"
    return Visitor(address, request.headers.get("user-agent", "")[:BROWSER_MAX])


def cookie_name(request: Request) -> str:
    """The name of the session cookie: by https one that no other host or path can set."""
    return SECURE_COOKIE if request.url.scheme == "https" else COOKIE


def session_cookie(request: Request) -> str:
    """The secret of the session that a request states; empty without one."""
    return request.cookies.get(cookie_name(request), "")


def give_cookie(request: Request, response: Response, secret: str) -> None:
    """Set the session cookie: out of reach of scripts and of other sites, for this visit."""
    response.set_cookie(
        cookie_name(request),
        secret,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )


def take_cookie(request: Request, response: Response) -> None:
    """Remove the session cookie."""
    response.delete_cookie(
        cookie_name(request),
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def site_of(request: Request, origin: str | None) -> Site:
    """The site that passkeys are bound to.  Refuses `OriginNotSet`.

    Without a setting only http://localhost is believed, since the header that names the host comes
    from the request itself.
    """
    host = request.headers.get("host", "")
    if origin is not None:
        return Site(origin)
    if host.partition(":")[0] != "localhost" or request.url.scheme != "http":
        raise OriginNotSet(host=host[:80])
    return Site(f"http://{host}")
