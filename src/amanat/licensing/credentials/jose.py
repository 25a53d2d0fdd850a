"""Signed tokens as this room uses them: JWS in compact form, ES256 alone (RFC 7515, 7517, 7518).

Standard library and `cryptography` only, so that whoever installs the bare package can check a
licence.  Reading is strict: base64url has one form (RFC 7515, appendix C), an object has no member
twice, and no token names its own algorithm beyond the one that is allowed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256

from amanat.core.errors import Invalid, Refusal

TOKEN_BYTES_MAX = 4 * 2**20
DEPTH_MAX = 32
_HALF = 32


class TokenUnreadable(Invalid):
    """A token is a JWS in compact form with JSON in header and payload."""

    template: ClassVar[str] = "The token cannot be read: {reason}."


class KeysUnreadable(Invalid):
    """Keys of an authority are a JWK set, or its issuer metadata, with P-256 keys."""

    template: ClassVar[str] = "The authority's keys cannot be read: {reason}."


class ForeignSigner(Refusal):
    """The token is signed by a key that is none of the authority's."""

    template: ClassVar[str] = "Signed by another than the authority: {reason}."


class TokenAltered(Refusal):
    """The signature is not over these bytes."""

    template: ClassVar[str] = "Altered, or not signed by the key that it names ({key})."


class Es256Signer(Protocol):
    """Signs with one P-256 key, wherever the key is."""

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The key's public half."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes r, s over SHA-256 of the message (RFC 7518, 3.4)."""
        ...


class Es256Key:
    """A P-256 key in memory; its text never shows the key."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            raise KeysUnreadable(reason="the key is not on the curve P-256")
        self._key = key

    @classmethod
    def generate(cls) -> Es256Key:
        """A fresh random key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> ec.EllipticCurvePublicKey:
        """See `Es256Signer.public_key`."""
        return self._key.public_key()

    @property
    def private_key(self) -> ec.EllipticCurvePrivateKey:
        """The key itself, for a keystore to encrypt."""
        return self._key

    def sign(self, message: bytes) -> bytes:
        """See `Es256Signer.sign`."""
        r, s = utils.decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")

    def __repr__(self) -> str:
        return f"Es256Key({thumbprint(self.public_key)})"


# -- encoding -----------------------------------------------------------------------------------


def encode(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of base64url in its one form.  Refuses `TokenUnreadable`."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenUnreadable(reason="a part is not base64url") from None
    if encode(found) != text:
        raise TokenUnreadable(reason="a part is base64url in another form than the one allowed")
    return found


def json_value(content: bytes | str) -> Any:
    """JSON without repeated members and without depth.  Refuses `TokenUnreadable`."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    if deepest > DEPTH_MAX:
        raise TokenUnreadable(reason=f"its JSON is deeper than {DEPTH_MAX}")
    try:
        return json.loads(content, object_pairs_hook=_members, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise TokenUnreadable(reason="a part is not JSON, or has a member twice") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def json_object(content: bytes | str) -> dict[str, Any]:
    """As `json_value`, and it is an object."""
    found = json_value(content)
    if not isinstance(found, dict):
        raise TokenUnreadable(reason="a part is JSON but no object")
    return found


# -- keys -----------------------------------------------------------------------------------------


def jwk_of(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The members of RFC 7518, 6.2.1."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": encode(numbers.x.to_bytes(_HALF, "big")),
        "y": encode(numbers.y.to_bytes(_HALF, "big")),
    }


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """The key's identifier: SHA-256 of its required members (RFC 7638), in base64url."""
    canonical = json.dumps(jwk_of(key), sort_keys=True, separators=(",", ":"))
    return encode(hashlib.sha256(canonical.encode()).digest())


def key_of(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """The public key of a JWK.  Refuses `KeysUnreadable`."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise KeysUnreadable(reason="a key is not on the curve P-256")
    try:
        x, y = decode(jwk["x"]), decode(jwk["y"])
        if len(x) != _HALF or len(y) != _HALF:
            raise ValueError
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
        )
        return numbers.public_key()
    except (KeyError, TypeError, ValueError, AttributeError, TokenUnreadable):
        raise KeysUnreadable(reason="a key is no point of the curve P-256") from None


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One key of an authority; `until` is the last second (Unix) at which it may have signed."""

    kid: str
    key: ec.EllipticCurvePublicKey
    until: float | None = None
    certificates: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorityKeys:
    """What a verifier has of an authority: its keys by name, and its issuer where that is known."""

    keys: Mapping[str, TrustedKey] = field(default_factory=dict)
    issuer: str | None = None


def read_keys(content: bytes | str) -> AuthorityKeys:
    """A JWK set (RFC 7517), or issuer metadata (draft SD-JWT VC) with one inside.

    A key's `exp` (OpenID Federation) is the time after which it signed nothing more; `x5c` carries
    its certificates.  Refuses `KeysUnreadable`.
    """
    try:
        document = json_object(content)
    except TokenUnreadable as error:
        raise KeysUnreadable(reason=str(error.fields["reason"])) from None
    issuer = document.get("issuer")
    listed = document.get("jwks", document)
    keys = listed.get("keys") if isinstance(listed, dict) else None
    if not isinstance(keys, list) or not keys or not (issuer is None or isinstance(issuer, str)):
        raise KeysUnreadable(reason="no JWK set with at least one key")
    found: dict[str, TrustedKey] = {}
    for one in keys:
        if not isinstance(one, dict):
            raise KeysUnreadable(reason="a key is no object")
        if "d" in one:
            raise KeysUnreadable(reason="it has a private key in it: use the published file")
        key = key_of(one)
        kid = one.get("kid") or thumbprint(key)
        if not isinstance(kid, str) or kid in found:
            raise KeysUnreadable(reason=f"two keys of the name {str(kid)[:60]}")
        found[kid] = TrustedKey(kid, key, _until(one.get("exp")), _certificates(one.get("x5c")))
    return AuthorityKeys(found, issuer)


def _until(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise KeysUnreadable(reason="a key's end is no time")
    return value


def _certificates(value: Any) -> tuple[bytes, ...]:
    try:
        return tuple(base64.b64decode(one, validate=True) for one in value or ())
    except (TypeError, ValueError):
        raise KeysUnreadable(reason="a key's certificates are not base64") from None


# -- JWS ------------------------------------------------------------------------------------------


def sign_token(header: Mapping[str, Any], payload: Mapping[str, Any], signer: Es256Signer) -> str:
    """A JWS in compact form; `alg` and `kid` are added to the header."""
    head = {**header, "alg": "ES256", "kid": thumbprint(signer.public_key)}
    parts = [encode(json.dumps(one, separators=(",", ":")).encode()) for one in (head, payload)]
    signed = ".".join(parts)
    return f"{signed}.{encode(signer.sign(signed.encode()))}"


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose signature holds: header, payload, and the key that made it."""

    header: dict[str, Any]
    payload: dict[str, Any]
    key: TrustedKey


def verify_token(text: str, types: Sequence[str], keys: AuthorityKeys) -> Token:
    """A signed token of one of these types.

    Refuses, in order: `TokenUnreadable`, `ForeignSigner`, `TokenAltered`.
    """
    header, content, signed, signature = _parts(text)
    if header.get("alg") != "ES256":
        raise TokenUnreadable(reason="it is not signed with ES256")
    if header.get("typ") not in types or "crit" in header:
        raise TokenUnreadable(reason=f"it is of type {str(header.get('typ'))[:40]}")
    kid = header.get("kid")
    if kid is None and len(keys.keys) == 1:
        kid = next(iter(keys.keys))
    key = keys.keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise ForeignSigner(reason=f"its key {str(kid)[:60]} is not among the authority's")
    # Before what it says is read: one altered character is an alteration, whatever is left.
    require_signature(signed, signature, key.key, key.kid)
    payload = json_object(decode(content))
    issuer = payload.get("iss")
    if keys.issuer is not None and issuer is not None and issuer != keys.issuer:
        raise ForeignSigner(reason=f"its issuer is {str(issuer)[:100]}, not {keys.issuer}")
    issued = payload.get("iat")
    if key.until is not None and (not isinstance(issued, int | float) or issued > key.until):
        raise ForeignSigner(reason=f"its key {key.kid} had ended when it was signed")
    return Token(header, payload, key)


def require_signature(
    signed: bytes, signature: bytes, key: ec.EllipticCurvePublicKey, name: str
) -> None:
    """Refuse `TokenAltered` where 64 bytes r, s are not this key's signature over `signed`."""
    if len(signature) != 2 * _HALF:
        raise TokenAltered(key=name)
    made = utils.encode_dss_signature(
        int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    )
    try:
        key.verify(made, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise TokenAltered(key=name) from None


def _parts(text: str) -> tuple[dict[str, Any], str, bytes, bytes]:
    """Header, payload as it stands, the bytes that are signed, and the signature."""
    if len(text) > TOKEN_BYTES_MAX or not text.isascii():
        raise TokenUnreadable(reason="it is too long, or not ASCII")
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenUnreadable(reason="it has not three parts with points between them")
    header = json_object(decode(parts[0]))
    return header, parts[1], f"{parts[0]}.{parts[1]}".encode(), decode(parts[2])


def unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and payload as they stand, believed by nobody.  Refuses `TokenUnreadable`."""
    header, payload, _signed, _signature = _parts(text)
    return header, json_object(decode(payload))


def is_time(value: Any) -> bool:
    """Whether a claim is a NumericDate (RFC 7519, 2)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def time_told(seconds: float) -> str:
    """A Unix time as people read it: `2026-11-22 07:00 UTC`."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return str(seconds)
