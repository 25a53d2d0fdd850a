"""A served installation for tests of the faces: the bond pilot up to its last tender's settlement.

Built once for all workers of a test run, then copied, so that each has a node and database of its
own.
"""

from __future__ import annotations

import fcntl
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from amanat.access import sessions
from amanat.access.actors import Role, add_institution, add_person
from amanat.access.tokens import authenticate, issue_token, revoke_tokens
from amanat.app import Application
from amanat.ledger.signers import KeySigner
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings, SignIn
from amanat.web.server import create_app
from amanat.web.visitors import COOKIE

PILOT = Path(__file__).parents[2] / "pilots" / "pib-3y-2021"
OFFICER = "ministry_officer"
APPROVER = "ministry_approver"
CENTRAL_BANK = "central_bank_officer"
DEALER = "dealer_1_trader"
RIVAL = "dealer_2_trader"
VIEWER = "dealer_1_viewer"
AUDITOR = "auditor_officer"
STRANGER = "stranger"
REMOTE = "central_bank_remote"
"""An approver whose key is on no server."""
# Hundreds of refusals and requests a second come from one address here.
UNBOUND = SignIn(lockout_failures=0, rate_address=0, rate_token=0)


@dataclass
class Installation:
    """An application, its faces, and how to call them."""

    app: Application
    faces: FastAPI
    programme: str
    address: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    remote_key: KeySigner = field(default_factory=KeySigner.generate)

    @property
    def api(self) -> str:
        """The path under which the programme's API stands."""
        return f"/v1/programmes/{self.programme}"

    @property
    def pages(self) -> str:
        """The path under which the programme's pages stand."""
        return f"/p/{self.programme}"

    def caller(self, person: str | None) -> httpx.Client:
        """A program that calls the API as a person, or as nobody."""
        headers = {"Authorization": f"Bearer {self.tokens[person]}"} if person else {}
        return httpx.Client(base_url=self.address, headers=headers, timeout=30)

    def reader(self, person: str | None, language: str = "en") -> httpx.Client:
        """A browser without scripts, signed in as a person or as nobody."""
        cookies = {"lang": language} | ({COOKIE: self.session(person)} if person else {})
        return httpx.Client(base_url=self.address, cookies=cookies, timeout=30)

    def session(self, person: str) -> str:
        """The cookie of a session that a person has just begun."""
        entrance, now = self.app.entrance, self.app.store.clock()
        with self.app.engine.begin() as connection:
            # Past the entrance, whose journal knows no day of the stranger's programme.
            actor = authenticate(connection, self.tokens[person], now)
            terms = entrance.rules.terms
            return sessions.begin(connection, actor, now, terms, browser="a test")[1]

    def view(self, person: str | None, name: str, **fields: Any) -> Any:
        """What the API shows of a view; fails where it is refused."""
        with self.caller(person) as client:
            answer = client.get(f"{self.api}/views/{name}", params={"limit": 500} | fields)
        answer.raise_for_status()
        shown = answer.json()
        return shown["rows"] if set(shown) <= {"rows", "next"} else shown


def build(folder: Path) -> None:
    """Replay the pilot into `folder` until the day of its last tender's settlement has closed."""
    pilot = load_pilot(PILOT)
    steps = steps_of(pilot)
    delivered = max(n for n, step in enumerate(steps) if step.kind is Kind.DELIVER_ALLOTMENTS)
    closed = next(
        n for n, step in enumerate(steps) if n > delivered and step.kind is Kind.CLOSE_DAY
    )
    with Application(Settings.at(folder, light_keys=True)) as app:
        replay(app, pilot, until=closed + 1)


def built_once(root: Path) -> Path:
    """The folder of the built installation under `root`, built by whoever comes first."""
    folder, done = root / "installation", root / "installation.done"
    with (root / "installation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(folder)
            done.touch()
    return folder


@contextmanager
def served(
    source: Path, folder: Path, sign_in: SignIn = UNBOUND, port: int = 0
) -> Iterator[Installation]:
    """A copy of the installation in `folder`, served on a port of its own."""
    shutil.copytree(source, folder)
    app = Application(replace(Settings.at(folder, light_keys=True), sign_in=sign_in)).start()
    installation = Installation(app, create_app(app), app.programmes()[0]["code"])
    _give_tokens(installation)
    try:
        with serving(installation.faces, port) as address:
            installation.address = address
            yield installation
    finally:
        app.stop()


@contextmanager
def serving(faces: FastAPI, port: int = 0, proxies: Sequence[str] = ()) -> Iterator[str]:
    """The address at which these faces are served meanwhile."""
    config = uvicorn.Config(
        faces,
        host="127.0.0.1",
        port=port,
        log_level="error",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def _give_tokens(installation: Installation) -> None:
    """Tokens for people of the pilot, a viewer, and a person of another programme."""
    app, code = installation.app, installation.programme
    now, month = app.store.clock(), timedelta(days=30)
    with app.engine.begin() as connection:
        add_person(
            connection, code, VIEWER, institution="dealer_1", role=Role.VIEWER, name="A viewer"
        )
        add_person(
            connection,
            code,
            REMOTE,
            institution="central_bank",
            role=Role.APPROVER,
            name="Whose key is elsewhere",
            address=installation.remote_key.address,
        )
        add_institution(
            connection, "elsewhere", "ministry", number=1, name="Other", capacities=["issuer"]
        )
        add_person(
            connection,
            "elsewhere",
            STRANGER,
            institution="ministry",
            role=Role.OFFICER,
            name="A stranger",
        )
        people = (OFFICER, APPROVER, CENTRAL_BANK, REMOTE, DEALER, RIVAL, VIEWER, AUDITOR)
        for person in people:
            installation.tokens[person] = issue_token(connection, code, person, now, month)
        installation.tokens[STRANGER] = issue_token(connection, "elsewhere", STRANGER, now, month)
        installation.tokens["expired"] = issue_token(
            connection, code, OFFICER, now - 2 * month, month
        )
        installation.tokens["revoked"] = issue_token(connection, code, "secp_officer", now, month)
        assert revoke_tokens(connection, code, "secp_officer", now) == 1
