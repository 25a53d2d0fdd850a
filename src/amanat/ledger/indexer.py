"""Follows final blocks and makes of every event of our contracts one row and one journal entry.

All that follows from a run of blocks commits in one database transaction: events, balances,
journal entries, completions of orders, and what the rooms' functions change.  The cursor moves in
the same transaction, so each block takes effect once, however often the application is killed.

**When the chain is not what it was.** The indexer remembers the hash of the last block. If the
nodes show another, a network has broken its finality: the indexer stops with an alarm. A node that
lacks that block lags, and another is asked. Only the embedded node may forget: killed, it comes
back up to a second younger. Then the transactions of the forgotten blocks are sent again, the same
bytes in the order in which they were, and each must log exactly what it logged before; its rows
are anchored to its new block, and no event enters the journal twice. If anything differs, the
indexer stops with an alarm.

A chain without finality has none to break: a block that enough others follow counts as final, and
a partition of the network that lasts longer may still replace it. Then the journal notes it, an
alarm stands until all is well, and what vanished is sent again and must return as it was, as with
the embedded node. Transactions above that depth were never indexed: the dispatcher alone looks
after them.
"""

from __future__ import annotations

import hashlib
import logging
import operator
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import AmanatError, Corrupt
from amanat.ledger import tables
from amanat.ledger.agreement import NodeWatch
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.balances import index_transfers
from amanat.ledger.completion import (
    Receipt,
    ledger_provenance,
    raise_alarm,
    refusal_fields,
    settle_alarms,
    speak_as,
    store_endings,
    tell_done,
    tell_refused,
    time_text,
)
from amanat.ledger.follower import BlockNotServed, FinalBlock, Follower
from amanat.ledger.gateway import SUCCESSOR, ContractBook, refusal_of
from amanat.ledger.orders import Order, order_of
from amanat.ledger.reader import NO_DAY, Ending, Reader, Run, Span, provenance_of
from amanat.ledger.recovery import Recovery
from amanat.ledger.refusals import ContractRefusal
from amanat.ledger.registry import REANCHORED, REORGANISED, HandlerRegistry, LedgerEvent
from amanat.ledger.rpc import CallReverted, RpcClient
from amanat.ledger.telling import tell_completed
from amanat.ledger.wire import raw_from_node
from amanat.observing import metrics, tracing
from amanat.store.engine import insert_many, insert_tuples
from amanat.store.uow import Store, UnitOfWork

log = logging.getLogger(__name__)


class IndexerStopped(Corrupt):
    """The indexer stopped for a reason that a person must look at; nothing is indexed since."""


@dataclass(slots=True)
class Cursor:
    """The last block that took effect, and the position of the next event.

    `forgotten_after` is the block after which forgotten transactions are still missing.
    """

    block_number: int
    block_hash: str
    position: int
    forgotten_after: int | None = None


class Indexer:
    """One per database.  Call `step` again and again; it returns whether a block took effect.

    `forgets` says that the node may forget blocks (the embedded one); a `finality` that is a number
    says that the chain has none, and how many blocks must follow one.  `first_block` is where a
    fresh index begins; block 0 has no transactions on any chain.  `agree_min` nodes of a list must
    have a block before it takes effect (`amanat.ledger.agreement`).
    """

    def __init__(
        self,
        store: Store,
        rpc: RpcClient,
        artifacts: Artifacts,
        contracts: ContractBook,
        registry: HandlerRegistry,
        *,
        chain_id: int,
        finality: str | int = "latest",
        forgets: bool = False,
        first_block: int = 1,
        reanchor_within_s: float | None = None,
        agree_min: int = 1,
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._artifacts = artifacts
        self._contracts = contracts
        self._registry = registry
        self._chain_id = chain_id
        self._forgets = forgets
        self._first_block = first_block
        self._follower = Follower(rpc, finality)
        self._recovery = Recovery(store.engine, rpc, self._follower, chain_id)
        self._counts = isinstance(finality, int)
        self._nodes = NodeWatch(
            store,
            rpc,
            self._follower,
            chain_id,
            self._stop,
            agree_min=agree_min,
            waits=self._counts,
        )
        # What vanished counts as back when enough blocks follow it again, and those take longer.
        standard = 600.0 if self._counts else 60.0
        self._reanchor_within_s = standard if reanchor_within_s is None else reanchor_within_s
        self._missing_since: float | None = None

    # The round.

    def step(self) -> bool:
        """Let the next final blocks take effect; whether there were any.

        Raises `NodeUnavailable` and `BlockNotServed` (try again), `IndexerStopped` (a person must
        look, then `resume`).
        """
        cursor = self._cursor()
        head, known = self._follower.look(cursor.block_number)
        if cursor.block_hash and known != cursor.block_hash:
            if self._forgets:
                return self._take_back(self._fork(head))
            if self._counts and known is not None:
                return self._reorganised(cursor, head, known)
            self._nodes.require_same(cursor.block_number, cursor.block_hash, known)
            return False  # a node that others contradict was set aside: ask again
        self._await_missing(cursor)
        if head <= cursor.block_number:
            self._nodes.pass_over_stalled(head)
            return False
        try:
            blocks = self._follower.blocks(cursor.block_number + 1, head)
        except BlockNotServed:
            self._nodes.look_at(head)  # it may be a node that others contradict
            raise
        if _breaks(cursor, blocks):
            return False  # the chain changed between two requests; the next round looks at it
        if not self._nodes.agree_on(blocks[-1].number, blocks[-1].hash):
            return False  # it came from a node that others contradict; read it from them
        try:
            self._take_effect(cursor, blocks)
        except Corrupt as error:
            self._stop("ledger_differs", str(error))
        return True

    def height(self) -> int:
        """The last block that took effect, -1 before the first."""
        return self._cursor(read_only=True).block_number

    def final_height(self) -> int:
        """The final height of the network as it is now."""
        return self._follower.look(0)[0]

    def is_current(self) -> bool:
        """Whether every final block took effect and nothing forgotten is still missing."""
        cursor = self._cursor(read_only=True)
        head, known = self._follower.look(cursor.block_number)
        if head > cursor.block_number or (cursor.block_hash and known != cursor.block_hash):
            return False
        return not self._recovery.missing()

    def resume(self) -> str | None:
        """Clear the reason for which the indexer stopped, after a person has looked.

        Returns that reason, None where it had not stopped.  Where it still holds, following stops
        again and raises a new alarm.
        """
        with self._store.engine.begin() as connection:
            reason: str | None = connection.execute(
                sql.select(tables.cursor.c.stopped).where(
                    tables.cursor.c.chain_id == self._chain_id
                )
            ).scalar_one_or_none()
            connection.execute(
                sql.update(tables.cursor)
                .where(tables.cursor.c.chain_id == self._chain_id)
                .values(stopped=None)
            )
            now = time_text(self._store.clock())
            settle_alarms(connection, {self._subject}, now)
        return reason

    def _cursor(self, read_only: bool = False) -> Cursor:
        with self._store.reading() as connection:
            row = connection.execute(
                sql.select(tables.cursor).where(tables.cursor.c.chain_id == self._chain_id)
            ).one_or_none()
        if row is None:
            return Cursor(self._first_block - 1, "", 0)
        if row.stopped is not None and not read_only:
            raise IndexerStopped(row.stopped)
        return Cursor(row.block_number, row.block_hash, row.position, row.forgotten_after)

    def _stop(self, kind: str, reason: str) -> None:
        now = time_text(self._store.clock())
        with self._store.engine.begin() as connection:
            connection.execute(
                sql.update(tables.cursor)
                .where(tables.cursor.c.chain_id == self._chain_id)
                .values(stopped=reason)
            )
            raise_alarm(connection, kind, self._subject, reason, now)
        raise IndexerStopped(reason)

    # A chain that is not what it was.

    def _reorganised(self, cursor: Cursor, head: int, known: str) -> bool:
        """A chain without finality replaced what had enough blocks upon it."""
        if not self._nodes.is_replaced(cursor.block_number, cursor.block_hash):
            return False  # a node that others contradict was set aside: ask again
        fork = self._fork(head)
        told = (
            f"Block {cursor.block_number} was {cursor.block_hash} and is {known}: the network"
            f" replaced what follows block {fork}, deeper than the blocks that were waited for."
        )
        log.warning(
            "the network replaced block %d and what follows block %d", cursor.block_number, fork
        )
        now = self._store.clock()
        with self._store.work(ledger_provenance("ledger", now.date().isoformat())) as uow:
            content = {
                "chain": self._chain_id,
                "fork_block": fork,
                "block_number": cursor.block_number,
                "former_hash": cursor.block_hash,
                "block_hash": known,
            }
            uow.journal.append(REORGANISED, content, subject=self._subject)
            raise_alarm(uow.connection, "reorganisation", self._subject, told, time_text(now))
            uow.commit()
        return self._take_back(fork)

    @property
    def _subject(self) -> str:
        return f"chain:{self._chain_id}"

    def _fork(self, head: int) -> int:
        fork = self._recovery.fork(head)
        if fork is None:
            self._stop("reorganisation", "No block that was indexed is on the node any longer.")
        assert fork is not None
        return fork

    def _take_back(self, fork: int) -> bool:
        self._recovery.roll_back(fork)
        self._recovery.resend(self._recovery.missing())
        self._missing_since = time.monotonic()
        return True

    def _await_missing(self, cursor: Cursor) -> None:
        """Send forgotten transactions again until all of them are back, or raise the alarm."""
        if cursor.forgotten_after is None:
            return
        missing = self._recovery.missing()
        if not missing:
            self._recovery.all_back()
            self._missing_since = None
            if self._counts:
                with self._store.engine.begin() as connection:
                    settle_alarms(connection, {self._subject}, time_text(self._store.clock()))
            return
        now = time.monotonic()
        if self._missing_since is None:  # the application was killed while it waited
            self._missing_since = now
            self._recovery.resend(missing)
        elif now - self._missing_since > self._reanchor_within_s:
            self._missing_since = None
            self._stop(
                "ledger_differs",
                f"{len(missing)} transactions that the node forgot do not return, the first is"
                f" {missing[0].tx_hash}.",
            )
        elif self._recovery.sent_at + 2.0 < now:
            self._recovery.resend(missing)

    # Taking effect.

    def _take_effect(self, cursor: Cursor, blocks: Sequence[FinalBlock]) -> None:
        hashes = [one["transactionHash"] for block in blocks for one in block.receipts]
        with self._store.reading() as connection:
            orders = _orders_by_hash(connection, hashes)
            seen = _seen(connection, hashes)
        refusals = self._refusals(blocks, orders, seen)
        observed = self._observed_bytes(blocks, orders, seen)
        began_ns = tracing.now_ns()
        last = blocks[-1]
        moment = datetime.fromtimestamp(last.time, UTC)
        head = ledger_provenance("ledger", moment.date().isoformat())
        with self._store.work(head) as uow:
            reader = Reader(
                uow,
                self._registry,
                self._artifacts,
                self._contracts,
                Span(self._chain_id, self._first_block, cursor.position),
                orders,
                seen,
                refusals,
                observed,
            )
            run = reader.read(blocks)
            _write(uow.connection, run, time_text(self._store.clock()))
            if run.returned:
                self._note_returned(uow, cursor, blocks, run.returned)
            self._tell_rooms(uow, run, moment, reader)
            _move_cursor(uow.connection, self._chain_id, cursor, last, reader.position)
            uow.commit()
        metrics.blocks.inc(len(blocks))
        endings = [(order, receipt, refusal) for order, receipt, _, refusal in run.orders]
        tell_completed(endings, began_ns, self._store.clock())

    def _note_returned(
        self, uow: UnitOfWork, cursor: Cursor, blocks: Sequence[FinalBlock], returned: list[str]
    ) -> None:
        content = {
            "chain": self._chain_id,
            "forgotten_after": cursor.block_number,
            "from_block": blocks[0].number,
            "to_block": blocks[-1].number,
            "transactions": {
                "count": len(returned),
                "digest": hashlib.sha256("".join(returned).encode()).hexdigest(),
            },
        }
        uow.journal.append(REANCHORED, content, subject=self._subject)

    def _tell_rooms(self, uow: UnitOfWork, run: Run, moment: datetime, reader: Reader) -> None:
        """Run the rooms' functions in the order of the chain."""
        handled = self._registry.events
        pending, at = run.orders, 0
        causes = {order.id: order.cause for order, *_ in run.orders}
        clock_date = moment.date().isoformat()
        for event in run.events:
            while at < len(pending) and _ends_before(pending[at], event):
                self._complete(uow, *pending[at], reader, clock_date)
                at += 1
            # A contract that nobody has named yet says nothing of the programme.
            named = event.label != SUCCESSOR
            for function in handled.get((event.contract, event.name), ()) if named else ():
                speak_as(uow, provenance_of(event, clock_date, causes.get(event.order_id or "")))
                function(event, uow)
        for one in pending[at:]:
            self._complete(uow, *one, reader, clock_date)

    def _complete(
        self,
        uow: UnitOfWork,
        order: Order,
        receipt: Receipt,
        events: list[LedgerEvent],
        refusal: Mapping[str, Any] | None,
        reader: Reader,
        clock_date: str,
    ) -> None:
        day = events[-1].business_date if events else NO_DAY
        if day == NO_DAY:
            day = reader.day_of(order.programme) or clock_date
        speak_as(uow, ledger_provenance(order.programme, day, order.cause))
        # What a room orders in consequence belongs to the same trace.
        with tracing.continued(order.trace):
            if refusal is None:
                tell_done(uow, self._registry, order, receipt, events)
            else:
                tell_refused(uow, self._registry, order, receipt, refusal)

    # What must be asked of the node before the database transaction begins.

    def _refusals(
        self, blocks: Sequence[FinalBlock], orders: Mapping[str, Order], seen: Mapping[str, Any]
    ) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for block in blocks:
            for answer in block.receipts:
                tx_hash = answer["transactionHash"]
                order = orders.get(tx_hash)
                if order is None or tx_hash in seen or answer["status"] != "0x0":
                    continue
                found[tx_hash] = refusal_fields(self._refusal(order, answer, block.number))
        return found

    def _refusal(self, order: Order, answer: Mapping[str, Any], number: int) -> ContractRefusal:
        """Why a mined call failed: asked again at its block, then before it, then now."""
        content = {
            "from": order.sender_address,
            "data": "0x" + (order.call_bytes or b"").hex(),
            "gas": hex(order.gas) if order.gas else "0x5f5e100",
        }
        if order.address is not None and not order.creates:
            content["to"] = order.address
        for block in (hex(number), hex(number - 1), "latest"):
            reply = self._rpc.batch([("eth_call", (content, block))])[0]
            if isinstance(reply, CallReverted) and reply.revert:
                return refusal_of(self._artifacts, reply.revert)
        if order.gas and int(answer["gasUsed"], 16) >= order.gas:
            return ContractRefusal(
                "GasExhausted", {"gas": order.gas}, f"The call needs more than {order.gas} gas."
            )
        return refusal_of(self._artifacts, b"")

    def _observed_bytes(
        self, blocks: Sequence[FinalBlock], orders: Mapping[str, Order], seen: Mapping[str, Any]
    ) -> dict[str, bytes]:
        """The bytes of transactions that nobody here ordered, to send again if they are forgotten.

        Only a chain that forgets, or has no finality, needs them.
        """
        if not self._forgets and not self._counts:
            return {}
        known = self._contracts.load()
        hashes = [
            answer["transactionHash"]
            for block in blocks
            for answer in block.receipts
            if answer["transactionHash"] not in orders
            and answer["transactionHash"] not in seen
            and (answer["to"] in known or any(log["address"] in known for log in answer["logs"]))
        ]
        answers = self._follower.transactions(hashes) if hashes else []
        return {one["hash"]: raw_from_node(one) for one in answers if isinstance(one, dict)}


def _breaks(cursor: Cursor, blocks: Sequence[FinalBlock]) -> bool:
    parent = cursor.block_hash
    for block in blocks:
        if parent and block.parent != parent:
            return True
        parent = block.hash
    return False


def _ends_before(one: Ending, event: LedgerEvent) -> bool:
    receipt = one[1]
    if receipt.tx_hash == event.tx_hash:
        return False
    last = one[2][-1].position if one[2] else None
    if last is not None:
        return last < event.position
    return receipt.block_number < event.block_number


def _orders_by_hash(connection: Connection, hashes: Sequence[str]) -> dict[str, Order]:
    found: dict[str, Order] = {}
    for start in range(0, len(hashes), 500):
        query = (
            sql.select(tables.order, tables.attempt.c.tx_hash.label("mined_hash"))
            .join(tables.attempt, tables.attempt.c.order_id == tables.order.c.id)
            .where(tables.attempt.c.tx_hash.in_(hashes[start : start + 500]))
        )
        for row in connection.execute(query):
            found[row.mined_hash] = order_of(row)
    return found


def _seen(connection: Connection, hashes: Sequence[str]) -> dict[str, Any]:
    table = tables.chain_transaction
    found: dict[str, Any] = {}
    for start in range(0, len(hashes), 500):
        query = sql.select(table.c.tx_hash, table.c.block_hash, table.c.logs_digest).where(
            table.c.tx_hash.in_(hashes[start : start + 500])
        )
        found.update({row.tx_hash: row for row in connection.execute(query)})
    return found


_EVENT_COLUMNS = (
    "position",
    "chain_id",
    "block_number",
    "block_hash",
    "log_index",
    "tx_hash",
    "tx_log",
    "address",
    "programme",
    "contract",
    "name",
    "business_date",
    "order_id",
    "entry_id",
    "arguments",
)
_event_row = operator.attrgetter(*_EVENT_COLUMNS[:-1], "arguments_text")


def _write(connection: Connection, run: Run, now: str) -> None:
    """Write a run's rows, many at a time."""
    insert_many(connection, tables.block, run.blocks)
    insert_many(connection, tables.chain_transaction, run.transactions)
    insert_many(connection, tables.business_day, run.days)
    endings = [(order, receipt, refusal) for order, receipt, _, refusal in run.orders]
    store_endings(connection, endings, now)
    insert_tuples(connection, tables.event, _EVENT_COLUMNS, list(map(_event_row, run.events)))
    index_transfers(connection, run.events)


def _move_cursor(
    connection: Connection, chain_id: int, cursor: Cursor, last: FinalBlock, position: int
) -> None:
    table = tables.cursor
    values = {"block_number": last.number, "block_hash": last.hash, "position": position}
    moved = connection.execute(
        sql.update(table)
        .where(table.c.chain_id == chain_id, table.c.block_number == cursor.block_number)
        .where(table.c.position == cursor.position)
        .values(**values)
    ).rowcount
    if moved:
        return
    if connection.execute(sql.select(table).where(table.c.chain_id == chain_id)).first():
        raise AmanatError("Another indexer moved the cursor; there may be one per database.")
    connection.execute(table.insert().values(chain_id=chain_id, stopped=None, **values))
