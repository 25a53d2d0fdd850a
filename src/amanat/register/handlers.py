"""What the ledger's final outcomes mean for holds and forced movements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sql

from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.participants.handlers import block_time
from amanat.register.model import HoldState
from amanat.register.tables import hold, movement
from amanat.store.uow import UnitOfWork

MOVEMENT_ORDERS = ("forced_transfer", "reregister")


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.on_done("freeze")(freeze_done)
    registry.on_refused("freeze")(freeze_refused)
    registry.on_done("release")(release_done)
    registry.on_refused("release")(release_refused)
    for kind in MOVEMENT_ORDERS:
        registry.on_done(kind)(movement_done)
        registry.on_refused(kind)(movement_refused)


def freeze_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The ledger holds what was frozen."""
    _update_hold(order, uow, state=HoldState.HELD.value, done_at=block_time(events[0]))


def freeze_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The freeze does not take effect, and no longer binds here."""
    _update_hold(order, uow, state=HoldState.REFUSED.value, failure=str(refusal["message"]))


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


def movement_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """Nothing has moved."""
    _update_movement(order, uow, state="refused", failure=str(refusal["message"]))


def _update_hold(order: Order, uow: UnitOfWork, **values: Any) -> None:
    assert order.subject is not None
    uow.connection.execute(
        sql.update(hold)
        .where(hold.c.programme == order.programme, hold.c.id == order.subject[1])
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
