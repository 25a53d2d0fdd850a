"""Rulebooks: drafted, consulted on with everyone, answered, brought into force by version."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.licensing.openness import events
from amanat.licensing.openness.commands import (
    AnswerComment,
    BringIntoForce,
    ConsultOnRulebook,
    DraftRulebook,
    WithdrawDraft,
)
from amanat.licensing.openness.grounds import require_authority
from amanat.licensing.openness.rulebooks import (
    CONSULTED_DAYS_MIN,
    RulebookState,
    find_version,
    require_state,
)
from amanat.licensing.openness.tables import rulebook_comment, rulebook_version
from amanat.licensing.ordering import written
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY


class VersionUnderWay(Refusal):
    """One version of a rulebook is made at a time."""

    template: ClassVar[str] = "{rulebook}/{version} is {state}: finish or withdraw it first."


class ConsultationTooShort(Invalid):
    """A public consultation gives people time."""

    template: ClassVar[str] = "A consultation until {until} lasts {days} days, at least {least}."


class ConsultationOpenStill(Refusal):
    """Nothing comes into force while people may still comment on it."""

    template: ClassVar[str] = "Comments on {rulebook}/{version} are taken until {until}."


class CommentsUnanswered(Refusal):
    """Every comment is answered before the rules that it is about come into force."""

    template: ClassVar[str] = "{count} comments on {rulebook}/{version} are unanswered: {numbers}."


class CommentAnswered(Refusal):
    """A comment is answered once, in public."""

    template: ClassVar[str] = "Comment {number} was answered on {answered_on}."


class InForceTooEarly(Invalid):
    """Rules do not reach back."""

    template: ClassVar[str] = "{from_day} lies before the business date {business_date}."


@act(capacities=[AUTHORITY])
def draft_rulebook(command: DraftRulebook, context: ActContext) -> Result:
    """Draft the next version.  Refuses `NotClassAuthority`, `VersionUnderWay`."""
    require_authority(context)
    connection = context.uow.connection
    rows = connection.execute(
        sql.select(rulebook_version)
        .where(
            rulebook_version.c.programme == context.programme,
            rulebook_version.c.rulebook == command.rulebook,
        )
        .order_by(rulebook_version.c.version)
    ).all()
    for row in rows:
        if row.state in (RulebookState.DRAFT, RulebookState.CONSULTATION):
            raise VersionUnderWay(rulebook=row.rulebook, version=row.version, state=Word(row.state))
    version = (rows[-1].version if rows else 0) + 1
    stated = _digest(command.text)
    entry = context.uow.journal.append(
        events.RULEBOOK_DRAFTED,
        {
            "rulebook": command.rulebook,
            "version": version,
            "title": command.title,
            "text_digest": stated,
        },
        subject=f"rulebook:{command.rulebook}",
    )
    connection.execute(
        rulebook_version.insert().values(
            id=new_id(),
            programme=context.programme,
            rulebook=command.rulebook,
            version=version,
            title=command.title,
            text=command.text,
            digest=stated,
            state=RulebookState.DRAFT.value,
            **written(context, entry),
        )
    )
    return {"rulebook": command.rulebook, "version": version, "entry": entry}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _ask_consultation(command: ConsultOnRulebook, context: ActContext) -> Ask:
    """A second person of the authority."""
    _check_consultation(command, context)
    return second_person(context, f"rulebook:{command.rulebook}")


def _check_consultation(command: ConsultOnRulebook, context: ActContext) -> Row[Any]:
    row = _version(command, context)
    require_state(row, RulebookState.DRAFT)
    days = (command.until - context.business_date).days
    if days < CONSULTED_DAYS_MIN:
        raise ConsultationTooShort(until=command.until, days=days, least=CONSULTED_DAYS_MIN)
    return row


def _version(
    command: ConsultOnRulebook | AnswerComment | BringIntoForce | WithdrawDraft,
    context: ActContext,
) -> Row[Any]:
    require_authority(context)
    return find_version(
        context.uow.connection, context.programme, command.rulebook, command.version, lock=True
    )


@act(capacities=[AUTHORITY], approvals=_ask_consultation)
def consult_on_rulebook(command: ConsultOnRulebook, context: ActContext) -> Result:
    """Let everyone comment.

    Refuses, in order: `NotClassAuthority`, `NotFound`, `NotInState`, `ConsultationTooShort`.
    """
    row = _check_consultation(command, context)
    entry = context.uow.journal.append(
        events.RULEBOOK_CONSULTED,
        {
            "rulebook": row.rulebook,
            "version": row.version,
            "until": command.until.isoformat(),
        },
        subject=f"rulebook:{row.rulebook}",
    )
    _set(
        context,
        row,
        state=RulebookState.CONSULTATION.value,
        consulted_from=context.business_date.isoformat(),
        consulted_until=command.until.isoformat(),
    )
    return {"rulebook": row.rulebook, "version": row.version, "entry": entry}


def _set(context: ActContext, row: Row[Any], **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(rulebook_version).where(rulebook_version.c.id == row.id).values(**values)
    )


@act(capacities=[AUTHORITY])
def answer_comment(command: AnswerComment, context: ActContext) -> Result:
    """Answer a comment in public.

    Refuses, in order: `NotClassAuthority`, `NotFound`, `NotInState`, `CommentAnswered`.
    """
    row = _version(command, context)
    require_state(row, RulebookState.CONSULTATION)
    table = rulebook_comment
    comment = context.uow.connection.execute(
        sql.select(table).where(table.c.version == row.id, table.c.number == command.number)
    ).one_or_none()
    if comment is None:
        raise NotFound(thing="comment", value=str(command.number))
    if comment.answered_on is not None:
        raise CommentAnswered(
            number=comment.number, answered_on=date.fromisoformat(comment.answered_on)
        )
    entry = context.uow.journal.append(
        events.COMMENT_ANSWERED,
        {
            "rulebook": row.rulebook,
            "version": row.version,
            "number": comment.number,
            "accepted": command.accepted,
            "digest": digest({"answer": command.answer}).hex(),
        },
        subject=f"rulebook:{row.rulebook}",
        cause=comment.entry,
    )
    context.uow.connection.execute(
        sql.update(table)
        .where(table.c.id == comment.id)
        .values(
            answer=command.answer,
            accepted=command.accepted,
            answered_on=context.business_date.isoformat(),
            answer_entry=entry,
        )
    )
    return {"rulebook": row.rulebook, "version": row.version, "entry": entry}


def _ask_force(command: BringIntoForce, context: ActContext) -> Ask:
    """A second person of the authority."""
    _check_force(command, context)
    return second_person(context, f"rulebook:{command.rulebook}")


def _check_force(command: BringIntoForce, context: ActContext) -> Row[Any]:
    row = _version(command, context)
    require_state(row, RulebookState.CONSULTATION)
    until = date.fromisoformat(row.consulted_until)
    if context.business_date <= until:
        raise ConsultationOpenStill(rulebook=row.rulebook, version=row.version, until=until)
    refused = Refused()
    if command.from_day < context.business_date:
        refused.add(InForceTooEarly(from_day=command.from_day, business_date=context.business_date))
    table = rulebook_comment
    waiting = context.uow.connection.execute(
        sql.select(table.c.number)
        .where(table.c.version == row.id, table.c.answered_on.is_(None))
        .order_by(table.c.number)
    ).scalars()
    numbers = list(waiting)
    if numbers:
        refused.add(
            CommentsUnanswered(
                count=len(numbers),
                rulebook=row.rulebook,
                version=row.version,
                numbers=", ".join(str(one) for one in numbers[:20]),
            )
        )
    refused.raise_if_any()
    return row


@act(capacities=[AUTHORITY], approvals=_ask_force)
def bring_into_force(command: BringIntoForce, context: ActContext) -> Result:
    """Bring a version into force; the draft's text stays known by its digest in the journal.

    Refuses, in order: `NotClassAuthority`, `NotFound`, `NotInState`, `ConsultationOpenStill`; then
    all at once `InForceTooEarly`, `CommentsUnanswered`.
    """
    row = _check_force(command, context)
    text = row.text if command.text is None else command.text
    entry = context.uow.journal.append(
        events.RULEBOOK_IN_FORCE,
        {
            "rulebook": row.rulebook,
            "version": row.version,
            "from_day": command.from_day.isoformat(),
            "text_digest": _digest(text),
            "summary": command.summary,
        },
        subject=f"rulebook:{row.rulebook}",
    )
    _set(
        context,
        row,
        state=RulebookState.ADOPTED.value,
        in_force_from=command.from_day.isoformat(),
        text=text,
        digest=_digest(text),
        summary=command.summary,
    )
    return {"rulebook": row.rulebook, "version": row.version, "entry": entry}


@act(capacities=[AUTHORITY])
def withdraw_draft(command: WithdrawDraft, context: ActContext) -> Result:
    """Withdraw a version.  Refuses, in order: `NotClassAuthority`, `NotFound`, `NotInState`."""
    row = _version(command, context)
    require_state(row, RulebookState.DRAFT, RulebookState.CONSULTATION)
    entry = context.uow.journal.append(
        events.RULEBOOK_WITHDRAWN,
        {"rulebook": row.rulebook, "version": row.version, "reason": command.reason},
        subject=f"rulebook:{row.rulebook}",
    )
    _set(context, row, state=RulebookState.WITHDRAWN.value, summary=command.reason)
    return {"rulebook": row.rulebook, "version": row.version, "entry": entry}
