"""What the ledger's final outcomes mean for holds and forced movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from amanat.access.key_register import end_key
from amanat.core.dates import date_from_business_day
from amanat.ledger.completion import raise_alarm
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.participants.handlers import block_time
from amanat.register.model import HoldState
from amanat.register.tables import hold, movement, pledge
from amanat.store.uow import UnitOfWork

MOVEMENT_ORDERS = ("forced_transfer", "reregister")


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.on_done("freeze")(freeze_done)
    registry.on_refused("freeze")(freeze_refused)
    registry.on_done("freeze_everything")(everything_frozen)
    registry.on_refused("freeze_everything")(everything_refused)
    registry.on_done("release")(release_done)
    registry.on_refused("release")(release_refused)
    registry.on_event("Security", "HoldPlaced")(hold_placed)
    registry.on_event("Security", "HoldReleased")(hold_released)
    registry.on_refused("place_hold")(pledge_refused)
    registry.on_refused("release_hold")(pledge_release_refused)
    for kind in MOVEMENT_ORDERS:
        registry.on_done(kind)(movement_done)
        registry.on_refused(kind)(movement_refused)


def freeze_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The ledger holds what was frozen."""
    _update_hold(order, uow, state=HoldState.HELD.value, done_at=block_time(events[0]))


def freeze_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The ledger did not freeze: it binds here all the same, and people are told."""
    _update_hold(order, uow, state=HoldState.REFUSED.value, failure=str(refusal["message"]))
    _alarm(order, refusal, uow)


def everything_frozen(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The ledger holds the account in every security that the order named."""
    _update_holds(order, uow, state=HoldState.HELD.value, done_at=block_time(events[0]))


def everything_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The ledger froze nothing: all of it binds here all the same, and people are told."""
    _update_holds(order, uow, state=HoldState.REFUSED.value, failure=str(refusal["message"]))
    _alarm(order, refusal, uow)


def release_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """What was held is free."""
    _update_hold(order, uow, state=HoldState.RELEASED.value, released_at=block_time(events[0]))


def release_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The hold stays."""
    _update_hold(
        order,
        uow,
        state=HoldState.HELD.value,
        release_order=None,
        failure=str(refusal["message"]),
    )
    _alarm(order, refusal, uow)


def movement_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The holding has moved; the holds of a re-registered one have moved with it."""
    values = {"state": "done", "done_at": block_time(events[0])}
    row = _update_movement(order, uow, **values)
    if order.kind == "reregister":
        uow.connection.execute(
            sql.update(hold)
            .where(
                hold.c.programme == order.programme,
                hold.c.isin == row.isin,
                hold.c.account == row.from_account,
                hold.c.state == HoldState.HELD.value,
            )
            .values(account=row.to_account)
        )
        now = datetime.fromisoformat(values["done_at"])
        end_key(uow.connection, order.programme, row.from_account, "lost", now)


def movement_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """Nothing has moved."""
    _update_movement(order, uow, state="refused", failure=str(refusal["message"]))
    _alarm(order, refusal, uow)


def hold_placed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A holder has set part of its holding aside, through this system or by itself."""
    told, connection = event.arguments, uow.connection
    digest = told["hold"].removeprefix("0x")
    when = block_time(event)
    known = connection.execute(
        sql.update(pledge)
        .where(pledge.c.programme == event.programme, pledge.c.digest == digest)
        .values(state=HoldState.HELD.value, done_at=when)
    )
    if known.rowcount:
        return
    connection.execute(
        pledge.insert().values(
            programme=event.programme,
            digest=digest,
            isin=event.label,
            account=told["account"],
            beneficiary=told["beneficiary"],
            nominal=told["amount"],
            number=0,
            last_day=date_from_business_day(told["last_day"]).isoformat(),
            state=HoldState.HELD.value,
            requested_at=when,
            done_at=when,
        )
    )


def hold_released(event: LedgerEvent, uow: UnitOfWork) -> None:
    """What was set aside is free again."""
    _update_pledge(
        uow,
        event.programme,
        event.arguments["hold"].removeprefix("0x"),
        state=HoldState.RELEASED.value,
        released_at=block_time(event),
    )


def pledge_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """Nothing is set aside."""
    assert order.subject is not None
    values = {"state": HoldState.REFUSED.value, "failure": str(refusal["message"])}
    _update_pledge(uow, order.programme, order.subject[1], **values)


def pledge_release_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """It stays set aside."""
    assert order.subject is not None
    values = {"state": HoldState.HELD.value, "failure": str(refusal["message"])}
    _update_pledge(uow, order.programme, order.subject[1], **values)


def _alarm(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """An order of a court or authority that was not carried out is not to be overlooked."""
    now = uow.store.clock().isoformat()
    told = str(refusal["error"])  # in words, with what the account has, it stands on the order
    raise_alarm(uow.connection, f"{order.kind}_refused", order.journal_subject, told, now)


def _update_pledge(uow: UnitOfWork, programme: str, digest: str, **values: Any) -> None:
    uow.connection.execute(
        sql.update(pledge)
        .where(pledge.c.programme == programme, pledge.c.digest == digest)
        .values(**values)
    )


def _update_hold(order: Order, uow: UnitOfWork, **values: Any) -> None:
    assert order.subject is not None
    uow.connection.execute(
        sql.update(hold)
        .where(hold.c.programme == order.programme, hold.c.id == order.subject[1])
        .values(**values)
    )


def _update_holds(order: Order, uow: UnitOfWork, **values: Any) -> None:
    """Every hold that one order asked for."""
    uow.connection.execute(
        sql.update(hold)
        .where(hold.c.programme == order.programme, hold.c.order_id == order.id)
        .values(**values)
    )


def _update_movement(order: Order, uow: UnitOfWork, **values: Any) -> Any:
    assert order.subject is not None
    return uow.connection.execute(
        sql.update(movement)
        .where(movement.c.programme == order.programme, movement.c.id == order.subject[1])
        .values(**values)
        .returning(movement)
    ).one()
