"""What acts on payments outside the ledger, and on rates of tax, will do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.ledger.typed_data import CHUNK
from amanat.programme.effects import cash_of
from amanat.servicing.commands import (
    ListOutside,
    RecordPaidOutside,
    RecordTaxRates,
    WithdrawOutsideList,
)
from amanat.servicing.records import find_payment_to_read, lines_of
from amanat.servicing.tables import payment, tax_rate

_RATES_SHOWN = 6


def _from_chunk(seen: Seen, row: Row[Any], chunk: int) -> list[Any]:
    lines = lines_of(seen.connection, seen.programme, row.id)
    return [one for one in lines if one.position >= chunk * CHUNK]


def _listed(seen: Seen, identifier: str) -> Row[Any]:
    """A payment of which there is a list.  Refuses `NotFound`."""
    row = find_payment_to_read(seen.connection, seen.programme, identifier)
    if row.outside_chunk is None:
        raise NotFound(thing="list of payment", value=identifier)
    return row


@effects(ListOutside)
def listed(command: ListOutside, seen: Seen) -> Iterator[Message]:
    """What is paid by other systems, and that the ledger pays none of it any more."""
    row = find_payment_to_read(seen.connection, seen.programme, command.payment)
    lines = _from_chunk(seen, row, row.cursor)
    net = sum(int(one.net_paisa) for one in lines)
    tax = sum(int(one.tax_paisa) for one in lines)
    yield Message(
        "Lines to be paid by other systems: {count}, {net} net and {tax} tax",
        count=len(lines),
        net=cash_of(seen, net),
        tax=cash_of(seen, tax),
    )
    yield Message("The ledger is asked for none of them from then on")
    if row.cursor:
        yield Message("Lines left to the ledger, which was asked for them: {count}",
                      count=min(row.cursor * CHUNK, int(row.holders)))  # fmt: skip


@effects(RecordPaidOutside)
def recorded(command: RecordPaidOutside, seen: Seen) -> Iterator[Message]:
    """The lines that the ledger closes for good, and the escrow that returns to the payer."""
    row = _listed(seen, command.payment)
    lines = _from_chunk(seen, row, row.outside_chunk)
    gross = sum(int(one.gross_paisa) for one in lines)
    yield Message(
        "Lines that the ledger can never pay again: {count}, {amount} gross",
        count=len(lines),
        amount=cash_of(seen, gross),
    )
    if row.funded_on is not None:
        yield Message("Escrow that returns to the payer: {amount}", amount=cash_of(seen, gross))


@effects(WithdrawOutsideList)
def list_withdrawn(command: WithdrawOutsideList, seen: Seen) -> Iterator[Message]:
    """The lines that the ledger pays again; true only where nothing of the list was paid."""
    row = _listed(seen, command.payment)
    yield Message(
        "Lines that the ledger may pay again: {count}",
        count=len(_from_chunk(seen, row, row.outside_chunk)),
    )
    yield Message("What of the list was paid elsewhere would be paid twice")


@effects(RecordTaxRates)
def rates_recorded(command: RecordTaxRates, seen: Seen) -> Iterator[Message]:
    """Which rates hold for whom and when, and how many payments are still to be fixed."""
    for row in command.rows[:_RATES_SHOWN]:
        yield Message(
            "{classes}: {active} % for active taxpayers, {inactive} % for others, from {first_day} "
            "to {last_day}",
            classes=Word(", ".join(row.holder_classes)),
            active=row.active_percent,
            inactive=row.inactive_percent,
            first_day=row.first_day,
            last_day=row.last_day,
        )
    if len(command.rows) > _RATES_SHOWN:
        yield Message("And further rates: {count}", count=len(command.rows) - _RATES_SHOWN)
    known = seen.connection.execute(
        sql.select(sql.func.count()).where(tax_rate.c.programme == seen.programme)
    ).scalar_one()
    yield Message(
        "Rates on record: {before} before, {after} after",
        before=int(known),
        after=int(known) + len(command.rows),
    )
    fixed = seen.connection.execute(
        sql.select(sql.func.count()).where(payment.c.programme == seen.programme)
    ).scalar_one()
    yield Message("Payments whose entitlements are fixed already, and stay as they are: {count}",
                  count=int(fixed))  # fmt: skip
