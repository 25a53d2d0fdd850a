"""What passes between desks: referrals, requests for information, disseminations.

Each side sees its own half: a provider that is asked sees the question and nothing of the case.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.licensing.records import institution_with, is_provider
from amanat.supervision.cases.commands import (
    AnswerInformationRequest,
    Disseminate,
    ReceiveReferral,
    ReferCase,
    RequestInformation,
)
from amanat.supervision.cases.model import (
    FIU,
    REPORTS,
    SUPERVISES,
    AlreadyAnswered,
    AlreadyReceived,
    NotSupervised,
)
from amanat.supervision.cases.records import (
    cases_of,
    desk_of,
    journal_step,
    keep_rows,
    load_case,
    note_step,
    open_row,
    rows_of,
    second_pair,
    step,
    unlike,
    written,
)
from amanat.supervision.cases.tables import case, dissemination, information_request, referral

# -- referrals ------------------------------------------------------------------------------------


def _ask_referral(command: ReferCase, context: ActContext) -> Ask:
    """A second person of the supervisor."""
    load_case(context, command.case)
    institution_with(context.uow.connection, context.programme, FIU)
    return second_pair(context)


@act(capacities=[SUPERVISES], approvals=_ask_referral, confidential=True, untold=True)
def refer_case(command: ReferCase, context: ActContext) -> Result:
    """Refer a case to the FIU.  Refuses `NotFound`, `CaseClosed`, `NobodyToAsk`."""
    row = load_case(context, command.case)
    connection, programme = context.uow.connection, context.programme
    to_desk = institution_with(connection, programme, FIU)
    number = unlike("REF")
    entry = step(context, row, "ReferCase", command.grounds, refers_to=number)
    identifier = new_id()
    # What two people referred is what is received, whatever the case cites by then.
    keep_rows(connection, programme, identifier, rows_of(connection, row.id))
    connection.execute(
        referral.insert().values(
            id=identifier,
            programme=programme,
            number=number,
            from_desk=context.actor.institution,
            from_case=row.id,
            to_desk=to_desk,
            subject=row.subject,
            grounds=command.grounds,
            risk=row.risk,
            **written(context, entry),
        )
    )
    _sent(context, row.id)
    return {"case": row.number, "referral": number}


@act(capacities=[FIU], confidential=True, untold=True)
def receive_referral(command: ReceiveReferral, context: ActContext) -> Result:
    """Open a case of the FIU from a referral.  Refuses `NotFound`, `AlreadyReceived`."""
    actor = desk_of(context)
    connection = context.uow.connection
    row = connection.execute(
        sql.select(referral)
        .where(
            referral.c.programme == context.programme,
            referral.c.number == command.referral,
            referral.c.to_desk == actor.institution,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="referral", value=command.referral)
    if row.received_on is not None:
        raise AlreadyReceived(referral=row.number, day=row.received_on)
    entry = journal_step(context, "ReceiveReferral", row.number, None)
    identifier, number = open_row(context, row.subject, row.grounds[:400], "referral", entry)
    keep_rows(connection, context.programme, identifier, rows_of(connection, row.id))
    connection.execute(sql.update(case).where(case.c.id == identifier).values(risk=row.risk))
    note_step(context, identifier, "ReceiveReferral", entry, text=row.grounds, refers_to=row.number)
    connection.execute(
        sql.update(referral)
        .where(referral.c.id == row.id)
        .values(to_case=identifier, received_on=context.business_date.isoformat())
    )
    return {"referral": row.number, "case": number}


# -- requests for information ---------------------------------------------------------------------


@act(capacities=[FIU], confidential=True, untold=True)
def request_information(command: RequestInformation, context: ActContext) -> Result:
    """Ask a provider.  Refuses `NotFound`, `CaseClosed`, `NotSupervised`."""
    row = load_case(context, command.case)
    connection, programme = context.uow.connection, context.programme
    if not is_provider(connection, programme, command.asked):
        raise NotSupervised(institution=command.asked)
    days = command.days or cases_of(connection, programme).clock("answer").days
    number = unlike("RFI")
    entry = step(context, row, "RequestInformation", command.question, refers_to=number)
    connection.execute(
        information_request.insert().values(
            id=new_id(),
            programme=programme,
            number=number,
            desk=context.actor.institution,
            case=row.id,
            asked=command.asked,
            question=command.question,
            days=days,
            **written(context, entry),
        )
    )
    return {"case": row.number, "request": number, "days": days}


@act(capacities=[REPORTS], confidential=True, untold=True)
def answer_information_request(command: AnswerInformationRequest, context: ActContext) -> Result:
    """Answer the FIU.  Refuses `NotFound` (also another's), `AlreadyAnswered`."""
    actor = desk_of(context)
    connection = context.uow.connection
    row = connection.execute(
        sql.select(information_request)
        .where(
            information_request.c.programme == context.programme,
            information_request.c.number == command.request,
            information_request.c.asked == actor.institution,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="request", value=command.request)
    if row.answered_on is not None:
        raise AlreadyAnswered(request=row.number, day=row.answered_on)
    entry = journal_step(context, "AnswerInformationRequest", row.number, command.answer)
    today = context.business_date.isoformat()
    connection.execute(
        sql.update(information_request)
        .where(information_request.c.id == row.id)
        .values(
            answer=command.answer,
            documents=list(command.documents),
            answered_on=today,
            answered_by=actor.person,
        )
    )
    note_step(
        context,
        row.case,
        "AnswerInformationRequest",
        entry,
        text=command.answer,
        refers_to=row.number,
    )
    return {"request": row.number, "answered_on": today}


# -- dissemination --------------------------------------------------------------------------------


def _ask_dissemination(command: Disseminate, context: ActContext) -> Ask:
    """A second person of the FIU."""
    load_case(context, command.case)
    _require_recipient(command, context)
    return second_pair(context)


@act(capacities=[FIU], approvals=_ask_dissemination, confidential=True, untold=True)
def disseminate(command: Disseminate, context: ActContext) -> Result:
    """Give an institution what was found.

    Refuses, in order: `NotFound` (case, institution), `CaseClosed`.
    """
    row = load_case(context, command.case)
    _require_recipient(command, context)
    number = unlike("DIS")
    entry = step(context, row, "Disseminate", command.text, refers_to=number)
    context.uow.connection.execute(
        dissemination.insert().values(
            id=new_id(),
            programme=context.programme,
            number=number,
            desk=context.actor.institution,
            case=row.id,
            recipient=command.recipient,
            text=command.text,
            digest=command.digest,
            **written(context, entry),
        )
    )
    _sent(context, row.id)
    return {"case": row.number, "dissemination": number}


def _require_recipient(command: Disseminate, context: ActContext) -> None:
    """An institution here that is neither the FIU nor a provider: nobody tips off whom it is on."""
    connection, programme = context.uow.connection, context.programme
    known = connection.execute(
        sql.select(institution.c.code).where(
            institution.c.programme == programme, institution.c.code == command.recipient
        )
    ).scalar_one_or_none()
    own = known == context.actor.institution
    if known is None or own or is_provider(connection, programme, command.recipient):
        raise NotFound(thing="institution", value=command.recipient)


def _sent(context: ActContext, case_id: str) -> None:
    """What the clock from suspicion to report waits for."""
    context.uow.connection.execute(
        sql.update(case)
        .where(case.c.id == case_id, case.c.reported_on.is_(None))
        .values(reported_on=context.business_date.isoformat())
    )
