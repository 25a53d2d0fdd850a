"""Which orders may be signed now: none waits for another, and its sender has room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.ledger import tables
from amanat.ledger.orders import OPEN_STATES, Order, order_of
from amanat.ledger.things import meet, uses_by_order


def ready_orders(connection: Connection, in_flight_max: int) -> list[Order]:
    """Orders that wait for no other, in their sequence, as many of each sender as it has room for.

    One that waits also holds what its own sender was asked for later and that meets it: their
    nonces would otherwise turn their sequence round.
    """
    table = tables.order
    waiting = _waiting()
    ready: list[Order] = []
    for sender, room in _rooms(connection, in_flight_max):
        asked = sql.select(table).where(table.c.state == "requested", table.c.sender == sender)
        asked = asked.order_by(table.c.sequence)
        rows = connection.execute(asked.where(~sql.exists(waiting)).limit(room))
        found = [order_of(row) for row in rows]
        if found:
            earlier = asked.where(table.c.sequence < found[-1].sequence, sql.exists(waiting))
            columns = (table.c.id, table.c.sequence, table.c.programme)
            held = list(connection.execute(earlier.with_only_columns(*columns)))
            ready.extend(_not_behind(connection, found, held) if held else found)
    return sorted(ready, key=lambda order: order.sequence)


def earliest_open(connection: Connection) -> dict[str, int]:
    """For each programme, the first order of the sequence that has not completed."""
    table = tables.order
    query = (
        sql.select(table.c.programme, sql.func.min(table.c.sequence).label("first"))
        .where(table.c.state.in_(OPEN_STATES))
        .group_by(table.c.programme)
    )
    return {row.programme: row.first for row in connection.execute(query)}


def _waiting() -> sql.Select[int]:
    """Whether the order of the outer query waits for another.

    What it needs must be done; that which it only follows must have ended.
    """
    table, other, link = tables.order, tables.order.alias("other"), tables.dependency
    return (
        sql.select(sql.literal(1))
        .select_from(link.join(other, other.c.id == link.c.depends_on))
        .where(
            link.c.order_id == table.c.id,
            other.c.state.in_(OPEN_STATES) | (link.c.needed & (other.c.state != "done")),
        )
        .correlate(table)
    )


def _rooms(connection: Connection, in_flight_max: int) -> list[tuple[str, int]]:
    """Each sender that has something to send, and how much more of it may be in flight."""
    table = tables.order
    in_flight = sql.func.count().filter(table.c.state != "requested")
    requested = sql.func.count().filter(table.c.state == "requested")
    query = (
        sql.select(table.c.sender, in_flight.label("in_flight"))
        .where(table.c.state.in_(OPEN_STATES))
        .group_by(table.c.sender)
        .having(requested > 0)
    )
    rooms = [(row.sender, in_flight_max - row.in_flight) for row in connection.execute(query)]
    return [(sender, room) for sender, room in rooms if room > 0]


def _not_behind(connection: Connection, found: Sequence[Order], held: Sequence[Any]) -> list[Order]:
    """Those of one sender's orders that meet none of it that is held and came before."""
    first = min(order.sequence for order in held)
    later = [order for order in found if order.sequence > first]
    if not later:
        return list(found)
    uses = uses_by_order(connection, [*(row.id for row in held), *(order.id for order in later)])
    behind = {order.id for order in held}
    stopped: list[Any] = []
    every: list[Any] = [*held, *later]
    for order in sorted(every, key=lambda one: int(one.sequence)):
        if order.id in behind or any(
            one.programme == order.programme and meet(uses[order.id], uses[one.id])
            for one in stopped
        ):
            stopped.append(order)
            behind.add(order.id)
    return [order for order in found if order.id not in behind]
