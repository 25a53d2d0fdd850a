"""Findings of monitoring and screening, grouped: one open case of a desk for each subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext
from amanat.core.ids import new_id
from amanat.supervision.cases.model import CaseState, Finding, FindingKind
from amanat.supervision.cases.records import (
    journal_step,
    keep_rows,
    note_step,
    open_row,
    update_risk,
)
from amanat.supervision.cases.stored import paths_of, rows_by_id
from amanat.supervision.cases.tables import case, case_finding
from amanat.supervision.monitoring.tables import alert
from amanat.supervision.screening.tables import hit

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Grouped:
    """What was grouped: findings, cases that were opened, and cases that grew."""

    findings: int
    opened: tuple[str, ...]
    grown: tuple[str, ...]


def new_findings(connection: Connection, programme: str, desk: str, until: date) -> list[Finding]:
    """Alerts and hits up to a day that are in no case of the desk, some thousands at once."""
    return [
        *_alerts(connection, programme, desk, until),
        *_hits(connection, programme, desk, until),
    ]


def _in_no_case(
    table: sql.Table, kind: FindingKind, programme: str, desk: str
) -> sql.ColumnElement[bool]:
    taken = sql.select(case_finding.c.finding).where(
        case_finding.c.programme == programme,
        case_finding.c.desk == desk,
        case_finding.c.kind == kind.value,
    )
    return table.c.id.not_in(taken) & (table.c.programme == programme)


def _alerts(connection: Connection, programme: str, desk: str, until: date) -> list[Finding]:
    """Alerts of scenarios that are live; those of a shadow are for who tries it."""
    query = (
        sql.select(alert)
        .where(
            _in_no_case(alert, FindingKind.ALERT, programme, desk),
            alert.c.day <= until.isoformat(),
            alert.c.state == "open",
        )
        .order_by(alert.c.day, alert.c.id)
        .limit(_AT_ONCE)
    )
    return [_alert(one) for one in connection.execute(query)]


def _alert(row: Row[Any]) -> Finding:
    return Finding(
        kind=FindingKind.ALERT,
        id=row.id,
        scenario=row.scenario,
        subject=row.subject,
        exchange=", ".join(row.exchanges),
        day=date.fromisoformat(row.day),
        score=Decimal(row.score),
        explanation=row.explanation,
        transactions=tuple(int(one) for one in row.transactions),
    )


def settle_alerts(context: ActContext, case_id: str, state: str) -> None:
    """Let the alerts of a case be `closed` with it, or `open` again."""
    table = case_finding
    mine = sql.select(table.c.finding).where(
        table.c.case == case_id, table.c.kind == FindingKind.ALERT.value
    )
    context.uow.connection.execute(
        sql.update(alert)
        .where(alert.c.programme == context.programme, alert.c.id.in_(mine))
        .values(state=state)
    )


def _hits(connection: Connection, programme: str, desk: str, until: date) -> list[Finding]:
    """Hits that stand and that nobody found to be another person."""
    query = (
        sql.select(hit)
        .where(
            _in_no_case(hit, FindingKind.HIT, programme, desk),
            hit.c.found_on <= until.isoformat(),
            hit.c.gone_at.is_(None),
            hit.c.state != "false_match",
        )
        .order_by(hit.c.id)
        .limit(_AT_ONCE)
    )
    return [
        Finding(
            kind=FindingKind.HIT,
            id=row.id,
            scenario=f"screening_{row.list}",
            subject=_subject(row.party),
            exchange="",
            day=date.fromisoformat(row.found_on),
            score=min(Decimal(row.score_permille) / 1000, Decimal(1)),
            explanation={"list": row.list, "grade": row.grade, "evidence": row.evidence},
        )
        for row in connection.execute(query)
    ]


def _subject(text: str) -> str:
    """A subject with the kind before its number; a bare number is a party's."""
    return text if ":" in text else f"party:{text}"


def group(context: ActContext, findings: Iterable[Finding]) -> Grouped:
    """Put findings into the open case of their subject, or open one; each finding once.

    The act is the supervisor's; its transactions are copied into the case as they are stored now.
    """
    by_subject: dict[str, list[Finding]] = {}
    for one in findings:
        by_subject.setdefault(one.subject, []).append(one)
    opened: list[str] = []
    grown: list[str] = []
    total = 0
    stored = _stored(context, by_subject)
    for subject, some in sorted(by_subject.items()):
        fresh, number = _one_case(context, subject, some, stored)
        (opened if fresh else grown).append(number)
        total += len(some)
    return Grouped(total, tuple(opened), tuple(grown))


def _stored(
    context: ActContext, by_subject: Mapping[str, Sequence[Finding]]
) -> dict[str, dict[str, Any]]:
    """The rows of all findings by their ids, read at once."""
    paths = paths_of(context.uow.connection, context.programme)
    wanted = {number for some in by_subject.values() for one in some for number in one.transactions}
    return {str(one["id"]): one for one in rows_by_id(paths, (int(number) for number in wanted))}


def _one_case(
    context: ActContext,
    subject: str,
    findings: Sequence[Finding],
    stored: Mapping[str, dict[str, Any]],
) -> tuple[bool, str]:
    connection = context.uow.connection
    known = connection.execute(
        sql.select(case.c.id, case.c.number)
        .where(
            case.c.programme == context.programme,
            case.c.desk == context.actor.institution,
            case.c.subject == subject,
            case.c.state == CaseState.OPEN.value,
        )
        .order_by(case.c.id)
        .limit(1)
    ).one_or_none()
    scenarios = sorted({one.scenario for one in findings})
    said = ", ".join(scenarios)[:300]
    entry = journal_step(context, "GroupFindings", subject, said)
    if known is None:
        identifier, number = open_row(context, subject, said, "findings", entry)
    else:
        identifier, number = known.id, known.number
    connection.execute(case_finding.insert(), [_row(context, identifier, one) for one in findings])
    ids = sorted({str(number) for one in findings for number in one.transactions})
    rows = [stored[number] for number in ids if number in stored]
    keep_rows(connection, context.programme, identifier, rows)
    update_risk(connection, identifier)
    note_step(context, identifier, "GroupFindings", entry, text=said)
    return known is None, number


def _row(context: ActContext, case_id: str, one: Finding) -> dict[str, Any]:
    return {
        "id": new_id(),
        "programme": context.programme,
        "case": case_id,
        "desk": context.actor.institution,
        "kind": one.kind.value,
        "finding": one.id,
        "scenario": one.scenario[:64],
        "exchange": one.exchange[:200],
        "day": one.day.isoformat(),
        "score": str(one.score)[:8],
        "explanation": dict(one.explanation),
        "transactions": [str(number) for number in one.transactions],
    }
