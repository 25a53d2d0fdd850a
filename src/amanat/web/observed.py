"""What the server tells of every request: a span, a log line, counters; never path or query.

The route is told as it is declared (`/p/{programme}/v/{name}`): what stands in a path may be
anything.  Each request gets an id of our own, which is in its answer as `X-Request-Id` and in every
log line; a `traceparent` of the caller gives the trace its id.
"""

from __future__ import annotations

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amanat.core.ids import new_id
from amanat.observing import logs, metrics, tracing
from amanat.observing.logs import note

log = logging.getLogger(__name__)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz", "/metrics", "/static"})


class Observed:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "other"
        request, began = new_id(), time.perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request
            await send(message)

        parent = Headers(scope=scope).get("traceparent")
        token = logs.request.set(request)
        try:
            with tracing.step(method, parent=parent, server=True, request=request) as step:
                try:
                    await self.app(scope, receive, send_with_id)
                finally:
                    route = route_of(scope)
                    step.name(f"{method} {route}")
                    step.tell(method=method, route=route, status=status)
                    if status >= 500:
                        step.fail("server_error")
                    _tell(method, route, status, time.perf_counter() - began)
        finally:
            logs.request.reset(token)


def route_of(scope: Scope) -> str:
    """The declared route that a request went to; all that match none are one."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str) and path:
        return path
    return "/static" if scope["path"].startswith("/static/") else "unmatched"


def _tell(method: str, route: str, status: int, seconds: float) -> None:
    metrics.requests.labels(method, route, str(status)).inc()
    metrics.request_seconds.labels(route).observe(seconds)
    level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
    if route in _QUIET and level == logging.INFO:
        level = logging.DEBUG
    note(
        log,
        level,
        "request",
        method=method,
        route=route,
        status=status,
        duration_ms=round(seconds * 1000, 1),
    )
