"""Health, readiness, metrics, and the operator's page."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response

from amanat import __version__
from amanat.core.errors import NotFound, Unauthenticated
from amanat.operating.measures import CONTENT_TYPE, rendered
from amanat.operating.readiness import Reason, not_ready
from amanat.operating.watch import Seen, Watch
from amanat.web.pages import Pages, download, sheets

OPERATES = "operator"
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def router(pages: Pages, watch: Watch) -> APIRouter:
    """The routes that operators and their programs ask."""
    routes = APIRouter(include_in_schema=False)
    app = watch.app

    def reasons(seen: Seen) -> list[Reason]:
        return not_ready(seen, app.ledger.heartbeat, app.settings.serving)

    @routes.get("/healthz")
    def health() -> JSONResponse:
        """Whether the process answers; nothing else, so that nobody restarts it for another."""
        return JSONResponse({"status": "ok", "version": __version__})

    @routes.get("/readyz")
    def ready() -> JSONResponse:
        """Whether the installation can do its work, and if not, every reason."""
        found = reasons(watch.look())
        told = {
            "status": "not ready" if found else "ready",
            "reasons": [asdict(one) for one in found],
        }
        return JSONResponse(told, 503 if found else 200)

    @routes.get("/metrics")
    def metrics(request: Request) -> Response:
        """Metrics for Prometheus: on loopback, or with the token of the setting."""
        if not (_has_token(request, watch) or _is_local(request)):
            raise Unauthenticated(reason="metrics are for loopback or their own token")
        return Response(rendered(watch), media_type=CONTENT_TYPE)

    @routes.get("/p/{programme}/operations")
    def operations(request: Request, programme: str) -> Response:
        pages.app.require_programme(programme)
        actor = pages.actor(request, programme)
        if actor is None:
            raise Unauthenticated(reason="this page is for people of the programme")
        if OPERATES not in actor.capacities:
            raise NotFound(thing="page", value="operations")
        seen = watch.look()
        shown = _shown(seen, reasons(seen))
        shown["followed"] = pages.glance(request, programme, "returns_followed") or []
        names = ("reasons", "nodes", "queues", "fails", "alarms", "followed")
        tables = {name: shown[name] for name in names}
        answer = download(request, tables, shown)
        if answer is not None:
            return answer
        return pages.render(
            request,
            "operations.html",
            programme=programme,
            shown=shown,
            tables=sheets(request, "operations", tables, "PKR"),
        )

    return routes


def _has_token(request: Request, watch: Watch) -> bool:
    file = watch.app.settings.serving.metrics_token_file
    scheme, _, given = request.headers.get("Authorization", "").strip().partition(" ")
    if file is None or scheme.lower() != "bearer" or not given:
        return False
    lines = file.read_text(encoding="utf-8").split("\n", 1)
    wanted = lines[0].strip()
    return bool(wanted) and hmac.compare_digest(given.strip().encode(), wanted.encode())


def _is_local(request: Request) -> bool:
    """Whether who asks is on this machine, and not a proxy that asks for somebody else."""
    if any(name in request.headers for name in _FORWARDED) or request.client is None:
        return False
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    return _loopback(request.client.host) and (host == "localhost" or _loopback(host))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(seen: Seen, reasons: list[Reason]) -> dict[str, Any]:
    """A look as the page and its JSON show it: times in UTC, ages in whole seconds."""
    following = seen.following
    backup = seen.backup
    return {
        "version": __version__,
        "at": seen.at.isoformat(timespec="seconds"),
        "state": "not_ready" if reasons else "ready",
        "reasons": [{"reason": one.code, "detail": one.detail} for one in reasons],
        "waiting": sum(one.orders for one in seen.queues),
        "oldest_seconds": max((int(one.oldest_s or 0) for one in seen.queues), default=0),
        "lag_blocks": following.lag_blocks if following else None,
        "lag_seconds": int(following.lag_s) if following and following.lag_s is not None else None,
        "height": following.height if following else None,
        "failed": sum(one["count"] for one in seen.fails),
        "standing": len(seen.alarms),
        "backup_at": backup.at.isoformat(timespec="seconds") if backup else None,
        "backup_verified_at": (
            backup.verified_at.isoformat(timespec="seconds")
            if backup and backup.verified_at
            else None
        ),
        "disk_free_percent": (
            100 * seen.disk_free_bytes // seen.disk_bytes if seen.disk_bytes else None
        ),
        "write_ms": round(seen.write_ms) if seen.write_ms is not None else None,
        "nodes": [_node(asdict(one)) for one in seen.nodes],
        "queues": [
            {
                "state": one.state,
                "orders": one.orders,
                "oldest_seconds": int(one.oldest_s) if one.oldest_s is not None else None,
            }
            for one in seen.queues
        ],
        "fails": [
            {
                "programme": one["programme"],
                "state": one["state"],
                "reason": one["reason"],
                "instructions": one["count"],
            }
            for one in seen.fails
        ],
        "alarms": jsonable_encoder(seen.alarms),
    }


def _node(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "node": one["node"],
        "state": one["trouble"] or "answers",
        "height": one["height"],
        "peers": one["peers"],
        "latency_ms": one["latency_ms"],
        "software": one["software"],
    }
