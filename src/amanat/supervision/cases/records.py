"""Cases as their desk reads and moves them.  Whoever is not of the desk is told of no such case."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor, Role
from amanat.access.acts import ActContext, Ask, Requirement, ViewContext
from amanat.access.tables import person
from amanat.core.calendars import Calendar
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.jurisdictions.cases import CaseClock, CasePack, load_cases
from amanat.ledger.orders import next_numbers
from amanat.licensing.clocks import Reading, read_clock
from amanat.licensing.records import calendar_of, pack_of
from amanat.supervision.cases import events
from amanat.supervision.cases.model import (
    DESKS,
    REPORTS,
    CaseClosed,
    CaseState,
    NotOnDesk,
    TransactionsUnknown,
    risk_of,
)
from amanat.supervision.cases.stored import cited_rows
from amanat.supervision.cases.tables import case, case_finding, case_step, case_transaction
from amanat.supervision.transactions import transaction_id

_SHOWN_MAX = 5
_AT_ONCE = 500
_SIDES = ("from_party", "to_party")


def cases_of(connection: Connection, programme: str) -> CasePack:
    """What the programme's jurisdiction says of cases."""
    return load_cases(pack_of(connection, programme).code)


def desk_of(context: ViewContext | ActContext) -> Actor:
    """The actor, who has a desk here.  Refuses `NotFound`, whatever there is or is not.

    Who only reads along for a provider has none: its suspicions are its officers' alone.
    """
    actor = context.actor
    if actor is None or not actor.capacities & set(DESKS):
        raise NotFound(thing="desk", value=actor.institution if actor else "for the public")
    if actor.role is Role.VIEWER and REPORTS in actor.capacities:
        raise NotFound(thing="desk", value=actor.institution)
    return actor


def load_case(context: ActContext, number: str, *, closed: bool = False) -> Row[Any]:
    """A case of the actor's desk, locked until the transaction ends.

    Refuses, in order: `NotFound`, `CaseClosed` (unless closed ones are taken too).
    """
    actor = desk_of(context)
    row = context.uow.connection.execute(
        sql.select(case)
        .where(
            case.c.programme == context.programme,
            case.c.desk == actor.institution,
            case.c.number == number,
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound(thing="case", value=number)
    if row.state == CaseState.CLOSED.value and not closed:
        raise CaseClosed(case=number, day=row.closed_on)
    return row


def case_shown(context: ViewContext, number: str) -> Row[Any]:
    """A case of the reader's desk.  Refuses `NotFound`."""
    actor = desk_of(context)
    row = context.connection.execute(
        sql.select(case).where(
            case.c.programme == context.programme,
            case.c.desk == actor.institution,
            case.c.number == number,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="case", value=number)
    return row


def require_on_desk(context: ActContext, code: str) -> None:
    """Refuse `NotOnDesk` unless an active person of the actor's institution has this code."""
    found = context.uow.connection.execute(
        sql.select(person.c.role).where(
            person.c.programme == context.programme,
            person.c.code == code,
            person.c.institution == context.actor.institution,
            person.c.active,
        )
    ).scalar_one_or_none()
    if found not in (Role.OFFICER.value, Role.APPROVER.value):
        raise NotOnDesk(person=code)


def open_row(
    context: ActContext, subject: str, title: str, source: str, entry: str
) -> tuple[str, str]:
    """A new case of the actor's desk: its id and number."""
    ((identifier, number),) = open_rows(context, source, [(subject, title, entry)])
    return identifier, number


def open_rows(
    context: ActContext, source: str, said: Sequence[tuple[str, str, str]]
) -> list[tuple[str, str]]:
    """New cases of the actor's desk, of subject, title and entry each: their ids and numbers."""
    if not said:
        return []
    desk, day = context.actor.institution, context.business_date
    place = f"supervision:{context.programme}:{desk}:case:{day.year}"
    first = next_numbers(context.uow.connection, place, len(said), 1)
    rows = [
        {
            "id": new_id(),
            "programme": context.programme,
            "desk": desk,
            "number": f"CAS-{day.year}-{number:04d}",
            "subject": subject,
            "title": title,
            "source": source,
            "state": CaseState.OPEN.value,
            "risk": "0.0000",
            "opened_on": day.isoformat(),
            **written(context, entry),
        }
        for number, (subject, title, entry) in enumerate(said, first)
    ]
    context.uow.connection.execute(case.insert(), rows)
    return [(one["id"], one["number"]) for one in rows]


def written(context: ActContext, entry: str) -> dict[str, str]:
    """The columns of authorship."""
    return {
        "institution": context.actor.institution,
        "person": context.actor.person,
        "recorded_at": context.now.isoformat(),
        "recorded_on": context.business_date.isoformat(),
        "entry": entry,
    }


def journal_step(context: ActContext, act: str, about: str, text: str | None) -> str:
    """Journal a step of a desk, sealed; the entry's id."""
    content = {"act": act, "case": about, "about": context.actor.institution, "text": text or ""}
    salted = content | {"salt": secrets.token_hex(16)}
    return context.uow.journal.append(events.DESK_STEP, {"digest": digest(salted).hex(), **content})


def second_pair(context: ActContext) -> Ask:
    """The approval of another person of the desk; the proposal names no subject in any log."""
    return Ask([Requirement(context.actor.institution, "second_person")])


def note_step(
    context: ActContext,
    case_id: str,
    act: str,
    entry: str,
    *,
    text: str | None = None,
    document: str | None = None,
    refers_to: str | None = None,
) -> None:
    """A line of a case's timeline."""
    row = step_row(context, case_id, act, entry, text=text, document=document, refers_to=refers_to)
    context.uow.connection.execute(case_step.insert(), row)


def step_row(
    context: ActContext,
    case_id: str,
    act: str,
    entry: str,
    *,
    text: str | None = None,
    document: str | None = None,
    refers_to: str | None = None,
) -> dict[str, Any]:
    """The row of a line of a case's timeline."""
    return {
        "id": new_id(),
        "programme": context.programme,
        "case": case_id,
        "act": act,
        "text": text,
        "digest": document,
        "refers_to": refers_to,
        **written(context, entry),
    }


def step(
    context: ActContext, row: Row[Any], act: str, text: str | None = None, **said: str | None
) -> str:
    """Journal a step on a case and add it to its timeline; the entry's id."""
    entry = journal_step(context, act, row.number, text)
    note_step(context, row.id, act, entry, text=text, **said)
    return entry


def unlike(prefix: str) -> str:
    """A number from which nobody learns how many there were before it: 40 random bits."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(5)).decode()}"


# -- transactions ---------------------------------------------------------------------------------


def cite(
    context: ActContext, case_id: str, ids: Iterable[str], references: Sequence[str]
) -> list[dict[str, Any]]:
    """Copy stored rows into a case.  Refuses `TransactionsUnknown`, also of another exchange's."""
    actor = context.actor
    own = actor.institution if REPORTS in actor.capacities else None
    wanted = {int(one) for one in ids}
    if own is not None:
        wanted |= {transaction_id(own, one) for one in references}
    rows = cited_rows(
        context.uow.connection,
        context.programme,
        wanted,
        context.business_date,
        None if own is None else [own],
    )
    missing = sorted(wanted - {int(one["id"]) for one in rows})
    if missing or (references and own is None):
        some = ", ".join(str(one) for one in missing[:_SHOWN_MAX]) or str(references[0])
        raise TransactionsUnknown(count=len(missing) or len(references), some=some)
    keep_rows(context.uow.connection, context.programme, case_id, rows, blind=own is not None)
    return rows


def keep_rows(
    connection: Connection,
    programme: str,
    case_id: str,
    rows: Sequence[dict[str, Any]],
    *,
    blind: bool = False,
) -> None:
    """Copy rows into a case, once each; `blind` leaves out who the persons are across exchanges."""
    keep_rows_of(connection, programme, {case_id: rows}, blind=blind)


def keep_rows_of(
    connection: Connection,
    programme: str,
    by_case: Mapping[str, Sequence[dict[str, Any]]],
    *,
    blind: bool = False,
    known_in: Sequence[str] | None = None,
) -> None:
    """Copy rows into cases, once each; `known_in` are those of them that may have rows already."""
    table = case_transaction
    known: set[tuple[str, str]] = set()
    for part in parts_of(list(by_case if known_in is None else known_in)):
        query = sql.select(table.c.case, table.c.transaction).where(table.c.case.in_(part))
        known |= {(one.case, one.transaction) for one in connection.execute(query)}
    fresh = [
        {
            "case": case_id,
            "transaction": one["id"],
            "programme": programme,
            "day": one["day"],
            "exchange": one["exchange"],
            "row": one | dict.fromkeys(_SIDES) if blind else one,
        }
        for case_id, rows in by_case.items()
        for one in rows
        if (case_id, one["id"]) not in known
    ]
    if fresh:
        connection.execute(table.insert(), fresh)


def rows_of(connection: Connection, case_id: str) -> list[dict[str, Any]]:
    """The rows that a case cites, or a referral carries, by day and id."""
    table = case_transaction
    query = sql.select(table.c.row).where(table.c.case == case_id)
    query = query.order_by(table.c.day, table.c.transaction)
    return [dict(one) for one in connection.execute(query).scalars()]


def update_risk(connection: Connection, case_id: str) -> str:
    """Compute a case's risk from its findings and store it."""
    return update_risks(connection, [case_id])[case_id]


def update_risks(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """Compute and store the risks of cases, some hundreds at once; by case."""
    table = case_finding
    risks: dict[str, str] = {}
    for part in parts_of(ids):
        scores: dict[str, list[tuple[str, Decimal]]] = {one: [] for one in part}
        found = sql.select(table.c.case, table.c.scenario, table.c.score)
        for one in connection.execute(found.where(table.c.case.in_(part))):
            scores[one.case].append((one.scenario, Decimal(one.score)))
        risks |= {one: str(risk_of(some)) for one, some in scores.items()}
    if risks:
        stored = sql.update(case).where(case.c.id == sql.bindparam("of"))
        rows = [{"of": one, "risk": risk} for one, risk in risks.items()]
        connection.execute(stored, rows)
    return risks


def parts_of(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in parts that one query takes."""
    for begin in range(0, len(ids), _AT_ONCE):
        yield ids[begin : begin + _AT_ONCE]


# -- clocks ---------------------------------------------------------------------------------------


def clock_reading(
    connection: Connection,
    programme: str,
    clock: CaseClock,
    started: str | None,
    ended: str | None,
    today: date,
    days: int | None = None,
) -> Reading | None:
    """A clock as it stands; None where it has not started.  Days of the jurisdiction's calendar."""
    if started is None:
        return None
    return read_clock(
        calendar_of(pack_of(connection, programme)),
        started=date.fromisoformat(started),
        days=clock.days if days is None else days,
        unit=clock.unit,
        today=today,
        ended=date.fromisoformat(ended) if ended else None,
    )


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks of a programme's cases and the calendar that they run by, read once."""

    clocks: tuple[CaseClock, ...]
    calendar: Calendar

    @classmethod
    def of(cls, connection: Connection, programme: str) -> Timing:
        """Those of a programme's jurisdiction."""
        pack = pack_of(connection, programme)
        clocks = tuple(one for one in load_cases(pack.code).clocks if one.code in _CLOCKS)
        return cls(clocks, calendar_of(pack))

    def read(self, clock: CaseClock, started: str, ended: str | None, today: date) -> Reading:
        """A clock that started on a day, as it stands."""
        return read_clock(
            self.calendar,
            started=date.fromisoformat(started),
            days=clock.days,
            unit=clock.unit,
            today=today,
            ended=date.fromisoformat(ended) if ended else None,
        )

    def of_case(self, row: Row[Any], today: date) -> list[tuple[CaseClock, Reading]]:
        """The clocks of a case that have started."""
        ends = {
            "triage": (row.opened_on, row.assigned_on or row.closed_on),
            "decision": (row.opened_on, row.closed_on),
            "report": (row.suspicion_on, row.reported_on or row.closed_on),
        }
        return [
            (clock, self.read(clock, started, ended, today))
            for clock in self.clocks
            for started, ended in [ends[clock.code]]
            if started is not None
        ]

    def late(self, today: date) -> sql.ColumnElement[bool]:
        """Whether a clock of a case ran out, as a condition of its row.

        Of each clock there is one last day of which it has run out, whatever the case.
        """
        table = case.c
        running = {
            "triage": (table.opened_on, table.assigned_on.is_(None)),
            "decision": (table.opened_on, sql.true()),
            "report": (table.suspicion_on, table.reported_on.is_(None)),
        }
        conditions = []
        for clock in self.clocks:
            started, runs = running[clock.code]
            conditions.append(sql.and_(runs, started <= self._last_late(clock, today).isoformat()))
        return sql.and_(table.closed_on.is_(None), sql.or_(sql.false(), *conditions))

    def _last_late(self, clock: CaseClock, today: date) -> date:
        """The last day on which a clock started that has run out; none did in a year: long ago."""
        for back in range(_CLOCK_DAYS_MAX):
            day = today - timedelta(back)
            if self.read(clock, day.isoformat(), None, today).overdue:
                return day
        return date.min


_CLOCKS = frozenset({"triage", "decision", "report"})
_CLOCK_DAYS_MAX = 1_000


def clock_json(clock: CaseClock, reading: Reading) -> dict[str, Any]:
    """A clock as views show it."""
    return {
        "clock": clock.code,
        "title": clock.title,
        "section": clock.section,
        "started_on": reading.started.isoformat(),
        "due_on": reading.due.isoformat() if reading.due else None,
        "days_left": reading.left,
        "overdue": reading.overdue and reading.ended is None,
        "ended_on": reading.ended.isoformat() if reading.ended else None,
        "late": reading.overdue,
    }
