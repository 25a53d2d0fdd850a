"""Keys that sign files, and the signatures beside a file: shared by what writes such files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from amanat.cli.files import bytes_of, write
from amanat.cli.tools import ask_password, ask_to_sign
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


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs files: by which certificate, and where its key is, if it is one's own."""

    certificate: x509.Certificate
    address: str
    folder: Path | None
    devices: Path | None

    def sign(
        self, files: Mapping[Path, bytes], session_key: Callable[[str], PointSigner], *, yes: bool
    ) -> dict[str, Any]:
        """Ask whether to sign what was shown, and write the signature of each file beside it.

        `session_key` finds the key by its address where it is not one's own.  Answers with the key
        and where the signatures are.  Refuses, in order: as the key's place, `FileNotWritten`.
        """
        from amanat.ledger.signed_files import sign_file

        ask_to_sign(yes=yes)
        if self.folder is not None or self.devices is not None:
            signer = own_signer(self.address, self.folder, self.devices)
        else:
            signer = session_key(self.address)
        written = []
        for one, content in files.items():
            path = one.with_name(f"{one.name}.{self.address[2:10]}.p7s")
            write(path, sign_file(content, signer, self.certificate))
            written.append(str(path))
        return {"key": self.address, "written": written}


def signatory(certificate: Path, folder: Path | None, devices: Path | None) -> Signatory:
    """Who a certificate, the first of its file, says it is.

    Refuses, in order: `NotFound`, `CertificateUnreadable`.
    """
    from amanat.ledger.signed_files import address_certified, read_certificates

    (mine, *_more) = read_certificates(bytes_of(certificate), str(certificate))
    return Signatory(mine, address_certified(mine), folder, devices)


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
