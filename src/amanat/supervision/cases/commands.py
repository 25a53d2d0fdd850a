"""The commands and queries of cases, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.licensing.commands import Prose
from amanat.participants.commands import Code, Words
from amanat.supervision.cases.model import CaseState

CaseNumber = Annotated[str, StringConstraints(pattern=r"^CAS-[0-9]{4}-[0-9]{4,6}$")]
"""A case as its desk calls it, such as `CAS-2026-0001`."""
ReferralNumber = Annotated[str, StringConstraints(pattern=r"^REF-[A-Z2-7]{8}$")]
RequestNumber = Annotated[str, StringConstraints(pattern=r"^RFI-[A-Z2-7]{8}$")]
Subject = Annotated[
    str, StringConstraints(pattern=r"^(party|account|customer):[A-Za-z0-9_-]{1,40}$")
]
"""Whom a case is about: a pseudonym, or an exchange's own number of its customer."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
TransactionId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]
"""The id of a stored transaction, in decimal."""
AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
OFFSET_MAX = 10**9
OwnReference = Annotated[str, StringConstraints(min_length=1, max_length=120)]
"""An exchange's own reference of one of its transactions."""


class OpenCase(Command):
    """Open a case of one's own desk, with the stored transactions that it rests on.

    The authorities name transactions by their ids, an exchange its own by its references.
    """

    subject: Subject
    title: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    reason: Words
    transactions: Annotated[tuple[TransactionId, ...], Field(max_length=2_000)] = ()
    references: Annotated[tuple[OwnReference, ...], Field(max_length=2_000)] = ()


class GroupFindings(Command):
    """Group alerts and hits that are in no case yet into cases, one open case for each subject."""

    until: Day | None = None


class AttachAlert(Command):
    """Put one open alert into an open case of the desk, with the transactions that it names."""

    case: CaseNumber
    alert: AlertId


class DismissAlert(Command):
    """Settle one open alert without a case; another person of the desk agrees."""

    alert: AlertId
    disposition: Code
    reason: Prose


class ReopenAlert(Command):
    """Put a dismissed alert back into the queue."""

    alert: AlertId
    reason: Words


class AssignCase(Command):
    """Give a case to a person of the desk, who works it from now on."""

    case: CaseNumber
    officer: Code


class AddCaseNote(Command):
    """Note something on a case."""

    case: CaseNumber
    text: Prose


class AttachEvidence(Command):
    """Add a document to a case by its digest."""

    case: CaseNumber
    digest: Digest
    title: Words


class CiteTransactions(Command):
    """Add further stored transactions to a case."""

    case: CaseNumber
    transactions: Annotated[tuple[TransactionId, ...], Field(max_length=2_000)] = ()
    references: Annotated[tuple[OwnReference, ...], Field(max_length=2_000)] = ()


class FormSuspicion(Command):
    """State that a suspicion was formed: the clock until the report runs from today."""

    case: CaseNumber
    grounds: Prose


class CloseCase(Command):
    """Close a case with a disposition; another person of the desk agrees."""

    case: CaseNumber
    disposition: Code
    reason: Prose


class ReopenCase(Command):
    """Look into a closed case again."""

    case: CaseNumber
    reason: Words


class ReferCase(Command):
    """Refer a case to the financial intelligence unit, with its transactions."""

    case: CaseNumber
    grounds: Prose


class ReceiveReferral(Command):
    """Receive a referral: it opens a case of the financial intelligence unit."""

    referral: ReferralNumber


class RequestInformation(Command):
    """Ask a provider for information; it alone sees the request, and not the case."""

    case: CaseNumber
    asked: Code
    question: Prose
    days: Annotated[Whole, Field(ge=1, le=60)] | None = None


class AnswerInformationRequest(Command):
    """Answer a request of the financial intelligence unit."""

    request: RequestNumber
    answer: Prose
    documents: Annotated[tuple[Digest, ...], Field(max_length=50)] = ()


class Disseminate(Command):
    """Give what was found to an institution that may act on it."""

    case: CaseNumber
    recipient: Code
    text: Prose
    digest: Digest | None = None


class CasesAsked(Query):
    """Cases of the own desk from a place in its queue, the most urgent first."""

    state: CaseState | None = CaseState.OPEN
    officer: Code | None = None
    offset: Annotated[Whole, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[Whole, Field(ge=1, le=500)] = 100


class CaseAsked(Query):
    """One case of the own desk by its number."""

    case: CaseNumber


class AlertFlowAsked(Query):
    """What an alert rests on, and in which case of the own desk it is."""

    alert: AlertId


class NetworkAsked(Query):
    """The network around a case's subject: so many hops, so many days before and after it."""

    case: CaseNumber
    hops: Annotated[Whole, Field(ge=1, le=3)] = 2
    days: Annotated[Whole, Field(ge=0, le=366)] = 30


class PeriodAsked(Query):
    """From a day to a day; without them, the last 30 days."""

    first_day: Day | None = None
    last_day: Day | None = None


class ReferralsAsked(Query):
    """Referrals that the own desk sent or received."""

    open: bool | None = None


class RequestsAsked(Query):
    """Requests for information that the own desk sent or is asked."""

    open: bool | None = None


class DisseminationsAsked(Query):
    """Disseminations that the own desk sent or received."""


class ConfirmedAsked(Query):
    """Movements that own closed cases confirmed, up to a day."""

    until: Day | None = None


class RetentionAsked(Query):
    """How long records are kept, as of a day; without one, today."""

    as_of: Day | None = None
