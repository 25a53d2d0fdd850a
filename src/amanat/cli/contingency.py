"""Paying while the ledger is down: the list as signed files for the RTGS, and its confirmations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.session import open_session
from amanat.cli.terminal import err, errors_in_lines, out, print_answer
from amanat.cli.tools import ask_password
from amanat.core.errors import NotFound, Refusal

if TYPE_CHECKING:
    from cryptography import x509

    from amanat.ledger.signed_files import PointSigner

contingency = typer.Typer(help="Pay by the RTGS while the ledger is down; record it afterwards.")

Payment = Annotated[str, typer.Argument(help="The payment's identifier.")]
Files = Annotated[list[Path], typer.Argument(help="The files that `list` wrote.")]
Accounts = Annotated[
    Path, typer.Option(help="CSV institution,name,bic,account; with rows `payer` and `tax`.")
]
Currency = Annotated[str, typer.Option(help="ISO 4217.")]
KeyFolder = Annotated[
    Path | None, typer.Option("--keys", help="Folder of a keystore of one's own.")
]
Devices = Annotated[
    Path | None, typer.Option("--devices", help="devices.toml: the key is in a device.")
]
SIGNERS_MIN = 2


class SignersMissing(Refusal):
    """A list is signed by two different keys: who made it, and a second pair of eyes."""

    template: ClassVar[str] = "{file} is signed by {found} of {needed} keys."


@contingency.command("list")
def contingency_list(
    payment: Payment,
    accounts: Accounts,
    output: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("contingency"),
    currency: Currency = "PKR",
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Write the list of a payment as pain.001.001.09 and CSV; `amanat act ListOutside` makes it.

    Two people sign the files with `amanat contingency sign`.
    """
    from amanat.servicing.payment_files import list_csv, pain_001, read_accounts, transfers_of

    with errors_in_lines(as_json=as_json):
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
        payees = read_accounts(accounts.read_text(encoding="utf-8"))
        made_at = datetime.now(UTC)
        message = pain_001(listed, payees, currency=currency, made_at=made_at)
        rows = list_csv(listed, payees, currency=currency)
        output.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{listed['isin']}-{listed['payment_date']}-{listed['kind']}"
        (output / f"{name}.pain.001.xml").write_bytes(message)
        (output / f"{name}.csv").write_text(rows, encoding="utf-8")
        files = [f"{output / name}.pain.001.xml", f"{output / name}.csv"]
        sign = f"amanat contingency sign {payment} {' '.join(files)} --accounts {accounts}"
        answer = {
            "list_digest": listed["list_digest"],
            "transfers": len(transfers_of(listed)),
            "net_paisa": listed["net_paisa"],
            "tax_paisa": listed["tax_paisa"],
            "files": files,
            "next": [f"{sign} --certificate CERTIFICATE"],
        }
        print_answer(answer, as_json=as_json)


@contingency.command("certificate")
def contingency_certificate(
    organisation: Annotated[str, typer.Argument(help="As the RTGS knows it.")],
    key: Annotated[str, typer.Argument(help="INSTITUTION/NAME of the key.")],
    output: Annotated[Path, typer.Option("--output", help="Where it goes, PEM.")],
    request: Annotated[
        bool, typer.Option("--request", help="A PKCS#10 request for an authority instead.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=1096, help="Days that it is valid.")] = 730,
    folder: KeyFolder = None,
    devices: Devices = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make the certificate with which the RTGS checks a key's signatures; enrol it in time."""
    from amanat.ledger.signed_files import (
        fingerprint_of,
        make_certificate,
        make_certificate_request,
        read_certificates,
    )

    with errors_in_lines(as_json=as_json):
        institution, _, name = key.partition("/")
        signer = _named_signer(institution, name, folder, devices, data)
        answer: dict[str, Any] = {"key": signer.address, "written": str(output)}
        if request:
            made = make_certificate_request(signer, organisation, key)
        else:
            made = make_certificate(signer, organisation, key, datetime.now(UTC), days)
            (certificate,) = read_certificates(made, str(output))
            answer["fingerprint_sha256"] = fingerprint_of(certificate)
        output.write_bytes(made)
        print_answer(answer, as_json=as_json)


@contingency.command("sign")
def contingency_sign(
    payment: Payment,
    files: Files,
    accounts: Accounts,
    certificate: Annotated[Path, typer.Option(help="The certificate of the key that signs.")],
    currency: Currency = "PKR",
    folder: KeyFolder = None,
    devices: Devices = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Sign the files of a list, each beside itself as FILE.KEY.p7s (detached CMS).

    Refused unless list and accounts make exactly these files.  The key is in the installation's
    keystore or device and the token's person's own, or one's own with --keys or --devices.
    """
    from amanat.ledger.signed_files import address_certified, read_certificates, sign_file
    from amanat.servicing.payment_files import check_made_of, read_accounts, read_ordered

    with errors_in_lines(as_json=as_json):
        (mine, *_more) = read_certificates(_bytes(certificate), str(certificate))
        contents = {one: _bytes(one) for one in files}
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
            payees = read_accounts(accounts.read_text(encoding="utf-8"))
            for one, content in contents.items():
                check_made_of(str(one), content, listed, payees, currency=currency)
            if not as_json:
                for one, content in contents.items():
                    out.print(_told(one, read_ordered(str(one), content)), highlight=False)
            if not yes and not typer.confirm("Sign this?"):
                err.print("not signed")
                raise typer.Exit(1)
            address = address_certified(mine)
            if folder is None and devices is None:
                signer = session.own_key(address)
            else:
                signer = _signer(address, folder, devices)
            written = []
            for one, content in contents.items():
                path = one.with_name(f"{one.name}.{address[2:10]}.p7s")
                path.write_bytes(sign_file(content, signer, mine))
                written.append(str(path))
        answer = {"key": address, "list_digest": listed["list_digest"], "written": written}
        print_answer(answer, as_json=as_json)


@contingency.command("verify")
def contingency_verify(
    files: Files,
    certificates: Annotated[
        list[Path], typer.Option("--certificate", help="Trusted certificates, PEM; repeatable.")
    ],
    signers: Annotated[
        int, typer.Option(min=1, help="By how many different keys each must be signed.")
    ] = SIGNERS_MIN,
    as_json: Json = False,
) -> None:
    """Check the signatures of a list's files and their sums, offline.

    Every FILE.*.p7s beside a file counts, and must be sound.  The same with OpenSSL alone:
    openssl cms -verify -binary -inform PEM -in FILE.KEY.p7s -content FILE -CAfile CERTIFICATE
    """
    from amanat.ledger.signed_files import read_certificates
    from amanat.servicing.payment_files import check_same, read_ordered

    with errors_in_lines(as_json=as_json):
        trusted = [
            one for path in certificates for one in read_certificates(_bytes(path), str(path))
        ]
        signed = [row for one in files for row in _check(one, trusted, signers)]
        ordered = {str(one): read_ordered(str(one), _bytes(one)) for one in files}
        check_same(ordered)
        transfers = next(iter(ordered.values()))
        answer = {
            "transfers": len(transfers),
            "amount": str(sum(one.amount for one in transfers)),
            "currency": ", ".join(sorted({one.currency for one in transfers})),
            "signatures": signed,
        }
        print_answer(answer, as_json=as_json)


@contingency.command("confirm")
def contingency_confirm(
    payment: Payment,
    confirmations: Annotated[
        Path, typer.Argument(help="CSV end_to_end_id,status,reference from the RTGS.")
    ],
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Check that the RTGS settled every line, and propose to record it on the ledger."""
    from amanat.servicing.payment_files import check_confirmations, transfers_of

    with errors_in_lines(as_json=as_json):
        content = confirmations.read_bytes()
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
            check_confirmations(content.decode(), transfers_of(listed))
            reference = f"sha256:{hashlib.sha256(content).hexdigest()}"
            fields = {"payment": payment, "reference": reference}
            answer = session.submit("RecordPaidOutside", fields, None)
        print_answer(answer, as_json=as_json)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(thing="readable file", value=f"{path} ({error.strerror})") from None


def _told(path: Path, ordered: Sequence[Any]) -> str:
    total = sum(one.amount for one in ordered)
    currencies = "/".join(sorted({one.currency for one in ordered}))
    digest = hashlib.sha256(_bytes(path)).hexdigest()
    return f"{path}: {len(ordered)} transfers, {currencies} {total:,.2f}, sha256 {digest}"


def _check(
    path: Path, trusted: Sequence[x509.Certificate], signers: int
) -> Iterable[Mapping[str, Any]]:
    from amanat.ledger.signed_files import check_file_signature

    beside = sorted(path.parent.glob(f"{path.name}.*.p7s"))
    found = {
        one: check_file_signature(str(one), _bytes(path), _bytes(one), trusted) for one in beside
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


def _named_signer(
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
    return _signer(address, folder, devices)


def _ring(folder: Path | None, devices: Path | None, password: str = "") -> Any:
    from amanat.ledger.devices import read_devices
    from amanat.ledger.keyring import KeyRing
    from amanat.ledger.keystore import Keystore

    named = read_devices(devices) if devices is not None else ()
    return KeyRing(Keystore(folder or Path("keys")), password, named)


def _signer(address: str, folder: Path | None, devices: Path | None) -> PointSigner:
    """One's own key by its address; the password of a key file is asked at the terminal."""
    ring = _ring(folder, devices)
    if ring.place(address) == "keystore":
        ring = _ring(folder, devices, ask_password(confirm=False))
    signer: PointSigner = ring.point_signer(address)
    return signer
