"""An auction finished by sealed letters while the ledger is down, and recorded when it is back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from amanat.cli.acts import Data, Json, ProgrammeCode, Url
from amanat.cli.files import bytes_of, json_of, text_of, write
from amanat.cli.session import Session, open_session
from amanat.cli.signatures import (
    Certificate,
    Devices,
    KeyFolder,
    Trusted,
    check_signatures,
    signatory,
)
from amanat.cli.terminal import errors_in_lines, out, print_answer
from amanat.core.files import JsonUnfit, json_in
from amanat.core.messages import Message

if TYPE_CHECKING:
    from amanat.auctions.letters import TenderShown
    from amanat.auctions.model import Decision
    from amanat.ledger.signed_files import PointSigner

letters = typer.Typer(help="Finish an auction by sealed letters while the ledger is down.")

TenderFile = Annotated[
    Path, typer.Argument(help="What `amanat view tender tender=CODE --json` showed, as a file.")
]
Register = Annotated[Path, typer.Argument(help="What `amanat letters register` wrote.")]
Openings = Annotated[
    list[Path], typer.Argument(help="What was in the envelopes: openings of `amanat seal`.")
]
Output = Annotated[Path, typer.Option("--output", help="Where it goes.")]


@letters.command("register")
def letters_register(
    tender: TenderFile,
    received: Annotated[
        Path,
        typer.Argument(help="CSV number,account,commitment,received_at,letter,non_competitive."),
    ],
    output: Output = Path("letters.json"),
    as_json: Json = False,
) -> None:
    """Fix which envelopes came in time, by what stands on them; none is open yet."""
    from amanat.auctions.letters import make_register

    with errors_in_lines(as_json=as_json):
        shown = _tender(tender)
        made = make_register(shown, str(received), text_of(received))
        write(output, made.written())
        print_answer({"letters": len(made.letters), "written": str(output)}, as_json=as_json)


@letters.command("sign")
def letters_sign(
    file: Annotated[Path, typer.Argument(help="A register or a sheet of letters.")],
    certificate: Certificate,
    folder: KeyFolder = None,
    devices: Devices = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without asking.")] = False,
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Sign a register before the first envelope is opened, or the sheet; each institution once."""

    def session_key(address: str) -> PointSigner:
        with open_session(url, data, programme) as session:
            return session.own_key(address)

    with errors_in_lines(as_json=as_json):
        who = signatory(certificate, folder, devices)
        content = bytes_of(file)
        shown = json_in(str(file), content)
        if not as_json:
            out.print_json(data=shown)
        print_answer(who.sign({file: content}, session_key, yes=yes), as_json=as_json)


@letters.command("open")
def letters_open(
    register: Register,
    openings: Openings,
    certificates: Trusted,
    tender: Annotated[Path, typer.Option(help="The tender as its view showed it.")],
    security: Annotated[Path, typer.Option(help="The security as its view showed it.")],
    cut_off: Annotated[str | None, typer.Option(help="Price or yield, as bids are made.")] = None,
    amount: Annotated[int | None, typer.Option(help="Nominal to award, units.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "PKR",
    output: Output = Path("letters-sheet.json"),
    as_json: Json = False,
) -> None:
    """Compute the sheet of the opened letters, offline; without a cut-off or amount, no award.

    Refused unless two keys that you trust, one of each institution, have signed the register.
    """
    from amanat.auctions.letters import read_register, sheet_by_letters

    with errors_in_lines(as_json=as_json):
        check_signatures(register, certificates)
        terms = json_of(security, "terms")["terms"]
        if not isinstance(terms, dict):
            raise JsonUnfit(
                file=security, reason=Message("its field {names} is no JSON object", names="terms")
            )
        sheet = sheet_by_letters(
            _tender(tender),
            terms,
            read_register(str(register), bytes_of(register)),
            _contents(openings),
            _decision(cut_off, amount),
            currency=currency,
        )
        write(output, f"{json.dumps(sheet, indent=2)}\n".encode())
        answer = {
            "opened": sheet["opened"],
            "void": [one for one in sheet["letters"] if one["reason"]],
            "average_yield": sheet["sheet"]["average_yield"],
            "total": sheet["sheet"]["total"],
            "written": str(output),
        }
        print_answer(answer, as_json=as_json)


@letters.command("enter")
def letters_enter(
    register: Register,
    reason: Annotated[str, typer.Option(help="Why by letter; it stands in the journal.")],
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Propose, when the ledger is back, to enter every letter there, in the register's order.

    Both institutions approve each; letters that are entered or proposed already are left out.
    """
    from amanat.auctions.letters import read_register

    with errors_in_lines(as_json=as_json):
        found = read_register(str(register), bytes_of(register))
        stated = {"tender": found.tender, "reason": reason}
        proposed = []
        with open_session(url, data, programme) as session:
            for one in found.letters:
                fields = one.model_dump(mode="json", exclude={"number"}) | stated
                answer = session.submit("EnterLetter", fields, f"letter-{one.commitment}")
                proposed.append(_brief(answer, one.commitment))
        print_answer(proposed, as_json=as_json)


@letters.command("deliver")
def letters_deliver(
    register: Register,
    openings: Openings,
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Propose, once both keys are released, what was in each envelope (`OpenLetter`)."""
    from amanat.auctions.letters import read_openings, read_register

    with errors_in_lines(as_json=as_json):
        found = read_register(str(register), bytes_of(register))
        inside = read_openings(found.letters, _contents(openings))
        proposed = []
        with open_session(url, data, programme) as session:
            bids = _entered(session, found.tender)
            for commitment, (form, salt) in inside.items():
                fields = {"bid": bids.get(commitment, ""), "form": form.hex(), "salt": salt.hex()}
                answer = session.submit("OpenLetter", fields | {"tender": found.tender}, None)
                proposed.append(_brief(answer, commitment))
        print_answer(proposed, as_json=as_json)


@letters.command("compare")
def letters_compare(
    sheet: Annotated[Path, typer.Argument(help="What `amanat letters open` wrote.")],
    programme: ProgrammeCode = None,
    data: Data = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Check that what the ledger published is what the letters gave."""
    from amanat.auctions.letters import compare

    with errors_in_lines(as_json=as_json):
        found = json_of(sheet, "tender")
        with open_session(url, data, programme) as session:
            published = session.view("tender", {"tender": found["tender"]})
        compare(found, published)
        answer = {"tender": found["tender"], "state": published["state"], "same": True}
        print_answer(answer, as_json=as_json)


def _tender(path: Path) -> TenderShown:
    from amanat.auctions.letters import read_tender

    return read_tender(str(path), bytes_of(path))


def _contents(paths: list[Path]) -> dict[str, bytes]:
    return {str(one): bytes_of(one) for one in paths}


def _decision(cut_off: str | None, amount: int | None) -> Decision:
    from amanat.auctions.model import Award, NoAward
    from amanat.core.quantities import decimal_from

    if cut_off is None and amount is None:
        return NoAward()
    return Award(cut_off=None if cut_off is None else decimal_from(cut_off), amount=amount)


def _entered(session: Session, code: str) -> dict[str, str]:
    """The bids of the letters that are entered, by commitment."""
    rows = session.view("tender_letters", {"tender": code})
    return {str(one["commitment"]): str(one["bid"]) for one in rows}


def _brief(answer: Mapping[str, Any], commitment: str) -> dict[str, Any]:
    return {
        "commitment": commitment,
        "state": answer["state"],
        "proposal": answer["proposal"],
        "awaits": answer["awaits"],
    }
