"""After a restoration: what the chain has that the order table does not know, and the reverse.

A backup is older than the chain.  Between the two, orders that the table shows as requested were
signed, sent and mined; to sign them again with fresh nonces would do them twice.  So before
anything is indexed or sent, every transaction that the chain has from our senders beyond what was
indexed is looked at:

- one that carries an order's call is adopted as that order's attempt, the same bytes, and the
  indexer ends the order by its receipt;
- one that no order asks for was ordered after the backup; it takes effect as observed, its nonce is
  never given again, and it is named, for the act behind it is lost and must be looked into.

What the table has as signed and the chain lacks is sent again by the dispatcher, the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import Refusal
from amanat.ledger import tables
from amanat.ledger.completion import raise_alarm, time_text
from amanat.ledger.follower import BlockNotServed
from amanat.ledger.orders import Known, Order, OrderBook, next_numbers, order_of
from amanat.ledger.rpc import RpcClient, RpcFault
from amanat.ledger.wire import created_address, raw_from_node
from amanat.store.engine import insert_many
from amanat.store.uow import Store

log = logging.getLogger(__name__)
_BLOCKS_AT_ONCE = 100
UNKNOWN_ORDER = "order_unknown"
"""The alarm for a transaction of ours that no order asks for; its subject is SENDER:NONCE."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a look at the chain found: orders adopted, and hashes of what no order asks for."""

    adopted: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    adopted: list[tuple[Order, Mapping[str, Any]]] = field(default_factory=list)
    unknown: list[Mapping[str, Any]] = field(default_factory=list)
    nonces: dict[str, int] = field(default_factory=dict)


def reconcile(
    store: Store, rpc: RpcClient, book: OrderBook, senders: Mapping[str, str], *, chain_id: int
) -> Reconciled:
    """Adopt from the chain what a restored order table does not know.

    `senders` are the addresses that sent, each with the name for which it did; an address that has
    nonces here and is not among them sent for itself.  One request where nothing is to be done.
    Raises `NodeUnavailable`, `BlockNotServed` (try again).
    """
    with store.reading() as connection:
        given = _nonces_given(connection)
        cursor = connection.execute(
            sql.select(tables.cursor.c.block_number).where(tables.cursor.c.chain_id == chain_id)
        ).scalar_one_or_none()
        waiting = _open_orders(connection)
    names = {address: address for address in given} | dict(senders)
    known = {address: given.get(address) for address in names}
    calls = [("eth_getTransactionCount", (address, "latest")) for address in known]
    answers = [_number(answer) for answer in rpc.batch([*calls, ("eth_blockNumber", ())])]
    ahead = {
        address: first or 0
        for (address, first), count in zip(known.items(), answers, strict=False)
        # A key that never signed here and has no order to sign is only being introduced.
        if count > (first or 0) and (first is not None or waiting)
    }
    if not ahead:
        return Reconciled()
    found = _Found()
    with store.reading() as connection:
        look = _Look(connection, book, names, {one.id: one for one in waiting}, ahead)
        for block in _blocks(rpc, (cursor or 0) + 1, answers[-1]):
            look.read(block, found)
    _store(store, found)
    reconciled = Reconciled(
        tuple(one.id for one, _ in found.adopted), tuple(one["hash"] for one in found.unknown)
    )
    log.warning(
        "the chain is ahead of the orders: %d adopted, %d known to no order",
        len(reconciled.adopted),
        len(reconciled.unknown),
    )
    return reconciled


def _number(answer: Any) -> int:
    if isinstance(answer, RpcFault):
        raise BlockNotServed(str(answer))
    return int(answer, 16)


def _nonces_given(connection: Connection) -> dict[str, int]:
    table = tables.counter
    rows = connection.execute(sql.select(table).where(table.c.name.like("nonce:%")))
    return {row.name.removeprefix("nonce:"): int(row.next) for row in rows}


def _open_orders(connection: Connection) -> list[Order]:
    table = tables.order
    states = ("requested", "signed", "sent")
    query = sql.select(table).where(table.c.state.in_(states)).order_by(table.c.sequence)
    return [order_of(row) for row in connection.execute(query)]


def _blocks(rpc: RpcClient, first: int, last: int) -> Iterator[Mapping[str, Any]]:
    for start in range(first, last + 1, _BLOCKS_AT_ONCE):
        numbers = range(start, min(start + _BLOCKS_AT_ONCE, last + 1))
        for answer in rpc.batch([("eth_getBlockByNumber", (hex(one), True)) for one in numbers]):
            if not isinstance(answer, dict):
                raise BlockNotServed(str(answer))
            yield answer


class _Look:
    """Matches transactions of the chain, in its order, with orders that wait, in theirs."""

    def __init__(
        self,
        connection: Connection,
        book: OrderBook,
        names: Mapping[str, str],
        waiting: dict[str, Order],
        ahead: Mapping[str, int],
    ) -> None:
        self._connection = connection
        self._book = book
        self._names = names
        self._waiting = waiting
        self._ahead = ahead
        self._created: Known = {}
        seen = tables.attempt
        self._attempts = set(connection.execute(sql.select(seen.c.tx_hash)).scalars())

    def read(self, block: Mapping[str, Any], found: _Found) -> None:
        """Look at one block's transactions of our senders."""
        for one in block["transactions"]:
            sender, nonce = one["from"], int(one["nonce"], 16)
            if sender not in self._ahead:
                continue
            found.nonces[sender] = max(found.nonces.get(sender, 0), nonce + 1)
            if one["hash"] in self._attempts:
                continue
            order = self._match(one, sender, nonce)
            if order is not None:
                del self._waiting[order.id]
                found.adopted.append((order, one))
            elif nonce >= self._ahead[sender]:
                found.unknown.append(one)

    def _match(self, one: Mapping[str, Any], sender: str, nonce: int) -> Order | None:
        target, call_bytes = one.get("to"), bytes.fromhex(one["input"][2:])
        for order in self._waiting.values():
            if order.nonce is not None and (order.sender_address, order.nonce) != (sender, nonce):
                continue
            if order.sender != self._names[sender]:
                continue
            address, order_bytes = self._call_of(order)
            if order_bytes != call_bytes or (None if order.creates else address) != target:
                continue
            if order.creates:
                address = created_address(sender, nonce)
                self._created[(order.programme, order.contract, order.label)] = address
            return replace(order, address=address, call_bytes=call_bytes)
        return None

    def _call_of(self, order: Order) -> tuple[str | None, bytes | None]:
        """Address and bytes, with the contracts that adopted orders created."""
        if order.call_bytes is not None and (order.creates or order.address is not None):
            return order.address, order.call_bytes
        try:
            return self._book.complete(self._connection, order, self._created)
        except Refusal:
            return None, None


def _store(store: Store, found: _Found) -> None:
    now = time_text(store.clock())
    attempts: list[dict[str, Any]] = []
    with store.engine.begin() as connection:
        numbers = _attempt_numbers(connection, [order.id for order, _ in found.adopted])
        for order, one in found.adopted:
            attempts.append(
                {
                    "tx_hash": one["hash"],
                    "order_id": order.id,
                    "number": numbers.get(order.id, 0) + 1,
                    "nonce": int(one["nonce"], 16),
                    "gas": int(one["gas"], 16),
                    "max_fee": str(int(one.get("maxFeePerGas") or one["gasPrice"], 16)),
                    "priority_fee": str(int(one.get("maxPriorityFeePerGas") or "0x0", 16)),
                    "raw": raw_from_node(dict(one)),
                    "signed_at": now,
                }
            )
            connection.execute(
                sql.update(tables.order)
                .where(tables.order.c.id == order.id)
                .values(
                    state="sent",
                    sender_address=one["from"],
                    nonce=int(one["nonce"], 16),
                    address=order.address,
                    call_bytes=order.call_bytes,
                    unresolved=None,
                    signed_at=order.signed_at or now,
                    sent_at=now,
                )
            )
        insert_many(connection, tables.attempt, attempts)
        for one in found.unknown:
            nonce = int(one["nonce"], 16)
            reason = (
                f"Transaction {one['hash']} was ordered after the moment to which this database was"
                " restored; what asked for it is lost."
            )
            raise_alarm(connection, UNKNOWN_ORDER, f"{one['from']}:{nonce}", reason, now)
        for sender, following in found.nonces.items():
            _raise_counter(connection, f"nonce:{sender}", following)


def _attempt_numbers(connection: Connection, orders: Sequence[str]) -> dict[str, int]:
    table = tables.attempt
    found: dict[str, int] = {}
    for start in range(0, len(orders), 500):
        query = (
            sql.select(table.c.order_id, sql.func.max(table.c.number).label("last"))
            .where(table.c.order_id.in_(orders[start : start + 500]))
            .group_by(table.c.order_id)
        )
        found.update({row.order_id: row.last for row in connection.execute(query)})
    return found


def _raise_counter(connection: Connection, name: str, following: int) -> None:
    current = next_numbers(connection, name, 0, following)
    if current < following:
        next_numbers(connection, name, following - current)
