"""Actors: an authenticated person of one institution in one role.  No act is anonymous."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.tables import institution, person
from amanat.core.errors import NotFound


class Role(StrEnum):
    """What a person does in their institution."""

    OFFICER = "officer"  # proposes
    APPROVER = "approver"  # proposes, and approves what another proposed
    VIEWER = "viewer"  # reads what the institution may see
    OPERATOR = "operator"  # runs the installation; holds no authority over money or rights


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: person, institution and role, and by what means they proved it.

    `scopes` are what a token with scopes serves, such as `submit:AnnounceTender` or `look:*`; None
    is everything that the person may.
    """

    programme: str
    person: str
    institution: str
    capacities: frozenset[str]
    role: Role
    address: str | None
    means: str
    scopes: frozenset[str] | None = field(default=None, compare=False)

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


def load_actor(
    connection: Connection,
    programme: str,
    code: str,
    means: str,
    scopes: Iterable[str] | None = None,
) -> Actor:
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
        scopes=None if scopes is None else frozenset(scopes),
    )
