"""Complaints: how one is taken, who sees it, and where it stands.

The path of a complaint is data of the jurisdiction's pack (the kind `complaint`), with its clocks.
What a complainant wrote is for the authority; the provider sees it once it was forwarded.  Who
complained is sealed with the journal's entry, and read by an act that is journalled.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext
from amanat.access.desk import parse
from amanat.access.entrance import NOBODY, Visitor
from amanat.access.fields import require_plain
from amanat.access.shown_once import ShownOnce, hash_of, matches
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Place
from amanat.core.ids import new_id
from amanat.jurisdictions.licensing import NEW, Citation, LicensingPack, Step
from amanat.ledger.orders import next_numbers
from amanat.licensing.complaints import events
from amanat.licensing.complaints.commands import PublicComplaint, RecordComplaint
from amanat.licensing.openness.public_letters import take_letter
from amanat.licensing.openness.tables import complaint, complaint_step
from amanat.licensing.path import Situation, allowed
from amanat.licensing.records import authority_of, find_provider, mover_of, pack_of
from amanat.licensing.stepping import require_no_conflict
from amanat.store.journal import Journal
from amanat.store.tables import journal_opening
from amanat.store.uow import Store

KIND = "complaint"
CONTACT = ("name", "mail", "phone")


class DayInFuture(Invalid):
    """What is complained of, or declared, has happened."""

    template: ClassVar[str] = "{day} lies after the business date {business_date}."


class NoSuchComplaint(NotFound):
    """The state of a complaint opens to its number and its secret together."""

    template: ClassVar[str] = "No complaint has this number and this secret."


@dataclass(frozen=True, slots=True)
class Taken:
    """A complaint that was taken: its number, and what opens its state to who wrote it.

    `secret` is None where the same form had been taken before.
    """

    number: str
    secret: str | None


@dataclass(frozen=True, slots=True)
class ComplaintStep:
    """A step that is allowed on a complaint, and the law that it cites."""

    row: Row[Any]
    step: Step
    law: Citation


# -- taking ---------------------------------------------------------------------------------------


def take_complaint(
    store: Store,
    business_date: Callable[[Connection, str], date],
    programme: str,
    stated: Mapping[str, Any],
    visitor: Visitor,
    channel: str,
) -> Taken:
    """Take a complaint of somebody of the public.

    `stated` has the fields of `PublicComplaint`.  Refuses, in order: every fault of the fields at
    once, `TextNotPlain`, `TooManyLetters`, `UnknownClass` (nobody licenses here), `NotAProvider`,
    `DayInFuture`.
    """
    given: PublicComplaint = parse(PublicComplaint, stated)
    require_plain(given.model_dump(mode="json"))

    def work(uow: Any, now: datetime, today: date) -> Taken:
        connection = uow.connection
        pack = pack_of(connection, programme)
        authority_of(connection, programme, pack)
        former = _former(connection, programme, given.key)
        if former is not None:
            return Taken(former, None)
        secret = _fresh_code()
        by = _by_nobody(now, today)
        number = enter(
            connection, uow.journal, programme, pack, given, by, today, channel, secret=secret
        )
        return Taken(number, ShownOnce(secret))

    return take_letter(store, business_date, programme, KIND, visitor, work)


def _former(connection: Connection, programme: str, key: str | None) -> str | None:
    if key is None:
        return None
    number: str | None = connection.execute(
        sql.select(complaint.c.number).where(
            complaint.c.programme == programme, complaint.c.key == key
        )
    ).scalar_one_or_none()
    return number


def _fresh_code() -> str:
    """100 random bits as five groups of four letters and digits, to be written on paper."""
    text = base64.b32encode(secrets.token_bytes(13)).decode().rstrip("=")[:20]
    return "-".join(text[start : start + 4] for start in range(0, 20, 4))


def _by_nobody(now: datetime, today: date) -> dict[str, str]:
    return {
        "institution": NOBODY,
        "person": NOBODY,
        "recorded_at": now.isoformat(),
        "recorded_on": today.isoformat(),
    }


def enter(
    connection: Connection,
    journal: Journal,
    programme: str,
    pack: LicensingPack,
    given: PublicComplaint | RecordComplaint,
    by: Mapping[str, str],
    today: date,
    channel: str,
    *,
    secret: str | None = None,
) -> str:
    """Enter a complaint, whoever brought it; its number.  Refuses `NotAProvider`, `DayInFuture`."""
    if given.provider is not None:
        find_provider(connection, programme, given.provider)
    if given.happened_on is not None and given.happened_on > today:
        raise DayInFuture(
            place=Place(field="happened_on"), day=given.happened_on, business_date=today
        )
    kind = pack.file(KIND)
    step = next(one for one in pack.steps if one.file == KIND and NEW in one.from_stages)
    law = pack.section_on(step.section, today)
    place = f"licensing:{programme}:{kind.prefix}:{today.year}"
    number = f"{kind.prefix}-{today.year}-{next_numbers(connection, place, 1, 1):04d}"
    subject = f"complaint:{number}"
    who = {name: getattr(given, name) for name in CONTACT}
    entry = journal.append(
        events.COMPLAINT_TAKEN,
        {
            "complaint": number,
            "provider": given.provider,
            "topic": given.topic.value,
            "channel": channel,
            "about": given.about,
            "text": given.text,
            **who,
        },
        subject=subject,
    )
    identifier = new_id()
    happened = given.happened_on
    connection.execute(
        complaint.insert().values(
            id=identifier,
            programme=programme,
            number=number,
            provider=given.provider,
            about=given.about,
            topic=given.topic.value,
            text=given.text,
            remedy=given.remedy,
            happened_on=happened.isoformat() if happened else None,
            channel=channel,
            contact=any(who.values()),
            may_name=given.may_name,
            secret=hash_of(secret) if secret else None,
            key=getattr(given, "key", None),
            stage=step.to,
            **by,
            entry=entry,
        )
    )
    _note(connection, journal, programme, identifier, number, step, NEW, law, None, by)
    return number


# -- moving ---------------------------------------------------------------------------------------


def load_complaint(context: ActContext, number: str, act: str, outcome: str = "") -> ComplaintStep:
    """The step that an act is on a complaint, whose row stays locked.

    Refuses, in order: `NotFound` (no such complaint, or not theirs to see), as the path does,
    `Conflicted`.
    """
    connection, programme = context.uow.connection, context.programme
    pack = pack_of(connection, programme)
    row = connection.execute(
        sql.select(complaint)
        .where(complaint.c.programme == programme, complaint.c.number == number)
        .with_for_update()
    ).one_or_none()
    own = context.actor.institution
    if row is None or not sees(row, own, authority_of(connection, programme, pack)):
        raise NotFound(thing="complaint", value=number)
    if row.provider is not None:
        require_no_conflict(context, row.provider, [context.actor.person])
    authors = connection.execute(
        sql.select(complaint_step.c.act, complaint_step.c.person)
        .where(complaint_step.c.complaint == row.id)
        .order_by(complaint_step.c.id)
    )
    situation = Situation(
        kind=KIND,
        file=row.number,
        stage=row.stage,
        provider=row.provider or row.about,
        status="",
        authors=tuple((one.act, one.person) for one in authors),
    )
    mover = mover_of(connection, programme, pack, context.actor, row.provider or "")
    step = allowed(pack, situation, mover, act, day=context.business_date, outcome=outcome)
    return ComplaintStep(row, step, pack.section_on(step.section, context.business_date))


def sees(row: Row[Any], institution: str, authority: str) -> bool:
    """Whether an institution may see a complaint: the authority, and the provider once told."""
    return institution == authority or (
        row.provider == institution and row.forwarded_on is not None
    )


def record_complaint_step(
    context: ActContext, found: ComplaintStep, note: str | None, **values: Any
) -> str:
    """Journal the step and move the complaint; the entry's id."""
    by = {
        "institution": context.actor.institution,
        "person": context.actor.person,
        "recorded_at": context.now.isoformat(),
        "recorded_on": context.business_date.isoformat(),
    }
    entry = _note(
        context.uow.connection,
        context.uow.journal,
        context.programme,
        found.row.id,
        found.row.number,
        found.step,
        found.row.stage,
        found.law,
        note,
        by,
    )
    context.uow.connection.execute(
        sql.update(complaint)
        .where(complaint.c.id == found.row.id)
        .values(stage=found.step.to or found.row.stage, **values)
    )
    return entry


def _note(
    connection: Connection,
    journal: Journal,
    programme: str,
    identifier: str,
    number: str,
    step: Step,
    from_stage: str,
    law: Citation,
    note: str | None,
    by: Mapping[str, str],
) -> str:
    to_stage = step.to or from_stage
    entry = journal.append(
        events.COMPLAINT_MOVED,
        {
            "complaint": number,
            "act": step.act,
            "outcome": step.outcome,
            "from_stage": from_stage,
            "to_stage": to_stage,
            "section": law.code,
            "law": law.text,
            "digest": digest({"note": note}).hex() if note else None,
        },
        subject=f"complaint:{number}",
    )
    connection.execute(
        complaint_step.insert().values(
            id=new_id(),
            programme=programme,
            complaint=identifier,
            act=step.act,
            outcome=step.outcome,
            from_stage=from_stage,
            to_stage=to_stage,
            section=law.code,
            law=law.text,
            note=note,
            **by,
            entry=entry,
        )
    )
    return entry


# -- reading --------------------------------------------------------------------------------------


def complainant_of(context: ActContext, row: Row[Any]) -> dict[str, str | None]:
    """Who complained, from what is sealed with the entry."""
    vault = context.uow.store.vault
    rows = context.uow.connection.execute(
        sql.select(journal_opening).where(
            journal_opening.c.entry_id == row.entry, journal_opening.c.path.in_(CONTACT)
        )
    )
    found = {one.path: json.loads(vault.open(row.entry, one.path, one.sealed)[1]) for one in rows}
    return {name: ShownOnce(found[name]) if found.get(name) else None for name in CONTACT}


def complaint_state(
    connection: Connection, programme: str, number: str, secret: str
) -> dict[str, Any]:
    """What the complainant reads of their complaint.

    Refuses `NoSuchComplaint`, also where the secret is another's.
    """
    row = connection.execute(
        sql.select(complaint).where(
            complaint.c.programme == programme, complaint.c.number == number[:24]
        )
    ).one_or_none()
    spelt = secret.strip().upper()
    if row is None or row.secret is None or not matches(spelt, row.secret):
        raise NoSuchComplaint
    steps = connection.execute(
        sql.select(complaint_step)
        .where(complaint_step.c.complaint == row.id)
        .order_by(complaint_step.c.id)
    )
    shown = ("answered", "closed")
    return {
        "complaint": row.number,
        "about": row.about,
        "topic": row.topic,
        "stage": row.stage,
        "outcome": row.outcome,
        "findings": row.findings,
        "answer": row.answer if row.stage in shown else None,
        "received_on": row.recorded_on,
        "closed_on": row.closed_on,
        "steps": [
            {"on": one.recorded_on, "stage": one.to_stage}
            for one in steps
            if one.to_stage != one.from_stage
        ],
    }
