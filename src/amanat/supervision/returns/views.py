"""Returns, what was refused, and data quality: to an exchange its own, to the authorities all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.licensing.model import APPLICANT
from amanat.supervision.identities.model import AUDITOR, FIU, SUPERVISES
from amanat.supervision.returns.commands import (
    ErrorsAsked,
    QualityAsked,
    RefusedAsked,
    ReturnAsked,
    ReturnsAsked,
    SpecificationAsked,
)
from amanat.supervision.returns.publishing import columns_of, described, schemas
from amanat.supervision.returns.quality import parts_of, score_of
from amanat.supervision.returns.specification import NAME, RECORDS, RULES, VERSION
from amanat.supervision.returns.tables import manifest, refused


def _theirs(context: ViewContext, column: sql.ColumnElement[str]) -> sql.ColumnElement[bool]:
    """All rows to supervisor, unit and auditor; to an exchange its own; to others none."""
    if context.sees(SUPERVISES, FIU, AUDITOR):
        return sql.true()
    if context.actor is None or not context.sees(APPLICANT):
        return sql.false()
    return column == context.actor.institution


@view("returns")
def returns(query: ReturnsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Accepted returns, the newest first, with what superseded them.

    To an exchange its own, to the authorities and the auditor those of all.
    """
    table = manifest
    wanted = sql.select(table).where(
        table.c.programme == context.programme, _theirs(context, table.c.exchange)
    )
    if query.exchange is not None:
        wanted = wanted.where(table.c.exchange == query.exchange)
    if query.first_day is not None:
        wanted = wanted.where(table.c.last_day >= query.first_day.isoformat())
    if query.last_day is not None:
        wanted = wanted.where(table.c.first_day <= query.last_day.isoformat())
    if query.in_force is not None:
        former = table.c.superseded_by
        wanted = wanted.where(former.is_(None) if query.in_force else former.is_not(None))
    rows = context.connection.execute(wanted.order_by(table.c.id.desc()).limit(query.limit))
    return [
        {
            "return": row.id,
            "exchange": row.exchange,
            "sequence": row.sequence,
            "first_day": row.first_day,
            "last_day": row.last_day,
            "scope": row.scope,
            "transactions": row.rows,
            "in_force": row.superseded_by is None,
            "superseded_by": row.superseded_by,
            "received_at": row.received_at,
            "score": score_of(row.quality, corrected=row.superseded_by is not None),
            "digest": row.digest,
            "id_sum": row.id_sum,
        }
        for row in rows
    ]


@view("accepted_return")
def accepted_return(query: ReturnAsked, context: ViewContext) -> dict[str, Any]:
    """One accepted return: what it holds, its control totals, its score, what it corrects.

    To an exchange its own, to the authorities and the auditor those of all.  `totals` is empty of a
    return that was accepted before they were kept.  Refuses `NotFound`.
    """
    table = manifest
    row = context.connection.execute(
        sql.select(table, institution.c.name.label("exchange_name"))
        .join(
            institution,
            sql.and_(
                institution.c.programme == table.c.programme,
                institution.c.code == table.c.exchange,
            ),
        )
        .where(
            table.c.programme == context.programme,
            table.c.id == query.accepted,
            _theirs(context, table.c.exchange),
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="return", value=query.accepted)
    corrected = row.superseded_by is not None
    return {
        "return": row.id,
        "exchange": row.exchange,
        "exchange_name": row.exchange_name,
        "person": row.person,
        "sequence": row.sequence,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "scope": row.scope,
        "in_force": not corrected,
        "received_at": row.received_at,
        "settled_at": row.settled_at,
        "due_on": row.quality.get("due_on"),
        "transactions": row.rows,
        "digest": row.digest,
        "id_sum": row.id_sum,
        "score": score_of(row.quality, corrected=corrected),
        "parts": [
            {"part": one.part, "points": one.points, "at_most": one.of, "because": one.because}
            for one in parts_of(row.quality, corrected=corrected)
        ],
        "contents": [{"record": name, "rows": count} for name, count in row.received.items()],
        "totals": _totals(row.totals or {}),
        "corrections": _corrections(context, row),
        "refused": _refused_before(context, row),
    }


def _totals(kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Of each kind what was stated and what was counted, and of all."""
    stated, counted = kept.get("stated", {}), kept.get("counted", {})
    nothing = {"rows": 0, "minor": "0"}
    rows = [
        {
            "kind": kind,
            "rows_stated": stated.get(kind, nothing)["rows"],
            "rows_counted": counted.get(kind, nothing)["rows"],
            "stated_minor": stated.get(kind, nothing)["minor"],
            "counted_minor": counted.get(kind, nothing)["minor"],
        }
        for kind in sorted({*stated, *counted})
    ]
    if rows:
        whole: dict[str, Any] = {"kind": "all"}
        for name in ("rows_stated", "rows_counted"):
            whole[name] = sum(one[name] for one in rows)
        for name in ("stated_minor", "counted_minor"):
            whole[name] = str(sum(int(one[name]) for one in rows))
        rows.append(whole)
    return rows


def _corrections(context: ViewContext, row: Row[Any]) -> list[dict[str, Any]]:
    """The returns of the same days, this one among them, each in the place of the one before."""
    table = manifest
    rows = context.connection.execute(
        sql.select(table)
        .where(
            table.c.programme == context.programme,
            table.c.exchange == row.exchange,
            table.c.first_day == row.first_day,
            table.c.last_day == row.last_day,
        )
        .order_by(table.c.sequence)
    ).all()
    if len(rows) == 1:
        return []
    return [
        {
            "return": one.id,
            "sequence": one.sequence,
            "scope": one.scope,
            "transactions": one.rows,
            "received_at": one.received_at,
            "in_force": one.superseded_by is None,
            "reason": one.reason or "",
        }
        for one in rows
    ]


def _refused_before(context: ViewContext, row: Row[Any]) -> list[dict[str, Any]]:
    """Refused returns of the same number."""
    table = refused
    rows = context.connection.execute(
        sql.select(table)
        .where(
            table.c.programme == context.programme,
            table.c.exchange == row.exchange,
            table.c.sequence == row.sequence,
        )
        .order_by(table.c.id)
    )
    return [_refused_row(one) for one in rows]


@view("refused_returns")
def refused_returns(query: RefusedAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Refused returns, the newest first: how many errors of which rules; nothing else was kept."""
    table = refused
    wanted = sql.select(table).where(
        table.c.programme == context.programme, _theirs(context, table.c.exchange)
    )
    if query.exchange is not None:
        wanted = wanted.where(table.c.exchange == query.exchange)
    rows = context.connection.execute(wanted.order_by(table.c.id.desc()).limit(query.limit))
    return [_refused_row(row) for row in rows]


def _refused_row(row: Row[Any]) -> dict[str, Any]:
    return {
        "refused": row.id,
        "exchange": row.exchange,
        "sequence": row.sequence,
        "errors": row.errors,
        "rules": ", ".join(f"{name} {count}" for name, count in row.by_rule.items()),
        "received_at": row.received_at,
        "digest": row.digest,
    }


@view("return_errors")
def return_errors(query: ErrorsAsked, context: ViewContext) -> dict[str, Any]:
    """The errors of a refused return: file, row, column, rule; values but those of persons."""
    table = refused
    row = context.connection.execute(
        sql.select(table).where(
            table.c.programme == context.programme,
            table.c.id == query.refused,
            _theirs(context, table.c.exchange),
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="refused return", value=query.refused)
    return {
        "refused": row.id,
        "exchange": row.exchange,
        "sequence": row.sequence,
        "errors": row.errors,
        "shown": len(row.shown),
        "rows": [one | {"says": RULES.get(one["rule"], "")} for one in row.shown],
    }


@view("data_quality")
def data_quality(query: QualityAsked, context: ViewContext) -> list[dict[str, Any]]:
    """The data quality of returns over time, out of a hundred.

    40 for being in time, less 4 for each day late; 30 for the share of values that may be absent
    and are there; 30 for being right at once, shared by the refusals before; less 20 where the
    return was corrected.
    """
    table = manifest
    wanted = sql.select(table).where(
        table.c.programme == context.programme, _theirs(context, table.c.exchange)
    )
    if query.exchange is not None:
        wanted = wanted.where(table.c.exchange == query.exchange)
    order = (table.c.exchange, table.c.sequence.desc())
    rows = context.connection.execute(wanted.order_by(*order).limit(query.limit))
    return [
        {
            "exchange": row.exchange,
            "last_day": row.last_day,
            "sequence": row.sequence,
            "score": score_of(row.quality, corrected=row.superseded_by is not None),
            "due_on": row.quality.get("due_on"),
            "days_late": row.quality.get("days_late", 0),
            "complete_tenths_of_percent": row.quality.get("completeness", 0),
            "refused_before": row.quality.get("refused_before", 0),
            "corrected": row.superseded_by is not None,
        }
        for row in rows
    ]


@view("return_specification", public=True)
def return_specification(query: SpecificationAsked, context: ViewContext) -> dict[str, Any]:
    """What a return holds: every column of every record, and the JSON Schemas of all files."""
    del context
    if query.record is not None and query.record not in RECORDS:
        raise NotFound(thing="record of a return", value=query.record)
    wanted = [one for name, one in RECORDS.items() if query.record in (None, name)]
    return {
        "specification": NAME,
        "version": VERSION,
        "rows": [row for one in wanted for row in columns_of(one)],
        "rules": [{"rule": name, "says": says} for name, says in RULES.items()],
        "schemas": {name: schema for name, schema in schemas().items() if described(name, wanted)},
    }
