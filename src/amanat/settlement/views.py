"""Instructions, fails and cash, as far as the actor's institution may see them."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.effects import from_json
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.ledger.balances import balance_at, supply_at
from amanat.participants.records import accounts_at
from amanat.participants.tables import account
from amanat.settlement.commands import (
    CashAsked,
    CyclesAsked,
    FailsAsked,
    InstructionAsked,
    InstructionsAsked,
    TotalsAsked,
)
from amanat.settlement.model import InstructionState, Purpose
from amanat.settlement.records import SEES_TRADES
from amanat.settlement.tables import cash_movement, cycle, instruction

_HIDDEN = {
    "deliverer_signature",
    "receiver_signature",
    "deliverer_spoke",
    "receiver_spoke",
    "said",
}
_NAMED = re.compile(
    r"account \S+ of (?P<participant>[a-z0-9_]+)|(?P<address>0x[0-9a-f]{40})", re.IGNORECASE
)
REASON_OF_ANOTHER = Message("The account of another could not do its part; its holder is told why.")
TRADES_TOLD_MIN = 3
"""Fewer trades of a day than these are counted for everyone and summed for nobody."""
_UNSPOKEN = (InstructionState.RESERVED.value,)


def _visible(context: ViewContext) -> sql.ColumnElement[bool]:
    """Rows of the actor's own institution, or all; what nobody signed is nobody's to see."""
    table = instruction
    ours = table.c.programme == context.programme
    if context.sees(*SEES_TRADES):
        return ours
    institution = context.actor.institution if context.actor is not None else ""
    return ours & (
        (table.c.deliverer_institution == institution)
        | (table.c.receiver_institution == institution)
    )


def _shown(row: Row[Any], context: ViewContext) -> dict[str, Any]:
    shown = {name: value for name, value in row._mapping.items() if name not in _HIDDEN}
    return shown | {"reason": _reason(_told(row), context)}


def _told(row: Row[Any]) -> str | None:
    """The reason of an instruction, as a message where its key and arguments are known."""
    if row.said is None or row.said["text"] != row.reason:
        return str(row.reason) if row.reason is not None else None
    (said,) = from_json([row.said])
    return Message.stated(row.reason, said.template, said.fields)


def _reason(reason: str | None, context: ViewContext) -> str | None:
    """Why something failed; where that says what another's account has, only that it is so."""
    if reason is None or context.sees(*SEES_TRADES):
        return reason
    found = list(_NAMED.finditer(reason))
    owners = {one["participant"] for one in found if one["participant"]}
    addresses = [one["address"] for one in found if one["address"]]
    rows = accounts_at(context.connection, context.programme, addresses)
    owners |= {rows[one.lower()].participant if one.lower() in rows else "" for one in addresses}
    own = {context.actor.institution} if context.actor is not None else set()
    return reason if owners <= own else REASON_OF_ANOTHER


@view("instructions")
def instructions(query: InstructionsAsked, context: ViewContext) -> dict[str, Any]:
    """Instructions, latest first, and the cursor after which more follow."""
    table = instruction
    asked = sql.select(table).where(_visible(context), table.c.state.not_in(_UNSPOKEN))
    if query.state is not None:
        asked = asked.where(table.c.state == query.state.value)
    if query.isin is not None:
        asked = asked.where(table.c.isin == query.isin)
    if query.account is not None:
        address = query.account.lower()
        asked = asked.where((table.c.deliverer == address) | (table.c.receiver == address))
    if query.before is not None:
        asked = asked.where(table.c.id < query.before)
    rows = context.connection.execute(asked.order_by(table.c.id.desc()).limit(query.limit)).all()
    return {
        "instructions": [_shown(row, context) for row in rows],
        "next": rows[-1].id if len(rows) == query.limit else None,
    }


@view("instruction")
def one_instruction(query: InstructionAsked, context: ViewContext) -> dict[str, Any]:
    """One instruction.  Refuses `NotFound`, also where it is another's."""
    row = context.connection.execute(
        sql.select(instruction).where(_visible(context), instruction.c.id == query.instruction)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="instruction", value=query.instruction)
    return _shown(row, context)


@view("fails")
def fails(query: FailsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Instructions that failed and are tried again, or expired; each with its reason."""
    table = instruction
    asked = sql.select(table).where(
        _visible(context),
        table.c.state.in_([InstructionState.FAILED.value, InstructionState.EXPIRED.value]),
    )
    if query.since is not None:
        asked = asked.where(table.c.last_day >= query.since.isoformat())
    return [_shown(row, context) for row in context.connection.execute(asked.order_by(table.c.id))]


@view("settlement_totals", public=True)
def settlement_totals(query: TotalsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """How many instructions settled by day and security, and their sums; for everyone.

    Trades of which there were fewer than three on a day are counted and not summed, except for who
    may see each: the sum of one is that one.  Allotments are public with the result of the tender.
    """
    del query
    table = instruction
    rows = context.connection.execute(
        sql.select(
            table.c.settled_on,
            table.c.isin,
            table.c.purpose,
            sql.func.count().label("instructions"),
            sql.func.sum(table.c.nominal).label("nominal"),
            sql.func.sum(table.c.consideration_paisa).label("consideration_paisa"),
        )
        .where(
            table.c.programme == context.programme,
            table.c.state == InstructionState.SETTLED.value,
        )
        .group_by(table.c.settled_on, table.c.isin, table.c.purpose)
        .order_by(table.c.settled_on, table.c.isin, table.c.purpose)
    )
    return [dict(row._mapping) | _sums(row, context) for row in rows]


def _sums(row: Row[Any], context: ViewContext) -> dict[str, int | None]:
    told = row.purpose == Purpose.PRIMARY.value or row.instructions >= TRADES_TOLD_MIN
    if not told and not context.sees(*SEES_TRADES):
        return {"nominal": None, "consideration_paisa": None}
    return {"nominal": int(row.nominal), "consideration_paisa": int(row.consideration_paisa)}


@view("cash", public=True)
def cash(query: CashAsked, context: ViewContext) -> dict[str, Any]:
    """Tokenised cash: what was created and withdrawn, what exists, and own accounts' balances."""
    connection, programme = context.connection, context.programme
    sums = connection.execute(
        sql.select(cash_movement.c.direction, sql.func.sum(cash_movement.c.amount_paisa))
        .where(cash_movement.c.programme == programme, cash_movement.c.state == "done")
        .group_by(cash_movement.c.direction)
    ).all()
    totals = {direction: int(total) for direction, total in sums}
    token = context.ledger.address("Cash")
    asked = sql.select(account).where(account.c.programme == programme)
    if query.institution is not None:
        asked = asked.where(account.c.participant == query.institution)
    lines = []
    for row in connection.execute(asked.order_by(account.c.participant, account.c.label)):
        own = context.actor is not None and context.actor.institution == row.participant
        if own or context.sees(*SEES_TRADES):
            lines.append(
                {
                    "account": row.address,
                    "label": row.label,
                    "institution": row.participant,
                    "paisa": balance_at(connection, token, row.address),
                }
            )
    return {
        "created_paisa": totals.get("created", 0),
        "withdrawn_paisa": totals.get("withdrawn", 0),
        "outstanding_paisa": supply_at(connection, token),
        "accounts": lines,
        "movements": _movements(context),
    }


def _movements(context: ViewContext) -> list[dict[str, Any]]:
    table = cash_movement
    asked = sql.select(table).where(table.c.programme == context.programme)
    if not context.sees(*SEES_TRADES):
        own = context.actor.institution if context.actor is not None else ""
        asked = asked.where(table.c.institution == own)
    return [dict(row._mapping) for row in context.connection.execute(asked.order_by(table.c.id))]


@view("cycles")
def cycles(query: CyclesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Netted cycles, latest first, each with the positions that the actor may see."""
    owner = {
        row.address: row.participant
        for row in context.connection.execute(
            sql.select(account.c.address, account.c.participant).where(
                account.c.programme == context.programme
            )
        )
    }
    own = context.actor.institution if context.actor is not None else ""
    rows = context.connection.execute(
        sql.select(cycle)
        .where(cycle.c.programme == context.programme)
        .order_by(cycle.c.id.desc())
        .limit(query.limit)
    )
    found = []
    for row in rows:
        positions = [
            position
            for position in row.positions
            if context.sees(*SEES_TRADES) or owner.get(position["account"]) == own
        ]
        if positions:
            shown = {"positions": positions, "reason": _reason(row.reason, context)}
            found.append(dict(row._mapping) | shown)
    return found
