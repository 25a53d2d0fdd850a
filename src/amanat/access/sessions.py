"""Sessions of the pages: kept on the server, short, ended by rest, by time or by their person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor, load_actor
from amanat.access.shown_once import fresh_secret, hash_of, matches
from amanat.access.tables import access_token, session
from amanat.core.errors import NotFound
from amanat.core.ids import new_id

_SEEN_EVERY = timedelta(minutes=1)
BROWSER_MAX = 120


@dataclass(frozen=True, slots=True)
class Terms:
    """How long sessions last: at rest, in all, and how long a proof of who it is stays fresh."""

    idle: timedelta
    life: timedelta
    fresh: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is valid now."""

    id: str
    actor: Actor
    fresh_until: datetime
    row: Row[Any]

    def is_fresh(self, now: datetime) -> bool:
        """Whether the person proved who they are within the last minutes."""
        return now < self.fresh_until


def begin(
    connection: Connection,
    actor: Actor,
    now: datetime,
    terms: Terms,
    *,
    browser: str,
    token: Row[Any] | None = None,
) -> tuple[str, str]:
    """A new session: its id and the cookie's secret.  It ends no later than its token."""
    identifier, secret = new_id(), fresh_secret()
    ends_at = (now + terms.life).isoformat()
    connection.execute(
        session.insert().values(
            id=identifier,
            hash=hash_of(secret),
            programme=actor.programme,
            person=actor.person,
            means=actor.means,
            token=None if token is None else token.id,
            scopes=None if actor.scopes is None else sorted(actor.scopes),
            browser=browser[:BROWSER_MAX],
            started_at=now.isoformat(),
            seen_at=now.isoformat(),
            fresh_at=now.isoformat(),
            ends_at=ends_at if token is None else min(ends_at, token.expires_at),
        )
    )
    return identifier, secret


def find(connection: Connection, secret: str, now: datetime, terms: Terms) -> Session | None:
    """The valid session of a cookie, or None: ended, at rest too long, over, or nobody's."""
    row = connection.execute(
        sql.select(session).where(session.c.hash == hash_of(secret))
    ).one_or_none()
    if row is None or not matches(secret, row.hash):
        return None
    return _valid(connection, row, now, terms)


def by_id(connection: Connection, identifier: str, now: datetime, terms: Terms) -> Session | None:
    """The valid session with this id; for a ceremony that the session itself began."""
    row = connection.execute(sql.select(session).where(session.c.id == identifier)).one_or_none()
    return None if row is None else _valid(connection, row, now, terms)


def _valid(connection: Connection, row: Row[Any], now: datetime, terms: Terms) -> Session | None:
    if not _stands(row, now, terms):
        return None
    if row.token is not None and not _token_stands(connection, row.token):
        return None
    try:
        actor = load_actor(connection, row.programme, row.person, row.means, row.scopes)
    except NotFound:
        return None
    return Session(row.id, actor, datetime.fromisoformat(row.fresh_at) + terms.fresh, row)


def _stands(row: Row[Any], now: datetime, terms: Terms) -> bool:
    seen = datetime.fromisoformat(row.seen_at)
    return row.ended_at is None and row.ends_at > now.isoformat() and now < seen + terms.idle


def _token_stands(connection: Connection, identifier: str) -> bool:
    found = connection.execute(
        sql.select(access_token.c.revoked_at).where(access_token.c.id == identifier)
    ).one_or_none()
    return found is not None and found.revoked_at is None


def needs_note(found: Session, now: datetime) -> bool:
    """Whether it is a minute since the session was last seen."""
    return now >= datetime.fromisoformat(found.row.seen_at) + _SEEN_EVERY


def note_seen(connection: Connection, found: Session, now: datetime) -> None:
    """Note that it is in use."""
    connection.execute(
        sql.update(session).where(session.c.id == found.id).values(seen_at=now.isoformat())
    )


def renew(connection: Connection, identifier: str, now: datetime) -> str:
    """Note a fresh proof, and change the cookie's secret: the new one."""
    secret = fresh_secret()
    connection.execute(
        sql.update(session)
        .where(session.c.id == identifier)
        .values(hash=hash_of(secret), fresh_at=now.isoformat(), seen_at=now.isoformat())
    )
    return secret


def end(
    connection: Connection,
    programme: str,
    person: str,
    now: datetime,
    *,
    only: str | None = None,
) -> int:
    """End one session of a person, or all of them; how many there were."""
    ended = (
        sql.update(session)
        .where(
            session.c.programme == programme,
            session.c.person == person,
            session.c.ended_at.is_(None),
            session.c.ends_at > now.isoformat(),
        )
        .values(ended_at=now.isoformat())
    )
    if only is not None:
        ended = ended.where(session.c.id == only)
    return connection.execute(ended).rowcount


def of_person(
    connection: Connection, programme: str, person: str, now: datetime, terms: Terms
) -> list[Row[Any]]:
    """The sessions of a person that are valid now, newest first."""
    rows = connection.execute(
        sql.select(session)
        .where(
            session.c.programme == programme,
            session.c.person == person,
            session.c.ended_at.is_(None),
        )
        .order_by(session.c.started_at.desc())
        .limit(200)
    )
    return [row for row in rows if _stands(row, now, terms)]
