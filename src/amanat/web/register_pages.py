"""The public register of providers: pages, files, feed; keys and status lists for verifiers.

/p/{programme}/register                 page: found by name, status, service, of any day
/p/{programme}/register/{provider}      one provider with its history
/p/{programme}/register.json, .csv      the files; ?as_of=YYYY-MM-DD for a past day
/p/{programme}/register.schema.json     their schema;  /register.columns.json the dictionary
/p/{programme}/register.atom            the feed;  /register/archive/{number}.atom its archives
/p/{programme}/warnings, warnings.csv   whom the public is warned of
/p/{programme}/keys.json                the authority's keys (JWK set)
/p/{programme}/status-lists/{number}    status of the credentials (statuslist+jwt)
/.well-known/jwt-vc-issuer/p/{programme}  issuer metadata (draft SD-JWT VC)
/p/{programme}/certificates/{number}.pdf  the certificate, to its holder and the authority
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from amanat.access.actors import Actor
from amanat.core.dates import date_from
from amanat.core.errors import Invalid, NotFound, Unauthenticated
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.credentials.book import current_key, key_set, permission_listed
from amanat.licensing.credentials.status_lists import STATUS_LIST_MEDIA_TYPE
from amanat.licensing.credentials.status_publishing import StatusLists
from amanat.licensing.records import pack_of
from amanat.licensing.register.book import codes_of, publisher_of
from amanat.licensing.register.columns import dictionary, json_schema
from amanat.licensing.register.feed import FeedAddresses
from amanat.licensing.register.publishing import Document, Publications
from amanat.web.api import actor_of
from amanat.web.pages import Pages

ROWS = 50
_FILE_SECONDS = 60
_LIST_SECONDS = 300
ATOM = "application/atom+xml; charset=utf-8"
CSV = "text/csv; charset=utf-8"


def router(pages: Pages) -> APIRouter:
    """The register's routes, all of which read."""
    routes = APIRouter(include_in_schema=False)
    published = Publications()
    _add_pages(routes, pages)
    _add_files(routes, pages, published)
    _add_feed(routes, pages, published)
    _add_verification(routes, pages, StatusLists(pages.app.keys.p256))
    return routes


# -- pages ----------------------------------------------------------------------------------------


def _add_pages(routes: APIRouter, pages: Pages) -> None:
    @routes.get("/p/{programme}/register")
    def register(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        return _register_page(pages, request, programme)

    @routes.get("/p/{programme}/register/{provider}")
    def provider(request: Request, programme: str, provider: str) -> Response:
        pages.app.require_programme(programme)
        asked = {"provider": provider} | _given(request, ("as_of",))
        shown = pages.look(request, programme, "registered_provider", asked)
        return pages.render(
            request,
            "registered.html",
            programme=programme,
            shown=shown,
            asked=_asked(request, ("as_of",)),
            titles=titles_of(_pack(pages, programme)),
        )

    @routes.get("/p/{programme}/warnings")
    def warnings(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        asked = _given(request, ("q", "as_of"))
        shown = pages.look(request, programme, "provider_warnings", asked)
        return pages.render(
            request,
            "warnings.html",
            programme=programme,
            shown=shown,
            asked=_asked(request, ("q", "as_of")),
        )


def _register_page(pages: Pages, request: Request, programme: str) -> Response:
    asked = _given(request, _FIELDS)
    start = request.query_params.get("start", "0")
    fields = asked | {"start": start, "limit": ROWS}
    shown = pages.look(request, programme, "register_of_providers", fields)
    pack = _pack(pages, programme)

    def link(**changes: Any) -> str:
        kept = {k: str(v) for k, v in (asked | changes).items() if v not in (None, "", 0)}
        return f"/p/{programme}/register" + (f"?{urlencode(kept)}" if kept else "")

    return pages.render(
        request,
        "register.html",
        programme=programme,
        shown=shown,
        asked=_asked(request, _FIELDS),
        link=link,
        rows_shown=ROWS,
        statuses=[one.code for one in pack.statuses],
        categories=[one.code for one in pack.categories],
        titles=titles_of(pack),
    )


def titles_of(pack: LicensingPack) -> dict[str, str]:
    """What codes of a pack are called, in English: the keys of their translations."""
    found = {one.code: one.title for one in pack.suspensions}
    found |= {one.code: one.title for one in pack.permissions}
    found |= {one.code: one.title for one in pack.categories}
    found |= {one.code: one.title for one in pack.statuses}
    return found | STATES


STATES = {
    "in_force": "In force",
    "expired": "Expired",
    "revoked": "Revoked",
    "surrendered": "Surrendered",
    "converted": "Converted",
    "withdrawn": "Withdrawn",
}
"""How a permission that no suspension lies over stands."""


_FIELDS = ("q", "status", "category", "as_of")


def _asked(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    """What is asked for, as a form shows it: empty where it is not."""
    return dict.fromkeys(names, "") | _given(request, names)


def _given(request: Request, names: tuple[str, ...]) -> dict[str, str]:
    found = {name: request.query_params.get(name, "").strip() for name in names}
    return {name: value for name, value in found.items() if value}


def _pack(pages: Pages, programme: str) -> LicensingPack:
    with pages.app.store.reading() as connection:
        return pack_of(connection, programme)


# -- files and feed -------------------------------------------------------------------------------


def _add_files(routes: APIRouter, pages: Pages, published: Publications) -> None:
    def file(request: Request, programme: str, form: str, media_type: str) -> Response:
        pages.app.require_programme(programme)
        with pages.app.store.reading() as connection:
            day = _day(request, pages.app.business_date(connection, programme))
            document = published.register(connection, programme, day, form)
        return _answered(request, document, media_type)

    @routes.get("/p/{programme}/register.json")
    def as_json(request: Request, programme: str) -> Response:
        return file(request, programme, "json", "application/json")

    @routes.get("/p/{programme}/register.csv")
    def as_csv(request: Request, programme: str) -> Response:
        return file(request, programme, "csv", CSV)

    @routes.get("/p/{programme}/warnings.csv")
    def warnings(request: Request, programme: str) -> Response:
        return file(request, programme, "warnings", CSV)

    @routes.get("/p/{programme}/register.schema.json")
    def schema(programme: str) -> Response:
        pages.app.require_programme(programme)
        return _plain_json(json_schema(codes_of(_pack(pages, programme))))

    @routes.get("/p/{programme}/register.columns.json")
    def columns(programme: str) -> Response:
        pages.app.require_programme(programme)
        return _plain_json(dictionary(codes_of(_pack(pages, programme))))


def _add_feed(routes: APIRouter, pages: Pages, published: Publications) -> None:
    def feed(request: Request, programme: str, archive: int | None) -> Response:
        pages.app.require_programme(programme)
        base = f"{origin_of(pages, request)}/p/{programme}/register"
        addresses = FeedAddresses(f"{base}.atom", f"{base}/archive/{{number}}.atom", base)
        with pages.app.store.reading() as connection:
            document = published.feed(connection, programme, addresses, archive)
        return _answered(request, document, ATOM)

    @routes.get("/p/{programme}/register.atom")
    def current(request: Request, programme: str) -> Response:
        return feed(request, programme, None)

    @routes.get("/p/{programme}/register/archive/{number}.atom")
    def archived(request: Request, programme: str, number: str) -> Response:
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise NotFound(thing="archived feed", value=number[:20])
        return feed(request, programme, int(number))


# -- what verifiers need --------------------------------------------------------------------------


def _add_verification(routes: APIRouter, pages: Pages, lists: StatusLists) -> None:
    @routes.get("/p/{programme}/keys.json")
    def keys(programme: str) -> Response:
        pages.app.require_programme(programme)
        with pages.app.store.reading() as connection:
            return _plain_json({"keys": key_set(connection, programme)})

    @routes.get("/.well-known/jwt-vc-issuer/p/{programme}")
    def metadata(programme: str) -> Response:
        pages.app.require_programme(programme)
        with pages.app.store.reading() as connection:
            issuer = current_key(connection, programme).issuer
            found = {"issuer": issuer, "jwks": {"keys": key_set(connection, programme)}}
        return _plain_json(found)

    @routes.get("/p/{programme}/status-lists/{number}")
    def status_list(request: Request, programme: str, number: str) -> Response:
        pages.app.require_programme(programme)
        if "time" in request.query_params:
            raise NotFound(thing="status list of a past time", value=number[:20])
        if not number.isascii() or not number.isdigit() or len(number) > 9:
            raise NotFound(thing="status list", value=number[:20])
        with pages.app.store.reading() as connection:
            day = pages.app.business_date(connection, programme)
            token = lists.token(connection, programme, int(number), day, int(time.time()))
        headers = _OPEN | {"Cache-Control": f"public, max-age={_LIST_SECONDS}"}
        return Response(token, media_type=STATUS_LIST_MEDIA_TYPE, headers=headers)

    @routes.get("/p/{programme}/certificates/{number}.pdf")
    def certificate(request: Request, programme: str, number: str) -> Response:
        pages.app.require_programme(programme)
        actor = pages.actor(request, programme) or actor_of(request, pages.app, programme)
        if actor is None or actor.programme != programme:
            raise Unauthenticated(reason="certificates are given to their holder and the authority")
        content = certificate_of(pages, programme, number, actor, origin_of(pages, request))
        headers = {"Content-Disposition": f'attachment; filename="{number}.pdf"'}
        return Response(content, media_type="application/pdf", headers=headers)


def certificate_of(pages: Pages, programme: str, number: str, actor: Actor, origin: str) -> bytes:
    """The signed certificate of a permission for which a credential was issued.

    Refuses `NotFound`: no such permission, no credential of it yet, or another's.
    """
    from amanat.licensing.credentials.certificates import certificate

    credentials = pages.app.desk.view(actor, programme, "licence_credentials", {})
    held = [one for one in credentials if one["permission"] == number]
    if not held or held[0]["status"] != "valid":
        raise NotFound(thing="certificate", value=number[:40])
    with pages.app.store.reading() as connection:
        pack = pack_of(connection, programme)
        day = pages.app.business_date(connection, programme)
        entry, permission = permission_listed(connection, programme, number, day)
        key = current_key(connection, programme)
        authority = publisher_of(connection, programme).authority
    return certificate(
        entry,
        permission,
        held[0]["token"],
        authority=authority,
        address=f"{origin}/p/{programme}/register/{entry.provider}",
        titles=titles_of(pack),
        signer=pages.app.keys.p256.signer(key.institution, key.name),
        certificate_der=key.certificate,
        now=datetime.now(UTC),
    )


# -- answers --------------------------------------------------------------------------------------

# What is published may be read from any page of any site.
_OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


class DayAhead(Invalid):
    """The register of a day to come is not known."""

    template = "The register of {day} is not known yet: today is {today}."


def _day(request: Request, today: date) -> date:
    """The day that is asked for.  Refuses `InvalidDate`, `DayAhead`."""
    asked = request.query_params.get("as_of", "")
    day = date_from(asked) if asked else today
    if day > today:
        raise DayAhead(day=day, today=today)
    return day


def _answered(request: Request, document: Document, media_type: str) -> Response:
    tag = f'"{document.tag}"'
    headers = _OPEN | {"Cache-Control": f"public, max-age={_FILE_SECONDS}", "ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(document.content, media_type=media_type, headers=headers)


def _plain_json(found: Mapping[str, Any] | list[Any]) -> Response:
    headers = _OPEN | {"Cache-Control": f"public, max-age={_FILE_SECONDS}"}
    content = json.dumps(found, ensure_ascii=False, indent=1)
    return Response(content, media_type="application/json", headers=headers)


def origin_of(pages: Pages, request: Request) -> str:
    """Where this installation is reached: as its settings say, else as the request says."""
    stated = pages.app.settings.sign_in.origin
    return stated or f"{request.url.scheme}://{request.url.netloc}"
