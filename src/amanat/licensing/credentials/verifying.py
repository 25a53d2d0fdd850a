"""The check of a licence from files alone, as `amanat licence verify` does it, offline.

The bare package checks tokens; a certificate in PDF needs the platform's readers as well.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from amanat.core.errors import AmanatError, Invalid, Unavailable
from amanat.licensing.credentials.jose import AuthorityKeys, read_keys
from amanat.licensing.credentials.licence import VerifiedLicence, summary, verify_licence
from amanat.licensing.credentials.status_lists import CheckedList, read_status_list

PDF_BEGINS = b"%PDF-"
FILE_BYTES_MAX = 32 * 2**20
REFUSED = 1


class FileUnreadable(Invalid):
    """What is to be checked, and by what, are files that can be read."""

    template: ClassVar[str] = "{file} cannot be read: {reason}."


class TimeUnreadable(Invalid):
    """A time is written as ISO 8601 with its zone."""

    template: ClassVar[str] = "{value!r} is no time such as 2026-11-22T07:00:00Z."


class CertificateSupportMissing(Unavailable):
    """A certificate in PDF is checked by `pip install 'amanat[platform]'`; its token is not."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a verifier was given: the thing itself, keys, status lists, the time, a proof's terms.

    `certificate` is the name of the file where it is a PDF.
    """

    content: bytes
    keys: AuthorityKeys
    lists: tuple[CheckedList, ...]
    now: float
    audience: str | None = None
    nonce: str | None = None


def given(
    what: str,
    keys: Path,
    lists: Sequence[Path],
    at: str | None = None,
    audience: str | None = None,
    nonce: str | None = None,
) -> Given:
    """Reads it all; `what` is a file's name, or a token itself.

    Refuses `FileUnreadable`, `KeysUnreadable`, `TimeUnreadable`, and what `read_status_list` does.
    """
    trusted = read_keys(_content(keys))
    checked = tuple(
        read_status_list(_content(one).decode("utf-8", "replace"), trusted) for one in lists
    )
    content = what.encode() if _is_token(what) else _content(Path(what))
    return Given(content, trusted, checked, _time(at), audience, nonce)


def verify(found: Given) -> VerifiedLicence:
    """The licence that a token or certificate is, if it holds.

    Refuses as `verify_licence`; a certificate as `check_certificate` besides.
    """
    if not found.content.startswith(PDF_BEGINS):
        text = found.content.decode("utf-8", "replace")
        return verify_licence(
            text, found.keys, found.lists, found.now, audience=found.audience, nonce=found.nonce
        )
    try:
        from amanat.licensing.credentials.certificate_check import check_certificate
    except ImportError as error:
        raise CertificateSupportMissing(
            "A certificate in PDF is checked by pip install 'amanat[platform]'"
        ) from error
    return check_certificate(found.content, found.keys, found.lists, found.now)


def answer(found: VerifiedLicence) -> dict[str, Any]:
    """What holds, for programs."""
    return {
        "valid": True,
        "kind": found.kind,
        "number": found.number,
        "categories": list(found.categories),
        "name": found.name,
        "provider": found.provider,
        "authority": found.authority,
        "issuer": found.issuer,
        "expires": int(found.expires),
        "status_of": int(found.status_of),
        "hidden": found.hidden,
        "holder_proven": found.bound,
        "claims": dict(found.claims),
        "detail": summary(found),
    }


def refusal(error: AmanatError) -> dict[str, Any]:
    """Why it does not hold, for programs."""
    return {"valid": False, "code": error.code, "detail": _one_line(error)}


def main(arguments: Sequence[str]) -> int:
    """The command of the bare package; the exit code: 0 it holds, 1 it is refused, 2 wrong use."""
    asked = _parser().parse_args(arguments)
    try:
        found = verify(
            given(asked.what, asked.keys, asked.status_list, asked.at, asked.audience, asked.nonce)
        )
    except AmanatError as error:
        if asked.json:
            print(json.dumps(refusal(error), ensure_ascii=False))
        else:
            print(_one_line(error), file=sys.stderr)
        return REFUSED
    print(json.dumps(answer(found), ensure_ascii=False) if asked.json else summary(found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="amanat licence verify",
        description="Check a licence offline: by the authority's keys and a status list.",
    )
    parser.add_argument("what", metavar="FILE|TOKEN", help="certificate, file of a token, or token")
    parser.add_argument("--keys", type=Path, required=True, help="keys of the authority (JWKS)")
    parser.add_argument(
        "--status-list", type=Path, action="append", default=[], help="status list that was fetched"
    )
    parser.add_argument("--at", help="as of this time instead of now")
    parser.add_argument("--audience", help="for whom the holder must have proven their key")
    parser.add_argument("--nonce", help="by which nonce they must have")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    return parser


def _one_line(error: AmanatError) -> str:
    return " ".join(str(error).split())


def _is_token(what: str) -> bool:
    """A token begins with the base64url of an object's brace and has two points."""
    return what.lstrip().startswith("eyJ") and what.count(".") >= 2


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise FileUnreadable(file=path, reason=f"more than {FILE_BYTES_MAX} bytes")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileUnreadable(file=str(path)[:200], reason=reason) from None


def _time(at: str | None) -> float:
    if at is None:
        return time.time()
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise TimeUnreadable(value=at[:40]) from None
    if found.tzinfo is None:
        raise TimeUnreadable(value=at[:40])
    return found.timestamp()
