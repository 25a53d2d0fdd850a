"""Views of the desk itself: what waits for whom, and the journal."""

from __future__ import annotations

import json
from typing import Annotated, Any

import sqlalchemy as sql
from pydantic import Field
from sqlalchemy.engine import Row

from amanat.access.actors import Role
from amanat.access.acts import ACTS, Query, ViewContext, view
from amanat.access.effects import Seen, effects_now
from amanat.access.fields import Whole
from amanat.access.tables import proposal, requirement
from amanat.core.errors import NotFound
from amanat.store.journal import Audience
from amanat.store.tables import journal_entry


class ProposalsAsked(Query):
    """Proposals in a state: open, carried_out, withdrawn; all without one."""

    state: Annotated[str | None, Field(pattern="^(open|carried_out|withdrawn)$")] = None


@view("proposals")
def proposals(query: ProposalsAsked, context: ViewContext) -> dict[str, Any]:
    """Proposals of the actor's institution and those that wait for it, newest first."""
    assert context.actor is not None
    mine = context.actor.institution
    asked = sql.select(requirement.c.proposal).where(requirement.c.institution == mine)
    found = (
        sql.select(proposal)
        .where(
            proposal.c.programme == context.programme,
            (proposal.c.institution == mine) | proposal.c.id.in_(asked),
        )
        .order_by(proposal.c.id.desc())
        .limit(1000)
    )
    if query.state:
        found = found.where(proposal.c.state == query.state)
    if context.actor.role is Role.VIEWER:
        found = found.where(proposal.c.act.not_in(_untold()))
    return {
        "rows": [
            {
                "proposal": row.id,
                "act": row.act,
                "subject": row.subject,
                "state": row.state,
                "institution": row.institution,
                "person": row.person if row.institution == mine else None,
                "proposed_at": row.proposed_at,
                "expires_at": row.expires_at,
                "digest": row.digest,
            }
            for row in context.connection.execute(found)
        ]
    }


def _untold() -> list[str]:
    """Acts of which who only reads along learns nothing, not even of their own institution's."""
    return [name for name, kind in ACTS.items() if kind.untold]


class ProposalAsked(Query):
    """One proposal by its id."""

    proposal: Annotated[str, Field(pattern="^[0-9a-f-]{36}$")]


@view("proposal")
def proposal_shown(query: ProposalAsked, context: ViewContext) -> dict[str, Any]:
    """One proposal: its command, what each institution has to sign, and who has.

    `key` is the account that must sign, where it is not the approver's own key; the proposer may
    meet what says `proposer_counts`.
    """
    assert context.actor is not None
    mine = context.actor.institution
    row = context.connection.execute(
        sql.select(proposal).where(
            proposal.c.id == query.proposal, proposal.c.programme == context.programme
        )
    ).one_or_none()
    needs = list(
        context.connection.execute(
            sql.select(requirement)
            .where(requirement.c.proposal == query.proposal)
            .order_by(requirement.c.position)
        )
    )
    parties = {need.institution for need in needs}
    hidden = row is not None and context.actor.role is Role.VIEWER and row.act in _untold()
    if row is None or hidden or mine not in {row.institution} | parties:
        raise NotFound(thing="proposal", value=query.proposal)
    return {
        "proposal": row.id,
        "act": row.act,
        "summary": ACTS[row.act].summary,
        "subject": row.subject,
        "state": row.state,
        "institution": row.institution,
        "proposed_at": row.proposed_at,
        "expires_at": row.expires_at,
        "digest": row.digest,
        "command": json.loads(row.command),
        "effects": _effects(row, context),
        "entry": row.entry,
        "mine": row.person == context.actor.person,
        "requirements": [
            {
                "institution": need.institution,
                "capacity": need.capacity,
                "state": "approved" if need.met_at else "awaited",
                "key": need.key,
                "proposer_counts": bool(need.proposer_counts),
                "signs": need.signs or row.digest,
                "shows": need.shows,
                "met_at": need.met_at,
                "address": need.address,
            }
            for need in needs
        ],
        "result": json.loads(row.result) if row.result else None,
    }


def _effects(row: Row[Any], context: ViewContext) -> dict[str, Any]:
    """What was announced, and, while it is open, what it would do by now.

    `now` is null once it is decided, or where the act would be refused: then `refused` says why.
    """
    told = row.effects or []
    if row.state != "open":
        return {"announced": told, "now": None, "refused": None, "changed": False}
    command = ACTS[row.act].command.model_validate_json(row.command)
    seen = Seen(
        connection=context.connection,
        programme=context.programme,
        business_date=context.business_date,
        institution=row.institution,
        ledger=context.ledger,
    )
    found = effects_now(command, seen)
    return {
        "announced": told,
        "now": found["effects"],
        "refused": found["refused"],
        "changed": found["effects"] != told,
    }


class JournalAsked(Query):
    """The journal of a thing (`subject`), of some kind, or of the whole programme."""

    subject: Annotated[str | None, Field(max_length=120)] = None
    kind: Annotated[str | None, Field(max_length=64)] = None
    log: Annotated[str, Field(pattern="^(public|confidential)$")] = "public"
    before: Annotated[Whole | None, Field(ge=0, le=2**53 - 1)] = None
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 200


@view("journal", public=True)
def journal(query: JournalAsked, context: ViewContext) -> dict[str, Any]:
    """Entries of the journal, newest first: public ones for all, confidential for the auditor.

    At most `limit` at once; `next`, where there are more, is the `before` to ask on with.
    """
    if query.log != Audience.PUBLIC.value and not context.sees("auditor"):
        raise NotFound(thing="log", value=query.log)
    found = (
        sql.select(journal_entry)
        .where(journal_entry.c.programme == context.programme, journal_entry.c.log == query.log)
        .order_by(journal_entry.c.leaf.desc())
        .limit(query.limit + 1)
    )
    if query.subject:
        found = found.where(journal_entry.c.subject == query.subject)
    if query.kind:
        found = found.where(journal_entry.c.kind == query.kind)
    if query.before is not None:
        found = found.where(journal_entry.c.leaf < query.before)
    size = context.connection.execute(
        sql.select(sql.func.count())
        .select_from(journal_entry)
        .where(journal_entry.c.programme == context.programme, journal_entry.c.log == query.log)
    ).scalar_one()
    rows = context.connection.execute(found).all()
    return {
        "size": size,
        "next": rows[query.limit - 1].leaf if len(rows) > query.limit else None,
        "rows": [
            {
                "leaf": row.leaf,
                "kind": row.kind,
                "subject": row.subject,
                "institution": row.institution,
                "business_date": row.business_date,
                "recorded_at": row.recorded_at,
                "id": row.id,
                "entry": json.loads(row.entry),
            }
            for row in rows[: query.limit]
        ],
    }


class EntryAsked(Query):
    """One journal entry by its id."""

    id: Annotated[str, Field(pattern="^[0-9a-f-]{36}$")]


@view("entry", public=True)
def entry(query: EntryAsked, context: ViewContext) -> dict[str, Any]:
    """One entry: its fields and the exact bytes that are the leaf."""
    row = context.connection.execute(
        sql.select(journal_entry).where(
            journal_entry.c.id == query.id, journal_entry.c.programme == context.programme
        )
    ).one_or_none()
    if row is None or (row.log != Audience.PUBLIC.value and not context.sees("auditor")):
        raise NotFound(thing="journal entry", value=query.id)
    return {
        "leaf": row.leaf,
        "log": row.log,
        "bytes": row.entry.decode(),
        "entry": json.loads(row.entry),
    }
