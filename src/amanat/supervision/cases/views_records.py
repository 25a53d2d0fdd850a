"""How long records are kept: the longest rule of each class wins, and nothing goes under a case.

Nothing is destroyed by this software; the view says what its keeper may destroy, and when.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.jurisdictions.cases import RecordClass
from amanat.store.tables import metadata
from amanat.supervision.cases.commands import RetentionAsked
from amanat.supervision.cases.model import REPORTS, CaseState
from amanat.supervision.cases.records import cases_of, desk_of
from amanat.supervision.cases.tables import case, case_transaction, information_request
from amanat.supervision.returns.tables import manifest

Dated = tuple[date | None, bool]
"""Since when a record is kept, None while it is in use; and whether an open case holds it."""


@view("retention")
def retention(query: RetentionAsked, context: ViewContext) -> list[dict[str, Any]]:
    """What the own desk keeps, by class: until when, what may be destroyed, what a case holds.

    Refuses `NotFound`: no desk.
    """
    desk_of(context)
    day = query.as_of or context.business_date
    found = {
        "transactions": _transactions,
        "cases": _cases,
        "reports": _reports,
        "requests": _requests,
    }
    return [
        _class(one, list(found[one.code](context)), day)
        for one in cases_of(context.connection, context.programme).records
        if one.code in found
    ]


def _class(record: RecordClass, dated: list[Dated], day: date) -> dict[str, Any]:
    due = sorted(record.until(since) for since, held in dated if since is not None and not held)
    return {
        "record": record.code,
        "title": record.title,
        "since": record.since,
        "rules": [{"law": one.law, "years": one.years} for one in record.rules],
        "years": record.longest.years,
        "law": record.longest.law,
        "records": len(dated),
        "in_use": sum(since is None for since, _held in dated),
        "held_by_cases": sum(held for _since, held in dated),
        "may_be_destroyed": sum(one <= day for one in due),
        "next_on": next((one.isoformat() for one in due if one > day), None),
    }


def _own(context: ViewContext) -> str | None:
    """The exchange whose records are shown alone; None to an authority."""
    assert context.actor is not None
    return context.actor.institution if REPORTS in context.actor.capacities else None


def _transactions(context: ViewContext) -> Iterable[Dated]:
    """Accepted returns; one is held while an open case of the reader's desk cites its days."""
    assert context.actor is not None
    wanted = sql.select(manifest.c.exchange, manifest.c.first_day, manifest.c.last_day).where(
        manifest.c.programme == context.programme
    )
    own = _own(context)
    if own is not None:
        wanted = wanted.where(manifest.c.exchange == own)
    held: dict[str, list[str]] = {}
    cited = (
        sql.select(case_transaction.c.exchange, case_transaction.c.day)
        .join(case, case.c.id == case_transaction.c.case)
        .where(
            case.c.programme == context.programme,
            case.c.desk == context.actor.institution,
            case.c.state == CaseState.OPEN.value,
        )
        .distinct()
    )
    for row in context.connection.execute(cited):
        held.setdefault(row.exchange, []).append(row.day)
    for one in context.connection.execute(wanted):
        under = any(one.first_day <= day <= one.last_day for day in held.get(one.exchange, ()))
        yield date.fromisoformat(one.last_day), under


def _cases(context: ViewContext) -> Iterable[Dated]:
    assert context.actor is not None
    rows = context.connection.execute(
        sql.select(case.c.closed_on, case.c.state).where(
            case.c.programme == context.programme, case.c.desk == context.actor.institution
        )
    )
    for row in rows:
        yield _day(row.closed_on), row.state == CaseState.OPEN.value


def _reports(context: ViewContext) -> Iterable[Dated]:
    """Reports of one's own; held while their case is open.  To an authority none."""
    table = metadata.tables.get("goaml_report")
    sent = metadata.tables.get("goaml_submission")
    own = _own(context)
    if own is None or table is None or sent is None:
        return
    rows = context.connection.execute(
        sql.select(sql.func.max(sent.c.recorded_on).label("on"), case.c.state)
        .select_from(table)
        .join(case, case.c.id == table.c.case)
        .outerjoin(sent, sent.c.report == table.c.id)
        .where(table.c.programme == context.programme, table.c.institution == own)
        .group_by(table.c.id, case.c.state)
    )
    for row in rows:
        yield _day(row.on), row.state == CaseState.OPEN.value


def _requests(context: ViewContext) -> Iterable[Dated]:
    assert context.actor is not None
    own = context.actor.institution
    table = information_request
    rows = context.connection.execute(
        sql.select(table.c.answered_on, table.c.desk, case.c.state)
        .join(case, case.c.id == table.c.case)
        .where(
            table.c.programme == context.programme,
            (table.c.desk == own) | (table.c.asked == own),
        )
    )
    for row in rows:
        # Whoever was asked is not told whether the case behind the request is still open.
        yield _day(row.answered_on), row.desk == own and row.state == CaseState.OPEN.value


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
