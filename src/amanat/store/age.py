"""Encrypted files in the format age v1, written and read as a stream.

The definition: https://c2sp.org/age (X25519 and scrypt recipients; ChaCha20-Poly1305 in chunks of
64 KiB, each authenticated, the last one marked, so that a file cut short is noticed).  Any age
program opens such a file with the identity or passphrase, so a backup outlives this software.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import io
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from amanat.core.errors import Corrupt, Invalid, Refusal

VERSION = b"age-encryption.org/v1"
CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_COLUMNS = 64
_HEADER_BYTES_MAX = 64 * 1024
_SCRYPT_WORK, _SCRYPT_WORK_MAX = 18, 22
_X25519_INFO = b"age-encryption.org/v1/X25519"
_SCRYPT_SALT = b"age-encryption.org/v1/scrypt"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class KeyTextInvalid(Invalid):
    """A recipient is age1..., an identity AGE-SECRET-KEY-1...; both are checked Bech32."""

    template: ClassVar[str] = "{value}: {reason}."


class NotEncrypted(Invalid):
    """A file that does not begin as the format says is no backup."""

    template: ClassVar[str] = "This is no file in the format age v1: {reason}."


class KeyDoesNotOpen(Refusal):
    """None of the identities, or not this passphrase, was meant to open the file."""

    template: ClassVar[str] = "The key or passphrase does not open this file."


class FileAltered(Corrupt):
    """What was written and what is read differ: a file is taken whole or not at all."""


@dataclass(frozen=True, slots=True)
class Lock:
    """For whom a file is encrypted: public keys of recipients, or one passphrase."""

    recipients: tuple[bytes, ...] = ()
    passphrase: str | None = None


@dataclass(frozen=True, slots=True)
class Opener:
    """What opens a file: secret keys of identities, or a passphrase."""

    identities: tuple[bytes, ...] = ()
    passphrase: str | None = None


# -- texts of keys --------------------------------------------------------------------------------


def new_identity() -> tuple[str, str]:
    """A fresh identity (secret) and its recipient (public), as texts."""
    secret = X25519PrivateKey.generate()
    public = secret.public_key().public_bytes_raw()
    return _bech32("age-secret-key-", secret.private_bytes_raw()).upper(), _bech32("age", public)


def recipient_of(text: str) -> bytes:
    """The public key in `age1...`; raises `KeyTextInvalid`."""
    return _unbech32("age", text.strip())


def identities_of(text: str) -> tuple[bytes, ...]:
    """The secret keys in an identity file: one a line, `#` begins a remark."""
    lines = [line.strip() for line in text.splitlines()]
    found = tuple(
        _unbech32("age-secret-key-", line, shown="an identity")
        for line in lines
        if line and not line.startswith("#")
    )
    if not found:
        raise KeyTextInvalid(value="the file", reason="it holds no identity")
    return found


def _polymod(values: Sequence[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(
            (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
        ):
            check ^= generator if top >> bit & 1 else 0
    return check


def _prefix_values(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _bech32(prefix: str, content: bytes) -> str:
    number = int.from_bytes(content, "big") << (-len(content) * 8 % 5)
    count = -(-len(content) * 8 // 5)
    words = [number >> 5 * (count - 1 - at) & 31 for at in range(count)]
    check = _polymod(_prefix_values(prefix) + words + [0] * 6) ^ 1
    words += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(_BECH32[word] for word in words)


def _unbech32(prefix: str, text: str, shown: str | None = None) -> bytes:
    value = shown or text[:70]
    lower = text.lower()
    if text not in (lower, text.upper()) or not lower.startswith(prefix + "1"):
        raise KeyTextInvalid(value=value, reason=f"it does not begin with {prefix}1")
    words = [_BECH32.find(c) for c in lower[len(prefix) + 1 :]]
    if len(words) != 58 or min(words) < 0 or _polymod(_prefix_values(prefix) + words) != 1:
        raise KeyTextInvalid(value=value, reason="it was mistyped: the check does not fit")
    number = 0
    for word in words[:-6]:
        number = number << 5 | word
    if number & 15:
        raise KeyTextInvalid(value=value, reason="it ends in bits that mean nothing")
    return (number >> 4).to_bytes(32, "big")


# -- the header -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stanza:
    arguments: tuple[str, ...]
    body: bytes

    def lines(self) -> bytes:
        text = _b64(self.body)
        parts = [text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS)]
        if not parts or len(parts[-1]) == _COLUMNS:
            parts.append("")
        return ("-> " + " ".join(self.arguments) + "\n" + "\n".join(parts) + "\n").encode()


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise NotEncrypted(reason="its header holds broken base64") from None
    if _b64(found) != text:
        raise NotEncrypted(reason="its header holds base64 that is not canonical")
    return found


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, info).derive(secret)


def _header_mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), header, "sha256")


def _wrapped_for(recipient: bytes, file_key: bytes) -> _Stanza:
    secret = X25519PrivateKey.generate()
    share = secret.public_key().public_bytes_raw()
    shared = secret.exchange(X25519PublicKey.from_public_bytes(recipient))
    key = _derive(shared, share + recipient, _X25519_INFO)
    return _Stanza(("X25519", _b64(share)), ChaCha20Poly1305(key).encrypt(bytes(12), file_key, b""))


def _passphrase_key(passphrase: str, salt: bytes, work: int) -> bytes:
    return Scrypt(_SCRYPT_SALT + salt, 32, 1 << work, 8, 1).derive(passphrase.encode())


def _wrapped_by(passphrase: str, file_key: bytes, work: int) -> _Stanza:
    salt = secrets.token_bytes(16)
    key = _passphrase_key(passphrase, salt, work)
    body = ChaCha20Poly1305(key).encrypt(bytes(12), file_key, b"")
    return _Stanza(("scrypt", _b64(salt), str(work)), body)


def _unwrap(stanzas: Sequence[_Stanza], opener: Opener) -> bytes:
    if any(one.arguments[0] == "scrypt" for one in stanzas) and len(stanzas) != 1:
        raise NotEncrypted(reason="a passphrase and other keys at once")
    for stanza in stanzas:
        kind = stanza.arguments[0]
        found = None
        if kind == "X25519":
            found = _unwrap_x25519(stanza, opener.identities)
        elif kind == "scrypt":
            found = _unwrap_scrypt(stanza, opener.passphrase)
        if found is not None:
            return found
    raise KeyDoesNotOpen


def _unwrap_x25519(stanza: _Stanza, identities: Sequence[bytes]) -> bytes | None:
    share = _unb64(stanza.arguments[1]) if len(stanza.arguments) == 2 else b""
    if len(share) != 32 or len(stanza.body) != 32:
        raise NotEncrypted(reason="a recipient of a wrong length")
    for secret in identities:
        own = X25519PrivateKey.from_private_bytes(secret)
        try:
            shared = own.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise NotEncrypted(reason="a recipient of low order") from None
        salt = share + own.public_key().public_bytes_raw()
        try:
            key = _derive(shared, salt, _X25519_INFO)
            return ChaCha20Poly1305(key).decrypt(bytes(12), stanza.body, b"")
        except InvalidTag:
            continue
    return None


def _unwrap_scrypt(stanza: _Stanza, passphrase: str | None) -> bytes | None:
    salt = _unb64(stanza.arguments[1]) if len(stanza.arguments) == 3 else b""
    work = stanza.arguments[2] if len(stanza.arguments) == 3 else ""
    well_made = work.isascii() and work.isdigit() and not work.startswith("0")
    if len(salt) != 16 or len(stanza.body) != 32 or not well_made:
        raise NotEncrypted(reason="a passphrase stanza that is not well made")
    if len(work) > 2 or int(work) > _SCRYPT_WORK_MAX:
        raise NotEncrypted(reason=f"it asks for 2^{work} work")
    if passphrase is None:
        return None
    try:
        key = _passphrase_key(passphrase, salt, int(work))
        return ChaCha20Poly1305(key).decrypt(bytes(12), stanza.body, b"")
    except InvalidTag:
        return None


# -- the payload ----------------------------------------------------------------------------------


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


class Encrypting(io.RawIOBase):
    """Writes an encrypted file onto `target`, which it does not close."""

    def __init__(self, target: IO[bytes], lock: Lock, *, work: int = _SCRYPT_WORK) -> None:
        file_key = secrets.token_bytes(16)
        if lock.passphrase is not None:
            stanzas = [_wrapped_by(lock.passphrase, file_key, work)]
        else:
            stanzas = [_wrapped_for(one, file_key) for one in lock.recipients]
        if not stanzas:
            raise KeyTextInvalid(value="recipients", reason="none is named")
        header = VERSION + b"\n" + b"".join(one.lines() for one in stanzas) + b"---"
        salt = secrets.token_bytes(16)
        target.write(header + b" " + _b64(_header_mac(file_key, header)).encode() + b"\n" + salt)
        self._target = target
        self._cipher = ChaCha20Poly1305(_derive(file_key, salt, b"payload"))
        self._waiting = bytearray()
        self._number = 0
        self._ended = False

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        added = bytes(content)  # type: ignore[call-overload]
        self._waiting += added
        # A chunk is written when it is known that another follows: the last one is marked.
        start = 0
        while len(self._waiting) - start > CHUNK_BYTES:
            self._put(bytes(self._waiting[start : start + CHUNK_BYTES]), last=False)
            start += CHUNK_BYTES
        del self._waiting[:start]
        return len(added)

    def finish(self) -> None:
        """Write the marked last chunk; without it the file is not whole."""
        if not self._ended:
            self._put(bytes(self._waiting), last=True)
            self._ended = True

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._number, last), chunk, b""))
        self._number += 1


class Decrypting(io.RawIOBase):
    """Reads an encrypted file; what it returns has been authenticated.

    Raises `NotEncrypted`, `KeyDoesNotOpen`, `FileAltered`.
    """

    def __init__(self, source: IO[bytes], opener: Opener) -> None:
        stanzas, header, told = _read_header(source)
        file_key = _unwrap(stanzas, opener)
        if len(file_key) != 16:
            raise NotEncrypted(reason="its key is of a wrong length")
        if not hmac.compare_digest(_header_mac(file_key, header), told):
            raise FileAltered("The header of the file was altered.")
        salt = source.read(16)
        if len(salt) != 16:
            raise NotEncrypted(reason="it ends within its header")
        self._source = source
        self._cipher = ChaCha20Poly1305(_derive(file_key, salt, b"payload"))
        self._ready = b""
        self._number = 0
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._ready and not self._ended:
            self._next()
        if not self._ready and self._source.read(1):
            raise FileAltered("Something follows the last chunk of the file.")
        part = self._ready[: len(view)]
        view[: len(part)] = part
        self._ready = self._ready[len(part) :]
        return len(part)

    def _next(self) -> None:
        chunk = self._source.read(CHUNK_BYTES + _TAG_BYTES)
        whole = len(chunk) == CHUNK_BYTES + _TAG_BYTES
        opened = self._opened(chunk, last=False) if whole else None
        if opened is None:
            opened = self._opened(chunk, last=True)
            self._ended = opened is not None
        if opened is None:
            raise FileAltered(
                f"Chunk {self._number} of the file was altered, or the file was cut short."
            )
        if self._ended and self._number and not opened:
            raise FileAltered("The last chunk of the file is empty.")
        self._ready = opened
        self._number += 1

    def _opened(self, chunk: bytes, *, last: bool) -> bytes | None:
        try:
            return self._cipher.decrypt(_nonce(self._number, last), chunk, b"")
        except InvalidTag:
            return None


def _read_header(source: IO[bytes]) -> tuple[list[_Stanza], bytes, bytes]:
    """The stanzas, the bytes that the MAC covers, and the MAC."""
    reader = _Lines(source)
    if reader.next() != VERSION.decode():
        raise NotEncrypted(reason="it begins otherwise")
    stanzas: list[_Stanza] = []
    while True:
        before = len(reader.read)
        line = reader.next()
        if line.startswith("--- "):
            if not stanzas:
                raise NotEncrypted(reason="it has no recipients")
            mac = _unb64(line[4:])
            if len(mac) != 32:
                raise NotEncrypted(reason="its MAC is of a wrong length")
            return stanzas, bytes(reader.read[: before + 3]), mac
        if not line.startswith("-> "):
            raise NotEncrypted(reason="its header is not well made")
        arguments = tuple(line[3:].split(" "))
        if any(not one or any(not 33 <= ord(c) <= 126 for c in one) for one in arguments):
            raise NotEncrypted(reason="a recipient is not well made")
        body = ""
        while True:
            part = reader.next()
            if len(part) > _COLUMNS:
                raise NotEncrypted(reason="a line of its header is too long")
            body += part
            if len(part) < _COLUMNS:
                break
        stanzas.append(_Stanza(arguments, _unb64(body)))


class _Lines:
    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self.read = bytearray()

    def next(self) -> str:
        """The next line without its end."""
        start = len(self.read)
        while True:
            byte = self._source.read(1)
            if not byte or len(self.read) > _HEADER_BYTES_MAX:
                raise NotEncrypted(reason="its header does not end")
            self.read += byte
            if byte == b"\n":
                break
        try:
            return self.read[start:-1].decode("ascii")
        except UnicodeDecodeError:
            raise NotEncrypted(reason="its header is not ASCII") from None
