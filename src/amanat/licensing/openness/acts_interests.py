"""Conflicts of interest: declared by oneself, or found by others; either shuts a provider's files.

Who is recused neither reads nor moves anything of that provider, from the commit on.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.access.tables import person
from amanat.core.errors import Forbidden, NotFound, Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.licensing.model import CONFIRMS, CONSULTED
from amanat.licensing.openness import events
from amanat.licensing.openness.commands import DeclareInterest, EndRecusal, Recuse
from amanat.licensing.openness.grounds import require_authority
from amanat.licensing.openness.tables import interest
from amanat.licensing.ordering import written
from amanat.licensing.records import find_provider
from amanat.licensing.stepping import approvers
from amanat.licensing.tables import recusal
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY


class RecusedAlready(Refusal):
    """A recusal stands until it is ended."""

    template: ClassVar[str] = "{person} is recused from the files of {provider} already."


class NotRecused(Refusal):
    """Only a recusal that stands is ended."""

    template: ClassVar[str] = "{person} is not recused from the files of {provider}."


@act(capacities=[AUTHORITY, CONSULTED, CONFIRMS, "auditor"], confidential=True)
def declare_interest(command: DeclareInterest, context: ActContext) -> Result:
    """Declare an interest of one's own.  Refuses, in order: `NotAProvider`, `RecusedAlready`."""
    find_provider(context.uow.connection, context.programme, command.provider)
    actor = context.actor
    entry = _enter(command, context, actor.person, actor.institution, own_word=True)
    return {"provider": command.provider, "recused": actor.person, "entry": entry}


def _ask_recusal(command: Recuse | EndRecusal, context: ActContext) -> Ask:
    """A second person of the authority, other than whom it is about."""
    require_authority(context)
    _person(command.person, context)
    if isinstance(command, EndRecusal):
        _standing(command, context)
    return second_person(context, f"licensing:{command.provider}")


@act(capacities=[AUTHORITY], approvals=_ask_recusal, confidential=True)
def recuse(command: Recuse, context: ActContext) -> Result:
    """Recuse a person of any institution.

    Refuses, in order: `NotClassAuthority`, `NotFound` (person), `NotAProvider`, `RecusedAlready`.
    """
    require_authority(context)
    row = _person(command.person, context)
    find_provider(context.uow.connection, context.programme, command.provider)
    entry = _enter(command, context, row.code, row.institution, own_word=False)
    return {"provider": command.provider, "recused": row.code, "entry": entry}


@act(capacities=[AUTHORITY], approvals=_ask_recusal, confidential=True)
def end_recusal(command: EndRecusal, context: ActContext) -> Result:
    """End a recusal; nobody ends their own.

    Refuses, in order: `NotClassAuthority`, `NotFound` (person), `Forbidden`, `NotRecused`.
    """
    require_authority(context)
    row = _person(command.person, context)
    if row.code in (context.actor.person, *approvers(context)):
        raise Forbidden(
            actor=context.actor,
            act=Message("end the recusal of {person}", person=row.code),
            reason=Message("nobody ends their own recusal"),
        )
    standing = _standing(command, context)
    entry = context.uow.journal.append(
        events.RECUSAL_ENDED,
        {
            "provider": command.provider,
            "of_institution": row.institution,
            "reason": command.reason,
            "recused": row.code,
        },
        subject=f"licensing:{command.provider}",
        cause=standing.entry,
    )
    connection = context.uow.connection
    connection.execute(
        sql.update(recusal)
        .where(recusal.c.id == standing.id)
        .values(ended_on=context.business_date.isoformat())
    )
    connection.execute(
        sql.update(interest)
        .where(interest.c.recusal == standing.id)
        .values(ended_entry=entry, end_reason=command.reason)
    )
    return {"provider": command.provider, "recused": row.code, "entry": entry}


def _person(code: str, context: ActContext) -> Row[Any]:
    row = context.uow.connection.execute(
        sql.select(person).where(person.c.programme == context.programme, person.c.code == code)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="person", value=code)
    return row


def _recusals(context: ActContext, who: str, provider: str) -> Row[Any] | None:
    return context.uow.connection.execute(
        sql.select(recusal).where(
            recusal.c.programme == context.programme,
            recusal.c.recused == who,
            recusal.c.provider == provider,
            recusal.c.ended_on.is_(None),
        )
    ).one_or_none()


def _standing(command: EndRecusal, context: ActContext) -> Row[Any]:
    row = _recusals(context, command.person, command.provider)
    if row is None:
        raise NotRecused(person=command.person, provider=command.provider)
    return row


def _enter(
    command: DeclareInterest | Recuse,
    context: ActContext,
    who: str,
    of_institution: str,
    *,
    own_word: bool,
) -> str:
    if _recusals(context, who, command.provider) is not None:
        raise RecusedAlready(person=who, provider=command.provider)
    entry = context.uow.journal.append(
        events.INTEREST_DECLARED,
        {
            "provider": command.provider,
            "nature": command.nature.value,
            "of_institution": of_institution,
            "own_word": own_word,
            "recused": who,
            "reason": command.reason,
        },
        subject=f"licensing:{command.provider}",
    )
    identifier = new_id()
    connection = context.uow.connection
    connection.execute(
        recusal.insert().values(
            id=identifier,
            programme=context.programme,
            recused=who,
            provider=command.provider,
            reason=command.reason,
            **written(context, entry),
        )
    )
    connection.execute(
        interest.insert().values(
            recusal=identifier,
            programme=context.programme,
            nature=command.nature.value,
            of_institution=of_institution,
            own_word=own_word,
        )
    )
    return entry
