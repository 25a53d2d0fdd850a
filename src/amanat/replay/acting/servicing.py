"""Payments to holders: entitlements of the record date, funding whole, chunks, claims."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.replay.performing import Performer, ReplayStopped
from amanat.replay.plan import Payment, Step
from amanat.servicing.tables import payment as payment_table
from amanat.settlement.tables import claim

CHUNKS_MAX = 10_000


def fix(performer: Performer, step: Step) -> None:
    """Fix who is paid what: holders of the record date, gross, tax, net."""
    payment: Payment = step.about
    performer.perform(
        step.key,
        "FixEntitlements",
        {"isin": payment.isin, "kind": payment.kind, "due_date": payment.due_date},
    )
    performer.pump()


def _state(performer: Performer, payment: Payment) -> tuple[str, str]:
    """The payment's id and state."""
    table = payment_table
    with performer.application.store.reading() as connection:
        row = connection.execute(
            sql.select(table.c.id, table.c.state).where(
                table.c.programme == performer.programme,
                table.c.isin == payment.isin,
                table.c.kind == payment.kind,
                table.c.due_date == payment.due_date.isoformat(),
            )
        ).one()
    return row.id, row.state


def pay(performer: Performer, step: Step) -> None:
    """Fund the payment whole from the treasury, then pay chunk after chunk."""
    payment: Payment = step.about
    identifier, _state_before = _state(performer, payment)
    performer.perform(
        f"{step.key}/fund",
        "FundPayment",
        {
            "payment": identifier,
            "payer": performer.account_of_kind("treasury"),
            "tax_account": performer.account_of_kind("tax"),
        },
    )
    performer.pump()
    for chunk in range(CHUNKS_MAX):
        if _state(performer, payment)[1] in ("paid", "complete"):
            return
        performer.perform(f"{step.key}/chunk/{chunk}", "PayChunk", {"payment": identifier})
        performer.pump()
    raise ReplayStopped(f"payment {payment.code} is not paid after {CHUNKS_MAX} chunks")


def claims(performer: Performer, step: Step) -> None:
    """Raise the claims of trades that settled on the wrong side of the record date; pay them."""
    payment: Payment = step.about
    identifier, _state_before = _state(performer, payment)
    registrar = performer.pilot.with_capacity("registrar")[0].code
    asked = {"payment": identifier}
    performer.perform(step.key, "RaiseClaims", asked, institution=registrar)
    with performer.application.store.reading() as connection:
        trades = connection.execute(
            sql.select(claim.c.instruction)
            .where(claim.c.programme == performer.programme, claim.c.payment == identifier)
            .order_by(claim.c.instruction)
        ).scalars()
        owed = list(trades)
    for trade in owed:
        key = f"claim/{payment.code}/{trade}"
        performer.perform(key, "SettleClaim", asked | {"trade": trade}, institution=registrar)
    performer.pump()
