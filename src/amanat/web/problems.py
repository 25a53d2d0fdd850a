"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from amanat.access.attempts import ComeBackLater
from amanat.access.refusals import field_refusal
from amanat.core.errors import AmanatError, Refusals
from amanat.web.messages import Reader, problem_body

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


def problem(error: AmanatError, language: str = "en") -> JSONResponse:
    """The response for an expected error; its `detail` is in `language`, nothing else varies."""
    headers = {"Content-Language": language, "Vary": "Accept-Language"}
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, ComeBackLater):
        headers["Retry-After"] = str(error.fields["seconds"])
    return JSONResponse(
        problem_body(Reader(language), error),
        error.status,
        headers=headers,
        media_type="application/problem+json",
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


def plain(error: HTTPException) -> JSONResponse:
    """The response for an error of HTTP itself: no such path, wrong method, too large."""
    return _plain(error.status_code, str(error.detail), f"http_{error.status_code}")


def malformed(error: RequestValidationError) -> Refusals:
    """Everything that a request has in the wrong form, all at once."""
    refusals = []
    for one in error.errors():
        path = ".".join(str(part) for part in one["loc"][1:]) or "body"
        refusals.append(field_refusal(path, one))
    return Refusals(refusals)
