"""What acts on keys of people, tokens, invitations and other ways of signing in will do.

Only of the proposer's own institution: of others' people nothing is said, not even that they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.access.key_register import find_key
from amanat.access.tables import access_token, identity, passkey, person, session
from amanat.core.errors import NotFound
from amanat.core.messages import Message, Word
from amanat.participants.commands import EnterKey, ExtendKey, RotateKey
from amanat.participants.commands_sign_in import (
    GiveToken,
    InvitePerson,
    LiftLockout,
    LinkIdentity,
    UnlinkIdentity,
    WithdrawAccess,
)


def _colleague(seen: Seen, code: str) -> Any:
    """An active person of the proposer's institution.  Refuses `NotFound`."""
    row = seen.connection.execute(
        sql.select(person).where(
            person.c.programme == seen.programme,
            person.c.code == code,
            person.c.institution == seen.institution,
            person.c.active,
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="person", value=code)
    return row


def _count(seen: Seen, table: sql.Table, code: str, *conditions: sql.ColumnElement[bool]) -> int:
    """Rows of a person."""
    query = sql.select(sql.func.count()).select_from(table)
    own = (table.c.programme == seen.programme, table.c.person == code)
    return int(seen.connection.execute(query.where(*own, *conditions)).scalar_one())


@effects(RotateKey)
def key_rotated(command: RotateKey, seen: Seen) -> Iterator[Message]:
    """With which key the person signs before and after, and what becomes of the former."""
    row = _colleague(seen, command.person)
    yield Message(
        "Key with which {person} signs: {before} before, {after} after",
        person=command.person,
        before=row.address or Message("none"),
        after=command.address.lower(),
    )
    yield Message("The former key signs nothing from the request on, and leaves the ledger")


@effects(ExtendKey)
def key_extended(command: ExtendKey, seen: Seen) -> Iterator[Message]:
    """Until when a key of one's institution may sign, before and after."""
    row = find_key(seen.connection, seen.programme, command.key)
    if row is None or row.institution != seen.institution:
        raise NotFound(thing="key", value=command.key)
    yield Message(
        "Key {key} may sign until: {before} before, {after} after",
        key=row.address,
        before=date.fromisoformat(row.expires_at[:10]),
        after=command.expires_on,
    )


@effects(EnterKey)
def key_entered(command: EnterKey, seen: Seen) -> Iterator[Message]:
    """What the register will know of; nothing is signed with it here."""
    yield Message(
        "The register knows of {key}, {purpose} of {institution}, until {until}",
        key=command.key.lower(),
        purpose=Word(command.purpose.value),
        institution=seen.institution,
        until=command.expires_on,
    )
    yield Message("Thirty days before it ends an alarm stands here")


@effects(GiveToken)
def token_given(command: GiveToken, seen: Seen) -> Iterator[Message]:
    """What the token lets its bearer do, and for how long."""
    row = _colleague(seen, command.person)
    valid = (access_token.c.revoked_at.is_(None),)
    before = _count(seen, access_token, row.code, *valid)
    yield Message(
        "Tokens of {person}: {before} before, {after} after",
        person=row.code,
        before=before,
        after=before + 1,
    )
    if command.scopes is None:
        yield Message(
            "Whoever has the token may do all that {person} may, for {count} days",
            person=row.code,
            count=command.days,
        )
    else:
        yield Message(
            "Whoever has the token may do this, for {count} days: {scopes}",
            count=command.days,
            scopes=", ".join(command.scopes),
        )
    yield Message("The approver is shown it, once")


@effects(InvitePerson)
def person_invited(command: InvitePerson, seen: Seen) -> Iterator[Message]:
    """What whoever has the link can do."""
    row = _colleague(seen, command.person)
    yield Message(
        "Whoever opens the link within {count} hours can register a device as {person}",
        person=row.code,
        count=command.hours,
    )
    devices = _count(seen, passkey, row.code, passkey.c.removed_at.is_(None))
    yield Message("Devices of {person} that are registered: {count}",
                  person=row.code, count=devices)  # fmt: skip
    yield Message("The approver is shown it, once")


@effects(LinkIdentity, UnlinkIdentity)
def identity_changed(command: LinkIdentity | UnlinkIdentity, seen: Seen) -> Iterator[Message]:
    """As whom the person signs in, or no longer does; rights stay as they are."""
    row = _colleague(seen, command.person)
    if isinstance(command, LinkIdentity):
        yield Message(
            "{person} can sign in as {subject} of {issuer}",
            person=row.code,
            subject=command.subject,
            issuer=command.issuer,
        )
        yield Message("What the person may do stays as it is here")
        return
    if not _count(seen, identity, row.code, identity.c.issuer == command.issuer):
        raise NotFound(thing="identity", value=command.issuer)
    yield Message("{person} can no longer sign in by {issuer}",
                  person=row.code, issuer=command.issuer)  # fmt: skip
    yield Message("Sessions that end: {count}", count=_sessions(seen, row.code))


@effects(WithdrawAccess)
def access_withdrawn(command: WithdrawAccess, seen: Seen) -> Iterator[Message]:
    """All ways in that end at once; the person and their key stay."""
    row = _colleague(seen, command.person)
    counts = {
        "tokens": _count(seen, access_token, row.code, access_token.c.revoked_at.is_(None)),
        "passkeys": _count(seen, passkey, row.code, passkey.c.removed_at.is_(None)),
    }
    yield Message(
        "Of {person} end at once: {tokens} tokens, {sessions} sessions, {passkeys} passkeys",
        person=row.code,
        sessions=_sessions(seen, row.code),
        **counts,
    )
    yield Message("{person} cannot sign in until invited again", person=row.code)
    yield Message("The key with which {person} signs stays valid: revoke it too if it may be lost",
                  person=row.code)  # fmt: skip


@effects(LiftLockout)
def lockout_lifted(command: LiftLockout, seen: Seen) -> Iterator[Message]:
    """Who can sign in again."""
    row = _colleague(seen, command.person)
    yield Message("{person} can sign in again at once; refusals are counted anew", person=row.code)


def _sessions(seen: Seen, code: str) -> int:
    return _count(seen, session, code, session.c.ended_at.is_(None))
