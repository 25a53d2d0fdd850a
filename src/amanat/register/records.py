"""Reads what other rooms ask of the register: securities, holders, holdings and holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.errors import NotFound
from amanat.ledger.balances import balance_at, balances_at
from amanat.participants.tables import account
from amanat.programme.tables import security
from amanat.register.model import BINDING, PLEDGE_BINDING, Holding, held_of
from amanat.register.tables import hold, pledge

SEES_HOLDERS = ("issuer", "registrar", "cash_issuer", "auditor")
"""Capacities of institutions that may see every holder, under their secrecy."""


def find_security(connection: Connection, programme: str, isin: str) -> Row[Any]:
    """The row of a security.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(security).where(security.c.programme == programme, security.c.isin == isin)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="security", value=isin)
    return row


def account_rows(connection: Connection, programme: str) -> dict[str, Row[Any]]:
    """Every account of the programme by its address."""
    rows = connection.execute(sql.select(account).where(account.c.programme == programme))
    return {row.address: row for row in rows}


def institutions_of(connection: Connection, programme: str) -> dict[str, str]:
    """The institution of every account, by address."""
    rows = connection.execute(
        sql.select(account.c.address, account.c.participant).where(account.c.programme == programme)
    )
    return {row.address: row.participant for row in rows}


def holders_of(
    connection: Connection,
    programme: str,
    isin: str,
    *,
    business_date: str | None = None,
    block: int | None = None,
) -> dict[str, int]:
    """Units of a security by account, at the close of a day, after a block, or now.

    Refuses `NotFound`.
    """
    token = find_security(connection, programme, isin).address
    return balances_at(connection, token, block=block, business_date=business_date)


def holds_on(connection: Connection, programme: str, isin: str, address: str) -> list[int | None]:
    """The nominal of every hold that binds here on a holding; None stands for all of it."""
    rows = connection.execute(
        sql.select(hold.c.nominal)
        .where(
            hold.c.programme == programme,
            hold.c.isin == isin,
            hold.c.account == address,
            hold.c.state.in_([state.value for state in BINDING]),
        )
        .order_by(hold.c.id)
    )
    return [row.nominal for row in rows]


def pledged_of(connection: Connection, programme: str, isin: str, address: str) -> int:
    """Units of a holding that its holder has set aside for others, requested or done."""
    total = connection.execute(
        sql.select(sql.func.coalesce(sql.func.sum(pledge.c.nominal), 0)).where(
            pledge.c.programme == programme,
            pledge.c.isin == isin,
            pledge.c.account == address,
            pledge.c.state.in_([state.value for state in PLEDGE_BINDING]),
        )
    ).scalar_one()
    return int(total)


def held_in(connection: Connection, programme: str, isin: str, address: str, units: int) -> int:
    """Units of a holding that holds and pledges keep in place, at most all of it."""
    holds = holds_on(connection, programme, isin, address)
    return held_of(units, [*holds, pledged_of(connection, programme, isin, address)])


def holding_of(connection: Connection, programme: str, isin: str, address: str) -> Holding:
    """What an account has of a security now, and what of it is held.  Refuses `NotFound`."""
    token = find_security(connection, programme, isin).address
    units = balance_at(connection, token, address)
    return Holding(isin, units, held_in(connection, programme, isin, address, units))
