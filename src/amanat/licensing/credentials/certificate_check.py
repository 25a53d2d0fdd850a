"""Checks a certificate in PDF offline: the authority's signature over the file, and its licence.

Both must hold: the PDF is signed once, by a key of the authority, over every byte; the licence that
is attached is one of the authority's that stands.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, ClassVar

from asn1crypto import cms, x509
from pyhanko.pdf_utils.generic import DictionaryObject
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.general import SigningError
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from amanat.core.errors import Invalid, Refusal
from amanat.licensing.credentials.jose import AuthorityKeys, ForeignSigner, jwk_of
from amanat.licensing.credentials.licence import VerifiedLicence, verify_licence
from amanat.licensing.credentials.status_lists import CheckedList

ATTACHMENT = "licence.sd-jwt"
_UNREADABLE = (PdfError, SigningError, SignatureValidationError, ValueError, KeyError, TypeError,
               AttributeError, IndexError, RecursionError, AssertionError, OSError)  # fmt: skip


class CertificateUnreadable(Invalid):
    """A certificate is a PDF with one signature and one licence attached to it."""

    template: ClassVar[str] = "The certificate cannot be read: {reason}."


class CertificateAltered(Refusal):
    """The authority's signature covers every byte of a certificate."""

    template: ClassVar[str] = "The certificate was altered after it was signed: {reason}."


def check_certificate(
    content: bytes, keys: AuthorityKeys, lists: Iterable[CheckedList], now: float
) -> VerifiedLicence:
    """The licence of a certificate, if both signatures hold.

    Refuses, in order: `CertificateUnreadable`, `ForeignSigner`, `CertificateAltered`, and what
    `verify_licence` refuses of the licence inside.
    """
    try:
        reader = PdfFileReader(io.BytesIO(content), strict=True)
        signatures = list(reader.embedded_signatures)
    except _UNREADABLE as error:
        raise CertificateUnreadable(reason=_said(error)) from None
    if len(signatures) != 1:
        raise CertificateUnreadable(reason=f"it has {len(signatures)} signatures instead of one")
    _require_signature(signatures[0], keys)
    try:
        token = _attached(reader)
    except _UNREADABLE as error:
        raise CertificateUnreadable(reason=_said(error)) from None
    return verify_licence(token, keys, lists, now)


def _require_signature(signature: Any, keys: AuthorityKeys) -> None:
    trusted = {der for key in keys.keys.values() for der in key.certificates}
    try:
        certificate = signature.signer_cert
        der = certificate.dump()
    except _UNREADABLE as error:
        raise CertificateUnreadable(reason=_said(error)) from None
    if der not in trusted:
        raise ForeignSigner(reason="the certificate of its key is not among the authority's")
    _require_own_key(der, keys)
    _require_own_form(signature, der)
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(der)], allow_fetching=False, revocation_mode="soft-fail"
    )
    try:
        status = validate_pdf_signature(signature, signer_validation_context=context)
    except _UNREADABLE as error:
        raise CertificateAltered(reason=_said(error)) from None
    if not (status.intact and status.valid):
        raise CertificateAltered(reason="the signature is not over these bytes")
    if status.coverage is not SignatureCoverageLevel.ENTIRE_FILE:
        raise CertificateAltered(reason="the signature does not cover the whole file")
    if status.modification_level not in (None, ModificationLevel.NONE):
        raise CertificateAltered(reason="something was added after it")
    if not status.bottom_line:
        raise CertificateAltered(reason=f"its signature does not hold ({status.summary()})")


def _require_own_key(der: bytes, keys: AuthorityKeys) -> None:
    """Refuse `ForeignSigner` where a published certificate is not of the key it stands beside."""
    from cryptography import x509 as certificates
    from cryptography.hazmat.primitives.asymmetric import ec

    found = certificates.load_der_x509_certificate(der).public_key()
    beside = [key.key for key in keys.keys.values() if der in key.certificates]
    if not isinstance(found, ec.EllipticCurvePublicKey) or not any(
        jwk_of(key) == jwk_of(found) for key in beside
    ):
        raise ForeignSigner(reason="its certificate is not of a key of the authority")


def _require_own_form(signature: Any, der: bytes) -> None:
    """Refuse `CertificateAltered` where what no signature covers is not as it must be.

    The file's digest leaves out the signature itself.  Of that the signed attributes, the value and
    the certificate are covered; everything around them has one form here, to the last byte.
    """
    try:
        content = bytes(signature.pkcs7_content)
        first, length, second, _rest = (int(one) for one in signature.byte_range)
        gap = signature.reader.stream
        gap.seek(first + length)
        written = gap.read(second - first - length)
        told = cms.ContentInfo.load(content)["content"]["signer_infos"][0]
        form = _form(told, x509.Certificate.load(der))
    except _UNREADABLE as error:
        raise CertificateAltered(reason=_said(error)) from None
    hexadecimal = content.hex().encode()
    if written not in (b"<" + hexadecimal + b">", b"<" + hexadecimal.upper() + b">"):
        raise CertificateAltered(reason="the signature does not stand where it says")
    if content != form + bytes(len(content) - len(form)):
        raise CertificateAltered(reason="the signature is not in its one form")


def _form(told: Any, certificate: x509.Certificate) -> bytes:
    """The CMS that our signer makes around these attributes and this value."""
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {
                            "issuer": certificate.issuer,
                            "serial_number": certificate.serial_number,
                        }
                    )
                }
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signed_attrs": told["signed_attrs"],
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": told["signature"].native,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    whole = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    return bytes(whole.dump())


def _attached(reader: PdfFileReader) -> str:
    """The licence in a PDF's one attachment of that name."""
    names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    found = []
    for place in range(0, len(names), 2):
        described = names[place + 1]
        if isinstance(described, DictionaryObject) and str(names[place]) == ATTACHMENT:
            found.append(described["/EF"]["/F"].data)
    if len(found) != 1:
        raise ValueError(f"{len(found)} licences are attached instead of one")
    return bytes(found[0]).decode("ascii")


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
