"""Inspections: findings, what the provider did about them, what is accepted."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import NotFound, Refusal
from amanat.core.messages import Word
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.commands import (
    CloseInspection,
    JudgeRemedy,
    OpenInspection,
    RecordFinding,
    RemedyFinding,
)
from amanat.licensing.enforcement.tables import finding
from amanat.licensing.model import APPLICANT, DayOutOfRange
from amanat.licensing.ordering import written
from amanat.licensing.stepping import (
    Stepped,
    load_provider_step,
    load_step,
    open_file,
    record_step,
)
from amanat.participants.signing import AUTHORITY

INSPECTION = "inspection"


class FindingsOpen(Refusal):
    """An inspection is closed once everything that it found is remedied."""

    template: ClassVar[str] = "{file}: findings that are not remedied: {numbers}."


class FindingSettled(Refusal):
    """A finding whose remedy was accepted is over."""

    template: ClassVar[str] = "Finding {number} of {file} was settled on {settled_on}."


class RemedyMissing(Refusal):
    """What is judged is what the provider said."""

    template: ClassVar[str] = "Nothing was said of finding {number} of {file} yet."


@act(capacities=[AUTHORITY], confidential=True)
def open_inspection(command: OpenInspection, context: ActContext) -> Result:
    """Inspect a provider.  Refuses, in order: `NotAProvider`, as the path does."""
    on = load_provider_step(context, command.provider, "OpenInspection", kind=INSPECTION)
    _identifier, number, entry = open_file(context, on, reason=command.scope)
    return {"file": number, "provider": command.provider, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def record_finding(command: RecordFinding, context: ActContext) -> Result:
    """Record a finding.  Refuses as the path does, then `DayOutOfRange`."""
    stepped = load_step(context, command.file, "RecordFinding")
    today, connection = context.business_date, context.uow.connection
    if command.due_on <= today:
        raise DayOutOfRange(what=Word("due day"), day=command.due_on, business_date=today)
    record_step(context, stepped)
    last: int | None = connection.execute(
        sql.select(sql.func.max(finding.c.number)).where(finding.c.file == stepped.row.id)
    ).scalar_one()
    number = (last or 0) + 1
    entry = context.uow.journal.append(
        events.FINDING_RECORDED,
        {
            "file": stepped.row.number,
            "number": number,
            "severity": command.severity.value,
            "due_on": command.due_on.isoformat(),
            "digest": digest({"text": command.text}).hex(),
        },
        subject=stepped.subject,
    )
    connection.execute(
        finding.insert().values(
            file=stepped.row.id,
            number=number,
            programme=context.programme,
            severity=command.severity.value,
            text=command.text,
            due_on=command.due_on.isoformat(),
            **written(context, entry),
        )
    )
    return {"file": stepped.row.number, "number": number, "entry": entry}


def _finding(context: ActContext, stepped: Stepped, number: int) -> Row[Any]:
    row = context.uow.connection.execute(
        sql.select(finding)
        .where(finding.c.file == stepped.row.id, finding.c.number == number)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="finding", value=str(number))
    if row.accepted_on is not None:
        raise FindingSettled(number=number, file=stepped.row.number, settled_on=row.accepted_on)
    return row


def _set(context: ActContext, stepped: Stepped, number: int, **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(finding)
        .where(finding.c.file == stepped.row.id, finding.c.number == number)
        .values(**values)
    )


@act(capacities=[APPLICANT], confidential=True)
def remedy_finding(command: RemedyFinding, context: ActContext) -> Result:
    """Say how a finding was remedied.  Refuses as the path does, `NotFound`, `FindingSettled`."""
    stepped = load_step(context, command.file, "RemedyFinding")
    _finding(context, stepped, command.number)
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.FINDING_REMEDIED,
        {
            "file": stepped.row.number,
            "number": command.number,
            "document": command.document,
            "digest": digest({"text": command.text}).hex(),
        },
        subject=stepped.subject,
    )
    _set(
        context,
        stepped,
        command.number,
        remedy=command.text,
        document=command.document,
        remedied_on=context.business_date.isoformat(),
    )
    return {"file": stepped.row.number, "number": command.number, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def judge_remedy(command: JudgeRemedy, context: ActContext) -> Result:
    """Accept a remedy, or not.

    Refuses as the path does, `NotFound`, `FindingSettled`, `RemedyMissing`.
    """
    stepped = load_step(context, command.file, "JudgeRemedy")
    row = _finding(context, stepped, command.number)
    if row.remedy is None:
        raise RemedyMissing(number=command.number, file=stepped.row.number)
    record_step(context, stepped)
    entry = context.uow.journal.append(
        events.REMEDY_JUDGED,
        {
            "file": stepped.row.number,
            "number": command.number,
            "accepted": command.accepted,
            "digest": digest({"verdict": command.verdict}).hex(),
        },
        subject=stepped.subject,
    )
    accepted_on = context.business_date.isoformat() if command.accepted else None
    _set(context, stepped, command.number, verdict=command.verdict, accepted_on=accepted_on)
    return {"file": stepped.row.number, "accepted": command.accepted, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def close_inspection(command: CloseInspection, context: ActContext) -> Result:
    """Close an inspection.  Refuses as the path does, `FindingsOpen`."""
    stepped = load_step(context, command.file, "CloseInspection")
    left = list(
        context.uow.connection.execute(
            sql.select(finding.c.number)
            .where(finding.c.file == stepped.row.id, finding.c.accepted_on.is_(None))
            .order_by(finding.c.number)
        ).scalars()
    )
    if left:
        raise FindingsOpen(file=stepped.row.number, numbers=", ".join(map(str, left)))
    entry = record_step(context, stepped, command.summary)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}
