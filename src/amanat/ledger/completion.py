"""Records how an order ended, with the effect that its room gives that ending: one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import Refusal
from amanat.core.ids import new_id
from amanat.ledger import tables
from amanat.ledger.bulk import update_many
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.ledger.things import forget_uses
from amanat.store.journal import Provenance
from amanat.store.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the chain says of a mined transaction."""

    tx_hash: str
    block_number: int
    block_hash: str
    tx_index: int
    status: int
    gas_used: int


def time_text(moment: datetime) -> str:
    """A UTC time as the tables hold it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def ledger_provenance(programme: str, business_date: str, cause: str | None = None) -> Provenance:
    """The head of the entries that the ledger itself writes."""
    return Provenance(
        programme=programme,
        institution="ledger",
        capacity="indexer",
        role="indexer",
        means="chain",
        business_date=date.fromisoformat(business_date),
        cause=cause,
    )


def speak_as(uow: UnitOfWork, provenance: Provenance) -> None:
    """Let what follows in this unit of work be recorded under `provenance`."""
    uow.provenance = provenance
    uow.journal.provenance = provenance


def business_date_of(
    connection: Connection, registry: HandlerRegistry, programme: str
) -> str | None:
    """The programme's latest business day on the chain; before its first, that one.

    None where nobody says when it opens.
    """
    table = tables.business_day
    found: str | None = connection.execute(
        sql.select(table.c.business_date)
        .where(table.c.programme == programme)
        .order_by(table.c.position.desc())
        .limit(1)
    ).scalar_one_or_none()
    return found or registry.opening_day(connection, programme)


def refusal_fields(refusal: Refusal) -> dict[str, Any]:
    """A refusal as it is stored and handed to rooms: error, fields (as text), message."""
    name = str(getattr(refusal, "name", "") or type(refusal).__name__)
    fields = getattr(refusal, "arguments", None) or refusal.fields
    return {
        "error": name,
        "fields": {str(key): str(value) for key, value in fields.items()},
        "message": refusal.message,
    }


def store_endings(
    connection: Connection,
    endings: Sequence[tuple[Order, Receipt | None, Mapping[str, Any] | None]],
    now: str,
) -> None:
    """Enter how these orders ended: with a receipt or never sent, with a refusal or done."""
    update_many(
        connection,
        tables.order,
        "id",
        [
            {
                "id": order.id,
                "state": "done" if refusal is None else "refused",
                "completed_at": now,
                "tx_hash": receipt.tx_hash if receipt else None,
                "block_number": receipt.block_number if receipt else None,
                "gas_used": receipt.gas_used if receipt else None,
                "refusal": json.dumps(dict(refusal)) if refusal is not None else None,
            }
            for order, receipt, refusal in endings
        ],
    )
    forget_uses(connection, [order.id for order, _, _ in endings])
    settle_alarms(connection, {order.id for order, _, _ in endings}, now)


def tell_done(
    uow: UnitOfWork,
    registry: HandlerRegistry,
    order: Order,
    receipt: Receipt,
    events: Sequence[LedgerEvent],
) -> None:
    """Record that an order is done, and let its room draw the consequence."""
    kind = registry.completion_kind(order.kind, "Done")
    uow.journal.append(
        kind, _content(order, receipt), subject=order.journal_subject, cause=order.cause
    )
    for function in registry.done.get(order.kind, ()):
        function(order, events, uow)


def tell_refused(
    uow: UnitOfWork,
    registry: HandlerRegistry,
    order: Order,
    receipt: Receipt | None,
    refusal: Mapping[str, Any],
) -> None:
    """Record that an order is refused, and let its room draw the consequence."""
    kind = registry.completion_kind(order.kind, "Refused")
    content = _content(order, receipt) | {"refusal": dict(refusal)}
    uow.journal.append(kind, content, subject=order.journal_subject, cause=order.cause)
    for function in registry.refused.get(order.kind, ()):
        function(order, refusal, uow)


def _content(order: Order, receipt: Receipt | None) -> dict[str, Any]:
    return {
        "order": order.id,
        "contract": order.contract,
        "label": order.label,
        "address": order.address,
        "function": order.function,
        "receipt": receipt
        and {
            "transaction": receipt.tx_hash,
            "block_number": receipt.block_number,
            "block_hash": receipt.block_hash,
            "status": receipt.status,
            "gas_used": str(receipt.gas_used),
        },
    }


def raise_alarm(connection: Connection, kind: str, subject: str, detail: str, now: str) -> bool:
    """Raise an alarm unless the same one is raised and unsettled; whether it is new."""
    table = tables.alarm
    standing = connection.execute(
        sql.select(table.c.id)
        .where(table.c.kind == kind, table.c.subject == subject)
        .where(table.c.settled_at.is_(None))
    ).first()
    if standing is not None:
        return False
    connection.execute(
        table.insert().values(id=new_id(), kind=kind, subject=subject, detail=detail, raised_at=now)
    )
    return True


def settle_alarms(connection: Connection, subjects: Collection[str], now: str) -> None:
    """Settle every alarm about things that came right."""
    table = tables.alarm
    standing = connection.execute(
        sql.select(table.c.id, table.c.subject).where(table.c.settled_at.is_(None))
    )
    settled = [row.id for row in standing if row.subject in subjects]
    update_many(
        connection, table, "id", [{"id": alarm_id, "settled_at": now} for alarm_id in settled]
    )
