"""Detached signatures over files: checked by OpenSSL and by us, and what is refused."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from amanat.ledger.devices import read_devices
from amanat.ledger.keyring import KeyRing
from amanat.ledger.keystore import SCRYPT_LIGHT, Keystore
from amanat.ledger.signed_files import (
    CertificateOther,
    CertificateUnreadable,
    FileSignatureInvalid,
    PointSigner,
    address_certified,
    check_file_signature,
    make_certificate,
    make_certificate_request,
    read_certificates,
    sign_file,
)
from amanat.ledger.signers import KeySigner

from .softhsm import Tokens, tokens_in

CONTENT = b"end_to_end_id,amount\r\n1,850.00\n\x00\xff"


def certified(signer: PointSigner, name: str = "central_bank/officer") -> x509.Certificate:
    made = make_certificate(signer, "Central Bank", name, datetime.now(UTC), days=30)
    (found,) = read_certificates(made, "made")
    return found


def openssl(folder: Path, content: bytes, signature: bytes, *trusted: x509.Certificate) -> bool:
    """Whether OpenSSL takes the signature over the content, trusting these certificates alone."""
    (folder / "file").write_bytes(content)
    (folder / "file.p7s").write_bytes(signature)
    pem = b"".join(one.public_bytes(Encoding.PEM) for one in trusted)
    (folder / "trusted.pem").write_bytes(pem)
    command = "openssl cms -verify -binary -inform PEM -in file.p7s -content file -out checked"
    line = [*command.split(), "-CAfile", "trusted.pem", "-no-CApath", "-no-CAstore"]
    return subprocess.run(line, cwd=folder, capture_output=True).returncode == 0


def test_openssl_and_we_take_the_same_signatures(tmp_path: Path) -> None:
    signer, other = KeySigner.generate(), KeySigner.generate()
    mine, theirs = certified(signer), certified(other)
    made = sign_file(CONTENT, signer, mine)
    assert made.startswith(b"-----BEGIN CMS-----")
    found = check_file_signature("f", CONTENT, made, [theirs, mine])
    assert found.subject == "CN=central_bank/officer,O=Central Bank"
    assert found.key == signer.public_key.hex()
    assert openssl(tmp_path, CONTENT, made, mine)
    for content, trusted, reason in (
        (CONTENT.replace(b"850", b"950"), [mine], "over another content"),
        (CONTENT + b"\n", [mine], "over another content"),
        (CONTENT, [theirs], "not trusted"),
    ):
        assert not openssl(tmp_path, content, made, *trusted)
        with pytest.raises(FileSignatureInvalid, match=reason):
            check_file_signature("f", content, made, trusted)


def test_a_certificate_of_the_same_name_and_number_is_not_enough(tmp_path: Path) -> None:
    """Whoever copies subject and serial number has another key, and that is what counts."""
    signer, forger = KeySigner.generate(), KeySigner.generate()
    mine = certified(signer)
    made = sign_file(CONTENT, signer, mine)

    class Posing(KeySigner):
        """Says that it has the other's point, and signs with its own key."""

        @property
        def public_key(self) -> bytes:
            return signer.public_key

        @property
        def address(self) -> str:
            return signer.address

    posed = sign_file(CONTENT, Posing(forger.secret), mine)
    assert posed != made
    assert not openssl(tmp_path, CONTENT, posed, mine)
    with pytest.raises(FileSignatureInvalid, match="not by the key of"):
        check_file_signature("f", CONTENT, posed, [mine])


def test_a_changed_byte_is_refused_or_changes_nothing_that_counts() -> None:
    """What is neither signed nor read: version numbers, and the certificate that comes with it."""
    signer = KeySigner.generate()
    mine = certified(signer)
    made = pem.unarmor(sign_file(CONTENT, signer, mine))[2]
    sound = check_file_signature("f", CONTENT, pem.armor("CMS", made), [mine])
    refused = 0
    for at in range(len(made)):
        changed = bytearray(made)
        changed[at] ^= 1
        try:
            found = check_file_signature("f", CONTENT, pem.armor("CMS", bytes(changed)), [mine])
        except FileSignatureInvalid:
            refused += 1
        else:
            assert found == sound
    signed_attributes, signature = 100, 64
    assert refused > signed_attributes + signature


def test_what_is_no_signature_is_refused_in_words() -> None:
    signer = KeySigner.generate()
    mine = certified(signer)
    for wrong in (b"", b"hello", b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n"):
        with pytest.raises(FileSignatureInvalid, match="no CMS signature"):
            check_file_signature("f", CONTENT, wrong, [mine])
    with pytest.raises(CertificateOther):
        sign_file(CONTENT, KeySigner.generate(), mine)
    with pytest.raises(CertificateUnreadable):
        read_certificates(b"no certificate", "f")


def test_a_certificate_of_another_kind_of_key_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .sign(key, None)
        .public_bytes(Encoding.PEM)
    )
    with pytest.raises(CertificateUnreadable, match="elliptic curve"):
        read_certificates(made, "f")


def test_a_signature_outside_the_certificates_time_is_refused() -> None:
    signer = KeySigner.generate()
    past = datetime.now(UTC) - timedelta(days=40)
    (old,) = read_certificates(make_certificate(signer, "CB", "officer", past, 30), "old")
    with pytest.raises(FileSignatureInvalid, match="was not valid at"):
        check_file_signature("f", CONTENT, sign_file(CONTENT, signer, old), [old])


def test_an_authority_can_certify_the_key() -> None:
    signer = KeySigner.generate()
    request = x509.load_pem_x509_csr(make_certificate_request(signer, "CB", "officer"))
    assert request.is_signature_valid
    assert request.subject.rfc4514_string() == "CN=officer,O=CB"


@pytest.fixture
def tokens(tmp_path: Path) -> Iterator[Tokens]:
    """A token of the central bank."""
    import pkcs11

    made = tokens_in(tmp_path / "hsm")
    made.initialise("central-bank")
    yield made
    pkcs11.lib(str(made.module)).finalize()


@pytest.mark.device
def test_a_key_in_a_device_signs_files(tokens: Tokens, tmp_path: Path) -> None:
    listed = tmp_path / "devices.toml"
    listed.write_text(tokens.terms("central-bank", "central_bank"))
    store = Keystore(tmp_path / "keys", scrypt=SCRYPT_LIGHT)
    ring = KeyRing(store, "", read_devices(listed))
    address = ring.create("central_bank", "officer")
    assert ring.place(address) == "device central-bank"
    signer = ring.point_signer(address)
    mine = certified(signer)
    assert address_certified(mine) == address
    made = sign_file(CONTENT, signer, mine)
    assert check_file_signature("f", CONTENT, made, [mine]).key == signer.public_key.hex()
    assert openssl(tmp_path, CONTENT, made, mine)
    assert mine.signature_hash_algorithm is not None
    assert mine.signature_hash_algorithm.name == SHA256.name
