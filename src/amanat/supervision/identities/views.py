"""Who opened which identity: to the auditor all, to an authority those of its own people."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.access.tables import institution
from amanat.supervision.identities.commands import OpeningsAsked
from amanat.supervision.identities.model import AUDITOR, FIU, SUPERVISES
from amanat.supervision.identities.tables import opening


@view("identity_openings")
def identity_openings(query: OpeningsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Openings of identities, the newest first: who, when, for which case and why.

    To the auditor those of all authorities, to each authority its own; what an exchange opened for
    a report of its own is shown to neither, since it tells of a suspicion.
    """
    table = opening
    if not context.sees(AUDITOR, SUPERVISES, FIU):
        return []  # as of nothing: whose they are is not said
    assert context.actor is not None
    wanted = sql.select(table).where(table.c.programme == context.programme)
    if not context.sees(AUDITOR):
        wanted = wanted.where(table.c.institution == context.actor.institution)
    else:
        wanted = wanted.where(table.c.institution.in_(_authorities(context)))
    if query.person is not None:
        wanted = wanted.where(table.c.person == min(int(query.person), 2**63 - 1))
    if query.case_number is not None:
        wanted = wanted.where(table.c.case_number == query.case_number)
    rows = context.connection.execute(wanted.order_by(table.c.id.desc()).limit(query.limit))
    return [
        {
            "opening": row.id,
            "person": str(row.person),
            "case_number": row.case_number,
            "reason": row.reason,
            "institution": row.institution,
            "opened_by": row.opened_by,
            "role": row.role,
            "opened_at": row.opened_at,
        }
        for row in rows
    ]


def _authorities(context: ViewContext) -> list[str]:
    """Who opens identities as an authority."""
    rows = context.connection.execute(
        sql.select(institution.c.code, institution.c.capacities).where(
            institution.c.programme == context.programme
        )
    )
    return [row.code for row in rows if {SUPERVISES, FIU} & set(row.capacities)]
