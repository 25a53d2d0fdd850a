"""The commands and queries of reports to the FIU."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.supervision.cases.commands import OFFSET_MAX, CaseNumber, RequestNumber
from amanat.supervision.goaml.content import (
    ActivityParty,
    Coded,
    Line,
    Narrative,
    ReportedAddress,
    ReportedParty,
    ReportedPerson,
    ReportedTransaction,
    ReportState,
)
from amanat.supervision.identities.commands import Reason

ReportNumber = Annotated[str, StringConstraints(pattern=r"^RPT-[0-9]{4}-[0-9]{4,6}$")]
"""A report as its institution calls it, such as `RPT-2026-0001`."""
ReportReference = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""`entity_reference` of a submission."""
ReportCodeText = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,11}$")]


class ReportFields(Command):
    """What a compliance officer writes of a report.

    Without `transactions` those of the case are reported, with `parties` saying who stands behind
    their accounts.  With `opening_reason` the vault says it of one's own customers whom `parties`
    leaves out; that each was opened, and why, is kept.  `answers` is the FIU's request that the
    report answers.
    """

    report_code: ReportCodeText
    reporting_person: ReportedPerson
    location: ReportedAddress
    reason: Narrative
    action: Narrative
    indicators: Annotated[tuple[Coded, ...], Field(min_length=1, max_length=40)]
    branch: Line = "HEAD OFFICE"
    parties: Annotated[tuple[ReportedParty, ...], Field(max_length=500)] = ()
    opening_reason: Reason | None = None
    transactions: Annotated[tuple[ReportedTransaction, ...], Field(max_length=2_000)] = ()
    activity: Annotated[tuple[ActivityParty, ...], Field(max_length=200)] = ()
    answers: RequestNumber | None = None


class DraftReport(ReportFields):
    """Draft an STR or CTR from a case; the answer says everything that the gate would refuse."""

    case: CaseNumber


class AmendReport(Command):
    """Write a draft, or a report that the FIU rejected, anew; what is left out stays as it is.

    `parties`, `opening_reason`, `transactions` and `activity` belong together: whoever gives one
    of them says anew what is reported.
    """

    report: ReportNumber
    report_code: ReportCodeText | None = None
    reporting_person: ReportedPerson | None = None
    location: ReportedAddress | None = None
    reason: Narrative | None = None
    action: Narrative | None = None
    indicators: Annotated[tuple[Coded, ...], Field(max_length=40)] = ()
    branch: Line | None = None
    parties: Annotated[tuple[ReportedParty, ...], Field(max_length=500)] = ()
    opening_reason: Reason | None = None
    transactions: Annotated[tuple[ReportedTransaction, ...], Field(max_length=2_000)] = ()
    activity: Annotated[tuple[ActivityParty, ...], Field(max_length=200)] = ()
    answers: RequestNumber | None = None


class SubmitReport(Command):
    """Submit a report; another person of the institution agrees, and the gate finds nothing."""

    report: ReportNumber


class FiuOutcome(StrEnum):
    """What the FIU answered."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class FiuAnswer(Command):
    """One answer of the FIU to a submission: accepted with its number, or rejected with reasons."""

    reference: ReportReference
    outcome: FiuOutcome
    fiu_number: Annotated[str, StringConstraints(max_length=120)] | None = None
    reasons: Annotated[tuple[Line, ...], Field(max_length=50)] = ()


class RecordFiuAnswers(Command):
    """Record acknowledgements and rejections; the FIU its own, a provider those that it got."""

    answers: Annotated[tuple[FiuAnswer, ...], Field(min_length=1, max_length=5_000)]


class ReadReport(Command):
    """Read a report's XML: its institution by number, the FIU by reference; that is journalled."""

    report: ReportNumber | None = None
    reference: ReportReference | None = None


class ReadBatch(Command):
    """Take the file with all reports of one's own that were submitted on a day."""

    day: Day


class HandOverReports(Command):
    """Hand open reports of the former entity to the one that is registered now, with a list."""


class ReportsAsked(Query):
    """Which reports, newest first."""

    state: ReportState | None = None
    limit: Annotated[Whole, Field(ge=1, le=500)] = 100


class ReportAsked(Query):
    """One report of one's own by its number."""

    report: ReportNumber


class BatchesAsked(Query):
    """Days on which reports of one's own were submitted."""


class HandedOverAsked(Query):
    """Reports that were handed from one entity to another."""


class CtrDueAsked(Query):
    """Customers and days at or above the threshold, of one's own transactions, from a place on."""

    first_day: Day | None = None
    last_day: Day | None = None
    offset: Annotated[Whole, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[Whole, Field(ge=1, le=500)] = 100
