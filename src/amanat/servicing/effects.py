"""What acts will do to payments: who is paid how much, from where, and what stays in escrow."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.ledger.balances import balance_at
from amanat.ledger.typed_data import CHUNK
from amanat.participants.effects import account_name
from amanat.participants.records import find_institution
from amanat.programme.commands import AnnounceChange, Halt, Replaceable, Resume
from amanat.programme.effects import cash_of, face_of
from amanat.programme.records import WHOLE_PROGRAMME
from amanat.servicing.commands import (
    FixEntitlements,
    FundPayment,
    PayChunk,
    RetryEscrow,
    SettleClaim,
)
from amanat.servicing.entitling import holders_of_record, lines_for
from amanat.servicing.model import PaymentKind, PaymentState, totals
from amanat.servicing.records import (
    claim_concerns,
    find_due,
    find_payment_to_read,
    lines_of,
)
from amanat.servicing.tables import entitlement, payment
from amanat.settlement.effects import cash_change
from amanat.settlement.tables import claim


@effects(FixEntitlements)
def fixed(command: FixEntitlements, seen: Seen) -> Iterator[Message]:
    """How many holders, and gross, tax and net."""
    connection, programme = seen.connection, seen.programme
    due = find_due(connection, programme, command.isin, command.kind, command.due_date)
    holders = holders_of_record(connection, programme, due)
    sums = totals(lines_for(connection, programme, command, due, holders))
    yield Message(
        "Holders entitled: {count}, of {nominal}",
        count=sums.holders,
        nominal=face_of(seen, sums.nominal),
    )
    yield Message(
        "Gross {gross}, tax at source {tax}, net {net}",
        gross=cash_of(seen, sums.gross_paisa),
        tax=cash_of(seen, sums.tax_paisa),
        net=cash_of(seen, sums.net_paisa),
    )
    yield Message("No money moves before the payment is funded")


@effects(FundPayment)
def funded(command: FundPayment, seen: Seen) -> Iterator[Message]:
    """What leaves the payer's account, for how many, and what goes to the tax account."""
    row = find_payment_to_read(seen.connection, seen.programme, command.payment)
    yield cash_change(seen, command.payer, -int(row.gross_paisa))
    yield Message(
        "In escrow for {count} holders: {before} before, {after} after",
        count=int(row.holders),
        before=cash_of(seen, int(row.escrow_paisa)),
        after=cash_of(seen, int(row.escrow_paisa) + int(row.gross_paisa)),
    )
    yield Message(
        "Tax that goes to {account} as holders are paid: {amount}",
        account=account_name(seen, command.tax_account),
        amount=cash_of(seen, int(row.tax_paisa)),
    )
    if row.kind == PaymentKind.REDEMPTION.value:
        yield Message(
            "{nominal} of {isin} is redeemed as holders are paid",
            nominal=face_of(seen, int(row.nominal)),
            isin=str(row.isin),
        )


@effects(PayChunk)
def paid(command: PayChunk, seen: Seen) -> Iterator[Message]:
    """How many lines are paid now, and how much."""
    row = find_payment_to_read(seen.connection, seen.programme, command.payment)
    lines = lines_of(seen.connection, seen.programme, row.id)
    first = row.cursor if command.chunk is None else command.chunk
    chunks = command.chunks_max if command.chunk is None else 1
    chosen = lines[first * CHUNK : (first + chunks) * CHUNK]
    chosen = [line for line in chosen if line.state == "due"]
    yield Message(
        "Holders paid now: {count}, {amount} net",
        count=len(chosen),
        amount=cash_of(seen, sum(int(line.net_paisa) for line in chosen)),
    )


@effects(RetryEscrow)
def retried(command: RetryEscrow, seen: Seen) -> Iterator[Message]:
    """How many lines are tried again, and how much."""
    row = find_payment_to_read(seen.connection, seen.programme, command.payment)
    table = entitlement
    wanted = sql.select(table).where(
        table.c.programme == seen.programme, table.c.payment == row.id, table.c.state == "escrow"
    )
    if command.positions:
        wanted = wanted.where(table.c.position.in_(command.positions))
    lines = seen.connection.execute(wanted).all()
    yield Message(
        "Holders tried again: {count}, {amount} net",
        count=len(lines),
        amount=cash_of(seen, sum(int(line.net_paisa) for line in lines)),
    )


@effects(SettleClaim)
def claimed(command: SettleClaim, seen: Seen) -> Iterator[Message]:
    """Who pays whom how much."""
    row = seen.connection.execute(
        sql.select(claim).where(
            claim.c.programme == seen.programme,
            claim.c.instruction == command.trade,
            claim.c.payment == command.payment,
        )
    ).one_or_none()
    proposer = find_institution(seen.connection, seen.programme, seen.institution)
    if row is None or not claim_concerns(
        seen.connection, row, seen.institution, proposer.capacities
    ):
        raise NotFound(thing="claim of trade", value=command.trade)
    yield Message(
        "{debtor} pays {creditor} {amount}",
        debtor=account_name(seen, row.debtor),
        creditor=account_name(seen, row.creditor),
        amount=cash_of(seen, int(row.amount_paisa)),
    )


@effects(Halt, Resume)
def payments_of_halt(command: Halt | Resume, seen: Seen) -> Iterator[Message]:
    """Payments under way in what is halted or resumed."""
    wanted = sql.select(payment).where(
        payment.c.programme == seen.programme, payment.c.state != PaymentState.COMPLETE.value
    )
    if len(command.scope) == 12:
        wanted = wanted.where(payment.c.isin == command.scope)
    elif command.scope not in (WHOLE_PROGRAMME, "payments", "cash"):
        return
    rows = seen.connection.execute(wanted).all()
    open_paisa = sum(
        int(row.gross_paisa) - int(row.paid_paisa) - int(row.tax_paid_paisa) for row in rows
    )
    amount = cash_of(seen, open_paisa)
    if isinstance(command, Halt):
        yield Message(
            "Payments that stand still while it lasts: {count}, with {amount} not yet paid",
            count=len(rows),
            amount=amount,
        )
    else:
        yield Message(
            "Payments that go on: {count}, with {amount} not yet paid",
            count=len(rows),
            amount=amount,
        )


@effects(AnnounceChange)
def payments_replaced(command: AnnounceChange, seen: Seen) -> Iterator[Message]:
    """How much cash in escrow goes over to the new contract, and is paid from there."""
    if command.contract is not Replaceable.PAYMENTS:
        return
    held = balance_at(seen.connection, seen.ledger.address("Cash"), seen.ledger.address("Payments"))
    yield Message("In escrow, and over to the new contract: {amount}", amount=cash_of(seen, held))
