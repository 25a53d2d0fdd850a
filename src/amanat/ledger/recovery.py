"""Brings back what the embedded node forgot: the same transactions, in the same order.

A wallet may send something new while these return.  It is then indexed after them, and its
position in the index is later than its place among the blocks of that second; balances now and
by business day are the same either way.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from amanat.ledger import tables
from amanat.ledger.completion import Receipt
from amanat.ledger.follower import Follower
from amanat.ledger.rpc import RpcClient
from amanat.ledger.sending import send_run


@dataclass(frozen=True, slots=True)
class Missing:
    """A transaction that took effect and is no longer on the chain."""

    tx_hash: str
    raw: bytes
    sender: str | None


class Recovery:
    """Finds where the node's chain and the index part, and sends again what lies beyond."""

    def __init__(self, engine: Engine, rpc: RpcClient, follower: Follower, chain_id: int) -> None:
        self._chain_id = chain_id
        self._engine = engine
        self._rpc = rpc
        self._follower = follower
        self.sent_at = 0.0
        self._mined_within_s = 5.0

    def fork(self, head: int) -> int | None:
        """The highest indexed block that the node still has; None where there is none."""
        table = tables.block
        below = head + 1
        while True:
            with self._engine.connect().execution_options(reads_only=True) as connection:
                rows = list(
                    connection.execute(
                        sql.select(table)
                        .where(table.c.number < below)
                        .order_by(table.c.number.desc())
                        .limit(100)
                    )
                )
            if not rows:
                return None
            hashes = self._follower.hashes([row.number for row in rows])
            for row in rows:
                if hashes[row.number] == row.hash:
                    return int(row.number)
            below = rows[-1].number

    def roll_back(self, fork: int) -> None:
        """Set the cursor to block `fork`; transactions beyond it are missing from now on."""
        table, cursor = tables.block, tables.cursor
        with self._engine.begin() as connection:
            connection.execute(sql.delete(table).where(table.c.number > fork))
            block_hash = connection.execute(
                sql.select(table.c.hash).where(table.c.number == fork)
            ).scalar_one()
            earlier = connection.execute(
                sql.select(cursor.c.forgotten_after).where(cursor.c.chain_id == self._chain_id)
            ).scalar_one()
            after = fork if earlier is None else min(fork, earlier)
            connection.execute(
                sql.update(cursor)
                .where(cursor.c.chain_id == self._chain_id)
                .values(block_number=fork, block_hash=block_hash, forgotten_after=after)
            )

    def missing(self) -> list[Missing]:
        """Transactions that took effect and are not back yet, in the order of the chain."""
        seen, block, attempt, order = (
            tables.chain_transaction,
            tables.block,
            tables.attempt,
            tables.order,
        )
        after = sql.select(tables.cursor.c.forgotten_after).where(
            tables.cursor.c.chain_id == self._chain_id
        )
        with self._engine.connect().execution_options(reads_only=True) as connection:
            fork = connection.execute(after).scalar_one_or_none()
            if fork is None:
                return []
            gone = (
                sql.select(seen.c.tx_hash, seen.c.raw, attempt.c.raw.label("ours"))
                .add_columns(order.c.sender_address)
                .outerjoin(block, block.c.hash == seen.c.block_hash)
                .outerjoin(attempt, attempt.c.tx_hash == seen.c.tx_hash)
                .outerjoin(order, order.c.id == attempt.c.order_id)
                .where(block.c.number.is_(None), seen.c.block_number > fork)
                .order_by(seen.c.block_number, seen.c.tx_index)
            )
            return [
                Missing(row.tx_hash, row.ours or row.raw, row.sender_address)
                for row in connection.execute(gone)
            ]

    def all_back(self) -> None:
        """Note that nothing is missing any longer."""
        with self._engine.begin() as connection:
            connection.execute(
                sql.update(tables.cursor)
                .where(tables.cursor.c.chain_id == self._chain_id)
                .values(forgotten_after=None)
            )

    def resend(self, missing: Sequence[Missing]) -> None:
        """Send these again in their order, each sender's run after all before it are mined.

        Raises `NodeUnavailable`.  A run that is not mined within seconds ends the round; the next
        one begins with what is missing then.
        """
        self.sent_at = time.monotonic()
        start = 0
        for end in range(1, len(missing) + 1):
            parted = end == len(missing) or (
                missing[end].sender is None or missing[end].sender != missing[start].sender
            )
            if parted:
                send_run(self._rpc, [one.raw for one in missing[start:end]])
                if not self._mined(missing[end - 1].tx_hash):
                    break
                start = end
        self.sent_at = time.monotonic()

    def _mined(self, tx_hash: str) -> bool:
        limit = time.monotonic() + self._mined_within_s
        while time.monotonic() < limit:
            if self._rpc.call("eth_getTransactionReceipt", tx_hash) is not None:
                return True
            time.sleep(0.005)
        return False


def reanchor(connection: Connection, receipt: Receipt, logs: Sequence[Mapping[str, Any]]) -> None:
    """Move a returned transaction's rows to the block in which it is now."""
    where = {"block_number": receipt.block_number, "block_hash": receipt.block_hash}
    moved, event = tables.chain_transaction, tables.event
    connection.execute(
        sql.update(moved)
        .where(moved.c.tx_hash == receipt.tx_hash)
        .values(**where, tx_index=receipt.tx_index)
    )
    positions = []
    rows = connection.execute(
        sql.select(event.c.position, event.c.tx_log).where(event.c.tx_hash == receipt.tx_hash)
    )
    for row in list(rows):
        positions.append(row.position)
        log_index = int(logs[row.tx_log]["logIndex"], 16)
        connection.execute(
            sql.update(event)
            .where(event.c.position == row.position)
            .values(**where, log_index=log_index)
        )
    for table in (tables.balance_change, tables.business_day):
        connection.execute(
            sql.update(table)
            .where(table.c.position.in_(positions))
            .values(block_number=receipt.block_number)
        )
    order_id = connection.execute(
        sql.select(moved.c.order_id).where(moved.c.tx_hash == receipt.tx_hash)
    ).scalar_one()
    for table, column in ((tables.order, "id"), (tables.contract, "order_id")):
        connection.execute(
            sql.update(table)
            .where(table.c[column] == order_id)
            .values(block_number=receipt.block_number)
        )
