"""Cases to their own desk: the queue, one case with its timeline and network, statistics.

Whoever has no desk here, and whoever asks for another desk's case, is told that there is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.supervision.cases.commands import (
    AlertFlowAsked,
    CaseAsked,
    CasesAsked,
    NetworkAsked,
    PeriodAsked,
)
from amanat.supervision.cases.model import REPORTS, SUPERVISES, CaseState, FindingKind
from amanat.supervision.cases.network import key_of, network_of
from amanat.supervision.cases.records import (
    Timing,
    case_shown,
    cases_of,
    clock_json,
    desk_of,
    rows_of,
)
from amanat.supervision.cases.stored import (
    Around,
    cited_rows,
    joined,
    paths_of,
    rows_around,
)
from amanat.supervision.cases.tables import alert_dismissal, case, case_finding, case_step
from amanat.supervision.monitoring.model import HOLDER_DAYS
from amanat.supervision.monitoring.tables import alert

_STATISTICS_DAYS = 366


@view("cases")
def cases(query: CasesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Cases of the own desk: overdue ones first, then the graver, then the older.

    Refuses `NotFound`: no desk.
    """
    actor = desk_of(context)
    wanted = sql.select(case).where(
        case.c.programme == context.programme, case.c.desk == actor.institution
    )
    if query.state is not None:
        wanted = wanted.where(case.c.state == query.state.value)
    if query.officer is not None:
        wanted = wanted.where(case.c.officer == query.officer)
    timing = Timing.of(context.connection, context.programme)
    late = sql.case((timing.late(context.business_date), 0), else_=1)
    page = wanted.order_by(late, case.c.risk.desc(), case.c.opened_on, case.c.id)
    rows = context.connection.execute(page.offset(query.offset).limit(query.limit)).all()
    counts = _counts(context, [row.id for row in rows])
    return [_head(row, context, counts, timing) for row in rows]


def _counts(context: ViewContext, ids: Sequence[str]) -> dict[str, tuple[int, list[str]]]:
    """By case, how many findings it has and of which scenarios."""
    found: dict[str, tuple[int, list[str]]] = {}
    query = (
        sql.select(case_finding.c.case, case_finding.c.scenario, sql.func.count().label("n"))
        .where(case_finding.c.case.in_(ids))
        .group_by(case_finding.c.case, case_finding.c.scenario)
        .order_by(case_finding.c.scenario)
    )
    for row in context.connection.execute(query):
        total, scenarios = found.get(row.case, (0, []))
        found[row.case] = (total + row.n, [*scenarios, row.scenario])
    return found


def _head(
    row: Row[Any],
    context: ViewContext,
    counts: dict[str, tuple[int, list[str]]],
    timing: Timing,
) -> dict[str, Any]:
    clocks = timing.of_case(row, context.business_date)
    running = [(clock, one) for clock, one in clocks if one.ended is None]
    due = min((one.due for _clock, one in running if one.due), default=None)
    findings, scenarios = counts.get(row.id, (0, []))
    until = date.fromisoformat(row.closed_on) if row.closed_on else context.business_date
    return {
        "case": row.number,
        "subject": row.subject,
        "title": row.title,
        "state": row.state,
        "risk": row.risk,
        "age_days": (until - date.fromisoformat(row.opened_on)).days,
        "due_on": due.isoformat() if due else None,
        "overdue": any(one.overdue for _clock, one in running),
        "officer": row.officer,
        "findings": findings,
        "scenarios": scenarios,
        "source": row.source,
        "opened_on": row.opened_on,
        "closed_on": row.closed_on,
        "disposition": row.disposition,
    }


@view("case")
def one_case(query: CaseAsked, context: ViewContext) -> dict[str, Any]:
    """One case of the own desk: clocks, findings with their explanation, timeline, transactions.

    Refuses `NotFound`, also of another desk's.
    """
    row = case_shown(context, query.case)
    connection = context.connection
    timing = Timing.of(connection, context.programme)
    head = _head(row, context, _counts(context, [row.id]), timing)
    clocks = timing.of_case(row, context.business_date)
    findings = connection.execute(
        sql.select(case_finding)
        .where(case_finding.c.case == row.id)
        .order_by(case_finding.c.score.desc(), case_finding.c.day.desc(), case_finding.c.id)
    )
    steps = connection.execute(
        sql.select(case_step).where(case_step.c.case == row.id).order_by(case_step.c.id)
    ).all()
    pack = cases_of(connection, context.programme)
    assert context.actor is not None
    mine = context.actor.capacities
    return head | {
        "suspicion_on": row.suspicion_on,
        "reported_on": row.reported_on,
        "clocks": [clock_json(clock, reading) for clock, reading in clocks],
        "dispositions": [
            {"disposition": one.code, "title": one.title}
            for one in pack.dispositions
            if mine & set(one.desks)
        ],
        "findings_shown": [_finding(one) for one in findings],
        "evidence": [
            {"digest": one.digest, "title": one.text, "on": one.recorded_on}
            for one in steps
            if one.digest
        ],
        "steps": [_step(one) for one in steps],
        "transactions": [_transaction(one) for one in rows_of(connection, row.id)],
    }


def _finding(row: Row[Any]) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "finding": row.finding,
        "scenario": row.scenario,
        "exchange": row.exchange,
        "day": row.day,
        "score": row.score,
        "said": row.explanation.get("text"),
        "explanation": row.explanation,
        "transactions": row.transactions,
    }


def _step(row: Row[Any]) -> dict[str, Any]:
    return {
        "act": row.act,
        "on": row.recorded_on,
        "at": row.recorded_at,
        "person": row.person,
        "institution": row.institution,
        "text": row.text,
        "digest": row.digest,
        "refers_to": row.refers_to,
    }


def _transaction(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "transaction": row["id"],
        "day": row["day"],
        "exchange": row["exchange"],
        "reference": row["reference"],
        "kind": row["kind"],
        "from": key_of(row, "from"),
        "from_account": row["from_account"],
        "to": key_of(row, "to"),
        "to_account": row["to_account"],
        "traded_asset": row["asset"],
        "quantity": row["quantity"],
        "value_minor": row["value"],
        "network": row.get("network"),
        "address": row.get("address"),
        "transaction_hash": row.get("transaction_hash"),
    }


@view("case_network")
def case_network(query: NetworkAsked, context: ViewContext) -> dict[str, Any]:
    """The network around a case's subject, from the stored transactions and those it cites.

    Refuses `NotFound`, also of another desk's.  An exchange sees its own transactions alone.
    """
    row = case_shown(context, query.case)
    cited = rows_of(context.connection, row.id)
    around = _around(query, context, row, cited)
    known = {str(one["id"]) for one in cited}
    rows = [*cited, *(one for one in around.rows if one["id"] not in known)]
    assert context.actor is not None
    if REPORTS not in context.actor.capacities:  # an exchange is not told of the others
        rows = _joined(context, rows)
    return {
        "case": row.number,
        "subject": row.subject,
        "transactions": len(rows),
        "hubs": list(around.hubs),
        "cut": around.cut,
    } | _drawn(rows, row.subject)


def _joined(context: ViewContext, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows with both persons, each transfer once where both of its reports are among them."""
    days = sorted(date.fromisoformat(one["day"]) for one in rows)
    if not days:
        return []
    around = paths_of(
        context.connection, context.programme, days[0] - timedelta(HOLDER_DAYS), days[-1]
    )
    return joined(rows, around, days[0], days[-1])


def _drawn(rows: Sequence[dict[str, Any]], subject: str) -> dict[str, Any]:
    """The network of rows as views show it: who, where on the picture, and what moved."""
    found = network_of(rows, subject)
    return {
        "left_out": found.left_out,
        "nodes": [
            {
                "node": one.key,
                "ring": one.ring,
                "x": one.x,
                "y": one.y,
                "exchange": one.exchange,
                "country": one.country,
                "outside": one.outside,
            }
            for one in found.nodes
        ],
        "edges": [
            {
                "source": one.source,
                "target": one.target,
                "value_minor": str(one.value),
                "transactions": one.count,
                "first_day": one.first_day,
                "last_day": one.last_day,
            }
            for one in found.edges
        ],
    }


def _around(
    query: NetworkAsked, context: ViewContext, row: Row[Any], cited: Sequence[dict[str, Any]]
) -> Around:
    assert context.actor is not None
    if REPORTS in context.actor.capacities:
        return Around((), (), False)  # what it cites is all that it may see
    days = sorted(date.fromisoformat(one["day"]) for one in cited)
    first = (days[0] if days else date.fromisoformat(row.opened_on)) - timedelta(query.days)
    last = (days[-1] if days else date.fromisoformat(row.opened_on)) + timedelta(query.days)
    paths = paths_of(context.connection, context.programme, first, last)
    return rows_around(tuple(paths), row.subject, first, last, query.hops)


@view("alert_flow")
def alert_flow(query: AlertFlowAsked, context: ViewContext) -> dict[str, Any]:
    """The stored transactions of an alert, the flow that they make, and the desk's case of it.

    `open_case` is an open case of the same subject, `dismissals` how the desk settled the alert
    without one.  Refuses `NotFound`: who does not supervise, or no such alert.
    """
    connection = context.connection
    found = connection.execute(
        sql.select(alert).where(alert.c.programme == context.programme, alert.c.id == query.alert)
    ).one_or_none()
    if found is None or context.actor is None or not context.sees(SUPERVISES):
        raise NotFound(thing="alert", value=query.alert)
    of = connection.execute(
        sql.select(case.c.number, case.c.risk, case.c.state)
        .join(case_finding, case_finding.c.case == case.c.id)
        .where(
            case.c.programme == context.programme,
            case.c.desk == context.actor.institution,
            case_finding.c.finding == query.alert,
            case_finding.c.kind == FindingKind.ALERT.value,
        )
    ).one_or_none()
    cited = cited_rows(
        connection,
        context.programme,
        map(int, found.transactions),
        date.fromisoformat(found.day),
        found.exchanges,
    )
    rows = _joined(context, cited)
    return {
        "alert": found.id,
        "subject": found.subject,
        "case": of.number if of else None,
        "case_risk": of.risk if of else None,
        "case_state": of.state if of else None,
        "open_case": _open_case(context, context.actor.institution, found.subject),
        "dismissals": _dismissals(context, context.actor.institution, found.id),
        "transactions": [_transaction(one) for one in rows],
    } | _drawn(rows, found.subject)


def _open_case(context: ViewContext, desk: str, subject: str) -> str | None:
    """The oldest open case of a desk about a subject."""
    return context.connection.execute(
        sql.select(case.c.number)
        .where(
            case.c.programme == context.programme,
            case.c.desk == desk,
            case.c.subject == subject,
            case.c.state == CaseState.OPEN.value,
        )
        .order_by(case.c.id)
        .limit(1)
    ).scalar_one_or_none()


def _dismissals(context: ViewContext, desk: str, identifier: str) -> list[dict[str, Any]]:
    """Who dismissed an alert, when and why, the latest first, and who opened it again."""
    table = alert_dismissal
    rows = context.connection.execute(
        sql.select(table)
        .where(
            table.c.programme == context.programme,
            table.c.desk == desk,
            table.c.alert == identifier,
        )
        .order_by(table.c.id.desc())
    )
    return [
        {
            "on": row.recorded_on,
            "disposition": row.disposition,
            "reason": row.reason,
            "person": row.person,
            "approved_by": row.approved_by,
            "reopened_on": row.reopened_on,
            "reopened_by": row.reopened_by,
        }
        for row in rows
    ]


@view("case_statistics")
def case_statistics(query: PeriodAsked, context: ViewContext) -> dict[str, Any]:
    """How the own desk's cases ended, how long they took, and how often each scenario was right.

    `alerts` are those that were dismissed without a case; one that was opened again counts no more.
    Refuses `NotFound`: no desk.
    """
    actor = desk_of(context)
    last = query.last_day or context.business_date
    first = query.first_day or last - timedelta(_STATISTICS_DAYS)
    own = sql.and_(case.c.programme == context.programme, case.c.desk == actor.institution)
    of_days = sql.and_(own, case.c.closed_on.between(first.isoformat(), last.isoformat()))
    closed = context.connection.execute(
        sql.select(case.c.opened_on, case.c.closed_on, case.c.disposition).where(of_days)
    ).all()
    open_now, assigned = context.connection.execute(
        sql.select(sql.func.count(), sql.func.count(case.c.officer)).where(
            own, case.c.state == CaseState.OPEN.value
        )
    ).one()
    days = sorted(
        (date.fromisoformat(one.closed_on) - date.fromisoformat(one.opened_on)).days
        for one in closed
    )
    ended = Counter(one.disposition for one in closed)
    dismissed = _dismissed(context, actor.institution, first, last)
    alone = Counter[str]()
    for (_scenario, disposition), count in dismissed.items():
        alone[disposition] += count
    return {
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
        "open": open_now,
        "unassigned": open_now - assigned,
        "closed": len(closed),
        "days_median": days[len(days) // 2] if days else None,
        "dismissed": sum(alone.values()),
        "dispositions": [
            {"disposition": code, "cases": ended[code], "alerts": alone[code]}
            for code in sorted({*ended, *alone}, key=lambda code: (-ended[code], code))
        ],
        "scenarios": _by_scenario(context, of_days, dismissed),
    }


def _dismissed(
    context: ViewContext, desk: str, first: date, last: date
) -> Mapping[tuple[str, str], int]:
    """Alerts of each scenario and disposition that were settled without a case and stay so."""
    table = alert_dismissal
    rows = context.connection.execute(
        sql.select(table.c.scenario, table.c.disposition, sql.func.count().label("n"))
        .where(
            table.c.programme == context.programme,
            table.c.desk == desk,
            table.c.recorded_on.between(first.isoformat(), last.isoformat()),
            table.c.reopened_on.is_(None),
        )
        .group_by(table.c.scenario, table.c.disposition)
    )
    return {(row.scenario, row.disposition): row.n for row in rows}


def _by_scenario(
    context: ViewContext,
    of_days: sql.ColumnElement[bool],
    dismissed: Mapping[tuple[str, str], int],
) -> list[dict[str, Any]]:
    """Of each scenario: closed cases and dismissed alerts, and how many of them were wrong."""
    once = (
        sql.select(case_finding.c.scenario, case.c.id, case.c.disposition)
        .join(case, case.c.id == case_finding.c.case)
        .where(of_days)
        .distinct()
        .subquery()
    )
    wrong = sql.func.sum(sql.case((once.c.disposition == _WRONG, 1), else_=0))
    rows = context.connection.execute(
        sql.select(once.c.scenario, sql.func.count().label("n"), wrong.label("wrong")).group_by(
            once.c.scenario
        )
    )
    cases = {row.scenario: (row.n, int(row.wrong)) for row in rows}
    alone = Counter[str]()
    for (scenario, _disposition), count in dismissed.items():
        alone[scenario] += count
    return [
        {
            "scenario": scenario,
            "cases": cases.get(scenario, (0, 0))[0],
            "alerts": alone[scenario],
            "false_positives": cases.get(scenario, (0, 0))[1]
            + dismissed.get((scenario, _WRONG), 0),
        }
        for scenario in sorted({*cases, *alone})
    ]


_WRONG = "false_positive"
