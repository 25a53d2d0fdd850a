"""Reads what licensing's acts and views ask: the pack, providers, files, what holds of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor
from amanat.access.acts import ActContext
from amanat.access.tables import institution
from amanat.core.calendars import Calendar, DateOutsideCalendar
from amanat.core.errors import NotFound
from amanat.jurisdictions.holidays import load_calendar
from amanat.jurisdictions.licensing import FileKind, LicensingPack, load_licensing
from amanat.ledger.orders import next_numbers
from amanat.licensing.clocks import WORKING, Pause, days_run
from amanat.licensing.enforcement.tables import control_change
from amanat.licensing.forms.filling import answers_of, unfilled
from amanat.licensing.model import (
    APPLICANT,
    AUTHORITY_CAPACITY,
    CONFIRMS,
    CONSULTED,
    NobodyToAsk,
    NotAProvider,
)
from amanat.licensing.path import Mover, Situation
from amanat.licensing.tables import (
    confirmation,
    consultation,
    file_question,
    file_review,
    file_step,
    licensing_file,
    licensing_pack,
    provider,
    reporting_entity,
)
from amanat.participants.records import find_class, institutions_with

LICENSING = "pk"
"""The jurisdiction whose path applies where a programme's terms name none."""


# -- the pack -------------------------------------------------------------------------------------


def adopt_pack(
    connection: Connection, programme: str, jurisdiction: str, now: str, zone: str | None = None
) -> None:
    """Note which jurisdiction's path of licences a programme follows, and where its days end."""
    connection.execute(
        licensing_pack.insert().values(
            programme=programme, pack=jurisdiction, zone=zone, adopted_at=now
        )
    )


def zone_of(connection: Connection, programme: str) -> str:
    """The IANA zone in which a permission's last day ends: the programme's, else UTC."""
    zone = connection.execute(
        sql.select(licensing_pack.c.zone).where(licensing_pack.c.programme == programme)
    ).scalar_one_or_none()
    return zone or "UTC"


def pack_of(connection: Connection, programme: str) -> LicensingPack:
    """The pack that a programme follows."""
    code = connection.execute(
        sql.select(licensing_pack.c.pack).where(licensing_pack.c.programme == programme)
    ).scalar_one_or_none()
    return load_licensing(code or LICENSING)


def calendar_of(pack: LicensingPack) -> Calendar:
    """The working days of the pack's jurisdiction."""
    return load_calendar(pack.calendar)


def authority_of(connection: Connection, programme: str, pack: LicensingPack) -> str:
    """The institution that licenses: it writes the licensed class.  Refuses `UnknownClass`."""
    return str(find_class(connection, programme, pack.participant_class).authority)


def institution_with(connection: Connection, programme: str, capacity: str) -> str:
    """The first institution with a capacity.  Refuses `NobodyToAsk`."""
    found = institutions_with(connection, programme, capacity)
    if not found:
        raise NobodyToAsk(capacity=capacity)
    return str(found[0].code)


# -- providers and files --------------------------------------------------------------------------


def find_provider(connection: Connection, programme: str, code: str) -> Row[Any]:
    """The row of a provider.  Refuses `NotAProvider`."""
    row = connection.execute(
        sql.select(provider).where(provider.c.programme == programme, provider.c.code == code)
    ).one_or_none()
    if row is None:
        raise NotAProvider(provider=code)
    return row


def is_provider(connection: Connection, programme: str, code: str) -> bool:
    """Whether an institution is a provider or applicant itself: then it sees no other's files."""
    row = connection.execute(
        sql.select(provider.c.code).where(
            provider.c.programme == programme, provider.c.code == code
        )
    )
    return row.first() is not None


def lock_provider(connection: Connection, programme: str, code: str) -> Row[Any]:
    """As `find_provider`, locked until the transaction ends: its permissions change one by one."""
    row = connection.execute(
        sql.select(provider)
        .where(provider.c.programme == programme, provider.c.code == code)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotAProvider(provider=code)
    return row


def find_file(connection: Connection, programme: str, number: str) -> Row[Any]:
    """The row of a file by its number, locked until the transaction ends.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(licensing_file)
        .where(licensing_file.c.programme == programme, licensing_file.c.number == number)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="file", value=number)
    return row


def require_sight(
    connection: Connection, programme: str, row: Row[Any], actor: Actor, pack: LicensingPack
) -> None:
    """Refuse `NotFound`, as of no file, to whoever is no party of it.

    Parties are the provider, the authority, and who is consulted on it, unless it applies itself.
    """
    if actor.institution in (row.provider, authority_of(connection, programme, pack)):
        return
    if is_provider(connection, programme, actor.institution):
        raise NotFound(thing="file", value=row.number)
    asked = connection.execute(
        sql.select(consultation.c.id).where(
            consultation.c.file == row.id, consultation.c.consulted == actor.institution
        )
    )
    if asked.first() is None:
        raise NotFound(thing="file", value=row.number)


def next_file_number(connection: Connection, programme: str, kind: FileKind, day: date) -> str:
    """The next number of a kind of file in the year of `day`, such as `NOC-2025-0001`."""
    place = f"licensing:{programme}:{kind.prefix}:{day.year}"
    return f"{kind.prefix}-{day.year}-{next_numbers(connection, place, 1, 1):04d}"


# -- who moves a file, and what holds of it -------------------------------------------------------


def mover_of(
    connection: Connection, programme: str, pack: LicensingPack, actor: Actor, provider_code: str
) -> Mover:
    """An actor as the path takes them: in what capacities they may act on this provider's files."""
    capacities = {
        one for one in actor.capacities if one.startswith((f"{CONFIRMS}.", f"{CONSULTED}."))
    }
    if actor.institution == authority_of(connection, programme, pack):
        capacities.add(AUTHORITY_CAPACITY)
    if actor.institution == provider_code:
        capacities.add(APPLICANT)
    return Mover(actor.person, actor.role.value, frozenset(capacities))


def situation_of(context: ActContext, pack: LicensingPack, row: Row[Any], status: str) -> Situation:
    """Where a file stands, with everything that holds of it today."""
    connection = context.uow.connection
    kind = pack.file(row.kind)
    return Situation(
        kind=row.kind,
        file=row.number,
        stage=row.stage,
        provider=row.provider,
        status=status,
        facts=facts_of_file(connection, pack, kind, row, context.business_date)
        | facts_of_provider(connection, row.programme, row.provider, context.business_date),
        authors=authors_of(connection, row.id),
    )


def authors_of(connection: Connection, file_id: str) -> tuple[tuple[str, str], ...]:
    """Who did which act on a file, in order."""
    rows = connection.execute(
        sql.select(file_step.c.act, file_step.c.person)
        .where(file_step.c.file == file_id)
        .order_by(file_step.c.id)
    )
    return tuple((row.act, row.person) for row in rows)


def facts_of_provider(
    connection: Connection, programme: str, code: str, day: date
) -> frozenset[str]:
    """Facts that are confirmed and hold on `day`: `incorporated`, `capital_paid:exchange` ..."""
    return frozenset(
        f"{row.fact}:{row.category}" if row.category else row.fact
        for row in confirmations_of(connection, programme, code)
        if row.holds
        and row.valid_from <= day.isoformat()
        and (row.valid_until is None or day.isoformat() <= row.valid_until)
    )


def confirmations_of(connection: Connection, programme: str, code: str) -> list[Row[Any]]:
    """The last confirmation of each fact of a provider, by fact and category."""
    table = confirmation
    rows = connection.execute(
        sql.select(table)
        .where(table.c.programme == programme, table.c.provider == code)
        .order_by(table.c.id)
    )
    last = {(row.fact, row.category): row for row in rows}
    return [last[key] for key in sorted(last)]


def facts_of_file(
    connection: Connection, pack: LicensingPack, kind: FileKind, row: Row[Any], day: date
) -> frozenset[str]:
    """What holds of a file itself: forms filled, no open question, reviews, consultations."""
    found = set()
    if not kind.forms or not unfilled(pack, kind, answers_of(connection, row.id), day):
        found.add("forms_filled")
    if any_of(connection, control_change, row.id):
        found.add("control_described")
    if not any(one.answered_at is None for one in questions_of(connection, row.id)):
        found.add("no_open_question")
    scored = connection.execute(
        sql.select(file_review.c.area).where(file_review.c.file == row.id).distinct()
    ).scalars()
    if set(kind.checklists) <= set(scored):
        found.add("all_reviews_scored")
    if _consulted(connection, pack, row, day):
        found.add("consultations_closed")
    return frozenset(found)


def any_of(connection: Connection, table: sql.Table, file_id: str) -> bool:
    """Whether a table has a row about a file."""
    query = sql.select(table.c.id).where(table.c.file == file_id).limit(1)
    return connection.execute(query).first() is not None


def questions_of(connection: Connection, file_id: str) -> Sequence[Row[Any]]:
    """Questions on a file in the order in which they were asked."""
    return connection.execute(
        sql.select(file_question)
        .where(file_question.c.file == file_id)
        .order_by(file_question.c.id)
    ).all()


def pauses_of(connection: Connection, file_id: str) -> list[Pause]:
    """When the applicant owed answers, from the day of each question to that of its answer."""
    return [
        Pause(
            date.fromisoformat(one.recorded_on),
            date.fromisoformat(one.answered_on) if one.answered_on else None,
        )
        for one in questions_of(connection, file_id)
    ]


def must_consult(
    connection: Connection, programme: str, pack: LicensingPack, kind: str
) -> set[str]:
    """Stakeholders that the rules name for a kind of file, and that this programme has."""
    return {
        one.code
        for one in pack.stakeholders
        if kind in one.files and institutions_with(connection, programme, f"{CONSULTED}.{one.code}")
    }


def _consulted(connection: Connection, pack: LicensingPack, row: Row[Any], day: date) -> bool:
    rows = connection.execute(sql.select(consultation).where(consultation.c.file == row.id)).all()
    closed = {
        one.stakeholder
        for one in rows
        if one.answered_at is not None or consultation_over(pack, one, day)
    }
    waiting = {one.stakeholder for one in rows} - closed
    return not waiting and must_consult(connection, row.programme, pack, row.kind) <= closed


def consultation_over(pack: LicensingPack, row: Row[Any], day: date) -> bool:
    """Whether the time to answer is over: the days after the one on which it was asked."""
    asked = date.fromisoformat(row.recorded_on)
    try:
        return days_run(calendar_of(pack), asked, day, WORKING) > int(row.days)
    except DateOutsideCalendar:
        return (day - asked).days > 2 * int(row.days)


# -- goAML ----------------------------------------------------------------------------------------


def reporting_entity_on(
    connection: Connection, programme: str, code: str, day: date
) -> Row[Any] | None:
    """Which entity of a provider was the reporting one on a day; None before the first."""
    table = reporting_entity
    return connection.execute(
        sql.select(table)
        .where(
            table.c.programme == programme,
            table.c.provider == code,
            table.c.first_day <= day.isoformat(),
        )
        .order_by(table.c.first_day.desc())
        .limit(1)
    ).one_or_none()


def institution_name(connection: Connection, programme: str, code: str) -> str:
    """The name of an institution."""
    return str(
        connection.execute(
            sql.select(institution.c.name).where(
                institution.c.programme == programme, institution.c.code == code
            )
        ).scalar_one()
    )
