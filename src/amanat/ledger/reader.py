"""Reads a run of final blocks into events, completions and rows, numbering the events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from amanat.core.errors import Corrupt
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.completion import Receipt, business_date_of, ledger_provenance
from amanat.ledger.follower import FinalBlock, receipt_of
from amanat.ledger.gateway import ContractBook, ContractRef, record_contract, take_place
from amanat.ledger.orders import Order
from amanat.ledger.recovery import reanchor
from amanat.ledger.registry import HandlerRegistry, LedgerEvent, date_of_day
from amanat.ledger.units import with_units
from amanat.store.journal import Provenance
from amanat.store.uow import UnitOfWork

# What the contracts say while no business day was ever opened: day 0 (1970-01-01).
NO_DAY = date_of_day(0)


# The bytes of RFC 8785 for text, lists and names that are ASCII, as all arguments are by now.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

# An order, its receipt, its events, and why it was refused (None: it was not).
Ending = tuple[Order, Receipt, list[LedgerEvent], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a run begins: the chain, the index's first block, the position of the next event."""

    chain_id: int
    first_block: int
    position: int


@dataclass(slots=True)
class Run:
    """What one run of blocks comes to, before it is written."""

    events: list[LedgerEvent] = field(default_factory=list)
    orders: list[Ending] = field(default_factory=list)
    transactions: list[dict[str, Any]] = field(default_factory=list)
    blocks: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)


class Reader:
    """Reads one run of blocks into events, completions and rows, numbering the events."""

    def __init__(
        self,
        uow: UnitOfWork,
        registry: HandlerRegistry,
        artifacts: Artifacts,
        contracts: ContractBook,
        span: Span,
        orders: Mapping[str, Order],
        seen: Mapping[str, Any],
        refusals: Mapping[str, Mapping[str, Any]],
        observed: Mapping[str, bytes],
    ) -> None:
        self.position = span.position
        self._first_block = span.first_block
        self._chain_id = span.chain_id
        self._registry = registry
        self._artifacts = artifacts
        self._uow = uow
        self._orders = orders
        self._seen = seen
        self._refusals = refusals
        self._observed = observed
        self._known = dict(contracts.load(uow.connection))
        self._days: dict[str, str | None] = {}
        self._heads: dict[tuple[str, str, str | None], Provenance] = {}
        self._run = Run()

    def read(self, blocks: Sequence[FinalBlock]) -> Run:
        """Everything that these blocks mean to us."""
        for block in blocks:
            ours = False
            for answer in block.receipts:
                ours = self._transaction(block, answer) or ours
            # The first block is where a node that forgot everything and the index part.
            if ours or block is blocks[-1] or block.number == self._first_block:
                row = {"number": block.number, "hash": block.hash, "time": block.time}
                self._run.blocks.append(row)
        return self._run

    def _transaction(self, block: FinalBlock, answer: Mapping[str, Any]) -> bool:
        """Read one transaction; whether it concerns us."""
        tx_hash = answer["transactionHash"]
        before = self._seen.get(tx_hash)
        digest = logs_digest(answer)
        if before is not None:
            if before.block_hash != block.hash:
                if before.logs_digest != digest:
                    raise Corrupt(f"Transaction {tx_hash} returned with other effects than before.")
                reanchor(self._uow.connection, receipt_of(answer), answer["logs"])
                self._run.returned.append(tx_hash)
            return True  # mined again within the same second, a block can be the same as before
        order = self._orders.get(tx_hash)
        if order is not None and order.tx_hash not in (None, tx_hash):
            # On a chain that was replaced another attempt of it may be mined; it ended once.
            raise Corrupt(f"Order {order.id} ended as {order.tx_hash} and is mined as {tx_hash}.")
        if order is not None and order.creates and answer["status"] == "0x1":
            self._created(order, answer, block.number)
        events = self._events(block, answer, order)
        if order is None and not events and tx_hash not in self._observed:
            return False
        self._run.transactions.append(
            {
                "tx_hash": tx_hash,
                "block_number": block.number,
                "block_hash": block.hash,
                "tx_index": int(answer["transactionIndex"], 16),
                "status": int(answer["status"], 16),
                "order_id": order.id if order else None,
                "logs_digest": digest,
                "raw": self._observed.get(tx_hash),
            }
        )
        if order is not None:
            refusal = self._refusals.get(tx_hash)
            self._run.orders.append((order, receipt_of(answer), events, refusal))
        return True

    def _created(self, order: Order, answer: Mapping[str, Any], number: int) -> None:
        address = answer["contractAddress"].lower()
        if address != order.address:
            raise Corrupt(f"Order {order.id} created {address}, not {order.address}.")
        ref = ContractRef(address, order.programme, order.contract, order.label)
        self._record(ref, number, order.id)

    def _record(self, ref: ContractRef, number: int, order_id: str | None) -> None:
        record_contract(self._uow.connection, ref, block_number=number, order_id=order_id)
        self._known[ref.address] = ref

    def _events(
        self, block: FinalBlock, answer: Mapping[str, Any], order: Order | None
    ) -> list[LedgerEvent]:
        events: list[LedgerEvent] = []
        for at, entry in enumerate(answer["logs"]):
            ref = self._known.get(entry["address"])
            if ref is None or not entry["topics"]:
                continue
            decoder = self._artifacts.get(ref.kind).events.get(entry["topics"][0])
            if decoder is None:
                raise Corrupt(f"{ref.kind} {ref.address} logged an event that it does not declare.")
            event = LedgerEvent(
                position=self.position,
                chain_id=self._chain_id,
                block_number=block.number,
                block_hash=block.hash,
                block_time=block.time,
                log_index=int(entry["logIndex"], 16),
                tx_hash=answer["transactionHash"],
                tx_log=at,
                address=ref.address,
                programme=ref.programme,
                contract=ref.kind,
                label=ref.label,
                name=decoder.name,
                arguments=decoder.decode(entry["topics"], entry["data"]),
                business_date=NO_DAY,
                order_id=order.id if order else None,
            )
            self._note(event, order)
            events.append(event)
        self._run.events.extend(events)
        return events

    def _note(self, event: LedgerEvent, order: Order | None) -> None:
        key = (event.contract, event.name)
        day = self._registry.days.get(key)
        if day is not None:
            self._move_day(event, date_of_day(day(event.arguments)))
        event.business_date = self.day_of(event.programme) or NO_DAY
        creation = self._registry.creations.get(key)
        if creation is not None:
            address, label = creation.address(event.arguments), creation.label(event.arguments)
            ref = ContractRef(address, event.programme, creation.kind, label)
            self._record(ref, event.block_number, event.order_id)
        place = self._registry.places.get(key)
        if place is not None:
            kind, at = place(event.arguments)
            ref = ContractRef(at, event.programme, kind, "")
            take_place(
                self._uow.connection, ref, block_number=event.block_number, order_id=event.order_id
            )
            self._known[at] = ref
        event.entry_id = self._append(event, order)
        self.position += 1

    def _append(self, event: LedgerEvent, order: Order | None) -> str:
        subject = order.journal_subject if order else f"address:{event.address}"
        arguments = as_text(event.arguments)
        event.arguments_text = _encode(arguments)
        content = {
            "chain": self._chain_id,
            "block_number": event.block_number,
            "block_hash": event.block_hash,
            "log_index": event.log_index,
            "transaction": event.tx_hash,
            "contract": event.contract,
            "label": event.label,
            "address": event.address,
            "event": event.name,
            "arguments": with_units(event.contract, event.name, arguments),
            "observed": event.order_id is None,
            "order": event.order_id,
        }
        cause = order.cause if order else None
        head_key = (event.programme, event.business_date, cause)
        head = self._heads.get(head_key)
        if head is None:
            moment = datetime.fromtimestamp(event.block_time, UTC)
            head = provenance_of(event, moment.date().isoformat(), cause)
            self._heads[head_key] = head
        kind = self._registry.event_kind(event.contract, event.name)
        return self._uow.journal.append(kind, content, subject=subject, provenance=head)

    def day_of(self, programme: str) -> str | None:
        """The programme's business day after what was read so far; before its first, that one.

        None where nobody says when it opens.
        """
        if programme not in self._days:
            self._days[programme] = business_date_of(
                self._uow.connection, self._registry, programme
            )
        return self._days[programme]

    def _move_day(self, event: LedgerEvent, day: str) -> None:
        self._days[event.programme] = day
        self._run.days.append(
            {
                "programme": event.programme,
                "position": event.position,
                "business_date": day,
                "block_number": event.block_number,
            }
        )


def as_text(value: Any) -> Any:
    """Arguments for the journal and the tables: integers become decimal text, whatever their size.

    JSON readers hold integers exactly to 2**53 - 1 only.
    """
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is dict:
        # Most arguments are plain: whatever is neither integer nor compound stays as it is.
        return {name: one if type(one) is str else as_text(one) for name, one in value.items()}
    if kind is list:
        return [one if type(one) is str else as_text(one) for one in value]
    return value


def logs_digest(answer: Mapping[str, Any]) -> str:
    """SHA-256 over a receipt's status and everything that it logged, in order."""
    parts = [answer["status"]]
    for entry in answer["logs"]:
        parts += [entry["address"], ",".join(entry["topics"]), entry["data"]]
    return "0x" + hashlib.sha256("|".join(parts).encode()).hexdigest()


def provenance_of(event: LedgerEvent, clock_date: str, cause: str | None = None) -> Provenance:
    day = event.business_date if event.business_date != NO_DAY else clock_date
    return ledger_provenance(event.programme, day, cause)
