"""One alert at a time: into a case that is open, or settled without one by two people.

A dismissed alert leaves the queue and counts in the desk's statistics; it stays with who dismissed
it, when and why, and can be opened again.
"""

from __future__ import annotations

from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import Invalid, NotFound, Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.jurisdictions.cases import Disposition
from amanat.supervision.cases.commands import AttachAlert, DismissAlert, ReopenAlert
from amanat.supervision.cases.grouping import attach
from amanat.supervision.cases.model import SUPERVISES, FindingKind
from amanat.supervision.cases.records import (
    cases_of,
    desk_of,
    journal_step,
    load_case,
    second_pair,
    step,
    written,
)
from amanat.supervision.cases.tables import alert_dismissal, case, case_finding
from amanat.supervision.monitoring.tables import alert


class AlertNotOpen(Refusal):
    """What is settled stays so until it is opened again; a shadow's alert is for who tries it."""

    template: ClassVar[str] = "Alert {alert} is {state}."


class AlertInCase(Refusal):
    """An alert is in one case of a desk, and settled with it."""

    template: ClassVar[str] = "Alert {alert} is in case {case}."


class DispositionNeedsCase(Invalid):
    """What ends with something that was sent needs a case from which it is sent."""

    template: ClassVar[str] = "{disposition} takes a case; an alert alone ends as: {known}."


class AlertNotDismissed(Refusal):
    """Only what the desk dismissed is opened again by it."""

    template: ClassVar[str] = "Alert {alert} was not dismissed here."


def alert_row(
    connection: Connection, programme: str, identifier: str, *, locked: bool = False
) -> Row[Any]:
    """An alert, `locked` until the transaction ends.  Refuses `NotFound`."""
    query = sql.select(alert).where(alert.c.programme == programme, alert.c.id == identifier)
    row = connection.execute(query.with_for_update() if locked else query).one_or_none()
    if row is None:
        raise NotFound(thing="alert", value=identifier)
    return row


def _open_alert(context: ActContext, identifier: str) -> Row[Any]:
    """An open alert in no case.  Refuses, in order: `NotFound`, `AlertNotOpen`, `AlertInCase`."""
    connection = context.uow.connection
    row = alert_row(connection, context.programme, identifier, locked=True)
    if row.state != "open":
        raise AlertNotOpen(alert=identifier, state=Word(row.state))
    number = connection.execute(
        sql.select(case.c.number)
        .join(case_finding, case_finding.c.case == case.c.id)
        .where(
            case_finding.c.programme == context.programme,
            case_finding.c.desk == context.actor.institution,
            case_finding.c.kind == FindingKind.ALERT.value,
            case_finding.c.finding == identifier,
        )
    ).scalar_one_or_none()
    if number is not None:
        raise AlertInCase(alert=identifier, case=number)
    return row


@act(capacities=[SUPERVISES], confidential=True, untold=True)
def attach_alert(command: AttachAlert, context: ActContext) -> Result:
    """Put one alert into a case.

    Refuses, in order: `NotFound`, `CaseClosed`, `AlertNotOpen`, `AlertInCase`.
    """
    row = load_case(context, command.case)
    found = _open_alert(context, command.alert)
    step(context, row, "AttachAlert", found.scenario, refers_to=found.id)
    risk = attach(context, row.id, found)
    return {"case": row.number, "alert": found.id, "risk": risk}


def _check_dismissal(command: DismissAlert, context: ActContext) -> tuple[Row[Any], Disposition]:
    actor = desk_of(context)
    row = _open_alert(context, command.alert)
    pack = cases_of(context.uow.connection, context.programme)
    ended = pack.disposition(command.disposition, actor.capacities)
    if ended.needs:
        known = [one for one in pack.dispositions if actor.capacities & set(one.desks)]
        raise DispositionNeedsCase(
            disposition=ended.code, known=", ".join(one.code for one in known if not one.needs)
        )
    return row, ended


def _ask_dismissal(command: DismissAlert, context: ActContext) -> Ask:
    """A second person of the desk, as for closing a case."""
    _check_dismissal(command, context)
    return second_pair(context)


@act(capacities=[SUPERVISES], approvals=_ask_dismissal, confidential=True, untold=True)
def dismiss_alert(command: DismissAlert, context: ActContext) -> Result:
    """Settle an alert without a case, with four eyes.

    Refuses, in order: `NotFound`, `AlertNotOpen`, `AlertInCase`, `DispositionUnknown`,
    `DispositionNeedsCase`.
    """
    row, ended = _check_dismissal(command, context)
    entry = journal_step(context, "DismissAlert", row.id, command.reason)
    context.uow.connection.execute(
        alert_dismissal.insert().values(
            id=new_id(),
            programme=context.programme,
            desk=context.actor.institution,
            alert=row.id,
            scenario=row.scenario,
            disposition=ended.code,
            reason=command.reason,
            approved_by=context.approved.given[0].person,
            **written(context, entry),
        )
    )
    _set_state(context, row.id, "closed")
    return {"alert": row.id, "disposition": ended.code}


@act(capacities=[SUPERVISES], confidential=True, untold=True)
def reopen_alert(command: ReopenAlert, context: ActContext) -> Result:
    """Put a dismissed alert back into the queue.  Refuses `NotFound`, `AlertNotDismissed`."""
    actor, table = desk_of(context), alert_dismissal
    row = alert_row(context.uow.connection, context.programme, command.alert, locked=True)
    stands = sql.and_(
        table.c.programme == context.programme,
        table.c.desk == actor.institution,
        table.c.alert == row.id,
        table.c.reopened_on.is_(None),
    )
    done = context.uow.connection.execute(
        table.update()
        .where(stands)
        .values(reopened_on=context.business_date.isoformat(), reopened_by=actor.person)
    )
    if not done.rowcount:
        raise AlertNotDismissed(alert=row.id)
    journal_step(context, "ReopenAlert", row.id, command.reason)
    _set_state(context, row.id, "open")
    return {"alert": row.id, "state": "open"}


def _set_state(context: ActContext, identifier: str, state: str) -> None:
    context.uow.connection.execute(
        alert.update()
        .where(alert.c.programme == context.programme, alert.c.id == identifier)
        .values(state=state)
    )
