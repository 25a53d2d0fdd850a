"""Decides hits: another person by one officer, the listed one by two; each until a day."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.participants.acts_people import second_person
from amanat.supervision.screening import events
from amanat.supervision.screening.acts_lists import SCREENS, screening_pack, written
from amanat.supervision.screening.commands import ConfirmHit, DismissHit, Verdict
from amanat.supervision.screening.model import (
    DECIDED,
    AlreadyDecided,
    ExpiryOutOfRange,
    HitState,
    day_after,
)
from amanat.supervision.screening.tables import disposition, hit


def find_hit(connection: Connection, programme: str, identifier: str) -> Row[Any]:
    """The row of a hit.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(hit).where(hit.c.programme == programme, hit.c.id == identifier)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="hit", value=identifier)
    return row


def standing(row: Row[Any], day: date) -> str:
    """How a hit stands on a day: what was decided lapses after its last day by itself."""
    lapsed = row.decided_until is not None and row.decided_until < day.isoformat()
    return HitState.OPEN.value if lapsed and row.state in DECIDED else str(row.state)


def require_until(what: str, day: date, business_date: date, days_max: int) -> None:
    """Refuse `ExpiryOutOfRange`: a last day that is not to come, or too far off."""
    first, last = day_after(business_date, 1), day_after(business_date, days_max)
    if not first <= day <= last:
        raise ExpiryOutOfRange(what=Word(what), day=day, first=first, last=last)


def _check(command: DismissHit | ConfirmHit, context: ActContext) -> Row[Any]:
    row = find_hit(context.uow.connection, context.programme, command.hit)
    state = standing(row, context.business_date)
    if state != HitState.OPEN.value:
        raise AlreadyDecided(hit=row.id, state=Word(state))
    pack = screening_pack(context)
    confirms = isinstance(command, ConfirmHit)
    most = pack.true_match_days_max if confirms else pack.false_match_days_max
    require_until("decision", command.until, context.business_date, most)
    return row


@act(capacities=SCREENS, confidential=True, untold=True)
def dismiss_hit(command: DismissHit, context: ActContext) -> Result:
    """Decide for another person.  Refuses `NotFound`, `AlreadyDecided`, `ExpiryOutOfRange`."""
    return _decide(command, context, _check(command, context), Verdict.FALSE_MATCH, None)


def _ask_confirm(command: ConfirmHit, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    row = _check(command, context)
    return second_person(context, f"screening:{row.id}")


@act(capacities=SCREENS, approvals=_ask_confirm, confidential=True, untold=True)
def confirm_hit(command: ConfirmHit, context: ActContext) -> Result:
    """Decide for the listed one.  Refuses as `dismiss_hit`."""
    row = _check(command, context)
    second = next(
        (one.person for one in context.approved.given if one.person != context.actor.person), None
    )
    return _decide(command, context, row, Verdict.TRUE_MATCH, second)


def _decide(
    command: DismissHit | ConfirmHit,
    context: ActContext,
    row: Row[Any],
    verdict: Verdict,
    second: str | None,
) -> Result:
    entry = context.uow.journal.append(
        events.HIT_DECIDED,
        {
            "hit": row.id,
            "party": row.party,
            "list": row.list,
            "reference": row.reference,
            "verdict": verdict.value,
            "until": command.until.isoformat(),
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=f"screening:{row.id}",
    )
    context.uow.connection.execute(
        disposition.insert().values(
            id=new_id(),
            programme=context.programme,
            hit=row.id,
            verdict=verdict.value,
            reason=command.reason,
            until=command.until.isoformat(),
            evidence_digest=row.evidence_digest,
            approved_by=second,
            **written(context, entry),
        )
    )
    context.uow.connection.execute(
        sql.update(hit)
        .where(hit.c.id == row.id)
        .values(state=verdict.value, decided_until=command.until.isoformat())
    )
    return {"hit": row.id, "verdict": verdict.value, "entry": entry}
