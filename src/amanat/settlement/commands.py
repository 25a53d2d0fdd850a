"""The commands and queries of settlement, as the API, files and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.participants.commands import Address, Code, Words
from amanat.programme.commands import IsinText, NominalUnits
from amanat.settlement.model import BATCH_INSTRUCTIONS_MAX, InstructionState

Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
"""UUIDv7 of a thing in the store."""
Paisa = Annotated[Whole, Field(gt=0, le=2**62)]
"""Money in paisa."""
PaisaOrNone = Annotated[Whole, Field(ge=0, le=2**62)]
"""Money in paisa; 0 for a delivery without payment between accounts of one participant."""
Number = Annotated[Whole, Field(ge=0, lt=2**32)]
"""Of an instruction, among those of its deliverer's account."""
SignatureHex = Annotated[str, StringConstraints(pattern=r"^(0x)?[0-9a-f]{130}$")]
"""r, s, v (27 or 28) in hexadecimal."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=80)]
"""What the parties call a trade."""

SUBMISSION_INSTRUCTIONS_MAX = 10_000
LISTS_MAX = SUBMISSION_INSTRUCTIONS_MAX // BATCH_INSTRUCTIONS_MAX


class Side(StrEnum):
    """Which party of an instruction speaks."""

    DELIVER = "deliver"
    RECEIVE = "receive"


class CreateCash(Command):
    """Create tokenised cash in an account against money received in the RTGS system."""

    account: Address
    amount_paisa: Paisa
    rtgs_reference: Reference


class WithdrawCash(Command):
    """Withdraw tokenised cash from an account against money paid out in the RTGS system."""

    account: Address
    amount_paisa: Paisa
    rtgs_reference: Reference


class Instruct(Command):
    """Instruct one side of a trade; the other side's own instruction of the same terms matches.

    `side` says which of the two accounts is the actor's; that account's key signs.
    """

    side: Side
    isin: IsinText
    deliverer: Address
    receiver: Address
    nominal: NominalUnits
    consideration_paisa: PaisaOrNone
    trade_date: Day
    first_day: Day
    last_day: Day
    reference: Reference | None = None


class ConfirmInstruction(Command):
    """Sign an instruction that the other party has signed, on exactly its terms."""

    instruction: Identifier


class CancelInstruction(Command):
    """Cancel an instruction by burning its number; either party may, until it settles."""

    instruction: Identifier
    reason: Words


class TakeNumbers(Command):
    """Take the next numbers of a deliverer's account, to sign instructions elsewhere."""

    deliverer: Address
    count: Annotated[Whole, Field(ge=1, le=100_000)]


class PresignedInstruction(Command):
    """One instruction with the signatures of both accounts."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="never")

    isin: IsinText
    deliverer: Address
    receiver: Address
    number: Number
    nominal: NominalUnits
    consideration_paisa: PaisaOrNone
    trade_date: Day
    first_day: Day
    last_day: Day
    deliverer_signature: SignatureHex
    receiver_signature: SignatureHex
    reference: Reference | None = None


class SubmitInstructions(Command):
    """Submit many instructions that both parties have signed; all are accepted, or none."""

    instructions: Annotated[
        tuple[PresignedInstruction, ...],
        Field(min_length=1, max_length=SUBMISSION_INSTRUCTIONS_MAX),
    ]


class ListedInstruction(Command):
    """One instruction of a list; its signatures are the list's."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="never")

    isin: IsinText
    deliverer: Address
    receiver: Address
    number: Number
    nominal: NominalUnits
    consideration_paisa: PaisaOrNone
    trade_date: Day
    first_day: Day
    last_day: Day
    reference: Reference | None = None


class SignedList(Command):
    """Instructions between two accounts, in either direction, that each signed once as a list."""

    model_config = ConfigDict(frozen=True, extra="forbid", revalidate_instances="never")

    first: Address
    second: Address
    first_signature: SignatureHex
    second_signature: SignatureHex
    instructions: Annotated[
        tuple[ListedInstruction, ...], Field(min_length=1, max_length=BATCH_INSTRUCTIONS_MAX)
    ]


class SubmitLists(Command):
    """Submit lists of instructions that two accounts each signed once; all are accepted, or none.

    A list is the EIP-712 struct InstructionList.  Its lines settle, fail and are cancelled each on
    its own.
    """

    lists: Annotated[tuple[SignedList, ...], Field(min_length=1, max_length=LISTS_MAX)]


class SettleDay(Command):
    """Give what is due to the ledger, in batches; what has passed its last day expires."""

    instructions_max: Annotated[Whole, Field(ge=1, le=100_000)] = 100_000
    batch: Annotated[Whole, Field(ge=1, le=BATCH_INSTRUCTIONS_MAX)] = BATCH_INSTRUCTIONS_MAX


class CycleTrade(Command):
    """One trade of a netted cycle; it is signed in the net positions of its two accounts."""

    isin: IsinText
    deliverer: Address
    receiver: Address
    nominal: NominalUnits
    consideration_paisa: Paisa
    trade_date: Day
    reference: Reference | None = None


class NetCycle(Command):
    """Settle many trades by their net positions; each account signs its own once."""

    trades: Annotated[tuple[CycleTrade, ...], Field(min_length=1, max_length=1_000)]
    first_day: Day
    last_day: Day


class InstructAllotments(Command):
    """Instruct delivery of a tender's allotments against cash, from the distribution account."""

    tender: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    last_day: Day | None = None


class InstructionsAsked(Query):
    """Which instructions to list, latest first."""

    state: InstructionState | None = None
    isin: IsinText | None = None
    account: Address | None = None
    before: Identifier | None = None
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 100


class InstructionAsked(Query):
    """One instruction."""

    instruction: Identifier


class FailsAsked(Query):
    """Instructions that failed and are tried again, or have expired."""

    since: Day | None = None


class CashAsked(Query):
    """Tokenised cash: what exists, and what the actor's own accounts have."""

    institution: Code | None = None


class TotalsAsked(Query):
    """Settled instructions of the programme."""


class CyclesAsked(Query):
    """Netted cycles, latest first."""

    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 100
