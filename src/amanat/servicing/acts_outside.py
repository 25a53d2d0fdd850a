"""Paying by other systems while the ledger is down, and recording it when it returns.

A missed coupon is a default.  The list is made from the last agreed state: the entitlements that
were fixed, less every line of which the ledger was already asked for.  From then on the ledger is
asked for nothing of the payment; when it answers again, two institutions record the list on it, and
none of its lines can be paid there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Requirement, Result, ViewContext, act, view
from amanat.core.canonical import canonical_bytes
from amanat.core.dates import business_day_from_date
from amanat.core.errors import NotFound, Refusal
from amanat.ledger.sender_names import PAYMENTS
from amanat.ledger.tables import order
from amanat.ledger.things import Things
from amanat.ledger.typed_data import CHUNK, OUTSIDE_PAYMENT
from amanat.participants import things
from amanat.participants.records import institutions_with
from amanat.programme.records import find_security, money_in
from amanat.register.signing import epoch_of, struct_to_sign
from amanat.servicing import events
from amanat.servicing.acts import RUN_KINDS, PaymentNotDue, require_state, second_person
from amanat.servicing.commands import (
    ListOutside,
    OutsideListAsked,
    RecordPaidOutside,
    WithdrawOutsideList,
)
from amanat.servicing.model import PaymentKind, PaymentState
from amanat.servicing.records import find_payment, find_payment_to_read, lines_of, update_payment
from amanat.servicing.views import SEES_LINES

LIST_FORMAT = "amanat.outside-list/1"
_PAYS = ("agent", "issuer")


class PaymentInFlight(Refusal):
    """What the ledger was asked for may still be carried out there: it is not paid twice."""

    template: ClassVar[str] = (
        "The ledger was asked for all of payment {payment} that is not paid; {orders} orders are"
        " not answered yet."
    )


class FundingInFlight(Refusal):
    """Funding that was sent may still be carried out: until it is answered, nothing is listed."""

    template: ClassVar[str] = "Payment {payment} is being funded by order {order}."


@dataclass(frozen=True, slots=True)
class OutsideList:
    """The lines to be paid by other systems, from chunk `first_chunk` on, and their digest."""

    first_chunk: int
    lines: tuple[Any, ...]
    digest: str

    @property
    def gross_paisa(self) -> int:
        """Net and tax of all lines."""
        return sum(int(one.gross_paisa) for one in self.lines)

    @property
    def tax_paisa(self) -> int:
        """What is withheld and owed to the tax authority."""
        return sum(int(one.tax_paisa) for one in self.lines)


def outside_list(programme: str, row: Any, lines: Sequence[Any], first_chunk: int) -> OutsideList:
    """The list of a payment's lines from a chunk on, with the SHA-256 of its canonical JSON."""
    chosen = tuple(one for one in lines if one.position >= first_chunk * CHUNK)
    content = {
        "format": LIST_FORMAT,
        "programme": programme,
        "payment": row.id,
        "isin": row.isin,
        "kind": row.kind,
        "record_date": row.record_date,
        "payment_date": row.payment_date,
        "root": row.root,
        "first_chunk": first_chunk,
        "lines": [
            [one.position, one.account, one.institution, str(one.gross_paisa), str(one.tax_paisa)]
            for one in chosen
        ],
    }
    return OutsideList(first_chunk, chosen, hashlib.sha256(canonical_bytes(content)).hexdigest())


def _listed(command: ListOutside, context: ActContext) -> tuple[Any, OutsideList]:
    connection, programme = context.uow.connection, context.programme
    row = find_payment(connection, programme, command.payment)
    if row.state == PaymentState.FUNDING.value:
        raise FundingInFlight(payment=row.id, order=row.order_id)
    require_state(row, "ListOutside", PaymentState.FIXED, PaymentState.FUNDED)
    # While the ledger is down its business day stands still: the calendar's day counts.
    today = max(context.business_date, context.now.date())
    if today.isoformat() < row.payment_date:
        raise PaymentNotDue(payment=row.id, payment_date=row.payment_date, business_date=today)
    found = outside_list(programme, row, lines_of(connection, programme, row.id), row.cursor)
    if not found.lines:
        waiting = connection.execute(
            sql.select(sql.func.count())
            .select_from(order)
            .where(
                order.c.subject_room == "servicing",
                order.c.subject_id == row.id,
                order.c.state.not_in(("done", "refused")),
            )
        ).scalar_one()
        raise PaymentInFlight(payment=row.id, orders=waiting)
    return row, found


def _ask_list(command: ListOutside, context: ActContext) -> Ask:
    """A second person of the paying institution signs the list's digest."""
    row, found = _listed(command, context)
    capacity = min(context.actor.capacities & set(_PAYS))
    shows = {
        "payment": row.id,
        "isin": row.isin,
        "lines": str(len(found.lines)),
        "net_paisa": str(found.gross_paisa - found.tax_paisa),
        "tax_paisa": str(found.tax_paisa),
        "list_digest": found.digest,
    }
    needed = Requirement(
        context.actor.institution, capacity, signs=bytes.fromhex(found.digest), shows=shows
    )
    return Ask([needed], memo={"digest": found.digest}, subject=f"payment:{row.id}")


@act(capacities=_PAYS, approvals=_ask_list)
def list_outside(command: ListOutside, context: ActContext) -> Result:
    """List what of a payment the ledger was not asked for; the ledger pays none of it from now on.

    Lines of which the ledger was asked are left to it: they may still be carried out there.
    Refuses, in order: `NotFound`, `FundingInFlight`, `PaymentNotInState`, `PaymentNotDue`,
    `PaymentInFlight`.
    """
    row, found = _listed(command, context)
    if found.digest != context.approved.memo["digest"]:
        raise PaymentInFlight(payment=row.id, orders=1)  # the ledger answered meanwhile
    net = found.gross_paisa - found.tax_paisa
    entry = context.uow.journal.append(
        events.OUTSIDE_LISTED,
        {
            "payment": row.id,
            "isin": row.isin,
            "first_chunk": found.first_chunk,
            "lines": len(found.lines),
            "gross": money_in(context.uow.connection, context.programme, found.gross_paisa),
            "tax": money_in(context.uow.connection, context.programme, found.tax_paisa),
            "net": money_in(context.uow.connection, context.programme, net),
            "list_digest": found.digest,
            "reason": command.reason,
        },
        subject=f"payment:{row.id}",
    )
    update_payment(
        context.uow.connection,
        context.programme,
        row.id,
        state=PaymentState.LISTED.value,
        outside_chunk=found.first_chunk,
        outside_digest=found.digest,
        reason=command.reason,
    )
    return {
        "payment": row.id,
        "lines": len(found.lines),
        "net_paisa": net,
        "tax_paisa": found.tax_paisa,
        "list_digest": found.digest,
        "entry": entry,
    }


def _check_withdraw(command: WithdrawOutsideList, context: ActContext) -> Any:
    row = find_payment(context.uow.connection, context.programme, command.payment)
    require_state(row, "WithdrawOutsideList", PaymentState.LISTED)
    return row


def _ask_withdraw(command: WithdrawOutsideList, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    row = _check_withdraw(command, context)
    return second_person(context, subject=f"payment:{row.id}")


@act(capacities=_PAYS, approvals=_ask_withdraw)
def withdraw_outside_list(command: WithdrawOutsideList, context: ActContext) -> Result:
    """Withdraw a list of which nothing was paid.  Refuses: `NotFound`, `PaymentNotInState`."""
    row = _check_withdraw(command, context)
    entry = context.uow.journal.append(
        events.OUTSIDE_LIST_WITHDRAWN,
        {"payment": row.id, "list_digest": row.outside_digest, "reason": command.reason},
        subject=f"payment:{row.id}",
    )
    state = PaymentState.FUNDED if row.funded_on is not None else PaymentState.FIXED
    update_payment(
        context.uow.connection,
        context.programme,
        row.id,
        state=state.value,
        outside_chunk=None,
        outside_digest=None,
        reason=None,
    )
    return {"payment": row.id, "state": state.value, "entry": entry}


def _check_record(command: RecordPaidOutside, context: ActContext) -> tuple[Any, OutsideList]:
    connection, programme = context.uow.connection, context.programme
    row = find_payment(connection, programme, command.payment)
    require_state(row, "RecordPaidOutside", PaymentState.LISTED)
    lines = lines_of(connection, programme, row.id)
    return row, outside_list(programme, row, lines, row.outside_chunk)


def _record_values(
    context: ActContext, row: Any, found: OutsideList, epoch: int
) -> tuple[Any, ...]:
    return (
        epoch,
        find_security(context.uow.connection, context.programme, row.isin).address,
        RUN_KINDS[PaymentKind(row.kind)].value,
        business_day_from_date(date.fromisoformat(row.record_date)),
        bytes.fromhex(row.root),
        row.gross_paisa,
        row.holders,
        found.first_chunk,
        found.gross_paisa,
        bytes.fromhex(found.digest),
    )


def _ask_record(command: RecordPaidOutside, context: ActContext) -> Ask:
    """The issuer signs and the agent."""
    row, found = _check_record(command, context)
    connection, programme = context.uow.connection, context.programme
    issuers = institutions_with(connection, programme, "issuer")
    agents = institutions_with(connection, programme, "agent")
    if not issuers or not agents:
        raise NotFound(thing="institution with capacity", value="issuer and agent")
    epoch = epoch_of(context.ledger)
    values = _record_values(context, row, found, epoch)
    signed = struct_to_sign(context, "Payments", OUTSIDE_PAYMENT, *values, epoch=epoch)
    return Ask(
        [
            signed.requirement(issuers[0].code, "issuer"),
            signed.requirement(agents[0].code, "agent"),
        ],
        memo={"epoch": epoch},
        subject=f"payment:{row.id}",
    )


@act(capacities=_PAYS, approvals=_ask_record)
def record_paid_outside(command: RecordPaidOutside, context: ActContext) -> Result:
    """Order that the ledger close all lines of the list; escrow for them returns to the payer.

    Refuses, in order: `NotFound`, `PaymentNotInState`; the ledger refuses a list of which it paid
    a line meanwhile.
    """
    row, found = _check_record(command, context)
    entry = context.uow.journal.append(
        events.OUTSIDE_RECORD_REQUESTED,
        {
            "payment": row.id,
            "list_digest": found.digest,
            "amount": money_in(context.uow.connection, context.programme, found.gross_paisa),
            "reference": command.reference,
        },
        subject=f"payment:{row.id}",
    )
    approved = context.approved
    values = _record_values(context, row, found, approved.memo["epoch"])
    requested = context.uow.orders.request(
        "record_paid_outside",
        context.programme,
        "Payments",
        "record_paid_outside",
        [values, approved.signatures("issuer", "agent")],
        subject=("servicing", row.id),
        cause=entry,
        sender=PAYMENTS,
        things=Things(
            needs=[things.DAY, things.EPOCH],
            brings=things.accounts([row.payer]) if row.payer else (),
            changes=[things.payment(row.id)],
        ),
    )
    update_payment(
        context.uow.connection,
        context.programme,
        row.id,
        state=PaymentState.RECORDING.value,
        outside_reference=command.reference,
        order_id=requested,
        reason=None,
    )
    return {"payment": row.id, "order": requested, "entry": entry}


@view("outside_list")
def outside_list_shown(query: OutsideListAsked, context: ViewContext) -> dict[str, Any]:
    """The list of a payment that is to be paid, or was paid, by other systems.

    Refuses `NotFound`, also where there is no list or it is not the actor's to see.
    """
    row = find_payment_to_read(context.connection, context.programme, query.payment)
    if row.outside_digest is None or not context.sees(*SEES_LINES):
        raise NotFound(thing="list of payment", value=query.payment)
    lines = lines_of(context.connection, context.programme, row.id)
    found = outside_list(context.programme, row, lines, row.outside_chunk)
    return {
        "payment": row.id,
        "isin": row.isin,
        "kind": row.kind,
        "state": row.state,
        "payment_date": row.payment_date,
        "record_date": row.record_date,
        "list_digest": row.outside_digest,
        "gross_paisa": found.gross_paisa,
        "tax_paisa": found.tax_paisa,
        "net_paisa": found.gross_paisa - found.tax_paisa,
        "reference": row.outside_reference,
        "lines": [
            {
                "position": one.position,
                "account": one.account,
                "institution": one.institution,
                "gross_paisa": one.gross_paisa,
                "tax_paisa": one.tax_paisa,
                "net_paisa": one.net_paisa,
                "state": one.state,
            }
            for one in found.lines
        ],
    }
