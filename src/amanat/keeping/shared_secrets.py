"""The folder `secrets/` in parts, of which so many together restore it and fewer tell nothing.

A fresh key of 128 bits seals the files (ChaCha20-Poly1305 under HKDF-SHA256 of the key) and
is shared by Shamir's scheme over GF(2^128) (pycryptodome's `SecretSharing`).  Each part is one JSON
file with its share and the sealed files, so that nothing else is needed to restore them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from Crypto.Protocol.SecretSharing import Shamir
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amanat.core.canonical import canonical_bytes
from amanat.core.errors import Invalid, NotFound, Refusal

SCHEMA = "amanat.secrets-part/1"
PARTS_MAX = 32
_KEY_BYTES = 16
_NONCE = bytes(12)


class PartsMeaningless(Invalid):
    """At least two of the parts are needed, and not more than there are."""

    template: ClassVar[str] = "{needed} of {parts} parts: 2 to {parts} may be needed, of 2 to 32."


class PartUnreadable(Invalid):
    """A part is a file that `amanat keys split` wrote."""

    template: ClassVar[str] = "{file} is no part of a folder of secrets: {reason}."


class PartsTooFew(Refusal):
    """As many different parts as were said when it was split."""

    template: ClassVar[str] = "{found} different parts of one splitting; {needed} are needed."


class PartsDiffer(Refusal):
    """All parts are of one splitting, and unaltered."""

    template: ClassVar[str] = "The parts do not belong together, or one was altered."


class SecretsThere(Refusal):
    """Nothing is ever written over."""

    template: ClassVar[str] = "There is already {path}."


def split(folder: Path, parts: int, needed: int) -> list[bytes]:
    """The parts of a folder of secrets, each a file's content.

    Refuses `PartsMeaningless`, `NotFound`.
    """
    if not 2 <= needed <= parts <= PARTS_MAX:
        raise PartsMeaningless(needed=needed, parts=parts)
    files = {
        one.name: one.read_bytes().hex() for one in sorted(folder.glob("[!.]*")) if one.is_file()
    }
    if not files:
        raise NotFound(thing="secret in", value=folder)
    key = secrets.token_bytes(_KEY_BYTES)
    sealed = _cipher(key).encrypt(_NONCE, canonical_bytes(files), SCHEMA.encode())
    common = {
        "schema": SCHEMA,
        "splitting": hashlib.sha256(sealed).hexdigest(),
        "needed": needed,
        "parts": parts,
        "sealed": sealed.hex(),
    }
    return [
        json.dumps(common | {"part": number, "share": bytes(share).hex()}, indent=2).encode()
        for number, share in Shamir.split(needed, parts, key, False)
    ]


def join(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of a folder of secrets, by name; `parts` are contents by file.

    Refuses, in order: `PartUnreadable`, `PartsTooFew`, `PartsDiffer`.
    """
    read = [_read(file, content) for file, content in parts.items()]
    splittings = {one["splitting"] for one in read}
    if len(splittings) > 1:
        raise PartsDiffer()
    shares = {one["part"]: bytes.fromhex(one["share"]) for one in read}
    needed = max((one["needed"] for one in read), default=2)
    if len(shares) < needed:
        raise PartsTooFew(found=len(shares), needed=needed)
    sealed = bytes.fromhex(read[0]["sealed"])
    chosen = sorted(shares.items())[:needed]
    try:
        files = _cipher(bytes(Shamir.combine(chosen, False))).decrypt(
            _NONCE, sealed, SCHEMA.encode()
        )
    except (InvalidTag, ValueError):
        raise PartsDiffer() from None
    found = {name: bytes.fromhex(content) for name, content in json.loads(files).items()}
    if any(Path(name).name != name for name in found):
        raise PartsDiffer()
    return found


def restore(parts: Mapping[str, bytes], folder: Path) -> list[str]:
    """Write the joined files into a folder of secrets that has none of them; their names.

    Refuses as `join`, then `SecretsThere`.
    """
    files = join(parts)
    for name in files:
        if (folder / name).exists():
            raise SecretsThere(path=folder / name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(folder / name, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    return sorted(files)


def _read(file: str, content: bytes) -> dict[str, Any]:
    try:
        part: dict[str, Any] = json.loads(content)
        sound = (
            part["schema"] == SCHEMA
            and hashlib.sha256(bytes.fromhex(part["sealed"])).hexdigest() == part["splitting"]
            and type(part["part"]) is type(part["needed"]) is int
            and len(bytes.fromhex(part["share"])) == _KEY_BYTES
        )
    except (ValueError, KeyError, TypeError) as error:
        raise PartUnreadable(file=file, reason=str(error)) from None
    if not sound:
        raise PartUnreadable(file=file, reason="its fields do not fit")
    return part


def _cipher(key: bytes) -> ChaCha20Poly1305:
    # The nonce may be zero because every splitting has a key of its own.
    return ChaCha20Poly1305(HKDF(SHA256(), length=32, salt=None, info=SCHEMA.encode()).derive(key))
