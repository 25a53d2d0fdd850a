"""What rooms want to be told: functions that run in the indexer's transaction.

A room registers its functions once, when the application is put together.  They run in the order
of the chain, each exactly once for each event or order, in the transaction that also records the
event; what they raise undoes all of it and stops the indexer, for an effect that is lost would
never be noticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from amanat.ledger.orders import Order
from amanat.store.journal import Audience, EventKind, declare
from amanat.store.uow import UnitOfWork


@dataclass(slots=True)
class LedgerEvent:
    """One final event of one of our contracts.

    `arguments` are in plain form: integers, booleans, text, addresses and bytes as `0x…`.
    `order_id` is None where nobody here ordered the transaction.  `position` numbers the events of
    the chain densely; `tx_log` counts within the transaction.
    """

    position: int
    chain_id: int
    block_number: int
    block_hash: str
    block_time: int
    log_index: int
    tx_hash: str
    tx_log: int
    address: str
    programme: str
    contract: str
    label: str
    name: str
    arguments: dict[str, Any]
    business_date: str
    order_id: str | None
    arguments_text: str = ""
    entry_id: str = ""

    @property
    def observed(self) -> bool:
        """Whether nobody here ordered it."""
        return self.order_id is None


OnEvent = Callable[[LedgerEvent, UnitOfWork], None]
OnDone = Callable[[Order, Sequence[LedgerEvent], UnitOfWork], None]
OnRefused = Callable[[Order, Mapping[str, Any], UnitOfWork], None]

_EPOCH = date(1970, 1, 1)


def date_of_day(day: int) -> str:
    """The date of a day number on the chain (days since 1970-01-01), as ISO 8601 text."""
    return (_EPOCH + timedelta(days=day)).isoformat()


@dataclass(frozen=True, slots=True)
class CreationEvent:
    """An event by which a contract tells of another that it created."""

    kind: str
    address: Callable[[Mapping[str, Any]], str]
    label: Callable[[Mapping[str, Any]], str]


class HandlerRegistry:
    """Functions of the rooms, and what the ledger must know of the contracts' events."""

    def __init__(self) -> None:
        self.events: dict[tuple[str, str], list[OnEvent]] = {}
        self.done: dict[str, list[OnDone]] = {}
        self.refused: dict[str, list[OnRefused]] = {}
        self.creations: dict[tuple[str, str], CreationEvent] = {}
        self.places: dict[tuple[str, str], Callable[[Mapping[str, Any]], tuple[str, str]]] = {}
        self.days: dict[tuple[str, str], Callable[[Mapping[str, Any]], int]] = {}
        self.opening_day: Callable[[Connection, str], str | None] = lambda _connection, _code: None
        self._public_events: set[tuple[str, str]] = set()
        self._public_orders: set[str] = set()

    def on_event(self, contract: str, name: str) -> Callable[[OnEvent], OnEvent]:
        """Decorates `fn(event, uow)`, to run at each final event of that name."""

        def register(function: OnEvent) -> OnEvent:
            self.events.setdefault((contract, name), []).append(function)
            return function

        return register

    def on_done(self, kind: str) -> Callable[[OnDone], OnDone]:
        """Decorates `fn(order, events, uow)`, to run when an order of that kind is done."""

        def register(function: OnDone) -> OnDone:
            self.done.setdefault(kind, []).append(function)
            return function

        return register

    def on_refused(self, kind: str) -> Callable[[OnRefused], OnRefused]:
        """Decorates `fn(order, refusal, uow)`, to run when an order of that kind is refused.

        `refusal` has `error` (the declared error's name), `fields` (as text) and `message`.
        """

        def register(function: OnRefused) -> OnRefused:
            self.refused.setdefault(kind, []).append(function)
            return function

        return register

    def creates(
        self,
        contract: str,
        name: str,
        kind: str,
        *,
        address: Callable[[Mapping[str, Any]], str],
        label: Callable[[Mapping[str, Any]], str] = lambda _: "",
    ) -> None:
        """Say that this event tells of a new contract of `kind`, to be followed from then on."""
        self.creations[(contract, name)] = CreationEvent(kind, address, label)

    def places_contract(
        self, contract: str, name: str, place: Callable[[Mapping[str, Any]], tuple[str, str]]
    ) -> None:
        """Say that this event names the contract in use: from its arguments, kind and address."""
        self.places[(contract, name)] = place

    def moves_day(self, contract: str, name: str, day: Callable[[Mapping[str, Any]], int]) -> None:
        """Say that this event moves its programme's business day, to days since 1970-01-01."""
        self.days[(contract, name)] = day

    def opens_on(self, day: Callable[[Connection, str], str | None]) -> None:
        """Say how a programme's first business date is found, for what happens before that day."""
        self.opening_day = day

    def make_public(self, contract: str, *names: str) -> None:
        """Make these events' entries leaves of the public log; others are confidential."""
        self._public_events.update((contract, name) for name in names)

    def make_public_orders(self, *kinds: str) -> None:
        """Let the completion of orders of these kinds be public; others are confidential."""
        self._public_orders.update(kinds)

    def event_kind(self, contract: str, name: str) -> EventKind:
        """The kind of journal entry that records this event."""
        public = (contract, name) in self._public_events
        return PUBLIC_EVENT if public else CONFIDENTIAL_EVENT

    def completion_kind(self, order_kind: str, outcome: str) -> EventKind:
        """The kind `<Order>Done` or `<Order>Refused`."""
        audience = Audience.PUBLIC if order_kind in self._public_orders else Audience.CONFIDENTIAL
        fields = _DONE_FIELDS if outcome == "Done" else _REFUSED_FIELDS
        return declare(camel(order_kind) + outcome, fields, audience=audience)


def camel(kind: str) -> str:
    """`settle_batch` and `SettleBatch` both as `SettleBatch`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_\W]+", kind))


_EVENT_FIELDS = (
    "chain",
    "block_number",
    "block_hash",
    "log_index",
    "transaction",
    "contract",
    "label",
    "address",
    "event",
    "arguments",
    "observed",
    "order",
)
_RECEIPT_FIELDS = ("order", "contract", "label", "address", "function", "receipt")
_DONE_FIELDS = _RECEIPT_FIELDS
_REFUSED_FIELDS = (*_RECEIPT_FIELDS, "refusal")

PUBLIC_EVENT = declare("LedgerEventSeen", _EVENT_FIELDS, audience=Audience.PUBLIC)
CONFIDENTIAL_EVENT = declare(
    "ConfidentialLedgerEventSeen", _EVENT_FIELDS, audience=Audience.CONFIDENTIAL
)
REANCHORED = declare(
    "LedgerReanchored",
    ("chain", "forgotten_after", "from_block", "to_block", "transactions"),
    audience=Audience.CONFIDENTIAL,
)
REORGANISED = declare(
    "LedgerReorganised",
    ("chain", "fork_block", "block_number", "former_hash", "block_hash"),
    audience=Audience.CONFIDENTIAL,
)
EVENT_ENTRIES = (PUBLIC_EVENT.name, CONFIDENTIAL_EVENT.name)
