"""The signed attempts of orders, as they are stored before they are sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql

from amanat.ledger import tables
from amanat.ledger.bulk import update_many
from amanat.ledger.orders import Order
from amanat.ledger.wire import created_address


def attempts_of(connection: sql.Connection, ids: Sequence[str]) -> dict[str, list[Any]]:
    """The stored attempts of each order, the first one first."""
    table = tables.attempt
    query = (
        sql.select(table)
        .where(table.c.order_id.in_(ids))
        .order_by(table.c.order_id, table.c.number)
    )
    found: dict[str, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.order_id, []).append(row)
    return found


def mark_signed(
    connection: sql.Connection,
    orders: Sequence[Order],
    attempts: Sequence[dict[str, Any]],
    sender_address: str,
    now: str,
) -> None:
    """Note that these orders are signed, each by its attempt, by one sender."""
    update_many(
        connection,
        tables.order,
        "id",
        [
            {
                "id": order.id,
                "state": "signed",
                "signed_at": now,
                "sender_address": sender_address,
                "nonce": attempt["nonce"],
                "address": created_address(sender_address, attempt["nonce"])
                if order.creates
                else order.address,
                "call_bytes": order.call_bytes,
                "unresolved": None,
            }
            for order, attempt in zip(orders, attempts, strict=True)
        ],
    )
