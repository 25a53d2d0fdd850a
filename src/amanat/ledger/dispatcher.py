"""Sends orders to the chain: decides beforehand, signs and stores, sends, sends again.

A call without a gas limit is first asked of the node.  If the node refuses, and every earlier order
of the programme has completed, so that nothing in flight can change the answer, the order is
refused there and then and spends no nonce; while earlier orders are in flight it waits, for one of
them may be what it silently needs.  A call with a gas limit is never asked about: the chain
decides.

Whatever is signed is stored first.  The same bytes are sent again after a restart, after a
reorganisation, and whenever the node no longer knows them, and to every node of the list where the
chain stands still; a transaction that stays unmined gets a further attempt with the same nonce and
call and a higher fee.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql

from amanat.core.errors import Refusal
from amanat.ledger import tables
from amanat.ledger.attempts import attempts_of, mark_signed
from amanat.ledger.checked_node import CheckedNode
from amanat.ledger.completion import (
    business_date_of,
    ledger_provenance,
    raise_alarm,
    refusal_fields,
    store_endings,
    tell_refused,
    time_text,
)
from amanat.ledger.dispatching import DependencyRefused, DispatchTimes
from amanat.ledger.gateway import refusal_of
from amanat.ledger.orders import (
    OPEN_STATES,
    Order,
    OrderBook,
    next_numbers,
    order_of,
    read_orders,
)
from amanat.ledger.readiness import earliest_open, ready_orders
from amanat.ledger.registry import HandlerRegistry
from amanat.ledger.rpc import CallReverted, RpcClient, RpcFault
from amanat.ledger.sending import next_nonces, send_run
from amanat.ledger.signers import KeyNotHeld, Signers
from amanat.ledger.telling import tell_completed, tell_sent, tell_signed
from amanat.ledger.wire import ChainTransaction
from amanat.observing import tracing
from amanat.store.engine import insert_many
from amanat.store.uow import Store

# What nodes say of a transaction that they already have, or have already mined.
_KNOWN = ("already known", "already imported", "known transaction", "alreadyknown")
_SPENT = ("nonce too low", "nonce is too low")


class Dispatcher:
    """Moves orders from requested to sent; one per database.  Call `step` again and again.

    With `in_runs` the node is the embedded one, which needs the order of `amanat.ledger.sending`.
    """

    def __init__(
        self,
        store: Store,
        rpc: RpcClient,
        book: OrderBook,
        signers: Signers,
        registry: HandlerRegistry,
        *,
        chain_id: int,
        times: DispatchTimes | None = None,
        in_runs: bool = False,
    ) -> None:
        self._store = store
        self._rpc = rpc
        self._checked = CheckedNode(store.engine, rpc, chain_id)
        self._in_runs = in_runs
        self._book = book
        self._signers = signers
        self._registry = registry
        self._chain_id = chain_id
        self.times = times or DispatchTimes()
        self._looked_at = 0.0
        self._stood_at: Any = None
        self._rests: dict[str, float] = {}
        self._fees: tuple[float, int, int] = (0.0, 0, 0)
        self._resumed = False

    def step(self) -> bool:
        """One round; whether anything was decided, signed or sent.

        Raises `NodeUnavailable` and `NodeBehindIndex`, after which the next round goes on where
        this one stopped.
        """
        if not self._resumed:
            self.resend_all()  # what an earlier run of the application sent and did not see done
            self._resumed = True
        worked = self._refuse_dependants()
        worked = self._sign_ready() or worked
        worked = self.send_signed() or worked
        if time.monotonic() - self._looked_at > self.times.look_again_s:
            self._looked_at = time.monotonic()
            self._raise_overdue()
            self._signers.watch()
            worked = self._look_again() or worked
        return worked

    def pending(self) -> int:
        """How many orders are not yet completed."""
        with self._store.reading() as connection:
            table = tables.order
            query = sql.select(sql.func.count()).where(table.c.state.in_(OPEN_STATES))
            return int(connection.execute(query).scalar_one())

    def resend_all(self) -> None:
        """Have every sent and uncompleted order sent again, the same bytes, in order of nonces."""
        with self._store.engine.begin() as connection:
            connection.execute(
                sql.update(tables.order)
                .where(tables.order.c.state == "sent")
                .values(state="signed")
            )
        self._rests.clear()

    # Refusing what can no longer be done.

    def _refuse_dependants(self) -> bool:
        waiting, other = tables.order.alias("waiting"), tables.order.alias("other")
        query = (
            sql.select(waiting, other.c.id.label("cause_id"), other.c.refusal.label("reason"))
            .join(tables.dependency, tables.dependency.c.order_id == waiting.c.id)
            .join(other, other.c.id == tables.dependency.c.depends_on)
            .where(waiting.c.state == "requested", other.c.state == "refused")
            .where(tables.dependency.c.needed)
            .order_by(waiting.c.sequence)
        )
        with self._store.reading() as connection:
            found = [(order_of(row), row.cause_id, row.reason) for row in connection.execute(query)]
        refused: set[str] = set()
        for order, cause_id, reason in found:
            if order.id not in refused:
                refused.add(order.id)
                self._refuse(order, DependencyRefused(order=cause_id, reason=reason or ""))
        return bool(refused)

    def _refuse(self, order: Order, refusal: Refusal) -> None:
        with self._store.reading() as connection:
            day = business_date_of(connection, self._registry, order.programme)
        day = day or self._store.clock().date().isoformat()
        with self._store.work(ledger_provenance(order.programme, day, order.cause)) as uow:
            told = refusal_fields(refusal)
            store_endings(uow.connection, [(order, None, told)], time_text(self._store.clock()))
            with tracing.continued(order.trace):
                tell_refused(uow, self._registry, order, None, told)
            uow.commit()
        tell_completed([(order, None, told)], tracing.now_ns(), self._store.clock())

    # Signing.

    def _sign_ready(self) -> bool:
        ready = self._ready()
        if not ready:
            return False
        self._signers.refresh()
        worked = False
        complete: list[Order] = []
        with self._store.reading() as connection:
            for order in ready:
                try:
                    address, call_bytes = self._book.complete(connection, order)
                except Refusal as refusal:
                    complete.append(replace(order, refusal={"never": refusal}))
                    continue
                complete.append(replace(order, address=address, call_bytes=call_bytes))
        for order in [one for one in complete if one.refusal]:
            assert order.refusal is not None
            self._refuse(replace(order, refusal=None), order.refusal["never"])
            worked = True
        held = [order for order in complete if not order.refusal and self._holds_key(order)]
        waiting = {name for name in {one.sender for one in held} if self._former_sends(name)}
        held = [order for order in held if order.sender not in waiting]
        limited, refused = self._with_gas(held)
        by_sender: dict[str, list[Order]] = {}
        for order in limited:
            by_sender.setdefault(order.sender, []).append(order)
        for name, orders in by_sender.items():
            self._sign(name, orders)
        return worked or refused or bool(limited)

    def _ready(self) -> list[Order]:
        with self._store.reading() as connection:
            ready = ready_orders(connection, self.times.in_flight_max)
        now = time.monotonic()
        return [order for order in ready if self._rests.get(order.id, 0.0) <= now]

    def _holds_key(self, order: Order) -> bool:
        try:
            self._signers.get(order.sender)
        except KeyNotHeld as refusal:
            self._alarm("key_not_held", order.id, str(refusal))
            return False
        return True

    def _with_gas(self, orders: Sequence[Order]) -> tuple[list[Order], bool]:
        """The orders that may be signed, each with its gas limit; whether any was refused."""
        asked = [order for order in orders if order.gas is None]
        if not asked:
            return list(orders), False
        calls = [("eth_estimateGas", (self._content(order),)) for order in asked]
        answers = dict(zip([one.id for one in asked], self._checked.batch(calls), strict=True))
        with self._store.reading() as connection:
            earliest = earliest_open(connection)
        limited, refused = [], False
        for order in orders:
            answer = answers.get(order.id)
            if answer is None:
                limited.append(order)
            elif not isinstance(answer, RpcFault):
                # The estimate is of another moment than the execution; unused gas costs nothing.
                gas = int(answer, 16)
                limit = min(max(2 * gas, gas + 100_000), self.times.gas_max)
                limited.append(replace(order, gas=limit))
            elif isinstance(answer, CallReverted) and order.sequence <= earliest[order.programme]:
                reason = self._refused_now(order, answer)
                if reason is None:
                    limited.append(replace(order, gas=self.times.unestimated_gas))
                    continue
                self._refuse(order, refusal_of(self._book.artifacts, reason.revert))
                refused = True
            else:
                self._rest(order, answer)
        return limited, refused

    def _refused_now(self, order: Order, estimate: CallReverted) -> CallReverted | None:
        """Why the call would be refused at this moment; None where it would succeed.

        A network makes a block only when there is something to put into it, and an estimate runs at
        the time of the last one, which may be yesterday's: a day could not be opened.  The embedded
        node follows the clock by itself.
        """
        if self._in_runs:
            return estimate
        content = self._content(order) | {"gas": hex(self.times.unestimated_gas)}
        moment = {"time": hex(int(self._store.clock().timestamp()))}
        answer = self._checked.batch([("eth_call", (content, "latest", {}, moment))])[0]
        if isinstance(answer, CallReverted):
            return answer
        return estimate if isinstance(answer, RpcFault) else None

    def _content(self, order: Order) -> dict[str, str]:
        """The call of an order as nodes are asked about it."""
        assert order.call_bytes is not None
        content = {"data": "0x" + order.call_bytes.hex(), "from": self._from(order)}
        return content if order.address is None else content | {"to": order.address}

    def _rest(self, order: Order, answer: RpcFault) -> None:
        self._rests[order.id] = time.monotonic() + 0.05
        if not isinstance(answer, CallReverted):
            self._rests[order.id] = time.monotonic() + 1.0
            self._alarm("order_not_accepted", order.id, str(answer))

    def _from(self, order: Order) -> str:
        return self._signers.get(order.sender).address

    def _former_sends(self, name: str) -> bool:
        """Whether a former key of this sender still has transactions on their way.

        Two keys have two queues, which a network mixes as it likes: the new one waits for the old
        one's last, unless that key is lost and can never hasten what it signed.
        """
        table = tables.order
        query = (
            sql.select(table.c.sender_address)
            .where(table.c.sender == name, table.c.state.in_(("signed", "sent")))
            .where(table.c.sender_address != self._signers.get(name).address)
            .distinct()
        )
        with self._store.reading() as connection:
            former = list(connection.execute(query).scalars())
        return any(not self._signers.is_lost(address) for address in former)

    def _sign(self, name: str, orders: Sequence[Order]) -> None:
        signer = self._signers.get(name)
        first_nonce = self._chain_nonce(signer.address)
        max_fee, tip = self._fee()
        began_ns, now = tracing.now_ns(), time_text(self._store.clock())
        with self._store.engine.begin() as connection:
            counter = f"nonce:{signer.address}"
            # The counter's row is locked before the states are read again, so that two
            # dispatchers on one database never sign the same order.
            next_numbers(connection, counter, 0, first_nonce)
            still = set(
                connection.execute(
                    sql.select(tables.order.c.id)
                    .where(tables.order.c.id.in_([order.id for order in orders]))
                    .where(tables.order.c.state == "requested")
                ).scalars()
            )
            chosen = [order for order in orders if order.id in still]
            nonce = next_numbers(connection, counter, len(chosen), first_nonce)
            signed = []
            for at, order in enumerate(chosen, nonce):
                signed.append(self._attempt(order, signer, at, 1, max_fee, tip, now))
            insert_many(connection, tables.attempt, signed)
            if chosen:
                mark_signed(connection, chosen, signed, signer.address, now)
        tell_signed(chosen, signed, began_ns)

    def _attempt(
        self,
        order: Order,
        signer: Any,
        nonce: int,
        number: int,
        max_fee: int,
        tip: int,
        now: str,
    ) -> dict[str, Any]:
        assert order.gas is not None
        assert order.call_bytes is not None
        target = None if order.creates else order.address
        transaction = ChainTransaction(
            self._chain_id,
            nonce,
            target,
            order.call_bytes,
            order.gas,
            max_fee,
            tip,
            int(order.value_wei or 0),
        )
        done = signer.sign_transaction(transaction)
        return {
            "tx_hash": done.hash,
            "order_id": order.id,
            "number": number,
            "nonce": nonce,
            "gas": order.gas,
            "max_fee": str(max_fee),
            "priority_fee": str(tip),
            "raw": done.raw,
            "signed_at": now,
        }

    def _chain_nonce(self, address: str) -> int:
        """The first nonce of a key that was used before it came here; asked once."""
        with self._store.reading() as connection:
            known = connection.execute(
                sql.select(tables.counter.c.next).where(tables.counter.c.name == f"nonce:{address}")
            ).scalar_one_or_none()
        if known is not None:
            return int(known)
        return int(self._rpc.call("eth_getTransactionCount", address, "latest"), 16)

    def _fee(self) -> tuple[int, int]:
        """The highest fee and the tip, in wei per unit of gas, asked anew every few seconds."""
        asked_at, max_fee, tip = self._fees
        if max_fee and time.monotonic() - asked_at < 5.0:
            return max_fee, tip
        head, suggestion = self._rpc.batch(
            [("eth_getBlockByNumber", ("latest", False)), ("eth_maxPriorityFeePerGas", ())]
        )
        base = 0 if isinstance(head, RpcFault) else int(head.get("baseFeePerGas") or "0x0", 16)
        tip = 0 if base == 0 or isinstance(suggestion, RpcFault) else int(suggestion, 16)
        max_fee = max(2 * base + tip, self.times.fee_floor_wei)
        self._fees = (time.monotonic(), max_fee, tip)
        return max_fee, tip

    # Sending.

    def send_signed(self) -> bool:
        """Send what is signed and not sent, in order of nonces; whether anything was accepted."""
        table, other = tables.order, tables.attempt
        further = tables.attempt.alias("further")
        latest = (
            sql.select(sql.func.max(further.c.number))
            .where(further.c.order_id == table.c.id)
            .correlate(table)
            .scalar_subquery()
        )
        query = (
            sql.select(
                table.c.id,
                table.c.kind,
                table.c.trace,
                table.c.sender_address,
                table.c.nonce,
                other.c.raw,
            )
            .join(other, other.c.order_id == table.c.id)
            .where(table.c.state == "signed", other.c.number == latest)
            .order_by(table.c.sender_address, table.c.nonce)
        )
        with self._store.reading() as connection:
            rows = list(connection.execute(query))
        rows = [row for row in rows if self._rests.get(row.id, 0.0) <= time.monotonic()]
        # Where the node forgot what was indexed, that goes first (`Indexer`): new ones may rest
        # on it.
        if not rows or not self._checked.holds():
            return False
        sent, began_ns = [], tracing.now_ns()
        for row, answer in self._send_runs(rows) if self._in_runs else self._send_all(rows):
            if self._accepted(row.id, answer):
                sent.append(row)
        if sent:
            self._mark_sent([row.id for row in sent])
            tell_sent(sent, began_ns)
        return bool(sent)

    def _send_all(self, rows: Sequence[Any]) -> list[tuple[Any, Any]]:
        answers = self._rpc.batch(
            [("eth_sendRawTransaction", ("0x" + row.raw.hex(),)) for row in rows]
        )
        return list(zip(rows, answers, strict=True))

    def _send_runs(self, rows: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Send each sender's rows once all that it sent before are mined."""
        by_sender: dict[str, list[Any]] = {}
        for row in rows:
            by_sender.setdefault(row.sender_address, []).append(row)
        nonces = next_nonces(self._rpc, list(by_sender))
        answered: list[tuple[Any, Any]] = []
        for sender, own in by_sender.items():
            mined = [row for row in own if row.nonce < nonces.get(sender, 0)]
            ahead = own[len(mined) :]
            if mined:
                answered.extend(self._send_all(mined))
            if ahead and ahead[0].nonce == nonces.get(sender):
                answers = send_run(self._rpc, [row.raw for row in ahead])
                answered.extend(zip(ahead, answers, strict=True))
        return answered

    def _accepted(self, order_id: str, answer: Any) -> bool:
        if not isinstance(answer, RpcFault):
            return True
        text = answer.text.lower()
        if any(known in text for known in _KNOWN) or any(spent in text for spent in _SPENT):
            return True
        self._rests[order_id] = time.monotonic() + 1.0
        self._alarm("order_not_accepted", order_id, str(answer))
        return False

    def _mark_sent(self, ids: Sequence[str]) -> None:
        with self._store.engine.begin() as connection:
            connection.execute(
                sql.update(tables.order)
                .where(tables.order.c.id.in_(ids), tables.order.c.state == "signed")
                .values(state="sent", sent_at=time_text(self._store.clock()))
            )

    # Looking after what was sent.

    def _look_again(self) -> bool:
        """Send again what the node no longer knows, and replace what stays unmined."""
        before = self._ago(self.times.look_again_s)
        with self._store.reading() as connection:
            late = [
                order
                for order in read_orders(connection, states=["sent"], limit=1000)
                if order.sent_at is not None and order.sent_at < before
            ]
            attempts = attempts_of(connection, [order.id for order in late])
        if not late:
            return False
        newest = [attempts[order.id][-1] for order in late]
        asked = [("eth_getTransactionByHash", (one.tx_hash,)) for one in newest]
        head, *answers = self._rpc.batch([("eth_blockNumber", ()), *asked])
        lost, stuck = [], []
        for order, answer in zip(late, answers, strict=True):
            if answer is None:
                lost.append(order.id)
            elif _waits(answer):
                stuck.append(order)
        if lost:
            with self._store.engine.begin() as connection:
                connection.execute(
                    sql.update(tables.order)
                    .where(tables.order.c.id.in_(lost), tables.order.c.state == "sent")
                    .values(state="signed")
                )
        waiting = [one.raw for one, answer in zip(newest, answers, strict=True) if _waits(answer)]
        self._hand_on(head, waiting)
        return self._replace_stuck(stuck, attempts) or bool(lost)

    def _hand_on(self, head: Any, waiting: Sequence[bytes]) -> None:
        """Give every node what waits while the chain stands still: the one that has it may be
        cut off from the others, who know nothing of it and so have no block to make.

        Such a node may even have made a block of it, alone and for nobody: then it denies knowing
        the transaction, and refuses it as spent.
        """
        stood_at, self._stood_at = self._stood_at, head
        if waiting and stood_at == head and self._rpc.count() > 1:
            calls = [("eth_sendRawTransaction", ("0x" + raw.hex(),)) for raw in waiting]
            self._rpc.tell_each(calls)

    def _replace_stuck(self, stuck: Sequence[Order], attempts: dict[str, list[Any]]) -> bool:
        """A further attempt for each sender's lowest unmined nonce: the others wait behind it."""
        before = self._ago(self.times.replace_after_s)
        first: dict[str, Order] = {}
        for order in sorted(stuck, key=lambda one: one.nonce or 0):
            first.setdefault(order.sender_address or order.sender, order)
        replaced = False
        for order in first.values():
            last = attempts[order.id][-1]
            if last.signed_at >= before or not self._can_sign_again(order):
                continue
            self._fees = (0.0, 0, 0)
            max_fee, tip = self._fee()
            # Nodes ask for at least a tenth more of both fees before they replace.
            max_fee = max(max_fee, int(last.max_fee) * 5 // 4 + 1)
            tip = max(tip, int(last.priority_fee) * 5 // 4 + 1)
            row = self._attempt(
                replace(order, gas=last.gas),
                self._signers.at(order.sender_address or ""),
                last.nonce,
                last.number + 1,
                max_fee,
                tip,
                time_text(self._store.clock()),
            )
            with self._store.engine.begin() as connection:
                insert_many(connection, tables.attempt, [row])
                connection.execute(
                    sql.update(tables.order)
                    .where(tables.order.c.id == order.id, tables.order.c.state == "sent")
                    .values(state="signed")
                )
            replaced = True
        return replaced

    def _can_sign_again(self, order: Order) -> bool:
        """Whether the key that signed an order is here; a lost one's transaction waits as it is."""
        try:
            self._signers.at(order.sender_address or "")
        except KeyNotHeld as refusal:
            self._alarm("key_not_held", order.id, str(refusal))
            return False
        return True

    def _raise_overdue(self) -> None:
        table = tables.order
        query = sql.select(table.c.id, table.c.kind, table.c.requested_at).where(
            table.c.state.in_(OPEN_STATES),
            table.c.requested_at < self._ago(self.times.overdue_after_s),
        )
        with self._store.reading() as connection:
            late = list(connection.execute(query.limit(1000)))
        for row in late:
            self._alarm("order_overdue", row.id, f"{row.kind}, requested at {row.requested_at}")

    def _alarm(self, kind: str, subject: str, detail: str) -> None:
        with self._store.engine.begin() as connection:
            raise_alarm(connection, kind, subject, detail, time_text(self._store.clock()))

    def _ago(self, seconds: float) -> str:
        moment: datetime = self._store.clock() - timedelta(seconds=seconds)
        return time_text(moment)


def _waits(answer: Any) -> bool:
    """Whether what a node says of a transaction is that it is in no block."""
    if isinstance(answer, RpcFault):
        return False
    return answer is None or answer.get("blockNumber") is None
