"""What the supervisor's desk sees of monitoring; anybody else is answered as if there were nothing.

Alerts of the learned score's order are `alert_queue` of the room of detection; here they stand by
the scenario's own score.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.effects import as_json, from_json
from amanat.core.errors import NotFound
from amanat.supervision.identities.model import SUPERVISES
from amanat.supervision.monitoring.acts import supervision_of
from amanat.supervision.monitoring.asked import REQUESTED, RUNNING, waits
from amanat.supervision.monitoring.commands import (
    AlertAsked,
    AlertsAsked,
    MonitoringRunAsked,
    MonitoringRunsAsked,
    PseudonymsAsked,
    ScenarioAsked,
    ScenariosAsked,
)
from amanat.supervision.monitoring.composed import rule_from
from amanat.supervision.monitoring.planning import (
    COMPOSED,
    Planned,
    in_force,
    plain_parameters,
    versions_of,
)
from amanat.supervision.monitoring.records import (
    backtests_asked_of,
    backtests_of,
    state_on,
)
from amanat.supervision.monitoring.running import INPUT
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.tables import (
    alert,
    backtest_asked,
    coverage,
    listed,
    run,
    run_step,
    scenario_version,
)
from amanat.supervision.monitoring.wording import rule_in_words


def require_desk(context: ViewContext) -> None:
    """Refuses `NotFound` whoever does not supervise."""
    if not context.sees(SUPERVISES):
        raise NotFound(thing="desk", value=context.actor.institution if context.actor else "public")


@view("monitoring_scenarios")
def monitoring_scenarios(query: ScenariosAsked, context: ViewContext) -> dict[str, Any]:
    """Every scenario as it looks at a day: what it explains, its version and parameters."""
    require_desk(context)
    day = query.day or context.business_date
    table = supervision_of(context)
    versions = versions_of(context.connection, context.programme)
    planned = in_force(versions, table, day)
    counts = _open_alerts(context)
    return {
        "day": day.isoformat(),
        "currency": table.currency,
        "rows": [_scenario_row(one, counts) for one in planned],
        "drafts": [
            {"scenario": row.code, "version": row.version, "state": row.state}
            for row in versions
            if row.state == "draft"
        ],
    }


def _open_alerts(context: ViewContext) -> Mapping[tuple[str, str], int]:
    rows = context.connection.execute(
        sql.select(alert.c.scenario, alert.c.version, sql.func.count().label("n"))
        .where(alert.c.programme == context.programme)
        .group_by(alert.c.scenario, alert.c.version)
    )
    return {(row.scenario, row.version): row.n for row in rows}


def _scenario_row(one: Planned, counts: Mapping[tuple[str, str], int]) -> dict[str, Any]:
    return {
        "scenario": one.scenario.code,
        "version": one.version,
        "state": one.state,
        "explanation": one.scenario.explanation,
        "parameters": plain_parameters(one.parameters),
        "alerts": counts.get((one.scenario.code, one.version), 0),
    }


@view("monitoring_scenario")
def monitoring_scenario(query: ScenarioAsked, context: ViewContext) -> dict[str, Any]:
    """One scenario: the jurisdiction's parameters by date, stated versions, back-tests.

    `asked` are the back-tests that were asked for, the latest first: how many wait before each that
    waits, up to which day one that runs is done, why one failed.  Refuses `NotFound`.
    """
    require_desk(context)
    code = query.scenario
    stated = [row for row in versions_of(context.connection, context.programme) if row.code == code]
    if code not in SCENARIOS and not stated:
        raise NotFound(thing="scenario", value=code)
    ours = SCENARIOS.get(code)
    explanation = ours.explanation if ours else str(stated[-1].content["explains"])
    return {
        "scenario": code,
        "explanation": explanation,
        "history": [
            {
                "first_day": row.first_day.isoformat(),
                "last_day": row.last_day.isoformat(),
                "parameters": plain_parameters(row.parameters),
                "source": row.source,
                "assumed": row.assumed,
            }
            for row in supervision_of(context).history(code)
        ],
        "versions": [_version(context, row) for row in stated],
        "asked": [
            _asked(context, row)
            for row in backtests_asked_of(context.connection, context.programme, code, _ASKED_MAX)
        ],
    }


_ASKED_MAX = 50


def _asked(context: ViewContext, row: Row[Any]) -> dict[str, Any]:
    return {
        "backtest": row.id,
        "version": row.version,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "state": row.state,
        "done_up_to": row.done_to if row.state == RUNNING else None,
        "ahead": _before(context, row) if row.state == REQUESTED else None,
        "failure": from_json([row.failure])[0] if row.failure else None,
        "asked_by": row.asked_by,
        "asked_at": row.asked_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


def _before(context: ViewContext, row: Row[Any]) -> int:
    """How many back-tests the worker carries out first, of every scenario."""
    earlier = sql.and_(waits(context.programme), backtest_asked.c.id < row.id)
    query = sql.select(sql.func.count()).select_from(backtest_asked).where(earlier)
    return int(context.connection.execute(query).scalar_one())


def _version(context: ViewContext, row: Row[Any]) -> dict[str, Any]:
    tried = backtests_of(context.connection, context.programme, row.code, row.version)
    return {
        "version": row.version,
        "composed": row.kind == COMPOSED,
        "state": state_on(row, context.business_date),
        "content": row.content,
        "in_words": _in_words(context, row),
        "reason": row.reason,
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at,
        "shadow_from": row.shadow_from,
        "live_from": row.live_from,
        "retired_from": row.retired_from,
        "approved_by": row.approved_by,
        "backtests": [
            {
                name: getattr(one, name)
                for name in (
                    *("id", "first_day", "last_day", "transactions", "alerts", "subjects"),
                    *("shared", "lost", "classed", "run_at"),
                )
            }
            for one in tried
        ],
    }


def _in_words(context: ViewContext, row: Row[Any]) -> list[dict[str, Any]]:
    """A composed rule as messages, in the currency of the jurisdiction's table; else none."""
    if row.kind != COMPOSED:
        return []
    currency = supervision_of(context).currency
    return as_json(tuple(rule_in_words(rule_from(json.dumps(row.content)), currency)))


@view("monitoring_alerts")
def monitoring_alerts(query: AlertsAsked, context: ViewContext) -> dict[str, Any]:
    """Alerts, the highest score first."""
    require_desk(context)
    wanted = sql.and_(
        alert.c.programme == context.programme,
        alert.c.state == query.state,
        *(
            condition
            for given, condition in (
                (query.scenario, alert.c.scenario == query.scenario),
                (query.subject, alert.c.subject == query.subject),
                (query.first_day, alert.c.day >= str(query.first_day)),
                (query.last_day, alert.c.day <= str(query.last_day)),
            )
            if given is not None
        ),
    )
    rows = context.connection.execute(
        sql.select(*(alert.c[name] for name in _SHOWN))
        .where(wanted)
        .order_by(alert.c.rank, alert.c.day, alert.c.id)
        .limit(query.limit)
    )
    count = context.connection.execute(
        sql.select(sql.func.count()).select_from(alert).where(wanted)
    ).scalar_one()
    return {"count": count, "rows": [_alert_row(row) for row in rows]}


_SHOWN = ("id", "scenario", "version", "subject", "exchanges", "day", "score", "explanation",
          "transactions_all", "state")  # fmt: skip


def _alert_row(row: Row[Any]) -> dict[str, Any]:
    return {
        "alert": row.id,
        "scenario": row.scenario,
        "version": row.version,
        "subject": row.subject,
        "exchanges": row.exchanges,
        "day": row.day,
        "score": row.score,
        "explanation": row.explanation,
        "transactions": row.transactions_all,
        "state": row.state,
    }


@view("monitoring_alert")
def monitoring_alert(query: AlertAsked, context: ViewContext) -> dict[str, Any]:
    """One alert with its transactions and what its scenario looks for.  Refuses `NotFound`."""
    require_desk(context)
    row = context.connection.execute(
        sql.select(alert).where(alert.c.programme == context.programme, alert.c.id == query.alert)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="alert", value=query.alert)
    ours = SCENARIOS.get(row.scenario)
    explains = ours.explanation if ours else _composed_explanation(context, row)
    return _alert_row(row) | {
        "explains": explains,
        "transaction_ids": row.transactions,
        "run": row.run,
        "found_at": row.found_at,
    }


def _composed_explanation(context: ViewContext, row: Row[Any]) -> str:
    table = scenario_version
    content = context.connection.execute(
        sql.select(table.c.content).where(
            table.c.programme == context.programme,
            table.c.code == row.scenario,
            table.c.version == row.version,
        )
    ).scalar_one()
    return str(content["explains"])


@view("monitoring_runs")
def monitoring_runs(query: MonitoringRunsAsked, context: ViewContext) -> dict[str, Any]:
    """The latest runs, and whether each proved that it left nothing out."""
    require_desk(context)
    rows = context.connection.execute(
        sql.select(run)
        .where(run.c.programme == context.programme)
        .order_by(run.c.id.desc())
        .limit(query.limit)
    )
    return {"rows": [_run_row(row) for row in rows]}


def _run_row(row: Row[Any]) -> dict[str, Any]:
    return {
        "run": row.id,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "state": row.state,
        "engine": row.engine,
        "transactions": row.transactions,
        "scenarios": len(row.scenarios),
        "failure": row.failure,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
    }


@view("monitoring_run")
def monitoring_run(query: MonitoringRunAsked, context: ViewContext) -> dict[str, Any]:
    """One run with its proof: per scenario, how many transactions were in which class.

    Refuses `NotFound`.
    """
    require_desk(context)
    row = context.connection.execute(
        sql.select(run).where(run.c.programme == context.programme, run.c.id == query.run)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="run", value=query.run)
    sums = context.connection.execute(
        sql.select(
            coverage.c.scenario,
            coverage.c.version,
            coverage.c.classed,
            sql.func.sum(coverage.c.rows).label("rows"),
        )
        .where(coverage.c.run == query.run)
        .group_by(coverage.c.scenario, coverage.c.version, coverage.c.classed)
        .order_by(coverage.c.scenario, coverage.c.version, coverage.c.classed)
    ).all()
    alerts = context.connection.execute(
        sql.select(run_step.c.scenario, run_step.c.version, sql.func.sum(run_step.c.alerts))
        .where(run_step.c.run == query.run)
        .group_by(run_step.c.scenario, run_step.c.version)
    )
    found = {(one[0], one[1]): int(one[2]) for one in alerts}
    classed: dict[tuple[str, str], dict[str, int]] = {}
    for one in sums:
        classed.setdefault((one.scenario, one.version), {})[one.classed] = int(one.rows)
    return _run_row(row) | {
        "input": sum(classed.get((INPUT, ""), {}).values()),
        "coverage": [
            {
                "scenario": code,
                "version": version,
                "alerts": found.get((code, version), 0),
                "classed": by_class,
            }
            for (code, version), by_class in classed.items()
            if code != INPUT
        ],
    }


@view("monitoring_lists")
def monitoring_lists(query: PseudonymsAsked, context: ViewContext) -> dict[str, Any]:
    """Addresses, persons and accounts that monitoring looks for."""
    require_desk(context)
    wanted = listed.c.programme == context.programme
    if not query.ended:
        wanted = wanted & listed.c.delisted_on.is_(None)
    rows = context.connection.execute(
        sql.select(listed).where(wanted).order_by(listed.c.kind, listed.c.pseudonym)
    )
    return {
        "rows": [
            {
                "kind": row.kind,
                "pseudonym": str(row.pseudonym),
                "reason": row.reason,
                "listed_on": row.listed_on,
                "delisted_on": row.delisted_on,
                "person": row.person,
            }
            for row in rows
        ]
    }
