"""Which version of which scenario looks at a day: live ones, and others in shadow beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.canonical import digest
from amanat.core.errors import Refused
from amanat.jurisdictions.supervision import SupervisionTable, parameters_from
from amanat.supervision.monitoring.composed import composed_scenario, rule_from
from amanat.supervision.monitoring.model import SourceFile
from amanat.supervision.monitoring.scenarios import SCENARIOS, Scenario
from amanat.supervision.monitoring.staging import Lists
from amanat.supervision.monitoring.tables import listed, scenario_version
from amanat.supervision.screening.freezing import frozen_parties
from amanat.supervision.screening.versions import addresses_listed

LIVE, SHADOW, DRAFT, RETIRED = "live", "shadow", "draft", "retired"
PARAMETERS, COMPOSED = "parameters", "composed"
STEP_ROWS = 12_000_000
"""Rows of a step's own days, about: memory grows with it, and what is read twice shrinks."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One version of one scenario in a run, with what it is told."""

    scenario: Scenario
    version: str
    state: str
    parameters: Any

    def stated(self) -> dict[str, Any]:
        """As JSON, for the run's record and its digest."""
        return {
            "code": self.scenario.code,
            "version": self.version,
            "state": self.state,
            "parameters": plain_parameters(self.parameters),
        }


def plain_parameters(parameters: Any) -> Any:
    """Parameters of a scenario as JSON."""
    if is_dataclass(parameters) and not isinstance(parameters, type):
        stated = asdict(parameters)
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in stated.items()
        }
    return parameters.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, slots=True)
class StepPlan:
    """The days of one step and the scenarios that look at them."""

    first: date
    last: date
    planned: tuple[Planned, ...]


def planned_of(row: Row[Any], state: str) -> Planned:
    """A stored version as it runs.  Refuses as `rule_from` and `parameters_from`."""
    if row.kind == COMPOSED:
        rule = rule_from(json.dumps(row.content))
        return Planned(composed_scenario(row.code, rule), row.version, state, rule)
    refused = Refused()
    parameters = parameters_from(row.code, row.content, row.code, row.version, refused)
    refused.raise_if_any()
    return Planned(SCENARIOS[row.code], row.version, state, parameters)


def versions_of(connection: Connection, programme: str) -> Sequence[Row[Any]]:
    """Every stated version, oldest first."""
    table = scenario_version
    query = sql.select(table).where(table.c.programme == programme)
    return connection.execute(query.order_by(table.c.code, table.c.proposed_at)).all()


def in_force(
    versions: Sequence[Row[Any]], table: SupervisionTable, day: date
) -> tuple[Planned, ...]:
    """What looks at a day.  Refuses `NoParametersForDate`.

    A live version that was stated for the programme goes before the jurisdiction's parameters.
    """
    stated = day.isoformat()
    live: dict[str, Planned] = {}
    shadow: list[Planned] = []
    for row in versions:
        ended = row.retired_from is not None and row.retired_from <= stated
        if row.live_from is not None and row.live_from <= stated and not ended:
            live[row.code] = planned_of(row, LIVE)
        elif row.shadow_from is not None and row.shadow_from <= stated and not ended:
            shadow.append(planned_of(row, SHADOW))
    for code, scenario in SCENARIOS.items():
        if code not in live:
            held = table.on(code, day)
            live[code] = Planned(scenario, held.version, LIVE, held.parameters)
    return (*live.values(), *shadow)


def lists_of(connection: Connection, programme: str, day: date, *, frozen: bool = True) -> Lists:
    """What is listed on a day: by the supervisor, as an address of a sanctions list, as frozen.

    Who is frozen is left out where an exchange could notice it before it is ordered (`frozen`).
    """
    rows = connection.execute(
        sql.select(listed.c.kind, listed.c.pseudonym).where(
            listed.c.programme == programme,
            listed.c.listed_on <= day.isoformat(),
            sql.or_(listed.c.delisted_on.is_(None), listed.c.delisted_on > day.isoformat()),
        )
    ).all()
    held = frozen_parties(connection, programme, day) if frozen else {}
    return Lists(
        frozenset(row.pseudonym for row in rows if row.kind == "address")
        | addresses_listed(connection, programme, day),
        frozenset(row.pseudonym for row in rows if row.kind == "party")
        | frozenset(int(party) for party in held if party.isdigit()),
    )


def steps_of(
    files: Sequence[SourceFile],
    first: date,
    last: date,
    plan_of: dict[date, tuple[Planned, ...]],
    step_rows: int = STEP_ROWS,
) -> Iterator[StepPlan]:
    """The days in steps of about `step_rows` rows, parted where what looks at a day changes."""
    per_day = _rows_per_day(files, first, last)
    begin, rows = first, 0
    day = first
    while day <= last:
        changed = day > begin and _keys(plan_of[day]) != _keys(plan_of[begin])
        if day > begin and (changed or rows + per_day[day] > step_rows):
            yield StepPlan(begin, day - timedelta(days=1), plan_of[begin])
            begin, rows = day, 0
        rows += per_day[day]
        day += timedelta(days=1)
    yield StepPlan(begin, last, plan_of[begin])


def _keys(planned: tuple[Planned, ...]) -> list[tuple[str, str, str]]:
    return [(one.scenario.code, one.version, one.state) for one in planned]


def _rows_per_day(files: Sequence[SourceFile], first: date, last: date) -> dict[date, int]:
    days = [first + timedelta(days=at) for at in range((last - first).days + 1)]
    rows = dict.fromkeys(days, 0)
    for one in files:
        span = (one.last_day - one.first_day).days + 1
        for day in days:
            if one.first_day <= day <= one.last_day:
                rows[day] += one.rows // span
    return rows


def digest_of(files: Sequence[SourceFile], steps: Sequence[StepPlan], lists: Lists) -> str:
    """Digest of all that a run's alerts depend on, and of its steps."""
    return digest(
        {
            "files": [[one.source, str(one.rows), str(one.id_sum)] for one in files],
            "steps": [
                [one.first.isoformat(), one.last.isoformat(), _plain(one.planned)] for one in steps
            ],
            "lists": [sorted(map(str, lists.addresses)), sorted(map(str, lists.parties))],
        }
    ).hex()


def _plain(planned: tuple[Planned, ...]) -> list[Any]:
    # Integers beyond JavaScript's have no canonical form of their own: as text.
    return [json.dumps(one.stated(), sort_keys=True) for one in planned]
