"""Actors: an authenticated person of one institution in one role.  No act is anonymous."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.tables import access_token, institution, person
from amanat.core.errors import NotFound, Unauthenticated

TOKEN_PREFIX = "amanat_"


class Role(StrEnum):
    """What a person does in their institution."""

    OFFICER = "officer"  # proposes
    APPROVER = "approver"  # proposes, and approves what another proposed
    VIEWER = "viewer"  # reads what the institution may see
    OPERATOR = "operator"  # runs the installation; holds no authority over money or rights


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: person, institution and role, and by what means they proved it."""

    programme: str
    person: str
    institution: str
    capacities: frozenset[str]
    role: Role
    address: str | None
    means: str

    def __str__(self) -> str:
        return f"{self.person} ({self.role.value} of {self.institution})"


def add_institution(
    connection: Connection,
    programme: str,
    code: str,
    *,
    number: int,
    name: str,
    capacities: Iterable[str],
) -> None:
    """Enter an institution with the capacities in which it may act."""
    connection.execute(
        institution.insert().values(
            programme=programme,
            code=code,
            number=number,
            name=name,
            capacities=sorted(capacities),
        )
    )


def add_person(
    connection: Connection,
    programme: str,
    code: str,
    *,
    institution: str,
    role: Role,
    name: str,
    address: str | None = None,
) -> None:
    """Enter a person of an institution; `address` is the key with which they sign."""
    connection.execute(
        person.insert().values(
            programme=programme,
            code=code,
            institution=institution,
            role=role.value,
            name=name,
            address=address,
            active=True,
        )
    )


def load_actor(connection: Connection, programme: str, code: str, means: str) -> Actor:
    """The actor that this person is today.  Raises `NotFound` for unknown and inactive ones."""
    row = connection.execute(
        sql.select(person, institution.c.capacities)
        .join(
            institution,
            (institution.c.programme == person.c.programme)
            & (institution.c.code == person.c.institution),
        )
        .where(person.c.programme == programme, person.c.code == code, person.c.active)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="person", value=code)
    return Actor(
        programme=programme,
        person=row.code,
        institution=row.institution,
        capacities=frozenset(row.capacities),
        role=Role(row.role),
        address=row.address,
        means=means,
    )


def issue_token(
    connection: Connection, programme: str, code: str, now: datetime, lifetime: timedelta
) -> str:
    """A new personal token, shown once; only its hash is kept."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    connection.execute(
        access_token.insert().values(
            hash=_hash(token),
            programme=programme,
            person=code,
            issued_at=now.isoformat(),
            expires_at=(now + lifetime).isoformat(),
        )
    )
    return token


def revoke_tokens(connection: Connection, programme: str, code: str, now: datetime) -> int:
    """Revoke every token of a person at once; how many there were."""
    done = connection.execute(
        sql.update(access_token)
        .where(
            access_token.c.programme == programme,
            access_token.c.person == code,
            access_token.c.revoked_at.is_(None),
        )
        .values(revoked_at=now.isoformat())
    )
    return done.rowcount


def authenticate(connection: Connection, token: str, now: datetime) -> Actor:
    """The actor behind a token.

    Raises `Unauthenticated` for unknown, expired and revoked tokens and for people who have left;
    the reason is the same text, so that guessing learns nothing.
    """
    row = connection.execute(
        sql.select(access_token).where(access_token.c.hash == _hash(token))
    ).one_or_none()
    if row is None or row.revoked_at is not None or row.expires_at <= now.isoformat():
        raise Unauthenticated(reason="this token is not valid")
    try:
        return load_actor(connection, row.programme, row.person, "token")
    except NotFound:
        raise Unauthenticated(reason="this token is not valid") from None


def _hash(token: str) -> str:
    # Tokens are 256 random bits, so a plain hash cannot be searched.
    return hashlib.sha256(token.encode()).hexdigest()
