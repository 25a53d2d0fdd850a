"""Enforcement and afterlife, as pages, API and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.licensing.commands import FileNumber, Prose, Reference
from amanat.licensing.complaints.commands import Digest
from amanat.licensing.model import Accounts
from amanat.licensing.openness.commands import Currency, Name
from amanat.participants.commands import Code, Country

Client = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
"""A client by the provider's pseudonym: neither a name nor a document's number."""
Number = Annotated[Whole, Field(ge=1, le=10_000)]


class Severity(StrEnum):
    """How grave a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Order(StrEnum):
    """What an order says."""

    PENALTY = "penalty"
    WARNING = "warning"
    NO_ACTION = "no_action"


class AppealOutcome(StrEnum):
    """How an appeal ends."""

    ALLOWED = "allowed"
    VARIED = "varied"
    DISMISSED = "dismissed"


class WindingCause(StrEnum):
    """Why a provider is wound down."""

    REVOCATION = "revocation"
    SURRENDER = "surrender"
    INSOLVENCY = "insolvency"


class Fate(StrEnum):
    """What became of a client's holdings otherwise than by the bulk transfer."""

    RETURNED = "returned"
    UNCLAIMED = "unclaimed"


class OpenInspection(Command):
    """Inspect a provider."""

    provider: Code
    scope: Prose


class RecordFinding(Command):
    """Record a finding of an inspection, and by when it is to be remedied."""

    file: FileNumber
    severity: Severity
    text: Prose
    due_on: Day


class RemedyFinding(Command):
    """Say how a finding was remedied."""

    file: FileNumber
    number: Number
    text: Prose
    document: Digest | None = None


class JudgeRemedy(Command):
    """Accept that a finding is remedied, or say what is still missing."""

    file: FileNumber
    number: Number
    accepted: bool
    verdict: Prose


class CloseInspection(Command):
    """Close an inspection whose findings are all remedied."""

    file: FileNumber
    summary: Prose


class ShowCause(Command):
    """Ask a provider to show cause why no order should be made against it, by a day."""

    provider: Code
    grounds: Prose
    answer_by: Day


class AnswerCharge(Command):
    """Answer a charge against one's own institution."""

    file: FileNumber
    answer: Prose


class HoldHearing(Command):
    """Record a hearing."""

    file: FileNumber
    heard_on: Day
    record: Prose


class MakeOrder(Command):
    """Make an order: a penalty with its due day, a warning, or none; it is published."""

    file: FileNumber
    order: Order
    reasons: Prose
    amount: Annotated[Whole, Field(ge=1, le=2**53 - 1)] | None = None
    currency: Currency | None = None
    due_on: Day | None = None


class RecordPayment(Command):
    """Record that a penalty was paid."""

    file: FileNumber
    paid_on: Day
    reference: Reference


class SuspendUrgently(Command):
    """Suspend a provider, or one category, at once and until a day, before it has been heard."""

    provider: Code
    level: Code
    category: Code | None = None
    accounts: Accounts | None = None
    reason: Prose
    until: Day


class CarryOutLapse(Command):
    """Let the ledger follow an urgent suspension whose last day is over."""

    file: FileNumber


Percent = Annotated[PlainDecimal, Field(ge=0, le=100, decimal_places=2)]


class DescribeControl(Command):
    """Say who is to take control of one's own institution, on a file for its approval.

    Percentages are of the votes; `people` are the natural persons behind the acquirer.
    """

    file: FileNumber
    acquirer: Name
    country: Country
    percent_before: Percent
    percent_after: Percent
    source_of_funds: Prose
    people: Annotated[tuple[Name, ...], Field(min_length=1, max_length=60)]


class LodgeAppeal(Command):
    """Appeal against a decision, suspension, revocation or order about one's own institution."""

    against: FileNumber
    grounds: Prose


class DecideAppeal(Command):
    """Decide an appeal; a suspension or revocation that it is against ends, or is made milder.

    `level` is the milder level of a suspension that is varied.
    """

    file: FileNumber
    outcome: AppealOutcome
    level: Code | None = None
    reasons: Prose


class RecordStay(Command):
    """Carry out a court's stay of a suspension, revocation or penalty, until the court ends it."""

    file: FileNumber
    court: Name
    reference: Reference
    reason: Prose


class EndStay(Command):
    """Carry out the end of a stay: what was stayed binds again."""

    file: FileNumber
    reference: Reference
    reason: Prose


class BeginWindingDown(Command):
    """Begin to wind a provider down: who administers it, by which plan, until when.

    Who is insolvent and still deals is suspended by the same act, at the level of a wind-down.
    """

    provider: Code
    cause: WindingCause
    administrator: Name
    plan: Prose
    deadline: Day


class ClientHolding(Command):
    """What one client holds of one asset."""

    asset: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,12}$")]
    quantity: Annotated[PlainDecimal, Field(ge=0)]


class WindingClient(Command):
    """One client and everything that it holds.

    `code` is the SHA-256 of a code of at least 16 random characters that the provider sent to the
    client, by which it objects to a transfer itself.
    """

    client: Client
    code: Digest | None = None
    holdings: Annotated[tuple[ClientHolding, ...], Field(max_length=200)]


class ListClients(Command):
    """Give the list of clients, whole."""

    file: FileNumber
    clients: Annotated[tuple[WindingClient, ...], Field(min_length=1, max_length=5_000)]


class ProposeTransfer(Command):
    """Propose to move all clients to another licensee; each may object until a day.

    `clients` is the digest of the list as it was closed, so that what is signed names who is moved.
    """

    file: FileNumber
    transfer_to: Code
    objections_until: Day
    clients: Digest | None = None


class ObjectToTransfer(Command):
    """Record a client's objection to the transfer."""

    file: FileNumber
    client: Client
    reason: Prose


class CompleteTransfer(Command):
    """Record that everyone who did not object was moved.

    `clients` is the digest of the list of those who are moved, as the winding-down shows it.
    """

    file: FileNumber
    reference: Reference
    clients: Digest | None = None


class PublicObjection(BaseModel):
    """What a client says against being moved, with the reference and code that it was given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: FileNumber
    client: Client
    code: Annotated[str, StringConstraints(min_length=16, max_length=80)]
    reason: Prose


class SettleClient(Command):
    """Record that a client's holdings were returned, or that nobody claimed them."""

    file: FileNumber
    client: Client
    fate: Fate
    reference: Reference


class EndWindingDown(Command):
    """End a winding-down with the final statement, once every client is settled."""

    file: FileNumber
    statement: Prose


class EnforcementAsked(Query):
    """Of which provider; without one, of all that one may see."""

    provider: Code | None = None


class InspectionAsked(Query):
    """One inspection, enforcement file or winding-down by its number."""

    file: FileNumber
