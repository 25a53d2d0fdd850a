"""Seals a small secret to several keys, of which any one opens it alone.

A tender's share is sealed to the keys of all people of its institution whose keys are here, so that
the loss of one key loses no auction.  One envelope a key, in the manner of ECIES (SEC 1, 5.1): a
fresh key of secp256k1 and the person's agree on a point; its x coordinate, through HKDF-SHA256,
keys ChaCha20-Poly1305.  The nonce may be zero because every envelope has a key of its own.  A key
in a device agrees inside the device, and never leaves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Protocol

from coincurve import PrivateKey, PublicKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from amanat.core.canonical import canonical_bytes
from amanat.core.errors import AmanatError, Corrupt, Unavailable
from amanat.ledger.signers import KeyNotHeld

_NONCE = bytes(12)
_INFO = b"amanat tender share 2"


class Keys(Protocol):
    """What custody asks of the keys on this server; see `amanat.ledger.keyring.KeyRing`."""

    def public_key(self, address: str) -> bytes:
        """The point of a key that is here, uncompressed: 65 bytes; raises `KeyNotHeld`."""
        ...

    def agree(self, address: str, other: bytes) -> bytes:
        """32 bytes on which a key here and the point `other` agree; raises `KeyNotHeld`."""
        ...


def enclose(secret: bytes, bound: bytes, addresses: Iterable[str], keys: Keys) -> bytes:
    """The secret in one envelope for each of these keys; raises `KeyNotHeld` for none or another.

    `bound` says what it is the secret of: under another binding no envelope opens.
    """
    envelopes = {address: _sealed(secret, bound, keys.public_key(address)) for address in addresses}
    if not envelopes:
        raise KeyNotHeld(holder="any keeper")
    return canonical_bytes({"version": "2", "envelopes": envelopes})


def keepers_of(enclosed: bytes) -> list[str]:
    """The addresses of the keys of which each opens it alone."""
    return sorted(json.loads(enclosed)["envelopes"])


def disclose(enclosed: bytes, bound: bytes, first: str | None, keys: Keys) -> bytes:
    """The secret, opened by the key `first` or else by any keeper's that is here.

    Raises, where no key can be asked, what kept the first one from it: `KeyNotHeld`,
    `DeviceUnavailable`; and `Corrupt` where an envelope does not open.
    """
    missing: AmanatError | None = None
    envelopes = json.loads(enclosed)["envelopes"]
    for address in sorted(envelopes, key=lambda one: (one != first, one)):
        ephemeral = bytes.fromhex(envelopes[address][:130])
        try:
            secret = keys.agree(address, ephemeral)
            public = keys.public_key(address)
        except (KeyNotHeld, Unavailable) as error:
            missing = missing or error
            continue
        sealed = bytes.fromhex(envelopes[address][130:])
        try:
            return _cipher(secret, ephemeral, public, bound).decrypt(_NONCE, sealed, bound)
        except InvalidTag as error:
            raise Corrupt(f"the envelope for {address} does not open with its key") from error
    raise missing or KeyNotHeld(holder="any keeper")


def _sealed(secret: bytes, bound: bytes, public: bytes) -> str:
    fresh = PrivateKey()
    ephemeral = fresh.public_key.format(compressed=False)
    agreed = PublicKey(public).multiply(fresh.secret).format(compressed=False)[1:33]
    sealed = _cipher(agreed, ephemeral, public, bound).encrypt(_NONCE, secret, bound)
    return str(ephemeral.hex() + sealed.hex())


def _cipher(agreed: bytes, ephemeral: bytes, public: bytes, bound: bytes) -> ChaCha20Poly1305:
    info = _INFO + ephemeral + public + bound
    return ChaCha20Poly1305(HKDF(SHA256(), length=32, salt=None, info=info).derive(agreed))
