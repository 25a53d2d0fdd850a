"""What the own closed cases confirmed: the labels from which a score is learned."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.supervision.cases.commands import ConfirmedAsked
from amanat.supervision.cases.model import CaseState, FindingKind
from amanat.supervision.cases.records import cases_of, desk_of
from amanat.supervision.cases.tables import case, case_finding, case_transaction
from amanat.supervision.detection.model import MOVEMENT_KINDS


@view("confirmed_movements")
def confirmed_movements(query: ConfirmedAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Movements between accounts in own cases that ended with a report, referral or dissemination.

    Refuses `NotFound`: no desk.  `typology` is the scenario of the first finding that names it.
    """
    actor = desk_of(context)
    pack = cases_of(context.connection, context.programme)
    ended = [one.code for one in pack.dispositions if one.needs]
    wanted = sql.select(case_transaction.c.case, case_transaction.c.row).join(
        case, case.c.id == case_transaction.c.case
    )
    wanted = wanted.where(
        case.c.programme == context.programme,
        case.c.desk == actor.institution,
        case.c.state == CaseState.CLOSED.value,
        case.c.disposition.in_(ended),
    )
    if query.until is not None:
        wanted = wanted.where(case_transaction.c.day <= query.until.isoformat())
    found: dict[str, dict[str, Any]] = {}
    rows = context.connection.execute(wanted.order_by(case.c.closed_on, case.c.id)).all()
    typologies = _typologies(context, {row.case for row in rows})
    for row in rows:
        if row.row["kind"] in MOVEMENT_KINDS:
            found.setdefault(row.row["id"], _label(row.row, typologies))
    return sorted(found.values(), key=lambda one: (one["day"], one["id"]))


def _label(row: dict[str, Any], typologies: dict[str, str]) -> dict[str, Any]:
    taken = {name: row[name] for name in ("id", "day", "from_account", "to_account")}
    return taken | {"typology": typologies.get(row["id"])}


def _typologies(context: ViewContext, cases: set[str]) -> dict[str, str]:
    """Of each transaction the scenario of the first alert that names it."""
    rows = context.connection.execute(
        sql.select(case_finding.c.scenario, case_finding.c.transactions)
        .where(case_finding.c.case.in_(cases), case_finding.c.kind == FindingKind.ALERT.value)
        .order_by(case_finding.c.day, case_finding.c.finding)
    )
    found: dict[str, str] = {}
    for row in rows:
        for one in row.transactions:
            found.setdefault(str(one), row.scenario)
    return found
