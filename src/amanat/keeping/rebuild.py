"""The database's ledger part made anew from the chain, compared with what there was.

Blocks, transactions, events, business days, balances and their history follow from the chain alone.
They are made in a new database by the indexer itself, without the rooms' functions, and compared
row by row with the database that there is.  What the chain does not hold is named with how much of
it there was: it returns from a backup, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Engine

from amanat.app import Application
from amanat.core.errors import Refusal
from amanat.keeping.tables import DatabaseNotEmpty
from amanat.ledger import tables
from amanat.ledger.fsck import Difference, check_ledger
from amanat.ledger.gateway import ContractBook
from amanat.ledger.indexer import Indexer
from amanat.ledger.registry import HandlerRegistry
from amanat.store.engine import insert_many, open_engine
from amanat.store.migrate import migrate
from amanat.store.tables import metadata
from amanat.store.uow import Store

# What follows from the chain, and the columns by which two makings of it are compared.  Positions
# and entries differ where events were observed in another order; journal entries are new; of blocks
# those are kept at which a run of the indexer ended, and `fsck` compares them with the node.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "ledger_event": (
        "block_number", "log_index", "tx_hash", "address", "contract", "name", "arguments",
        "business_date",
    ),
    "ledger_holding": ("token", "account", "programme", "units"),
    "ledger_balance_change": ("token", "account", "change", "units", "block_number"),
    "ledger_business_day": ("programme", "business_date", "block_number"),
    "ledger_contract": ("address", "programme", "kind", "label", "replaced"),
}  # fmt: skip
_FROM_CHAIN = (*COMPARED, "ledger_block", "ledger_chain_transaction", "ledger_cursor")
_SHOWN_MAX = 20


class NoContractsKnown(Refusal):
    """The chain does not say which of its contracts are ours: the old database or a backup does."""

    template: ClassVar[str] = "The database names no contract; restore a backup of any age first."


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was made: rows by table, what differs from before, and what the chain does not hold."""

    rows: Mapping[str, int]
    differences: tuple[Difference, ...]
    not_on_chain: Mapping[str, int]
    block: int


class _ChainAlone(HandlerRegistry):
    """What the rooms say of the contracts' events, without the functions that need their rows."""

    def on_event(self, contract: str, name: str) -> Callable[[Any], Any]:
        del contract, name
        return lambda function: function

    def on_done(self, kind: str) -> Callable[[Any], Any]:
        del kind
        return lambda function: function

    def on_refused(self, kind: str) -> Callable[[Any], Any]:
        del kind
        return lambda function: function


def rebuild(application: Application, target_url: str) -> Rebuilt:
    """Make the ledger part anew in the empty database `target_url`; the old one is only read.

    Raises `DatabaseNotEmpty`, `NoContractsKnown`, and as `Indexer.step`.
    """
    target = open_engine(target_url)
    try:
        present = sql.inspect(target).get_table_names()
        if present:
            raise DatabaseNotEmpty(tables=", ".join(sorted(present)[:5]))
        migrate(target)
        with application.store.reading() as connection:
            _seed(connection, application.registry, target)
            days = _opening_days(connection, application.registry)
        store = Store(target, application.store.vault)
        block = _index(application, store, days)
        found = list(
            check_ledger(
                store,
                application.ledger.rpc,
                application.ledger.artifacts,
                chain_id=application.settings.chain_id,
            )
        )
        with application.store.reading() as old, store.reading() as new:
            found += _compared(old, new)
            return Rebuilt(
                {name: _count(new, name) for name in _FROM_CHAIN},
                tuple(found),
                _not_on_chain(old),
                block,
            )
    finally:
        target.dispose()


def _seed(connection: Connection, registry: HandlerRegistry, target: Engine) -> None:
    """The contracts that were founded; those that contracts created are found on the chain."""
    told = {one.kind for one in registry.creations.values()}
    rows = [
        dict(row._mapping) | {"order_id": None}
        for row in connection.execute(sql.select(tables.contract))
        if row.kind not in told
    ]
    if not rows:
        raise NoContractsKnown
    with target.begin() as writing:
        insert_many(writing, tables.contract, rows)


def _opening_days(connection: Connection, registry: HandlerRegistry) -> dict[str, str | None]:
    programmes = connection.execute(sql.select(tables.contract.c.programme).distinct()).scalars()
    return {code: registry.opening_day(connection, code) for code in programmes}


def _index(application: Application, store: Store, days: Mapping[str, str | None]) -> int:
    registry = _ChainAlone()
    registry.creations = application.registry.creations
    registry.places = application.registry.places
    registry.days = application.registry.days
    registry.opens_on(lambda _connection, code: days.get(code))
    indexer = Indexer(
        store,
        application.ledger.rpc,
        application.ledger.artifacts,
        ContractBook(store.engine),
        registry,
        chain_id=application.settings.chain_id,
        finality=application.settings.finality,
    )
    while indexer.step() or not indexer.is_current():
        continue
    return indexer.height()


def _compared(old: Connection, new: Connection) -> list[Difference]:
    found: list[Difference] = []
    for name, columns in COMPARED.items():
        before, now = _rows(old, name, columns), _rows(new, name, columns)
        for row in sorted(before.keys() | now.keys(), key=str):
            if before.get(row, 0) != now.get(row, 0) and len(found) < _SHOWN_MAX:
                thing = f"{name} {dict(zip(columns, row, strict=True))}"
                found.append(
                    Difference(
                        "chain = database", thing, f"{now.get(row, 0)}", f"{before.get(row, 0)}"
                    )
                )
    return found


def _rows(
    connection: Connection, name: str, columns: tuple[str, ...]
) -> dict[tuple[Any, ...], int]:
    table = metadata.tables[name]
    query = sql.select(*(table.c[one] for one in columns))
    if name == "ledger_holding":
        query = query.where(table.c.units != 0)
    counted: dict[tuple[Any, ...], int] = {}
    for row in connection.execute(query):
        key = tuple(row)
        counted[key] = counted.get(key, 0) + 1
    return counted


def _not_on_chain(connection: Connection) -> dict[str, int]:
    """Tables of which the chain knows nothing, or digests alone, with their rows."""
    found = {}
    for table in metadata.sorted_tables:
        if table.name in _FROM_CHAIN or table.info.get("test") or table.name.startswith("test_"):
            continue
        if count := _count(connection, table.name):
            found[table.name] = count
    return found


def _count(connection: Connection, name: str) -> int:
    table = metadata.tables[name]
    return int(connection.execute(sql.select(sql.func.count()).select_from(table)).scalar_one())
