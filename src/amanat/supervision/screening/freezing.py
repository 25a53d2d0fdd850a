"""Freezes as rows: which are in force, what they order of whom, what of a licence is left."""

from __future__ import annotations

import base64
import secrets
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound
from amanat.supervision.identities import tables as vault
from amanat.supervision.screening.model import FreezeNotInForce, FreezeState, HitState
from amanat.supervision.screening.tables import freeze, freeze_change, freeze_order, hit
from amanat.supervision.screening.versions import is_listed

IN_FORCE = (FreezeState.ORDERED.value, FreezeState.SERVED.value)
Names = tuple[str, ...]
"""What one party is called: licensing's place, a customer's pseudonym (`names_of`)."""
EXTENDED, LICENSED, DRAWN = "extended", "licensed", "drawn"


def new_freeze_number() -> str:
    """A number such as `FRZ-GX4TQ2AB`, by which an exchange that is ordered counts no others."""
    return f"FRZ-{base64.b32encode(secrets.token_bytes(5)).decode()}"


def find_freeze(connection: Connection, programme: str, number: str) -> Row[Any]:
    """The row of a freeze.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(freeze).where(freeze.c.programme == programme, freeze.c.number == number)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="freeze", value=number)
    return row


def state_on(row: Row[Any], day: date) -> str:
    """How a freeze stands on a day: it lapses after its last day by itself."""
    if row.state in IN_FORCE and row.until < day.isoformat():
        return FreezeState.LAPSED.value
    return str(row.state)


def require_in_force(row: Row[Any], day: date) -> None:
    """Refuse `FreezeNotInForce`."""
    state = state_on(row, day)
    if state not in IN_FORCE:
        raise FreezeNotInForce(freeze=row.number, state=state)


def names_of(row: Any) -> Names:
    """What the party of a hit or a freeze is called: by licensing, and as a customer."""
    return (row.party,) if row.customer is None else (row.party, str(row.customer))


def _customers(names: Names) -> list[int]:
    return [int(one) for one in names if one.isdigit()]


def _same(table: sql.Table, names: Names) -> sql.ColumnElement[bool]:
    """Rows of a party under any of its names."""
    return sql.or_(table.c.party.in_(names), table.c.customer.in_(_customers(names)))


def in_force_of(connection: Connection, programme: str, names: Names, day: date) -> list[Row[Any]]:
    """The freezes of a party that are in force on a day, the first ordered first."""
    return list(
        connection.execute(
            sql.select(freeze)
            .where(
                freeze.c.programme == programme,
                _same(freeze, names),
                freeze.c.state.in_(IN_FORCE),
                freeze.c.until >= day.isoformat(),
            )
            .order_by(freeze.c.id)
        )
    )


def ordered_accounts(
    connection: Connection, programme: str, names: Names, day: date
) -> dict[str, set[str]]:
    """Accounts that freezes of a party in force on a day name, by exchange."""
    found: dict[str, set[str]] = {}
    for row in in_force_of(connection, programme, names, day):
        for order in orders_of(connection, row.id):
            found.setdefault(order.exchange, set()).update(order.accounts)
    return found


def accounts_not_ordered(connection: Connection, programme: str, names: Names, day: date) -> int:
    """How many accounts of a party the vault knows beyond those that its freezes name."""
    before = ordered_accounts(connection, programme, names, day)
    linked = linked_accounts(connection, programme, names)
    return sum(max(len(rows) - len(before.get(one, ())), 0) for one, rows in linked.items())


def on_ledger_of(connection: Connection, programme: str, names: Names, day: date) -> set[str]:
    """Accounts on the ledger that freezes of a party in force on a day stop."""
    rows = in_force_of(connection, programme, names, day)
    return {row.ledger["account"] for row in rows if row.ledger.get("account")}


def true_matches_of(connection: Connection, programme: str, names: Names) -> list[Row[Any]]:
    """Hits of a party that were decided to be the listed one and stand."""
    return list(
        connection.execute(
            sql.select(hit).where(
                hit.c.programme == programme,
                _same(hit, names),
                hit.c.state == HitState.TRUE.value,
            )
        )
    )


def listings_of(connection: Connection, programme: str, row: Row[Any]) -> list[Row[Any]]:
    """Hits of a frozen party whose entry still is on its list; of a delisted one none."""
    found = connection.execute(sql.select(hit).where(hit.c.id == row.hit)).all()
    matches = [*found, *true_matches_of(connection, programme, names_of(row))]
    return [one for one in matches if is_listed(connection, programme, one.list, one.reference)]


def frozen_parties(
    connection: Connection, programme: str, day: date, *, told: str | None = None
) -> dict[str, str]:
    """Everyone who is frozen on a day, and by which freeze; for decisions on transactions.

    With `told`, only what that exchange may notice: freezes that every exchange has carried out,
    and those that it is ordered to carry out itself.
    """
    query = sql.select(freeze.c.party, freeze.c.customer, freeze.c.number).where(
        freeze.c.programme == programme,
        freeze.c.state.in_(IN_FORCE),
        freeze.c.until >= day.isoformat(),
    )
    if told is not None:
        own = sql.select(freeze_order.c.freeze).where(freeze_order.c.exchange == told)
        served = freeze.c.state == FreezeState.SERVED.value
        query = query.where(sql.or_(served, freeze.c.id.in_(own)))
    rows = connection.execute(query.order_by(freeze.c.id)).all()
    return {name: row.number for row in rows for name in names_of(row)}


def linked_accounts(connection: Connection, programme: str, names: Names) -> dict[str, list[Any]]:
    """Accounts that a party has, or a company that it owns, as rows of the vault, by exchange.

    The vault knows them by the same person's pseudonym at every exchange.  A row has `account` and,
    sealed, `number`.
    """
    owners, accounts = vault.owner, vault.account
    people = _customers(names)
    people += connection.execute(
        sql.select(owners.c.person).where(
            owners.c.programme == programme, owners.c.owner.in_(_customers(names))
        )
    ).scalars()
    found: dict[str, list[Any]] = {}
    for row in connection.execute(
        sql.select(accounts.c.exchange, accounts.c.account, accounts.c.number)
        .where(accounts.c.programme == programme, accounts.c.person.in_(sorted(set(people))))
        .order_by(accounts.c.exchange, accounts.c.account)
    ):
        found.setdefault(row.exchange, []).append(row)
    return found


def orders_of(connection: Connection, identifier: str) -> list[Row[Any]]:
    """The orders of a freeze to exchanges."""
    return list(
        connection.execute(
            sql.select(freeze_order)
            .where(freeze_order.c.freeze == identifier)
            .order_by(freeze_order.c.exchange)
        )
    )


def changes_of(connection: Connection, identifier: str) -> list[Row[Any]]:
    """What happened to a freeze: extensions, licences for expenses, what was drawn of them."""
    return list(
        connection.execute(
            sql.select(freeze_change)
            .where(freeze_change.c.freeze == identifier)
            .order_by(freeze_change.c.id)
        )
    )


def expenses_left(changes: list[Row[Any]], currency: str, day: date) -> int:
    """Minor units that licences in force on a day still allow.

    Each withdrawal used the licences that were in force on its own day, those that end first
    before others: what a licence left over ends with it.
    """
    left: dict[str, int] = {}
    ends: dict[str, str] = {}
    for one in changes:
        if one.currency != currency:
            continue
        if one.kind == LICENSED:
            left[one.id], ends[one.id] = int(one.amount), one.until
        elif one.kind == DRAWN:
            _draw(left, ends, int(one.amount), one.until)
    return sum(amount for key, amount in left.items() if ends[key] >= day.isoformat())


def _draw(left: dict[str, int], ends: dict[str, str], amount: int, day: str) -> None:
    for key in sorted(left, key=lambda one: ends[one]):
        if ends[key] >= day:
            used = min(left[key], amount)
            left[key] -= used
            amount -= used
