"""Certificates in PDF: both signatures, the square code read back, and what breaks them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pypdf
import pypdfium2
import pytest
import zxingcpp
from tests.licensing.credentials.test_credentials import (
    ISSUING,
    KEY,
    NOW,
    OTHER,
    PLACE,
    TOKEN,
    listed,
)
from tests.licensing.register.test_register import ENTRY, LICENCE

from amanat.core.errors import AmanatError
from amanat.licensing.credentials.certificate_check import (
    CertificateAltered,
    CertificateUnreadable,
    check_certificate,
)
from amanat.licensing.credentials.certificates import certificate
from amanat.licensing.credentials.jose import (
    AuthorityKeys,
    Es256Key,
    ForeignSigner,
    TrustedKey,
    read_keys,
    thumbprint,
)
from amanat.licensing.credentials.key_certificates import (
    own_certificate,
    published_key,
    published_keys,
)
from amanat.licensing.credentials.licence import (
    CredentialRevoked,
    CredentialSuspended,
    issue_licence,
    verify_licence,
)
from amanat.licensing.credentials.status_lists import Status

MADE = datetime(2026, 9, 21, tzinfo=UTC)
ADDRESS = "https://register.example/p/pk/providers/crescent"
DER = own_certificate(KEY, ISSUING.authority, datetime(2025, 1, 1, tzinfo=UTC))
FOREIGN = own_certificate(OTHER, ISSUING.authority, datetime(2025, 1, 1, tzinfo=UTC))
KEYS = read_keys(published_keys([published_key(KEY.public_key, DER)]))


def made(key: Es256Key = KEY, der: bytes = DER, token: str = TOKEN, **more: Any) -> bytes:
    return certificate(
        replace(ENTRY, **more),
        LICENCE,
        token,
        authority=ISSUING.authority,
        address=ADDRESS,
        titles={"exchange": "Exchange services", "licence": "Licence"},
        signer=key,
        certificate_der=der,
        now=MADE,
    )


@pytest.fixture(scope="module")
def paper() -> bytes:
    """A certificate as it is given out."""
    return made()


def codes_on(content: bytes) -> list[zxingcpp.Barcode]:
    """The square codes on the page as another program draws it."""
    drawn = pypdfium2.PdfDocument(content)[0].render(scale=3, grayscale=True)
    lines = bytes(drawn.buffer)
    pixels = b"".join(
        lines[row * drawn.stride : row * drawn.stride + drawn.width] for row in range(drawn.height)
    )
    return list(zxingcpp.read_barcodes(memoryview(pixels).cast("B", (drawn.height, drawn.width))))


def test_a_certificate_is_verified_with_the_licence_in_it(paper: bytes) -> None:
    found = check_certificate(paper, KEYS, listed(), NOW)
    assert found.number == LICENCE.number
    assert found.claims["conditions"] == list(LICENCE.conditions)


def test_the_square_code_is_the_licence_and_can_be_checked_from_paper(paper: bytes) -> None:
    (code,) = codes_on(paper)
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    found = verify_licence(code.text, KEYS, listed(), NOW)
    assert (found.number, found.hidden) == (LICENCE.number, 4)


def test_another_library_finds_text_attachment_and_signature(paper: bytes) -> None:
    reader = pypdf.PdfReader(io.BytesIO(paper))
    text = " ".join(reader.pages[0].extract_text().split())
    for shown in (ENTRY.name, LICENCE.number, "2027-06-30", "Exchange services", ADDRESS):
        assert shown in text
    assert "PDF-1.7" in paper[:9].decode()
    assert reader.attachments["licence.sd-jwt"] == [TOKEN.encode()]
    fields = reader.get_fields() or {}
    assert fields["Authority"]["/V"]["/SubFilter"] == "/ETSI.CAdES.detached"
    assert len(reader.pages) == 1
    assert b"pdfaid:part>3" in paper


@pytest.mark.parametrize("status", [Status.SUSPENDED, Status.INVALID])
def test_a_certificate_of_what_no_longer_stands_is_refused(paper: bytes, status: Status) -> None:
    refused = CredentialSuspended if status is Status.SUSPENDED else CredentialRevoked
    with pytest.raises(refused):
        check_certificate(paper, KEYS, listed(status), NOW)


def test_a_certificate_of_another_is_refused() -> None:
    with pytest.raises(ForeignSigner):
        check_certificate(made(OTHER, FOREIGN), KEYS, listed(), NOW)


def test_a_foreign_licence_in_a_certificate_of_the_authority_is_refused() -> None:
    foreign = issue_licence(ENTRY, LICENCE, ISSUING, PLACE, OTHER, NOW)
    with pytest.raises(ForeignSigner):
        check_certificate(made(token=foreign), KEYS, listed(), NOW)


def test_a_certificate_beside_a_key_that_it_is_not_of_is_refused(paper: bytes) -> None:
    kid = thumbprint(OTHER.public_key)
    wrong = AuthorityKeys({kid: TrustedKey(kid, OTHER.public_key, certificates=(DER,))})
    with pytest.raises(ForeignSigner, match="not of a key of the authority"):
        check_certificate(paper, wrong, listed(), NOW)


def test_a_key_published_without_its_certificate_signs_no_pdf(paper: bytes) -> None:
    kid = thumbprint(KEY.public_key)
    with pytest.raises(ForeignSigner):
        check_certificate(
            paper, AuthorityKeys({kid: TrustedKey(kid, KEY.public_key)}), listed(), NOW
        )


def test_an_altered_certificate_is_refused_wherever_it_was_altered(paper: bytes) -> None:
    """Text, fonts, attachment and structure in steps; the signature's own bytes one by one."""
    assert check_certificate(paper, KEYS, listed(), NOW)
    begins = paper.index(b"/Contents <") + len(b"/Contents ")
    ends = paper.index(b"00000000", begins + 2_000)
    within = {*range(begins, ends, 11), *range(ends, ends + 40), begins, begins + 1}
    for place in sorted({*range(0, len(paper), len(paper) // 60), *within}):
        altered = paper[:place] + bytes((paper[place] ^ 1,)) + paper[place + 1 :]
        with pytest.raises(AmanatError):
            check_certificate(altered, KEYS, listed(), NOW)


def test_what_is_added_after_the_signature_is_refused(paper: bytes) -> None:
    writer = pypdf.PdfWriter(io.BytesIO(paper), incremental=True)
    writer.add_metadata({"/Title": "Licence for everything"})
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(paper)
    for added in (out.getvalue(), paper + b"\n% more"):
        with pytest.raises(CertificateAltered):
            check_certificate(added, KEYS, listed(), NOW)


@pytest.mark.parametrize("content", [b"%PDF-", b"%PDF-1.7\n%%EOF", b"no file at all"])
def test_what_is_no_certificate_is_refused(content: bytes) -> None:
    with pytest.raises(CertificateUnreadable):
        check_certificate(content, KEYS, listed(), NOW)


def test_a_pdf_without_signature_is_refused() -> None:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(CertificateUnreadable, match="0 signatures"):
        check_certificate(out.getvalue(), KEYS, listed(), NOW)


def test_markup_in_a_name_is_text_and_nothing_else() -> None:
    """What a name says is never read as the page's own language."""
    content = made(name='#panic("x") $1/0$ *Crescent* [@x] <b>')
    text = pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert '#panic("x")' in " ".join(text.split())
