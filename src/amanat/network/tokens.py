"""Who may ask a node: bearer tokens of institutions, kept hashed beside each node.

An institution holds its token in a file of its own; a node's folder holds the SHA-256 of every
token that its gate admits, by institution.  A token is 32 random bytes, so that its hash tells
nothing of it.  Whoever changes the hashes needs no restart: a gate reads them when they change.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from amanat.core.errors import Corrupt, Invalid, Refusal

TOKENS_FILE = "gate-tokens.json"
_BYTES = 32
_DIGEST = re.compile(r"[0-9a-f]{64}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class TokenNotHeld(Refusal):
    """Nothing is asked of a network without the token of an institution."""

    template: ClassVar[str] = (
        "No token is in {folder}: amanat network token INSTITUTION makes one there."
    )


class NameOfNobody(Invalid):
    """A token belongs to an institution, which is named by its code."""

    template: ClassVar[str] = "{value!r} is no institution's code."


class NotADigest(Invalid):
    """Of a token its SHA-256 is kept: 64 hexadecimal digits."""

    template: ClassVar[str] = "The SHA-256 of a token has 64 hexadecimal digits."


class TokensUnreadable(Corrupt):
    """The hashes of the tokens that a gate admits cannot be read."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A token that a gate admits, by its hash; `until` in seconds since 1970, None without end."""

    institution: str
    sha256: str
    until: float | None = None


def fresh_token() -> str:
    """A token that nobody can guess, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_BYTES)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def write_closed(path: Path, content: str) -> None:
    """Write a file whole or not at all, for its owner alone.

    Where the superuser writes, whoever owns the file, or else the folder, owns it afterwards.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    if os.geteuid() == 0:
        owner = (path if path.exists() else path.parent).stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_admitted(folder: Path) -> list[Admitted]:
    """Whom the node in a folder admits; nobody where there is no file.  `TokensUnreadable`."""
    path = folder / TOKENS_FILE
    try:
        return [Admitted(**one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise TokensUnreadable(f"{path}: {type(error).__name__}") from error


def require_code(institution: str) -> str:
    """The code of an institution, which names files too; raises `NameOfNobody`."""
    if not _CODE.fullmatch(institution):
        raise NameOfNobody(value=institution[:60])
    return institution


def admit(folder: Path, institution: str, sha256: str) -> None:
    """Have a node admit one more token of an institution.

    Raises `NameOfNobody`, `NotADigest`, `TokensUnreadable`.
    """
    require_code(institution)
    if not _DIGEST.fullmatch(sha256):
        raise NotADigest()
    others = [one for one in read_admitted(folder) if one.sha256 != sha256]
    _keep(folder, [*others, Admitted(institution, sha256)])


def end_former(folder: Path, institution: str, sha256: str, *, until: float) -> None:
    """Have a node admit other tokens of an institution than this one only `until` then.

    In seconds since 1970; one that was to end earlier does.
    """
    kept = []
    for one in read_admitted(folder):
        if one.institution == institution and one.sha256 != sha256:
            ends = until if one.until is None else min(one.until, until)
            one = Admitted(institution, one.sha256, ends)
        if one.until is None or one.until > time.time():
            kept.append(one)
    _keep(folder, kept)


def expel(folder: Path, institution: str) -> None:
    """Have a node admit no token of an institution, at once."""
    _keep(folder, [one for one in read_admitted(folder) if one.institution != institution])


def _keep(folder: Path, admitted: list[Admitted]) -> None:
    content = json.dumps([asdict(one) for one in admitted], indent=2) + "\n"
    write_closed(folder / TOKENS_FILE, content)


class Admission:
    """Whom one gate admits, as its node's folder says now."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._clock = clock
        self._admitted: list[Admitted] = []
        self._seen: tuple[int, int] | None = None

    def institution(self, token: bytes) -> str | None:
        """Whose token it is; None for nobody's.  Every hash is compared, each in constant time."""
        presented = hashlib.sha256(token).hexdigest()
        now = self._clock()
        found = None
        for one in self._current():
            serves = one.until is None or one.until > now
            if hmac.compare_digest(one.sha256, presented) and serves:
                found = one.institution
        return found

    def _current(self) -> list[Admitted]:
        """The file's content, read when it changed; nobody where it is lost or broken."""
        try:
            found = (self._folder / TOKENS_FILE).stat()
            if (found.st_ino, found.st_mtime_ns) != self._seen:
                self._admitted = read_admitted(self._folder)
                self._seen = (found.st_ino, found.st_mtime_ns)
        except (OSError, TokensUnreadable):
            self._admitted, self._seen = [], None
        return self._admitted
