"""Asks contracts: typed calls by name, at any block, with refusals decoded to declared errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.ledger import refusals, tables
from amanat.ledger.abi import Function
from amanat.ledger.artifacts import Artifacts
from amanat.ledger.checked_node import CheckedNode
from amanat.ledger.refusals import ContractRefusal
from amanat.ledger.rpc import Call, CallReverted, RpcFault
from amanat.ledger.wire import ZERO_ADDRESS, address_of

SUCCESSOR = "successor"
"""The label of a contract that was created to replace another and that nobody has named yet."""


def refusal_of(artifacts: Artifacts, revert: bytes) -> ContractRefusal:
    """What a contract said as it refused: its declared error with typed arguments.

    An error that only some contract's ABI declares is decoded from there; a revert that nobody
    declares is `UndeclaredError(content)`, one without any bytes `Reverted()`.
    """
    if revert[:4] in refusals.BY_SELECTOR:
        return refusals.decode(revert)
    declared = artifacts.error(revert)
    return ContractRefusal(declared.name, declared.fields, str(declared))


@dataclass(frozen=True, slots=True)
class ContractRef:
    """One contract of a programme on the chain; `label` is an ISIN, or empty."""

    address: str
    programme: str
    kind: str
    label: str


class ContractBook:
    """Where each programme's contracts lie.  Reads the table anew when it does not find one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._by_address: dict[str, ContractRef] = {}

    def load(self, connection: Connection | None = None) -> dict[str, ContractRef]:
        """All contracts by address, as the table has them now (also replaced ones)."""
        if connection is None:
            with self._engine.connect().execution_options(reads_only=True) as reading:
                return self.load(reading)
        rows = connection.execute(sql.select(tables.contract))
        self._by_address = {
            row.address: ContractRef(row.address, row.programme, row.kind, row.label)
            for row in rows
        }
        return self._by_address

    def at(self, address: str) -> ContractRef:
        """The contract at an address; raises `NotFound`."""
        found = self._by_address.get(address) or self.load().get(address)
        if found is None:
            raise NotFound(thing="contract", value=address)
        return found

    def find(
        self, programme: str, kind: str, label: str = "", connection: Connection | None = None
    ) -> str | None:
        """The address of the contract in use, or None while it has not been created."""
        if connection is None:
            with self._engine.connect().execution_options(reads_only=True) as reading:
                return self.find(programme, kind, label, reading)
        table = tables.contract
        return connection.execute(
            sql.select(table.c.address)
            .where(table.c.programme == programme, table.c.kind == kind, table.c.label == label)
            .where(table.c.replaced.is_(False))
        ).scalar_one_or_none()

    def address(self, programme: str, kind: str, label: str = "") -> str:
        """As `find`; raises `NotFound`."""
        found = self.find(programme, kind, label)
        if found is None:
            raise NotFound(
                thing=Message("contract of {programme}", programme=programme),
                value=f"{kind} {label}".strip(),
            )
        return found


def record_contract(
    connection: Connection,
    ref: ContractRef,
    *,
    block_number: int,
    order_id: str | None = None,
) -> None:
    """Enter a contract in the table; one of the same programme, kind and label is replaced.

    The old one keeps its row, because its events stay in the index.
    """
    _replace(connection, ref)
    connection.execute(
        tables.contract.insert().values(
            address=ref.address,
            programme=ref.programme,
            kind=ref.kind,
            label=ref.label,
            order_id=order_id,
            block_number=block_number,
            replaced=False,
        )
    )


def _replace(connection: Connection, ref: ContractRef) -> None:
    """Nobody asks the contracts of this programme, kind and label any more."""
    table = tables.contract
    connection.execute(
        sql.update(table)
        .where(table.c.programme == ref.programme, table.c.kind == ref.kind)
        .where(table.c.label == ref.label)
        .values(replaced=True)
    )


def take_place(
    connection: Connection, ref: ContractRef, *, block_number: int, order_id: str | None
) -> None:
    """The Directory names this contract from now on; the one of its kind before it is replaced.

    Its row loses the label `SUCCESSOR`; where it was created elsewhere, it is entered here.
    """
    table = tables.contract
    known = connection.execute(sql.select(table).where(table.c.address == ref.address)).first()
    if known is None:
        record_contract(connection, ref, block_number=block_number, order_id=order_id)
        return
    if known.label == ref.label and not known.replaced:
        return
    _replace(connection, ref)
    connection.execute(
        sql.update(table)
        .where(table.c.address == ref.address)
        .values(label=ref.label, replaced=False)
    )


def former_addresses(connection: Connection, programme: str, kind: str) -> list[str]:
    """Where the contracts of a kind lie that were in use and are replaced, latest first."""
    table = tables.contract
    return list(
        connection.execute(
            sql.select(table.c.address)
            .where(table.c.programme == programme, table.c.kind == kind, table.c.label == "")
            .where(table.c.replaced.is_(True))
            .order_by(table.c.block_number.desc())
        ).scalars()
    )


def block_tag(block: int | str) -> str:
    """A block parameter of the JSON-RPC interface."""
    return hex(block) if isinstance(block, int) else block


class Gateway:
    """Asks the contracts of one programme.  Nothing here changes the chain.

    Whatever asks raises `NodeUnavailable`, and `NodeBehindIndex` while the node knows less than
    the index; both may be tried again.
    """

    def __init__(
        self, checked: CheckedNode, artifacts: Artifacts, contracts: ContractBook, programme: str
    ) -> None:
        self._checked = checked
        self._artifacts = artifacts
        self._contracts = contracts
        self.programme = programme

    def address(self, contract: str, label: str = "") -> str:
        """Where the contract lies; raises `NotFound`."""
        return self._contracts.address(self.programme, contract, label)

    def encode(self, contract: str, function: str, *args: Any) -> bytes:
        """The bytes of a call; raises `CallNotEncodable`, `NotFound`."""
        return self._artifacts.get(contract).function(function, len(args)).encode(args)

    def call(
        self,
        contract: str,
        function: str,
        *args: Any,
        block: int | str = "latest",
        label: str = "",
        address: str | None = None,
        sender: str = ZERO_ADDRESS,
    ) -> Any:
        """What a view returns, or what a change would return if `sender` asked for it at `block`.

        Raises `ContractRefusal` with the declared error, `NotFound`, `NodeUnavailable`,
        `NodeBehindIndex`.
        """
        asked = [(contract, function, args, label, address)]
        answer = self.call_many(asked, block=block, sender=sender)[0]
        if isinstance(answer, RpcFault):
            raise self.refusal(answer)
        return answer

    def call_many(
        self,
        asked: Iterable[tuple[str, str, Sequence[Any], str, str | None]],
        *,
        block: int | str = "latest",
        sender: str = ZERO_ADDRESS,
    ) -> list[Any]:
        """Many calls in few requests, each (contract, function, args, label, address or None).

        An answer may be the `RpcFault` of its call.
        """
        calls: list[Call] = []
        functions: list[Function] = []
        places: list[str] = []
        for contract, function, args, label, address in asked:
            entry = self._artifacts.get(contract).function(function, len(args))
            where = address_of(address) if address else self.address(contract, label)
            content = {"from": sender, "to": where, "data": "0x" + entry.encode(args).hex()}
            calls.append(("eth_call", (content, block_tag(block))))
            functions.append(entry)
            places.append(where)
        answers = self._checked.batch(calls)
        found: list[Any] = []
        for asked_at, entry, answer in zip(places, functions, answers, strict=True):
            if isinstance(answer, RpcFault):
                found.append(answer)
            elif answer == "0x" and entry.entry.get("outputs"):
                # Where there is no contract, any call succeeds and returns nothing.
                raise NotFound(thing="contract", value=asked_at)
            else:
                found.append(entry.decode_result(bytes.fromhex(answer[2:])))
        return found

    def refusal(self, fault: RpcFault) -> Exception:
        """A revert as `ContractRefusal`; any other fault as it is."""
        if not isinstance(fault, CallReverted):
            return fault
        return refusal_of(self._artifacts, fault.revert)
