"""Orders against a provider: show cause, answer, hearing, order, penalty and its payment."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, Refusal
from amanat.core.messages import Word
from amanat.core.money import money_text
from amanat.licensing.complaints.intake import DayInFuture
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.commands import (
    AnswerCharge,
    HoldHearing,
    MakeOrder,
    Order,
    RecordPayment,
    ShowCause,
)
from amanat.licensing.enforcement.tables import charge
from amanat.licensing.model import APPLICANT, DayOutOfRange
from amanat.licensing.ordering import written
from amanat.licensing.stepping import (
    OnProvider,
    Stepped,
    approvers,
    load_provider_step,
    load_step,
    open_file,
    record_step,
    require_approvers_apart,
    require_no_conflict,
)
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY

ENFORCEMENT = "enforcement"


class OrderTooEarly(Refusal):
    """Nobody is ordered against before they have answered, or the time to answer is over."""

    template: ClassVar[str] = "{file}: the provider may answer until {answer_by}."


class PenaltyUnclear(Invalid):
    """A penalty has an amount, a currency and a due day; another order has none of them."""

    template: ClassVar[str] = "Give amount, currency and due day with a penalty, and only then."


def _ask_cause(command: ShowCause, context: ActContext) -> Ask:
    """A second person of the authority."""
    _check_cause(command, context)
    return second_person(context, f"licensing:{command.provider}")


def _check_cause(command: ShowCause, context: ActContext) -> OnProvider:
    on = load_provider_step(context, command.provider, "ShowCause", kind=ENFORCEMENT)
    _require_later(context, "day of the answer", command.answer_by)
    return on


def _require_later(context: ActContext, what: str, day: date) -> None:
    if day <= context.business_date:
        raise DayOutOfRange(what=Word(what), day=day, business_date=context.business_date)


@act(capacities=[AUTHORITY], approvals=_ask_cause, confidential=True)
def show_cause(command: ShowCause, context: ActContext) -> Result:
    """Ask a provider to show cause.

    Refuses, in order: `NotAProvider`, as the path does, `DayOutOfRange`, `Conflicted`.
    """
    on = _check_cause(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    identifier, number, _moved = open_file(context, on, reason=command.grounds)
    entry = context.uow.journal.append(
        events.CHARGED,
        {
            "file": number,
            "provider": command.provider,
            "answer_by": command.answer_by.isoformat(),
            "digest": digest({"grounds": command.grounds}).hex(),
        },
        subject=f"licensing:{number}",
    )
    context.uow.connection.execute(
        charge.insert().values(
            file=identifier,
            programme=context.programme,
            provider=command.provider,
            grounds=command.grounds,
            answer_by=command.answer_by.isoformat(),
            **written(context, entry),
        )
    )
    return {"file": number, "provider": command.provider, "entry": entry}


def _charge(context: ActContext, stepped: Stepped) -> Row[Any]:
    return context.uow.connection.execute(
        sql.select(charge).where(charge.c.file == stepped.row.id)
    ).one()


def _set(context: ActContext, stepped: Stepped, **values: Any) -> None:
    context.uow.connection.execute(
        sql.update(charge).where(charge.c.file == stepped.row.id).values(**values)
    )


@act(capacities=[APPLICANT], confidential=True)
def answer_charge(command: AnswerCharge, context: ActContext) -> Result:
    """Answer a charge, in time or late.  Refuses as the path does."""
    stepped = load_step(context, command.file, "AnswerCharge")
    entry = record_step(context, stepped, command.answer)
    _set(context, stepped, answer=command.answer)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def hold_hearing(command: HoldHearing, context: ActContext) -> Result:
    """Record a hearing.  Refuses as the path does, then `DayInFuture`."""
    stepped = load_step(context, command.file, "HoldHearing")
    if command.heard_on > context.business_date:
        raise DayInFuture(day=command.heard_on, business_date=context.business_date)
    entry = record_step(context, stepped, command.record)
    _set(context, stepped, hearing=command.record, heard_on=command.heard_on.isoformat())
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


def _ask_order(command: MakeOrder, context: ActContext) -> Ask:
    """A second person of the authority; neither of the two asked to show cause."""
    stepped = _check_order(command, context)
    return second_person(context, stepped.subject)


def _check_order(command: MakeOrder, context: ActContext) -> Stepped:
    stepped = load_step(context, command.file, "MakeOrder", outcome=command.order.value)
    penalty = (command.amount, command.currency, command.due_on)
    given = [one is not None for one in penalty]
    if not (all(given) if command.order is Order.PENALTY else not any(given)):
        raise PenaltyUnclear
    row = _charge(context, stepped)
    if row.answer is None and context.business_date.isoformat() <= row.answer_by:
        raise OrderTooEarly(file=stepped.row.number, answer_by=date.fromisoformat(row.answer_by))
    if command.due_on is not None:
        _require_later(context, "due day", command.due_on)
    return stepped


@act(capacities=[AUTHORITY], approvals=_ask_order, confidential=True)
def make_order(command: MakeOrder, context: ActContext) -> Result:
    """Make an order; order and reasons are public, and it may be appealed.

    Refuses as the path does; then `PenaltyUnclear`, `OrderTooEarly`, `DayOutOfRange`; `OwnWork`
    and `Conflicted` to an approver.
    """
    stepped = _check_order(command, context)
    require_approvers_apart(context, stepped)
    record_step(context, stepped, command.reasons)
    amount = None
    if command.amount is not None and command.currency is not None:
        amount = money_text(command.amount, command.currency)
    due = command.due_on.isoformat() if command.due_on else None
    until = context.business_date + timedelta(days=stepped.pack.appeal_days)
    entry = context.uow.journal.append(
        events.ORDER_MADE,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "order": command.order.value,
            "reasons": command.reasons,
            "amount": amount,
            "due_on": due,
            "section": stepped.law.code,
            "law": stepped.law.text,
            "appeal_until": until.isoformat(),
        },
        subject=stepped.subject,
    )
    _set(
        context,
        stepped,
        order=command.order.value,
        reasons=command.reasons,
        ordered_on=context.business_date.isoformat(),
        amount=command.amount,
        currency=command.currency,
        due_on=due,
    )
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def record_payment(command: RecordPayment, context: ActContext) -> Result:
    """Record that a penalty was paid.  Refuses as the path does, then `DayInFuture`."""
    stepped = load_step(context, command.file, "RecordPayment")
    if command.paid_on > context.business_date:
        raise DayInFuture(day=command.paid_on, business_date=context.business_date)
    record_step(context, stepped, command.reference)
    entry = context.uow.journal.append(
        events.PENALTY_PAID,
        {
            "file": stepped.row.number,
            "provider": stepped.row.provider,
            "paid_on": command.paid_on.isoformat(),
        },
        subject=stepped.subject,
    )
    _set(context, stepped, paid_on=command.paid_on.isoformat(), payment=command.reference)
    return {"file": stepped.row.number, "stage": stepped.step.to, "entry": entry}
