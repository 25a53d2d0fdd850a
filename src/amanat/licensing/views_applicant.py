"""What an applicant sees of its own files: forms and answers, stage, questions, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import Query, ViewContext, view
from amanat.core.errors import NotFound
from amanat.jurisdictions.licensing import FileKind, LicensingPack
from amanat.licensing.commands import FileAsked
from amanat.licensing.deriving import APPLICANT as APPLICANT_STATUS
from amanat.licensing.forms.filling import answers_of, digests_of
from amanat.licensing.model import APPLICANT, Completeness
from amanat.licensing.records import pack_of, questions_of
from amanat.licensing.standing import standings
from amanat.licensing.tables import decision, file_question, file_step, licensing_file
from amanat.licensing.timing import clock_json, clocks_of_file


class MyFilesAsked(Query):
    """The files of one's own institution."""


@view("my_files")
def my_files(_query: MyFilesAsked, context: ViewContext) -> dict[str, Any]:
    """The files of one's own institution, newest first, and which kinds it may open now.

    `questions_open` counts the questions that wait for its answer; `known` says whether it is
    entered as a provider, and so has said where its head is.
    """
    assert context.actor is not None
    connection, own = context.connection, context.actor.institution
    pack = pack_of(connection, context.programme)
    rows = connection.execute(
        sql.select(licensing_file)
        .where(licensing_file.c.programme == context.programme, licensing_file.c.provider == own)
        .order_by(licensing_file.c.id.desc())
    ).all()
    waiting = {
        row.file: row.waiting
        for row in connection.execute(
            sql.select(file_question.c.file, sql.func.count().label("waiting"))
            .where(
                file_question.c.file.in_([row.id for row in rows]),
                file_question.c.answered_at.is_(None),
            )
            .group_by(file_question.c.file)
        )
    }
    standing = standings(connection, context.programme, context.business_date, [own]).get(own)
    status = standing.status if standing else APPLICANT_STATUS
    return {
        "files": [_head(pack, row) | {"questions_open": waiting.get(row.id, 0)} for row in rows],
        "kinds": _openable(context, pack, rows, status),
        "categories": [{"code": one.code, "title": one.title} for one in pack.categories],
        "known": standing is not None,
        "status": status,
    }


def _openable(
    context: ViewContext, pack: LicensingPack, rows: Sequence[Row[Any]], status: str
) -> list[dict[str, str]]:
    """Kinds of file that the path lets this provider open, and of which none is open."""
    assert context.actor is not None
    if APPLICANT not in context.actor.capacities:
        return []
    still_open = {row.kind for row in rows if row.closed_on is None}
    return [
        {"kind": step.file, "title": pack.file(step.file).title}
        for step in pack.steps
        if step.act == "OpenFile"
        and step.file not in still_open
        and (not step.statuses or status in step.statuses)
    ]


def _head(pack: LicensingPack, row: Row[Any]) -> dict[str, Any]:
    kind = pack.file(row.kind)
    return {
        "file": row.number,
        "kind": row.kind,
        "title": kind.title,
        "stage": row.stage,
        "final": row.stage in kind.final,
        "fillable": _may(pack, kind, row.stage, "SaveSection"),
        "categories": row.categories,
        "opened_on": row.opened_on,
        "submitted_on": row.submitted_on,
        "closed_on": row.closed_on,
    }


def _may(pack: LicensingPack, kind: FileKind, stage: str, act: str) -> bool:
    """Whether the path has this step from a stage."""
    return any(
        one.file == kind.code and one.act == act and stage in one.from_stages for one in pack.steps
    )


@view("application")
def application(query: FileAsked, context: ViewContext) -> dict[str, Any]:
    """A file of one's own institution: answers by form, what happened, questions, the decision.

    Refuses `NotFound`, also for the files of others.
    """
    connection, pack = context.connection, pack_of(context.connection, context.programme)
    row = connection.execute(
        sql.select(licensing_file).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.number == query.file,
        )
    ).one_or_none()
    if row is None or context.actor is None or row.provider != context.actor.institution:
        raise NotFound(thing="file", value=query.file)
    kind = pack.file(row.kind)
    answers, digests = answers_of(connection, row.id), digests_of(connection, row.id)
    return _head(pack, row) | {
        "pack": pack.code,
        "stages": list(kind.stages),
        "withdrawable": _may(pack, kind, row.stage, "WithdrawFile"),
        "forms": [
            {
                "form": code,
                "answers": answers.get(code, {}),
                "digests": digests.get(code, {}),
            }
            for code in kind.forms
        ],
        "steps": _steps(context, row),
        "questions": [_question(one) for one in questions_of(connection, row.id)],
        "returned": _returned(context, row),
        "due": _due(context, pack, row),
        "decision": _decision(context, row),
    }


def _steps(context: ViewContext, row: Row[Any]) -> list[dict[str, Any]]:
    """When the file came to which stage; what the authority says among itself is not among it."""
    rows = context.connection.execute(
        sql.select(file_step).where(file_step.c.file == row.id).order_by(file_step.c.id)
    )
    return [
        {"act": one.act, "stage": one.to_stage, "on": one.recorded_on}
        for one in rows
        if one.to_stage != one.from_stage
    ]


def _returned(context: ViewContext, row: Row[Any]) -> dict[str, Any] | None:
    """What the authority found missing when it returned the file, until it is submitted again."""
    # Without a limit, for which a database would look through all steps by their ids.
    found = context.connection.execute(
        sql.select(file_step)
        .where(file_step.c.file == row.id, file_step.c.from_stage != file_step.c.to_stage)
        .order_by(file_step.c.id)
    ).all()
    last = found[-1] if found else None
    if last is None or last.outcome != Completeness.INCOMPLETE.value:
        return None
    return {"on": last.recorded_on, "missing": (last.reason or "").split("\n")}


def _due(context: ViewContext, pack: LicensingPack, row: Row[Any]) -> list[dict[str, Any]]:
    """The clocks of the file that run or stand still."""
    found = clocks_of_file(context.connection, pack, row, context.business_date)
    return [one for one in map(clock_json, found) if one["ended_on"] is None]


def _question(row: Row[Any]) -> dict[str, Any]:
    return {
        "question": row.id,
        "text": row.text,
        "form": row.form,
        "section": row.section,
        "asked_on": row.recorded_on,
        "answer": row.answer,
        "answered_on": row.answered_on,
    }


def _decision(context: ViewContext, row: Row[Any]) -> dict[str, Any] | None:
    found = context.connection.execute(
        sql.select(decision).where(decision.c.file == row.id).order_by(decision.c.id.desc())
    ).first()
    if found is None:
        return None
    return {
        "outcome": found.outcome,
        "law": found.law,
        "reasons": found.reasons,
        "appeal_until": found.appeal_until,
        "on": found.recorded_on,
    }
