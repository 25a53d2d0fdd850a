"""What everyone may read of how it is decided: agreements, advisers, decisions, rulebooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.licensing.openness.commands import (
    AgreementAsked,
    AgreementsAsked,
    DecisionsAsked,
    Everything,
    RulebookAsked,
)
from amanat.licensing.openness.grounds import advisers, rulebooks_in_force
from amanat.licensing.openness.rulebooks import RulebookState, find_version
from amanat.licensing.openness.tables import (
    agreement,
    agreement_party,
    interest,
    rulebook_comment,
    rulebook_version,
    selection,
)
from amanat.licensing.records import pack_of
from amanat.licensing.tables import decision, file_step, licensing_file, recusal
from amanat.licensing.views import sees_all

# -- agreements -----------------------------------------------------------------------------------


@view("agreements", public=True)
def agreements(query: AgreementsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """The register of agreements, newest first: with whom, on what, binding or not, for how much.

    `open` alone those that stand, or those that are over.
    """
    table = agreement
    wanted = sql.select(table).where(table.c.programme == context.programme)
    if query.open is not None:
        ended = table.c.ended_on
        wanted = wanted.where(ended.is_(None) if query.open else ended.is_not(None))
    rows = context.connection.execute(wanted.order_by(table.c.id.desc())).all()
    parties = _parties(context, rows)
    found = [_line(row, parties[row.id]) for row in rows]
    sought = query.q.casefold().strip()
    return [
        one
        for one in found
        if not sought
        or any(sought in str(one[name]).casefold() for name in ("title", "parties", "agreement"))
    ]


def _parties(context: ViewContext, rows: Sequence[Row[Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {row.id: [] for row in rows}
    table = agreement_party
    for one in context.connection.execute(
        sql.select(table)
        .where(table.c.agreement.in_(list(found)))
        .order_by(table.c.agreement, table.c.position)
    ):
        found[one.agreement].append({"name": one.name, "party": one.party})
    return found


def _line(row: Row[Any], parties: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "agreement": row.number,
        "kind": row.kind,
        "title": row.title,
        "parties": ", ".join(one["name"] for one in parties),
        "binding": row.binding,
        "advises": row.advises,
        "signed_on": row.signed_on,
        "first_day": row.first_day,
        "last_day": row.last_day,
        "ended_on": row.ended_on,
        "amount": row.amount,
        "currency": row.currency,
        "selection": row.selection,
    }


@view("agreement", public=True)
def one_agreement(query: AgreementAsked, context: ViewContext) -> dict[str, Any]:
    """One agreement: scope, deliverables, text or digest, criteria, who else was asked and why not.

    Refuses `NotFound`.
    """
    row = context.connection.execute(
        sql.select(agreement).where(
            agreement.c.programme == context.programme, agreement.c.number == query.agreement
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="agreement", value=query.agreement)
    parties = _parties(context, [row])[row.id]
    chosen = context.connection.execute(
        sql.select(selection).where(
            selection.c.programme == context.programme, selection.c.number == row.selection
        )
    ).one_or_none()
    found = advisers(context.connection, context.programme, context.business_date)
    return _line(row, parties) | {
        "parties": parties,
        "scope": row.scope,
        "deliverables": [{"deliverable": one} for one in row.deliverables],
        "text": row.text,
        "digest": row.digest,
        "criteria": chosen.criteria if chosen is not None else None,
        "criteria_published_on": chosen.recorded_on if chosen is not None else None,
        "no_selection": row.no_selection,
        "invited": row.invited,
        "end_reason": row.end_reason,
        "entered_by": row.institution,
        "entry": row.entry,
        "applies_for_a_licence": [
            {"provider": code} for code, numbers in found.items() if row.number in numbers
        ],
    }


@view("selections", public=True)
def selections(_query: Everything, context: ViewContext) -> list[dict[str, Any]]:
    """Criteria by which parties to agreements are chosen, as they were published."""
    rows = context.connection.execute(
        sql.select(selection)
        .where(selection.c.programme == context.programme)
        .order_by(selection.c.id.desc())
    )
    return [
        {
            "selection": row.number,
            "title": row.title,
            "criteria": row.criteria,
            "published_on": row.recorded_on,
            "institution": row.institution,
            "entry": row.entry,
        }
        for row in rows
    ]


@view("advisers_who_apply", public=True)
def advisers_who_apply(_query: Everything, context: ViewContext) -> list[dict[str, Any]]:
    """Who advises the programme and applies for, or has, a permission of it."""
    found = advisers(context.connection, context.programme, context.business_date)
    names = dict(
        context.connection.execute(
            sql.select(institution.c.code, institution.c.name).where(
                institution.c.programme == context.programme, institution.c.code.in_(list(found))
            )
        ).all()
    )
    return [
        {"provider": code, "name": names[code], "agreements": ", ".join(numbers)}
        for code, numbers in found.items()
    ]


# -- decisions ------------------------------------------------------------------------------------


@view("decisions", public=True)
def decisions(query: DecisionsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Decisions with what is published of each, newest first.

    Why, by which criteria, which interests were stated and how many people were recused, how many
    had applied, by which law and which versions of the rulebooks.
    """
    chosen = sql.select(decision.c.id).where(decision.c.programme == context.programme)
    if query.provider is not None:
        chosen = chosen.where(decision.c.provider == query.provider)
    if query.kind is not None:
        chosen = chosen.join(licensing_file, licensing_file.c.id == decision.c.file).where(
            licensing_file.c.kind == query.kind
        )
    # The page first, by the index of ids; then what belongs to its rows.
    page = chosen.order_by(decision.c.id.desc()).limit(query.limit).subquery()
    wanted = (
        sql.select(decision, licensing_file.c.number, licensing_file.c.kind)
        .join(page, page.c.id == decision.c.id)
        .join(licensing_file, licensing_file.c.id == decision.c.file)
        .order_by(decision.c.id.desc())
    )
    rows = context.connection.execute(wanted).all()
    rulebooks_then = _rulebooks_cited(context, [row.file for row in rows])
    recused = _recusals(context, [row.provider for row in rows])
    advise = advisers(
        context.connection, context.programme, context.business_date, [r.provider for r in rows]
    )
    return [
        {
            "file": row.number,
            "kind": row.kind,
            "provider": row.provider,
            "outcome": row.outcome,
            "reasons": row.reasons,
            "criteria": row.criteria,
            "conflicts": row.conflicts,
            "recused": sum(
                1
                for one in recused
                if one.provider == row.provider
                and one.recorded_at <= row.recorded_at
                and (one.ended_on is None or one.ended_on > row.recorded_on)
            ),
            "advises": row.provider in advise,
            "applicants": row.applicants,
            "conditions": len(row.conditions),
            "law": row.law,
            "rulebook": rulebooks_then.get((row.file, row.recorded_at)),
            "appeal_until": row.appeal_until,
            "decided_on": row.recorded_on,
            "entry": row.entry,
        }
        for row in rows
    ]


def _rulebooks_cited(
    context: ViewContext, files: Sequence[str]
) -> dict[tuple[str, str], str | None]:
    """The versions of rulebooks that a decision cited, by its file and moment.

    Asked of these files alone: joined with the decisions, every step there is would be read.
    """
    found = context.connection.execute(
        sql.select(file_step.c.file, file_step.c.recorded_at, file_step.c.rulebook).where(
            file_step.c.file.in_(list(files)), file_step.c.act == "Decide"
        )
    )
    return {(row.file, row.recorded_at): row.rulebook for row in found}


def _recusals(context: ViewContext, codes: Sequence[str]) -> Sequence[Any]:
    return context.connection.execute(
        sql.select(recusal.c.provider, recusal.c.recorded_at, recusal.c.ended_on).where(
            recusal.c.programme == context.programme, recusal.c.provider.in_(list(codes))
        )
    ).all()


@view("recusals")
def recusals(_query: Everything, context: ViewContext) -> list[dict[str, Any]]:
    """Recusals and why: to the authority and the auditor all of them, to others their own."""
    assert context.actor is not None
    pack = pack_of(context.connection, context.programme)
    wanted = (
        sql.select(recusal, interest)
        .join(interest, interest.c.recusal == recusal.c.id)
        .where(recusal.c.programme == context.programme)
        .order_by(recusal.c.id.desc())
    )
    if not sees_all(context, pack):
        wanted = wanted.where(recusal.c.recused == context.actor.person)
    return [
        {
            "person": row.recused,
            "of_institution": row.of_institution,
            "provider": row.provider,
            "nature": row.nature,
            "own_word": row.own_word,
            "reason": row.reason,
            "since": row.recorded_on,
            "ended_on": row.ended_on,
            "end_reason": row.end_reason,
        }
        for row in context.connection.execute(wanted)
    ]


# -- rulebooks ------------------------------------------------------------------------------------


@view("rulebooks", public=True)
def rulebooks(_query: Everything, context: ViewContext) -> list[dict[str, Any]]:
    """Every version of every rulebook that was put before the public, and where it stands."""
    table = rulebook_version
    rows = context.connection.execute(
        sql.select(table)
        .where(table.c.programme == context.programme)
        .order_by(table.c.rulebook, table.c.version.desc())
    )
    pack = pack_of(context.connection, context.programme)
    whole = sees_all(context, pack)
    now = rulebooks_in_force(context.connection, context.programme, context.business_date)
    return [
        {
            "rulebook": row.rulebook,
            "version": row.version,
            "title": row.title,
            "state": row.state,
            "in_force": now.get(row.rulebook) == row.version,
            "in_force_from": row.in_force_from,
            "consulted_until": row.consulted_until,
            "digest": row.digest,
        }
        for row in rows
        if whole or row.state != RulebookState.DRAFT
    ]


@view("rulebook", public=True)
def one_rulebook(query: RulebookAsked, context: ViewContext) -> dict[str, Any]:
    """One version with its text, and the comments that were answered; drafts to the authority.

    Refuses `NotFound`.
    """
    connection, programme = context.connection, context.programme
    whole = sees_all(context, pack_of(connection, programme))
    version = query.version or _shown_version(context, query.rulebook)
    row = find_version(connection, programme, query.rulebook, version)
    if row.state == RulebookState.DRAFT and not whole:
        raise NotFound(thing="rulebook", value=f"{query.rulebook}/{version}")
    comments = connection.execute(
        sql.select(rulebook_comment)
        .where(rulebook_comment.c.version == row.id)
        .order_by(rulebook_comment.c.number)
    ).all()
    now = rulebooks_in_force(connection, programme, context.business_date)
    return {
        "rulebook": row.rulebook,
        "version": row.version,
        "title": row.title,
        "state": row.state,
        "in_force": now.get(row.rulebook) == row.version,
        "in_force_from": row.in_force_from,
        "consulted_from": row.consulted_from,
        "consulted_until": row.consulted_until,
        "summary": row.summary,
        "digest": row.digest,
        "text": row.text,
        "unanswered": sum(1 for one in comments if one.answered_on is None),
        "comments": [
            {
                "number": one.number,
                "name": one.name,
                "text": one.text,
                "answer": one.answer,
                "accepted": one.accepted,
                "answered_on": one.answered_on,
            }
            for one in comments
            if whole or one.answered_on is not None
        ],
    }


def _shown_version(context: ViewContext, rulebook: str) -> int:
    """The version in force, else the last one that was put before the public."""
    now = rulebooks_in_force(context.connection, context.programme, context.business_date)
    if rulebook in now:
        return now[rulebook]
    table = rulebook_version
    last: int | None = context.connection.execute(
        sql.select(sql.func.max(table.c.version)).where(
            table.c.programme == context.programme,
            table.c.rulebook == rulebook,
            table.c.state != RulebookState.DRAFT,
        )
    ).scalar_one()
    if last is None:
        raise NotFound(thing="rulebook", value=rulebook)
    return last
