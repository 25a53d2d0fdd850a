"""What may be seen of licensing.

The authority and the auditor see every file; who is consulted sees the files that it is consulted
on; a provider sees its own and nobody else's.  Who confirms facts sees providers, not their files.
Of whom a permission was granted, the register says so to everyone (`views_register`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.effects import refusal_json
from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.jurisdictions.licensing import LicensingPack
from amanat.licensing.caps import limits_json
from amanat.licensing.commands import FileAsked, FilesAsked, ProviderAsked, ProvidersAsked
from amanat.licensing.deriving import Standing
from amanat.licensing.finding import matching, names_of, own_or_consulted
from amanat.licensing.forms.filling import answers_of
from amanat.licensing.model import CONFIRMS
from amanat.licensing.openness.grounds import recusals_of, require_not_recused
from amanat.licensing.path import Situation, open_steps
from amanat.licensing.records import (
    authority_of,
    authors_of,
    confirmations_of,
    facts_of_file,
    facts_of_provider,
    is_provider,
    mover_of,
    pack_of,
    questions_of,
)
from amanat.licensing.standing import standings
from amanat.licensing.tables import (
    condition,
    consultation,
    decision,
    direction,
    file_document,
    file_review,
    file_step,
    licensing_file,
    permission,
    permission_change,
    provider,
    recommendation,
    reporting_entity,
)
from amanat.licensing.timing import clock_json, clocks_of_file
from amanat.participants.model import UnknownClass


def sees_all(context: ViewContext, pack: LicensingPack) -> bool:
    """Whether the actor's institution licenses, or audits."""
    if context.actor is None:
        return False
    if context.sees("auditor"):
        own = context.actor.institution
        return not is_provider(context.connection, context.programme, own)
    try:
        authority = authority_of(context.connection, context.programme, pack)
    except UnknownClass:
        return False
    return context.actor.institution == authority


def consulted_on(context: ViewContext) -> sql.Select[Any]:
    """Ids of the files on which the actor's institution is or was consulted, if it applies not."""
    assert context.actor is not None
    if is_provider(context.connection, context.programme, context.actor.institution):
        return sql.select(consultation.c.file).where(sql.false())
    return sql.select(consultation.c.file).where(
        consultation.c.programme == context.programme,
        consultation.c.consulted == context.actor.institution,
    )


# -- files ----------------------------------------------------------------------------------------


@view("files")
def files(query: FilesAsked, context: ViewContext) -> list[dict[str, Any]]:
    """A page of the files that one may see, newest first."""
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    # Names are looked up for the page alone: joined here, databases would read every file.
    wanted = sql.select(licensing_file).where(licensing_file.c.programme == context.programme)
    if not sees_all(context, pack):
        wanted = wanted.where(own_or_consulted(context))
    away = recusals_of(context.connection, context.programme, context.actor.person)
    if away:
        wanted = wanted.where(licensing_file.c.provider.not_in(list(away)))
    for column, value in (
        (licensing_file.c.kind, query.kind),
        (licensing_file.c.stage, query.stage),
        (licensing_file.c.provider, query.provider),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.open is not None:
        closed = licensing_file.c.closed_on
        wanted = wanted.where(closed.is_(None) if query.open else closed.is_not(None))
    if query.words:
        wanted = wanted.join(institution, _OF_PROVIDER).where(
            matching(
                query.words, licensing_file.c.number, institution.c.name, licensing_file.c.provider
            )
        )
    if query.after is not None:
        last = sql.select(licensing_file.c.id).where(
            licensing_file.c.programme == context.programme,
            licensing_file.c.number == query.after,
        )
        wanted = wanted.where(licensing_file.c.id < last.scalar_subquery())
    rows = context.connection.execute(
        wanted.order_by(licensing_file.c.id.desc()).limit(query.limit)
    ).all()
    names = names_of(context, {row.provider for row in rows})
    return [_head(row, names[row.provider], context) for row in rows]


def _files(context: ViewContext) -> sql.Select[Any]:
    return (
        sql.select(licensing_file, institution.c.name)
        .join(institution, _OF_PROVIDER)
        .where(licensing_file.c.programme == context.programme)
    )


_OF_PROVIDER = (institution.c.programme == licensing_file.c.programme) & (
    institution.c.code == licensing_file.c.provider
)


def _head(row: Row[Any], name: str, context: ViewContext) -> dict[str, Any]:
    today = context.business_date.isoformat()
    return {
        "file": row.number,
        "kind": row.kind,
        "provider": row.provider,
        "name": name,
        "stage": row.stage,
        "categories": list(row.categories),
        "opened_on": row.opened_on,
        "submitted_on": row.submitted_on,
        "closed_on": row.closed_on,
        "due_on": row.due_on,
        "due_clock": row.due_clock,
        "due_by": row.due_by,
        "overdue": row.due_on is not None and row.due_on < today,
    }


@view("file")
def one_file(query: FileAsked, context: ViewContext) -> dict[str, Any]:
    """One file with what happened to it, what is due, and what one may do now.

    The provider sees neither reviews nor consultations nor the recommendation; who is consulted
    sees its own consultation alone.  Refuses `NotFound`.
    """
    assert context.actor is not None
    connection, pack = context.connection, pack_of(context.connection, context.programme)
    row = connection.execute(
        _files(context).where(licensing_file.c.number == query.file)
    ).one_or_none()
    own = row is not None and row.provider == context.actor.institution
    whole = sees_all(context, pack)
    if row is None or not (own or whole or _consulted(context, row)):
        raise NotFound(thing="file", value=query.file)
    require_not_recused(context, row.provider)
    found = _head(row, row.name, context) | {
        "id": row.id,
        "permission": _permission_number(context, row.permission),
        "sections": answers_of(connection, row.id),
        "documents": _documents(context, row),
        "consultations": _consultations(context, row, whole),
        "next": _next(context, pack, row),
    }
    if whole or own:
        found |= {
            "questions": [_question(one) for one in questions_of(connection, row.id)],
            "clocks": [
                clock_json(one)
                for one in clocks_of_file(connection, pack, row, context.business_date)
            ],
            "decision": _decision(context, row),
        }
    if whole:
        found |= {
            "officer": row.officer,
            "steps": _rows(context, file_step, row.id),
            "reviews": _rows(context, file_review, row.id),
            "recommendations": _rows(context, recommendation, row.id),
        }
    return found


def _consulted(context: ViewContext, row: Row[Any]) -> bool:
    found = context.connection.execute(
        consulted_on(context).where(consultation.c.file == row.id).limit(1)
    )
    return found.first() is not None


def _rows(context: ViewContext, table: sql.Table, file_id: str) -> list[dict[str, Any]]:
    """Rows of a table about a file, in order, without what only the store needs."""
    rows = context.connection.execute(
        sql.select(table).where(table.c.file == file_id).order_by(table.c.id)
    )
    hidden = {"programme", "file", "id"}
    return [
        {name: value for name, value in row._mapping.items() if name not in hidden} for row in rows
    ]


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


def _documents(context: ViewContext, row: Row[Any]) -> list[dict[str, Any]]:
    rows = context.connection.execute(
        sql.select(file_document)
        .where(file_document.c.file == row.id, file_document.c.withdrawn_at.is_(None))
        .order_by(file_document.c.id)
    )
    return [
        {
            "document": one.id,
            "name": one.name,
            "digest": one.digest,
            "size": one.size,
            "media_type": one.media_type,
            "form": one.form,
            "section": one.section,
            "field": one.field,
            "received_on": one.recorded_on,
        }
        for one in rows
    ]


def _consultations(context: ViewContext, row: Row[Any], whole: bool) -> list[dict[str, Any]]:
    assert context.actor is not None
    query = sql.select(consultation).where(consultation.c.file == row.id)
    if not whole:
        query = query.where(consultation.c.consulted == context.actor.institution)
    rows = context.connection.execute(query.order_by(consultation.c.id))
    return [consultation_json(one) for one in rows]


def consultation_json(row: Row[Any]) -> dict[str, Any]:
    """A consultation as views show it."""
    return {
        "consultation": row.id,
        "stakeholder": row.stakeholder,
        "consulted": row.consulted,
        "question": row.question,
        "asked_on": row.recorded_on,
        "days": row.days,
        "position": row.position,
        "answer": row.answer,
        "answered_on": row.answered_on,
    }


def _decision(context: ViewContext, row: Row[Any]) -> dict[str, Any] | None:
    # Without a limit, for which a database would look through all decisions by their ids.
    found = context.connection.execute(
        sql.select(decision).where(decision.c.file == row.id).order_by(decision.c.id)
    ).all()
    return decision_json(found[-1]) if found else None


def decision_json(row: Row[Any]) -> dict[str, Any]:
    """A decision as it is published."""
    return {
        "outcome": row.outcome,
        "law": row.law,
        "section": row.section,
        "reasons": row.reasons,
        "criteria": row.criteria,
        "conflicts": row.conflicts,
        "conditions": list(row.conditions),
        "applicants": row.applicants,
        "appeal_until": row.appeal_until,
        "decided_on": row.recorded_on,
        "entry": row.entry,
    }


def _next(context: ViewContext, pack: LicensingPack, row: Row[Any]) -> list[dict[str, Any]]:
    """Steps that the actor could take from here, each with what stands in its way."""
    assert context.actor is not None
    connection, today = context.connection, context.business_date
    standing = standings(connection, context.programme, today, [row.provider])[row.provider]
    situation = Situation(
        kind=row.kind,
        file=row.number,
        stage=row.stage,
        provider=row.provider,
        status=standing.status,
        facts=facts_of_file(connection, pack, pack.file(row.kind), row, today)
        | facts_of_provider(connection, context.programme, row.provider, today),
        authors=authors_of(connection, row.id),
    )
    mover = mover_of(connection, context.programme, pack, context.actor, row.provider)
    return [
        {
            "act": step.act,
            "outcome": step.outcome or None,
            "to": step.to or row.stage,
            "section": step.section,
            "hindered_by": str(hindrance) if hindrance is not None else None,
            "hindrance": refusal_json(hindrance) if hindrance is not None else None,
        }
        for step, hindrance in open_steps(pack, situation, mover, day=today)
    ]


def _permission_number(context: ViewContext, identifier: str | None) -> str | None:
    if identifier is None:
        return None
    return str(
        context.connection.execute(
            sql.select(permission.c.number).where(permission.c.id == identifier)
        ).scalar_one()
    )


# -- providers ------------------------------------------------------------------------------------


@view("providers")
def providers(query: ProvidersAsked, context: ViewContext) -> list[dict[str, Any]]:
    """A page of providers, by number: to who licenses, audits, confirms or is consulted.

    Others see their own.  `status` is the public status as it follows from the permissions today.
    """
    assert context.actor is not None
    wanted = _providers(context)
    if not _sees_providers(context):
        wanted = wanted.where(provider.c.code == context.actor.institution)
    if query.words:
        wanted = wanted.where(matching(query.words, provider.c.code, institution.c.name))
    if query.status is not None:
        # A status that ends by itself may not be the one in the column any more.
        lapsed = provider.c.status_until < context.business_date.isoformat()
        wanted = wanted.where(sql.or_(provider.c.status == query.status, lapsed))
    found: list[dict[str, Any]] = []
    after = query.after
    while len(found) < query.limit:
        rows = context.connection.execute(
            wanted.where(provider.c.number > after).order_by(provider.c.number).limit(query.limit)
        ).all()
        if not rows:
            break
        after = rows[-1].number
        codes = [row.code for row in rows]
        now = standings(context.connection, context.programme, context.business_date, codes)
        found += [
            _provider(row, now[row.code])
            for row in rows
            if query.status in (None, now[row.code].status)
        ]
    return found[: query.limit]


def _sees_providers(context: ViewContext) -> bool:
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    if sees_all(context, pack):
        return True
    own = context.actor.institution
    return context.sees(CONFIRMS, "consulted", "registrar") and not is_provider(
        context.connection, context.programme, own
    )


def _providers(context: ViewContext) -> sql.Select[Any]:
    return (
        sql.select(provider, institution.c.name)
        .join(
            institution,
            (institution.c.programme == provider.c.programme)
            & (institution.c.code == provider.c.code),
        )
        .where(provider.c.programme == context.programme)
    )


def _provider(row: Row[Any], standing: Standing) -> dict[str, Any]:
    return {
        "provider": row.code,
        "number": row.number,
        "name": row.name,
        "country": row.country,
        "lei": row.lei,
        **standing_json(standing),
    }


def standing_json(standing: Standing) -> dict[str, Any]:
    """What a provider may do, as views show it."""
    return {
        "status": standing.status,
        "services": list(standing.services),
        "opens": sorted(standing.opens),
        "level": standing.level,
        "permissions": [
            {
                "permission": one.number,
                "kind": one.kind,
                "categories": list(one.categories),
                "since": one.since.isoformat(),
                "expires_on": one.expires_on.isoformat() if one.expires_on else None,
                "suspended": one.suspended,
            }
            for one in standing.held
        ],
        "suspensions": [
            {
                "level": one.level,
                "since": one.since.isoformat(),
                "law": one.law,
                "accounts": one.accounts,
                "until": one.until.isoformat() if one.until else None,
            }
            for one in standing.suspensions
        ],
    }


@view("provider")
def one_provider(query: ProviderAsked, context: ViewContext) -> dict[str, Any]:
    """One provider with its standing on a day, and what led to it.

    To the authority, the auditor, who confirms, and itself.  Refuses `NotFound`.
    """
    assert context.actor is not None
    row = context.connection.execute(
        _providers(context).where(provider.c.code == query.provider)
    ).one_or_none()
    own = context.actor.institution == query.provider
    if row is None or not (own or _sees_providers(context)):
        raise NotFound(thing="provider", value=query.provider)
    require_not_recused(context, query.provider)
    day = query.day or context.business_date
    pack = pack_of(context.connection, context.programme)
    found = standings(context.connection, context.programme, day, [row.code])[row.code]
    shown = _provider(row, found) | {
        "day": day.isoformat(),
        **limits_json(pack, found.status, day),
        "changes": _changes(context, row.code),
        "reporting_entities": _reporters(context, row.code),
    }
    if own or sees_all(context, pack):
        shown |= {
            "confirmations": _confirmations(context, row.code),
            "conditions": _conditions(context, row.code, day),
            "directions": _directions(context, row.code),
        }
    return shown


def _changes(context: ViewContext, code: str) -> list[dict[str, Any]]:
    table = permission_change
    rows = context.connection.execute(
        sql.select(table, permission.c.number, permission.c.kind)
        .outerjoin(permission, permission.c.id == table.c.permission)
        .where(table.c.programme == context.programme, table.c.provider == code)
        .order_by(table.c.id)
    )
    return [
        {
            "change": row.change,
            "permission": row.number,
            "kind": row.kind,
            "level": row.level,
            "expires_on": row.expires_on,
            "law": row.law,
            "reason": row.reason,
            "requested_at": row.requested_at,
            "effective_on": row.effective_on,
            "done_at": row.done_at,
            "refused_at": row.refused_at,
            "refusal": row.refusal,
            "order": row.order_id,
            "entry": row.entry,
        }
        for row in rows
    ]


def _reporters(context: ViewContext, code: str) -> list[dict[str, Any]]:
    table = reporting_entity
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == context.programme, table.c.provider == code)
        .order_by(table.c.first_day)
    ).all()
    following = [*(row.first_day for row in rows), None][1:]
    return [
        {
            "entity": row.entity,
            "name": row.entity_name,
            "registration": row.registration,
            "first_day": row.first_day,
            "before": until,
        }
        for row, until in zip(rows, following, strict=True)
    ]


def _confirmations(context: ViewContext, code: str) -> list[dict[str, Any]]:
    return [
        {
            "fact": row.fact,
            "category": row.category or None,
            "holds": row.holds,
            "entity": row.entity,
            "reference": row.reference,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
            "institution": row.institution,
            "confirmed_on": row.recorded_on,
        }
        for row in confirmations_of(context.connection, context.programme, code)
    ]


def _conditions(context: ViewContext, code: str, day: date) -> list[dict[str, Any]]:
    of = condition.c
    return _told(
        context,
        sql.select(
            of.id.label("condition"),
            of.code,
            of.text,
            of.law,
            of.due_on,
            of.met_on,
            of.lifted_on,
            of.consequence,
        )
        .where(
            of.programme == context.programme,
            of.provider == code,
            of.recorded_on <= day.isoformat(),
        )
        .order_by(of.id),
    )


def _directions(context: ViewContext, code: str) -> list[dict[str, Any]]:
    of = direction.c
    return _told(
        context,
        sql.select(
            of.id.label("direction"),
            of.text,
            of.due_on,
            of.public,
            of.law,
            of.recorded_on.label("given_on"),
        )
        .where(of.programme == context.programme, of.provider == code)
        .order_by(of.id),
    )


def _told(context: ViewContext, query: sql.Select[Any]) -> list[dict[str, Any]]:
    """Rows as they are answered: a column by the name that it has in the query."""
    return [dict(row) for row in context.connection.execute(query).mappings()]
