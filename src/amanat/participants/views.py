"""What may be seen of participants.

Who is admitted, in which class and at which level, is public.  Accounts are seen by the issuer,
the registrar, the auditor, the class's authority and the participant itself; the names of clients
by the registrar and the participant alone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ViewContext, view
from amanat.access.tables import institution
from amanat.core.errors import NotFound
from amanat.participants.commands import AccountsAsked, ParticipantAsked, ParticipantsAsked
from amanat.participants.model import Level
from amanat.participants.records import find_participant, level_of, tax_statuses_of, valid_until
from amanat.participants.tables import (
    account,
    participant,
    participant_change,
    participant_class,
)

SEES_ACCOUNTS = ("issuer", "registrar", "auditor", "tax_agent")


@view("participants", public=True)
def participants(query: ParticipantsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Everyone admitted or being admitted, by class and code."""
    rows = context.connection.execute(_participants(context).order_by(
        participant.c.participant_class, participant.c.code
    ))  # fmt: skip
    return [_shown(row) for row in rows if query.participant_class in (None, row.participant_class)]


@view("participant", public=True)
def one_participant(query: ParticipantAsked, context: ViewContext) -> dict[str, Any]:
    """One participant with its changes, and to whom may see them its accounts.

    Refuses `NotFound`.
    """
    row = context.connection.execute(
        _participants(context).where(participant.c.code == query.participant)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="participant", value=query.participant)
    changes = context.connection.execute(
        sql.select(participant_change)
        .where(
            participant_change.c.programme == context.programme,
            participant_change.c.participant == query.participant,
        )
        .order_by(participant_change.c.id)
    )
    found = _shown(row) | {
        "changes": [
            {
                "change": one.change,
                "level": one.level,
                "valid_until": one.valid_until,
                "reason": one.reason,
                **_life(one),
            }
            for one in changes
        ]
    }
    if _sees_accounts_of(row, context):
        found["accounts"] = _accounts(context, query.participant, None)
    return found


@view("accounts")
def accounts(query: AccountsAsked, context: ViewContext) -> list[dict[str, Any]]:
    """Accounts, with how their holders are taxed today.

    Without a participant: all, to whom may see all; else one's own.  Refuses `NotFound`.
    """
    kind = query.kind.value if query.kind else None
    assert context.actor is not None  # this view is not public
    if query.participant is None:
        code = None if context.sees(*SEES_ACCOUNTS) else context.actor.institution
        return _accounts(context, code, kind)
    row = find_participant(context.connection, context.programme, query.participant)
    if not _sees_accounts_of(row, context):
        raise NotFound(thing="participant", value=query.participant)
    return _accounts(context, query.participant, kind)


def _participants(context: ViewContext) -> sql.Select[Any]:
    return (
        sql.select(
            participant,
            institution.c.name,
            participant_class.c.authority,
            participant_class.c.number.label("class_number"),
        )
        .join(
            participant_class,
            (participant_class.c.programme == participant.c.programme)
            & (participant_class.c.code == participant.c.participant_class),
        )
        # An observed participant has no institution here, and so no name.
        .outerjoin(
            institution,
            (institution.c.programme == participant.c.programme)
            & (institution.c.code == participant.c.code),
        )
        .where(participant.c.programme == context.programme)
    )


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "participant": row.code,
        "name": row.name or row.code,
        "number": row.number,
        "participant_class": row.participant_class,
        "authority": row.authority,
        "country": row.country,
        "lei": row.lei,
        "level": level_of(row).value if row.level else None,
        "level_on_ledger": row.level,
        "level_requested": row.level_requested,
        "valid_until": valid_until(row) or None,
        "valid_until_requested": row.valid_until_requested,
        "admitted": row.level is not None and Level(row.level) is not Level.FROZEN,
        **_life(row),
    }


def _life(row: Row[Any]) -> dict[str, Any]:
    return {
        "order": row.order_id,
        "requested_at": row.requested_at,
        "done_at": row.done_at,
        "refused_at": row.refused_at,
        "refusal": row.refusal,
    }


def _sees_accounts_of(row: Row[Any], context: ViewContext) -> bool:
    if context.actor is None:
        return False
    authority = context.connection.execute(
        sql.select(participant_class.c.authority).where(
            participant_class.c.programme == context.programme,
            participant_class.c.code == row.participant_class,
        )
    ).scalar_one()
    own = context.actor.institution in (row.code, authority)
    return own or context.sees(*SEES_ACCOUNTS)


def _accounts(context: ViewContext, code: str | None, kind: str | None) -> list[dict[str, Any]]:
    assert context.actor is not None
    query = sql.select(account).where(account.c.programme == context.programme)
    if code is not None:
        query = query.where(account.c.participant == code)
    if kind is not None:
        query = query.where(account.c.kind == kind)
    rows = context.connection.execute(query.order_by(account.c.participant, account.c.label))
    names_all = context.sees("registrar")
    return [
        {
            "address": row.address,
            "participant": row.participant,
            "kind": row.kind,
            "label": row.label,
            "holder": row.holder
            if names_all or row.participant == context.actor.institution
            else None,
            "holder_class": row.holder_class,
            "tax_residency": row.tax_residency,
            "closed_at": row.closed_at,
            "tax": _tax(row, context),
            **_life(row),
        }
        for row in rows
    ]


def _tax(row: Row[Any], context: ViewContext) -> list[dict[str, Any]]:
    return [
        {
            "holder_class": one.holder_class,
            "active_taxpayer": one.active_taxpayer,
            "valid_from": one.valid_from.isoformat(),
            "valid_to": one.valid_to.isoformat() if one.valid_to else None,
            "tax_residency": one.tax_residency,
            "certificate": one.certificate.value if one.certificate else None,
            "reduced_rate": str(one.reduced_rate) if one.reduced_rate is not None else None,
            "today": one.covers(context.business_date),
        }
        for one in tax_statuses_of(context.connection, context.programme, row.address)
    ]
