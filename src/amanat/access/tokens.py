"""API tokens: of one person, hashed, with scopes, a term, a successor and a last use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor, load_actor
from amanat.access.shown_once import fresh_secret, hash_of, matches
from amanat.access.tables import access_token, session
from amanat.core.errors import Invalid, NotFound, Unauthenticated
from amanat.core.ids import new_id

TOKEN_PREFIX = "amanat_"
LIFETIME_MAX = timedelta(days=366)
OVERLAP_MAX = timedelta(days=7)
_USED_EVERY = timedelta(minutes=1)
_ACTIONS = ("submit", "approve", "look")


class ScopeUnknown(Invalid):
    """A scope is `submit:`, `approve:` or `look:` and the name of an act or view, or `*`."""

    template = "{scope} is no scope: write {form} with the name of an act or view, or *."


class ScopeNotHeld(Invalid):
    """A token gives no more than the token with which it is made."""

    template = "{scope} is more than the token that asks for it may."


@dataclass(frozen=True, slots=True)
class Found:
    """What a presented token is: its actor when it is valid, its row when it was ever issued."""

    actor: Actor | None
    row: Row[Any] | None


def checked_scopes(
    scopes: Iterable[str] | None,
    held: frozenset[str] | None,
    acts: Iterable[str],
    views: Iterable[str],
) -> list[str] | None:
    """Scopes in order, or None for everything.

    Refuses, in order: `ScopeUnknown`; `ScopeNotHeld` where `held`, those of whoever asks, are less.
    """
    if scopes is None:
        if held is not None:
            raise ScopeNotHeld(scope="everything")
        return None
    known = {
        f"{action}:{name}"
        for action in _ACTIONS
        for name in (*(views if action == "look" else acts), "*")
    }
    asked = sorted(set(scopes))
    for scope in asked:
        if scope not in known:
            raise ScopeUnknown(scope=scope, form="submit:, approve: or look:")
        if held is not None and not {scope, f"{scope.partition(':')[0]}:*"} & held:
            raise ScopeNotHeld(scope=scope)
    return asked


def issue(
    connection: Connection,
    programme: str,
    code: str,
    now: datetime,
    lifetime: timedelta,
    *,
    label: str = "",
    scopes: Iterable[str] | None = None,
) -> tuple[str, str]:
    """A new token: its id and its text, which is shown once; only the text's hash is kept."""
    identifier, text = new_id(), fresh_secret(TOKEN_PREFIX)
    connection.execute(
        access_token.insert().values(
            id=identifier,
            hash=hash_of(text),
            programme=programme,
            person=code,
            label=label,
            scopes=None if scopes is None else sorted(scopes),
            issued_at=now.isoformat(),
            expires_at=(now + lifetime).isoformat(),
        )
    )
    return identifier, text


def find(connection: Connection, text: str, now: datetime) -> Found:
    """What is behind a presented token; the secret is compared in constant time."""
    row = connection.execute(
        sql.select(access_token).where(access_token.c.hash == hash_of(text))
    ).one_or_none()
    if row is None or not matches(text, row.hash):
        return Found(None, None)
    if row.revoked_at is not None or row.expires_at <= now.isoformat():
        return Found(None, row)
    try:
        return Found(load_actor(connection, row.programme, row.person, "token", row.scopes), row)
    except NotFound:
        return Found(None, row)


def note_use(connection: Connection, row: Row[Any], now: datetime) -> bool:
    """Note that a token was used, to the minute; whether there was anything to write."""
    if row.last_used_at and row.last_used_at > (now - _USED_EVERY).isoformat():
        return False
    connection.execute(
        sql.update(access_token)
        .where(access_token.c.id == row.id)
        .values(last_used_at=now.isoformat(timespec="minutes"))
    )
    return True


def own(connection: Connection, programme: str, code: str, identifier: str) -> Row[Any]:
    """A token of this person that has not been revoked.  Refuses `NotFound`."""
    row = connection.execute(
        sql.select(access_token).where(
            access_token.c.programme == programme,
            access_token.c.person == code,
            access_token.c.id == identifier,
            access_token.c.revoked_at.is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotFound(thing="token", value=identifier)
    return row


@dataclass(frozen=True, slots=True)
class Rotated:
    """A token's successor, and until when the former one still serves."""

    id: str
    text: str
    expires_at: str
    former_until: str


def rotate(connection: Connection, row: Row[Any], now: datetime, overlap: timedelta) -> Rotated:
    """A successor of the same scopes and term; the former one serves through the overlap."""
    term = datetime.fromisoformat(row.expires_at) - datetime.fromisoformat(row.issued_at)
    lifetime = min(term, LIFETIME_MAX)
    identifier, text = issue(
        connection,
        row.programme,
        row.person,
        now,
        lifetime,
        label=row.label,
        scopes=row.scopes,
    )
    until = min((now + overlap).isoformat(), row.expires_at)
    connection.execute(
        sql.update(access_token)
        .where(access_token.c.id == row.id)
        .values(successor=identifier, expires_at=until)
    )
    return Rotated(identifier, text, (now + lifetime).isoformat(), until)


def revoke(connection: Connection, identifier: str, now: datetime) -> None:
    """End a token at once, and the sessions that were begun with it."""
    connection.execute(
        sql.update(access_token)
        .where(access_token.c.id == identifier)
        .values(revoked_at=now.isoformat())
    )
    connection.execute(
        sql.update(session)
        .where(session.c.token == identifier, session.c.ended_at.is_(None))
        .values(ended_at=now.isoformat())
    )


def issue_token(
    connection: Connection, programme: str, code: str, now: datetime, lifetime: timedelta
) -> str:
    """A new token without scopes, as text; for whoever has the installation itself."""
    return issue(connection, programme, code, now, lifetime)[1]


def authenticate(connection: Connection, text: str, now: datetime) -> Actor:
    """The actor behind a token.

    Raises `Unauthenticated` for unknown, expired and revoked tokens and for people who have left;
    the reason is the same text, so that guessing learns nothing.
    """
    actor = find(connection, text, now).actor
    if actor is None:
        raise Unauthenticated(reason="this token is not valid")
    return actor


def revoke_tokens(connection: Connection, programme: str, code: str, now: datetime) -> int:
    """Revoke every token of a person at once, and what was begun with them; how many there were."""
    found = connection.execute(
        sql.select(access_token.c.id).where(
            access_token.c.programme == programme,
            access_token.c.person == code,
            access_token.c.revoked_at.is_(None),
        )
    ).scalars()
    ids = list(found)
    for identifier in ids:
        revoke(connection, identifier, now)
    return len(ids)
