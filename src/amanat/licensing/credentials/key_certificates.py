"""X.509 certificates of the authority's credential keys, so that PDF readers know who signed.

A key certifies itself; whoever trusts it has its certificate from the published keys (`x5c`).  An
authority that has one from a certification authority publishes that one in its place.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from amanat.core.kept_keys import KeptKey
from amanat.licensing.credentials.jose import Es256Signer, jwk_of, thumbprint

CERTIFICATE_DAYS = 3 * 366
"""NIST SP 800-57 part 1 rev. 5, 5.3.6: a key that signs serves one to three years."""
_NAME_LENGTH_MAX = 64
_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=True,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


class _Key(KeptKey):
    """An `Es256Signer` as the builder of certificates takes keys."""

    def __init__(self, signer: Es256Signer) -> None:
        self._signer = signer

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._signer.public_key

    @property
    def curve(self) -> ec.EllipticCurve:
        return ec.SECP256R1()

    def raw_signature(self, content: bytes) -> bytes:
        return self._signer.sign(content)


def own_certificate(signer: Es256Signer, authority: str, now: datetime) -> bytes:
    """The certificate that a key gives itself, DER, for three years from `now`."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, authority[:_NAME_LENGTH_MAX]),
            x509.NameAttribute(NameOID.COMMON_NAME, thumbprint(signer.public_key)),
        ]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signer.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS, critical=True)
        .sign(_Key(signer), SHA256())
    )
    return made.public_bytes(Encoding.DER)


def published_key(
    key: ec.EllipticCurvePublicKey, certificate: bytes, until: int | None = None
) -> dict[str, Any]:
    """A key as the JWK set has it: RFC 7517, with its certificate and, once it ended, its end."""
    found: dict[str, Any] = {
        **jwk_of(key),
        "kid": thumbprint(key),
        "use": "sig",
        "alg": "ES256",
        "x5c": [base64.b64encode(certificate).decode()],
    }
    return found if until is None else found | {"exp": until}


def published_keys(keys: Sequence[dict[str, Any]]) -> bytes:
    """The JWK set that verifiers keep."""
    return json.dumps({"keys": list(keys)}, indent=2).encode()
