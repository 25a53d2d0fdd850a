"""Paying while the ledger is down: the list as files for the RTGS, and its confirmations."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.session import open_session
from amanat.cli.terminal import errors_in_lines, print_answer

contingency = typer.Typer(help="Pay by the RTGS while the ledger is down; record it afterwards.")

Payment = Annotated[str, typer.Argument(help="The payment's identifier.")]


@contingency.command("list")
def contingency_list(
    payment: Payment,
    accounts: Annotated[
        Path, typer.Option(help="CSV institution,name,bic,account; with rows `payer` and `tax`.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("contingency"),
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "PKR",
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Write the list of a payment as pain.001.001.09 and CSV; `amanat act ListOutside` makes it."""
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
        answer = {
            "list_digest": listed["list_digest"],
            "transfers": len(transfers_of(listed)),
            "net_paisa": listed["net_paisa"],
            "tax_paisa": listed["tax_paisa"],
            "files": [f"{output / name}.pain.001.xml", f"{output / name}.csv"],
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
