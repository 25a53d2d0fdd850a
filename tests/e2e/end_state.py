"""The end of a replayed pilot to the last unit, without times, ids, salts and hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.app import Application
from amanat.auctions.tables import allotment
from amanat.ledger.registry import EVENT_ENTRIES
from amanat.ledger.tables import alarm, balance_change, contract, event, order
from amanat.participants.tables import account
from amanat.servicing.tables import entitlement, payment
from amanat.settings import Settings
from amanat.settlement.tables import instruction
from amanat.store.tables import journal_entry


def account_names(connection: Connection) -> dict[str, str]:
    """Participant and label of each account by its address, which no two runs share."""
    return {
        row.address: f"{row.participant}/{row.label}"
        for row in connection.execute(account.select())
    }


def closing_balances(connection: Connection, names: dict[str, str]) -> dict[str, str]:
    """Units of each account and token at each business day on which they changed."""
    tokens = {row.address: row.label or row.kind for row in connection.execute(contract.select())}
    closing: dict[str, str] = {}
    changes = sql.select(balance_change).order_by(balance_change.c.position)
    for row in connection.execute(changes):
        who = names.get(row.account, "outside")
        closing[f"{row.business_date} {tokens[row.token]} {who}"] = str(row.units)
    return closing


def rows(connection: Connection, table: sql.Table, *columns: str) -> list[list[Any]]:
    """These columns of every row, sorted, as text."""
    chosen = sql.select(*(table.c[name] for name in columns))
    return sorted([str(value) for value in row] for row in connection.execute(chosen))


def standing_alarms(connection: Connection) -> list[list[str]]:
    """Alarms that nothing has settled."""
    standing = alarm.c.settled_at.is_(None)
    found = connection.execute(sql.select(alarm.c.kind, alarm.c.detail).where(standing))
    return sorted([row.kind, row.detail] for row in found)


def journal_kinds(connection: Connection) -> dict[str, int]:
    """How many entries of each kind; those that only a recovery writes are left out."""
    counted = sql.select(journal_entry.c.kind, sql.func.count()).group_by(journal_entry.c.kind)
    return {kind: n for kind, n in connection.execute(counted) if kind != "LedgerReanchored"}


def instructions(connection: Connection, names: dict[str, str]) -> list[list[str]]:
    """What was to be settled and what became of it; a trade's own reference, where people gave it.

    References of allotments are ids, and how often a fail was tried depends on no kill.
    """
    return sorted(
        [
            row.purpose,
            row.reference if len(row.reference or "") < 36 else "",
            names[row.deliverer],
            names[row.receiver],
            str(row.nominal),
            str(row.consideration_paisa),
            row.state,
            str(row.settled_on),
        ]
        for row in connection.execute(instruction.select())
    )


def entitlements(connection: Connection, names: dict[str, str]) -> list[list[str]]:
    """What each holder was due and was paid, and when."""
    return sorted(
        [names[row.account], str(row.net_paisa), str(row.tax_paisa), row.state, str(row.paid_on)]
        for row in connection.execute(entitlement.select())
    )


def entries_without_events(connection: Connection) -> list[list[str]]:
    """Journal entries of events that no event of the index has: there is never a second one."""
    entry = journal_entry
    lone = (
        sql.select(entry.c.kind, entry.c.id)
        .outerjoin(event, event.c.entry_id == entry.c.id)
        .where(entry.c.kind.in_(EVENT_ENTRIES), event.c.entry_id.is_(None))
    )
    return [[row.kind, row.id] for row in connection.execute(lone)]


def end_of(directory: Path) -> tuple[dict[str, Any], list[str]]:
    """The end of the run in this folder, and what contracts, index and journal disagree on."""
    with Application(Settings.at(directory, light_keys=True)) as application:
        return end_in(application)


def end_in(application: Application) -> tuple[dict[str, Any], list[str]]:
    """As `end_of`, of an application that runs."""
    application.pump()
    wrong = [str(one) for one in application.ledger.check()]
    with application.store.reading() as connection:
        names = account_names(connection)
        state = {
            "balances": closing_balances(connection, names),
            "orders": rows(connection, order, "kind", "contract", "function", "state"),
            "instructions": instructions(connection, names),
            "allotments": rows(connection, allotment, "isin", "nominal", "realised_minor", "state"),
            "payments": rows(
                connection, payment, "isin", "paid_paisa", "tax_paid_paisa", "escrow_paisa"
            ),
            "entitlements": entitlements(connection, names),
            "journal": journal_kinds(connection),
            "entries without events": entries_without_events(connection),
            "alarms that stand": standing_alarms(connection),
        }
    return state, wrong
