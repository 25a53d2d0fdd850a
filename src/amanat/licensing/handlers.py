"""What the ledger's outcomes mean for permissions: a grant stands once its order is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.tables import institution
from amanat.core.dates import date_from_business_day
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.licensing.enforcement.acts_stays import carry_out_lapses
from amanat.licensing.ordering import refresh_status
from amanat.licensing.register.book import note_provider
from amanat.licensing.tables import permission_change
from amanat.participants.handlers import REFUSAL_MAX, STANDING_ORDERS, block_time
from amanat.store.uow import UnitOfWork

PARTICIPANT = "participant"


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions, after those of participants for the same orders."""
    for kind in STANDING_ORDERS:
        registry.on_done(kind)(standing_done)
        registry.on_refused(kind)(standing_refused)
    registry.on_event("BusinessDay", "DayAdvanced")(day_advanced)


def day_advanced(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Urgent suspensions whose last day is over end without anybody coming back for it."""
    day = date_from_business_day(event.arguments["day"])
    carry_out_lapses(uow, event.programme, day, uow.store.clock())


def standing_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """What an order granted stands from its block on; what it withdrew bound when it was asked.

    A provider whose first licence stands may act as a participant from then on.
    """
    when = block_time(events[0])
    changed = uow.connection.execute(
        sql.update(permission_change)
        .where(permission_change.c.order_id == order.id)
        .values(done_at=when)
        .returning(permission_change.c.provider)
    ).scalars()
    providers = sorted(set(changed))
    uow.connection.execute(
        sql.update(permission_change)
        .where(permission_change.c.order_id == order.id, permission_change.c.effective_at.is_(None))
        .values(effective_at=when, effective_on=events[0].business_date)
    )
    for code in providers:
        _let_act(uow, order.programme, code)
        today = date.fromisoformat(events[0].business_date)
        refresh_status(uow.connection, order.programme, code, today)
        _publish(uow, order, code, today)


def _publish(uow: UnitOfWork, order: Order, code: str, today: date) -> None:
    """Let the register say what stands now, by the law and for the reason of what was asked."""
    asked = uow.connection.execute(
        sql.select(permission_change.c.law, permission_change.c.reason)
        .where(permission_change.c.order_id == order.id, permission_change.c.provider == code)
        .order_by(permission_change.c.id)
    ).first()
    if asked is not None:
        note_provider(
            uow,
            code,
            programme=order.programme,
            day=today,
            law=asked.law,
            reason=asked.reason,
        )


def standing_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """What would have been granted is not; what was withdrawn binds here all the same."""
    uow.connection.execute(
        sql.update(permission_change)
        .where(permission_change.c.order_id == order.id)
        .values(
            refused_at=uow.store.clock().isoformat(),
            refusal=str(refusal["message"])[:REFUSAL_MAX],
        )
    )


def _let_act(uow: UnitOfWork, programme: str, code: str) -> None:
    held = uow.connection.execute(
        sql.select(institution.c.capacities).where(
            institution.c.programme == programme, institution.c.code == code
        )
    ).scalar_one()
    if PARTICIPANT not in held:
        uow.connection.execute(
            sql.update(institution)
            .where(institution.c.programme == programme, institution.c.code == code)
            .values(capacities=sorted({*held, PARTICIPANT}))
        )
