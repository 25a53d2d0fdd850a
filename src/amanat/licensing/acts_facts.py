"""Facts that other institutions confirm, each signed by a second person there, and goAML handover.

Which entity of a provider reports on goAML is known for every day: it is the one whose first day
is the last that is not after it.
"""

from __future__ import annotations

import re
from datetime import date

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import Forbidden, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message, Word
from amanat.core.money import money_text
from amanat.jurisdictions.goaml import load_goaml
from amanat.jurisdictions.licensing import Confirmation, LicensingPack
from amanat.licensing import events
from amanat.licensing.commands import ConfirmFact, HandOverReporting
from amanat.licensing.model import (
    CONFIRMS,
    NOC,
    Change,
    Entity,
    FactDatesDisorderly,
    FactFieldMissing,
    HandoverDisorderly,
    RegistrationMalformed,
)
from amanat.licensing.ordering import Move, New, record_moves, written
from amanat.licensing.records import reporting_entity_on
from amanat.licensing.stepping import OnProvider, approvers, load_provider_step, note_due
from amanat.licensing.tables import confirmation, licensing_file, reporting_entity
from amanat.participants.acts_people import second_person

GOAML = "goaml_registered"


def _ask_confirmation(command: ConfirmFact, context: ActContext) -> Ask:
    """A second person of the institution that confirms; their signature is kept."""
    _check_confirmation(command, context)
    return second_person(context, f"licensing:{command.provider}")


@act(capacities=[CONFIRMS], approvals=_ask_confirmation, confidential=True)
def confirm_fact(command: ConfirmFact, context: ActContext) -> Result:
    """Confirm a fact, or take it back.

    What rests on the fact is granted or falls with it: after the registration on goAML the provider
    is AML-registered.  Refuses, in order: `NotFound` (fact, category), `Forbidden` (another's
    fact), as the path does; then all at once `FactFieldMissing`, `RegistrationMalformed`,
    `FactDatesDisorderly`; then `HandoverDisorderly`.
    """
    on, fact = _check_confirmation(command, context)
    entry = context.uow.journal.append(
        events.FACT_CONFIRMED,
        {
            "provider": command.provider,
            "fact": command.fact,
            "holds": command.holds,
            "category": command.category,
            "entity": command.entity.value if command.entity else None,
            "reference": command.reference,
            "valid_from": command.valid_from.isoformat(),
            "valid_until": command.valid_until.isoformat() if command.valid_until else None,
            "amount": str(command.amount) if command.amount is not None else None,
        },
        subject=f"licensing:{command.provider}",
    )
    _store_confirmation(command, context, entry)
    if command.fact == GOAML and command.holds:
        _first_reporter(command, context, entry)
    _note_clocks(command, context, on.pack)
    numbers = _follow(command, context, on, fact)
    return {"provider": command.provider, "fact": command.fact, "entry": entry, **numbers}


def _store_confirmation(command: ConfirmFact, context: ActContext, entry: str) -> None:
    signed = [one.signature for one in context.approved.given if one.signature is not None]
    context.uow.connection.execute(
        confirmation.insert().values(
            id=new_id(),
            programme=context.programme,
            provider=command.provider,
            fact=command.fact,
            holds=command.holds,
            category=command.category or "",
            entity=command.entity.value if command.entity else None,
            entity_name=command.entity_name,
            reference=command.reference,
            amount=command.amount,
            valid_from=command.valid_from.isoformat(),
            valid_until=command.valid_until.isoformat() if command.valid_until else None,
            approved_by=", ".join(approvers(context)),
            signature=signed[0].hex() if signed else "",
            **written(context, entry),
        )
    )


def _note_clocks(command: ConfirmFact, context: ActContext, pack: LicensingPack) -> None:
    """Let the files that wait for this fact say what is due next."""
    kinds = [one.file for one in pack.clocks if one.fact == command.fact]
    of = licensing_file.c
    waiting = sql.select(of.id).where(
        of.programme == context.programme, of.provider == command.provider, of.kind.in_(kinds)
    )
    for file_id in context.uow.connection.execute(waiting).scalars().all() if kinds else ():
        note_due(context, pack, file_id)


def _check_confirmation(
    command: ConfirmFact, context: ActContext
) -> tuple[OnProvider, Confirmation]:
    on = load_provider_step(context, command.provider, "ConfirmFact")
    fact = on.pack.confirmation(command.fact)
    if f"{CONFIRMS}.{fact.fact}" not in context.actor.capacities:
        reason = Message("it does not confirm {fact}", fact=Word(fact.fact))
        raise Forbidden(
            actor=context.actor, act=Message("submit {act}", act=Word("ConfirmFact")), reason=reason
        )
    refused = Refused()
    if command.category is not None:
        on.pack.category(command.category)
    if fact.per_category != (command.category is not None):
        needed = Message("a category" if fact.per_category else "no category")
        refused.add(FactFieldMissing(fact=Word(fact.fact), field=needed))
    if fact.amount and command.holds and command.amount is None:
        refused.add(FactFieldMissing(fact=Word(fact.fact), field=Message("an amount")))
    if command.fact == GOAML and command.holds:
        for field in ("entity", "entity_name", "registration"):
            if getattr(command, field) is None:
                refused.add(FactFieldMissing(fact=Word(GOAML), field=Word(field)))
        _check_registration(command.registration, on, refused)
    _check_amount(command, on, fact, refused)
    if command.valid_until is not None and command.valid_until < command.valid_from:
        refused.add(
            FactDatesDisorderly(valid_from=command.valid_from, valid_until=command.valid_until)
        )
    refused.raise_if_any()
    if command.fact == GOAML and command.holds:
        _check_reporter(command, context, on)
    return on, fact


def _check_registration(registration: str | None, on: OnProvider, refused: Refused) -> None:
    """The number is one that the gate of reports takes; else every report would be turned away."""
    if registration is None:
        return
    if not re.fullmatch(load_goaml(on.pack.code).form.registration_pattern, registration):
        refused.add(RegistrationMalformed(registration=registration))


def _check_amount(
    command: ConfirmFact, on: OnProvider, fact: Confirmation, refused: Refused
) -> None:
    """An amount confirmed for a category is no less than the category needs."""
    if not fact.amount or not command.holds or command.amount is None or command.category is None:
        return
    category = on.pack.category(command.category)
    deposit = "deposit" in fact.fact
    least = category.security_deposit if deposit else category.paid_up_capital
    if command.amount < least:
        needed = Message("at least {least}", least=money_text(least, category.currency))
        refused.add(FactFieldMissing(fact=Word(fact.fact), field=needed))


# -- what follows ---------------------------------------------------------------------------------


def _follow(
    command: ConfirmFact, context: ActContext, on: OnProvider, fact: Confirmation
) -> Result:
    """Grant or withdraw the permission that rests on this fact, if it has one."""
    if not fact.grants:
        return {}
    held = next((one for one in on.standing.held if one.kind == fact.grants), None)
    citation = on.pack.section_on(fact.section, context.business_date)
    if command.holds and held is None:
        categories = next((one.categories for one in on.standing.held if one.kind == NOC), ())
        move = Move(
            change=Change.GRANT,
            reason=fact.title,
            citation=citation,
            grants=New(fact.grants, categories),
            expires_on=command.valid_until,
        )
    elif not command.holds and held is not None:
        move = Move(
            change=Change.WITHDRAW, reason=fact.title, citation=citation, permission=held.id
        )
    else:
        return {}
    carried = record_moves(context, command.provider, [move], None)
    return {"permission": carried.numbers[0]}


def _check_reporter(command: ConfirmFact, context: ActContext, on: OnProvider) -> None:
    connection, programme = context.uow.connection, context.programme
    former = reporting_entity_on(connection, programme, command.provider, date.max)
    reason: Message | None = None
    home = on.provider.country == on.pack.code.upper()
    if former is None and command.entity is Entity.LOCAL and not home:
        reason = Message("the foreign entity registers first")
    elif former is not None and command.entity not in (None, former.entity):
        reason = Message("another entity reports by a handover")
    if reason is not None:
        raise HandoverDisorderly(provider=command.provider, reason=reason)


def _first_reporter(command: ConfirmFact, context: ActContext, entry: str) -> None:
    connection, programme = context.uow.connection, context.programme
    if reporting_entity_on(connection, programme, command.provider, date.max) is None:
        assert command.entity is not None
        _store_reporter(
            context,
            command.provider,
            command.entity,
            str(command.entity_name),
            str(command.registration),
            command.valid_from,
            entry,
        )


def _store_reporter(
    context: ActContext,
    code: str,
    entity: Entity,
    name: str,
    registration: str,
    first_day: date,
    entry: str,
) -> None:
    context.uow.connection.execute(
        reporting_entity.insert().values(
            id=new_id(),
            programme=context.programme,
            provider=code,
            entity=entity.value,
            entity_name=name,
            registration=registration,
            first_day=first_day.isoformat(),
            **written(context, entry),
        )
    )


# -- handover -------------------------------------------------------------------------------------


def _ask_handover(command: HandOverReporting, context: ActContext) -> Ask:
    """A second person of the institution that confirms registrations."""
    _check_handover(command, context)
    return second_person(context, f"licensing:{command.provider}")


@act(capacities=[CONFIRMS], approvals=_ask_handover, confidential=True)
def hand_over_reporting(command: HandOverReporting, context: ActContext) -> Result:
    """Let another entity report from a day on.

    Refuses, in order: `NotAProvider`, as the path does, `Forbidden`, `RegistrationMalformed`,
    `HandoverDisorderly`.
    """
    _check_handover(command, context)
    entry = context.uow.journal.append(
        events.REPORTING_HANDED_OVER,
        {
            "provider": command.provider,
            "entity": command.entity.value,
            "entity_name": command.entity_name,
            "registration": command.registration,
            "first_day": command.first_day.isoformat(),
        },
        subject=f"licensing:{command.provider}",
    )
    _store_reporter(
        context,
        command.provider,
        command.entity,
        command.entity_name,
        command.registration,
        command.first_day,
        entry,
    )
    return {"provider": command.provider, "entity": command.entity.value, "entry": entry}


def _check_handover(command: HandOverReporting, context: ActContext) -> None:
    on = load_provider_step(context, command.provider, "HandOverReporting")
    if f"{CONFIRMS}.{GOAML}" not in context.actor.capacities:
        raise Forbidden(
            actor=context.actor,
            act=Message("submit {act}", act=Word("HandOverReporting")),
            reason=Message("it does not confirm {fact}", fact=Word(GOAML)),
        )
    refused = Refused()
    _check_registration(command.registration, on, refused)
    refused.raise_if_any()
    connection, programme = context.uow.connection, context.programme
    last = reporting_entity_on(connection, programme, command.provider, date.max)
    reason: Message | None = None
    if last is None:
        reason = Message("no entity reports yet")
    elif last.entity == command.entity.value:
        reason = Message("the {entity} entity reports already", entity=Word(command.entity.value))
    elif command.first_day.isoformat() <= last.first_day:
        reason = Message("a handover follows the one of {day}", day=last.first_day)
    if reason is not None:
        raise HandoverDisorderly(provider=command.provider, reason=reason)
