"""Web3 Secret Storage, version 3: a private key under a password, as geth and wallets write it.

The definition: https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage/
(scrypt or PBKDF2-HMAC-SHA256 for the password, AES-128-CTR for the key, Keccak-256 to check it).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from Crypto.Protocol.KDF import scrypt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from amanat.ledger.wire import keccak

_BLOCK, _PARALLEL, _DERIVED_BYTES = 8, 1, 32


def seal(secret: bytes, address: str, password: str, work: int) -> dict[str, Any]:
    """The content of a key file; `work` is scrypt's n, a power of two."""
    salt, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    kdf = {"dklen": _DERIVED_BYTES, "n": work, "r": _BLOCK, "p": _PARALLEL, "salt": salt.hex()}
    derived = _derived(password, "scrypt", kdf)
    sealed = _ctr(derived[:16], iv, secret)
    return {
        "version": 3,
        "id": str(uuid.uuid4()),
        "address": address.removeprefix("0x").lower(),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": {"iv": iv.hex()},
            "ciphertext": sealed.hex(),
            "kdf": "scrypt",
            "kdfparams": kdf,
            "mac": keccak(derived[16:32] + sealed).hex(),
        },
    }


def unseal(content: Mapping[str, Any], password: str) -> bytes:
    """The private key in a key file.

    Raises `ValueError` where the password does not open it, or it is of another kind; `KeyError`
    and `TypeError` where it is no key file.
    """
    crypto = content["crypto"]
    if content["version"] != 3 or crypto["cipher"] != "aes-128-ctr":
        raise ValueError("not Web3 Secret Storage, version 3, with aes-128-ctr")
    derived = _derived(password, crypto["kdf"], crypto["kdfparams"])
    sealed = bytes.fromhex(crypto["ciphertext"])
    told = bytes.fromhex(crypto["mac"])
    if not hmac.compare_digest(keccak(derived[16:32] + sealed), told):
        raise ValueError("the password does not open it")
    return _ctr(derived[:16], bytes.fromhex(crypto["cipherparams"]["iv"]), sealed)


def _derived(password: str, kdf: str, parameters: Mapping[str, Any]) -> bytes:
    word, salt = password.encode(), bytes.fromhex(parameters["salt"])
    length = int(parameters["dklen"])
    if length < _DERIVED_BYTES:
        raise ValueError(f"{length} bytes are too few to derive")
    if kdf == "pbkdf2" and parameters["prf"] == "hmac-sha256":
        return hashlib.pbkdf2_hmac("sha256", word, salt, int(parameters["c"]), length)
    if kdf != "scrypt":
        raise ValueError(f"{kdf} is not known")
    n, r, p = (int(parameters[name]) for name in "nrp")
    # OpenSSL's refuses n of 2**16 and more with r of 1 (RFC 7914), which wallets have written.
    derived = scrypt(password, salt, length, n, r, p)  # type: ignore[arg-type]
    assert isinstance(derived, bytes)
    return derived


def _ctr(key: bytes, iv: bytes, content: bytes) -> bytes:
    cipher = Cipher(AES(key), CTR(iv)).encryptor()
    return cipher.update(content) + cipher.finalize()
