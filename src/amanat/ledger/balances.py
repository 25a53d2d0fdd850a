"""The index of holdings: every change of every balance, with the balance after it.

It is made from `Transfer` events alone (ERC-20), so it holds for any token.  The zero address is
kept as an account of its own: what it owes is what was minted and not burnt, and all accounts of
a token, it included, always sum to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import Corrupt
from amanat.ledger import tables
from amanat.ledger.registry import LedgerEvent
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.store.engine import insert_tuples

UNITS_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """One change of one balance; `units` is the balance after it."""

    token: str
    account: str
    position: int
    change: int
    units: int
    block_number: int
    business_date: str


def transfer_of(event: LedgerEvent) -> tuple[str, str, int] | None:
    """From, to and amount of an ERC-20 transfer; None for every other event.

    Arguments are taken by place, since ERC-20 fixes their order and not their names.
    """
    if event.name != "Transfer" or len(event.arguments) != 3:
        return None
    giver, taker, amount = event.arguments.values()
    if not isinstance(amount, int):
        return None
    return giver, taker, amount


def index_transfers(connection: Connection, events: Iterable[LedgerEvent]) -> int:
    """Enter the balance changes of these events, in their order; how many transfers there were.

    Raises `Corrupt` where a balance would leave the range of the index or fall below zero.
    """
    moved = [(event, found) for event in events if (found := transfer_of(event)) is not None]
    if not moved:
        return 0
    touched = {(e.address, account) for e, (giver, taker, _) in moved for account in (giver, taker)}
    units = _holdings(connection, touched)
    rows: list[tuple[Any, ...]] = []
    for event, (giver, taker, amount) in moved:
        if giver == taker:
            continue
        token, tail = event.address, (event.block_number, event.business_date)
        for account, change in ((giver, -amount), (taker, amount)):
            key = (token, account)
            after = units[key] = units.get(key, 0) + change
            if after < 0 or after > UNITS_MAX:
                _check_range(event, account, after)
            rows.append((token, account, event.position, event.programme, change, after, *tail))
    insert_tuples(connection, tables.balance_change, _CHANGE_COLUMNS, rows)
    _store_holdings(connection, rows)
    return len(moved)


_CHANGE_COLUMNS = (
    "token",
    "account",
    "position",
    "programme",
    "change",
    "units",
    "block_number",
    "business_date",
)


def _check_range(event: LedgerEvent, account: str, units: int) -> None:
    if abs(units) > UNITS_MAX or (units < 0 and account != ZERO_ADDRESS):
        raise Corrupt(
            f"{event.contract} {event.address}: {account} would have {units} units after event"
            f" {event.position}"
        )


def _holdings(connection: Connection, touched: set[tuple[str, str]]) -> dict[tuple[str, str], int]:
    table = tables.holding
    by_token: dict[str, list[str]] = {}
    for token, account in touched:
        by_token.setdefault(token, []).append(account)
    found: dict[tuple[str, str], int] = {}
    for token, accounts in by_token.items():
        for start in range(0, len(accounts), 500):
            query = sql.select(table.c.account, table.c.units).where(
                table.c.token == token, table.c.account.in_(accounts[start : start + 500])
            )
            for row in connection.execute(query):
                found[(token, row.account)] = row.units
    return found


def _store_holdings(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """The balance after each account's last change; rows are of `_CHANGE_COLUMNS`."""
    last = {row[:2]: row for row in rows}
    values = [(row[0], row[1], row[3], row[5]) for row in last.values()]
    ending = " ON CONFLICT (token, account) DO UPDATE SET units = excluded.units"
    begin = "INSERT INTO ledger_holding (token, account, programme, units) "
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(begin + "VALUES (?, ?, ?, ?)" + ending, values)
    elif values:
        # One array for each column: a driver takes long to bind a thousand single values.
        connection.exec_driver_sql(
            begin
            + "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])"
            + ending,
            tuple(map(list, zip(*values, strict=True))),
        )


def balances_at(
    connection: Connection,
    token: str,
    *,
    block: int | None = None,
    business_date: str | None = None,
) -> dict[str, int]:
    """Every account that held units of `token`, by address, with its units.

    With `block`: after that block.  With `business_date` (ISO 8601): at the close of that day.
    With neither: now.  The zero address, and accounts at zero, are left out.
    """
    if block is None and business_date is None:
        now = tables.holding
        query: Any = sql.select(now.c.account, now.c.units).where(now.c.token == token)
    else:
        table = tables.balance_change
        within = [table.c.token == token]
        if block is not None:
            within.append(table.c.block_number <= block)
        if business_date is not None:
            within.append(table.c.business_date <= business_date)
        last = (
            sql.select(table.c.account, sql.func.max(table.c.position).label("position"))
            .where(*within)
            .group_by(table.c.account)
            .subquery()
        )
        query = (
            sql.select(table.c.account, table.c.units)
            .join(
                last,
                (table.c.account == last.c.account) & (table.c.position == last.c.position),
            )
            .where(table.c.token == token)
        )
    return {
        row.account: row.units
        for row in connection.execute(query)
        if row.units and row.account != ZERO_ADDRESS
    }


def balance_at(
    connection: Connection,
    token: str,
    account: str,
    *,
    block: int | None = None,
    business_date: str | None = None,
) -> int:
    """One account's units of `token`, as `balances_at`."""
    table = tables.balance_change
    query = sql.select(table.c.units).where(table.c.token == token, table.c.account == account)
    if block is not None:
        query = query.where(table.c.block_number <= block)
    if business_date is not None:
        query = query.where(table.c.business_date <= business_date)
    found = connection.execute(query.order_by(table.c.position.desc()).limit(1))
    return int(found.scalar_one_or_none() or 0)


def supply_at(
    connection: Connection,
    token: str,
    *,
    block: int | None = None,
    business_date: str | None = None,
) -> int:
    """Units of `token` that were minted and not burnt, as `balances_at`."""
    return -balance_at(connection, token, ZERO_ADDRESS, block=block, business_date=business_date)


def changes_of(
    connection: Connection, token: str, account: str | None = None
) -> list[BalanceChange]:
    """The history of one account, or of a whole token, in the order of the chain."""
    table = tables.balance_change
    query = sql.select(table).where(table.c.token == token)
    if account is not None:
        query = query.where(table.c.account == account)
    return [
        BalanceChange(
            row.token,
            row.account,
            row.position,
            row.change,
            row.units,
            row.block_number,
            row.business_date,
        )
        for row in connection.execute(query.order_by(table.c.position, table.c.account))
    ]


def holdings_of(connection: Connection, account: str) -> dict[str, int]:
    """What one account holds now: units by token."""
    table = tables.holding
    query = sql.select(table.c.token, table.c.units).where(
        table.c.account == account, table.c.units != 0
    )
    return {row.token: row.units for row in connection.execute(query)}
