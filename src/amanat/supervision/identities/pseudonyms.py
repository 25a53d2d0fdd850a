"""Keyed pseudonyms: the same person, account or address has the same number everywhere.

HMAC-SHA-256 under a key that only the authority holds.  The first 63 bits are the pseudonym; 128
further bits of the same MAC, its mark, stand in the vault, so that two persons who fall on one
number are noticed.  Among 40 million persons that happens with a probability of one in ten
thousand, and is refused.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SAME_NUMBERS = {"nicop": "cnic"}
"""NADRA gives a card for those abroad the number of the card at home."""


class Pseudonym(NamedTuple):
    """A number of 63 bits, and the mark that tells whether another has the same."""

    number: int
    mark: bytes


class Pseudonyms:
    """Makes pseudonyms; `key` is the 32 bytes of the vault."""

    def __init__(self, key: bytes) -> None:
        self._key = derived(key, b"amanat identities: pseudonyms")

    def person(self, document_type: str, country: str, number: str) -> Pseudonym:
        """Of a document: its number in capitals, without what stands between its digits."""
        kind = _SAME_NUMBERS.get(document_type, document_type)
        return self._of("person", kind, country, number)

    def account(self, exchange: str, number: str) -> int:
        """Of an account that an exchange keeps."""
        return self._of("account", exchange, number).number

    def bank_account(self, number: str) -> int:
        """Of an account at a bank: its IBAN in capitals."""
        return self._of("bank", number.upper()).number

    def address(self, network: str, address: str) -> int:
        """Of an address on a chain, as the chain writes it when capitals mean nothing: small."""
        return self._of("address", network, address).number

    def _of(self, *parts: str) -> Pseudonym:
        text = "\x1f".join(parts).encode()
        mac = hmac.digest(self._key, text, "sha256")
        return Pseudonym(int.from_bytes(mac[:8], "big") >> 1, mac[8:24])

    def accounts(self, exchange: str, numbers: Iterable[str]) -> list[int]:
        """As `account`, of many."""
        return self._many(("account", exchange), numbers)

    def bank_accounts(self, numbers: Iterable[str]) -> list[int]:
        """As `bank_account`, of many."""
        return self._many(("bank",), [one.upper() for one in numbers])

    def addresses(self, network: str, addresses: Iterable[str]) -> list[int]:
        """As `address`, of many."""
        return self._many(("address", network), addresses)

    def _many(self, before: tuple[str, ...], last: Iterable[str]) -> list[int]:
        """The numbers of many that differ in their last part alone."""
        prefix = "\x1f".join((*before, "")).encode()
        key, mac, number = self._key, hmac.digest, int.from_bytes
        return [number(mac(key, prefix + one.encode(), "sha256")[:8], "big") >> 1 for one in last]


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose alone."""
    return HKDF(SHA256(), 32, None, purpose).derive(key)
