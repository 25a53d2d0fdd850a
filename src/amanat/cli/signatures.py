"""Keys that sign files, and the signatures beside a file: shared by what writes such files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from amanat.cli.files import bytes_of, write
from amanat.cli.tools import ask_password
from amanat.core.errors import Refusal

if TYPE_CHECKING:
    from cryptography import x509

    from amanat.ledger.signed_files import PointSigner

KeyFolder = Annotated[
    Path | None, typer.Option("--keys", help="Folder of a keystore of one's own.")
]
Devices = Annotated[
    Path | None, typer.Option("--devices", help="devices.toml: the key is in a device.")
]
Certificate = Annotated[Path, typer.Option(help="The certificate of the key that signs.")]
Trusted = Annotated[
    list[Path], typer.Option("--certificate", help="Trusted certificates, PEM; repeatable.")
]
SIGNERS_MIN = 2


class SignersMissing(Refusal):
    """A file counts with two different keys: who made it, and a second pair of eyes."""

    template: ClassVar[str] = "{file} is signed by {found} of {needed} keys."


def sign_beside(
    files: Mapping[Path, bytes], signer: PointSigner, certificate: x509.Certificate
) -> list[str]:
    """Write the signature of each file beside it; where they are.  Refuses `FileNotWritten`."""
    from amanat.ledger.signed_files import sign_file

    written = []
    for one, content in files.items():
        path = one.with_name(f"{one.name}.{signer.address[2:10]}.p7s")
        write(path, sign_file(content, signer, certificate))
        written.append(str(path))
    return written


def check_signatures(
    path: Path, certificates: Sequence[Path], signers: int = SIGNERS_MIN
) -> Iterable[Mapping[str, Any]]:
    """Who signed a file, by every FILE.*.p7s beside it.

    Refuses, in order: `NotFound`, `CertificateUnreadable`, `FileSignatureInvalid`,
    `SignersMissing`.
    """
    from amanat.ledger.signed_files import check_file_signature, read_certificates

    trusted: list[x509.Certificate] = []
    for one in certificates:
        trusted += read_certificates(bytes_of(one), str(one))
    beside = sorted(path.parent.glob(f"{path.name}.*.p7s"))
    found = {
        one: check_file_signature(str(one), bytes_of(path), bytes_of(one), trusted)
        for one in beside
    }
    keys = {one.key for one in found.values()}
    if len(keys) < signers:
        raise SignersMissing(file=path, found=len(keys), needed=signers)
    return [
        {
            "file": str(path),
            "by": one.subject,
            "signed_at": one.signed_at.isoformat(),
            "fingerprint_sha256": one.fingerprint,
        }
        for one in found.values()
    ]


def named_signer(
    institution: str, name: str, folder: Path | None, devices: Path | None, data: Path | None
) -> PointSigner:
    """The key of this name: one's own with --keys or --devices, else the installation's."""
    from amanat.app import Application
    from amanat.cli.terminal import settings_of
    from amanat.ledger.signers import KeyNotHeld

    if folder is None and devices is None:
        ring = Application(settings_of(data)).keys
        address = ring.find(institution, name)
        if address is None:
            raise KeyNotHeld(holder=f"{institution}/{name}")
        return ring.point_signer(address)
    ring = _ring(folder, devices)
    address = ring.find(institution, name)
    if address is None:
        raise KeyNotHeld(holder=f"{institution}/{name}")
    return own_signer(address, folder, devices)


def _ring(folder: Path | None, devices: Path | None, password: str = "") -> Any:
    from amanat.ledger.devices import read_devices
    from amanat.ledger.keyring import KeyRing
    from amanat.ledger.keystore import Keystore

    named = read_devices(devices) if devices is not None else ()
    return KeyRing(Keystore(folder or Path("keys")), password, named)


def own_signer(address: str, folder: Path | None, devices: Path | None) -> PointSigner:
    """One's own key by its address; the password of a key file is asked at the terminal."""
    ring = _ring(folder, devices)
    if ring.place(address) == "keystore":
        ring = _ring(folder, devices, ask_password(confirm=False))
    signer: PointSigner = ring.point_signer(address)
    return signer
