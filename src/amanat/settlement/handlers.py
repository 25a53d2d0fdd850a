"""What the ledger's final events mean for instructions, cycles, claims and cash.

One event tells of a whole batch, so its instructions change with one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sql

from amanat.access.effects import as_json
from amanat.auctions.tables import allotment
from amanat.core.messages import Message
from amanat.ledger import refusals
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.participants.handlers import block_time
from amanat.settlement.model import InstructionState, Purpose
from amanat.settlement.records import fail_in_words
from amanat.settlement.tables import cash_movement, claim, cycle, instruction
from amanat.store.uow import UnitOfWork

CASH_ORDERS = ("create_cash", "withdraw_cash")


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    # That cash was created is public; for whose account, as the event says, is not.
    registry.make_public_orders(*CASH_ORDERS)
    registry.on_event("Settlement", "InstructionsSettled")(instructions_settled)
    registry.on_event("Settlement", "InstructionFailed")(instruction_failed)
    registry.on_event("Settlement", "CycleSettled")(cycle_settled)
    registry.on_event("Settlement", "NumberBurned")(number_burned)
    registry.on_refused("settle_batch")(batch_refused)
    registry.on_refused("settle_list")(batch_refused)
    registry.on_refused("settle_cycle")(cycle_refused)
    for kind in CASH_ORDERS:
        registry.on_done(kind)(cash_done)
        registry.on_refused(kind)(cash_refused)


def instructions_settled(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Both legs of these have moved, whoever sent them; unknown ones are others' own."""
    digests = [one.removeprefix("0x") for one in event.arguments["digests"]]
    if not digests:
        return
    table = instruction
    rows = uow.connection.execute(
        sql.update(table)
        .where(table.c.programme == event.programme, table.c.digest.in_(digests))
        .values(
            state=InstructionState.SETTLED.value,
            settled_on=event.business_date,
            settled_at=block_time(event),
            reason=None,
            reason_code=None,
        )
        .returning(table.c.id, table.c.purpose)
    ).all()
    primary = [row.id for row in rows if row.purpose == Purpose.PRIMARY.value]
    if primary:
        uow.connection.execute(
            sql.update(allotment)
            .where(allotment.c.programme == event.programme, allotment.c.instruction.in_(primary))
            .values(state="settled", settled_at=block_time(event))
        )


def instruction_failed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """One instruction of a batch was refused: the reason in words, to be tried again."""
    reason = refusals.decode(bytes.fromhex(event.arguments["reason"].removeprefix("0x")))
    digest = event.arguments["digest"].removeprefix("0x")
    row = uow.connection.execute(
        sql.select(instruction).where(
            instruction.c.programme == event.programme, instruction.c.digest == digest
        )
    ).one_or_none()
    if row is not None:
        message = fail_in_words(uow.connection, row, reason)
        _fail(uow, event.programme, instruction.c.digest == digest, message, reason.name)


def batch_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """A whole batch was refused (a halt, a chain that starved it): all of it is tried again."""
    _fail(
        uow,
        order.programme,
        instruction.c.order_id == order.id,
        str(refusal["message"]),
        str(refusal["error"]),
    )


def _fail(uow: UnitOfWork, programme: str, which: Any, message: str, code: str) -> None:
    uow.connection.execute(
        sql.update(instruction)
        .where(
            instruction.c.programme == programme,
            which,
            instruction.c.state == InstructionState.REQUESTED.value,
        )
        .values(
            state=InstructionState.FAILED.value,
            reason=str(message),
            said=as_json([message])[0] if isinstance(message, Message) else None,
            reason_code=code[:64],
        )
    )


def number_burned(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nothing settles any more under a burned number."""
    table = instruction
    uow.connection.execute(
        sql.update(table)
        .where(
            table.c.programme == event.programme,
            table.c.deliverer == event.arguments["deliverer"],
            table.c.number == event.arguments["number"],
            table.c.state != InstructionState.SETTLED.value,
        )
        .values(state=InstructionState.CANCELLED.value, reason_code=None)
    )


def cycle_settled(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Every trade of the cycle is settled by the net positions; so is a claim that it paid."""
    connection = uow.connection
    found = connection.execute(
        sql.update(cycle)
        .where(
            cycle.c.programme == event.programme,
            cycle.c.digest == event.arguments["trades"].removeprefix("0x"),
        )
        .values(state=InstructionState.SETTLED.value, settled_on=event.business_date, reason=None)
        .returning(cycle.c.id)
    ).scalar_one_or_none()
    if found is None:
        return
    connection.execute(
        sql.update(instruction)
        .where(instruction.c.programme == event.programme, instruction.c.cycle == found)
        .values(
            state=InstructionState.SETTLED.value,
            settled_on=event.business_date,
            settled_at=block_time(event),
        )
    )
    connection.execute(
        sql.update(claim)
        .where(claim.c.programme == event.programme, claim.c.cycle == found)
        .values(state="paid", paid_on=event.business_date)
    )


def cycle_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """Nothing of the cycle has moved; its trades have failed, its claims are due again."""
    connection, message = uow.connection, str(refusal["message"])
    found = connection.execute(
        sql.update(cycle)
        .where(cycle.c.programme == order.programme, cycle.c.order_id == order.id)
        .values(state=InstructionState.FAILED.value, reason=message)
        .returning(cycle.c.id)
    ).scalar_one()
    _fail(uow, order.programme, instruction.c.cycle == found, message, str(refusal["error"]))
    connection.execute(
        sql.update(claim)
        .where(claim.c.programme == order.programme, claim.c.cycle == found)
        .values(state="due", cycle=None)
    )


def cash_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """Cash was created or withdrawn."""
    _update_cash(order, uow, state="done", done_on=events[-1].business_date)


def cash_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """No cash was created or withdrawn."""
    _update_cash(order, uow, state="refused", reason=str(refusal["message"]))


def _update_cash(order: Order, uow: UnitOfWork, **values: Any) -> None:
    assert order.subject is not None
    uow.connection.execute(
        sql.update(cash_movement)
        .where(
            cash_movement.c.programme == order.programme,
            cash_movement.c.id == order.subject[1],
        )
        .values(**values)
    )
