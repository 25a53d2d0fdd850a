"""What came of the supervision of a pilot, as plain facts: for tables, for `--json`, for tests.

It counts what no public output shows (reports to the FIU, hits, freezes): it is the operator's own
printing of a replay of invented people, and part of nothing that the installation serves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.replay.acting.desks import key_of
from amanat.replay.acting.kept import kept_of
from amanat.replay.acting.returning import REFUSED
from amanat.replay.performing import Performer
from amanat.replay.supervision_model import Does, Supervision
from amanat.supervision.cases.tables import case, dissemination, information_request, referral
from amanat.supervision.goaml.tables import report, submission
from amanat.supervision.monitoring.tables import alert, run
from amanat.supervision.returns.quality import score_of
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening.tables import freeze, freeze_order, hit
from amanat.supervision.transactions import transaction_id

Facts = dict[str, Any]
_UNLABELLED = "not labelled"


def supervision_facts(performer: Performer) -> Facts | None:
    """Everything that is printed of a pilot's supervision; None where it supervises nobody."""
    said = performer.pilot.supervision
    if said is None:
        return None
    programme = performer.programme
    with performer.application.store.reading() as connection:
        return {
            "exchanges": _exchanges(performer, said),
            "returns": _returns(connection, performer, said),
            "refused": _refused(performer, said),
            "runs": _runs(connection, programme),
            **_found(connection, programme, said),
            "hits": _counts(connection, hit, programme, hit.c.list, hit.c.state),
            "freezes": _freezes(connection, programme),
            "cases": _counts(connection, case, programme, case.c.desk, case.c.source, case.c.state),
            "between": _between(connection, programme),
            "reports": _counts(
                connection, report, programme, report.c.institution, report.c.report_code,
                report.c.state,
            ),
            "submissions": _counts(
                connection, submission, programme, submission.c.entity_name, submission.c.state
            ),
        }  # fmt: skip


def _counts(
    connection: Connection, table: sql.Table, programme: str, *by: sql.Column[Any]
) -> list[Facts]:
    """How many rows of a table there are of each kind."""
    rows = connection.execute(
        sql.select(*by, sql.func.count().label("count"))
        .where(table.c.programme == programme)
        .group_by(*by)
        .order_by(*by)
    )
    return [dict(row._mapping) for row in rows]


# -- returns --------------------------------------------------------------------------------------


def _exchanges(performer: Performer, said: Supervision) -> list[Facts]:
    held = Counter(one.exchange for one in said.customers.values())
    return [
        {
            "exchange": one.code,
            "name": performer.pilot.institutions[one.code].name,
            "format": one.format,
            "accounts": held[one.code],
        }
        for one in said.exchanges.values()
    ]


def _returns(connection: Connection, performer: Performer, said: Supervision) -> list[Facts]:
    """What was accepted, and what of it is in force."""
    table = manifest
    rows = connection.execute(
        sql.select(table)
        .where(table.c.programme == performer.programme)
        .order_by(table.c.exchange, table.c.sequence)
    )
    del said
    return [
        {
            "exchange": row.exchange,
            "sequence": row.sequence,
            "first_day": row.first_day,
            "last_day": row.last_day,
            "sent_on": row.business_date,
            "rows": row.rows,
            "state": "in force" if row.superseded_by is None else "superseded",
            "corrects": row.supersedes is not None,
            "quality": score_of(row.quality),
        }
        for row in rows
    ]


def _refused(performer: Performer, said: Supervision) -> list[Facts]:
    """What was broken on purpose, the rules that it was to break, and those that were named."""
    known = kept_of(performer)
    found = []
    for event in said.events:
        came = known.get(key_of(event), {})
        if event.does is not Does.SEND or came.get("state") != REFUSED:
            continue
        rules = came["by_rule"]
        found.append(
            {
                "exchange": event.said["exchange"],
                "day": event.on.isoformat(),
                "breaks": event.said["breaks"],
                "expected": list(event.said["expects"]),
                "rules": rules,
                "same": set(event.said["expects"]) <= set(rules),
            }
        )
    return found


# -- monitoring -----------------------------------------------------------------------------------


def _runs(connection: Connection, programme: str) -> list[Facts]:
    rows = connection.execute(
        sql.select(run).where(run.c.programme == programme).order_by(run.c.first_day, run.c.id)
    )
    return [
        {
            "first_day": row.first_day,
            "last_day": row.last_day,
            "state": row.state,
            "transactions": row.transactions,
        }
        for row in rows
    ]


def _found(connection: Connection, programme: str, said: Supervision) -> Facts:
    """Alerts by scenario, and of each typology how many labelled transfers an alert cites.

    A transfer between two exchanges is reported twice and found if either row is cited.
    """
    labels = {one.code: one for one in said.labels}
    names = {
        str(transaction_id(exchange, code)): code
        for code in said.transfers
        for exchange in said.exchanges
    }
    alerts: Counter[str] = Counter()
    cited: dict[str, set[str]] = defaultdict(set)
    subjects: dict[str, set[str]] = defaultdict(set)
    rows = connection.execute(
        sql.select(alert.c.scenario, alert.c.subject, alert.c.transactions).where(
            alert.c.programme == programme
        )
    )
    for row in rows:
        alerts[row.scenario] += 1
        subjects[row.scenario].add(row.subject)
        cited[row.scenario] |= {names[str(one)] for one in row.transactions if str(one) in names}
    found = set().union(*cited.values())
    return {
        "alerts": [
            {
                "scenario": scenario,
                "alerts": count,
                "subjects": len(subjects[scenario]),
                "transfers": len(cited[scenario]),
                "labelled": sum(one in labels for one in cited[scenario]),
            }
            for scenario, count in sorted(alerts.items())
        ],
        "labelled": _by_typology(said, found),
    }


def _by_typology(said: Supervision, found: set[str]) -> list[Facts]:
    total: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    patterns: dict[str, set[str]] = defaultdict(set)
    touched: dict[str, set[str]] = defaultdict(set)
    for one in said.labels:
        total[one.typology] += 1
        patterns[one.typology].add(one.pattern)
        if one.code in found:
            seen[one.typology] += 1
            touched[one.typology].add(one.pattern)
    labelled = {one.code for one in said.labels}
    ordinary = len(said.transfers) - len(labelled)
    rows = [
        {
            "typology": name,
            "transfers": total[name],
            "found": seen[name],
            "patterns": len(patterns[name]),
            "patterns_found": len(touched[name]),
        }
        for name in sorted(total)
    ]
    rest = {"typology": _UNLABELLED, "transfers": ordinary, "found": len(found - labelled)}
    return [*rows, {**rest, "patterns": 0, "patterns_found": 0}]


# -- freezes, and what passes between desks --------------------------------------------------------


def _freezes(connection: Connection, programme: str) -> list[Facts]:
    orders = connection.execute(
        sql.select(freeze_order).where(freeze_order.c.programme == programme)
    ).all()
    rows = connection.execute(
        sql.select(freeze).where(freeze.c.programme == programme).order_by(freeze.c.number)
    )
    return [
        {
            "freeze": row.number,
            "ordered_on": row.ordered_on,
            "law": row.law,
            "until": row.until,
            "state": row.state,
            "told": bool(row.reported_fiu_at and row.reported_authority_at),
            "orders": [
                {
                    "exchange": one.exchange,
                    "state": one.state,
                    "accounts": one.frozen_accounts,
                    "value_minor": one.frozen_value,
                }
                for one in sorted(orders, key=lambda one: str(one.exchange))
                if one.freeze == row.id
            ],
        }
        for row in rows
    ]


def _between(connection: Connection, programme: str) -> Facts:
    """How many referrals, requests and disseminations there were, and how many were taken up."""

    def count(table: sql.Table, *also: sql.ColumnElement[bool]) -> int:
        query = sql.select(sql.func.count()).select_from(table)
        wanted = query.where(table.c.programme == programme, *also)
        return int(connection.execute(wanted).scalar_one())

    return {
        "referrals": count(referral),
        "referrals_received": count(referral, referral.c.received_on.is_not(None)),
        "requests": count(information_request),
        "requests_answered": count(
            information_request, information_request.c.answered_on.is_not(None)
        ),
        "disseminations": count(dissemination),
    }
