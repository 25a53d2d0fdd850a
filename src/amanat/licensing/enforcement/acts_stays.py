"""Urgent suspensions that end by themselves, and stays by courts.

A stay restores in one act what was taken and erases nothing: the suspension, revocation or order
stands in the history, and binds again when the stay ends.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import Invalid, Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.licensing.deriving import Held, standing_from
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.commands import (
    CarryOutLapse,
    EndStay,
    RecordStay,
    SuspendUrgently,
)
from amanat.licensing.enforcement.lapses import (
    ask_with_return,
    context_of,
    first_signed,
    keep_return,
    open_lapses,
    with_plan,
)
from amanat.licensing.enforcement.tables import stay
from amanat.licensing.model import Change, DayOutOfRange
from amanat.licensing.ordering import Move, New, ask_moves, carry_moves, written
from amanat.licensing.standing import changes_of, granted_of
from amanat.licensing.stepping import (
    OnProvider,
    Stepped,
    approvers,
    held_licence,
    load_provider_step,
    load_step,
    open_file,
    record_step,
    require_approvers_apart,
    require_no_conflict,
)
from amanat.licensing.tables import (
    permission,
    permission_change,
)
from amanat.participants.acts_people import second_person
from amanat.participants.model import ChangePending
from amanat.participants.signing import AUTHORITY
from amanat.store.uow import UnitOfWork

INTERIM_DAYS_MAX = 30
"""Calendar days that an urgent suspension lasts at most; of no published source."""
_PLANNED = "planned"


class InterimTooLong(Invalid):
    """Who has not been heard is suspended for a short time only."""

    template: ClassVar[str] = "An urgent suspension ends by {latest}, not on {until}."


class NotLapsed(Refusal):
    """Only an urgent suspension whose last day is over lapses."""

    template: ClassVar[str] = "{file} is no urgent suspension whose last day is over."


# -- urgent suspension ----------------------------------------------------------------------------


def _check_urgent(
    command: SuspendUrgently, context: ActContext, file_id: str
) -> tuple[OnProvider, list[Move]]:
    on = load_provider_step(context, command.provider, "SuspendUrgently", kind="suspension")
    today = context.business_date
    if command.until <= today:
        raise DayOutOfRange(what=Word("last day"), day=command.until, business_date=today)
    latest = today + timedelta(days=INTERIM_DAYS_MAX)
    if command.until > latest:
        raise InterimTooLong(until=command.until, latest=latest)
    held = held_licence(on.standing, command.category)
    move = Move(
        change=Change.SUSPEND,
        reason=command.reason,
        citation=on.law,
        permission=held.id if held else None,
        level=on.pack.suspension(command.level).code,
        suspension=file_id,
        accounts=command.accounts.value if command.accounts else None,
        expires_on=command.until,
        file=file_id,
    )
    return on, [move]


def _ask_urgent(command: SuspendUrgently, context: ActContext) -> Ask:
    """One key of the authority where the ledger has to say it, by a second person.

    What the ledger is told after the last day is signed with it by both.
    """
    _on, moves = _check_urgent(command, context, _PLANNED)
    return ask_with_return(context, command.provider, moves, command.until)


@act(capacities=[AUTHORITY], approvals=_ask_urgent, confidential=True)
def suspend_urgently(command: SuspendUrgently, context: ActContext) -> Result:
    """Suspend at once; the day after its last one undoes it, here and on the ledger.

    Refuses, in order: `NotAProvider`, as the path does, `DayOutOfRange`, `InterimTooLong`,
    `PermissionNotHeld`, `NotFound` (level), `ChangePending`, `StandingMoved`.
    """
    on, _moves = _check_urgent(command, context, _PLANNED)
    require_no_conflict(context, command.provider, approvers(context))
    categories = [command.category] if command.category else []
    identifier, number, _entry = open_file(
        context, on, categories=categories, reason=command.reason
    )
    _on, moves = _check_urgent(command, context, identifier)
    carried = carry_moves(first_signed(context), command.provider, moves)
    keep_return(context, command.provider, identifier, command.until)
    return {"file": number, "until": command.until.isoformat(), "order": carried.order}


def _check_lapse(command: CarryOutLapse, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "CarryOutLapse")
    last = context.uow.connection.execute(
        sql.select(permission_change.c.expires_on).where(
            permission_change.c.suspension == stepped.row.id,
            permission_change.c.change == Change.SUSPEND.value,
        )
    ).scalars()
    days = [one for one in last if one is not None]
    if not days or max(days) >= context.business_date.isoformat():
        raise NotLapsed(file=stepped.row.number)
    return stepped, [lifting(stepped, f"its last day was {max(days)}")]


def lifting(stepped: Stepped, reason: str) -> Move:
    """The move that ends the suspension of a file."""
    return Move(
        change=Change.LIFT,
        reason=reason,
        citation=stepped.law,
        suspension=stepped.row.id,
        file=stepped.row.id,
    )


def _ask_lapse(command: CarryOutLapse, context: ActContext) -> Ask:
    """Two keys of the authority where the ledger has to say it; else a second person."""
    stepped, moves = _check_lapse(command, context)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_lapse, confidential=True)
def carry_out_lapse(command: CarryOutLapse, context: ActContext) -> Result:
    """Let the ledger follow what has lapsed.  Refuses as the path does, then `NotLapsed`."""
    stepped, moves = _check_lapse(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped, moves[0].reason)
    carried = carry_moves(context, stepped.row.provider, moves)
    return {"file": stepped.row.number, "order": carried.order, "entry": carried.entry}


def carry_out_lapses(uow: UnitOfWork, programme: str, day: date, now: datetime) -> int:
    """Carry out every end that came by itself before `day`; how many there were.

    What the ledger needs and nobody has signed, or awaits an earlier change, stays open.
    """
    count = 0
    for row in open_lapses(uow.connection, programme, day):
        context = context_of(uow, programme, day, now, row)
        stepped = load_step(context, row.case, "CarryOutLapse")
        move = lifting(stepped, f"its last day was {row.until}")
        try:
            ready = with_plan(context, row, move)
        except ChangePending:
            ready = None
        if ready is not None:
            record_step(ready, stepped, move.reason)
            carry_moves(ready, row.provider, [move])
            count += 1
    return count


# -- stays ----------------------------------------------------------------------------------------


def _check_stay(command: RecordStay, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "RecordStay")
    reason = f"stayed by {command.court}, {command.reference}"
    if stepped.row.kind == "suspension":
        return stepped, [lifting(stepped, reason)]
    if stepped.row.kind == "revocation":
        return stepped, [given_back(stepped, one, reason) for one in taken(context, stepped)]
    return stepped, []


def _revocation(context: ActContext, stepped: Stepped) -> Row[Any]:
    """The change by which a revocation took what it took: of the same moment as its file."""
    table = permission_change
    row: Row[Any] = context.uow.connection.execute(
        sql.select(table).where(
            table.c.programme == context.programme,
            table.c.provider == stepped.row.provider,
            table.c.change == Change.REVOKE.value,
            table.c.requested_at == stepped.row.recorded_at,
        )
    ).one()
    return row


def taken(context: ActContext, stepped: Stepped) -> list[Held]:
    """The permissions that a revocation ended, as they stood before it."""
    connection, programme = context.uow.connection, context.programme
    code, taken = stepped.row.provider, _revocation(context, stepped)
    before = standing_from(
        stepped.pack,
        code,
        granted_of(connection, programme, [code]).get(code, []),
        [one for one in changes_of(connection, programme, [code])[code] if one.order < taken.id],
        date.fromisoformat(taken.effective_on),
    )
    return [one for one in before.held if taken.permission in (None, one.id)]


def given_back(stepped: Stepped, held: Held, reason: str) -> Move:
    """The same permission again, under a number of its own, with its last day."""
    return Move(
        change=Change.GRANT,
        reason=reason,
        citation=stepped.law,
        grants=New(held.kind, held.categories, stepped.row.id),
        expires_on=held.expires_on,
        file=stepped.row.id,
    )


def _ask_stay(command: RecordStay, context: ActContext) -> Ask:
    """Two keys of the authority where the ledger has to say it; else a second person."""
    stepped, moves = _check_stay(command, context)
    if not moves:
        return second_person(context, stepped.subject)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_stay, confidential=True)
def record_stay(command: RecordStay, context: ActContext) -> Result:
    """Carry out a stay: what was taken is given back, in one act.

    Refuses as the path does, `ChangePending`, `StandingMoved`; `Conflicted` to an approver.
    """
    stepped, moves = _check_stay(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped, command.reason)
    done: Result = {"file": stepped.row.number, "stage": stepped.step.to}
    if moves:
        carried = carry_moves(context, stepped.row.provider, moves)
        done |= {"permissions": list(carried.numbers), "order": carried.order}
    entry = context.uow.journal.append(
        events.STAYED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "court": command.court,
            "reference": command.reference,
            "reason": command.reason,
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        stay.insert().values(
            id=new_id(),
            programme=context.programme,
            file=stepped.row.id,
            court=command.court,
            reference=command.reference,
            reason=command.reason,
            **written(context, entry),
        )
    )
    return done | {"entry": entry}


def _check_end(command: EndStay, context: ActContext) -> tuple[Stepped, list[Move]]:
    stepped = load_step(context, command.file, "EndStay")
    move = Move(
        change=Change.REVOKE,
        reason=f"the stay ended, {command.reference}",
        citation=stepped.law,
        file=stepped.row.id,
    )
    connection, table = context.uow.connection, permission_change
    if stepped.row.kind == "suspension":
        first = connection.execute(
            sql.select(table)
            .where(table.c.suspension == stepped.row.id, table.c.change == Change.SUSPEND.value)
            .order_by(table.c.id)
            .limit(1)
        ).one()
        again = replace(
            move,
            change=Change.SUSPEND,
            permission=first.permission,
            level=first.level,
            accounts=first.accounts,
            suspension=stepped.row.id,
            expires_on=date.fromisoformat(first.expires_on) if first.expires_on else None,
        )
        return stepped, [again]
    if stepped.row.kind == "revocation":
        back = connection.execute(
            sql.select(permission.c.id).where(permission.c.file == stepped.row.id)
        ).scalars()
        held = {one.id for one in stepped.standing.held}
        return stepped, [replace(move, permission=one) for one in back if one in held]
    return stepped, []


def _ask_end(command: EndStay, context: ActContext) -> Ask:
    """One key of the authority where the ledger has to say it, by a second person."""
    stepped, moves = _check_end(command, context)
    if not moves:
        return second_person(context, stepped.subject)
    return ask_moves(context, stepped.row.provider, moves)


@act(capacities=[AUTHORITY], approvals=_ask_end, confidential=True)
def end_stay(command: EndStay, context: ActContext) -> Result:
    """Carry out the end of a stay.  Refuses as the path does, `StandingMoved`."""
    stepped, moves = _check_end(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped, command.reason)
    done: Result = {"file": stepped.row.number, "stage": stepped.step.to}
    if moves:
        done["order"] = carry_moves(context, stepped.row.provider, moves).order
    entry = context.uow.journal.append(
        events.STAY_ENDED,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "reference": command.reference,
            "reason": command.reason,
        },
        subject=stepped.subject,
    )
    context.uow.connection.execute(
        sql.update(stay)
        .where(stay.c.file == stepped.row.id, stay.c.ended_on.is_(None))
        .values(
            ended_on=context.business_date.isoformat(),
            ended_entry=entry,
            end_reason=command.reason,
        )
    )
    return done | {"entry": entry}
