"""A stated version is tried on history: asked for at the desk, carried out by what follows returns.

It is asked for with nobody's approval, for it writes no alert and changes no version.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql

from amanat.access.acts import ActContext, Result, act
from amanat.core.errors import Invalid, Place, Refusal, Refused
from amanat.core.ids import new_id
from amanat.jurisdictions.supervision import SupervisionTable
from amanat.supervision.identities.model import SUPERVISES
from amanat.supervision.monitoring import events
from amanat.supervision.monitoring.acts import supervision_of
from amanat.supervision.monitoring.asked import REQUESTED, waits
from amanat.supervision.monitoring.backtesting import NothingStored
from amanat.supervision.monitoring.commands import BacktestScenario
from amanat.supervision.monitoring.planning import in_force, versions_of
from amanat.supervision.monitoring.records import version_row
from amanat.supervision.monitoring.tables import backtest_asked
from amanat.supervision.returns.manifest import files_in_force

DAYS_MAX = 1_100
"""Three years."""
_FIRST, _LAST = Place(field="first_day"), Place(field="last_day")


class DaysTurned(Invalid):
    """The first day is not after the last."""

    template: ClassVar[str] = "{first} is after {last}."


class DayNotOver(Invalid):
    """History ends with yesterday."""

    template: ClassVar[str] = "{day} is not over: today is {today}."


class TooManyDays(Invalid):
    """One back-test reads three years at most."""

    template: ClassVar[str] = "{days} days are more than the {most} of one back-test."


class AlreadyAsked(Refusal):
    """The same days are tried once at a time."""

    template: ClassVar[str] = (
        "A back-test of version {version} of {scenario} from {first} to {last} waits already."
    )


@act(capacities=[SUPERVISES], confidential=True)
def backtest_scenario(command: BacktestScenario, context: ActContext) -> Result:
    """Have a version tried.

    Refuses `NotFound`; then, all at once: `DaysTurned`, `DayNotOver`, `TooManyDays`,
    `NoParametersForDate`, `NothingStored`, `AlreadyAsked`.
    """
    connection, programme = context.uow.connection, context.programme
    version_row(connection, programme, command.scenario, command.version)
    _require(command, context)
    made = new_id()
    stated = {
        "scenario": command.scenario,
        "version": command.version,
        "first_day": command.first_day.isoformat(),
        "last_day": command.last_day.isoformat(),
    }
    entry = context.uow.journal.append(
        events.BACKTEST_ASKED,
        {"backtest": made} | stated,
        subject=f"monitoring:{command.scenario}",
    )
    connection.execute(
        backtest_asked.insert().values(
            id=made,
            programme=programme,
            code=command.scenario,
            version=command.version,
            first_day=stated["first_day"],
            last_day=stated["last_day"],
            state=REQUESTED,
            asked_by=context.actor.person,
            asked_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"backtest": made, "state": REQUESTED} | stated


def _require(command: BacktestScenario, context: ActContext) -> None:
    refused = Refused()
    first, last, today = command.first_day, command.last_day, context.business_date
    days = (last - first).days + 1
    if days < 1:
        refused.add(DaysTurned(place=_FIRST, first=first, last=last))
    if last >= today:
        refused.add(DayNotOver(place=_LAST, day=last, today=today))
    if days > DAYS_MAX:
        refused.add(TooManyDays(place=_FIRST, days=days, most=DAYS_MAX))
    if days >= 1:
        _require_stored(command, context, refused)
    if _waits(command, context):
        refused.add(
            AlreadyAsked(version=command.version, scenario=command.scenario, first=first, last=last)
        )
    refused.raise_if_any()


def _require_stored(command: BacktestScenario, context: ActContext, refused: Refused) -> None:
    """Parameters of the jurisdiction at both ends, and a return of these days with rows."""
    connection, programme = context.uow.connection, context.programme
    table = supervision_of(context)
    versions = versions_of(connection, programme)
    for day, place in ((command.first_day, _FIRST), (command.last_day, _LAST)):
        missing = _without_parameters(versions, table, day)
        if missing is not None:
            refused.add(missing.at(place))
    days = (command.first_day, command.last_day)
    if not any(one.rows for one in files_in_force(connection, programme, *days)):
        refused.add(NothingStored(place=_FIRST, first=days[0], last=days[1]))


def _without_parameters(versions: Any, table: SupervisionTable, day: date) -> Refusal | None:
    try:
        in_force(versions, table, day)
    except Refusal as refusal:
        return refusal
    return None


def _waits(command: BacktestScenario, context: ActContext) -> bool:
    table = backtest_asked
    found = context.uow.connection.execute(
        sql.select(table.c.id)
        .where(
            waits(context.programme),
            table.c.code == command.scenario,
            table.c.version == command.version,
            table.c.first_day == command.first_day.isoformat(),
            table.c.last_day == command.last_day.isoformat(),
        )
        .limit(1)
    )
    return found.first() is not None
