"""Keeps the ways in which people and systems sign in: one's own, and those of an institution.

Whatever gives a way in to another person needs a second person of the institution, since whoever
has the link or the token could act as them.  Withdrawing needs nobody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access import attempts, events, passkeys, sessions, tokens
from amanat.access.actors import Role
from amanat.access.acts import ACTS, VIEWS, ActContext, Ask, Requirement, Result, act
from amanat.access.shown_once import ShownOnce
from amanat.access.tables import identity, person
from amanat.core.errors import Forbidden, NotFound
from amanat.core.messages import Message
from amanat.participants.commands_sign_in import (
    GiveToken,
    InvitePerson,
    IssueToken,
    LiftAddressLockout,
    LiftLockout,
    LinkIdentity,
    RemovePasskey,
    RevokeToken,
    RotateToken,
    UnlinkIdentity,
    WithdrawAccess,
)
from amanat.participants.model import CodeTaken
from amanat.participants.signing import AUTHORITY

ALL = (
    "registrar",
    AUTHORITY,
    "participant",
    "issuer",
    "clears",
    "orders",
    "auditor",
    "agent",
    "auctioneer",
    "cash_issuer",
    "custodian",
    "day_keeper",
    "guardian",
    "operator",
    "primary_dealer",
    "tax_agent",
)
_STAFF = (Role.OFFICER, Role.APPROVER, Role.OPERATOR)


def _subject(context: ActContext) -> str:
    return f"participants:{context.actor.institution}"


def _colleague(context: ActContext, code: str) -> Row[Any]:
    """An active person of the actor's own institution.  Refuses `NotFound`."""
    found = context.uow.connection.execute(
        sql.select(person).where(
            person.c.programme == context.programme,
            person.c.code == code,
            person.c.institution == context.actor.institution,
            person.c.active,
        )
    ).one_or_none()
    if found is None:
        raise NotFound(thing="person", value=code)
    return found


def _second_person(context: ActContext) -> Ask:
    own = context.actor.institution
    return Ask([Requirement(own, "second_person")], subject=_subject(context))


# -- tokens ---------------------------------------------------------------------------------------


def _issue(command: IssueToken | GiveToken, who: str, context: ActContext) -> Result:
    scopes = tokens.checked_scopes(command.scopes, context.actor.scopes, ACTS, VIEWS)
    lifetime = timedelta(days=command.days)
    identifier, text = tokens.issue(
        context.uow.connection,
        context.programme,
        who,
        context.now,
        lifetime,
        label=command.label,
        scopes=scopes,
    )
    expires_at = (context.now + lifetime).isoformat()
    entry = context.uow.journal.append(
        events.TOKEN_ISSUED,
        {
            "token": identifier,
            "label": command.label,
            "scopes": scopes,
            "expires_at": expires_at,
            "by": "self" if who == context.actor.person else "institution",
            "person": who,
        },
        subject=_subject(context),
    )
    secret = ShownOnce(text)
    return {"token": identifier, "secret": secret, "expires_at": expires_at, "entry": entry}


@act(personal=True, confidential=True)
def issue_token(command: IssueToken, context: ActContext) -> Result:
    """A token of one's own.  Refuses, in order: `ScopeNotHeld`, `ScopeUnknown`."""
    return _issue(command, context.actor.person, context)


def _ask_giving(command: GiveToken, context: ActContext) -> Ask:
    """A second person of the proposer's institution, who is shown the token."""
    _colleague(context, command.person)
    tokens.checked_scopes(command.scopes, context.actor.scopes, ACTS, VIEWS)
    return _second_person(context)


@act(capacities=ALL, approvals=_ask_giving, confidential=True)
def give_token(command: GiveToken, context: ActContext) -> Result:
    """A token for a colleague or a system.  Refuses, in order: `NotFound`, `ScopeUnknown`."""
    return _issue(command, _colleague(context, command.person).code, context)


@act(personal=True, confidential=True)
def rotate_token(command: RotateToken, context: ActContext) -> Result:
    """A successor with the same scopes and term.  Refuses, in order: `NotFound`, `ScopeNotHeld`."""
    connection, actor = context.uow.connection, context.actor
    row = tokens.own(connection, context.programme, actor.person, command.token)
    tokens.checked_scopes(row.scopes, actor.scopes, ACTS, VIEWS)
    overlap = timedelta(hours=command.overlap_hours)
    made = tokens.rotate(connection, row, context.now, overlap)
    entry = context.uow.journal.append(
        events.TOKEN_ROTATED,
        {
            "token": row.id,
            "successor": made.id,
            "former_until": made.former_until,
            "expires_at": made.expires_at,
            "person": actor.person,
        },
        subject=_subject(context),
    )
    return {
        "token": made.id,
        "secret": ShownOnce(made.text),
        "expires_at": made.expires_at,
        "former_until": made.former_until,
        "entry": entry,
    }


@act(personal=True, confidential=True)
def revoke_token(command: RevokeToken, context: ActContext) -> Result:
    """End it at once.  Refuses `NotFound`."""
    connection, actor = context.uow.connection, context.actor
    row = tokens.own(connection, context.programme, actor.person, command.token)
    tokens.revoke(connection, row.id, context.now)
    entry = context.uow.journal.append(
        events.TOKEN_REVOKED,
        {"token": row.id, "reason": command.reason, "person": actor.person},
        subject=_subject(context),
    )
    return {"token": row.id, "entry": entry}


# -- passkeys and identities ----------------------------------------------------------------------


def _ask_invitation(command: InvitePerson, context: ActContext) -> Ask:
    """A second person of the proposer's institution, who is shown the link."""
    _colleague(context, command.person)
    return _second_person(context)


@act(capacities=ALL, approvals=_ask_invitation, confidential=True)
def invite_person(command: InvitePerson, context: ActContext) -> Result:
    """A link that serves once and expires.  Refuses `NotFound`."""
    invited = _colleague(context, command.person)
    lifetime = timedelta(hours=command.hours)
    identifier, secret = passkeys.invite(
        context.uow.connection, context.programme, invited.code, context.now, lifetime
    )
    expires_at = (context.now + lifetime).isoformat()
    entry = context.uow.journal.append(
        events.PERSON_INVITED,
        {
            "invitation": identifier,
            "institution": invited.institution,
            "expires_at": expires_at,
            "by": "institution",
            "person": invited.code,
        },
        subject=_subject(context),
    )
    link = ShownOnce(f"/join/{secret}")
    return {"person": invited.code, "link": link, "expires_at": expires_at, "entry": entry}


@act(personal=True, confidential=True)
def remove_passkey(command: RemovePasskey, context: ActContext) -> Result:
    """End what a lost device could do.  Refuses `NotFound`."""
    actor = context.actor
    label = passkeys.remove(
        context.uow.connection, context.programme, actor.person, command.passkey, context.now
    )
    entry = context.uow.journal.append(
        events.PASSKEY_REMOVED,
        {"passkey": command.passkey, "label": label, "person": actor.person},
        subject=_subject(context),
    )
    return {"passkey": command.passkey, "label": label, "entry": entry}


def _check_identity(command: LinkIdentity, context: ActContext) -> None:
    _colleague(context, command.person)
    taken = sql.select(identity.c.person).where(
        identity.c.programme == context.programme,
        identity.c.issuer == command.issuer,
        (identity.c.subject == command.subject) | (identity.c.person == command.person),
    )
    if context.uow.connection.execute(taken).first() is not None:
        raise CodeTaken(thing="identity", code=command.subject)


def _ask_identity(command: LinkIdentity, context: ActContext) -> Ask:
    """A second person of the proposer's institution."""
    _check_identity(command, context)
    return _second_person(context)


@act(capacities=ALL, approvals=_ask_identity, confidential=True)
def link_identity(command: LinkIdentity, context: ActContext) -> Result:
    """Rights stay those of the person here.  Refuses, in order: `NotFound`, `CodeTaken`."""
    _check_identity(command, context)
    context.uow.connection.execute(
        identity.insert().values(
            programme=context.programme,
            person=command.person,
            issuer=command.issuer,
            subject=command.subject,
            linked_at=context.now.isoformat(),
        )
    )
    entry = context.uow.journal.append(
        events.IDENTITY_LINKED,
        {"issuer": command.issuer, "person": command.person, "subject": command.subject},
        subject=_subject(context),
    )
    return {"person": command.person, "issuer": command.issuer, "entry": entry}


@act(capacities=ALL, confidential=True)
def unlink_identity(command: UnlinkIdentity, context: ActContext) -> Result:
    """Their sessions end too.  Refuses `NotFound`."""
    connection = context.uow.connection
    _colleague(context, command.person)
    ended = connection.execute(
        sql.delete(identity).where(
            identity.c.programme == context.programme,
            identity.c.person == command.person,
            identity.c.issuer == command.issuer,
        )
    )
    if ended.rowcount == 0:
        raise NotFound(thing="identity", value=command.issuer)
    sessions.end(connection, context.programme, command.person, context.now)
    entry = context.uow.journal.append(
        events.IDENTITY_UNLINKED,
        {"issuer": command.issuer, "person": command.person},
        subject=_subject(context),
    )
    return {"person": command.person, "issuer": command.issuer, "entry": entry}


# -- ending and lifting ---------------------------------------------------------------------------


@act(capacities=ALL, roles=_STAFF, confidential=True)
def withdraw_access(command: WithdrawAccess, context: ActContext) -> Result:
    """After a loss or a leave; the person stays.  Refuses `NotFound`."""
    connection, programme = context.uow.connection, context.programme
    found = _colleague(context, command.person)
    revoked = tokens.revoke_tokens(connection, programme, found.code, context.now)
    ended = sessions.end(connection, programme, found.code, context.now)
    removed, voided = passkeys.withdraw_all(connection, programme, found.code, context.now)
    counts = {"tokens": revoked, "sessions": ended, "passkeys": removed, "invitations": voided}
    entry = context.uow.journal.append(
        events.ACCESS_WITHDRAWN,
        {
            "institution": found.institution,
            "reason": command.reason,
            "person": found.code,
        }
        | counts,
        subject=_subject(context),
    )
    return {"person": found.code, "entry": entry} | counts


@act(capacities=ALL, roles=_STAFF, confidential=True)
def lift_lockout(command: LiftLockout, context: ActContext) -> Result:
    """By a colleague.  Refuses, in order: `NotFound`, `Forbidden`; `NotFound`: not locked out."""
    found = _colleague(context, command.person)
    if found.code == context.actor.person:
        reason = Message("another person of {institution} lifts it", institution=found.institution)
        raise Forbidden(actor=context.actor, act="LiftLockout", reason=reason)
    subject = attempts.of_person(context.programme, found.code)
    return _lift(subject, found.code, command.reason, context)


@act(capacities=["operator"], roles=_STAFF, confidential=True)
def lift_address_lockout(command: LiftAddressLockout, context: ActContext) -> Result:
    """Of the whole installation.  Refuses `NotFound`: nothing was refused to that address."""
    subject = attempts.of_address(command.address)
    return _lift(subject, command.address, command.reason, context)


def _lift(subject: str, whom: str, reason: str, context: ActContext) -> Result:
    if not attempts.forget(context.uow.connection, [subject]):
        raise NotFound(thing="lock-out", value=whom)
    what = subject.partition(":")[0]
    entry = context.uow.journal.append(
        events.LOCKOUT_LIFTED,
        {"what": what, "reason": reason, "person": whom},
        subject=_subject(context),
    )
    return {"what": what, "lifted": whom, "entry": entry}
