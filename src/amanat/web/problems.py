"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from amanat.access.desk import FieldNotAccepted
from amanat.core.errors import AmanatError, Place, Refusals

log = logging.getLogger(__name__)

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "place": {"type": "object"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def problem(error: AmanatError) -> JSONResponse:
    """The response for an expected error."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse(
        error.problem(), error.status, headers=headers, media_type="application/problem+json"
    )


def _plain(status: int, detail: str, code: str) -> JSONResponse:
    return JSONResponse(
        {
            "type": f"urn:amanat:error:{code}",
            "title": code.replace("_", " "),
            "status": status,
            "detail": detail,
            "code": code,
        },
        status,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Answer every error of the API in this one form; only our own mistakes become a 500."""

    @app.exception_handler(AmanatError)
    async def expected(_request: Request, error: AmanatError) -> JSONResponse:
        if error.status >= 500:
            log.error("%s: %s", error.code, error)
        return problem(error)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: RequestValidationError) -> JSONResponse:
        refusals = []
        for one in error.errors():
            path = ".".join(str(part) for part in one["loc"][1:]) or "body"
            refusals.append(
                FieldNotAccepted(
                    place=Place(field=path),
                    field=path,
                    reason=one["msg"],
                    value=repr(one.get("input"))[:80],
                )
            )
        return problem(Refusals(refusals))

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        return _plain(error.status_code, str(error.detail), f"http_{error.status_code}")
