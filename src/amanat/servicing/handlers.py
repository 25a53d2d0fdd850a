"""What the ledger's final events mean for payments and their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sql

from amanat.core.dates import date_from_business_day
from amanat.core.errors import Corrupt
from amanat.ledger import refusals
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.ledger.typed_data import CHUNK, RunKind
from amanat.programme.acts_issue import order_release_of_redeemed
from amanat.programme.records import frees_headroom, security_at
from amanat.servicing.model import PaymentKind, PaymentState, Reconciliation, check_reconciled
from amanat.servicing.records import update_payment
from amanat.servicing.tables import entitlement, payment
from amanat.store.uow import UnitOfWork

PAYING_EVENTS = ("EntitlementPaid", "EntitlementEscrowed", "ChunkPaid")
PAYING_ORDERS = ("pay_chunk", "retry_escrow")
LEFT_TO_OTHERS = (PaymentState.LISTED.value, PaymentState.RECORDING.value)
KINDS = {
    RunKind.COUPON.value: PaymentKind.COUPON,
    RunKind.REDEMPTION.value: PaymentKind.REDEMPTION,
}


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.make_public("Payments", "RunFunded", "ChunkPaid", "PaidOutside")
    registry.on_event("Payments", "RunFunded")(run_funded)
    registry.on_event("Payments", "PaidOutside")(paid_outside)
    registry.on_refused("record_paid_outside")(record_refused)
    for name in PAYING_EVENTS:
        registry.on_event("Payments", name)(observed_payment)
    for kind in PAYING_ORDERS:
        registry.on_done(kind)(paid)
    registry.on_refused("fund_payment")(funding_refused)
    registry.on_refused("pay_chunk")(chunk_refused)
    registry.on_refused("retry_escrow")(retry_refused)


def run_funded(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The escrow holds the whole funding.  Raises `Corrupt` where it is not what was fixed."""
    told = event.arguments
    isin = security_at(uow.connection, event.programme, told["security"]).isin
    row = uow.connection.execute(
        sql.select(payment).where(
            payment.c.programme == event.programme,
            payment.c.isin == isin,
            payment.c.kind == KINDS[told["kind"]].value,
            payment.c.record_date == date_from_business_day(told["record_day"]).isoformat(),
        )
    ).one_or_none()
    if row is None or told["root"] != f"0x{row.root}" or told["funding"] != row.gross_paisa:
        raise Corrupt(
            f"run {told['run']} of {isin} was funded with root {told['root']} and"
            f" {told['funding']} paisa, which is no payment that was fixed here"
        )
    update_payment(
        uow.connection,
        event.programme,
        row.id,
        number=told["run"],
        state=PaymentState.FUNDED.value,
        escrow_paisa=row.gross_paisa,
        payer=told["payer"],
        tax_account=told["tax_account"],
        funded_on=event.business_date,
        reason=None,
    )


def paid_outside(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The rest of a payment is closed.  Raises `Corrupt` where it is not what was listed."""
    told, connection = event.arguments, uow.connection
    isin = security_at(connection, event.programme, told["security"]).isin
    row = connection.execute(
        sql.select(payment).where(
            payment.c.programme == event.programme,
            payment.c.isin == isin,
            payment.c.kind == KINDS[told["kind"]].value,
            payment.c.record_date == date_from_business_day(told["record_day"]).isoformat(),
        )
    ).one_or_none()
    if row is None or told["list_digest"] != f"0x{row.outside_digest}":
        raise Corrupt(
            f"run {told['run']} of {isin} was paid outside by the list {told['list_digest']},"
            " which was not made here"
        )
    connection.execute(
        sql.update(entitlement)
        .where(
            entitlement.c.programme == event.programme,
            entitlement.c.payment == row.id,
            entitlement.c.position >= told["cursor"] * CHUNK,
        )
        .values(state="outside", reason=None, paid_on=event.business_date)
    )
    escrow = row.escrow_paisa - told["amount"] if row.funded_on is not None else 0
    sums = Reconciliation(
        row.gross_paisa, row.paid_paisa, row.tax_paid_paisa, escrow, told["amount"]
    )
    check_reconciled(row.id, sums)
    all_chunks = -(-row.holders // CHUNK)
    coupon = row.kind == PaymentKind.COUPON.value
    complete = coupon and escrow == 0
    state = PaymentState.PAID if coupon else PaymentState.FUNDED
    update_payment(
        connection,
        event.programme,
        row.id,
        number=told["run"],
        outside_paisa=told["amount"],
        escrow_paisa=escrow,
        chunks_paid=all_chunks if coupon else told["cursor"],
        cursor=all_chunks if coupon else told["cursor"],
        state=(PaymentState.COMPLETE if complete else state).value,
        completed_on=event.business_date if complete else None,
        reason=None,
    )


def record_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The ledger has it otherwise; the list stands and a person looks."""
    assert order.subject is not None
    update_payment(
        uow.connection,
        order.programme,
        order.subject[1],
        state=PaymentState.LISTED.value,
        reason=str(refusal["message"]),
    )


def funding_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """No money has moved; it can be proposed again."""
    assert order.subject is not None
    update_payment(
        uow.connection,
        order.programme,
        order.subject[1],
        state=PaymentState.FIXED.value,
        reason=str(refusal["message"]),
    )


def observed_payment(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Anyone may send a chunk; what nobody here ordered counts all the same."""
    if event.observed:
        _apply(event.programme, [event], uow)


def paid(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The lines of a chunk are paid, or stay in escrow with a reason; a repeated one tells none."""
    told = [event for event in events if event.name in PAYING_EVENTS]
    if told:
        _apply(order.programme, told, uow)


def chunk_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """Nothing of the chunk was paid; it is asked for again."""
    assert order.subject is not None
    uow.connection.execute(
        sql.update(payment)
        .where(payment.c.programme == order.programme, payment.c.id == order.subject[1])
        .values(cursor=payment.c.chunks_paid, reason=str(refusal["message"]))
    )


def retry_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The line stays in escrow, with the reason that stands now."""
    assert order.subject is not None
    identifier, _, position = order.subject[1].partition(":")
    uow.connection.execute(
        sql.update(entitlement)
        .where(
            entitlement.c.programme == order.programme,
            entitlement.c.payment == identifier,
            entitlement.c.position == int(position),
            entitlement.c.state == "escrow",
        )
        .values(reason=str(refusal["message"]))
    )


def _apply(programme: str, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """Book events of one run: its lines with one statement each kind, then its sums."""
    connection = uow.connection
    row = connection.execute(
        sql.select(payment).where(
            payment.c.programme == programme, payment.c.number == events[0].arguments["run"]
        )
    ).one()
    settled = [one for one in events if one.name == "EntitlementPaid"]
    kept = [one for one in events if one.name == "EntitlementEscrowed"]
    for day, some in _grouped(settled, lambda one: one.business_date).items():
        _mark(uow, row, some, state="paid", reason=None, paid_on=day)
    for reason, some in _grouped(kept, lambda one: one.arguments["reason"]).items():
        _mark(uow, row, some, state="escrow", reason=_reason(reason), paid_on=None)
    gross = sum(one.arguments["gross"] for one in settled)
    tax = sum(one.arguments["tax"] for one in settled)
    chunks = row.chunks_paid + sum(1 for one in events if one.name == "ChunkPaid")
    sums = Reconciliation(
        funded_paisa=row.gross_paisa,
        paid_paisa=row.paid_paisa + gross - tax,
        tax_paisa=row.tax_paid_paisa + tax,
        escrow_paisa=row.escrow_paisa - gross,
        outside_paisa=row.outside_paisa,
    )
    check_reconciled(row.id, sums)
    done = chunks * CHUNK >= row.holders
    complete = done and sums.escrow_paisa == 0
    state = PaymentState.FUNDED
    if done:
        state = PaymentState.COMPLETE if complete else PaymentState.PAID
    if row.state in LEFT_TO_OTHERS:  # the rest is paid by other systems, whatever is paid here
        state, complete = PaymentState(row.state), False
    update_payment(
        connection,
        programme,
        row.id,
        paid_paisa=sums.paid_paisa,
        tax_paid_paisa=sums.tax_paisa,
        escrow_paisa=sums.escrow_paisa,
        chunks_paid=chunks,
        cursor=max(row.cursor, chunks),
        state=state.value,
        completed_on=events[-1].business_date if complete else None,
    )
    if done and row.kind == PaymentKind.REDEMPTION.value and frees_headroom(connection, programme):
        order_release_of_redeemed(uow, programme, row.isin, events[-1].entry_id)


def _grouped(
    events: Sequence[LedgerEvent], key: Callable[[LedgerEvent], str]
) -> dict[str, list[LedgerEvent]]:
    found: dict[str, list[LedgerEvent]] = {}
    for one in events:
        found.setdefault(key(one), []).append(one)
    return found


def _mark(uow: UnitOfWork, row: Any, told: Sequence[LedgerEvent], **values: Any) -> None:
    """Set the lines that these events, of one chunk or observed singly, tell of."""
    table = entitlement
    uow.connection.execute(
        sql.update(table)
        .where(
            table.c.programme == row.programme,
            table.c.payment == row.id,
            table.c.position.in_([one.arguments["index"] for one in told]),
        )
        .values(**values)
    )


def _reason(revert: str) -> str:
    return refusals.decode(bytes.fromhex(revert.removeprefix("0x"))).message
