"""What becomes of a complaint, and what a provider declares of its clients' assets."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Place, Refusal
from amanat.core.ids import new_id
from amanat.licensing.complaints import events
from amanat.licensing.complaints.commands import (
    AcknowledgeComplaint,
    AnswerComplaint,
    CloseComplaint,
    DeclareClientAssets,
    ForwardComplaint,
    ReadComplainant,
    RecordComplaint,
    ReopenComplaint,
)
from amanat.licensing.complaints.intake import (
    CONTACT,
    DayInFuture,
    complainant_of,
    enter,
    load_complaint,
    record_complaint_step,
)
from amanat.licensing.duties.periods import meet_duty, open_duty
from amanat.licensing.model import APPLICANT
from amanat.licensing.openness.grounds import require_authority
from amanat.licensing.openness.tables import client_assets
from amanat.licensing.ordering import written
from amanat.licensing.records import find_provider, pack_of
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY


class NobodyToForwardTo(Refusal):
    """A complaint is forwarded to the provider on the register that it is about."""

    template: ClassVar[str] = "{complaint} is about {about}, which is no provider here."


class ContactNotGiven(Refusal):
    """Who complained without a name or an address cannot be looked up."""

    template: ClassVar[str] = "Who wrote {complaint} did not say who they are."


@act(capacities=[AUTHORITY], confidential=True)
def record_complaint(command: RecordComplaint, context: ActContext) -> Result:
    """Record a complaint.  Refuses `NotClassAuthority`, `NotAProvider`, `DayInFuture`."""
    pack = require_authority(context)
    by = dict(written(context, ""))
    del by["entry"]
    number = enter(
        context.uow.connection,
        context.uow.journal,
        context.programme,
        pack,
        command,
        by,
        context.business_date,
        "letter",
    )
    return {"complaint": number}


@act(capacities=[AUTHORITY], confidential=True)
def acknowledge_complaint(command: AcknowledgeComplaint, context: ActContext) -> Result:
    """Acknowledge a complaint.  Refuses `NotFound`, as the path does, `Conflicted`."""
    found = load_complaint(context, command.complaint, "AcknowledgeComplaint")
    entry = record_complaint_step(context, found, command.note)
    return {"complaint": found.row.number, "stage": found.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def forward_complaint(command: ForwardComplaint, context: ActContext) -> Result:
    """Let the provider see a complaint.

    Refuses, in order: `NotFound`, as the path does, `Conflicted`, `NobodyToForwardTo`.
    """
    found = load_complaint(context, command.complaint, "ForwardComplaint")
    if found.row.provider is None:
        raise NobodyToForwardTo(complaint=found.row.number, about=found.row.about)
    today = context.business_date.isoformat()
    entry = record_complaint_step(context, found, command.note, forwarded_on=today)
    return {"complaint": found.row.number, "stage": found.step.to, "entry": entry}


@act(capacities=[APPLICANT], confidential=True)
def answer_complaint(command: AnswerComplaint, context: ActContext) -> Result:
    """Answer a complaint.  Refuses `NotFound`, as the path does."""
    found = load_complaint(context, command.complaint, "AnswerComplaint")
    entry = record_complaint_step(context, found, command.answer, answer=command.answer)
    return {"complaint": found.row.number, "stage": found.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def close_complaint(command: CloseComplaint, context: ActContext) -> Result:
    """Close a complaint.  Refuses `NotFound`, as the path does, `Conflicted`."""
    found = load_complaint(context, command.complaint, "CloseComplaint")
    entry = record_complaint_step(
        context,
        found,
        command.findings,
        outcome=command.outcome.value,
        findings=command.findings,
        closed_on=context.business_date.isoformat(),
    )
    return {"complaint": found.row.number, "stage": found.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def reopen_complaint(command: ReopenComplaint, context: ActContext) -> Result:
    """Look into a closed complaint again.  Refuses `NotFound`, as the path does, `Conflicted`."""
    found = load_complaint(context, command.complaint, "ReopenComplaint")
    entry = record_complaint_step(context, found, command.reason, outcome=None, closed_on=None)
    return {"complaint": found.row.number, "stage": found.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def read_complainant(command: ReadComplainant, context: ActContext) -> Result:
    """Read who complained.

    What is answered is stored nowhere else.  Refuses, in order: `NotFound`, as the path does,
    `Conflicted`, `ContactNotGiven`.
    """
    found = load_complaint(context, command.complaint, "ReadComplainant")
    if not found.row.contact:
        raise ContactNotGiven(complaint=found.row.number)
    entry = context.uow.journal.append(
        events.COMPLAINANT_READ,
        {"complaint": found.row.number, "reason": command.reason},
        subject=f"complaint:{found.row.number}",
        cause=found.row.entry,
    )
    who = complainant_of(context, found.row)
    return {"complaint": found.row.number, "entry": entry, **{n: who[n] for n in CONTACT}}


# -- clients' assets ------------------------------------------------------------------------------


def _ask_declaration(command: DeclareClientAssets, context: ActContext) -> Ask:
    """A second person of the provider."""
    _check_declaration(command, context)
    return second_person(context, f"licensing:{context.actor.institution}")


def _check_declaration(command: DeclareClientAssets, context: ActContext) -> None:
    connection, code = context.uow.connection, context.actor.institution
    pack = pack_of(connection, context.programme)
    find_provider(connection, context.programme, code)
    pack.obligation(command.duty)
    if command.as_of > context.business_date:
        raise DayInFuture(
            place=Place(field="as_of"), day=command.as_of, business_date=context.business_date
        )


@act(capacities=[APPLICANT], approvals=_ask_declaration)
def declare_client_assets(command: DeclareClientAssets, context: ActContext) -> Result:
    """Declare what clients are owed and what is held apart for them; the last of a day counts.

    That it was declared, late or not, and whether it covers what is owed is public; quantities are
    for the authority.  It meets the earliest open period of the duty that had ended by that day.
    Refuses, in order: `NotAProvider`, `NotFound` (duty), `DayInFuture`.
    """
    _check_declaration(command, context)
    connection, code = context.uow.connection, context.actor.institution
    open_period = open_duty(connection, context.programme, code, command.duty, command.as_of)
    late = open_period is not None and context.business_date > open_period.due_on
    covered = all(one.held >= one.owed for one in command.holdings)
    stated = [one.model_dump(mode="json") for one in command.holdings]
    due: date | None = open_period.due_on if open_period else None
    entry = context.uow.journal.append(
        events.CLIENT_ASSETS_DECLARED,
        {
            "provider": code,
            "duty": command.duty,
            "as_of": command.as_of.isoformat(),
            "due_on": due.isoformat() if due else None,
            "late": late,
            "covered": covered,
            "auditor": command.auditor,
            "document": command.document,
            "digest": digest({"holdings": stated}).hex(),
        },
        subject=f"licensing:{code}",
    )
    connection.execute(
        client_assets.insert().values(
            id=new_id(),
            programme=context.programme,
            provider=code,
            duty=command.duty,
            as_of=command.as_of.isoformat(),
            period_end=open_period.period_end.isoformat() if open_period else None,
            due_on=due.isoformat() if due else None,
            late=late,
            holdings=stated,
            covered=covered,
            auditor=command.auditor,
            document=command.document,
            **written(context, entry),
        )
    )
    if open_period is not None:
        meet_duty(context, open_period, f"declared as of {command.as_of.isoformat()}", entry)
    return {"provider": code, "covered": covered, "late": late, "entry": entry}
