"""Orders to the chain: what rooms ask for within their transaction, and what became of it.

An order is *requested* in the transaction of the act, *signed* and stored by the dispatcher before
it is *sent*, and *done* or *refused* when the indexer sees its receipt final.  Orders have one
global sequence.  Each waits until those that it depends on are done, and until those of other
senders have ended that have to do with the same things (`amanat.ledger.things`).
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import Invalid, NotFound
from amanat.core.ids import new_id
from amanat.ledger import tables
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.gateway import ContractBook
from amanat.ledger.sender_names import OPERATOR
from amanat.ledger.things import ALL_THINGS, Arranged, Placed, Things, store_uses
from amanat.ledger.wire import address_of
from amanat.observing import tracing
from amanat.store.engine import insert_many
from amanat.store.uow import UnitOfWork

# Addresses by (programme, contract, label).
Known = dict[tuple[str, str, str], str]

OPEN_STATES = ("requested", "signed", "sent")
_ENDOWMENT_GAS = 21_000

SendersOf = Callable[[Connection, str], Sequence[str]]
"""The senders that there are for a purpose, of which any may send an order; at least one."""


class ContractUnknown(Invalid):
    """A call to a contract that does not exist, and that nothing it depends on created."""

    template = "{programme} has no contract {contract} {label}"


@dataclass(frozen=True, slots=True)
class AddressOf:
    """Stands in arguments for a contract's address that may not exist before signing."""

    contract: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One call (or, with an empty `function`, one creation) that is asked for.

    `sender` is the purpose for which it is sent; the book says which senders there are for it.
    """

    kind: str
    programme: str
    contract: str
    function: str
    args: Sequence[Any]
    address: str | None = None
    label: str = ""
    subject: tuple[str, str] | None = None
    depends_on: Sequence[str] = ()
    cause: str | None = None
    gas: int | None = None
    sender: str = OPERATOR
    things: Things = ALL_THINGS


@dataclass(frozen=True, slots=True)
class Order:
    """An order as stored; see `tables.order`."""

    id: str
    sequence: int
    kind: str
    programme: str
    contract: str
    label: str
    address: str | None
    function: str
    call_bytes: bytes | None
    unresolved: str | None
    subject: tuple[str, str] | None
    cause: str | None
    sender: str
    gas: int | None
    state: str
    sender_address: str | None
    nonce: int | None
    requested_at: str
    signed_at: str | None
    sent_at: str | None
    completed_at: str | None
    tx_hash: str | None
    block_number: int | None
    gas_used: int | None
    refusal: Mapping[str, Any] | None
    trace: str | None = None
    value_wei: str | None = None

    @property
    def creates(self) -> bool:
        """Whether it creates a contract instead of calling one."""
        return not self.function

    @property
    def journal_subject(self) -> str:
        """Under what pages find its entries: its subject, else the order itself."""
        return ":".join(self.subject) if self.subject else f"order:{self.id}"


def order_of(row: Row[Any]) -> Order:
    """The order in a row of `tables.order`."""
    fields = dict(row._mapping)
    room, thing = fields.pop("subject_room"), fields.pop("subject_id")
    fields["subject"] = (room, thing) if room is not None else None
    refusal = fields["refusal"]
    fields["refusal"] = json.loads(refusal) if refusal else None
    return Order(**{one.name: fields[one.name] for one in dataclasses.fields(Order)})


def next_numbers(connection: Connection, name: str, count: int, first: int = 0) -> int:
    """The first of `count` consecutive numbers; the counter stays locked until the commit.

    A counter that does not exist yet begins at `first`.
    """
    table = tables.counter
    connection.exec_driver_sql(
        "INSERT INTO ledger_counter (name, next) VALUES "
        + ("(?, ?)" if connection.dialect.name == "sqlite" else "(%s, %s)")
        + " ON CONFLICT DO NOTHING",
        (name, first),
    )
    following: int = connection.execute(
        sql.update(table)
        .where(table.c.name == name)
        .values(next=table.c.next + count)
        .returning(table.c.next)
    ).scalar_one()
    return following - count


class OrderBook:
    """Gives every unit of work its `orders`: `Store(..., orders=OrderBook(artifacts, book))`."""

    def __init__(
        self,
        artifacts: Artifacts,
        contracts: ContractBook,
        senders_of: SendersOf = lambda _connection, purpose: (purpose,),
    ) -> None:
        self.artifacts = artifacts
        self.contracts = contracts
        self.senders_of = senders_of

    def __call__(self, uow: UnitOfWork) -> Orders:
        return Orders(self, uow)

    def encode(
        self, connection: Connection, request: OrderRequest, known: Known | None = None
    ) -> tuple[str | None, bytes | None]:
        """The address and bytes of a call, as far as they are known now.

        `known` remembers addresses between the calls of one transaction.
        Raises `CallNotEncodable`, `NotFound` (no such artifact), `AddressInvalid`.
        """
        artifact = self.artifacts.get(request.contract)
        find = self._finder(connection, request.programme, {} if known is None else known)
        args, complete = _resolve(find, list(request.args))
        address = address_of(request.address) if request.address else None
        if not request.function:
            return None, artifact.creation(args) if complete else None
        if address is None:
            address = find(request.contract, request.label)
        if not complete:
            artifact.function(request.function, len(request.args))
            return address, None
        return address, artifact.function(request.function, len(args)).encode(args)

    def _finder(
        self, connection: Connection, programme: str, known: Known
    ) -> Callable[[str, str], str | None]:
        def find(contract: str, label: str) -> str | None:
            key = (programme, contract, label)
            if key not in known:
                found = self.contracts.find(programme, contract, label, connection)
                if found is None:
                    return None  # not remembered: it may be created within this transaction
                known[key] = found
            return known[key]

        return find

    def complete(
        self, connection: Connection, order: Order, known: Known | None = None
    ) -> tuple[str | None, bytes]:
        """Address and bytes of an order all of whose dependencies are done.

        `known` are addresses of contracts that are not in the table yet.  What was asked of a
        contract that has been replaced since goes to the one in its place.
        Raises `ContractUnknown` where a contract is still missing.
        """
        if order.call_bytes is not None and (order.creates or order.address is not None):
            return self._in_use(connection, order), order.call_bytes
        args = _unpack(json.loads(order.unresolved)) if order.unresolved else None
        if args is None:
            find = self._finder(connection, order.programme, {} if known is None else known)
            address = find(order.contract, order.label)
            call_bytes = order.call_bytes
        else:
            request = OrderRequest(
                order.kind, order.programme, order.contract, order.function, args,
                address=order.address, label=order.label,
            )  # fmt: skip
            address, call_bytes = self.encode(connection, request, known)
        if call_bytes is None or (address is None and not order.creates):
            raise ContractUnknown(
                programme=order.programme, contract=order.contract, label=order.label
            )
        return address, call_bytes

    def _in_use(self, connection: Connection, order: Order) -> str | None:
        """Where the order's call goes: its address, or that of the contract in its place."""
        if order.creates or not order.contract:
            return order.address
        table = tables.contract
        replaced = connection.execute(
            sql.select(table.c.kind, table.c.label)
            .where(table.c.address == order.address, table.c.programme == order.programme)
            .where(table.c.replaced.is_(True))
        ).one_or_none()
        if replaced is None:
            return order.address
        found = self.contracts.find(order.programme, replaced.kind, replaced.label, connection)
        return found or order.address

    def arguments(self, order: Order) -> list[Any]:
        """The arguments of an order's call in plain form (bytes as `0x…`); not of creations."""
        if order.call_bytes is None or order.creates:
            raise NotFound(thing="encoded call of order", value=order.id)
        artifact = self.artifacts.get(order.contract)
        return artifact.function_at(order.call_bytes[:4]).decode_call(order.call_bytes)


def _resolve(find: Callable[[str, str], str | None], value: Any) -> tuple[Any, bool]:
    """`value` with addresses in the place of `AddressOf`; whether all of them were found."""
    if isinstance(value, AddressOf):
        found = find(value.contract, value.label)
        return found, found is not None
    if isinstance(value, (list, tuple)):
        parts = [_resolve(find, one) for one in value]
        return [one for one, _ in parts], all(known for _, known in parts)
    if isinstance(value, Mapping):
        named = {key: _resolve(find, one) for key, one in value.items()}
        complete = all(one for _, one in named.values())
        return {key: one for key, (one, _) in named.items()}, complete
    return value, True


class Orders:
    """The orders of one unit of work."""

    def __init__(self, book: OrderBook, uow: UnitOfWork) -> None:
        self._book = book
        self._uow = uow
        self._known: Known = {}

    def request(
        self,
        kind: str,
        programme: str,
        contract: str,
        function: str,
        args: Sequence[Any],
        *,
        address: str | None = None,
        label: str = "",
        subject: tuple[str, str] | None = None,
        depends_on: Sequence[str] = (),
        cause: str | None = None,
        gas: int | None = None,
        sender: str = OPERATOR,
        things: Things = ALL_THINGS,
    ) -> str:
        """Ask for one call, sent once this transaction has committed; returns the order's id.

        `label` or `address` say which one where a programme has several contracts of a kind;
        `sender` for which purpose it is sent, and `things` what it has to do with.
        Without `gas` the node is asked beforehand, and a call that it refuses is never sent; with
        it the call is sent unasked and the chain alone decides.
        Raises `CallNotEncodable`, `AddressInvalid`, `NotFound`.
        """
        return self.request_many(
            [
                OrderRequest(
                    kind,
                    programme,
                    contract,
                    function,
                    args,
                    address=address,
                    label=label,
                    subject=subject,
                    depends_on=depends_on,
                    cause=cause,
                    gas=gas,
                    sender=sender,
                    things=things,
                )
            ]
        )[0]

    def create(
        self,
        kind: str,
        programme: str,
        contract: str,
        args: Sequence[Any] = (),
        *,
        label: str = "",
        depends_on: Sequence[str] = (),
        subject: tuple[str, str] | None = None,
        cause: str | None = None,
        gas: int | None = None,
        sender: str = OPERATOR,
    ) -> str:
        """Ask for the creation of a contract; `AddressOf` may stand among its arguments.

        When it is done, the contract is found under (programme, contract, label).
        """
        return self.request(
            kind, programme, contract, "", args, label=label, subject=subject,
            depends_on=depends_on, cause=cause, gas=gas, sender=sender,
        )  # fmt: skip

    def endow(
        self, kind: str, programme: str, address: str, wei: int, *, subject: tuple[str, str],
        cause: str | None = None,
    ) -> str:  # fmt: skip
        """Ask that the network's own coin, in wei, be sent to an address: for a sender's fees.

        Nothing that the programme's other orders are about has to do with coin, so that none of
        them waits for this one, nor it for them.
        """
        connection, now = self._uow.connection, self._now()
        request = OrderRequest(
            kind, programme, "", "(endow)", (), subject=subject, cause=cause, gas=_ENDOWMENT_GAS
        )
        sequence = next_numbers(connection, "orders", 1, 1)
        row = _row(request, sequence, now, address_of(address), b"") | {"value_wei": str(wei)}
        connection.execute(tables.order.insert().values(**row))
        return str(row["id"])

    def request_many(self, requests: Sequence[OrderRequest]) -> list[str]:
        """As `request`, for many; they follow each other in the global sequence."""
        if not requests:
            return []
        connection, now = self._uow.connection, self._now()
        first = next_numbers(connection, "orders", len(requests), 1)
        trace = tracing.traceparent()
        rows = []
        for sequence, request in enumerate(requests, first):
            address, call_bytes = self._book.encode(connection, request, self._known)
            row = _row(request, sequence, now, address, call_bytes) | {"trace": trace}
            rows.append(row)
        uses, waits = self._arrange(requests, rows)
        insert_many(connection, tables.order, rows)
        insert_many(connection, tables.dependency, waits)
        store_uses(connection, uses)
        return [str(row["id"]) for row in rows]

    def _now(self) -> str:
        return self._uow.store.clock().isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _arrange(
        self, requests: Sequence[OrderRequest], rows: Sequence[dict[str, Any]]
    ) -> tuple[list[tuple[Placed, str]], list[dict[str, Any]]]:
        """Give each row its sender; what it has to do with, and the dependencies."""
        connection = self._uow.connection
        purposes = {request.sender for request in requests}
        senders = {one: self._book.senders_of(connection, one) for one in purposes}
        placed = [
            Placed(
                row["id"],
                row["sequence"],
                request.programme,
                senders[request.sender],
                request.things.uses(),
            )
            for request, row in zip(requests, rows, strict=True)
        ]
        arranged = Arranged(connection, placed)
        uses, waits = [], []
        for request, row, one in zip(requests, rows, placed, strict=True):
            row["sender"], after = arranged.place(one)
            uses.append((one, row["sender"]))
            needed = dict.fromkeys(request.depends_on, True)
            for other, refused_with in (dict.fromkeys(after, False) | needed).items():
                waits.append({"order_id": row["id"], "depends_on": other, "needed": refused_with})
        return uses, waits

    def get(self, order_id: str) -> Order:
        """One order; raises `NotFound`."""
        return read_order(self._uow.connection, order_id)

    def of_subject(self, room: str, thing: str) -> list[Order]:
        """The orders about one thing, in their sequence."""
        return read_orders(self._uow.connection, subject=(room, thing))

    def arguments(self, order: Order) -> list[Any]:
        """The arguments that the order calls with, in plain form."""
        return self._book.arguments(order)


def _row(
    request: OrderRequest, sequence: int, now: str, address: str | None, call_bytes: bytes | None
) -> dict[str, Any]:
    subject = request.subject or (None, None)
    return {
        "id": new_id(),
        "sequence": sequence,
        "kind": request.kind,
        "programme": request.programme,
        "contract": request.contract,
        "label": request.label,
        "address": address,
        "function": request.function,
        "call_bytes": call_bytes,
        "unresolved": None if call_bytes is not None else json.dumps(_pack(list(request.args))),
        "subject_room": subject[0],
        "subject_id": subject[1],
        "cause": request.cause,
        "sender": request.sender,
        "gas": request.gas,
        "state": "requested",
        "requested_at": now,
    }


def _pack(value: Any) -> Any:
    """Arguments as JSON that `_unpack` reads back exactly."""
    if isinstance(value, AddressOf):
        return {"address_of": [value.contract, value.label]}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [_pack(one) for one in value]
    if isinstance(value, Mapping):
        return {"struct": {key: _pack(one) for key, one in value.items()}}
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpack(one) for one in value]
    if isinstance(value, dict):
        if "address_of" in value:
            return AddressOf(*value["address_of"])
        if "bytes" in value:
            return bytes.fromhex(value["bytes"])
        return {key: _unpack(one) for key, one in value["struct"].items()}
    return value


def read_order(connection: Connection, order_id: str) -> Order:
    """One order; raises `NotFound`."""
    row = connection.execute(
        sql.select(tables.order).where(tables.order.c.id == order_id)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="order", value=order_id)
    return order_of(row)


def read_orders(
    connection: Connection,
    *,
    states: Sequence[str] = (),
    subject: tuple[str, str] | None = None,
    programme: str | None = None,
    limit: int | None = None,
) -> list[Order]:
    """Orders in their sequence."""
    table = tables.order
    query = sql.select(table).order_by(table.c.sequence).limit(limit)
    if states:
        query = query.where(table.c.state.in_(states))
    if subject is not None:
        query = query.where(table.c.subject_room == subject[0], table.c.subject_id == subject[1])
    if programme is not None:
        query = query.where(table.c.programme == programme)
    return [order_of(row) for row in connection.execute(query)]
