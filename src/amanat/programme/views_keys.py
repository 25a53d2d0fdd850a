"""The register of keys as institutions see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.access.key_register import ACCOUNT, INSTALLATION, SEND, USABLE, WARNED_BEFORE, keys_of
from amanat.ledger import tables as ledger_tables
from amanat.participants.commands import KeysAsked
from amanat.participants.signing import AUTHORITY

_SEES_ALL = ("auditor", "operator", "issuer", "guardian", "orders", "day_keeper", AUTHORITY)


@view("keys")
def keys(query: KeysAsked, context: ViewContext) -> dict[str, Any]:
    """The register of keys: owner, holder, purpose, where each lives, validity, state, last use.

    An institution sees its own; who governs, operates or audits sees all of them, but of accounts'
    keys only the operator and the auditor.  Where a key lives is told to its owner and those two.
    """
    assert context.actor is not None
    now = datetime.now(UTC)
    mine = context.actor.institution
    rows = []
    for row in keys_of(context.connection, (context.programme, INSTALLATION)):
        own = row.institution == mine or context.sees("auditor", "operator")
        left = (datetime.fromisoformat(row.expires_at) - now).days
        if not own and not (context.sees(*_SEES_ALL) and row.purpose != ACCOUNT):
            continue
        if query.purpose is not None and row.purpose != query.purpose:
            continue
        if query.within_days is not None and (row.state not in USABLE or left > query.within_days):
            continue
        rows.append(
            {
                "institution": row.institution,
                "holder": row.holder if own or row.purpose.startswith(SEND) else None,
                "purpose": row.purpose,
                "key": row.address,
                "place": row.place if own else None,
                "state": _state(row.state, row.expires_at, now),
                "valid_from": row.valid_from,
                "expires_at": row.expires_at,
                "days_left": max(left, 0) if row.state in USABLE else None,
                "last_used_at": row.last_used_at or _last_sent(context, row),
            }
        )
    return {"warned_days_before": WARNED_BEFORE // timedelta(days=1), "rows": rows}


def _state(state: str, expires_at: str, now: datetime) -> str:
    ended = datetime.fromisoformat(expires_at) <= now
    return "expired" if ended and state in USABLE else state


def _last_sent(context: ViewContext, row: Any) -> str | None:
    """When a sending key last signed: the orders say it."""
    if not row.purpose.startswith(SEND):
        return None
    order = ledger_tables.order
    found: str | None = context.connection.execute(
        sql.select(sql.func.max(order.c.signed_at)).where(order.c.sender_address == row.address)
    ).scalar_one_or_none()
    return found
