"""Claims: a trade that settled on the wrong side of a record date carries its coupon.

Who was paid owes the coupon to who had bought it.  What is owed is what the debtor received for
this nominal: the coupon less the tax that was withheld from the debtor.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import NotFound, Refusal
from amanat.core.quantities import Rounding
from amanat.programme.records import money_in
from amanat.servicing import events
from amanat.servicing.commands import RaiseClaims, SettleClaim
from amanat.servicing.model import PaymentKind, amount_per_100, tax_of
from amanat.servicing.records import claim_concerns, find_due, find_payment, lines_of
from amanat.settlement.acts_instructions import PARTIES
from amanat.settlement.acts_settling import ask_positions, request_cycle
from amanat.settlement.model import ClaimSide, NetPosition, Purpose, claim_side
from amanat.settlement.tables import claim, instruction

CLAIM_WINDOW_DAYS = 30


class ClaimNotDue(Refusal):
    """A claim is paid once."""

    template: ClassVar[str] = "The claim of trade {trade} on payment {payment} is {state}."


class NotACoupon(Refusal):
    """Only coupons are claimed; nothing moves across a redemption."""

    template: ClassVar[str] = "Payment {payment} is a {kind}; claims are for coupons."


@act(capacities=["agent", "registrar", "operator"])
def raise_claims(command: RaiseClaims, context: ActContext) -> Result:
    """Find the trades that crossed a payment's record date, and raise what is owed.

    It can be repeated as late trades settle; no claim is raised twice.
    Refuses, in order: `NotFound`, `NotACoupon`.
    """
    connection, programme = context.uow.connection, context.programme
    row = find_payment(connection, programme, command.payment)
    if row.kind != PaymentKind.COUPON.value:
        raise NotACoupon(payment=row.id, kind=row.kind)
    made = _new_claims(context, row)
    for values in made:
        connection.execute(claim.insert().values(**values))
    total = sum(values["amount_paisa"] for values in made)
    entry = context.uow.journal.append(
        events.CLAIMS_RAISED,
        {"payment": row.id, "claims": len(made), "total": money_in(connection, programme, total)},
        subject=f"payment:{row.id}",
    )
    return {"payment": row.id, "claims": len(made), "total_paisa": total, "entry": entry}


def _new_claims(context: ActContext, row: Any) -> list[dict[str, Any]]:
    connection, programme = context.uow.connection, context.programme
    due = find_due(
        connection, programme, row.isin, PaymentKind(row.kind), date.fromisoformat(row.due_date)
    )
    rates = {line.account: line.tax_rate for line in lines_of(connection, programme, row.id)}
    known = set(
        connection.execute(
            sql.select(claim.c.instruction).where(
                claim.c.programme == programme, claim.c.payment == row.id
            )
        ).scalars()
    )
    table = instruction
    # Trades of both sides of the record date; nobody's window is longer than 60 days.
    early = (due.record_date - timedelta(days=90)).isoformat()
    trades = connection.execute(
        sql.select(table)
        .where(
            table.c.programme == programme,
            table.c.isin == row.isin,
            table.c.state == "settled",
            table.c.purpose == Purpose.TRADE.value,
            table.c.settled_on >= early,
        )
        .order_by(table.c.id)
    )
    found = []
    for trade in trades:
        side = claim_side(
            date.fromisoformat(trade.first_day),
            date.fromisoformat(trade.settled_on),
            due.ex_date,
            due.record_date,
        )
        if side is None or trade.id in known:
            continue
        owes = trade.deliverer if side is ClaimSide.TO_RECEIVER else trade.receiver
        gets = trade.receiver if side is ClaimSide.TO_RECEIVER else trade.deliverer
        if owes not in rates:
            continue  # the debtor was not paid, so nobody was paid wrongly
        gross = amount_per_100(trade.nominal, due.gross_per_100, Rounding.HALF_UP)
        tax = tax_of(gross, Decimal(rates[owes]), Rounding.HALF_UP)
        found.append(
            {
                "programme": programme,
                "instruction": trade.id,
                "payment": row.id,
                "debtor": owes,
                "creditor": gets,
                "amount_paisa": gross - tax,
                "state": "due",
                "raised_on": context.business_date.isoformat(),
            }
        )
    return found


def _find_claim(context: ActContext, trade: str, payment: str) -> Any:
    row = context.uow.connection.execute(
        sql.select(claim)
        .where(
            claim.c.programme == context.programme,
            claim.c.instruction == trade,
            claim.c.payment == payment,
        )
        .with_for_update()
    ).one_or_none()
    if row is None or not claim_concerns(
        context.uow.connection, row, context.actor.institution, context.actor.capacities
    ):
        raise NotFound(thing="claim of trade", value=trade)
    if row.state != "due":
        raise ClaimNotDue(trade=trade, payment=payment, state=row.state)
    return row


def _ask_claim(command: SettleClaim, context: ActContext) -> Ask:
    """The keys of both accounts sign, each by a person of its participant."""
    row = _find_claim(context, command.trade, command.payment)
    net = sorted(
        (
            NetPosition(row.debtor, -row.amount_paisa, {}),
            NetPosition(row.creditor, row.amount_paisa, {}),
        ),
        key=lambda one: one.account,
    )
    record = {
        "claim": row.instruction,
        "payment": row.payment,
        "debtor": row.debtor,
        "creditor": row.creditor,
        "amount_paisa": str(row.amount_paisa),
    }
    last = command.last_day or context.business_date + timedelta(days=CLAIM_WINDOW_DAYS)
    return ask_positions(context, net, [record], context.business_date, last)


@act(capacities=(*PARTIES, "agent", "registrar"), approvals=_ask_claim, confidential=True)
def settle_claim(command: SettleClaim, context: ActContext) -> Result:
    """Order the payment of a claim, cash alone, signed by both accounts.

    Refuses, in order: `NotFound`, `ClaimNotDue`.
    """
    row = _find_claim(context, command.trade, command.payment)
    memo = context.approved.memo
    order = request_cycle(context, purpose=Purpose.CLAIM, trades=1, gross_paisa=row.amount_paisa)
    entry = context.uow.journal.append(
        events.CLAIM_SETTLEMENT_REQUESTED,
        {
            "payment": row.payment,
            "trade": row.instruction,
            "debtor": row.debtor,
            "creditor": row.creditor,
            "amount": money_in(context.uow.connection, context.programme, row.amount_paisa),
            "cycle": memo["cycle"],
        },
        subject=f"payment:{row.payment}",
    )
    context.uow.connection.execute(
        sql.update(claim)
        .where(
            claim.c.programme == context.programme,
            claim.c.instruction == row.instruction,
            claim.c.payment == row.payment,
        )
        .values(state="requested", cycle=memo["cycle"])
    )
    return {"trade": row.instruction, "cycle": memo["cycle"], "order": order, "entry": entry}
