"""Keys that sign without leaving their place, as builders of certificates and signatures take them.

`cryptography` wants a private key in hand; a key in a keystore or a device gives signatures only.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Never, Self

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.hashes import SHA256


class KeptKey(ec.EllipticCurvePrivateKey):
    """A key of 256 bits whose holder signs by ECDSA with SHA-256; its secret stays away."""

    @abstractmethod
    def raw_signature(self, content: bytes) -> bytes:
        """At least 64 bytes, r and s first, over the SHA-256 of `content`."""

    @property
    def key_size(self) -> int:
        """In bits."""
        return 256

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """The signature in DER.  Raises `TypeError` for another digest than SHA-256."""
        if not isinstance(signature_algorithm.algorithm, SHA256):
            raise TypeError("this key signs with SHA-256")
        made = self.raw_signature(bytes(data))
        return utils.encode_dss_signature(
            int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big")
        )

    def exchange(self, *_: Any) -> Never:
        """Raises `TypeError`."""
        raise TypeError("this key signs and agrees on nothing")

    def private_numbers(self) -> Never:
        """Raises `TypeError`."""
        raise TypeError("this key does not leave its place")

    def private_bytes(self, *_: Any) -> Never:
        """Raises `TypeError`."""
        raise TypeError("this key does not leave its place")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self
