"""Payments to holders: entitlements, funding into escrow, chunks, retries; and the tax rates.

Nothing is paid that is not funded whole, and the root that the institutions sign fixes every
line.  A chunk pays nobody twice, however often it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Invalid, NotFound, Place, Refusal, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.core.quantities import text_from
from amanat.ledger.orders import OrderRequest
from amanat.ledger.sender_names import PAYMENTS
from amanat.ledger.things import Things
from amanat.ledger.typed_data import CHUNK, FUNDING, EntitlementTree, RunKind
from amanat.ledger.typed_data import Entitlement as LedgerEntitlement
from amanat.participants import things
from amanat.participants.records import (
    find_account,
    institutions_with,
)
from amanat.programme.records import face_in, find_security, money_in, require_running
from amanat.register.signing import epoch_of, struct_to_sign
from amanat.servicing import events
from amanat.servicing.commands import (
    FixEntitlements,
    FundPayment,
    PayChunk,
    RecordTaxRates,
    RetryEscrow,
    TaxRateRow,
)
from amanat.servicing.entitling import holders_of_record, lines_for
from amanat.servicing.model import (
    Entitlement,
    Holder,
    PaymentKind,
    PaymentState,
    totals,
)
from amanat.servicing.records import (
    Due,
    find_due,
    find_payment,
    ledger_entitlement,
    lines_of,
    tax_table_of,
    tree_of,
    update_payment,
)
from amanat.servicing.tables import entitlement, lot, payment, tax_rate
from amanat.store.engine import insert_many

CHUNK_GAS = 1_000_000 + CHUNK * 200_000
RUN_KINDS = {PaymentKind.COUPON: RunKind.COUPON, PaymentKind.REDEMPTION: RunKind.REDEMPTION}


class OverlappingTaxRates(Invalid):
    """One class of holders has one rate on a day."""

    template: ClassVar[str] = (
        "{holder_class} would have two rates on {instrument} from {first_day}."
    )


class RecordDateNotClosed(Refusal):
    """Who is paid is known when the record date has closed."""

    template: ClassVar[str] = "The record date {record_date} has not closed on {business_date}."


class AlreadyFixed(Refusal):
    """A payment's entitlements are fixed once."""

    template: ClassVar[str] = "The {kind} of {isin} due {due_date} is fixed as payment {payment}."


class PaymentNotInState(Refusal):
    """Fixed, then funded, then paid."""

    template: ClassVar[str] = "Payment {payment} is {state}; {act} needs {needed}."


class PaymentNotDue(Refusal):
    """Money goes out on the payment date or later, never before."""

    template: ClassVar[str] = "Payment {payment} falls on {payment_date}; it is {business_date}."


# -- rates ----------------------------------------------------------------------------------------


def _check_rates(command: RecordTaxRates, context: ActContext) -> None:
    known: list[Any] = list(tax_table_of(context.uow.connection, context.programme).rows)
    refused = Refused()
    for position, row in enumerate(command.rows):
        place = Place(field=f"rows[{position}]")
        if row.first_day > row.last_day:
            refused.add(
                Invalid(
                    place=place,
                    reason=Message(
                        "{first_day} is after {last_day}",
                        first_day=row.first_day,
                        last_day=row.last_day,
                    ),
                )
            )
        for shared in _overlap(row, known):
            refused.add(
                OverlappingTaxRates(
                    place=place,
                    holder_class=shared,
                    instrument=row.instrument,
                    first_day=row.first_day,
                )
            )
        known.append(row)
    refused.raise_if_any()


def _overlap(row: TaxRateRow, known: list[Any]) -> list[str]:
    return sorted(
        {
            shared
            for other in known
            if other.instrument == row.instrument
            and row.first_day <= other.last_day
            and other.first_day <= row.last_day
            for shared in set(row.holder_classes) & set(other.holder_classes)
        }
    )


def second_person(context: ActContext, subject: str | None = None) -> Ask:
    capacity = min(context.actor.capacities & {"agent", "tax_agent", "registrar", "issuer"})
    return Ask([Requirement(context.actor.institution, capacity)], subject=subject)


def _ask_rates(command: RecordTaxRates, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_rates(command, context)
    return second_person(context)


@act(capacities=["tax_agent", "agent"], approvals=_ask_rates)
def record_tax_rates(command: RecordTaxRates, context: ActContext) -> Result:
    """Record rates with their source.  Refuses, all at once: `Invalid`, `OverlappingTaxRates`."""
    _check_rates(command, context)
    stated = [
        {
            "instrument": row.instrument,
            "holder_classes": list(row.holder_classes),
            "first_day": row.first_day.isoformat(),
            "last_day": row.last_day.isoformat(),
            "active_percent": text_from(row.active_percent),
            "inactive_percent": text_from(row.inactive_percent),
            "final": row.final,
            "source": row.source,
            "assumed": row.assumed,
        }
        for row in command.rows
    ]
    entry = context.uow.journal.append(events.TAX_RATES_RECORDED, {"rows": stated})
    for row in stated:
        context.uow.connection.execute(
            tax_rate.insert().values(programme=context.programme, id=new_id(), entry=entry, **row)
        )
    return {"rows": len(stated), "entry": entry}


# -- entitlements ---------------------------------------------------------------------------------


def _check_fix(command: FixEntitlements, context: ActContext) -> Due:
    connection, programme = context.uow.connection, context.programme
    due = find_due(connection, programme, command.isin, command.kind, command.due_date)
    if context.business_date <= due.record_date:
        raise RecordDateNotClosed(record_date=due.record_date, business_date=context.business_date)
    former = connection.execute(
        sql.select(payment.c.id).where(
            payment.c.programme == programme,
            payment.c.isin == command.isin,
            payment.c.kind == command.kind.value,
            payment.c.due_date == command.due_date.isoformat(),
        )
    ).scalar_one_or_none()
    if former is not None:
        raise AlreadyFixed(
            kind=command.kind.value, isin=command.isin, due_date=command.due_date, payment=former
        )
    return due


def _ask_fix(command: FixEntitlements, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_fix(command, context)
    return second_person(context, subject=f"security:{command.isin}")


@act(capacities=["agent", "registrar", "issuer"], approvals=_ask_fix)
def fix_entitlements(command: FixEntitlements, context: ActContext) -> Result:
    """Fix every holder's gross, tax and net, and the root over them.

    Refuses, in order: `NotFound` (security, gazette, account), `NoSuchPayment`,
    `RecordDateNotClosed`, `AlreadyFixed`, `TaxStatusMissing`, `NobodyEntitled`, `LotsMissing`,
    `UnknownHolderClass`, `NoTaxRateForDate`.
    """
    due = _check_fix(command, context)
    connection, programme = context.uow.connection, context.programme
    holders = holders_of_record(connection, programme, due)
    lines = lines_for(connection, programme, command, due, holders)
    tree = EntitlementTree(
        [
            LedgerEntitlement(index, one.account, one.nominal, one.gross_paisa, one.tax_paisa)
            for index, one in enumerate(lines)
        ]
    )
    identifier = new_id()
    assumed = due.assumed or any(one.levy.assumed for one in lines)
    entry = _record_payment(context, command, due, identifier, lines, tree.root.hex(), assumed)
    _record_lines(context, identifier, lines)
    if due.on_discount:
        _record_lots(context, identifier, holders)
    sums = totals(lines)
    return {
        "payment": identifier,
        "holders": sums.holders,
        "gross_paisa": sums.gross_paisa,
        "tax_paisa": sums.tax_paisa,
        "net_paisa": sums.net_paisa,
        "payment_date": due.payment_date.isoformat(),
        "record_date": due.record_date.isoformat(),
        "root": tree.root.hex(),
        "assumed": assumed,
        "entry": entry,
    }


def _record_payment(
    context: ActContext,
    command: FixEntitlements,
    due: Due,
    identifier: str,
    lines: tuple[Entitlement, ...],
    root: str,
    assumed: bool,
) -> str:
    sums = totals(lines)
    days = {
        "due_date": due.due_date.isoformat(),
        "payment_date": due.payment_date.isoformat(),
        "record_date": due.record_date.isoformat(),
    }
    entry = context.uow.journal.append(
        events.ENTITLEMENTS_FIXED,
        {
            "payment": identifier,
            "isin": due.isin,
            "payment_kind": due.kind.value,
            "holders": sums.holders,
            "nominal": face_in(context.uow.connection, context.programme, sums.nominal),
            "gross": money_in(context.uow.connection, context.programme, sums.gross_paisa),
            "tax": money_in(context.uow.connection, context.programme, sums.tax_paisa),
            "net": money_in(context.uow.connection, context.programme, sums.net_paisa),
            "root": root,
            "assumed": assumed,
            "amount_rounding": command.amount_rounding.value,
            "tax_rounding": command.tax_rounding.value,
        }
        | days,
        subject=f"payment:{identifier}",
    )
    context.uow.connection.execute(
        payment.insert().values(
            programme=context.programme,
            id=identifier,
            isin=due.isin,
            kind=due.kind.value,
            state=PaymentState.FIXED.value,
            holders=sums.holders,
            nominal=sums.nominal,
            gross_paisa=sums.gross_paisa,
            tax_paisa=sums.tax_paisa,
            net_paisa=sums.net_paisa,
            paid_paisa=0,
            tax_paid_paisa=0,
            escrow_paisa=0,
            outside_paisa=0,
            cursor=0,
            chunks_paid=0,
            root=root,
            assumed=assumed,
            entry=entry,
            **days,
        )
    )
    return entry


def _record_lines(context: ActContext, identifier: str, lines: tuple[Entitlement, ...]) -> None:
    insert_many(
        context.uow.connection,
        entitlement,
        [
            {
                "programme": context.programme,
                "payment": identifier,
                "position": position,
                "account": one.account,
                "institution": one.institution,
                "holder_class": one.holder_class,
                "nominal": one.nominal,
                "gross_paisa": one.gross_paisa,
                "tax_base_paisa": one.tax_base_paisa,
                "tax_rate": text_from(one.levy.rate),
                "tax_basis": one.levy.basis,
                "tax_source": one.levy.source,
                "tax_paisa": one.tax_paisa,
                "net_paisa": one.net_paisa,
                "state": "due",
            }
            for position, one in enumerate(lines)
        ],
    )


def _record_lots(context: ActContext, identifier: str, holders: list[Holder]) -> None:
    insert_many(
        context.uow.connection,
        lot,
        [
            {
                "programme": context.programme,
                "payment": identifier,
                "position": position,
                "part": part,
                "acquired_on": one.acquired_on.isoformat(),
                "nominal": one.nominal,
                "cost_paisa": one.cost_paisa,
            }
            for position, holder in enumerate(holders)
            for part, one in enumerate(holder.lots)
        ],
    )


# -- funding --------------------------------------------------------------------------------------


def require_state(row: Any, act: str, *needed: PaymentState) -> None:
    if row.state not in [state.value for state in needed]:
        words = " or ".join(state.value for state in needed)
        raise PaymentNotInState(payment=row.id, state=row.state, act=act, needed=words)


def _check_fund(command: FundPayment, context: ActContext) -> Any:
    row = find_payment(context.uow.connection, context.programme, command.payment)
    require_running(context.uow.connection, context.programme, "payments", "cash", row.isin)
    require_state(row, "FundPayment", PaymentState.FIXED)
    return row


def _ask_fund(command: FundPayment, context: ActContext) -> Ask:
    """The issuer signs, the agent, and the key of the account that pays."""
    row = _check_fund(command, context)
    connection, programme = context.uow.connection, context.programme
    payer = find_account(connection, programme, command.payer)
    tax_account = find_account(connection, programme, command.tax_account).address
    issuers = institutions_with(connection, programme, "issuer")
    agents = institutions_with(connection, programme, "agent")
    if not issuers or not agents:
        raise NotFound(thing="institution with capacity", value="issuer and agent")
    epoch = epoch_of(context.ledger)
    funding = (
        epoch,
        find_security(connection, programme, row.isin).address,
        RUN_KINDS[PaymentKind(row.kind)].value,
        business_day_from_date(date.fromisoformat(row.record_date)),
        bytes.fromhex(row.root),
        row.gross_paisa,
        row.holders,
        payer.address,
        tax_account,
    )
    signed = struct_to_sign(context, "Payments", FUNDING, *funding, epoch=epoch)
    return Ask(
        [
            signed.requirement(issuers[0].code, "issuer"),
            signed.requirement(agents[0].code, "agent"),
            signed.requirement(payer.participant, "payer", key=payer.address),
        ],
        memo={"epoch": epoch, "payer": payer.address, "tax_account": tax_account},
        subject=f"payment:{row.id}",
    )


@act(capacities=["issuer", "agent"], approvals=_ask_fund)
def fund_payment(command: FundPayment, context: ActContext) -> Result:
    """Order that the whole gross amount go into escrow, or nothing.

    Refuses, in order: `NotFound` (payment, accounts, institutions), `Halted`,
    `PaymentNotInState`; the ledger refuses a payer that has too little cash.
    """
    row = _check_fund(command, context)
    connection, programme = context.uow.connection, context.programme
    approved = context.approved
    entry = context.uow.journal.append(
        events.FUNDING_REQUESTED,
        {
            "payment": row.id,
            "isin": row.isin,
            "gross": money_in(connection, programme, row.gross_paisa),
            "root": row.root,
        },
        subject=f"payment:{row.id}",
    )
    funding = (
        approved.memo["epoch"],
        find_security(connection, programme, row.isin).address,
        RUN_KINDS[PaymentKind(row.kind)].value,
        business_day_from_date(date.fromisoformat(row.record_date)),
        bytes.fromhex(row.root),
        row.gross_paisa,
        row.holders,
        approved.memo["payer"],
        approved.memo["tax_account"],
    )
    order = context.uow.orders.request(
        "fund_payment",
        programme,
        "Payments",
        "fund",
        [funding, approved.signatures("payer")[0], approved.signatures("issuer", "agent")],
        subject=("servicing", row.id),
        cause=entry,
        sender=PAYMENTS,
        things=Things(
            needs=[things.DAY, things.EPOCH, *things.securities([row.isin])],
            brings=things.accounts([approved.memo["tax_account"]]),
            changes=[things.payment(row.id), *things.accounts([approved.memo["payer"]])],
        ),
    )
    update_payment(
        connection,
        programme,
        row.id,
        state=PaymentState.FUNDING.value,
        payer=approved.memo["payer"],
        tax_account=approved.memo["tax_account"],
        order_id=order,
        reason=None,
    )
    return {"payment": row.id, "order": order, "entry": entry}


# -- paying ---------------------------------------------------------------------------------------


def _things_paid(row: Row[Any], lines: Sequence[Row[Any]]) -> Things:
    """What the payment of these lines has to do with."""
    return Things(
        needs=[
            things.DAY,
            things.payment(row.id),
            *things.securities([row.isin]),
            *things.participants({line.institution for line in lines}),
        ],
        brings=things.accounts({line.account for line in lines}),
    )


@act(capacities=["operator", "agent", "registrar"])
def pay_chunk(command: PayChunk, context: ActContext) -> Result:
    """Order the next chunks of 64 lines, or one again; who sends adds no authority.

    Refuses, in order: `NotFound`, `Halted`, `PaymentNotInState`, `PaymentNotDue`.
    """
    connection, programme = context.uow.connection, context.programme
    row = find_payment(connection, programme, command.payment)
    require_running(connection, programme, "payments", "cash", row.isin)
    payable = (PaymentState.FUNDED, PaymentState.PAID, PaymentState.COMPLETE)
    # Of a listed payment, what the ledger was asked for before stays to be paid by it.
    before_list = row.outside_chunk if row.state == PaymentState.LISTED.value else None
    require_state(row, "PayChunk", *payable, *((PaymentState.LISTED,) if before_list else ()))
    if context.business_date.isoformat() < row.payment_date:
        raise PaymentNotDue(
            payment=row.id, payment_date=row.payment_date, business_date=context.business_date
        )
    tree = tree_of(connection, programme, row.id)
    end = tree.chunks if before_list is None else before_list
    if command.chunk is not None:
        chosen = [command.chunk] if command.chunk < end else []
    else:
        chosen = list(range(row.cursor, min(end, row.cursor + command.chunks_max)))
    if not chosen:
        return {"payment": row.id, "chunks": 0, "orders": []}
    entry = context.uow.journal.append(
        events.CHUNKS_REQUESTED,
        {"payment": row.id, "first_chunk": chosen[0], "chunks": len(chosen)},
        subject=f"payment:{row.id}",
    )
    holders = lines_of(connection, programme, row.id)
    orders = context.uow.orders.request_many(
        [
            OrderRequest(
                "pay_chunk",
                programme,
                "Payments",
                "pay_chunk",
                [row.number, number, *tree.chunk(number)],
                subject=("servicing", row.id),
                cause=entry,
                gas=CHUNK_GAS,
                sender=PAYMENTS,
                things=_things_paid(row, holders[number * CHUNK : (number + 1) * CHUNK]),
            )
            for number in chosen
        ]
    )
    update_payment(connection, programme, row.id, cursor=max(row.cursor, chosen[-1] + 1))
    return {"payment": row.id, "chunks": len(chosen), "orders": orders, "entry": entry}


@act(capacities=["operator", "agent", "registrar"])
def retry_escrow(command: RetryEscrow, context: ActContext) -> Result:
    """Order again the payment of lines that stayed in escrow, all or those named.

    Refuses, in order: `NotFound` (payment, a line that is not in escrow), `Halted`.
    """
    connection, programme = context.uow.connection, context.programme
    row = find_payment(connection, programme, command.payment)
    require_running(connection, programme, "payments", "cash", row.isin)
    kept = {
        line.position: line
        for line in lines_of(connection, programme, row.id)
        if line.state == "escrow"
    }
    for position in command.positions:
        if position not in kept:
            raise NotFound(
                thing=Message("line in escrow of payment {payment}", payment=row.id), value=position
            )
    chosen = [kept[position] for position in command.positions or sorted(kept)]
    if not chosen:
        return {"payment": row.id, "orders": []}
    entry = context.uow.journal.append(
        events.ESCROW_RETRIED,
        {"payment": row.id, "lines": len(chosen)},
        subject=f"payment:{row.id}",
    )
    orders = context.uow.orders.request_many(
        [
            OrderRequest(
                "retry_escrow",
                programme,
                "Payments",
                "pay_escrowed",
                [row.number, ledger_entitlement(line).as_tuple()],
                subject=("servicing", f"{row.id}:{line.position}"),
                cause=entry,
                sender=PAYMENTS,
                things=_things_paid(row, [line]),
            )
            for line in chosen
        ]
    )
    return {"payment": row.id, "orders": orders, "entry": entry}
