"""Sends a return: to a server by its API, or to the installation in a folder of this machine."""

from __future__ import annotations

import json
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx

from amanat.app import Application
from amanat.cli.acts import FieldUnreadable
from amanat.cli.session import (
    PROGRAMME_VARIABLE,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    ProgrammeNotNamed,
    ServerRefused,
    ServerUnavailable,
)
from amanat.cli.terminal import settings_of
from amanat.core.errors import Unauthenticated
from amanat.core.messages import Message
from amanat.supervision.returns.receiving import NAMES, STREAM, TAR
from amanat.supervision.returns.specification import MANIFEST, RECORDS

_PART = 1 << 20
_TIMEOUT = httpx.Timeout(60.0, read=None)
_BRACE = re.compile(rb"\s*\{\s*")


def sent(
    folder: Path, url: str | None, data: Path | None, programme: str | None, *, stream: bool
) -> dict[str, Any]:
    """The receipt of a return.  Refuses as the intake does."""
    token = os.environ.get(TOKEN_VARIABLE)
    if not token:
        raise Unauthenticated(
            reason=Message("put a token into {variable}", variable=TOKEN_VARIABLE)
        )
    server = url or os.environ.get(URL_VARIABLE)
    if server is None:
        return _here(folder, data, token)
    code = programme or os.environ.get(PROGRAMME_VARIABLE)
    if code is None:
        raise ProgrammeNotNamed(known="those on the server's first page")
    where = f"{server.rstrip('/')}/v1/programmes/{code}/returns"
    try:
        with _body(folder, stream=stream) as content:
            answer = httpx.post(
                where,
                content=content,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": STREAM if stream else TAR,
                },
                timeout=_TIMEOUT,
            )
    except httpx.HTTPError as error:
        raise ServerUnavailable(f"{server} does not answer: {error}") from error
    if answer.status_code != httpx.codes.OK:
        raise ServerRefused(_problem(answer))
    receipt: dict[str, Any] = answer.json()
    return receipt


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"detail": f"HTTP {answer.status_code}"}


def _here(folder: Path, data: Path | None, token: str) -> dict[str, Any]:
    from amanat.access.tokens import authenticate

    application = Application(settings_of(data))
    with application.store.reading() as connection:
        actor = authenticate(connection, token, application.store.clock())
    application.intake.require_may_send(actor)
    with application.intake.incoming() as place:
        for one in sorted(folder.iterdir()):
            if one.is_file() and one.name in NAMES:
                place.put(one)
        return application.intake.take(actor, place)


class _body:
    """What is sent: a tar of the return's files, or all of their lines in one stream."""

    def __init__(self, folder: Path, *, stream: bool) -> None:
        self._folder, self._stream = folder, stream
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def __enter__(self) -> Iterator[bytes]:
        if self._stream:
            for line in lines_of(self._folder):
                self._file.write(line)
        else:
            with tarfile.open(fileobj=self._file, mode="w|") as packed:
                for one in sorted(self._folder.iterdir()):
                    if one.is_file() and not one.name.startswith("."):
                        packed.add(one, one.name)
        self._file.seek(0)
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        while part := self._file.read(_PART):
            yield part

    def __exit__(self, *_: object) -> None:
        self._file.close()


def lines_of(folder: Path) -> Iterator[bytes]:
    """All lines of a return as one stream; the lines must name their record already.

    Refuses `FieldUnreadable` where they do not, or a file is none of NDJSON.
    """
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    yield json.dumps({"record": "manifest"} | manifest, ensure_ascii=False).encode() + b"\n"
    for name in RECORDS:
        path = folder / f"{name}.ndjson"
        if not path.is_file():
            others = [one.name for one in folder.glob(f"{name}.*")]
            if others:
                reason = Message("only NDJSON is sent as a stream")
                raise FieldUnreadable(field=others[0], reason=reason)
            continue
        start = f'"record": "{name}"'.encode()
        with path.open("rb") as file:
            for line in file:
                brace = _BRACE.match(line)
                if brace is None or not line[brace.end() :].startswith(start):
                    begins = "{" + start.decode()
                    reason = Message("each line must begin with {start}", start=begins)
                    raise FieldUnreadable(field=path.name, reason=reason)
                yield line
