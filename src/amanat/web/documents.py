"""Documents over HTTP: given in parts, given out to whom they are visible, never shown in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from amanat.access.actors import Actor
from amanat.app import Application
from amanat.core.errors import Unauthenticated
from amanat.licensing.documents.inspection import MEDIA_TYPES
from amanat.licensing.documents.links import readable
from amanat.licensing.documents.received import NAME_MAX, Document, DocumentTooLarge
from amanat.licensing.forms.form import DocumentType
from amanat.web.guard import BodyTooLarge
from amanat.web.pages import Pages
from amanat.web.problems import PROBLEM_SCHEMA
from amanat.web.sign_in import require_session

Digest = str


class DocumentBody(BaseModel):
    """A document that is kept: the digest by which answers name it, and what it is."""

    digest: Digest
    name: str
    size: int
    media_type: str


def router(pages: Pages) -> APIRouter:
    """The page that gives a document out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/p/{programme}/documents/{digest}")
    def download(request: Request, programme: str, digest: str) -> Response:
        session = require_session(pages, request, programme)
        return given_out(pages.app, session.actor, digest)

    return routes


def add_routes(api: APIRouter, app: Application, signed_in: Callable[..., Actor]) -> None:
    """Giving and taking documents with a token."""

    async def give(
        request: Request,
        actor: Any,
        name: Annotated[str, Query(min_length=1, max_length=NAME_MAX)] = "document",
    ) -> dict[str, Any]:
        try:
            with app.documents.spool() as spool:
                async for part in request.stream():
                    await run_in_threadpool(spool.add, part)
                made: Document = await run_in_threadpool(
                    app.documents.receive, actor, spool.file, name, tuple(DocumentType)
                )
        except BodyTooLarge:
            raise DocumentTooLarge(most=app.documents.mib_max) from None
        return {
            "digest": made.digest,
            "name": made.name,
            "size": made.size,
            "media_type": made.media_type,
        }

    def take(digest: str, actor: Any) -> Response:
        return given_out(app, actor, digest)

    for function in (give, take):
        function.__annotations__["actor"] = Annotated[Actor, Depends(signed_in)]
    binary = {"schema": {"type": "string", "format": "binary"}}
    api.add_api_route(
        "/documents",
        give,
        methods=["POST"],
        operation_id="give_document",
        summary="Give a document, to name it in answers by its digest; the body is its content.",
        tags=["licensing"],
        response_model=DocumentBody,
        responses={
            DocumentTooLarge.status: {
                "description": "Larger than a document may be",
                "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
            }
        },
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/octet-stream": binary}}
        },
    )
    api.add_api_route(
        "/documents/{digest}",
        take,
        methods=["GET"],
        operation_id="take_document",
        summary="The content of a document that one may read.",
        tags=["licensing"],
        response_class=Response,
        responses={200: {"content": dict.fromkeys(MEDIA_TYPES.values(), binary)}},
    )


def given_out(app: Application, actor: Actor | None, digest: str) -> Response:
    """A document as a file to keep: a browser neither shows it nor guesses its type.

    Refuses `NotFound`, as of no document, to whom it is not visible.
    """
    if actor is None:
        raise Unauthenticated(reason="documents are for people of the programme")
    app.documents.path(digest)
    with app.store.reading() as connection:
        row = readable(connection, actor, digest)
    name = quote(row.name, safe="")
    return StreamingResponse(
        app.documents.parts(digest),
        media_type=row.media_type,
        headers={
            "Content-Length": str(row.size),
            "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            "Content-Security-Policy": "sandbox; default-src 'none'",
        },
    )
