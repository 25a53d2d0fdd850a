"""The certificate of a permission: one page in English and Urdu, signed, with the licence in it.

The page is set by Typst as PDF/A-3; the licence (SD-JWT) is attached, and stands in the square
code without its disclosures, so that paper alone can be checked.  The file is signed as PAdES
(ETSI EN 319 142, level B-B) by the same key, and certified: any later change breaks it.
"""

from __future__ import annotations

import io
import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import segno
import typst
from asn1crypto import x509
from cryptography.hazmat.primitives.asymmetric import utils
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from amanat.licensing.credentials.jose import Es256Signer
from amanat.licensing.credentials.sd_jwt import shown_in_part
from amanat.licensing.register.model import LICENCE, ListedPermission, RegisterEntry

ATTACHMENT = "licence.sd-jwt"
FIELD = "Authority"
_COMMAND = "amanat licence verify FILE --keys keys.json --status-list list.jwt"
_SIGNATURE_BYTES = 8_192


def _no_further_certificates() -> Any:
    """None: pyhanko puts the signer's own certificate in, and there is no chain above it."""
    return SimpleCertificateStore()  # type: ignore[no-untyped-call]


class _AuthoritySigner(signers.Signer):
    """Signs PDF with a key that may be in a device."""

    def __init__(self, signer: Es256Signer, certificate: x509.Certificate) -> None:
        self._held = signer
        super().__init__(
            signing_cert=certificate,
            cert_registry=_no_further_certificates(),
            signature_mechanism=None,
        )

    async def async_sign_raw(
        self, data: bytes, digest_algorithm: str, dry_run: bool = False
    ) -> bytes:
        """An ECDSA signature in DER over SHA-256 of the data."""
        if digest_algorithm != "sha256":
            raise ValueError("certificates are signed with SHA-256")
        if dry_run:
            return bytes(72)
        raw = self._held.sign(data)
        return utils.encode_dss_signature(
            int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        )


@cache
def words() -> dict[str, Any]:
    """The words of a certificate, by language."""
    folder = files("amanat.licensing.credentials") / "certificate"
    return tomllib.loads((folder / "words.toml").read_text(encoding="utf-8"))


def certificate(
    entry: RegisterEntry,
    permission: ListedPermission,
    token: str,
    *,
    authority: str,
    address: str,
    titles: Mapping[str, str],
    signer: Es256Signer,
    certificate_der: bytes,
    now: datetime,
) -> bytes:
    """The signed PDF of a permission; `token` is its credential, `address` its register page.

    `titles` are the English titles of services and kinds of permission, by code.
    """
    page = _page(_given(entry, permission, token, authority, address, titles, now))
    return _signed(page, signer, certificate_der)


def _given(
    entry: RegisterEntry,
    permission: ListedPermission,
    token: str,
    authority: str,
    address: str,
    titles: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    said = words()
    title = f"title_{permission.kind}"
    held = permission.expires_on
    facts = (
        ("number", permission.number),
        ("granted_on", permission.granted_on.isoformat()),
        ("expires_on", held.isoformat() if held is not None else None),
        ("law", permission.law),
        ("lei", entry.lei),
        ("registration", entry.registration),
    )
    english = titles.get(permission.kind, permission.kind)
    return {
        "words": {"en": said["en"], "ur": said["ur"]},
        "made": [now.year, now.month, now.day],
        "authority": authority,
        "title": said["en"].get(title, english),
        "title_ur": said["ur"].get(title, english),
        "no_licence": permission.kind != LICENCE,
        "name": entry.name,
        "facts": [[name, shown] for name, shown in facts if shown is not None],
        "services": [titles.get(one, one) for one in permission.categories],
        "services_ur": [
            said["ur_services"].get(one, titles.get(one, one)) for one in permission.categories
        ],
        "conditions": list(permission.conditions),
        "code": square(token),
        "token": token,
        "command": _COMMAND,
        "address": address,
    }


def square(token: str) -> str:
    """The square code (ISO/IEC 18004) of a licence without its disclosures, as SVG."""
    code = segno.make(shown_in_part(token, ()), error="l", micro=False, boost_error=True)
    out = io.BytesIO()
    code.save(out, kind="svg", border=4, xmldecl=False, light="white")
    return out.getvalue().decode()


def _page(given: Mapping[str, Any]) -> bytes:
    with as_file(files("amanat.licensing.credentials") / "certificate") as folder:
        made: bytes = typst.compile(
            folder / "certificate.typ",
            root=folder,
            font_paths=[folder / "fonts"],
            ignore_system_fonts=True,
            format="pdf",
            pdf_standards=["a-3b"],
            sys_inputs={"given": json.dumps(given, ensure_ascii=False)},
        )
    return made


def _signed(page: bytes, signer: Es256Signer, certificate_der: bytes) -> bytes:
    held = _AuthoritySigner(signer, x509.Certificate.load(certificate_der))
    stated = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        reason="Issued by the licensing authority",
    )
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(page)),
        stated,
        signer=held,
        bytes_reserved=_SIGNATURE_BYTES,
    )
    return bytes(out.getvalue())
