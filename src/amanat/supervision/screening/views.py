"""What the desk of screening sees: the queue of hits, lists and their versions, runs, freezes.

All of it is for the institutions that screen.  An exchange sees the orders to itself; anybody else
sees nothing, and is answered as if there were nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.actors import Role
from amanat.access.acts import ViewContext, view
from amanat.core.errors import NotFound
from amanat.jurisdictions.screening import load_screening
from amanat.licensing.records import pack_of
from amanat.register.tables import hold
from amanat.supervision.screening import tables
from amanat.supervision.screening.acts_hits import standing
from amanat.supervision.screening.acts_lists import SCREENS
from amanat.supervision.screening.commands import (
    FreezesAsked,
    HitAsked,
    HitsAsked,
    ListsAsked,
    RunsAsked,
)
from amanat.supervision.screening.explaining import explained
from amanat.supervision.screening.freezing import (
    IN_FORCE,
    accounts_not_ordered,
    changes_of,
    expenses_left,
    listings_of,
    names_of,
    orders_of,
    state_on,
)
from amanat.supervision.screening.model import (
    DECIDED,
    FreezeOrderState,
    FreezeState,
    Grade,
    HitState,
)
from amanat.supervision.screening.running import behind

_HIDDEN = {"programme", "content", "entry_digest", "evidence_digest"}


def _plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in _HIDDEN}


def _decided(row: Any) -> dict[str, Any]:
    shown = _plain(row)
    return {"id": shown.pop("id"), "disposition": shown.pop("verdict"), **shown}


def _standing(context: ViewContext) -> sql.ColumnElement[str]:
    """The state of a hit as `standing` says it."""
    hit, day = tables.hit, context.business_date.isoformat()
    lapsed = sql.and_(hit.c.state.in_(DECIDED), hit.c.decided_until < day)
    return sql.case((lapsed, HitState.OPEN.value), else_=hit.c.state)


def _queue_row(context: ViewContext, row: Row[Any]) -> dict[str, Any]:
    found = datetime.fromisoformat(row.found_on).date()
    verdicts = {one["feature"]: one["verdict"] for one in row.evidence}
    return {
        "hit": row.id,
        "party": row.party,
        "roles": row.roles,
        "list": row.list,
        "reference": row.reference,
        "listed": next((one["listed"] for one in row.evidence if one["feature"] == "name"), ""),
        "topics": row.topics,
        "grade": Grade(row.grade).name.lower(),
        "grade_number": row.grade,
        "strength": row.strength,
        "name_permille": row.name_permille,
        "agrees": sorted(name for name, verdict in verdicts.items() if verdict == "agrees"),
        "disagrees": sorted(name for name, verdict in verdicts.items() if verdict == "disagrees"),
        "state": standing(row, context.business_date),
        "decided_until": row.decided_until,
        "found_on": row.found_on,
        "age_days": (context.business_date - found).days,
    }


@view("screening_hits")
def screening_hits(query: HitsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Hits by grade, the strongest evidence first and between equals the older; to who screens."""
    if not context.sees(*SCREENS):
        return []
    hit = tables.hit
    wanted = (
        sql.select(hit)
        .where(hit.c.programme == context.programme)
        .order_by(hit.c.grade, hit.c.strength.desc(), hit.c.found_at, hit.c.id)
        .limit(query.limit)
    )
    for column, value in (
        (_standing(context), query.state and query.state.value),
        (hit.c.list, query.list),
        (hit.c.party, query.party),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    return [_queue_row(context, row) for row in context.connection.execute(wanted)]


@view("screening_hit")
def screening_hit(query: HitAsked, context: ViewContext) -> dict[str, Any]:
    """A hit, explained feature by feature, the entry, and every decision.  Refuses `NotFound`."""
    hit = tables.hit
    row = context.connection.execute(
        sql.select(hit).where(hit.c.programme == context.programme, hit.c.id == query.hit)
    ).one_or_none()
    if row is None or not context.sees(*SCREENS):
        raise NotFound(thing="hit", value=query.hit)
    entry = tables.list_entry
    listed = context.connection.execute(
        sql.select(entry.c.content, entry.c.since, entry.c.until)
        .where(
            entry.c.programme == context.programme,
            entry.c.list == row.list,
            entry.c.reference == row.reference,
            entry.c.digest == row.entry_digest,
        )
        .order_by(entry.c.id.desc())
        .limit(1)
    ).one_or_none()
    decided = context.connection.execute(
        sql.select(tables.disposition)
        .where(tables.disposition.c.hit == row.id)
        .order_by(tables.disposition.c.id)
    )
    return {
        **_queue_row(context, row),
        "score_permille": row.score_permille,
        "explanation": explained(row.evidence),
        "features": row.features,
        "entry": None if listed is None else listed.content,
        "dispositions": [_decided(one) for one in decided],
    }


@view("screening_lists")
def screening_lists(query: ListsAsked, context: ViewContext) -> dict[str, Any]:
    """Lists, their versions, newest first, and how many parties wait for a run; to who screens."""
    if not context.sees(*SCREENS):
        return {"lists": [], "versions": [], "parties_behind": 0}
    pack = load_screening(pack_of(context.connection, context.programme).code)
    table = tables.list_version
    columns = [one for one in table.c if one.name != "content"]
    wanted = (
        sql.select(*columns)
        .where(table.c.programme == context.programme)
        .order_by(table.c.id.desc())
        .limit(500)
    )
    if query.list is not None:
        wanted = wanted.where(table.c.list == query.list)
    return {
        "lists": [
            {"list": one.code, "title": one.title, "format": one.format, "topic": one.topic,
             "authority": one.authority, "basis": one.basis}
            for one in pack.lists
        ],
        "versions": [_plain(row) for row in context.connection.execute(wanted)],
        "parties_behind": behind(context.connection, context.programme),
    }  # fmt: skip


@view("screening_runs")
def screening_runs(query: RunsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Runs, newest first, with hits that were new, are gone, or opened again; to who screens."""
    if not context.sees(*SCREENS):
        return []
    table = tables.run
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == context.programme)
        .order_by(table.c.ran_at.desc(), table.c.id.desc())
        .limit(query.limit)
    )
    return [_plain(row) for row in rows]


# -- freezes --------------------------------------------------------------------------------------


@view("freezes")
def freezes(query: FreezesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Freezes with orders, clocks and licences, to who screens; to an exchange its own orders.

    `delisted`: in force, though the party is on no list any more; somebody has to release it.
    Who only reads along for an exchange is shown none.
    """
    table = tables.freeze
    wanted = (
        sql.select(table)
        .where(table.c.programme == context.programme)
        .order_by(table.c.id.desc())
        .limit(500)
    )
    if query.freeze is not None:
        wanted = wanted.where(table.c.number == query.freeze)
    if context.sees(*SCREENS):
        return [_whole(context, row) for row in context.connection.execute(wanted)]
    if context.actor is None or context.actor.role is Role.VIEWER:
        return []
    own = context.actor.institution
    found = []
    for row in context.connection.execute(
        wanted.where(
            table.c.id.in_(
                sql.select(tables.freeze_order.c.freeze).where(
                    tables.freeze_order.c.programme == context.programme,
                    tables.freeze_order.c.exchange == own,
                )
            )
        )
    ):
        order = next(one for one in orders_of(context.connection, row.id) if one.exchange == own)
        found.append(_to_exchange(context, row, order))
    return found


def _whole(context: ViewContext, row: Row[Any]) -> dict[str, Any]:
    changes = changes_of(context.connection, row.id)
    holds = context.connection.execute(
        sql.select(hold.c.id, hold.c.account, hold.c.isin, hold.c.state)
        .where(hold.c.programme == context.programme, hold.c.order_hash == row.order_hash)
        .order_by(hold.c.id)
    )
    state = state_on(row, context.business_date)
    return _plain(row) | {
        "state": state,
        "accounts_not_ordered": accounts_not_ordered(
            context.connection, context.programme, names_of(row), context.business_date
        )
        if state in IN_FORCE
        else 0,
        "delisted": state in IN_FORCE
        and not listings_of(context.connection, context.programme, row),
        "orders": [_plain(one) for one in orders_of(context.connection, row.id)],
        "changes": [_plain(one) for one in changes],
        "holds": [_plain(one) for one in holds],
        "expenses_left": _left(context, changes),
    }


def _to_exchange(context: ViewContext, row: Row[Any], order: Row[Any]) -> dict[str, Any]:
    """What an exchange may know: what it has to do, by which law, until when."""
    return {
        "number": row.number,
        "authority": row.authority,
        "law": row.law,
        "order_hash": row.order_hash,
        "until": row.until,
        "state": _own_state(context, row, order),
        "ordered_at": row.ordered_at,
        "accounts": order.accounts,
        "order_state": order.state,
        "acknowledge_by": order.acknowledge_by,
        "acknowledged_at": order.acknowledged_at,
        "owes_acknowledgement": order.state == FreezeOrderState.ORDERED.value,
        "frozen_accounts": order.frozen_accounts,
        "frozen_value": order.frozen_value,
        "currency": order.currency,
        "expenses_left": _left(context, changes_of(context.connection, row.id)),
        "released_at": row.released_at,
    }


def _own_state(context: ViewContext, row: Row[Any], order: Row[Any]) -> str:
    """How a freeze stands for one exchange: that others have yet to carry it out does not show."""
    state = state_on(row, context.business_date)
    if state not in IN_FORCE:
        return state
    waits = order.state == FreezeOrderState.ORDERED.value
    return (FreezeState.ORDERED if waits else FreezeState.SERVED).value


def _left(context: ViewContext, changes: list[Row[Any]]) -> dict[str, int]:
    currencies = sorted({one.currency for one in changes if one.currency})
    return {one: expenses_left(changes, one, context.business_date) for one in currencies}
