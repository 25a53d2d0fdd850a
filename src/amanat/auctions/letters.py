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

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_serializer,
)

from amanat.access.fields import Day, Instant, Whole
from amanat.access.refusals import field_refusal
from amanat.auctions.acts_book import pricing_on
from amanat.auctions.book import Book, Commitment, Delivery, Fate, Window, open_letters
from amanat.auctions.commands import Bytes32, Code
from amanat.auctions.model import Decision, TenderTerms
from amanat.auctions.recompute import decide
from amanat.auctions.records import RecordUnreadable, decision_record, read_terms
from amanat.auctions.sheet import result_sheet
from amanat.auctions.sheet_files import OPENING_SCHEMA, TenderFileUnreadable
from amanat.auctions.showing import plain
from amanat.core.canonical import canonical_bytes
from amanat.core.errors import Invalid, Place, Refusal, Refusals, Refused
from amanat.core.files import json_in, rows_in
from amanat.core.messages import Message
from amanat.instruments.model import terms_from

REGISTER_SCHEMA = "amanat.letters/1"
SHEET_SCHEMA = "amanat.letters-sheet/1"
COLUMNS = ("number", "account", "commitment", "received_at", "letter", "non_competitive")


class LetterRowInvalid(Invalid):
    """A row of the reception's list: the envelope's face, and when it came."""

    template: ClassVar[str] = "Letter {row}: {reason}."


class RegisterUnreadable(Invalid):
    """A register of letters is what `amanat letters register` wrote."""

    template: ClassVar[str] = "{file} is no register of letters: {reason}."


class RegisterOfAnother(Refusal):
    """Letters are opened by the terms of the tender for which they were registered."""

    template: ClassVar[str] = (
        "The register is of tender {found} ({found_id}), not of {tender} ({tender_id})."
    )


class OpeningUnreadable(Invalid):
    """In an envelope is the opening that `amanat seal` wrote."""

    template: ClassVar[str] = "{file} is no opening of a sheet: {reason}."


class LetterStray(Refusal):
    """Opened are the envelopes of the register, and no other."""

    template: ClassVar[str] = "{file} is in no envelope of the register: its commitment is {found}."


class SheetsDiffer(Refusal):
    """What the ledger published is what the letters gave."""

    template: ClassVar[str] = "The published sheet differs from that of the letters in {what}."


def _whole_second(value: datetime) -> datetime:
    if value.microsecond:
        raise ValueError(Message("a time is in whole seconds"))
    return value.astimezone(UTC)


def _yes_or_no(value: Any) -> Any:
    """As the reception writes it; nothing is no."""
    if isinstance(value, bool):
        return value
    if value not in ("yes", "no", ""):
        raise ValueError(Message("it is yes or no"))
    return value == "yes"


def _is(known: str) -> Callable[[str], str]:
    """A schema's name, and no other."""

    def checked(value: str) -> str:
        if value != known:
            raise ValueError(Message("the schema is {known}", known=known))
        return value

    return checked


class Letter(BaseModel):
    """A letter as it was received: what stands on the envelope, when it came, and its scan.

    `number` is the bidder's, `letter` the SHA-256 of the scanned envelope.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[Whole, Field(ge=1, le=2**32 - 1)]
    account: Annotated[str, StringConstraints(pattern=r"^0x[0-9a-fA-F]{40}$", to_lower=True)]
    commitment: Bytes32
    received_at: Annotated[Instant, AfterValidator(_whole_second)]
    letter: Bytes32
    non_competitive: Annotated[bool, BeforeValidator(_yes_or_no)]

    @field_serializer("received_at")
    def _time(self, value: datetime) -> str:
        return value.isoformat()


class Register(BaseModel):
    """The letters of one tender that came in time, in the order of their receipt."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of_schema: Annotated[str, AfterValidator(_is(REGISTER_SCHEMA))] = Field(alias="schema")
    tender: Code
    chain_id: Bytes32
    bids_due: Instant
    letters: tuple[Letter, ...]

    @field_serializer("bids_due")
    def _time(self, value: datetime) -> str:
        return value.isoformat()

    def written(self) -> bytes:
        """The register as it is signed: canonical JSON."""
        return canonical_bytes(self.model_dump(mode="json", by_alias=True))


class _Opening(BaseModel):
    """What is read of an opening."""

    of_schema: Annotated[str, AfterValidator(_is(OPENING_SCHEMA))] = Field(alias="schema")
    letter_commitment: Bytes32
    form: str
    salt: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})*$")]


class _Tender(BaseModel):
    """What is read of a tender's view."""

    tender: Code
    chain_id: Bytes32
    rules: dict[str, Any]
    target: Whole
    bids_due: Instant
    non_competitive_due: Instant | None
    settlement_date: Day


def _faults(error: ValidationError, whole: str) -> Iterator[Message]:
    """What pydantic found, each in words with its field; `whole` names the input."""
    for one in error.errors(include_url=False):
        yield field_refusal(".".join(map(str, one["loc"])), one, whole).said


@dataclass(frozen=True, slots=True)
class TenderShown:
    """An announced tender as its view showed it, before the ledger went down."""

    code: str
    terms: TenderTerms
    bids_due: datetime
    non_competitive_due: datetime | None
    settlement_date: date

    def due(self, letter: Letter) -> datetime:
        """When a letter had to be there; neither window outlasts the competitive one."""
        if letter.non_competitive and self.non_competitive_due is not None:
            return min(self.bids_due, self.non_competitive_due)
        return self.bids_due


def read_tender(file: str, content: bytes) -> TenderShown:
    """The tender in what `view tender` answered.

    Refuses as `amanat.core.files.json_in`, then every `TenderFileUnreadable` at once.
    """
    try:
        shown = _Tender.model_validate(json_in(file, content))
        terms = read_terms(shown.rules | {"target": str(shown.target)})
    except ValidationError as error:
        faults = _faults(error, "tender")
        raise Refusals(TenderFileUnreadable(reason=one) for one in faults) from None
    except RecordUnreadable as error:
        reason = Message("its {kind} cannot be read: {reason}", **error.fields)
        raise TenderFileUnreadable(reason=reason) from error
    if terms.tender.hex() != shown.chain_id:
        raise TenderFileUnreadable(reason="its parts are of different tenders")
    return TenderShown(
        shown.tender, terms, shown.bids_due, shown.non_competitive_due, shown.settlement_date
    )


def make_register(tender: TenderShown, file: str, received: str) -> Register:
    """The register of the reception's list, CSV of `COLUMNS`, by time of receipt.

    Refuses as `amanat.core.files.rows_in`; then, all at once, `LetterRowInvalid` for what is
    unreadable, came late or stands twice.
    """
    refused = Refused()

    def refuse(line: int, reason: str) -> None:
        refused.add(LetterRowInvalid(place=Place(file=file, line=line), row=line, reason=reason))

    letters: list[tuple[int, Letter]] = []
    for line, row in rows_in(file, received, COLUMNS):
        try:
            one = Letter.model_validate(row)
        except ValidationError as error:
            for reason in _faults(error, "letter"):
                refuse(line, reason)
            continue
        letters.append((line, one))
        if one.received_at >= tender.due(one):
            refuse(
                line,
                Message(
                    "it came at {received_at}, and bids were due at {due}",
                    received_at=one.received_at,
                    due=tender.due(one),
                ),
            )
    for line, reason in _repeated(letters):
        refuse(line, reason)
    refused.raise_if_any()
    return Register(
        schema=REGISTER_SCHEMA,
        tender=tender.code,
        chain_id=tender.terms.tender.hex(),
        bids_due=tender.bids_due,
        letters=tuple(sorted((one for _, one in letters), key=lambda one: one.received_at)),
    )


_Place = TypeVar("_Place")


def _repeated(letters: Iterable[tuple[_Place, Letter]]) -> Iterator[tuple[_Place, Message]]:
    """Each commitment stands once, and a bidder has one letter for each of its windows."""
    commitments, bidders = set(), set()
    for place, one in letters:
        bidder = one.number, one.non_competitive
        if one.commitment in commitments:
            yield place, Message("its commitment stands twice")
        if bidder in bidders:
            yield place, Message("bidder {number} has another such letter", number=str(one.number))
        commitments.add(one.commitment)
        bidders.add(bidder)


def read_register(file: str, content: bytes) -> Register:
    """A register as it was written, its bytes included.

    Refuses as `amanat.core.files.json_in`, then every `RegisterUnreadable` at once.
    """
    refused = Refused()
    try:
        found = Register.model_validate(json_in(file, content, "schema"))
    except ValidationError as error:
        faults = _faults(error, "register")
        raise Refusals(RegisterUnreadable(file=file, reason=one) for one in faults) from None
    if found.written() != content:
        reason: str = Message("it was not written so: its bytes are not canonical")
        refused.add(RegisterUnreadable(file=file, reason=reason))
    times = [one.received_at for one in found.letters]
    if times != sorted(times):
        reason = Message("its letters are not in the order of their receipt")
        refused.add(RegisterUnreadable(file=file, reason=reason))
    for place, told in _repeated(enumerate(found.letters, 1)):
        reason = Message("letter {place}: {told}", place=str(place), told=told)
        refused.add(RegisterUnreadable(file=file, reason=reason))
    refused.raise_if_any()
    return found


def read_openings(
    letters: Sequence[Letter], openings: Mapping[str, bytes]
) -> dict[str, tuple[bytes, bytes]]:
    """Form and salt by commitment, of what was in the envelopes; `openings` by file.

    Refuses, all at once: as `amanat.core.files.json_in`, `OpeningUnreadable`, `LetterStray`.
    """
    refused = Refused()
    known = {one.commitment for one in letters}
    found: dict[str, tuple[bytes, bytes]] = {}
    for file, content in openings.items():
        try:
            one = _Opening.model_validate(json_in(file, content))
        except ValidationError as error:
            for reason in _faults(error, "opening"):
                refused.add(OpeningUnreadable(file=file, reason=reason))
            continue
        except Refusal as refusal:
            refused.add(refusal)
            continue
        if one.letter_commitment not in known:
            refused.add(LetterStray(file=file, found=one.letter_commitment))
        found[one.letter_commitment] = one.form.encode(), bytes.fromhex(one.salt)
    refused.raise_if_any()
    return found


def sheet_by_letters(
    tender: TenderShown,
    security_terms: Mapping[str, Any],
    register: Register,
    openings: Mapping[str, bytes],
    decision: Decision,
    *,
    currency: str,
) -> dict[str, Any]:
    """The sheet of a decision over the opened letters, with what became of each envelope.

    An envelope that was not opened, or holds another form than its face commits to, is void.
    Refuses, in order: `RegisterOfAnother`, as `read_openings`, and as `allot` does.
    """
    asked, found_id = tender.terms.tender.hex(), register.chain_id
    if (register.tender, found_id) != (tender.code, asked):
        raise RegisterOfAnother(
            found=register.tender, found_id=found_id, tender=tender.code, tender_id=asked
        )
    book = _book(tender, register.letters, read_openings(register.letters, openings))
    pricing = pricing_on(terms_from(security_terms), tender.settlement_date)
    decided = decide(book, tender.terms, decision, pricing)
    return {
        "schema": SHEET_SCHEMA,
        "tender": tender.code,
        "chain_id": tender.terms.tender.hex(),
        "register": hashlib.sha256(register.written()).hexdigest(),
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
        "sheet": plain(asdict(result_sheet(decided.result, currency=currency))),
    }


def _book(
    tender: TenderShown,
    letters: Sequence[Letter],
    inside: Mapping[str, tuple[bytes, bytes]],
) -> Book:
    commitments = [
        Commitment(
            number=one.number,
            sequence=place,
            digest=bytes.fromhex(one.commitment),
            window=Window.NON_COMPETITIVE if one.non_competitive else Window.COMPETITIVE,
            letter=True,
        )
        for place, one in enumerate(letters)
    ]
    deliveries = [
        Delivery(place, *inside[one.commitment])
        for place, one in enumerate(letters)
        if one.commitment in inside
    ]
    return open_letters(tender.terms.tender, commitments, deliveries)


def compare(sheet: Mapping[str, Any], published: Mapping[str, Any]) -> None:
    """Refuse `SheetsDiffer` unless the tender's view shows the letters' decision and sheet."""
    for name in ("tender", "chain_id", "decision", "sheet"):
        if sheet.get(name) != published.get(name):
            raise SheetsDiffer(what=name)
