"""Puts the web faces together: the API, the pages, what guards them, and the server."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from amanat import __version__
from amanat.app import Application
from amanat.core.errors import AmanatError, Invalid
from amanat.observing.logs import note
from amanat.operating.notifying import Supervisor
from amanat.operating.watch import Watch
from amanat.settings import read_secret
from amanat.store.engine import unavailable
from amanat.web import (
    api,
    applying,
    charts,
    comments,
    complaints,
    documents,
    forms,
    licensing_pages,
    objections,
    openid,
    operations,
    pages,
    passkeys,
    problems,
    question_pages,
    register_pages,
    sign_in,
)
from amanat.web.guard import API_PREFIX, FormTokens, Guard
from amanat.web.limits import Limits
from amanat.web.messages import language_asked
from amanat.web.observed import Observed

log = logging.getLogger(__name__)
_STUCK_AFTER_S = 300.0
_GZIP_BYTES_MIN = 1024
_DRAW_AHEAD_SECONDS = 5.0
_TEXT = """Every act and every view of Amanat: one path each, made from the declared acts and views.

Sign in with `Authorization: Bearer amanat_…`; a token belongs to one person of one institution in
one programme. Amounts of money are whole paisa, nominal is whole rupees of face value, dates are
ISO 8601. An act answers 200 when it was carried out and 202 when it is proposed and awaits others.
An `Idempotency-Key` makes a repeat of the same act harmless. Lists answer in pages: give `next`
back as `cursor`. Every error is `application/problem+json` (RFC 9457), with all errors at once.
"""


class LoopbackOnly(Invalid):
    """Tokens never cross a network in the clear."""

    template: ClassVar[str] = (
        "loopback only without TLS: {host} can be reached from outside; give a certificate and "
        "its key, or serve on 127.0.0.1."
    )


class _Static(StaticFiles):
    """Files whose address carries the digest of their content: kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope.get("query_string") or path.startswith("fonts/"):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(app: Application) -> FastAPI:
    """The API under `/v1`, the pages beside it, and the errors of both."""

    @asynccontextmanager
    async def life(faces: FastAPI) -> AsyncIterator[None]:
        ended = threading.Event()
        threading.Thread(target=_draw_ahead, args=(shown, ended), daemon=True).start()
        await _warm_up(faces)
        yield
        ended.set()

    faces = FastAPI(
        title="Amanat",
        version=__version__,
        description=_TEXT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=life,
    )
    charts.keep_in(app.settings.data_dir / "drawings")
    tokens = FormTokens(read_secret(app.settings.data_dir / "secrets", "forms"))
    shown = pages.Pages(app, tokens)
    faces.include_router(api.router(app))
    faces.include_router(pages.router(shown))
    faces.include_router(register_pages.router(shown))
    faces.include_router(forms.router(shown))
    faces.include_router(sign_in.router(shown))
    faces.include_router(passkeys.router(shown))
    faces.include_router(openid.router(shown))
    faces.include_router(complaints.router(shown))
    faces.include_router(comments.router(shown))
    faces.include_router(objections.router(shown))
    faces.include_router(documents.router(shown))
    faces.include_router(applying.router(shown))
    faces.include_router(question_pages.router(shown))
    faces.include_router(licensing_pages.router(shown))
    folder = Path(str(files("amanat.web") / "static"))
    faces.mount("/static", _Static(directory=folder), name="static")
    faces.include_router(operations.router(shown, Watch(app)))
    _answer_errors(faces, shown)
    faces.add_middleware(GZipMiddleware, minimum_size=_GZIP_BYTES_MIN)
    faces.add_middleware(Limits, rate_address=app.settings.sign_in.rate_address)
    faces.add_middleware(
        Guard,
        document_bytes_max=app.documents.bytes_max,
        return_bytes_max=app.intake.bytes_max,
    )
    faces.add_middleware(Observed)
    _describe_security(faces)
    return faces


async def _warm_up(faces: FastAPI) -> None:
    """Answer once before anyone asks: FastAPI prepares its routes at the first request."""
    inside = httpx.ASGITransport(faces)
    async with httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1") as first:
        await first.get("/healthz")


def _draw_ahead(shown: pages.Pages, ended: threading.Event) -> None:
    """Draw each published result before anybody waits for it, those of later tenders as well."""
    shown.compile_templates()
    charts.warm_up()
    done: set[tuple[str, str]] = set()
    while not ended.is_set():
        try:
            shown.draw_published(done)
        except (AmanatError, SQLAlchemyError) as error:
            log.warning("results are drawn when they are looked at: %s", error)
        ended.wait(_DRAW_AHEAD_SECONDS)


def _answer_errors(faces: FastAPI, shown: pages.Pages) -> None:
    """Expected errors as a problem to programs and as a page to people; never a traceback."""

    def answer(request: Request, error: AmanatError) -> Response:
        if error.status >= 500:
            note(log, logging.ERROR, "an error that is not the caller's", code=error.code)
        if request.url.path.startswith(API_PREFIX):
            asked = language_asked(request.headers.get("Accept-Language"))
            return problems.problem(error, asked)
        return shown.refuse(request, error)

    @faces.exception_handler(AmanatError)
    def expected(request: Request, error: AmanatError) -> Response:
        return answer(request, error)

    @faces.exception_handler(DBAPIError)
    def database(request: Request, error: DBAPIError) -> Response:
        found = unavailable(error)
        if found is None:
            raise error  # a statement of ours is wrong
        return answer(request, found)

    @faces.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> Response:
        return answer(request, problems.malformed(error))

    @faces.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith(API_PREFIX):
            return problems.plain(error)
        return shown.refuse_http(request, error)

    @faces.exception_handler(Exception)
    def unexpected(request: Request, _error: Exception) -> Response:
        # Logged with its traceback by the server, which raises it again after this answer.
        fault = HTTPException(500, "This is our own mistake, not yours; it has been noted.")
        response: Response = problems.plain(fault)
        if not request.url.path.startswith(API_PREFIX):
            response = shown.refuse_http(request, fault)
        response.headers["Connection"] = "close"
        return response


def _describe_security(faces: FastAPI) -> None:
    """Say in OpenAPI that acts, and views that are not public, take a bearer token."""
    make = faces.openapi

    def described() -> dict[str, Any]:
        if faces.openapi_schema is None:
            schema = make()
            schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
            schemes["token"] = {"type": "http", "scheme": "bearer"}
            for path in schema["paths"].values():
                for operation in path.values():
                    public = operation.pop("x-public", False)
                    operation["security"] = [{}, {"token": []}] if public else [{"token": []}]
            faces.openapi_schema = schema
        return faces.openapi_schema

    faces.openapi = described  # type: ignore[method-assign]


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(
    app: Application,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve the faces of a started application until interrupted, following the ledger meanwhile.

    Refuses `LoopbackOnly`: another host without a TLS certificate and its key.
    """
    if not is_loopback(host) and (certificate is None or key is None):
        raise LoopbackOnly(host=host)
    app.run_in_background()
    if app.settings.serving.follows:
        app.follow_in_background()
    config = uvicorn.Config(
        create_app(app),
        host=host,
        port=port,
        ssl_certfile=str(certificate) if certificate else None,
        ssl_keyfile=str(key) if key else None,
        server_header=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(app.settings.sign_in.proxies),
        forwarded_allow_ips=list(app.settings.sign_in.proxies),
    )
    supervisor = Supervisor()
    try:
        _Server(config, supervisor, app).run()
    finally:
        supervisor.stopping()


class _Server(uvicorn.Server):
    """Says that it is ready when it listens, to who started it."""

    def __init__(self, config: uvicorn.Config, supervisor: Supervisor, app: Application) -> None:
        super().__init__(config)
        self._supervisor, self._app = supervisor, app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        if self.started:
            self._supervisor.ready(self._app.ledger.heartbeat, _STUCK_AFTER_S)
