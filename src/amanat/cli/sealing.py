"""`amanat seal`: a dealer's bids sealed on its own machine, without network or database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from amanat.cli.acts import Json
from amanat.cli.files import json_of, text_of, write_new
from amanat.cli.terminal import errors_in_lines, print_answer
from amanat.cli.tools import KeyFolder, ask_password
from amanat.core.errors import Invalid, NotFound, Refusal, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amanat.auctions.model import Bid
    from amanat.auctions.sheet_files import SealedBids

# What a command works with is imported when it is carried out, so that help is there at once.


class SheetThere(Refusal):
    """A sheet or its opening is never written over: the opening cannot be made again."""

    template: ClassVar[str] = "There is already {file}; name another with --output."


class BidderUnknown(Invalid):
    """A sheet is sealed under the bidder's number in this tender and signed by its account."""

    template: ClassVar[str] = (
        "whose sheet it is: give --mine (what `amanat view my_bids` shows), or --number and "
        "--account."
    )


class BidUnreadable(Invalid):
    """A bid is written NOMINAL@PRICE, or NOMINAL@YIELD where the tender takes bids by yield."""

    template: ClassVar[str] = "{bid}: {reason}."


def seal(
    tender: Annotated[
        Path, typer.Argument(help="What `amanat view tender tender=CODE --json` shows, as a file.")
    ],
    bid: Annotated[
        list[str] | None,
        typer.Option("--bid", help="NOMINAL@PRICE, or NOMINAL@YIELD; once for each bid."),
    ] = None,
    bids: Annotated[
        Path | None,
        typer.Option(help="CSV: nominal and price (or yield_pct; or investor, investor_class)."),
    ] = None,
    mine: Annotated[
        Path | None,
        typer.Option(help="What `amanat view my_bids tender=CODE --json` shows, as a file."),
    ] = None,
    number: Annotated[int | None, typer.Option(help="The bidder's number; else by --mine.")] = None,
    account: Annotated[
        str | None, typer.Option(help="The account that bids; else by --mine.")
    ] = None,
    revises: Annotated[
        str | None, typer.Option(help="Id of the former sheet that this one replaces (--mine).")
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            help="INSTITUTION/NAME in the keystore, to sign with; else a request is left."
        ),
    ] = None,
    folder: KeyFolder = Path("keys"),
    output: Annotated[Path, typer.Option("--output", help="Where the sheet goes.")] = Path(
        "sheet.json"
    ),
    as_json: Json = False,
) -> None:
    """Seal bids to both institutions, offline.  Writes the sheet to submit and, for you alone, its
    opening; signs the commitment or leaves what has to be signed.
    """
    from amanat.auctions.sheet_files import read_offer, seal_bids

    with errors_in_lines(as_json=as_json):
        files = _files(output)
        offer = read_offer(text_of(tender))
        whose = _bidder(mine, number, account, revises)
        stated = read_bids(whose[0], offer.terms.bid_by.value, bid or [], bids)
        sealed = seal_bids(offer, whose[0], whose[1], stated, revises=whose[2])
        request = _request(sealed, whose[1])
        signature = _signature(request, folder, key)
        _write(files["opening"], sealed.opening, secret=True)
        _write(output, sealed.fields)
        _write(files["request"], request)
        if signature is not None:
            _write(files["signature"], signature)
        print_answer(_answer(sealed, files, output, signed=signature is not None), as_json=as_json)


def _files(output: Path) -> dict[str, Path]:
    """The files beside the sheet; refuses `SheetThere` where any of them exists."""
    files = {
        name: output.with_suffix(f".{name}.json") for name in ("opening", "request", "signature")
    }
    for one in (output, *files.values()):
        if one.exists():
            raise SheetThere(file=one)
    return files


def _bidder(
    mine: Path | None, number: int | None, account: str | None, revises: str | None
) -> tuple[int, str, tuple[str, str] | None]:
    """Number, account and (id, commitment) of the sheet that is replaced."""
    shown: dict[str, Any] = {"bidders": [], "bids": []}
    if mine is not None:
        shown |= json_of(mine)
        try:
            known = [
                one
                for one in shown["bidders"]
                if number in (None, one["number"])
                and (account or one["account"]).lower() == one["account"]
            ]
            if len(known) == 1:
                number, account = int(known[0]["number"]), str(known[0]["account"])
            former = {str(one["bid"]): str(one["commitment"]) for one in shown["bids"]}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BidderUnknown() from None
    else:
        former = {}
    if number is None or account is None:
        raise BidderUnknown()
    if revises is not None and revises not in former:
        raise NotFound(thing="bid in --mine", value=revises)
    return number, account.lower(), (revises, former[revises]) if revises else None


def read_bids(number: int, bid_by: str, stated: list[str], file: Path | None) -> list[Bid]:
    """The bids of the command line, then those of a file; lines count from 1.

    Refuses every unreadable one at once: `BidUnreadable`, and the refusals of files.
    """
    from amanat.auctions.model import CompetitiveBid
    from amanat.core.quantities import decimal_from, integer_from

    refused = Refused()
    found: list[CompetitiveBid] = []
    for text in stated:
        nominal, at, quote = text.partition("@")
        try:
            value = decimal_from(quote)
            price, percent = (value, None) if bid_by == "price" else (None, value)
            found.append(
                CompetitiveBid(number, len(found) + 1, integer_from(nominal), price, percent)
            )
        except Refusal as refusal:
            reason = refusal.message.rstrip(".") if at else "write NOMINAL@QUOTE"
            refused.add(BidUnreadable(bid=text, reason=reason))
    every: list[Bid] = [*found]
    if file is not None:
        every += _bids_of_file(number, bid_by, len(every), file, refused)
    if not every and not refused.refusals:
        refused.add(BidUnreadable(bid="--bid or --bids", reason="there is no bid to seal"))
    refused.raise_if_any()
    return every


def _bids_of_file(number: int, bid_by: str, lines: int, file: Path, refused: Refused) -> list[Bid]:
    from decimal import Decimal

    from amanat.auctions.model import CompetitiveBid, NonCompetitiveBid
    from amanat.replay import reading

    quote = "price" if bid_by == "price" else "yield_pct"
    found: list[Bid] = []
    for line, row in enumerate(reading.csv_rows(file, refused), lines + 1):
        nominal = row.take("nominal", reading.natural, 0)
        if row.has("investor"):
            investor = row.take("investor", reading.text, "")
            of_class = row.take("investor_class", reading.code, "")
            found.append(NonCompetitiveBid(number, line, nominal, investor, of_class))
        else:
            value = row.take(quote, reading.number, Decimal(0))
            price, percent = (value, None) if bid_by == "price" else (None, value)
            found.append(CompetitiveBid(number, line, nominal, price, percent))
        row.finish()
    return found


def _request(sealed: SealedBids, account: str) -> dict[str, Any]:
    """What the account's key has to sign, as `amanat sign` takes it."""
    from amanat.ledger.signers import signing_request

    return signing_request(
        signer=account,
        purpose=f"{sealed.act} {sealed.fields['tender']}",
        typed_data=sealed.to_sign.shows,
        digest=sealed.to_sign.digest,
    )


def _signature(request: Mapping[str, Any], folder: Path, key: str | None) -> dict[str, Any] | None:
    if key is None:
        return None
    from amanat.ledger.keystore import Keystore
    from amanat.ledger.signers import KeyNotHeld, sign_request

    institution, _, name = key.partition("/")
    store = Keystore(folder)
    if store.address(institution, name) != request["signer"]:  # before a password is asked
        raise KeyNotHeld(holder=request["signer"])
    return sign_request(request, store.open(institution, name, ask_password(confirm=False)))


def _write(path: Path, content: Mapping[str, Any], *, secret: bool = False) -> None:
    """Write a new file as JSON; a secret one is for its owner alone."""
    written = f"{json.dumps(content, indent=2)}\n".encode()
    write_new(path, written, mode=0o600 if secret else 0o644)


def _answer(
    sealed: SealedBids, files: Mapping[str, Path], output: Path, *, signed: bool
) -> dict[str, Any]:
    submit = f"amanat act {sealed.act} --file {output}"
    submit += f" --request {files['request']} --signature {files['signature']}"
    return {
        "act": sealed.act,
        "commitment": sealed.commitment.hex(),
        "sealed_digest": sealed.opening["sealed_digest"],
        "sheet": str(output),
        "opening": str(files["opening"]),
        "request": str(files["request"]),
        "signature": str(files["signature"]) if signed else None,
        "next": [submit] if signed else [f"amanat sign {files['request']} INSTITUTION KEY", submit],
    }
