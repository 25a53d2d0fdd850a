"""Suspensions of accounts apart, and the rule of finality for trades matched before a suspension.

What a provider's own accounts may do and what its clients' may do can be suspended apart; the
ledger has one level for both, so this room asks before it takes an instruction or sends one.  A
trade that was matched before the recorded moment settles where the level still lets its side
settle; elsewhere it waits or is cancelled, as the jurisdiction's pack says of the level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext
from amanat.licensing.model import Accounts
from amanat.licensing.standing import Cancelling, cancelling, require_participant, shut_accounts
from amanat.participants.tables import account
from amanat.settlement import events
from amanat.settlement.model import NUMBER_UNBURNED, InstructionState
from amanat.settlement.tables import instruction

DELIVER, ACQUIRE = "deliver", "acquire"
_MATCHED = (InstructionState.MATCHED.value, InstructionState.FAILED.value)


def require_accounts(
    connection: Connection, programme: str, deliverer: str, receiver: str, day: date
) -> None:
    """Refuse `ProviderSuspended` where a suspension is about accounts of either one's kind.

    Addresses in lower case; to be asked after `require_standing`, which asks of the institutions.
    """
    rows = {
        row.address: row
        for row in connection.execute(
            sql.select(account.c.address, account.c.participant, account.c.kind).where(
                account.c.programme == programme, account.c.address.in_([deliverer, receiver])
            )
        )
    }
    for address, what in ((deliverer, DELIVER), (receiver, ACQUIRE)):
        row = rows.get(address)
        if row is not None and row.kind in set(Accounts):
            kind = Accounts(row.kind)
            require_participant(connection, programme, row.participant, what, day, kind)


class Shut(NamedTuple):
    """Accounts that may not deliver, and those that may not receive."""

    deliver: frozenset[str]
    acquire: frozenset[str]


def withheld_accounts(connection: Connection, programme: str, day: date) -> Shut:
    """Accounts that a suspension of their kind alone keeps from settling on `day`."""
    shut = shut_accounts(connection, programme, day)
    addresses = _addresses(connection, programme, shut) if shut else {}
    return Shut(
        frozenset(one for one, what in addresses.items() if DELIVER in what),
        frozenset(one for one, what in addresses.items() if ACQUIRE in what),
    )


def _addresses(
    connection: Connection, programme: str, shut: Mapping[tuple[str, Accounts], frozenset[str]]
) -> dict[str, frozenset[str]]:
    rows = connection.execute(
        sql.select(account.c.address, account.c.participant, account.c.kind).where(
            account.c.programme == programme,
            account.c.participant.in_({code for code, _kind in shut}),
            account.c.kind.in_([kind.value for kind in Accounts]),
        )
    )
    return {
        row.address: shut[row.participant, Accounts(row.kind)]
        for row in rows
        if (row.participant, Accounts(row.kind)) in shut
    }


def cancel_matched(context: ActContext) -> int:
    """Cancel what was matched before a suspension whose rule is `cancelled`; how many there were.

    Burning their numbers takes a party's key.  Until one has (`CancelInstruction`) a row says so,
    and who would lift the suspension is told: after that, whoever has both signatures could still
    take them to the ledger, which has the last word.
    """
    connection, programme = context.uow.connection, context.programme
    rules = cancelling(connection, programme, context.business_date)
    count = 0
    for (code, kind), rule in rules.items():
        theirs = (
            sql.select(account.c.address)
            .where(
                account.c.programme == programme,
                account.c.participant == code,
                account.c.kind == kind.value,
            )
            .scalar_subquery()
        )
        sides: list[sql.ColumnElement[bool]] = []
        if DELIVER in rule.shut:
            sides.append(instruction.c.deliverer.in_(theirs))
        if ACQUIRE in rule.shut:
            sides.append(
                instruction.c.receiver.in_(theirs)
                & (instruction.c.deliverer_institution != instruction.c.receiver_institution)
            )
        count += _cancel(context, rule, sides)
    return count


def _cancel(context: ActContext, rule: Cancelling, sides: Sequence[sql.ColumnElement[bool]]) -> int:
    table = instruction
    rows = context.uow.connection.execute(
        sql.update(table)
        .where(
            table.c.programme == context.programme,
            table.c.state.in_(_MATCHED),
            table.c.number.is_not(None),
            sql.or_(sql.false(), *sides),
        )
        .values(
            state=InstructionState.CANCELLED.value, reason=rule.reason, reason_code=NUMBER_UNBURNED
        )
        .returning(table.c.id, table.c.digest)
    ).all()
    for row in sorted(rows, key=lambda one: str(one.id)):
        context.uow.journal.append(
            events.INSTRUCTION_CANCELLED,
            {
                "instruction": row.id,
                "digest": row.digest,
                "party": rule.provider,
                "reason": rule.reason,
            },
            subject=f"instruction:{row.id}",
        )
    return len(rows)
