"""Reports to their institution and to the FIU; to everybody else there are none.

Views say where a report stands.  What it says of people is read by the act ReadReport alone, which
is journalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.jurisdictions.supervision import CtrThreshold, load_supervision
from amanat.licensing.clocks import due_on
from amanat.licensing.records import calendar_of, pack_of
from amanat.supervision.cases.model import FIU, REPORTS
from amanat.supervision.cases.records import cases_of, desk_of
from amanat.supervision.cases.stored import listed, paths_of
from amanat.supervision.cases.tables import case
from amanat.supervision.goaml.commands import (
    BatchesAsked,
    CtrDueAsked,
    HandedOverAsked,
    ReportAsked,
    ReportsAsked,
)
from amanat.supervision.goaml.content import ReportState
from amanat.supervision.goaml.records import goaml_of
from amanat.supervision.goaml.tables import handed_over, report, submission

_CTR_DAYS = 30


def _reporter(context: ViewContext, *also: str) -> str:
    """The institution of who reports, or has one of these capacities too.  Refuses `NotFound`."""
    actor = desk_of(context)
    if not actor.capacities & {REPORTS, *also}:
        raise NotFound(thing="desk", value=actor.institution)
    return actor.institution


@view("reports")
def reports(query: ReportsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Reports, newest first: an institution's own, and to the FIU all that were submitted.

    Refuses `NotFound` to everybody else.
    """
    own = _reporter(context, FIU)
    assert context.actor is not None
    if FIU in context.actor.capacities:
        return _received(query, context)
    wanted = (
        sql.select(report, case.c.number.label("case_number"))
        .join(case, case.c.id == report.c.case)
        .where(report.c.programme == context.programme, report.c.institution == own)
        .order_by(report.c.id.desc())
        .limit(query.limit)
    )
    if query.state is not None:
        wanted = wanted.where(report.c.state == query.state.value)
    return [_head(row) for row in context.connection.execute(wanted)]


def _head(row: Row[Any]) -> dict[str, Any]:
    return {
        "report": row.number,
        "case": row.case_number,
        "report_code": row.report_code,
        "state": row.state,
        "attempt": row.attempt,
        "oldest_day": row.oldest_day,
        "drafted_on": row.recorded_on,
    }


def _received(query: ReportsAsked, context: ViewContext) -> list[dict[str, Any]]:
    wanted = (
        sql.select(submission, report.c.report_code)
        .join(report, report.c.id == submission.c.report)
        .where(submission.c.programme == context.programme)
        .order_by(submission.c.id.desc())
        .limit(query.limit)
    )
    if query.state is not None:
        wanted = wanted.where(submission.c.state == query.state.value)
    return [
        {"report_code": row.report_code, "institution": row.institution} | _submission(row)
        for row in context.connection.execute(wanted)
    ]


def _submission(row: Row[Any]) -> dict[str, Any]:
    return {
        "reference": row.reference,
        "attempt": row.attempt,
        "state": row.state,
        "registration": row.registration,
        "entity": row.entity_name,
        "former": row.former,
        "submitted_on": row.recorded_on,
        "fiu_number": row.fiu_number,
        "reasons": row.reasons or [],
        "answered_on": row.answered_on,
        "digest": row.digest,
    }


@view("report")
def one_report(query: ReportAsked, context: ViewContext) -> dict[str, Any]:
    """One report of one's own with every submission.  Refuses `NotFound`, also of another's."""
    own = _reporter(context)
    row = context.connection.execute(
        sql.select(report, case.c.number.label("case_number"))
        .join(case, case.c.id == report.c.case)
        .where(
            report.c.programme == context.programme,
            report.c.institution == own,
            report.c.number == query.report,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="report", value=query.report)
    sent = context.connection.execute(
        sql.select(submission)
        .where(submission.c.report == row.id)
        .order_by(submission.c.attempt.desc())
    )
    return _head(row) | {"submissions": [_submission(one) for one in sent]}


@view("report_batches")
def report_batches(query: BatchesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Days on which reports of one's own were submitted, newest first.  Refuses `NotFound`."""
    del query
    own = _reporter(context)
    table = submission
    rows = context.connection.execute(
        sql.select(table.c.recorded_on, table.c.state, sql.func.count().label("n"))
        .where(table.c.programme == context.programme, table.c.institution == own)
        .group_by(table.c.recorded_on, table.c.state)
        .order_by(table.c.recorded_on.desc())
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        empty = {"day": row.recorded_on, "submitted": 0, "accepted": 0, "rejected": 0}
        found.setdefault(row.recorded_on, empty)[row.state] += row.n
    return list(found.values())


@view("handed_over_reports")
def handed_over_reports(query: HandedOverAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Reports that went from a former entity to the present one: one's own, and all to the FIU.

    Refuses `NotFound` to everybody else.
    """
    del query
    own = _reporter(context, FIU)
    assert context.actor is not None
    wanted = (
        sql.select(handed_over, report.c.number, report.c.state.label("now"))
        .join(report, report.c.id == handed_over.c.report)
        .where(handed_over.c.programme == context.programme)
        .order_by(handed_over.c.id)
    )
    if FIU not in context.actor.capacities:
        wanted = wanted.where(handed_over.c.institution == own)
    else:
        # A draft is nobody's but its institution's.
        wanted = wanted.where(handed_over.c.state != ReportState.DRAFT.value)
    return [
        {
            "institution": row.institution,
            "report": row.number,
            "from_registration": row.from_registration,
            "from_name": row.from_name,
            "to_registration": row.to_registration,
            "to_name": row.to_name,
            "state_then": row.state,
            "state": row.now,
            "on": row.recorded_on,
        }
        for row in context.connection.execute(wanted)
    ]


@view("ctr_due")
def ctr_due(query: CtrDueAsked, context: ViewContext) -> list[dict[str, Any]]:
    """One's customers and days at or above the threshold, from one's stored returns.

    Aggregated per customer and day over all of the customer's accounts, by the parameters of that
    day (FMU Circular 01/2025); of cash alone or of all fiat legs, as the jurisdiction says.  The
    newest day first, of a day the greatest; `account` is one of the customer's, `value_minor` in
    minor units, `references` are the first fifty.  Refuses `NotFound` to everybody else.
    """
    own = _reporter(context)
    last = query.last_day or context.business_date
    first = query.first_day or last - timedelta(_CTR_DAYS)
    paths = paths_of(context.connection, context.programme, first, last, [own])
    if not paths:
        return []
    rule = _threshold(context, last)
    sums = _daily_sums(tuple(paths), (first, last), rule, query.limit, query.offset)
    calendar = calendar_of(pack_of(context.connection, context.programme))
    clock = cases_of(context.connection, context.programme).clock("report")
    currency = goaml_of(context.connection, context.programme).form.currency
    due = {day: _due(calendar, day, clock.days, clock.unit) for _account, day, *_rest in sums}
    return [
        {
            "account": str(account),
            "day": day.isoformat(),
            "direction": direction,
            "value_minor": str(value),
            "currency": currency,
            "transactions": count,
            "references": list(references),
            "due_on": due[day],
        }
        for account, day, direction, value, count, references in sums
    ]


def _due(calendar: Any, day: date, days: int, unit: str) -> str | None:
    found = due_on(calendar, day, days, unit)
    return found.isoformat() if found else None


def _threshold(context: ViewContext, day: date) -> CtrThreshold:
    table = load_supervision(pack_of(context.connection, context.programme).code)
    found = table.on("ctr_threshold", day).parameters
    assert isinstance(found, CtrThreshold)
    return found


@lru_cache(maxsize=64)
def _daily_sums(
    paths: Sequence[str], days: tuple[date, date], rule: CtrThreshold, limit: int, offset: int
) -> list[tuple[Any, ...]]:
    """Account, day, direction, value, count, references; the greatest of the last day first.

    References are looked for of those alone that are shown.  Files never change: the same ones are
    read once.
    """
    import duckdb

    cash = "AND cash" if rule.cash_only else ""
    direction = "'both'" if rule.directions_together else "kind"
    legs = (
        "SELECT CASE kind WHEN 'fiat_in' THEN to_account ELSE from_account END account,"
        " coalesce(CASE kind WHEN 'fiat_in' THEN to_party ELSE from_party END, account) customer,"
        f' day, {direction} direction, value, reference, "at" FROM read_parquet({listed(paths)})'
        f" WHERE kind IN ('fiat_in', 'fiat_out') {cash}"
        f" AND day BETWEEN DATE '{days[0]}' AND DATE '{days[1]}'"
    )
    with duckdb.connect() as database:
        return database.execute(
            f"WITH legs AS NOT MATERIALIZED ({legs}), due AS MATERIALIZED ("
            " SELECT customer, min(account) account, day, direction, sum(value) total, count(*) n"
            " FROM legs GROUP BY customer, day, direction HAVING total >= $1"
            " ORDER BY day DESC, total DESC, account, direction LIMIT $2 OFFSET $3)"
            " SELECT due.account, day, direction, any_value(total) total, any_value(n),"
            ' list(reference ORDER BY "at", reference)[:50]'
            " FROM due JOIN legs USING (customer, day, direction) GROUP BY customer, due.account,"
            " day, direction ORDER BY day DESC, total DESC, due.account, direction",
            [rule.threshold_minor, limit, offset],
        ).fetchall()
