"""The work of those who license: open files with whose turn it is, since when, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.tables import institution
from amanat.jurisdictions.licensing import LicensingPack, Step
from amanat.licensing.commands import WorkAsked
from amanat.licensing.finding import matching, names_of, own_or_consulted
from amanat.licensing.model import APPLICANT, AUTHORITY_CAPACITY, CONSULTED
from amanat.licensing.openness.grounds import recusals_of
from amanat.licensing.path import Mover
from amanat.licensing.records import mover_of, pack_of
from amanat.licensing.tables import (
    consultation,
    file_question,
    file_step,
    licensing_file,
)
from amanat.licensing.views import sees_all

NOBODY = ""
"""No provider's code: as what somebody acts on everybody's files."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What a file has been through: its last step, and who did which act on it."""

    since: str
    person: str
    authors: frozenset[tuple[str, str]]


@view("licensing_work")
def licensing_work(query: WorkAsked, context: ViewContext) -> dict[str, Any]:
    """Open files, the most urgent first, with whose turn it is and what oneself may do.

    To who licenses or audits all that were submitted, but of providers from which they are
    recused; who is consulted sees what waits for its answer; a provider its own.  `turn` is whose
    it is: `authority`, `applicant`, `consulted`, or another capacity.  `mine` are the acts that the
    reader may do next, as far as stage and role say; `own_work` those that another must do.
    """
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    wanted = _wanted(query, context, pack)
    rows = context.connection.execute(
        wanted.order_by(licensing_file.c.due_on.nulls_last(), licensing_file.c.id)
        .offset(query.start)
        .limit(query.limit + 1)
    ).all()
    page = rows[: query.limit]
    return {
        "rows": _work(context, pack, page),
        "next": query.start + query.limit if len(rows) > query.limit else None,
        "stages": _stages(wanted, context),
    }


def _wanted(query: WorkAsked, context: ViewContext, pack: LicensingPack) -> sql.Select[Any]:
    assert context.actor is not None
    file = licensing_file.c
    wanted = sql.select(licensing_file).where(
        file.programme == context.programme, file.closed_on.is_(None)
    )
    if sees_all(context, pack):
        # What an applicant still writes is no work of those who license.
        written = [one.initial for one in pack.files if one.forms]
        wanted = wanted.where(sql.or_(file.submitted_on.is_not(None), file.stage.not_in(written)))
    else:
        waits = consultation.c.answered_at.is_(None)
        wanted = wanted.where(own_or_consulted(context, waits))
    away = recusals_of(context.connection, context.programme, context.actor.person)
    if away:
        wanted = wanted.where(file.provider.not_in(list(away)))
    for column, value in ((file.kind, query.kind), (file.stage, query.stage)):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.mine:
        wanted = wanted.where(file.officer == context.actor.person)
    if query.overdue:
        wanted = wanted.where(file.due_on < context.business_date.isoformat())
    if query.words:
        named = (institution.c.programme == file.programme) & (institution.c.code == file.provider)
        wanted = wanted.join(institution, named).where(
            matching(query.words, file.number, institution.c.name)
        )
    return wanted


def _stages(wanted: sql.Select[Any], context: ViewContext) -> list[dict[str, Any]]:
    """How many of the files stand where, and how many of these are overdue."""
    file = licensing_file.c
    late = sql.case((file.due_on < context.business_date.isoformat(), 1), else_=0)
    counted = wanted.with_only_columns(
        file.kind, file.stage, sql.func.count(), sql.func.sum(late)
    ).group_by(file.kind, file.stage)
    return [
        {"kind": kind, "stage": stage, "files": files, "overdue": int(overdue)}
        for kind, stage, files, overdue in context.connection.execute(
            counted.order_by(file.kind, file.stage)
        )
    ]


def _work(
    context: ViewContext, pack: LicensingPack, rows: Iterable[Row[Any]]
) -> list[dict[str, Any]]:
    assert context.actor is not None
    found = list(rows)
    if not found:
        return []  # also where nobody licenses
    mover = mover_of(context.connection, context.programme, pack, context.actor, NOBODY)
    ids = [row.id for row in found]
    names = names_of(context, {row.provider for row in found})
    gone, asked, consulted = _gone(context, ids), _asked(context, ids), _consulted(context, ids)
    today = context.business_date
    shown = []
    for row in found:
        past = gone.get(row.id, Gone(row.opened_on, "", frozenset()))
        shown.append(
            {
                "file": row.number,
                "kind": row.kind,
                "provider": row.provider,
                "name": names[row.provider],
                "stage": row.stage,
                "categories": list(row.categories),
                "opened_on": row.opened_on,
                "submitted_on": row.submitted_on,
                "since": past.since,
                "days_in_stage": (today - date.fromisoformat(past.since)).days,
                "last_by": past.person or None,
                # On whose desk it lies is the authority's own affair.
                "officer": row.officer if AUTHORITY_CAPACITY in mover.capacities else None,
                "due_on": row.due_on,
                "due_clock": row.due_clock,
                "overdue": row.due_on is not None and row.due_on < today.isoformat(),
                "questions_open": asked.get(row.id, 0),
                "consultations_open": consulted.get(row.id, []),
                **_turn(context, pack, mover, row, past, asked, consulted),
            }
        )
    return shown


def _turn(
    context: ViewContext,
    pack: LicensingPack,
    mover: Mover,
    row: Row[Any],
    past: Gone,
    asked: Mapping[str, int],
    consulted: Mapping[str, list[str]],
) -> dict[str, Any]:
    """Whose turn it is, and what of it is the reader's."""
    assert context.actor is not None
    steps = [
        one
        for one in pack.steps
        if one.file == row.kind and row.stage in one.from_stages and one.act != "SaveSection"
    ]
    if context.actor.institution == row.provider:
        mover = replace(mover, capacities=mover.capacities | {APPLICANT})
    mine = [one for one in steps if mover.acts_as(one.capacity) and mover.role in one.roles]
    others = [one for one in mine if _did(past, mover, one)]
    return {
        "turn": _whose(steps, bool(asked.get(row.id)), bool(consulted.get(row.id))),
        "mine": _acts(one for one in mine if one not in others),
        "own_work": _acts(others),
    }


def _did(past: Gone, mover: Mover, step: Step) -> bool:
    return any((act, mover.person) in past.authors for act in step.not_by)


def _acts(steps: Iterable[Step]) -> list[str]:
    return list(dict.fromkeys(one.act for one in steps))


def _whose(steps: list[Step], asked: bool, consulted: bool) -> str | None:
    """The capacity that is waited for: who was asked, else who was consulted, else who moves it."""
    if asked:
        return APPLICANT
    if consulted:
        return CONSULTED
    moving = [one.capacity for one in steps if one.to and one.act != "WithdrawFile"]
    if AUTHORITY_CAPACITY in moving:
        return AUTHORITY_CAPACITY
    return moving[0] if moving else None


def _gone(context: ViewContext, ids: list[str]) -> dict[str, Gone]:
    table = file_step
    rows = context.connection.execute(
        sql.select(
            table.c.file,
            table.c.act,
            table.c.person,
            table.c.from_stage,
            table.c.to_stage,
            table.c.recorded_on,
        )
        .where(table.c.file.in_(ids))
        .order_by(table.c.id)
    )
    found: dict[str, Gone] = {}
    for row in rows:
        past = found.get(row.file)
        moved = past is None or row.from_stage != row.to_stage
        found[row.file] = Gone(
            row.recorded_on if moved or past is None else past.since,
            row.person,
            (past.authors if past else frozenset()) | {(row.act, row.person)},
        )
    return found


def _asked(context: ViewContext, ids: list[str]) -> dict[str, int]:
    """How many questions to the applicant of each file are open."""
    rows = context.connection.execute(
        sql.select(file_question.c.file, sql.func.count().label("open"))
        .where(file_question.c.file.in_(ids), file_question.c.answered_at.is_(None))
        .group_by(file_question.c.file)
    )
    return {one.file: one.open for one in rows}


def _consulted(context: ViewContext, ids: list[str]) -> dict[str, list[str]]:
    """Which stakeholders have not answered yet, by file."""
    rows = context.connection.execute(
        sql.select(consultation.c.file, consultation.c.stakeholder)
        .where(consultation.c.file.in_(ids), consultation.c.answered_at.is_(None))
        .order_by(consultation.c.id)
    )
    found: dict[str, list[str]] = {}
    for file, stakeholder in rows:
        found.setdefault(file, []).append(stakeholder)
    return found
