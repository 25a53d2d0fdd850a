"""STR and CTR: drafted from a case, submitted by two, answered by the FIU, handed over.

Nobody but the institution and the FIU learns that there is a report: these acts are confidential,
untold, and refuse to others as if there were none.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.shown_once import ShownOnce
from amanat.core.errors import NotFound, Refusal, Refused
from amanat.core.ids import new_id
from amanat.ledger.orders import next_numbers
from amanat.supervision.cases.model import FIU, REPORTS
from amanat.supervision.cases.records import (
    desk_of,
    journal_step,
    load_case,
    note_step,
    rows_of,
    second_pair,
    step,
    written,
)
from amanat.supervision.cases.tables import case, information_request
from amanat.supervision.goaml.batches import batch_of, encoded, fault_of
from amanat.supervision.goaml.building import report_xml
from amanat.supervision.goaml.commands import (
    AmendReport,
    DraftReport,
    FiuAnswer,
    HandOverReports,
    ReadBatch,
    ReadReport,
    RecordFiuAnswers,
    ReportFields,
    SubmitReport,
)
from amanat.supervision.goaml.content import FilledParty, ReportContent, ReportedParty, ReportState
from amanat.supervision.goaml.drafting import content_of
from amanat.supervision.goaml.gate import Problem, problems, require_none
from amanat.supervision.goaml.model import (
    AcknowledgementInvalid,
    AnswerNotAwaited,
    ReportNotOpen,
)
from amanat.supervision.goaml.prefilling import filled_parties
from amanat.supervision.goaml.records import (
    XML,
    Reporter,
    content_from,
    goaml_of,
    heading_of,
    load_report,
    load_submission,
    opened,
    reporter_on,
    seal,
    seal_content,
)
from amanat.supervision.goaml.tables import handed_over, report, submission

_OPEN = (ReportState.DRAFT.value, ReportState.REJECTED.value)


# -- drafting -------------------------------------------------------------------------------------


@act(capacities=[REPORTS], confidential=True, untold=True)
def draft_report(command: DraftReport, context: ActContext) -> Result:
    """Draft a report.

    Refuses, in order: `NotFound`, `CaseClosed`, `NothingToReport`, `PartiesUnknown`,
    `ReportCodeUnknown`, `NotRegistered`.  What the gate finds is answered, and refused of what is
    submitted.
    """
    row = load_case(context, command.case)
    connection = context.uow.connection
    content = _content(context, command, row)
    place = f"supervision:{context.programme}:{context.actor.institution}:report"
    year = context.business_date.year
    number = f"RPT-{year}-{next_numbers(connection, f'{place}:{year}', 1, 1):04d}"
    identifier = new_id()
    entry = step(context, row, "DraftReport", refers_to=number)
    connection.execute(
        report.insert().values(
            id=identifier,
            programme=context.programme,
            number=number,
            case=row.id,
            report_code=content.report_code,
            state=ReportState.DRAFT.value,
            attempt=0,
            content=seal_content(context, identifier, content),
            oldest_day=_oldest(content),
            answers=_answered_request(context, command.answers),
            **written(context, entry),
        )
    )
    drafted = load_report(context, number)
    return _drafted(context, drafted, content)


@act(capacities=[REPORTS], confidential=True, untold=True)
def amend_report(command: AmendReport, context: ActContext) -> Result:
    """Write a report anew, or a part of it.

    Refuses `NotFound`, `ReportNotOpen`, then as drafting does; of a case that is closed,
    `CaseClosed` where identities are to be opened.
    """
    row = _open_report(context, command.report)
    of = _case_of(context, row)
    content = _amended(context, command, row, of)
    step(context, of, "AmendReport", refers_to=row.number)
    answers = _answered_request(context, command.answers) if command.answers else row.answers
    context.uow.connection.execute(
        sql.update(report)
        .where(report.c.id == row.id)
        .values(
            report_code=content.report_code,
            state=ReportState.DRAFT.value,
            content=seal_content(context, row.id, content),
            oldest_day=_oldest(content),
            answers=answers,
        )
    )
    return _drafted(context, row, content)


_REPORTED = frozenset(("parties", "opening_reason", "transactions", "activity"))
"""Fields that together say what is reported."""


def _amended(
    context: ActContext, command: AmendReport, row: Row[Any], of: Row[Any]
) -> ReportContent:
    """The draft with what was given; what is reported stays unless any of its fields was given."""
    before = content_from(context, row)
    given = {name: one for name, one in command if one and name not in ("report", "answers")}
    said = {name: getattr(before, name) for name in _WRITTEN} | given
    if _REPORTED & set(given):
        return _content(context, ReportFields(**said), of)
    pack = goaml_of(context.uow.connection, context.programme)
    pack.report_on(said["report_code"], context.business_date)
    return before.model_copy(update=said)


_WRITTEN = (
    "report_code",
    "reporting_person",
    "location",
    "reason",
    "action",
    "indicators",
    "branch",
)
"""Fields of a report that a draft holds as they were given."""


def _drafted(context: ActContext, row: Row[Any], content: ReportContent) -> Result:
    """What the gate finds, and whom the vault filled in: accounts and sources, no names."""
    return {
        "report": row.number,
        "problems": _told(_gate(context, row, content)[2]),
        "filled": [one.model_dump(mode="json") for one in content.filled],
    }


def _content(context: ActContext, command: ReportFields, of: Row[Any]) -> ReportContent:
    connection = context.uow.connection
    pack = goaml_of(connection, context.programme)
    pack.report_on(command.report_code, context.business_date)
    rows = rows_of(connection, of.id)
    filled: list[tuple[ReportedParty, FilledParty]] = []
    if command.opening_reason is not None and not command.transactions and not command.activity:
        filled = filled_parties(context, command, of, rows, pack)
    return content_of(command, of.number, rows, pack, filled)


def _oldest(content: ReportContent) -> str | None:
    days = [one.day for one in content.transactions]
    return min(days).isoformat() if days else None


def _answered_request(context: ActContext, number: str | None) -> str | None:
    """The request that a report answers.  Refuses `NotFound`, also of another's."""
    if number is None:
        return None
    table = information_request
    found = context.uow.connection.execute(
        sql.select(table.c.id).where(
            table.c.programme == context.programme,
            table.c.asked == context.actor.institution,
            table.c.number == number,
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(thing="request", value=number)
    return str(found)


def _case_of(context: ActContext, row: Row[Any]) -> Row[Any]:
    return context.uow.connection.execute(sql.select(case).where(case.c.id == row.case)).one()


def _open_report(context: ActContext, number: str) -> Row[Any]:
    row = load_report(context, number)
    if row.state not in _OPEN:
        raise ReportNotOpen(report=number, state=row.state)
    return row


def _gate(
    context: ActContext, row: Row[Any], content: ReportContent
) -> tuple[bytes, Reporter, list[Problem], str, str | None]:
    """The XML as it would go out today, who reports, what is wrong, its reference, the former."""
    connection, day = context.uow.connection, context.business_date
    pack = goaml_of(connection, context.programme)
    reporter = reporter_on(connection, context.programme, row.institution, day)
    heading, expected, former = heading_of(reporter, row, content, day, row.attempt + 1)
    xml = report_xml(content, heading, pack)
    found = problems(xml, row.number, pack, expected)
    return xml, reporter, found, heading.reference, former


def _told(found: list[Problem]) -> list[dict[str, Any]]:
    return [{"rule": one.rule, "path": one.path, "message": str(one.message)} for one in found]


# -- submitting -----------------------------------------------------------------------------------


def _ask_submission(command: SubmitReport, context: ActContext) -> Ask:
    """A second person of the institution; what the gate refuses is not even proposed."""
    row = _open_report(context, command.report)
    require_none(_gate(context, row, content_from(context, row))[2])
    return second_pair(context)


@act(capacities=[REPORTS], approvals=_ask_submission, confidential=True, untold=True)
def submit_report(command: SubmitReport, context: ActContext) -> Result:
    """Submit a report in the name of the entity registered today.

    Refuses, in order: `NotFound`, `ReportNotOpen`, `NotRegistered`, `ReportNotAccepted` (all at
    once).
    """
    row = _open_report(context, command.report)
    connection = context.uow.connection
    xml, reporter, found, reference, former = _gate(context, row, content_from(context, row))
    require_none(found)
    identifier, attempt = new_id(), row.attempt + 1
    digest = hashlib.sha256(xml).hexdigest()
    entry = step(context, _case_of(context, row), "SubmitReport", refers_to=row.number)
    connection.execute(
        submission.insert().values(
            id=identifier,
            programme=context.programme,
            report=row.id,
            attempt=attempt,
            reference=reference,
            registration=reporter.registration,
            entity_name=reporter.name,
            former=former,
            xml=seal(context, identifier, XML, xml.decode()),
            digest=digest,
            approved_by=", ".join(one.person for one in context.approved.given),
            state=ReportState.SUBMITTED.value,
            **written(context, entry),
        )
    )
    _state(context, row.id, ReportState.SUBMITTED.value, attempt=attempt)
    connection.execute(
        sql.update(case)
        .where(case.c.id == row.case, case.c.reported_on.is_(None))
        .values(reported_on=context.business_date.isoformat())
    )
    return {"report": row.number, "reference": reference, "digest": digest}


def _state(context: ActContext, identifier: str, state: str, **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(report).where(report.c.id == identifier).values(state=state, **values)
    )


# -- the FIU's answers ----------------------------------------------------------------------------


@act(capacities=[FIU, REPORTS], confidential=True, untold=True)
def record_fiu_answers(command: RecordFiuAnswers, context: ActContext) -> Result:
    """Record answers, all or none.

    Refuses all at once: `AcknowledgementInvalid` (two answers to one report, a rejection without a
    reason), `NotFound`, `AnswerNotAwaited`.
    """
    desk_of(context)
    refused = Refused()
    seen: set[str] = set()
    found: list[tuple[FiuAnswer, Row[Any]]] = []
    for answer in command.answers:
        try:
            fault = fault_of(answer, seen)
            if fault:
                raise AcknowledgementInvalid(reason=fault)
            row = load_submission(context, answer.reference)
            if row.state != ReportState.SUBMITTED.value:
                raise AnswerNotAwaited(reference=row.reference, state=row.state)
            found.append((answer, row))
        except Refusal as refusal:
            refused.add(refusal)
    refused.raise_if_any()
    for answer, row in found:
        _record_answer(context, answer, row)
    return {
        "accepted": sum(one.outcome == "accepted" for one, _row in found),
        "rejected": sum(one.outcome == "rejected" for one, _row in found),
    }


def _record_answer(context: ActContext, answer: FiuAnswer, row: Row[Any]) -> None:
    said = "; ".join(answer.reasons) or answer.fiu_number
    entry = journal_step(context, "RecordFiuAnswers", row.reference, said)
    connection = context.uow.connection
    connection.execute(
        sql.update(submission)
        .where(submission.c.id == row.id)
        .values(
            state=answer.outcome.value,
            fiu_number=answer.fiu_number,
            reasons=list(answer.reasons),
            answered_on=context.business_date.isoformat(),
        )
    )
    _state(context, row.report, answer.outcome.value)
    of = connection.execute(sql.select(report).where(report.c.id == row.report)).one()
    note_step(context, of.case, "RecordFiuAnswers", entry, text=said, refers_to=of.number)


# -- reading --------------------------------------------------------------------------------------


@act(capacities=[FIU, REPORTS], confidential=True, untold=True)
def read_report(command: ReadReport, context: ActContext) -> Result:
    """The XML of a report: of a draft as it would go out today.

    Refuses, in order: `NotFound`, `NotRegistered`.
    """
    actor = desk_of(context)
    if command.reference is not None:
        sent = load_submission(context, command.reference)
        journal_step(context, "ReadReport", sent.reference, None)
        xml = opened(context, sent.id, XML, sent.xml)
        return {"reference": sent.reference, "digest": sent.digest, "xml": ShownOnce(xml)}
    if command.report is None or REPORTS not in actor.capacities:
        raise NotFound(thing="report", value=command.report or "without a number")
    row = load_report(context, command.report)
    journal_step(context, "ReadReport", row.number, None)
    built = _gate(context, row, content_from(context, row))
    digest = hashlib.sha256(built[0]).hexdigest()
    return {"reference": built[3], "digest": digest, "xml": ShownOnce(built[0].decode())}


@act(capacities=[REPORTS], confidential=True, untold=True)
def read_batch(command: ReadBatch, context: ActContext) -> Result:
    """The ZIP of a day's submissions, in base64; the same day gives the same bytes.

    Refuses `NotFound`: nothing was submitted that day.
    """
    actor = desk_of(context)
    rows = context.uow.connection.execute(
        sql.select(submission)
        .where(
            submission.c.programme == context.programme,
            submission.c.institution == actor.institution,
            submission.c.recorded_on == command.day.isoformat(),
        )
        .order_by(submission.c.reference)
    ).all()
    if not rows:
        raise NotFound(thing="batch", value=command.day)
    journal_step(context, "ReadBatch", command.day.isoformat(), None)
    files = {row.reference: opened(context, row.id, XML, row.xml).encode() for row in rows}
    content = batch_of(files, command.day)
    return {
        "day": command.day.isoformat(),
        "reports": len(rows),
        "digest": hashlib.sha256(content).hexdigest(),
        "zip": ShownOnce(encoded(content)),
    }


# -- handover -------------------------------------------------------------------------------------


@act(capacities=[REPORTS], confidential=True, untold=True)
def hand_over_reports(command: HandOverReports, context: ActContext) -> Result:
    """Hand open reports to the entity registered today; the list of what it takes over.

    Reports that are submitted, drafted or rejected, of cases before the handover, each once.
    Refuses `NotRegistered`, `NotFound` (there was no former entity).
    """
    del command
    actor = desk_of(context)
    connection, day = context.uow.connection, context.business_date
    reporter = reporter_on(connection, context.programme, actor.institution, day)
    if reporter.former is None:
        raise NotFound(thing="former entity of", value=actor.institution)
    listed = sql.select(handed_over.c.report).where(
        handed_over.c.to_registration == reporter.registration
    )
    rows = connection.execute(
        sql.select(report)
        .where(
            report.c.programme == context.programme,
            report.c.institution == actor.institution,
            report.c.state != ReportState.ACCEPTED.value,
            report.c.recorded_on < reporter.first_day.isoformat(),
            report.c.id.not_in(listed),
        )
        .order_by(report.c.number)
    ).all()
    said = ", ".join(row.number for row in rows)
    entry = journal_step(context, "HandOverReports", reporter.registration, said)
    for row in rows:
        connection.execute(
            handed_over.insert().values(
                id=new_id(),
                programme=context.programme,
                report=row.id,
                from_registration=reporter.former.registration,
                from_name=reporter.former.entity_name,
                to_registration=reporter.registration,
                to_name=reporter.name,
                state=row.state,
                **written(context, entry),
            )
        )
        note_step(context, row.case, "HandOverReports", entry, refers_to=row.number)
    return {
        "from": reporter.former.registration,
        "to": reporter.registration,
        "reports": [{"report": row.number, "state": row.state} for row in rows],
    }
