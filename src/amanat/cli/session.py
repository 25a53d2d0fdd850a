"""Where commands are sent: to the installation in this folder, or to a server by its API.

Nobody acts without a token.  A server is asked when AMANAT_URL (or --url) names one; otherwise the
application is opened here, which nobody can do while a server has the embedded node.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import httpx
import sqlalchemy as sql

from amanat.access.actors import Actor
from amanat.access.acts import ACTS
from amanat.access.desk import parse
from amanat.access.key_register import note_use, require_usable
from amanat.access.tokens import authenticate
from amanat.app import Application
from amanat.cli.terminal import language, settings_of
from amanat.core.errors import AmanatError, Invalid, Refusal, Unauthenticated, Unavailable
from amanat.ledger.tables import order

if TYPE_CHECKING:
    from amanat.ledger.signed_files import PointSigner

TOKEN_VARIABLE = "AMANAT_TOKEN"
URL_VARIABLE = "AMANAT_URL"
PROGRAMME_VARIABLE = "AMANAT_PROGRAMME"
SPARK_VARIABLE = "AMANAT_SPARK"
VARIABLES: Mapping[str, tuple[str, str]] = {
    TOKEN_VARIABLE: ("none: the public", "Personal token of whoever asks or acts."),
    URL_VARIABLE: ("none: the folder", "A server to ask instead of opening the folder here."),
    PROGRAMME_VARIABLE: ("the only one", "Code of the programme; always needed with a server."),
    SPARK_VARIABLE: (
        "none: DuckDB here",
        "Master of the Spark cluster on which transactions are monitored, `spark://host:7077`.",
    ),
}
"""What the command line reads beside `amanat.settings.VARIABLES`."""
_TIMEOUT_SECONDS = 60.0


class ServerRefused(AmanatError):
    """What a server refused, in its own words and with its code."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = dict(body)
        lines = [str(one.get("detail", "")) for one in body.get("errors", ())]
        super().__init__("\n".join(lines) or str(body.get("detail", "refused")))

    @property
    def code(self) -> str:
        """The server's code."""
        return str(self.body.get("code", "server_refused"))

    def problem(self) -> dict[str, Any]:
        """The server's problem document."""
        return self.body


class ServerUnavailable(Unavailable):
    """The server does not answer, or cannot at the moment."""


class ProgrammeNotNamed(Invalid):
    """Where there are several programmes, the one that is meant is named."""

    template: ClassVar[str] = (
        "name the programme with --programme or AMANAT_PROGRAMME; there are: {known}."
    )


class KeyOfAnother(Refusal):
    """On the installation's machine one signs files with one's own key alone."""

    template: ClassVar[str] = "The certificate is of the key {key}; that of {person} is {own}."


class KeyOnServer(Refusal):
    """A key of a server signs files on its machine; one's own is named."""

    template: ClassVar[str] = (
        "Give --keys or --devices for a key of your own; a key of the server signs on its machine."
    )


class Session(Protocol):
    """One person at work, or the public."""

    def submit(self, act: str, fields: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        """Propose or carry out an act."""
        ...

    def approve(
        self, proposal: str, signatures: Mapping[str, bytes], key: str | None
    ) -> dict[str, Any]:
        """Approve a proposal."""
        ...

    def withdraw(self, proposal: str) -> dict[str, Any]:
        """Withdraw a proposal."""
        ...

    def view(self, name: str, fields: Mapping[str, Any]) -> Any:
        """Ask a view."""
        ...

    def own_key(self, address: str) -> PointSigner:
        """The key of whoever is at work, for signing files."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(self, *_: object) -> None:
        """End."""
        ...


class LocalSession:
    """The installation in a folder of this machine."""

    def __init__(self, data: Path | None, programme: str | None, token: str | None) -> None:
        self._application = Application(settings_of(data))
        self._programme = programme
        self._token = token

    def __enter__(self) -> Self:
        self._application.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._application.stop()

    def _actor(self) -> Actor:
        if not self._token:
            raise Unauthenticated(reason=f"put a token into {TOKEN_VARIABLE}")
        with self._application.store.reading() as connection:
            return authenticate(connection, self._token, self._application.store.clock())

    def submit(self, act: str, fields: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        """Propose or carry out an act, and let the ledger finish what it ordered."""
        command = parse(ACTS[act].command, fields)
        with self._finished():
            outcome = self._application.desk.submit(self._actor(), command, key=key)
        return outcome.as_json()

    def approve(
        self, proposal: str, signatures: Mapping[str, bytes], key: str | None
    ) -> dict[str, Any]:
        """Approve a proposal, and let the ledger finish what it ordered."""
        with self._finished():
            outcome = self._application.desk.approve(
                self._actor(), proposal, signatures=signatures, key=key
            )
        return outcome.as_json()

    @contextmanager
    def _finished(self) -> Iterator[None]:
        """Let the ledger finish what is ordered within; what orders nothing needs no node."""
        before = self._ordered()
        yield
        if self._ordered() != before:
            self._application.pump()

    def _ordered(self) -> int:
        """The place of the last order in the one sequence."""
        with self._application.store.reading() as connection:
            last = connection.execute(sql.select(sql.func.max(order.c.sequence))).scalar_one()
        return int(last or 0)

    def own_key(self, address: str) -> PointSigner:
        """The key of the token's person, which must be here and may sign.

        Refuses, in order: `KeyOfAnother`, `KeyEnded`, `KeyExpired`, `KeyNotHeld`.
        """
        actor, application = self._actor(), self._application
        if actor.address != address:
            raise KeyOfAnother(key=address, person=actor.person, own=actor.address or "none")
        now = application.store.clock()
        with application.engine.begin() as connection:
            require_usable(connection, actor.programme, address, now)
            signer = application.keys.point_signer(address)
            note_use(connection, actor.programme, address, now)
        return signer

    def withdraw(self, proposal: str) -> dict[str, Any]:
        """Withdraw a proposal."""
        return self._application.desk.withdraw(self._actor(), proposal).as_json()

    def view(self, name: str, fields: Mapping[str, Any]) -> Any:
        """Ask a view, as the token's person or as the public."""
        actor = self._actor() if self._token else None
        programme = actor.programme if actor else self._programme or self._only_programme()
        return self._application.desk.view(actor, programme, name, fields)

    def _only_programme(self) -> str:
        known = [str(one["code"]) for one in self._application.programmes()]
        if len(known) != 1:
            raise ProgrammeNotNamed(known=", ".join(known) or "none yet")
        return known[0]


class ServerSession:
    """A server, through its API."""

    def __init__(self, url: str, programme: str | None, token: str | None) -> None:
        if programme is None:
            raise ProgrammeNotNamed(known="those on the server's first page")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers["Accept-Language"] = language()
        base = f"{url.rstrip('/')}/v1/programmes/{programme}"
        self._client = httpx.Client(base_url=base, headers=headers, timeout=_TIMEOUT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def submit(self, act: str, fields: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        """Propose or carry out an act."""
        headers = {"Idempotency-Key": key} if key else {}
        return dict(self._ask("POST", f"/acts/{act}", json=dict(fields), headers=headers))

    def approve(
        self, proposal: str, signatures: Mapping[str, bytes], key: str | None
    ) -> dict[str, Any]:
        """Approve a proposal."""
        given = {signed: signature.hex() for signed, signature in signatures.items()}
        body, headers = {"signatures": given}, {"Idempotency-Key": key} if key else {}
        path = f"/proposals/{proposal}/approve"
        return dict(self._ask("POST", path, json=body, headers=headers))

    def withdraw(self, proposal: str) -> dict[str, Any]:
        """Withdraw a proposal."""
        return dict(self._ask("POST", f"/proposals/{proposal}/withdraw"))

    def own_key(self, address: str) -> PointSigner:
        """Refuses `KeyOnServer`."""
        del address
        raise KeyOnServer()

    def view(self, name: str, fields: Mapping[str, Any]) -> Any:
        """Ask a view."""
        return self._ask("GET", f"/views/{name}", params=dict(fields))

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ServerUnavailable(f"{self._client.base_url} does not answer: {error}") from error
        if answer.is_success:
            return body
        if answer.status_code == ServerUnavailable.status:
            raise ServerUnavailable(str(body.get("detail", "the server is busy")))
        raise ServerRefused(body)


def open_session(url: str | None, data: Path | None, programme: str | None) -> Session:
    """The session that options and environment ask for."""
    token = os.environ.get(TOKEN_VARIABLE)
    programme = programme or os.environ.get(PROGRAMME_VARIABLE)
    url = url or (None if data else os.environ.get(URL_VARIABLE))
    if url:
        return ServerSession(url, programme, token)
    return LocalSession(data, programme, token)
