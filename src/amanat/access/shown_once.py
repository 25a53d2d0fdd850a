"""What is shown once and kept as a hash: tokens, cookies of sessions, links of invitations."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

WITHHELD = "shown once"


class ShownOnce(str):
    """A secret in the result of an act: answered to whoever acts, never stored."""

    __slots__ = ()


def fresh_secret(prefix: str = "") -> str:
    """256 random bits as text."""
    return prefix + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """SHA-256: a secret of 256 random bits cannot be searched, so a plain hash will do."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(secret: str, stored: str) -> bool:
    """Whether a secret has this stored hash, in time that does not depend on where they differ."""
    return hmac.compare_digest(hash_of(secret), stored)


def as_stored(answer: Any) -> Any:
    """The same answer without what is shown once."""
    if isinstance(answer, ShownOnce):
        return WITHHELD
    if isinstance(answer, dict):
        return {name: as_stored(one) for name, one in answer.items()}
    if isinstance(answer, (list, tuple)):
        return [as_stored(one) for one in answer]
    return answer
