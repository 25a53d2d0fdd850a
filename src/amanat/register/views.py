"""Who holds what, as far as the actor's institution may see it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.ledger.balances import balances_at, changes_of, holdings_of, supply_at
from amanat.participants.records import find_account
from amanat.programme.tables import security
from amanat.register.commands import HistoryAsked, HoldersAsked, HoldingsAsked, HoldsAsked
from amanat.register.records import SEES_HOLDERS, account_rows, find_security, held_in
from amanat.register.tables import hold, movement, pledge

SEES_ORDERS = (*SEES_HOLDERS, "orders")


@view("holders", public=True)
def holders(query: HoldersAsked, context: ViewContext) -> dict[str, Any]:
    """Holders of a security at the close of a day, after a block, or now; totals to the public.

    Refuses `NotFound`.
    """
    connection, programme = context.connection, context.programme
    token = find_security(connection, programme, query.isin).address
    day = query.on.isoformat() if query.on else None
    balances = balances_at(connection, token, block=query.block, business_date=day)
    accounts = account_rows(connection, programme)
    sees_all = context.sees(*SEES_HOLDERS)
    own = context.actor.institution if context.actor is not None else None
    lines = []
    for address, units in sorted(balances.items()):
        row = accounts.get(address)
        institution = row.participant if row is not None else None
        if not sees_all and (own is None or institution != own):
            continue
        lines.append(
            {
                "account": address,
                "label": row.label if row is not None else None,
                "institution": institution,
                "kind": row.kind if row is not None else None,
                "holder_class": row.holder_class if row is not None else None,
                "nominal": units,
            }
        )
    return {
        "isin": query.isin,
        "on": day,
        "block": query.block,
        "holders": len(balances),
        "total": supply_at(connection, token, block=query.block, business_date=day),
        "lines": lines,
    }


@view("holdings")
def holdings(query: HoldingsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Holdings of the actor's own accounts, or of any account to those who may see all.

    Refuses `NotFound`: an account that is not the actor's to see.
    """
    connection, programme = context.connection, context.programme
    rows = account_rows(connection, programme)
    wanted = [query.account.lower()] if query.account else list(rows)
    isins = {
        row.address: row.isin
        for row in connection.execute(
            sql.select(security.c.address, security.c.isin).where(security.c.programme == programme)
        )
    }
    found = []
    for address in wanted:
        if address not in rows or not _visible(context, rows[address].participant):
            if query.account:
                raise NotFound(thing="account", value=query.account)
            continue
        row = rows[address]
        for token, units in sorted(holdings_of(connection, address).items()):
            if token not in isins:
                continue
            isin = isins[token]
            held = held_in(connection, programme, isin, address, units)
            found.append(
                {
                    "account": address,
                    "label": row.label,
                    "institution": row.participant,
                    "isin": isin,
                    "nominal": units,
                    "held": held,
                    "free": units - held,
                }
            )
    return found


@view("history")
def history(query: HistoryAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Every change of an account's holding, in the order of the ledger.  Refuses `NotFound`."""
    connection, programme = context.connection, context.programme
    row = find_account(connection, programme, query.account)
    if not _visible(context, row.participant):
        raise NotFound(thing="account", value=query.account)
    token = find_security(connection, programme, query.isin).address
    return [
        {
            "position": change.position,
            "block": change.block_number,
            "business_date": change.business_date,
            "change": change.change,
            "nominal": change.units,
        }
        for change in changes_of(connection, token, row.address)
    ]


@view("holds")
def holds(query: HoldsAsked, context: ViewContext) -> dict[str, Any]:
    """Freezes, pledges and forced movements: own ones; all to those who order or keep them."""
    connection, programme = context.connection, context.programme
    accounts = account_rows(connection, programme)

    def visible(*addresses: str) -> bool:
        if query.account and query.account.lower() not in addresses:
            return False
        return any(
            _visible(context, accounts[one].participant, SEES_ORDERS)
            for one in addresses
            if one in accounts
        )

    frozen = connection.execute(
        sql.select(hold).where(hold.c.programme == programme).order_by(hold.c.id)
    )
    moved = connection.execute(
        sql.select(movement).where(movement.c.programme == programme).order_by(movement.c.id)
    )
    pledged = connection.execute(
        sql.select(pledge).where(pledge.c.programme == programme).order_by(pledge.c.requested_at)
    )
    return {
        "pledges": [dict(row._mapping) for row in pledged if visible(row.account, row.beneficiary)],
        "holds": [dict(row._mapping) for row in frozen if visible(row.account)],
        "movements": [
            dict(row._mapping) for row in moved if visible(row.from_account, row.to_account)
        ],
    }


def _visible(
    context: ViewContext, institution: str, capacities: tuple[str, ...] = SEES_HOLDERS
) -> bool:
    if context.sees(*capacities):
        return True
    return context.actor is not None and context.actor.institution == institution
