"""Bounds how much one address may ask in a minute, before anything is looked up for it."""

from __future__ import annotations

from fastapi.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from amanat.access import attempts
from amanat.web import problems
from amanat.web.guard import API_PREFIX

_FREE = ("/static/", "/healthz", "/readyz")


class Limits:
    """ASGI middleware: answers 429 with `Retry-After` to an address that asks too much."""

    def __init__(self, app: ASGIApp, rate_address: int) -> None:
        self.app = app
        self._meter = attempts.Meter(rate_address)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not scope["path"].startswith(_FREE):
            client = scope.get("client")
            try:
                self._meter.take(attempts.of_address(client[0] if client else "unknown"))
            except attempts.TooManyRequests as refusal:
                await _answer(scope["path"], refusal)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _answer(path: str, refusal: attempts.TooManyRequests) -> Response:
    if path.startswith(API_PREFIX):
        return problems.problem(refusal)
    headers = {"Retry-After": str(refusal.fields["seconds"])}
    return PlainTextResponse(str(refusal), refusal.status, headers=headers)
