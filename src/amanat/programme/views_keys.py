"""The register of keys as institutions see it."""

from __future__ import annotations

from collections.abc import Mapping
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

    How many are in use, end within thirty days (`ends_soon`) or have expired; those come first.

    An institution sees its own; who governs, operates or audits sees all of them, but of accounts'
    keys only the auditor: they tell whose each account is.  Where a key lives is told to its owner,
    the operator and the auditor.
    """
    assert context.actor is not None
    now = datetime.now(UTC)
    mine = context.actor.institution
    rows = []
    for row in keys_of(context.connection, (context.programme, INSTALLATION)):
        sees = ("auditor",) if row.purpose == ACCOUNT else ("auditor", "operator")
        own = row.institution == mine or context.sees(*sees)
        left = (datetime.fromisoformat(row.expires_at) - now).days
        if not own and not (context.sees(*_SEES_ALL) and row.purpose != ACCOUNT):
            continue
        purpose = row.purpose.partition(".")[0]  # which sender it is says its holder
        if query.purpose not in (None, purpose):
            continue
        if query.within_days is not None and (row.state not in USABLE or left > query.within_days):
            continue
        rows.append(
            {
                "institution": row.institution,
                "holder": row.holder if own or row.purpose.startswith(SEND) else None,
                "purpose": purpose,
                "key": row.address,
                "place": row.place if own else None,
                "state": _state(row.state, row.expires_at, now),
                "valid_from": row.valid_from,
                "expires_at": row.expires_at,
                "days_left": max(left, 0) if row.state in USABLE else None,
                "last_used_at": row.last_used_at or _last_sent(context, row),
            }
        )
    rows.sort(key=_urgency)  # stable: by owner and holder within
    return {
        "in_use": sum(one["state"] == "in_use" for one in rows),
        "ends_soon": sum(_ends_soon(one) for one in rows),
        "expired": sum(one["state"] == "expired" for one in rows),
        "rows": rows,
    }


def _ends_soon(row: Mapping[str, Any]) -> bool:
    """Whether an alarm stands for it though it serves."""
    return row["state"] in USABLE and row["days_left"] <= WARNED_BEFORE // timedelta(days=1)


def _urgency(row: Mapping[str, Any]) -> int:
    """What has expired first, then what ends soon; what serves no more last."""
    if row["state"] == "expired":
        return 0
    if row["state"] not in USABLE:
        return 3
    return 1 if _ends_soon(row) else 2


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
