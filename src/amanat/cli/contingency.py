"""Paying while the ledger is down: the list as signed files for the RTGS, and its confirmations."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.files import bytes_of, make_folder, text_of, write
from amanat.cli.session import open_session
from amanat.cli.signatures import (
    SIGNERS_MIN,
    Certificate,
    Devices,
    KeyFolder,
    Trusted,
    check_signatures,
    named_signer,
    signatory,
)
from amanat.cli.terminal import errors_in_lines, out, print_answer
from amanat.core.files import text_in

contingency = typer.Typer(help="Pay by the RTGS while the ledger is down; record it afterwards.")

Payment = Annotated[str, typer.Argument(help="The payment's identifier.")]
Files = Annotated[list[Path], typer.Argument(help="The files that `list` wrote.")]
Accounts = Annotated[
    Path, typer.Option(help="CSV institution,name,bic,account; with rows `payer` and `tax`.")
]
Currency = Annotated[str, typer.Option(help="ISO 4217.")]


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
        payees = read_accounts(str(accounts), text_of(accounts))
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
        made_at = datetime.now(UTC)
        message = pain_001(listed, payees, currency=currency, made_at=made_at)
        rows = list_csv(listed, payees, currency=currency)
        make_folder(output)
        name = f"{listed['isin']}-{listed['payment_date']}-{listed['kind']}"
        write(output / f"{name}.pain.001.xml", message)
        write(output / f"{name}.csv", rows.encode())
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
        signer = named_signer(institution, name, folder, devices, data)
        answer: dict[str, Any] = {"key": signer.address, "written": str(output)}
        if request:
            made = make_certificate_request(signer, organisation, key)
        else:
            made = make_certificate(signer, organisation, key, datetime.now(UTC), days)
            (certificate,) = read_certificates(made, str(output))
            answer["fingerprint_sha256"] = fingerprint_of(certificate)
        write(output, made)
        print_answer(answer, as_json=as_json)


@contingency.command("sign")
def contingency_sign(
    payment: Payment,
    files: Files,
    accounts: Accounts,
    certificate: Certificate,
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
    from amanat.servicing.payment_files import check_made_of, read_accounts

    with errors_in_lines(as_json=as_json):
        who = signatory(certificate, folder, devices)
        contents = {one: bytes_of(one) for one in files}
        payees = read_accounts(str(accounts), text_of(accounts))
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
            for one, content in contents.items():
                check_made_of(str(one), content, listed, payees, currency=currency)
            if not as_json:
                for one, content in contents.items():
                    out.print(_told(one, content), highlight=False)
            answer = who.sign(contents, session.own_key, yes=yes)
        print_answer(answer | {"list_digest": listed["list_digest"]}, as_json=as_json)


@contingency.command("verify")
def contingency_verify(
    files: Files,
    certificates: Trusted,
    signers: Annotated[
        int, typer.Option(min=1, help="By how many different keys each must be signed.")
    ] = SIGNERS_MIN,
    as_json: Json = False,
) -> None:
    """Check the signatures of a list's files and their sums, offline.

    Every FILE.*.p7s beside a file counts, and must be sound.  The same with OpenSSL alone:
    openssl cms -verify -binary -inform PEM -in FILE.KEY.p7s -content FILE -CAfile CERTIFICATE
    """
    from amanat.servicing.payment_files import check_same, read_ordered

    with errors_in_lines(as_json=as_json):
        signed = [row for one in files for row in check_signatures(one, certificates, signers)]
        ordered = {str(one): read_ordered(str(one), bytes_of(one)) for one in files}
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
        content = bytes_of(confirmations)
        told = text_in(str(confirmations), content)
        with open_session(url, data, programme) as session:
            listed = session.view("outside_list", {"payment": payment})
            check_confirmations(str(confirmations), told, transfers_of(listed))
            reference = f"sha256:{hashlib.sha256(content).hexdigest()}"
            fields = {"payment": payment, "reference": reference}
            answer = session.submit("RecordPaidOutside", fields, None)
        print_answer(answer, as_json=as_json)


def _told(path: Path, content: bytes) -> str:
    """What a file orders, for whoever signs just these bytes."""
    from amanat.servicing.payment_files import read_ordered

    ordered = read_ordered(str(path), content)
    total = sum(one.amount for one in ordered)
    currencies = "/".join(sorted({one.currency for one in ordered}))
    digest = hashlib.sha256(content).hexdigest()
    return f"{path}: {len(ordered)} transfers, {currencies} {total:,.2f}, sha256 {digest}"
