"""Sealed bids: encrypted to two institutions in turn, bound to one tender and one bidder.

Each institution makes one X25519 key pair per tender.  Its public key is announced with the
tender; its private key is its *share*, released only once the closing block is final.  A form is
padded to one length, encrypted to the inner institution, and the outcome to the outer one, so that
with one institution's share alone nothing opens and a bid's size tells nothing.  Tender and bidder
number are associated data of both layers: a ciphertext copied under another number does not open.

layer  = ephemeral public key (32) || ChaCha20-Poly1305(key, nonce 0, text, context)
key    = HKDF-SHA256(X25519(ephemeral, institution), info = context || ephemeral || institution)
context = "amanat sealed bid 1" || layer (1) || tender (32) || bidder number (4, big-endian)

The nonce may be zero because every layer has a key of its own.  Sources: RFC 7748, RFC 5869,
RFC 8439.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Message

FORM_BYTES_MAX = 16_380
"""The longest form that fits one sealed bid: some 300 competitive bids."""

SEALED_BYTES = 4 + FORM_BYTES_MAX + 2 * (32 + 16)
"""Length of every sealed bid, whatever it says."""

SALT_BYTES = 32
NUMBER_MAX = 2**32 - 1

_CONTEXT = b"amanat sealed bid 1"
_INNER, _OUTER = b"\x01", b"\x02"
_NONCE = bytes(12)


class FormTooLong(Invalid):
    """A form fits one sealed bid, whose length is the same for all."""

    template: ClassVar[str] = "The form has {length} bytes; a sealed bid holds {maximum}."


class KeyInvalid(Invalid):
    """A public key or share is 32 bytes of X25519 that yield a secret (RFC 7748 section 6.1)."""

    template: ClassVar[str] = "{institution}: {reason}."


class ShareWrong(Refusal):
    """A released share is not the private half of the key announced with the tender."""

    template: ClassVar[str] = "{institution}'s share is not that of its announced key."


class SealBroken(Refusal):
    """A sealed bid does not open with these shares for this tender and bidder number.

    The proof is the ciphertext and both shares: anyone repeats the attempt.
    """

    template: ClassVar[str] = "The sealed bid does not open: {reason}."


class CommitmentInvalid(Invalid):
    """A commitment is over 32 bytes of tender, a bidder number of 32 bits and 32 bytes of salt."""

    template: ClassVar[str] = "No commitment over {what} {value}."


@dataclass(frozen=True, slots=True)
class TenderKey:
    """An institution's public key for one tender (32 bytes)."""

    institution: str
    public: bytes


@dataclass(frozen=True, slots=True)
class Share:
    """An institution's private key for one tender (32 bytes); a secret until the close."""

    institution: str
    private: bytes = field(repr=False)

    @property
    def key(self) -> TenderKey:
        """The public key that is announced with the tender.  Raises `KeyInvalid`."""
        return TenderKey(self.institution, self._private_key().public_key().public_bytes_raw())

    def _private_key(self) -> X25519PrivateKey:
        if len(self.private) != 32:
            raise KeyInvalid(institution=self.institution, reason="a share has 32 bytes")
        return X25519PrivateKey.from_private_bytes(self.private)


def new_share(institution: str) -> Share:
    """A fresh key pair of an institution for one tender."""
    return Share(institution, X25519PrivateKey.generate().private_bytes_raw())


def new_salt() -> bytes:
    """32 random bytes for one commitment."""
    return secrets.token_bytes(SALT_BYTES)


def commitment(tender: bytes, number: int, sealed: bytes, salt: bytes) -> bytes:
    """What the chain records of a bid before the close: 32 bytes.

    SHA-256(tender (32) || bidder number (4, big-endian) || SHA-256(sealed) || salt (32)).  All
    parts have fixed lengths, so no two different bids have one encoding.  For a letter entered by
    hand, `sealed` is the form itself.  Raises `CommitmentInvalid`.
    """
    return committed(tender, number, hashlib.sha256(sealed).digest(), salt)


def committed(tender: bytes, number: int, sealed_digest: bytes, salt: bytes) -> bytes:
    """`commitment` from the digest of the sealed bid, for whoever has not got the bid itself."""
    if len(tender) != 32:
        raise CommitmentInvalid(what="tender", value=tender.hex())
    if not 0 < number <= NUMBER_MAX:
        raise CommitmentInvalid(what="bidder number", value=number)
    if len(sealed_digest) != 32:
        raise CommitmentInvalid(what="digest", value=sealed_digest.hex())
    if len(salt) != SALT_BYTES:
        raise CommitmentInvalid(what="salt", value=salt.hex())
    return hashlib.sha256(tender + number.to_bytes(4, "big") + sealed_digest + salt).digest()


def seal(form: bytes, *, tender: bytes, number: int, inner: TenderKey, outer: TenderKey) -> bytes:
    """Encrypt a form to two institutions in turn; always `SEALED_BYTES` long.

    Raises `FormTooLong`, `KeyInvalid`, `CommitmentInvalid`.
    """
    if len(form) > FORM_BYTES_MAX:
        raise FormTooLong(length=len(form), maximum=FORM_BYTES_MAX)
    padded = len(form).to_bytes(4, "big") + form.ljust(FORM_BYTES_MAX, b"\x00")
    once = _encrypt(padded, _context(_INNER, tender, number), inner)
    return _encrypt(once, _context(_OUTER, tender, number), outer)


def unseal(sealed: bytes, *, tender: bytes, number: int, inner: Share, outer: Share) -> bytes:
    """The form of a sealed bid, with both institutions' shares.

    Raises `SealBroken` for a bid that was altered, sealed for another tender or bidder, sealed to
    other keys, or padded in any but the one way; `KeyInvalid` for a bad share.
    """
    if len(sealed) != SEALED_BYTES:
        raise SealBroken(
            reason=Message(
                "it has {length} bytes, not {expected}", length=len(sealed), expected=SEALED_BYTES
            )
        )
    once = _decrypt(sealed, _context(_OUTER, tender, number), outer)
    padded = _decrypt(once, _context(_INNER, tender, number), inner)
    length = int.from_bytes(padded[:4], "big")
    if length > FORM_BYTES_MAX or any(padded[4 + length :]):
        raise SealBroken(reason="its padding is not zeros")
    return padded[4 : 4 + length]


def check_share(share: Share, announced: TenderKey) -> None:
    """Refuse a share that is not the private half of the announced key: `ShareWrong`."""
    if share.key != announced:
        raise ShareWrong(institution=announced.institution)


def _context(layer: bytes, tender: bytes, number: int) -> bytes:
    if len(tender) != 32:
        raise CommitmentInvalid(what="tender", value=tender.hex())
    if not 0 < number <= NUMBER_MAX:
        raise CommitmentInvalid(what="bidder number", value=number)
    return _CONTEXT + layer + tender + number.to_bytes(4, "big")


def _layer_key(secret: bytes, context: bytes, ephemeral: bytes, public: bytes) -> ChaCha20Poly1305:
    derivation = HKDF(SHA256(), length=32, salt=None, info=context + ephemeral + public)
    return ChaCha20Poly1305(derivation.derive(secret))


def _encrypt(text: bytes, context: bytes, to: TenderKey) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    public = ephemeral.public_key().public_bytes_raw()
    try:
        secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(to.public))
    except ValueError as error:
        raise KeyInvalid(institution=to.institution, reason="no usable X25519 key") from error
    return public + _layer_key(secret, context, public, to.public).encrypt(_NONCE, text, context)


def _decrypt(layer: bytes, context: bytes, share: Share) -> bytes:
    ephemeral, text = layer[:32], layer[32:]
    public = share.key.public
    try:
        private = X25519PrivateKey.from_private_bytes(share.private)
        secret = private.exchange(X25519PublicKey.from_public_bytes(ephemeral))
        return _layer_key(secret, context, ephemeral, public).decrypt(_NONCE, text, context)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            reason=Message("{institution}'s layer does not open", institution=share.institution)
        ) from error
