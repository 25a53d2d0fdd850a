"""Signatures over files that anyone checks with ordinary tools: X.509 and detached CMS.

A key that signs for the chain signs here too, wherever it lives (keystore, device): ECDSA with
SHA-256 over secp256k1, RFC 5652 with signed attributes, one signature in a file of its own, PEM.

    openssl cms -verify -binary -inform PEM -in FILE.p7s -content FILE -CAfile CERTIFICATES

What is signed is a SHA-256 over DER, which is never what the chain's contracts take: those hash by
Keccak-256 and begin with 0x1901 (EIP-712).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol

from asn1crypto import cms, pem
from coincurve import PublicKey
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, pkcs7
from cryptography.x509.oid import NameOID

from amanat.core.errors import Invalid, Refusal
from amanat.core.kept_keys import KeptKey
from amanat.ledger.wire import address_of_key

CERTIFICATE_DAYS_MAX = 1096
"""NIST SP 800-57 part 1 rev. 5, 5.3.6: a key that signs serves one to three years."""


class CertificateUnreadable(Invalid):
    """Certificates are X.509, PEM, over a key of an elliptic curve."""

    template: ClassVar[str] = "{file} is no certificate: {reason}."


class CertificateOther(Refusal):
    """A certificate speaks for one key: the one that signs."""

    template: ClassVar[str] = "The certificate of {subject} is not of the key {key}."


class FileSignatureInvalid(Refusal):
    """A signature is over this file, whole, by a key whose certificate is trusted."""

    template: ClassVar[str] = "{file}: {reason}."


class PointSigner(Protocol):
    """A signer that tells its point; those of keystore and device both do."""

    @property
    def address(self) -> str:
        """The address of the key."""
        ...

    @property
    def public_key(self) -> bytes:
        """The key's point, uncompressed: 65 bytes."""
        ...

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r, s, v."""
        ...


@dataclass(frozen=True, slots=True)
class FileSignature:
    """One signature as it was checked; `key` is the point that made it, in hexadecimal."""

    subject: str
    key: str
    fingerprint: str
    signed_at: datetime


class _Key(KeptKey):
    """A `PointSigner` as the certificate and CMS builders take keys."""

    def __init__(self, signer: PointSigner) -> None:
        self._signer = signer

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicKey.from_encoded_point(self.curve, self._signer.public_key)

    @property
    def curve(self) -> ec.EllipticCurve:
        return ec.SECP256K1()

    def raw_signature(self, content: bytes) -> bytes:
        return self._signer.sign_digest(hashlib.sha256(content).digest())


def make_certificate(
    signer: PointSigner, organisation: str, name: str, now: datetime, days: int
) -> bytes:
    """A certificate that the key gives itself, PEM; whoever trusts it compares its fingerprint."""
    subject = _subject(organisation, name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(_Key(signer).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=min(days, CERTIFICATE_DAYS_MAX)))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS, critical=True)
    )
    return builder.sign(_Key(signer), SHA256()).public_bytes(Encoding.PEM)


def make_certificate_request(signer: PointSigner, organisation: str, name: str) -> bytes:
    """A PKCS#10 request for a certificate (PEM), for an authority that the receiver trusts."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(organisation, name))
    return builder.sign(_Key(signer), SHA256()).public_bytes(Encoding.PEM)


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


def _subject(organisation: str, name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def read_certificates(content: bytes, file: str) -> list[x509.Certificate]:
    """The certificates of a PEM file.  Refuses `CertificateUnreadable`."""
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise CertificateUnreadable(file=file, reason=str(error)) from None
    for one in found:
        if not isinstance(one.public_key(), ec.EllipticCurvePublicKey):
            raise CertificateUnreadable(file=file, reason="its key is not of an elliptic curve")
    return found


def address_certified(certificate: x509.Certificate) -> str:
    """The address of a certificate's key, by which keystore and devices find it."""
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    if not isinstance(key.curve, ec.SECP256K1):
        raise CertificateUnreadable(file=told(certificate), reason="its key is not of secp256k1")
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return address_of_key(PublicKey(point))


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate, in hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


def told(certificate: x509.Certificate) -> str:
    """Whose certificate it is: organisation and name."""
    return certificate.subject.rfc4514_string()


def sign_file(content: bytes, signer: PointSigner, certificate: x509.Certificate) -> bytes:
    """A detached CMS signature over a file's bytes, PEM.  Refuses `CertificateOther`."""
    if address_certified(certificate) != signer.address:
        raise CertificateOther(subject=told(certificate), key=signer.address)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    options = [
        pkcs7.PKCS7Options.DetachedSignature,
        pkcs7.PKCS7Options.Binary,
        pkcs7.PKCS7Options.NoCapabilities,
    ]
    made = builder.add_signer(certificate, _Key(signer), SHA256()).sign(Encoding.DER, options)
    return bytes(pem.armor("CMS", made))


def check_file_signature(
    file: str, content: bytes, signature: bytes, trusted: Sequence[x509.Certificate]
) -> FileSignature:
    """Check one detached signature against certificates that the caller trusts, each for itself.

    Refuses `FileSignatureInvalid`: unreadable, not over this content, by a key that is not among
    the trusted, not made by that key, or made outside the certificate's validity.
    """
    made = _read(file, signature)
    if made.digest != hashlib.sha256(content).digest():
        raise FileSignatureInvalid(file=file, reason="the signature is over another content")
    found = [
        one
        for one in trusted
        if (one.serial_number, one.issuer.public_bytes()) == (made.serial, made.issuer)
    ]
    if not found:
        raise FileSignatureInvalid(file=file, reason="its signer's certificate is not trusted here")
    certificate = found[0]
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    try:
        key.verify(made.signature, made.signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise FileSignatureInvalid(
            file=file, reason=f"the signature is not by the key of {told(certificate)}"
        ) from None
    at = made.signed_at
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise FileSignatureInvalid(
            file=file, reason=f"the certificate of {told(certificate)} was not valid at {at}"
        )
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex()
    return FileSignature(told(certificate), point, fingerprint_of(certificate), at)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a CMS says: whose certificate, over which digest, when; and what was signed, in DER."""

    issuer: bytes
    serial: int
    digest: bytes
    signed_at: datetime
    signed: bytes
    signature: bytes


def _read(file: str, signature: bytes) -> _Made:
    """A CMS with one signer, which must be made as `sign_file` makes it."""
    try:
        content = cms.ContentInfo.load(pem.unarmor(signature)[2], strict=True)
        data = content["content"]
        (info,) = data["signer_infos"]
        sound = (
            content["content_type"].native == "signed_data"
            and data["encap_content_info"]["content"].native is None
            and info["digest_algorithm"]["algorithm"].native == "sha256"
            and info["signature_algorithm"].signature_algo == "ecdsa"
            and info["sid"].name == "issuer_and_serial_number"
            and not info["unsigned_attrs"].native
        )
        attributes = {one["type"].native: one["values"] for one in info["signed_attrs"]}
        sound = sound and sorted(attributes) == _ATTRIBUTES == sorted(
            one["type"].native for one in info["signed_attrs"]
        )
        whose = info["sid"].chosen
        made = _Made(
            whose["issuer"].dump(),
            whose["serial_number"].native,
            attributes["message_digest"][0].native,
            attributes["signing_time"][0].native,
            info["signed_attrs"].untag().dump(force=True),
            info["signature"].native,
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise FileSignatureInvalid(file=file, reason=f"no CMS signature ({error})") from None
    if not sound:
        raise FileSignatureInvalid(file=file, reason="not a detached ECDSA signature of one signer")
    return made


_ATTRIBUTES = ["content_type", "message_digest", "signing_time"]
