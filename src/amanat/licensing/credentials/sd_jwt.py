"""Tokens whose holder shows only some of their claims: SD-JWT (RFC 9901), in compact form.

<signed JWT>~<disclosure>~…~            as issued, or shown in part
<signed JWT>~<disclosure>~…~<KB-JWT>    shown by who holds the key that the token names
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from amanat.core.errors import Invalid, Refusal
from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Signer,
    Token,
    TokenUnreadable,
    TrustedKey,
    decode,
    encode,
    is_time,
    json_value,
    key_of,
    sign_token,
    unverified,
    verify_token,
)

KEY_BINDING_TYPE = "kb+jwt"
SALT_BYTES = 16
# Named by their registered names (RFC 9901, 4.1.1): what Python calls them.
_HASHES = {"sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
_DISCLOSURES_MAX = 1_000


class DisclosureInvalid(Invalid):
    """Every disclosure is named by one digest in the token, and by no other (RFC 9901, 7.1)."""

    template: ClassVar[str] = "A disclosure does not belong to the token: {reason}."


class HolderUnproven(Refusal):
    """The proof that the holder has the key that the token names (RFC 9901, 7.3)."""

    template: ClassVar[str] = "Not shown by its holder: {reason}."


@dataclass(frozen=True, slots=True)
class Verified:
    """A token whose signature holds, with the claims that were shown.

    `hidden` counts the digests that no disclosure was shown for; `bound` whether a holder's key
    proved itself.
    """

    token: Token
    claims: dict[str, Any]
    hidden: int
    bound: bool


def issue_sd_jwt(
    header: Mapping[str, Any],
    payload: Mapping[str, Any],
    disclosable: Mapping[str, Any],
    signer: Es256Signer,
) -> str:
    """A token with `payload` for everybody, and a disclosure for each of `disclosable`."""
    disclosures = [
        encode(json.dumps([encode(secrets.token_bytes(SALT_BYTES)), name, value]).encode())
        for name, value in disclosable.items()
    ]
    body = dict(payload)
    if disclosures:
        # Sorted, so that their order says nothing of what they hide (RFC 9901, 4.2.4.1).
        body["_sd"] = sorted(_digest(one, "sha256") for one in disclosures)
        body["_sd_alg"] = "sha-256"
    return "~".join([sign_token(header, body, signer), *disclosures, ""])


def shown_in_part(text: str, names: Sequence[str]) -> str:
    """The same token with the disclosures of these claims alone, as its holder may show it."""
    signed, *rest = text.split("~")
    kept = [one for one in rest if one and json_value(decode(one))[1] in names]
    return "~".join([signed, *kept, ""])


def bind_holder(text: str, audience: str, nonce: str, now: int, signer: Es256Signer) -> str:
    """The token with the holder's proof for one verifier (RFC 9901, 4.3)."""
    payload = {"iat": now, "aud": audience, "nonce": nonce, "sd_hash": _digest(text, "sha256")}
    return text + sign_token({"typ": KEY_BINDING_TYPE}, payload, signer)


def verify_sd_jwt(
    text: str,
    types: Sequence[str],
    keys: AuthorityKeys,
    *,
    audience: str | None = None,
    nonce: str | None = None,
) -> Verified:
    """A token with what it discloses; times are the caller's to check.

    With `audience` and `nonce` the holder must prove their key for them.  Refuses, in order:
    `TokenUnreadable`, `ForeignSigner`, `TokenAltered`, `DisclosureInvalid`, `HolderUnproven`.
    """
    signed, *rest = text.split("~")
    if not rest:
        raise TokenUnreadable(reason="it is no SD-JWT: no ~ ends the signed part")
    if len(rest) > _DISCLOSURES_MAX:
        raise TokenUnreadable(reason=f"more than {_DISCLOSURES_MAX} disclosures")
    token = verify_token(signed, types, keys)
    *disclosures, proof = rest
    claims, hidden = _disclosed(token.payload, disclosures)
    bound = bool(proof)
    if bound:
        _require_holder(text.removesuffix(proof), proof, token.payload, audience, nonce)
    elif audience is not None or nonce is not None:
        raise HolderUnproven(reason="there is no proof of the holder's key")
    return Verified(token, claims, hidden, bound)


# -- disclosures (RFC 9901, 7.1) ------------------------------------------------------------------


def _digest(text: str, algorithm: str) -> str:
    return encode(hashlib.new(algorithm, text.encode("ascii")).digest())


def _disclosed(payload: Mapping[str, Any], given: Sequence[str]) -> tuple[dict[str, Any], int]:
    """The claims with what is disclosed in its place, and how many digests stay closed."""
    named = payload.get("_sd_alg", "sha-256")
    algorithm = _HASHES.get(named) if isinstance(named, str) else None
    if algorithm is None:
        raise DisclosureInvalid(reason=f"digests by {str(named)[:40]} are not read here")
    found: dict[str, list[Any]] = {}
    for one in given:
        if not one.isascii():
            raise TokenUnreadable(reason="a disclosure is not ASCII")
        content = json_value(decode(one))
        digest = _digest(one, algorithm)
        if digest in found:
            raise DisclosureInvalid(reason="the same one stands there twice")
        if not isinstance(content, list) or not content or not isinstance(content[0], str):
            raise DisclosureInvalid(reason="it is not salt, name and value")
        found[digest] = content
    walk = _Walk(found)
    claims = walk.object({k: v for k, v in payload.items() if k != "_sd_alg"})
    if walk.used != set(found):
        raise DisclosureInvalid(reason="no digest in the token is its own")
    return claims, walk.hidden


class _Walk:
    """Goes through a payload and puts each disclosure where its digest stands."""

    def __init__(self, disclosures: Mapping[str, list[Any]]) -> None:
        self._disclosures = disclosures
        self._seen: set[str] = set()
        self.used: set[str] = set()
        self.hidden = 0

    def object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """An object: its own members, and those that its digests stand for."""
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise DisclosureInvalid(reason="_sd is no list of digests")
        found = {k: self._value(v) for k, v in value.items() if k != "_sd"}
        if "..." in found:
            raise DisclosureInvalid(reason="a member is called ...")
        for digest in digests:
            content = self._take(digest)
            if content is None:
                continue
            if len(content) != 3 or not isinstance(content[1], str):
                raise DisclosureInvalid(reason="it is not salt, name and value")
            name = content[1]
            if name in ("_sd", "...") or name in found or name in value:
                raise DisclosureInvalid(reason=f"the claim {name[:60]} is there already")
            found[name] = self._value(content[2])
        return found

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.object(value)
        if isinstance(value, list):
            return [inner for one in value for inner in self._element(one)]
        return value

    def _element(self, one: Any) -> list[Any]:
        """An element of an array; none where it stands for what is not disclosed."""
        if not (isinstance(one, dict) and "..." in one):
            return [self._value(one)]
        if len(one) != 1:
            raise DisclosureInvalid(reason="an element's digest does not stand alone")
        content = self._take(one["..."])
        if content is None:
            return []
        if len(content) != 2:
            raise DisclosureInvalid(reason="it is not salt and value")
        return [self._value(content[1])]

    def _take(self, digest: Any) -> list[Any] | None:
        if not isinstance(digest, str) or digest in self._seen:
            raise DisclosureInvalid(reason="a digest is no text, or stands there twice")
        self._seen.add(digest)
        content = self._disclosures.get(digest)
        if content is None:
            self.hidden += 1
            return None
        self.used.add(digest)
        return content


# -- the holder's proof (RFC 9901, 7.3) -----------------------------------------------------------


def _require_holder(
    shown: str, proof: str, payload: Mapping[str, Any], audience: str | None, nonce: str | None
) -> None:
    confirmation = payload.get("cnf")
    jwk = confirmation.get("jwk") if isinstance(confirmation, dict) else None
    if not isinstance(jwk, dict):
        raise HolderUnproven(reason="the token names no key of a holder")
    # The proof is by the key in the token, whatever name its header gives that key.
    named = unverified(proof)[0].get("kid") or "holder"
    holder = AuthorityKeys({str(named): TrustedKey(str(named), key_of(jwk))})
    claims = verify_token(proof, (KEY_BINDING_TYPE,), holder).payload
    algorithm = _HASHES[payload.get("_sd_alg", "sha-256")]
    if claims.get("sd_hash") != _digest(shown, algorithm):
        raise HolderUnproven(reason="its proof is of another token, or of other disclosures")
    if not is_time(claims.get("iat")):
        raise HolderUnproven(reason="its proof does not say when it was made")
    for name, wanted in (("aud", audience), ("nonce", nonce)):
        if not isinstance(claims.get(name), str) or wanted not in (None, claims[name]):
            raise HolderUnproven(reason=f"its proof is not for this {name}")
