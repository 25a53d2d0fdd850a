"""An auction finished by sealed letters while the ledger is down: register, opening, sheet.

The register of envelopes is fixed, and signed by both institutions, before the first is opened: it
names every commitment that stands on an envelope, in the order of receipt.  Who knows the bids can
add no letter to it.  The opened forms give the sheet by the same laws as the ledger's book; when
the ledger is back the same letters are entered there in the same order, and the published sheet
must be this one.

Everything here works on files alone: the tender and its security as their views showed them, the
register, and what was in the envelopes (`amanat seal` writes it as the opening).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from amanat.auctions.acts_book import pricing_on
from amanat.auctions.book import Book, Commitment, Delivery, Fate, Window, open_letters
from amanat.auctions.model import Decision, TenderTerms
from amanat.auctions.recompute import decide
from amanat.auctions.records import RecordUnreadable, decision_record, read_terms
from amanat.auctions.sheet import result_sheet
from amanat.auctions.sheet_files import OPENING_SCHEMA, TenderFileUnreadable
from amanat.auctions.showing import plain
from amanat.core.canonical import canonical_bytes, digest
from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.messages import Message
from amanat.instruments.model import terms_from

REGISTER_SCHEMA = "amanat.letters/1"
SHEET_SCHEMA = "amanat.letters-sheet/1"
COLUMNS = ("number", "account", "commitment", "received_at", "letter", "non_competitive")


class LetterRowInvalid(Invalid):
    """A row of the reception's list: the envelope's face, and when it came."""

    template: ClassVar[str] = "Letter {row}: {reason}."


class RegisterUnreadable(Invalid):
    """A register of letters is what `amanat letters register` wrote, of this tender."""

    template: ClassVar[str] = "This is no register of letters of tender {tender}: {reason}."


class LetterStray(Refusal):
    """Opened are the envelopes of the register, and no other."""

    template: ClassVar[str] = "{file} is in no envelope of the register: its commitment is {found}."


class SheetsDiffer(Refusal):
    """What the ledger published is what the letters gave."""

    template: ClassVar[str] = "The published sheet differs from that of the letters in {what}."


@dataclass(frozen=True, slots=True)
class TenderShown:
    """An announced tender as its view showed it, before the ledger went down."""

    code: str
    terms: TenderTerms
    bids_due: str
    non_competitive_due: str | None
    settlement_date: date


def read_tender(text: str) -> TenderShown:
    """The tender in what `view tender` answered.  Refuses `TenderFileUnreadable`."""
    try:
        shown = json.loads(text)
        terms = read_terms(shown["rules"] | {"target": str(shown["target"])})
        if terms.tender.hex() != shown["chain_id"]:
            raise TenderFileUnreadable(reason="its parts are of different tenders")
        return TenderShown(
            str(shown["tender"]),
            terms,
            str(shown["bids_due"]),
            shown["non_competitive_due"],
            date.fromisoformat(shown["settlement_date"]),
        )
    except RecordUnreadable as error:
        raise TenderFileUnreadable(reason=error.message.rstrip(".")) from error
    except (ValueError, KeyError, TypeError) as error:
        raise TenderFileUnreadable(
            reason=Message("{kind} at {place}", kind=type(error).__name__, place=str(error))
        ) from error


def make_register(tender: TenderShown, received: str) -> bytes:
    """The register (canonical JSON) of the reception's list, CSV of `COLUMNS`, by time of receipt.

    Refuses, all at once: `LetterRowInvalid` for what is unreadable, came late or stands twice.
    """
    refused = Refused()
    letters: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line, row in enumerate(csv.DictReader(io.StringIO(received)), 2):
        try:
            one = _letter(tender, row)
            window = "non-competitive" if one["non_competitive"] else "competitive"
            for key in (one["commitment"], f"a {window} letter of bidder {one['number']}"):
                if key in seen:
                    raise ValueError(f"{key} stands twice")
                seen.add(key)
            letters.append(one)
        except (ValueError, KeyError, TypeError) as error:
            reason = f"no column {error}" if isinstance(error, KeyError) else str(error)
            refused.add(LetterRowInvalid(place=Place(line=line), row=line, reason=reason))
    refused.raise_if_any()
    letters.sort(key=lambda one: str(one["received_at"]))
    return canonical_bytes(
        {
            "schema": REGISTER_SCHEMA,
            "tender": tender.code,
            "chain_id": tender.terms.tender.hex(),
            "bids_due": tender.bids_due,
            "letters": letters,
        }
    )


def _letter(tender: TenderShown, row: Mapping[str, str]) -> dict[str, Any]:
    received = datetime.fromisoformat(row["received_at"])
    if received.tzinfo is None or received.microsecond:
        raise ValueError(f"{row['received_at']} is no whole second with a zone")
    other = row["non_competitive"] == "yes"
    if not other and row["non_competitive"] not in ("", "no"):
        raise ValueError(f"{row['non_competitive']} is neither yes nor no")
    due = datetime.fromisoformat(tender.bids_due)
    if other and tender.non_competitive_due is not None:
        due = min(due, datetime.fromisoformat(tender.non_competitive_due))
    if received >= due:
        raise ValueError(f"it came at {received.isoformat()}, and bids were due at {due}")
    for name, length in (("commitment", 64), ("letter", 64), ("account", 42)):
        digits = row[name].removeprefix("0x") if name == "account" else row[name]
        if len(row[name]) != length or digits != bytes.fromhex(digits).hex():
            raise ValueError(f"{row[name]!r} is no {name}")
    return {
        "number": int(row["number"]),
        "account": row["account"],
        "commitment": row["commitment"],
        "received_at": received.astimezone(UTC).isoformat(),
        "letter": row["letter"],
        "non_competitive": other,
    }


def read_register(tender: str, content: bytes) -> list[dict[str, Any]]:
    """The letters of a register, in order.  Refuses `RegisterUnreadable`."""
    try:
        found = json.loads(content)
        sound = canonical_bytes(found) == content and found["schema"] == REGISTER_SCHEMA
        named, letters = found["tender"], list(found["letters"])
    except (ValueError, KeyError, TypeError) as error:
        raise RegisterUnreadable(tender=tender, reason=str(error)) from None
    if not sound or named != tender:
        reason = f"it is of {named}" if sound else "its bytes are not canonical"
        raise RegisterUnreadable(tender=tender, reason=reason)
    return letters


def read_openings(
    letters: Sequence[Mapping[str, Any]], openings: Mapping[str, str]
) -> dict[str, tuple[bytes, bytes]]:
    """Form and salt by commitment, of what was in the envelopes; `openings` by file.

    Refuses, all at once: `LetterStray`, and `LetterRowInvalid` for what cannot be read.
    """
    refused = Refused()
    known = {one["commitment"] for one in letters}
    found: dict[str, tuple[bytes, bytes]] = {}
    for file, text in openings.items():
        try:
            stated = json.loads(text)
            if stated["schema"] != OPENING_SCHEMA:
                raise ValueError(f"its schema is {stated['schema']}")
            commitment = str(stated["letter_commitment"])
            inside = stated["form"].encode(), bytes.fromhex(stated["salt"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            refused.add(
                LetterRowInvalid(
                    row=file, reason=Message("it cannot be read: {error}", error=str(error))
                )
            )
            continue
        if commitment not in known:
            refused.add(LetterStray(file=file, found=commitment))
        found[commitment] = inside
    refused.raise_if_any()
    return found


def sheet_by_letters(
    tender: TenderShown,
    security_terms: Mapping[str, Any],
    register: bytes,
    openings: Mapping[str, str],
    decision: Decision,
    *,
    currency: str,
) -> dict[str, Any]:
    """The sheet of a decision over the opened letters, with what became of each envelope.

    An envelope that was not opened, or holds another form than its face commits to, is void.
    Refuses `RegisterUnreadable`, `LetterStray`, `LetterRowInvalid`, and as `allot` does.
    """
    letters = read_register(tender.code, register)
    book = _book(tender, letters, read_openings(letters, openings))
    pricing = pricing_on(terms_from(security_terms), tender.settlement_date)
    found = decide(book, tender.terms, decision, pricing)
    return {
        "schema": SHEET_SCHEMA,
        "tender": tender.code,
        "chain_id": tender.terms.tender.hex(),
        "register": digest(json.loads(register)).hex(),
        "decision": decision_record(decision),
        "letters": [
            {
                "number": one.commitment.number,
                "commitment": one.commitment.digest.hex(),
                "fate": one.fate.value,
                "reason": one.reason.value if one.reason else None,
            }
            for one in book.outcomes
        ],
        "opened": sum(one.fate is Fate.OPENED for one in book.outcomes),
        "sheet": plain(asdict(result_sheet(found.result, currency=currency))),
    }


def _book(
    tender: TenderShown,
    letters: Sequence[Mapping[str, Any]],
    inside: Mapping[str, tuple[bytes, bytes]],
) -> Book:
    commitments = [
        Commitment(
            number=int(one["number"]),
            sequence=place,
            digest=bytes.fromhex(one["commitment"]),
            window=Window.NON_COMPETITIVE if one["non_competitive"] else Window.COMPETITIVE,
            letter=True,
        )
        for place, one in enumerate(letters)
    ]
    deliveries = [
        Delivery(place, *inside[one["commitment"]])
        for place, one in enumerate(letters)
        if one["commitment"] in inside
    ]
    return open_letters(tender.terms.tender, commitments, deliveries)


def compare(sheet: Mapping[str, Any], published: Mapping[str, Any]) -> None:
    """Refuse `SheetsDiffer` unless the tender's view shows the letters' decision and sheet."""
    for name in ("tender", "chain_id", "decision", "sheet"):
        if sheet.get(name) != published.get(name):
            raise SheetsDiffer(what=name)
