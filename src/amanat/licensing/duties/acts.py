"""Conditions and duties: evidence, what is found of it, breaches; incidents within hours."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.ledger.orders import next_numbers
from amanat.licensing.duties import events
from amanat.licensing.duties.commands import (
    GiveEvidence,
    JudgeEvidence,
    MeetDuty,
    NoteBreach,
    ReportIncident,
    SetMailAddress,
)
from amanat.licensing.duties.periods import meet_duty, open_duties, open_duty
from amanat.licensing.duties.tables import (
    breach,
    condition_evidence,
    incident,
    mail_address,
    net_capital,
)
from amanat.licensing.model import APPLICANT
from amanat.licensing.openness.grounds import require_authority
from amanat.licensing.ordering import written
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.reported import uses_of_caps
from amanat.licensing.stepping import approvers, require_no_conflict
from amanat.licensing.tables import condition
from amanat.participants.acts_people import second_person
from amanat.participants.signing import AUTHORITY

INCIDENT, NET_CAPITAL = "incident", "net_capital"
_OWN = (APPLICANT,)


class ConditionSettled(Refusal):
    """Evidence is given for conditions that are neither met nor lifted."""

    template: ClassVar[str] = "The condition was met or lifted on {settled_on}."


class NoEvidence(Refusal):
    """What is found is found of evidence that nobody has looked at."""

    template: ClassVar[str] = "No evidence for condition {condition} waits for a finding."


class NothingOwed(Refusal):
    """A duty is met period by period, once the period is over."""

    template: ClassVar[str] = "{provider} owes no {duty}: no period of it is open."


class StatedByItself(Refusal):
    """A duty to state a figure is met by stating it."""

    template: ClassVar[str] = "{duty} is met by {act} alone."


class NotOverdue(Refusal):
    """A breach is noted after the day on which something was due, or the month that a cap is of."""

    template: ClassVar[str] = "It was not due before {business_date}, or has been met."


class BreachNotedBefore(Refusal):
    """A breach is noted once."""

    template: ClassVar[str] = "This breach was noted on {noted_on}."


class ThingUnclear(Invalid):
    """A breach is of a condition, of one period of a duty, or of a cap in one month."""

    template: ClassVar[str] = "Give the condition, or the duty or cap and the end of its period."


class TimeInFuture(Invalid):
    """What is reported has been detected."""

    template: ClassVar[str] = "{detected_at} lies after now."


# -- conditions -----------------------------------------------------------------------------------


def _condition(context: ActContext, identifier: str, code: str | None) -> Row[Any]:
    """A condition that is open, locked; of a provider where one is given."""
    row = context.uow.connection.execute(
        sql.select(condition)
        .where(condition.c.programme == context.programme, condition.c.id == identifier)
        .with_for_update()
    ).one_or_none()
    if row is None or code not in (None, row.provider):
        raise NotFound(thing="condition", value=identifier)
    settled = row.met_on or row.lifted_on
    if settled is not None:
        raise ConditionSettled(settled_on=date.fromisoformat(settled))
    return row


@act(capacities=_OWN, confidential=True)
def give_evidence(command: GiveEvidence, context: ActContext) -> Result:
    """Show that a condition is met.  Refuses, in order: `NotFound`, `ConditionSettled`."""
    row = _condition(context, command.condition, context.actor.institution)
    entry = context.uow.journal.append(
        events.EVIDENCE_GIVEN,
        {
            "provider": row.provider,
            "condition": row.id,
            "document": command.document,
            "digest": digest({"text": command.text}).hex(),
        },
        subject=f"licensing:{row.provider}",
        cause=row.entry,
    )
    context.uow.connection.execute(
        condition_evidence.insert().values(
            id=new_id(),
            programme=context.programme,
            condition=row.id,
            text=command.text,
            document=command.document,
            **written(context, entry),
        )
    )
    return {"condition": row.id, "entry": entry}


@act(capacities=[AUTHORITY], confidential=True)
def judge_evidence(command: JudgeEvidence, context: ActContext) -> Result:
    """Find of the last evidence whether it meets the condition.

    Refuses, in order: `NotClassAuthority`, `NotFound`, `ConditionSettled`, `Conflicted`,
    `NoEvidence`.
    """
    require_authority(context)
    row = _condition(context, command.condition, None)
    require_no_conflict(context, row.provider, [context.actor.person])
    connection, table = context.uow.connection, condition_evidence
    last = connection.execute(
        sql.select(table)
        .where(table.c.condition == row.id, table.c.accepted.is_(None))
        .order_by(table.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        raise NoEvidence(condition=row.id)
    entry = context.uow.journal.append(
        events.EVIDENCE_FOUND,
        {
            "provider": row.provider,
            "condition": row.id,
            "accepted": command.accepted,
            "digest": digest({"finding": command.finding}).hex(),
        },
        subject=f"licensing:{row.provider}",
        cause=last.entry,
    )
    today = context.business_date.isoformat()
    connection.execute(
        sql.update(table)
        .where(table.c.condition == row.id, table.c.accepted.is_(None))
        .values(
            accepted=command.accepted,
            finding=command.finding,
            found_on=today,
            found_entry=entry,
        )
    )
    if command.accepted:
        connection.execute(
            sql.update(condition)
            .where(condition.c.id == row.id)
            .values(met_on=today, met_entry=entry, evidence=last.text)
        )
    return {"condition": row.id, "accepted": command.accepted, "entry": entry}


# -- duties ---------------------------------------------------------------------------------------


@act(capacities=_OWN, confidential=True)
def hand_in(command: MeetDuty, context: ActContext) -> Result:
    """Meet the earliest open period of a duty.

    Refuses, in order: `NotAProvider`, `NotFound` (duty), `StatedByItself`, `NothingOwed`.
    """
    connection, code = context.uow.connection, context.actor.institution
    find_provider(connection, context.programme, code)
    template = pack_of(connection, context.programme).obligation(command.duty)
    if template.code == NET_CAPITAL:
        raise StatedByItself(duty=template.title, act=Word("StateNetCapital"))
    owed = open_duty(connection, context.programme, code, template.code, context.business_date)
    if owed is None:
        raise NothingOwed(provider=code, duty=template.title)
    entry = context.uow.journal.append(
        events.DUTY_MET,
        {
            "provider": code,
            "duty": owed.code,
            "period_end": owed.period_end.isoformat(),
            "document": command.document,
            "digest": digest({"text": command.text}).hex(),
        },
        subject=f"licensing:{code}",
    )
    meet_duty(context, owed, command.document or command.text, entry)
    late = context.business_date > owed.due_on
    return {"provider": code, "period_end": owed.period_end.isoformat(), "late": late,
            "entry": entry}  # fmt: skip


# -- breaches -------------------------------------------------------------------------------------


def _ask_breach(command: NoteBreach, context: ActContext) -> Ask:
    """A second person of the authority."""
    _check_breach(command, context)
    return second_person(context, f"licensing:{command.provider}")


def _check_breach(command: NoteBreach, context: ActContext) -> dict[str, Any]:
    """What is broken: kind, thing, due day, consequence."""
    require_authority(context)
    connection = context.uow.connection
    find_provider(connection, context.programme, command.provider)
    require_no_conflict(context, command.provider, [context.actor.person])
    given = [command.condition, command.duty, command.cap]
    if sum(one is not None for one in given) != 1 or (
        (command.period_end is None) != (command.condition is not None)
    ):
        raise ThingUnclear
    if command.condition is not None:
        found = _condition_due(command, context)
    elif command.duty is not None:
        found = _duty_due(command, context)
    else:
        found = _cap_exceeded(command, context)
    if found is None or found["due_on"] >= context.business_date.isoformat():
        raise NotOverdue(business_date=context.business_date)
    former = connection.execute(
        sql.select(breach.c.recorded_on).where(
            breach.c.programme == context.programme,
            breach.c.provider == command.provider,
            breach.c.thing == found["thing"],
        )
    ).scalar_one_or_none()
    if former is not None:
        raise BreachNotedBefore(noted_on=date.fromisoformat(former))
    return found


def _condition_due(command: NoteBreach, context: ActContext) -> dict[str, Any] | None:
    row = _condition(context, str(command.condition), command.provider)
    if row.due_on is None:
        return None
    return {
        "kind": "condition",
        "thing": row.id,
        "due_on": row.due_on,
        "consequence": row.consequence,
    }


def _duty_due(command: NoteBreach, context: ActContext) -> dict[str, Any] | None:
    found = open_duties(
        context.uow.connection, context.programme, context.business_date, command.provider
    )
    for one in found:
        if (one.code, one.period_end) == (command.duty, command.period_end):
            return {
                "kind": "duty",
                "thing": f"{one.code}@{one.period_end.isoformat()}",
                "due_on": one.due_on.isoformat(),
                "consequence": _consequence(context, one.code),
            }
    return _short_of_capital(command, context) if command.duty == NET_CAPITAL else None


def _short_of_capital(command: NoteBreach, context: ActContext) -> dict[str, Any] | None:
    """The last statement of a day, where it was less than what was needed on it."""
    day = command.period_end.isoformat() if command.period_end else ""
    row = context.uow.connection.execute(
        sql.select(net_capital)
        .where(
            net_capital.c.programme == context.programme,
            net_capital.c.provider == command.provider,
            net_capital.c.as_of == day,
        )
        .order_by(net_capital.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.amount >= row.required:
        return None
    return {
        "kind": "duty",
        "thing": f"{NET_CAPITAL}@{day}:short",
        "due_on": day,
        "consequence": _consequence(context, NET_CAPITAL),
    }


def _cap_exceeded(command: NoteBreach, context: ActContext) -> dict[str, Any] | None:
    """A cap of which more was reported for the month that ends on the day."""
    assert command.period_end is not None
    last = command.period_end
    uses = uses_of_caps(context.uow.connection, context.programme, last, last, command.provider)
    for one in uses:
        if one.cap.code == command.cap and one.exceeded and one.last_day == last:
            return {
                "kind": "cap",
                "thing": cap_breach(one.cap.code, last),
                "due_on": last.isoformat(),
                "consequence": one.cap.consequence or None,
            }
    return None


def cap_breach(cap: str, last_day: date) -> str:
    """What a breach of a cap is of, as its row names it."""
    return f"{cap}@{last_day.isoformat()}"


def _consequence(context: ActContext, duty: str) -> str | None:
    pack = pack_of(context.uow.connection, context.programme)
    return pack.obligation(duty).consequence or None


@act(capacities=[AUTHORITY], approvals=_ask_breach, confidential=True)
def note_breach(command: NoteBreach, context: ActContext) -> Result:
    """Note a breach; what the condition threatens with is put on it.

    Refuses, in order: `NotClassAuthority`, `NotAProvider`, `Conflicted`, `ThingUnclear`,
    `NotFound`, `ConditionSettled`, `NotOverdue`, `BreachNotedBefore`.
    """
    found = _check_breach(command, context)
    require_no_conflict(context, command.provider, approvers(context))
    entry = context.uow.journal.append(
        events.BREACH_NOTED,
        {
            "provider": command.provider,
            **found,
            "digest": digest({"reason": command.reason}).hex(),
        },
        subject=f"licensing:{command.provider}",
    )
    identifier = new_id()
    context.uow.connection.execute(
        breach.insert().values(
            id=identifier,
            programme=context.programme,
            provider=command.provider,
            reason=command.reason,
            **found,
            **written(context, entry),
        )
    )
    return {"breach": identifier, "consequence": found["consequence"], "entry": entry}


# -- incidents and mail ---------------------------------------------------------------------------


@act(capacities=_OWN, confidential=True)
def report_incident(command: ReportIncident, context: ActContext) -> Result:
    """Report an incident; a late report is taken and marked.

    Refuses, in order: `NotAProvider`, `NotFound` (the rules have no such duty), `TimeInFuture`.
    """
    connection, code = context.uow.connection, context.actor.institution
    find_provider(connection, context.programme, code)
    hours = pack_of(connection, context.programme).obligation(INCIDENT).hours
    detected = command.detected_at.astimezone(UTC)
    if detected > context.now:
        raise TimeInFuture(detected_at=detected)
    due = detected + timedelta(hours=hours)
    year = context.business_date.year
    place = f"licensing:{context.programme}:INC:{year}"
    number = f"INC-{year}-{next_numbers(connection, place, 1, 1):04d}"
    stated = {
        "kind": command.kind.value,
        "detected_at": detected.isoformat(),
        "late": context.now > due,
        "clients": command.clients,
    }
    entry = context.uow.journal.append(
        events.INCIDENT_REPORTED,
        {
            "provider": code,
            "incident": number,
            **stated,
            "digest": digest({"text": command.text}).hex(),
        },
        subject=f"licensing:{code}",
    )
    connection.execute(
        incident.insert().values(
            id=new_id(),
            programme=context.programme,
            number=number,
            provider=code,
            due_at=due.isoformat(),
            text=command.text,
            **stated,
            **written(context, entry),
        )
    )
    return {"incident": number, "late": stated["late"], "entry": entry}


@act(personal=True, confidential=True)
def set_mail_address(command: SetMailAddress, context: ActContext) -> Result:
    """Say where to write to oneself."""
    actor, connection = context.actor, context.uow.connection
    connection.execute(
        sql.delete(mail_address).where(
            mail_address.c.programme == actor.programme, mail_address.c.person == actor.person
        )
    )
    entry = context.uow.journal.append(
        events.MAIL_ADDRESS_SET,
        {
            "person": actor.person,
            "set": command.address is not None,
            "address": command.address,
        },
        subject=f"participants:{actor.institution}",
    )
    if command.address is not None:
        connection.execute(
            mail_address.insert().values(
                programme=actor.programme,
                person=actor.person,
                address=command.address,
                language=command.language,
                entry=entry,
            )
        )
    return {"set": command.address is not None, "entry": entry}
