"""Moves the programme's day, halts and resumes."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.things import Things
from amanat.ledger.typed_data import ContractId
from amanat.participants import things
from amanat.participants.model import ChangePending
from amanat.participants.records import institutions_with
from amanat.participants.signing import ToSign, act_number, to_sign
from amanat.programme import events
from amanat.programme.commands import Halt, MoveDay, Resume
from amanat.programme.model import (
    DayAheadOfTime,
    Halted,
    NotHalted,
    ProgrammeDay,
    UnknownScope,
    reason_word,
)
from amanat.programme.records import (
    calendar_of,
    find_programme,
    find_security,
    programme_day,
)
from amanat.programme.tables import day_move, halt

SCOPES = {
    "programme": ContractId.PROGRAMME,
    "cash": ContractId.CASH,
    "orders": ContractId.ORDERS,
    "settlement": ContractId.SETTLEMENT,
    "payments": ContractId.PAYMENTS,
    "tenders": ContractId.TENDER,
}
"""What can be halted besides securities, and its number on the ledger."""


# -- the day --------------------------------------------------------------------------------------


def _ask_move(command: MoveDay, context: ActContext) -> Ask:
    """Two institutions that keep the day sign: the proposer for one, an approver of another."""
    _check_move(command, context)
    signed = to_sign(context, "BusinessDay", "DayAdvance", **_advance(command))
    return Ask(
        _two_institutions(context, signed, "day_keeper"),
        memo={"epoch": signed.epoch},
        subject=f"programme:{command.business_date.isoformat()}",
    )


@act(capacities=["day_keeper"], approvals=_ask_move)
def move_day(command: MoveDay, context: ActContext) -> Result:
    """Order the programme to another phase or to a later day, signed by two institutions.

    Refuses, in order: `ChangePending`, `DayNotForward`, `DateOutsideCalendar`, `NotBusinessDay`,
    `DayAheadOfTime`.
    """
    today = _check_move(command, context)
    day = command.business_date
    unconfirmed = calendar_of(context.uow.connection, context.programme).unconfirmed(day, day)
    entry = context.uow.journal.append(
        events.DAY_MOVE_REQUESTED,
        {
            "former_date": today.day.isoformat(),
            "former_phase": today.phase.value,
            "to_date": day.isoformat(),
            "to_phase": command.phase.value,
            "unconfirmed_days": [one.name for one in unconfirmed],
        },
        subject=f"programme:{day.isoformat()}",
    )
    order = context.uow.orders.request(
        "move_day",
        context.programme,
        "BusinessDay",
        "advance",
        [
            {"epoch": context.approved.memo["epoch"]} | _advance(command),
            context.approved.signatures(),
        ],
        subject=("programme", day.isoformat()),
        cause=entry,
        things=Things(changes=[things.DAY]),
    )
    context.uow.connection.execute(
        day_move.insert().values(
            id=new_id(),
            programme=context.programme,
            business_date=day.isoformat(),
            phase=command.phase.value,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"business_date": day.isoformat(), "phase": command.phase.value, "order": order,
            "entry": entry}  # fmt: skip


def _check_move(command: MoveDay, context: ActContext) -> ProgrammeDay:
    connection, programme = context.uow.connection, context.programme
    today = programme_day(connection, programme)
    if today is None:
        raise NotFound(thing="first business day of", value=programme)
    under_way = connection.execute(
        sql.select(day_move).where(
            day_move.c.programme == programme,
            day_move.c.done_at.is_(None),
            day_move.c.refused_at.is_(None),
        )
    ).first()
    if under_way is not None:
        pending = f"the move to {under_way.business_date}, {under_way.phase}"
        raise ChangePending(
            thing=Message("programme {programme}", programme=programme), pending=pending
        )
    to = ProgrammeDay(command.business_date, command.phase)
    refusal = today.refuse_move(to, calendar_of(connection, programme))
    if refusal is not None:
        raise refusal
    row = find_programme(connection, programme)
    node_date = context.now.astimezone(ZoneInfo(row.zone)).date()
    if command.business_date > node_date and not row.simulation:
        raise DayAheadOfTime(day=command.business_date, node_date=node_date)
    return today


def _advance(command: MoveDay) -> dict[str, int]:
    return {
        "day": business_day_from_date(command.business_date),
        "phase": command.phase.number,
    }


# -- halts ----------------------------------------------------------------------------------------


def _ask_halt(command: Halt, context: ActContext) -> Ask:
    """A second person of the guardian's institution signs."""
    _check_halt(command, context)
    number, signed = _halt_to_sign(context, command.scope, command.reason, halted=True)
    return Ask(
        [signed.requirement(context.actor.institution, "guardian")],
        memo={"number": number, "epoch": signed.epoch},
        subject=f"programme:{command.scope}",
    )


@act(capacities=["guardian"], approvals=_ask_halt)
def halt_scope(command: Halt, context: ActContext) -> Result:
    """Order a halt; it binds here from now.  Refuses, in order: `UnknownScope`, `Halted`."""
    contract_id = _check_halt(command, context)
    entry = context.uow.journal.append(
        events.HALT_REQUESTED,
        {"scope": command.scope, "reason": command.reason},
        subject=f"programme:{command.scope}",
    )
    order = _order_halt(context, "halt", contract_id, command.scope, command.reason, True, entry)
    former = _standing_halt(context, command.scope)
    if former is not None:
        context.uow.connection.execute(
            sql.update(halt).where(halt.c.id == former.id).values(order_id=order, refusal=None)
        )
        return {"scope": command.scope, "order": order, "entry": entry}
    context.uow.connection.execute(
        halt.insert().values(
            id=new_id(),
            programme=context.programme,
            scope=command.scope,
            reason=command.reason,
            order_id=order,
            requested_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"scope": command.scope, "order": order, "entry": entry}


def _check_halt(command: Halt, context: ActContext) -> int:
    contract_id = _contract_id(context, command.scope)
    standing = _standing_halt(context, command.scope)
    # One that the ledger refused binds here alone: it may be ordered again.
    if standing is not None and (standing.done_at is not None or standing.refusal is None):
        raise Halted(scope=command.scope, since=standing.requested_at, reason=standing.reason)
    return contract_id


def _ask_resume(command: Resume, context: ActContext) -> Ask:
    """Two guardian institutions sign: the proposer for one, an approver of another."""
    _check_resume(command, context)
    number, signed = _halt_to_sign(context, command.scope, command.reason, halted=False)
    return Ask(
        _two_institutions(context, signed, "guardian"),
        memo={"number": number, "epoch": signed.epoch},
        subject=f"programme:{command.scope}",
    )


@act(capacities=["guardian"], approvals=_ask_resume)
def resume_scope(command: Resume, context: ActContext) -> Result:
    """Order a halt to be lifted, signed by two guardians; it binds until the ledger has done so.

    Refuses, in order: `UnknownScope`, `NotHalted`, `ChangePending`.
    """
    standing = _check_resume(command, context)
    contract_id = _contract_id(context, command.scope)
    entry = context.uow.journal.append(
        events.RESUME_REQUESTED,
        {"scope": command.scope, "reason": command.reason},
        subject=f"programme:{command.scope}",
    )
    order = _order_halt(context, "resume", contract_id, command.scope, command.reason, False, entry)
    context.uow.connection.execute(
        sql.update(halt)
        .where(halt.c.id == standing.id)
        .values(resume_order=order, resume_requested_at=context.now.isoformat())
    )
    return {"scope": command.scope, "order": order, "entry": entry}


def _check_resume(command: Resume, context: ActContext) -> Row[Any]:
    _contract_id(context, command.scope)
    standing = _standing_halt(context, command.scope)
    if standing is None:
        raise NotHalted(scope=command.scope)
    if standing.done_at is None:
        raise ChangePending(thing=command.scope, pending="its halt")
    if standing.resume_requested_at is not None:
        raise ChangePending(thing=command.scope, pending="its resumption")
    return standing


def _standing_halt(context: ActContext, scope: str) -> Row[Any] | None:
    return context.uow.connection.execute(
        sql.select(halt)
        .where(
            halt.c.programme == context.programme,
            halt.c.scope == scope,
            halt.c.refused_at.is_(None),
            halt.c.resumed_at.is_(None),
        )
        .order_by(halt.c.id)
        .limit(1)
    ).one_or_none()


def _contract_id(context: ActContext, scope: str) -> int:
    if scope in SCOPES:
        return int(SCOPES[scope])
    try:
        return int(find_security(context.uow.connection, context.programme, scope).number)
    except NotFound:
        raise UnknownScope(scope=scope) from None


def _halt_to_sign(
    context: ActContext, scope: str, reason: str, *, halted: bool
) -> tuple[int, ToSign]:
    number = act_number(context)
    signed = to_sign(
        context,
        "Programme",
        "Halt",
        number=number,
        contract_id=_contract_id(context, scope),
        halted=halted,
        reason=reason_word(reason),
    )
    return number, signed


def _order_halt(
    context: ActContext,
    kind: str,
    contract_id: int,
    scope: str,
    reason: str,
    halted: bool,
    entry: str,
) -> str:
    memo = context.approved.memo
    struct = {
        "number": memo["number"],
        "epoch": memo["epoch"],
        "contract_id": contract_id,
        "halted": halted,
        "reason": reason_word(reason),
    }
    order: str = context.uow.orders.request(
        kind,
        context.programme,
        "Programme",
        "set_halt",
        [struct, context.approved.signatures()],
        subject=("programme", scope),
        cause=entry,
        things=Things(),
    )
    return order


def _two_institutions(context: ActContext, signed: ToSign, capacity: str) -> list[Requirement]:
    """The proposer's institution, whose proposer signs, and the next one with the capacity."""
    own = context.actor.institution
    others = [
        row.code
        for row in institutions_with(context.uow.connection, context.programme, capacity)
        if row.code != own
    ]
    return [
        signed.requirement(own, capacity, proposer_counts=True),
        signed.requirement(others[0], capacity),
    ]
