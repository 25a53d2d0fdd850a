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
from amanat.supervision.cases.model import CaseState, Finding, FindingKind, score_of_hit
from amanat.supervision.cases.records import (
    journal_step,
    keep_rows_of,
    open_rows,
    parts_of,
    step_row,
    update_risks,
)
from amanat.supervision.cases.stored import cited_rows
from amanat.supervision.cases.tables import case, case_finding, case_step
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
        .with_for_update()  # or somebody dismisses one meanwhile
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
            score=score_of_hit(row.grade, row.score_permille),
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
    grown = _known(context, list(by_subject))
    stored = _stored(context, by_subject)
    said = {
        subject: ", ".join(sorted({one.scenario for one in some}))[:300]
        for subject, some in sorted(by_subject.items())
    }
    entries = {
        subject: journal_step(context, "GroupFindings", subject, text)
        for subject, text in said.items()
    }
    fresh = [one for one in said if one not in grown]
    new = [(subject, said[subject], entries[subject]) for subject in fresh]
    opened = dict(zip(fresh, open_rows(context, "findings", new), strict=True))
    cases = {subject: (grown | opened)[subject][0] for subject in said}
    _fill(context, cases, by_subject, stored, [identifier for identifier, _ in grown.values()])
    lines = [
        step_row(context, cases[subject], "GroupFindings", entries[subject], text=text)
        for subject, text in said.items()
    ]
    if lines:
        context.uow.connection.execute(case_step.insert(), lines)
    return Grouped(
        sum(map(len, by_subject.values())),
        tuple(opened[subject][1] for subject in fresh),
        tuple(grown[subject][1] for subject in said if subject in grown),
    )


def attach(context: ActContext, case_id: str, row: Row[Any]) -> str:
    """Put one alert into a case, whoever it is about, with its rows; the case's risk then."""
    found = _alert(row)
    stored = _stored(context, {found.subject: [found]})
    cases, grown = {found.subject: case_id}, [case_id]
    return _fill(context, cases, {found.subject: [found]}, stored, grown)[case_id]


def _known(context: ActContext, subjects: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Id and number of the oldest open case of the desk of each subject that has one."""
    found: dict[str, tuple[str, str]] = {}
    for part in parts_of(subjects):
        rows = context.uow.connection.execute(
            sql.select(case.c.id, case.c.number, case.c.subject)
            .where(
                case.c.programme == context.programme,
                case.c.desk == context.actor.institution,
                case.c.subject.in_(part),
                case.c.state == CaseState.OPEN.value,
            )
            .order_by(case.c.id)
        )
        for row in rows:
            found.setdefault(row.subject, (row.id, row.number))
    return found


def _stored(
    context: ActContext, by_subject: Mapping[str, Sequence[Finding]]
) -> dict[str, dict[str, Any]]:
    """The rows of all findings by their ids, read at once."""
    findings = [one for some in by_subject.values() for one in some]
    wanted = {int(number) for one in findings for number in one.transactions}
    last = max((one.day for one in findings), default=context.business_date)
    rows = cited_rows(context.uow.connection, context.programme, wanted, last)
    return {str(one["id"]): one for one in rows}


def _fill(
    context: ActContext,
    cases: Mapping[str, str],
    by_subject: Mapping[str, Sequence[Finding]],
    stored: Mapping[str, dict[str, Any]],
    grown: Sequence[str],
) -> dict[str, str]:
    """Put findings and their rows into the cases of their subjects; their risks, weighed anew."""
    connection = context.uow.connection
    rows = [_row(context, cases[subject], one) for subject in cases for one in by_subject[subject]]
    if rows:
        connection.execute(case_finding.insert(), rows)
    cited = {
        identifier: [
            stored[number]
            for number in sorted(
                {str(number) for one in by_subject[subject] for number in one.transactions}
            )
            if number in stored
        ]
        for subject, identifier in cases.items()
    }
    keep_rows_of(connection, context.programme, cited, known_in=grown)
    return update_risks(connection, list(cases.values()))


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
