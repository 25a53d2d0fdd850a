"""Returns over HTTP: sent as a tar of files or as a stream of NDJSON; their specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from amanat.access.actors import Actor
from amanat.app import Application
from amanat.core.messages import Message
from amanat.supervision.returns.contents import Place
from amanat.supervision.returns.publishing import archive
from amanat.supervision.returns.receiving import (
    STREAM,
    TAR,
    Parting,
    ReturnUnreadable,
    unpack,
)
from amanat.web.guard import BodyTooLarge
from amanat.web.problems import PROBLEM_SCHEMA

ZIP = "application/zip"
_WHOLE = ".tar"
_ANY = "application/octet-stream"
"""What clients send that do not know what a tar is called."""


class ReceiptBody(BaseModel):
    """The receipt of an accepted return: the same however often it is sent."""

    state: str
    exchange: str
    sequence: int
    digest: str
    first_day: str
    last_day: str
    rows: int
    id_sum: str
    supersedes: str | None
    received_at: str
    received: dict[str, int]
    score: int
    model_config = {"extra": "allow"}


def add_routes(api: APIRouter, app: Application, signed_in: Callable[..., Actor]) -> None:
    """Sending a return with a token; taking the specification with none."""

    async def send(request: Request, actor: Any) -> dict[str, Any]:
        # Who may not report is told before anything is read.
        await run_in_threadpool(app.intake.require_may_send, actor)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in (TAR, STREAM, _ANY):
            named = Message(
                "its Content-Type is neither {tar} nor {stream}", tar=TAR, stream=STREAM
            )
            raise ReturnUnreadable(reason=named)
        with app.intake.incoming() as place:
            try:
                await (_stream(request, place) if kind == STREAM else _tar(request, place, app))
            except BodyTooLarge:
                raise ReturnUnreadable(reason=Message("it is too large")) from None
            return await run_in_threadpool(app.intake.take, actor, place)

    def specification() -> Response:
        name = 'attachment; filename="return-specification.zip"'
        return Response(archive(), media_type=ZIP, headers={"Content-Disposition": name})

    send.__annotations__["actor"] = Annotated[Actor, Depends(signed_in)]
    binary = {"schema": {"type": "string", "format": "binary"}}
    api.add_api_route(
        "/returns",
        send,
        methods=["POST"],
        operation_id="send_return",
        summary="Send a return: a tar of its files, or NDJSON in which each line names its record.",
        tags=["supervision"],
        response_model=ReceiptBody,
        responses={
            422: {
                "description": "Refused whole, with every error; nothing of it is kept",
                "content": {"application/problem+json": {"schema": PROBLEM_SCHEMA}},
            }
        },
        openapi_extra={
            "requestBody": {"required": True, "content": dict.fromkeys((_ANY, TAR, STREAM), binary)}
        },
    )
    api.add_api_route(
        "/returns/specification",
        specification,
        methods=["GET"],
        operation_id="return_specification_files",
        summary="The specification of returns: page, JSON Schemas and examples, as a zip.",
        tags=["supervision"],
        response_class=Response,
        responses={200: {"content": {ZIP: binary}}},
        openapi_extra={"x-public": True},
    )


async def _stream(request: Request, place: Place) -> None:
    parting = Parting(place.write)
    async for part in request.stream():
        await run_in_threadpool(parting.add, part)
    await run_in_threadpool(parting.finish)


async def _tar(request: Request, place: Place, app: Application) -> None:
    with place.write(_WHOLE) as file:
        async for part in request.stream():
            await run_in_threadpool(file.write, part)
    with place.open(_WHOLE) as whole:
        await run_in_threadpool(unpack, whole, place.write, app.intake.bytes_max)
    place.remove(_WHOLE)
