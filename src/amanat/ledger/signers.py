"""Who signs: one interface over keys in memory, in a keystore file, or in a device elsewhere.

A participant's key need not be on this server.  What it must sign is then written as a *signing
request*, taken to wherever the key is, signed there (`amanat sign`) and brought back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from coincurve import PrivateKey, PublicKey

from amanat.core.errors import Invalid, Refusal
from amanat.ledger.wire import (
    ChainTransaction,
    SignedTransaction,
    address_of,
    address_of_key,
    keccak,
    recover,
    sign_digest,
)

REQUEST_SCHEMA = "amanat.signing-request/1"
SIGNATURE_SCHEMA = "amanat.signature/1"


class KeyNotHeld(Refusal):
    """The key of this name or address is not on this server; sign elsewhere and bring it back."""

    template = "The key of {holder} is not held here."


class RequestInvalid(Invalid):
    """A signing request or signature file is not what it says it is."""

    template = "{field}: {reason}"


class Signer(Protocol):
    """Signs for one address; an implementation may keep its key in a device."""

    @property
    def address(self) -> str:
        """The address that the signatures belong to, lower case."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes (r, s, v of 27 or 28) over a 32-byte digest."""
        ...

    def sign_transaction(self, transaction: ChainTransaction) -> SignedTransaction:
        """The transaction with its signature, ready to be sent."""
        ...


class KeySigner:
    """Signs with a private key in memory; its text never shows the key."""

    def __init__(self, secret: bytes) -> None:
        self._key = PrivateKey(secret)
        self._address = address_of_key(self._key.public_key)

    @classmethod
    def generate(cls) -> KeySigner:
        """A signer with a fresh random key."""
        return cls(PrivateKey().secret)

    @property
    def address(self) -> str:
        """The address of the key."""
        return self._address

    @property
    def secret(self) -> bytes:
        """The private key, for a keystore to encrypt."""
        return bytes(self._key.secret)

    def sign_digest(self, digest: bytes) -> bytes:
        """See `Signer.sign_digest`."""
        return sign_digest(self._key, digest)

    @property
    def public_key(self) -> bytes:
        """The key's point, uncompressed: 65 bytes."""
        return bytes(self._key.public_key.format(compressed=False))

    def agree(self, other: bytes) -> bytes:
        """See `amanat.ledger.keyring.KeyRing.agree`."""
        return bytes(PublicKey(other).multiply(self._key.secret).format(compressed=False)[1:33])

    def sign_transaction(self, transaction: ChainTransaction) -> SignedTransaction:
        """See `Signer.sign_transaction`."""
        return transaction.signed(self.sign_digest(transaction.digest()))

    def __repr__(self) -> str:
        return f"KeySigner({self._address})"


class Signers:
    """The signers on this server, by name (`operator`, an institution's code) and by address."""

    def __init__(self, named: Mapping[str, Signer] | None = None) -> None:
        self._named: dict[str, Signer] = dict(named or {})
        self._addressed = {signer.address: signer for signer in self._named.values()}

    def add(self, name: str, signer: Signer) -> None:
        """Hold one more signer under `name`."""
        self._named[name] = signer
        self._addressed[signer.address] = signer

    def get(self, name: str) -> Signer:
        """The signer of that name; raises `KeyNotHeld`."""
        if name not in self._named:
            raise KeyNotHeld(holder=name)
        return self._named[name]

    def at(self, address: str) -> Signer:
        """The signer of that address; raises `KeyNotHeld`."""
        found = self._addressed.get(address_of(address))
        if found is None:
            raise KeyNotHeld(holder=address)
        return found

    def holds(self, address: str) -> bool:
        """Whether the key of this address is on this server."""
        return address_of(address) in self._addressed

    def refresh(self) -> None:
        """Look again which key signs for which name, where that can change."""

    def watch(self) -> None:
        """Look whether something about the keys must be told, where that is known."""

    def is_lost(self, address: str) -> bool:
        """Whether this key is known to be lost, so that nothing waits for it."""
        del address
        return False

    def senders(self) -> dict[str, str]:
        """The addresses that may have sent transactions, each with the name for which it did."""
        return {signer.address: name for name, signer in self._named.items()}

    def names(self) -> Iterable[str]:
        """The names under which signers are held."""
        return sorted(self._named)


def typed_data_digest(typed_data: Mapping[str, Any]) -> bytes:
    """The EIP-712 digest of a full typed-data message (types, primaryType, domain, message)."""
    from eth_account.messages import encode_typed_data  # takes a second, and few need it

    try:
        message = encode_typed_data(full_message=dict(typed_data))
    except Exception as error:  # eth_account raises many kinds for a malformed message
        raise RequestInvalid(field="typed_data", reason=str(error)) from error
    return keccak(b"\x19" + message.version + message.header + message.body)


def signing_request(
    *,
    signer: str,
    purpose: str,
    typed_data: Mapping[str, Any] | None = None,
    digest: bytes | None = None,
) -> dict[str, Any]:
    """What a person takes to where the key is: a JSON object, see `sign_request`.

    Give the typed data wherever there is any, so that the person can read what they sign.
    """
    request: dict[str, Any] = {
        "schema": REQUEST_SCHEMA,
        "signer": address_of(signer),
        "purpose": purpose,
    }
    if typed_data is not None:
        request["typed_data"] = dict(typed_data)
        computed = typed_data_digest(typed_data)
        if digest is not None and digest != computed:
            raise RequestInvalid(field="digest", reason="is not the digest of the typed data")
        digest = computed
    if digest is None or len(digest) != 32:
        raise RequestInvalid(field="digest", reason="32 bytes, or typed data, are needed")
    request["digest"] = "0x" + digest.hex()
    return request


def read_request(text: str) -> dict[str, Any]:
    """A checked signing request; where it has typed data, its digest is computed, not believed.

    Raises `RequestInvalid`, `AddressInvalid`.
    """
    try:
        request = json.loads(text)
    except ValueError as error:
        raise RequestInvalid(field="file", reason=f"not JSON ({error})") from error
    if not isinstance(request, dict) or request.get("schema") != REQUEST_SCHEMA:
        raise RequestInvalid(field="schema", reason=f"must be {REQUEST_SCHEMA}")
    try:
        digest = bytes.fromhex(str(request["digest"]).removeprefix("0x"))
        signer, purpose = str(request["signer"]), str(request["purpose"])
    except (KeyError, ValueError) as error:
        raise RequestInvalid(field=str(error), reason="is missing or not hexadecimal") from error
    return signing_request(
        signer=signer, purpose=purpose, typed_data=request.get("typed_data"), digest=digest
    )


def sign_request(request: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """The signature over a checked request, as the JSON object that is brought back.

    Raises `KeyNotHeld` where the request is for another key.
    """
    if address_of(str(request["signer"])) != signer.address:
        raise KeyNotHeld(holder=request["signer"])
    digest = bytes.fromhex(str(request["digest"])[2:])
    return {
        "schema": SIGNATURE_SCHEMA,
        "signer": signer.address,
        "digest": "0x" + digest.hex(),
        "signature": "0x" + signer.sign_digest(digest).hex(),
    }


def digest_answered(text: str) -> str:
    """The digest for which a brought signature says that it is, as `0x…`; not believed yet.

    Raises `RequestInvalid`.
    """
    try:
        return str(json.loads(text)["digest"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RequestInvalid(field="file", reason=f"not a signature file ({error})") from error


def read_signature(text: str, request: Mapping[str, Any]) -> bytes:
    """The 65 bytes of a signature that was brought back for `request`, after checking it.

    Raises `RequestInvalid`, `SignatureInvalid`.
    """
    try:
        answer = json.loads(text)
        signature = bytes.fromhex(str(answer["signature"]).removeprefix("0x"))
        told = (answer["schema"], answer["signer"], answer["digest"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestInvalid(field="file", reason=f"not a signature file ({error})") from error
    if told != (SIGNATURE_SCHEMA, request["signer"], request["digest"]):
        raise RequestInvalid(field="digest", reason="the signature is for another request")
    found = recover(bytes.fromhex(str(request["digest"])[2:]), signature)
    if found != request["signer"]:
        raise RequestInvalid(field="signature", reason=f"was made by {found}")
    return signature
