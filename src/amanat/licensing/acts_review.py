"""How a file is examined: complete, asked about, scored, consulted on, recommended, decided."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.dates import add_months
from amanat.core.errors import NotFound, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message, Word
from amanat.jurisdictions.licensing import Checklist
from amanat.licensing import events
from amanat.licensing.commands import (
    AnswerConsultation,
    AskApplicant,
    CheckCompleteness,
    Decide,
    OpenConsultation,
    Recommend,
    ReturnFile,
    ScoreReview,
)
from amanat.licensing.model import (
    CONSULTED,
    SCORE_MAX,
    ApplicantConsulted,
    Change,
    Completeness,
    ConsultationOpen,
    Outcome,
    ReasonMissing,
    ScoresIncomplete,
)
from amanat.licensing.ordering import Move, New, ask_moves, carry_moves, refresh_status, written
from amanat.licensing.records import consultation_over, institution_with, is_provider
from amanat.licensing.stepping import (
    Stepped,
    approvers,
    load_step,
    note_due,
    record_step,
    require_approvers_apart,
    set_conditions,
)
from amanat.licensing.tables import (
    consultation,
    decision,
    file_question,
    file_review,
    licensing_file,
    recommendation,
)
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY


@act(capacities=[AUTHORITY], confidential=True)
def check_completeness(command: CheckCompleteness, context: ActContext) -> Result:
    """Take a file into review, or return it with what is missing.

    Refuses as the path does; then `ReasonMissing` (an incomplete file without what is missing).
    """
    stepped = load_step(context, command.file, "CheckCompleteness", outcome=command.outcome.value)
    if command.outcome is Completeness.INCOMPLETE and not command.missing:
        raise ReasonMissing(outcome=Word(command.outcome.value), field=Word("missing"))
    entry = record_step(context, stepped, "\n".join(command.missing) or None)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def ask_applicant(command: AskApplicant, context: ActContext) -> Result:
    """Ask the applicant.  Refuses as the path does."""
    stepped = load_step(context, command.file, "AskApplicant")
    record_step(context, stepped)
    identifier = new_id()
    entry = context.uow.journal.append(
        events.QUESTION_ASKED,
        {
            "file": stepped.row.number,
            "question": identifier,
            "digest": digest({"text": command.text}).hex(),
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        file_question.insert().values(
            id=identifier,
            programme=context.programme,
            file=stepped.row.id,
            text=command.text,
            form=command.form,
            section=command.section,
            **written(context, entry),
        )
    )
    note_due(context, stepped.pack, stepped.row.id)
    return {"file": stepped.row.number, "question": identifier, "entry": entry}


# -- reviews --------------------------------------------------------------------------------------


def percent_of(checklist: Checklist, scores: dict[str, int]) -> int:
    """Per cent of the most that the checklist's weights allow, rounded down."""
    most = sum(one.weight for one in checklist.items) * SCORE_MAX
    return sum(one.weight * scores[one.code] for one in checklist.items) * 100 // most


@act(capacities=[AUTHORITY], confidential=True)
def score_review(command: ScoreReview, context: ActContext) -> Result:
    """Score one area.  Refuses as the path does; then `NotFound` (area), `ScoresIncomplete`."""
    stepped = load_step(context, command.file, "ScoreReview")
    if command.area not in stepped.pack.file(stepped.row.kind).checklists:
        raise NotFound(thing="checklist", value=command.area)
    checklist = stepped.pack.checklist(command.area)
    _check_scores(command, checklist)
    scores = {one.item: one.score for one in command.scores}
    percent = percent_of(checklist, scores)
    passed = percent >= checklist.pass_mark
    record_step(context, stepped, command.area)
    stated = [one.model_dump(mode="json") for one in command.scores]
    entry = context.uow.journal.append(
        events.REVIEW_SCORED,
        {
            "file": stepped.row.number,
            "area": command.area,
            "percent": percent,
            "passed": passed,
            "digest": digest({"scores": stated, "rationale": command.rationale}).hex(),
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        file_review.insert().values(
            id=new_id(),
            programme=context.programme,
            file=stepped.row.id,
            area=command.area,
            scores=stated,
            percent=percent,
            passed=passed,
            rationale=command.rationale,
            **written(context, entry),
        )
    )
    return {"file": stepped.row.number, "percent": percent, "passed": passed, "entry": entry}


def _check_scores(command: ScoreReview, checklist: Checklist) -> None:
    refused = Refused()
    known = {one.code for one in checklist.items}
    counted = Counter(one.item for one in command.scores)
    for item in sorted(known | counted.keys()):
        if item not in known:
            reason = Message("{item} is no point of its checklist", item=Word(item))
        elif counted[item] != 1:
            reason = Message("{item} is scored {count} times", item=Word(item), count=counted[item])
        else:
            continue
        refused.add(ScoresIncomplete(area=Word(command.area), reason=reason))
    refused.raise_if_any()


# -- consultation ---------------------------------------------------------------------------------


@act(capacities=[AUTHORITY], confidential=True)
def open_consultation(command: OpenConsultation, context: ActContext) -> Result:
    """Consult a stakeholder.

    Refuses as the path does; then `NotFound` (stakeholder), `NobodyToAsk`, `ApplicantConsulted`,
    `ConsultationOpen`.
    """
    stepped = load_step(context, command.file, "OpenConsultation")
    connection = context.uow.connection
    stakeholder = stepped.pack.stakeholder(command.stakeholder)
    asked = institution_with(connection, context.programme, f"{CONSULTED}.{stakeholder.code}")
    if is_provider(connection, context.programme, asked):
        raise ApplicantConsulted(stakeholder=asked, file=stepped.row.number)
    waiting = connection.execute(
        sql.select(consultation).where(
            consultation.c.file == stepped.row.id,
            consultation.c.stakeholder == stakeholder.code,
            consultation.c.answered_at.is_(None),
        )
    ).all()
    if any(not consultation_over(stepped.pack, one, context.business_date) for one in waiting):
        raise ConsultationOpen(stakeholder=stakeholder.code, file=stepped.row.number)
    record_step(context, stepped, stakeholder.code)
    identifier = new_id()
    entry = context.uow.journal.append(
        events.CONSULTATION_OPENED,
        {
            "file": stepped.row.number,
            "consultation": identifier,
            "stakeholder": stakeholder.code,
            "consulted": asked,
            "days": stakeholder.days,
        },
        subject=stepped.subject,
    )
    connection.execute(
        consultation.insert().values(
            id=identifier,
            programme=context.programme,
            file=stepped.row.id,
            stakeholder=stakeholder.code,
            consulted=asked,
            question=command.question,
            days=stakeholder.days,
            **written(context, entry),
        )
    )
    return {"file": stepped.row.number, "consultation": identifier, "entry": entry}


@act(capacities=[CONSULTED], confidential=True)
def answer_consultation(command: AnswerConsultation, context: ActContext) -> Result:
    """Answer as who is consulted.  Refuses `NotFound` (not asked, or answered), as the path does.

    An answer after the time is kept too, while the file is in consultation.
    """
    stepped = load_step(context, command.file, "AnswerConsultation")
    connection = context.uow.connection
    row = connection.execute(
        sql.select(consultation)
        .where(
            consultation.c.file == stepped.row.id,
            consultation.c.consulted == context.actor.institution,
            consultation.c.answered_at.is_(None),
        )
        .order_by(consultation.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="open consultation on", value=stepped.row.number)
    record_step(context, stepped, row.stakeholder)
    entry = context.uow.journal.append(
        events.CONSULTATION_ANSWERED,
        {
            "file": stepped.row.number,
            "consultation": row.id,
            "stakeholder": row.stakeholder,
            "position": command.position.value,
            "digest": digest({"answer": command.answer}).hex(),
        },
        subject=stepped.subject,
        cause=row.entry,
    )
    connection.execute(
        sql.update(consultation)
        .where(consultation.c.id == row.id)
        .values(
            position=command.position.value,
            answer=command.answer,
            answered_by=context.actor.person,
            answered_at=context.now.isoformat(),
            answered_on=context.business_date.isoformat(),
            answer_entry=entry,
        )
    )
    return {"file": stepped.row.number, "consultation": row.id, "entry": entry}


# -- recommendation and decision ------------------------------------------------------------------


@act(capacities=[AUTHORITY], confidential=True)
def recommend(command: Recommend, context: ActContext) -> Result:
    """Recommend how to decide.  Refuses as the path does."""
    stepped = load_step(context, command.file, "Recommend")
    record_step(context, stepped, command.outcome.value)
    entry = context.uow.journal.append(
        events.RECOMMENDED,
        {
            "file": stepped.row.number,
            "outcome": command.outcome.value,
            "conditions": list(command.conditions),
            "digest": digest({"rationale": command.rationale}).hex(),
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        recommendation.insert().values(
            id=new_id(),
            programme=context.programme,
            file=stepped.row.id,
            outcome=command.outcome.value,
            conditions=list(command.conditions),
            rationale=command.rationale,
            **written(context, entry),
        )
    )
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def return_file(command: ReturnFile, context: ActContext) -> Result:
    """Send a file back to the review.  Refuses as the path does."""
    stepped = load_step(context, command.file, "ReturnFile")
    entry = record_step(context, stepped, command.reason)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


def _ask_decision(command: Decide, context: ActContext) -> Ask:
    """A second person of the authority, who like the proposer did not recommend."""
    stepped = load_step(context, command.file, "Decide", outcome=command.outcome.value)
    moves = _granted_by(command, context, stepped, None)
    if moves:
        return ask_moves(context, stepped.row.provider, moves)
    return second_person(context, stepped.subject)


@act(capacities=[AUTHORITY], approvals=_ask_decision, confidential=True)
def decide(command: Decide, context: ActContext) -> Result:
    """Decide on a file; what the decision grants by itself stands with it.

    Reasons, criteria, declared interests and how many applied are published.  A refusal may be
    appealed until a day.  Refuses as the path does; then `OwnWork` and `Conflicted` to an approver.
    """
    stepped = load_step(context, command.file, "Decide", outcome=command.outcome.value)
    require_approvers_apart(context, stepped)
    identifier = new_id()
    moves = _granted_by(command, context, stepped, identifier)
    record_step(context, stepped, command.reasons)
    _record_decision(command, context, stepped, identifier)
    done: Result = {
        "file": stepped.row.number,
        "stage": stepped.step.to,
        "decision": identifier,
    }
    if moves:
        carried = carry_moves(context, stepped.row.provider, moves)
        done |= {"permission": carried.numbers[0], "order": carried.order}
    if command.outcome is Outcome.GRANT:
        set_conditions(
            context,
            stepped.pack,
            stepped.row.provider,
            command.conditions,
            stepped.law,
            permission=carried.permissions[0] if moves else None,
            file=stepped.row.id,
        )
    refresh_status(
        context.uow.connection, context.programme, stepped.row.provider, context.business_date
    )
    return done


def _granted_by(
    command: Decide, context: ActContext, stepped: Stepped, identifier: str | None
) -> list[Move]:
    kind = stepped.pack.file(stepped.row.kind)
    if command.outcome is not Outcome.GRANT or not kind.grants:
        return []
    granted = stepped.pack.permission(kind.grants)
    expires = add_months(context.business_date, granted.months) if granted.months else None
    return [
        Move(
            change=Change.GRANT,
            reason=command.reasons,
            citation=stepped.law,
            grants=New(granted.code, tuple(stepped.row.categories), stepped.row.id, identifier),
            expires_on=expires,
            file=stepped.row.id,
        )
    ]


def _record_decision(
    command: Decide, context: ActContext, stepped: Stepped, identifier: str
) -> None:
    connection, pack = context.uow.connection, stepped.pack
    kind = stepped.row.kind
    applicants = connection.execute(
        sql.select(sql.func.count()).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.kind == kind,
            licensing_file.c.submitted_on.is_not(None),
        )
    ).scalar_one()
    refused = command.outcome is Outcome.REFUSE
    until = context.business_date + timedelta(days=pack.appeal_days) if refused else None
    recommended = connection.execute(
        sql.select(recommendation.c.person)
        .where(recommendation.c.file == stepped.row.id)
        .order_by(recommendation.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    content = {
        "reasons": command.reasons,
        "criteria": command.criteria,
        "conflicts": command.conflicts,
        "conditions": list(command.conditions),
        "applicants": int(applicants),
        "appeal_until": until.isoformat() if until else None,
    }
    entry = context.uow.journal.append(
        events.FILE_DECIDED,
        content
        | {
            "file": stepped.row.number,
            "kind": kind,
            "provider": stepped.row.provider,
            "outcome": command.outcome.value,
            "section": stepped.law.code,
            "law": stepped.law.text,
        },
        subject=f"licensing:{stepped.row.provider}",
    )
    connection.execute(
        decision.insert().values(
            id=identifier,
            programme=context.programme,
            file=stepped.row.id,
            provider=stepped.row.provider,
            outcome=command.outcome.value,
            section=stepped.law.code,
            law=stepped.law.text,
            recommended_by=recommended,
            approved_by=", ".join(approvers(context)),
            **content,
            **written(context, entry),
        )
    )
