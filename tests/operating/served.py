"""A server as it is run: `amanat serve` in its own process, with a collector and a supervisor.

The collector is a real OTLP/HTTP receiver, the supervisor the datagram socket that systemd gives.
"""

from __future__ import annotations

import gzip
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from amanat.access.actors import Role, add_institution, add_person
from amanat.access.entrance import Visitor
from amanat.access.tokens import issue_token
from amanat.app import Application
from amanat.settings import Settings
from amanat.web.visitors import COOKIE

OPERATIONS = "operations"
OPERATOR = "operations_officer"
ROOT = Path(__file__).parents[2]


class Collector:
    """Receives traces by OTLP over HTTP, and keeps the bytes too."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        collector = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.bodies.append(body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self) -> list[dict[str, Any]]:
        """Every span so far: name, trace, span, parent, attributes."""
        found = []
        for body in list(self.bodies):
            request = ExportTraceServiceRequest.FromString(body)
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    found += [_span(one) for one in scope.spans]
        return found

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def _span(one: Any) -> dict[str, Any]:
    values = {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in one.attributes
    }
    return {
        "name": one.name,
        "trace": one.trace_id.hex(),
        "span": one.span_id.hex(),
        "parent": one.parent_span_id.hex(),
        "began": one.start_time_unix_nano,
        "attributes": values,
    }


@dataclass
class Served:
    """A running server, and everything that it tells."""

    address: str
    programme: str
    log: Path
    collector: Collector
    process: subprocess.Popen[bytes]
    notified: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    metrics_token: str = ""

    def caller(self, person: str | None, **headers: str) -> httpx.Client:
        """A program that calls as a person, or as nobody."""
        given = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        return httpx.Client(base_url=self.address, headers=given | headers, timeout=30)

    def reader(self, person: str | None, **options: Any) -> httpx.Client:
        """A browser without scripts, signed in as a person or as nobody."""
        cookies = {COOKIE: self.sessions[person]} if person else {}
        return httpx.Client(base_url=self.address, cookies=cookies, timeout=30, **options)

    @property
    def api(self) -> str:
        """The path of the programme's API."""
        return f"/v1/programmes/{self.programme}"

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far; fails where one is not JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def entered(folder: Path, people: tuple[str, ...]) -> tuple[str, dict[str, str], dict[str, str]]:
    """The programme's code, tokens and sessions; an operator of the installation among them."""
    app = Application(Settings.at(folder, light_keys=True))
    code = str(app.programmes()[0]["code"])
    now, month = app.store.clock(), timedelta(days=30)
    with app.engine.begin() as connection:
        add_institution(
            connection, code, OPERATIONS, number=0, name="Operations", capacities=["operator"]
        )
        add_person(
            connection,
            code,
            OPERATOR,
            institution=OPERATIONS,
            role=Role.OPERATOR,
            name="Who runs the installation",
        )
        tokens = {
            one: issue_token(connection, code, one, now, month) for one in (OPERATOR, *people)
        }
    visitor = Visitor("127.0.0.1", "a test")
    sessions = {
        who: app.entrance.open_by_token(token, visitor).secret for who, token in tokens.items()
    }
    app.engine.dispose()
    return code, tokens, sessions


@contextmanager
def serving(source: Path, folder: Path, people: tuple[str, ...] = ()) -> Iterator[Served]:
    """`amanat serve` on a copy of an installation."""
    shutil.copytree(source, folder)
    code, tokens, sessions = entered(folder, people)
    metrics_token = secrets.token_urlsafe(24)
    token_file = folder / "secrets" / "metrics"
    token_file.write_text(metrics_token + "\n")
    token_file.chmod(0o600)
    collector, port = Collector(), _free_port()
    log, notify = folder / "server.log", folder / "notify"
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    channel.bind(str(notify))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AMANAT_")} | {
        "AMANAT_TRACES": collector.endpoint,
        "AMANAT_METRICS_TOKEN_FILE": str(token_file),
        "AMANAT_LIGHT_KEYS": "1",
        "AMANAT_LOG_LEVEL": "debug",
        "NOTIFY_SOCKET": str(notify),
        "WATCHDOG_USEC": "400000",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "PYTHONPATH": str(ROOT / "src"),
    }
    program = "from amanat.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--data", str(folder), "--port", str(port)]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, stderr=stream, stdout=stream)
    found = Served(f"http://127.0.0.1:{port}", code, log, collector, process, tokens=tokens)
    found.sessions, found.metrics_token = sessions, metrics_token
    threading.Thread(target=_listen, args=(channel, found.notified), daemon=True).start()
    try:
        limit = time.monotonic() + 60
        while "READY=1" not in found.notified:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.05)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        channel.close()
        collector.close()


def _listen(channel: socket.socket, heard: list[str]) -> None:
    while True:
        try:
            heard.append(channel.recv(4096).decode())
        except OSError:
            return


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
