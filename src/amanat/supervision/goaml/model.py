"""What is refused of reports, whatever they say of people.  Pure."""

from __future__ import annotations

from typing import ClassVar

from amanat.core.errors import Invalid, Refusal


class NotRegistered(Refusal):
    """A report is of the entity registered on goAML that day (NOC Regulations 11.4, 11.5)."""

    template: ClassVar[str] = "{institution} has no entity that is registered on goAML on {day}."


class PartiesUnknown(Invalid):
    """A report says who stands on each side of its transactions."""

    template: ClassVar[str] = "Say who stands behind {accounts}."


class NothingToReport(Invalid):
    """A report has transactions, of its case or its own, or an activity."""

    template: ClassVar[str] = "Case {case} cites no transactions: give some, or an activity."


class ReportNotOpen(Refusal):
    """A report is changed and submitted while it is a draft or was rejected."""

    template: ClassVar[str] = "Report {report} is {state}."


class AnswerNotAwaited(Refusal):
    """The FIU answers a submission once."""

    template: ClassVar[str] = "Submission {reference} is {state} and awaits no answer."


class AcknowledgementInvalid(Invalid):
    """A file of answers has the columns reference, outcome, fiu_number, reasons."""

    template: ClassVar[str] = "{reason}."
