"""The bytes of the chain: addresses, digests, transactions (EIP-2718, EIP-1559), signatures.

Addresses are lower-case hexadecimal with `0x` everywhere in Amanat; any letter case is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey, PublicKey
from Crypto.Hash import keccak as _keccak

from amanat.core.errors import Invalid

ZERO_ADDRESS = "0x" + "00" * 20
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")


class AddressInvalid(Invalid):
    """An address is `0x` and 40 hexadecimal digits."""

    template = "{value} is not an address."


class SignatureInvalid(Invalid):
    """A signature is 65 bytes: r, s (in the lower half, EIP-2) and v of 27 or 28."""

    template = "Not a signature: {reason}."


def keccak(content: bytes) -> bytes:
    """Keccak-256, as the chain uses it."""
    return _keccak.new(digest_bits=256, data=content).digest()


def address_of(value: str) -> str:
    """The lower-case form of an address; raises `AddressInvalid`."""
    if not isinstance(value, str) or not _ADDRESS.match(value):
        raise AddressInvalid(value=str(value)[:60])
    return value.lower()


def address_of_key(public_key: PublicKey) -> str:
    """The account that belongs to a public key."""
    return "0x" + keccak(public_key.format(compressed=False)[1:])[-20:].hex()


def created_address(sender: str, nonce: int) -> str:
    """Where a contract comes to lie that `sender` creates with its transaction `nonce`."""
    return "0x" + keccak(rlp([bytes.fromhex(address_of(sender)[2:]), nonce]))[-20:].hex()


def rlp(value: Any) -> bytes:
    """Recursive-length-prefix form of nested lists of bytes and non-negative integers."""
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    if isinstance(value, bytes):
        if len(value) == 1 and value[0] < 0x80:
            return value
        return _rlp_length(len(value), 0x80) + value
    body = b"".join(map(rlp, value))
    return _rlp_length(len(body), 0xC0) + body


def _rlp_length(size: int, offset: int) -> bytes:
    if size < 56:
        return bytes((offset + size,))
    width = (size.bit_length() + 7) // 8
    return bytes((offset + 55 + width,)) + size.to_bytes(width, "big")


@dataclass(frozen=True, slots=True)
class ChainTransaction:
    """One call or creation, before it is signed; fees in wei per unit of gas, `value` in wei.

    `to` is None for a creation, whose `call_bytes` are the contract's creation code.
    """

    chain_id: int
    nonce: int
    to: str | None
    call_bytes: bytes
    gas: int
    max_fee: int
    priority_fee: int
    value: int = 0

    def _fields(self) -> list[Any]:
        target = bytes.fromhex(self.to[2:]) if self.to else b""
        return [
            self.chain_id,
            self.nonce,
            self.priority_fee,
            self.max_fee,
            self.gas,
            target,
            self.value,
            self.call_bytes,
            [],
        ]

    def digest(self) -> bytes:
        """What its sender signs (EIP-1559: keccak over the type byte and the unsigned fields)."""
        return keccak(b"\x02" + rlp(self._fields()))

    def signed(self, signature: bytes) -> SignedTransaction:
        """With a 65-byte signature: the bytes to send, and their hash."""
        r, s, v = split_signature(signature)
        raw = b"\x02" + rlp([*self._fields(), v - 27, r, s])
        return SignedTransaction(raw, "0x" + keccak(raw).hex())


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """The exact bytes that a node is sent, and the transaction's hash."""

    raw: bytes
    hash: str


def raw_from_node(answer: dict[str, Any]) -> bytes:
    """The signed bytes of a transaction as `eth_getTransactionByHash` describes it.

    Reads legacy, EIP-2930 and EIP-1559 transactions and checks the result against the hash;
    raises `SignatureInvalid` where they differ.
    """

    def number(name: str) -> int:
        return int(answer.get(name) or "0x0", 16)

    kind = number("type")
    target = bytes.fromhex((answer.get("to") or "0x")[2:])
    call_bytes = bytes.fromhex(answer["input"][2:])
    access = [
        [bytes.fromhex(one["address"][2:]), [bytes.fromhex(key[2:]) for key in one["storageKeys"]]]
        for one in answer.get("accessList") or []
    ]
    ends = [number("r"), number("s")]
    parity = number("yParity") if answer.get("yParity") is not None else number("v")
    common = [number("gas"), target, number("value"), call_bytes]
    if kind == 0:
        raw = rlp([number("nonce"), number("gasPrice"), *common, number("v"), *ends])
    elif kind == 1:
        head = [number("chainId"), number("nonce"), number("gasPrice")]
        raw = b"\x01" + rlp([*head, *common, access, parity, *ends])
    else:
        fees = [number("maxPriorityFeePerGas"), number("maxFeePerGas")]
        head = [number("chainId"), number("nonce"), *fees]
        raw = b"\x02" + rlp([*head, *common, access, parity, *ends])
    if "0x" + keccak(raw).hex() != answer["hash"]:
        raise SignatureInvalid(reason=f"the bytes of {answer['hash']} cannot be rebuilt")
    return raw


def sign_digest(key: PrivateKey, digest: bytes) -> bytes:
    """r, s and v (27 or 28) over a 32-byte digest, deterministic by RFC 6979: 65 bytes."""
    if len(digest) != 32:
        raise SignatureInvalid(reason=f"a digest has 32 bytes, not {len(digest)}")
    signature: bytes = key.sign_recoverable(digest, hasher=None)
    return signature[:64] + bytes((signature[64] + 27,))


_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


def split_signature(signature: bytes) -> tuple[int, int, int]:
    """r, s and v of a signature; raises `SignatureInvalid`."""
    if len(signature) != 65:
        raise SignatureInvalid(reason=f"{len(signature)} bytes, not 65")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    v = signature[64]
    if v not in (27, 28):
        raise SignatureInvalid(reason=f"v is {v}, not 27 or 28")
    if s > _HALF_ORDER:
        raise SignatureInvalid(reason="s lies in the upper half")
    return r, s, v


def recover(digest: bytes, signature: bytes) -> str:
    """The address that signed `digest`; raises `SignatureInvalid`."""
    split_signature(signature)
    try:
        key = PublicKey.from_signature_and_message(
            signature[:64] + bytes((signature[64] - 27,)), digest, hasher=None
        )
    except Exception as error:
        raise SignatureInvalid(reason=str(error)) from error
    return address_of_key(key)
