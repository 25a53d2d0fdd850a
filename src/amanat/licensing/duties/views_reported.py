"""What providers reported of clients' orders, beside the caps of their status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext, view
from amanat.core.money import money_text
from amanat.licensing.caps import cited
from amanat.licensing.duties.acts import cap_breach
from amanat.licensing.duties.commands import ReportedVolumesAsked
from amanat.licensing.duties.tables import breach
from amanat.licensing.openness.grounds import recusals_of
from amanat.licensing.records import pack_of
from amanat.licensing.reported import Use, uses_of_caps
from amanat.licensing.views import sees_all

_DAYS = 92


@view("reported_volumes")
def reported_volumes(query: ReportedVolumesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Of each provider and month what it reported of clients' orders against each cap, worst first.

    To the authority and the auditor of all providers, to a provider its own.
    """
    assert context.actor is not None
    connection, programme = context.connection, context.programme
    pack = pack_of(connection, programme)
    own = query.provider if sees_all(context, pack) else context.actor.institution
    last = query.last_day or context.business_date
    first = query.first_day or last - timedelta(_DAYS)
    away = recusals_of(connection, programme, context.actor.person)
    found = [
        one
        for one in uses_of_caps(connection, programme, first, last, own)
        if one.provider not in away and query.exceeded in (None, one.exceeded)
    ]
    noted = {
        (row.provider, row.thing): row.recorded_on
        for row in connection.execute(
            sql.select(breach.c.provider, breach.c.thing, breach.c.recorded_on).where(
                breach.c.programme == programme, breach.c.kind == "cap"
            )
        )
    }
    found.sort(key=lambda one: (one.cap.amount - one.done, one.provider, one.month))
    return [
        {
            **use_json(one),
            "title": one.cap.title,
            "law": cited(pack, one.cap.section, one.last_day),
            "assumed": one.cap.assumed,
            "breach_noted_on": noted.get((one.provider, cap_breach(one.cap.code, one.last_day))),
        }
        for one in found
    ]


def use_json(one: Use) -> dict[str, Any]:
    """A use of a cap as views show it."""
    return {
        "provider": one.provider,
        "month": one.month.isoformat()[:7],
        "cap": one.cap.code,
        "status": one.cap.status,
        "period": one.cap.period,
        "reported": money_text(one.done, one.cap.unit),
        "most": money_text(one.cap.amount, one.cap.unit),
        "orders": one.orders,
        "exceeded": one.exceeded,
        "period_end": one.last_day.isoformat(),
    }
