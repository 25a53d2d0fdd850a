"""Rulebooks: a version's states, and comments of the public on a draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.desk import parse
from amanat.access.entrance import NOBODY, Visitor
from amanat.access.fields import require_plain
from amanat.core.canonical import digest
from amanat.core.errors import NotFound, Refusal
from amanat.core.ids import new_id
from amanat.core.messages import Word
from amanat.licensing.openness import events
from amanat.licensing.openness.commands import PublicComment
from amanat.licensing.openness.public_letters import take_letter
from amanat.licensing.openness.tables import rulebook_comment, rulebook_version
from amanat.store.uow import Store, UnitOfWork

CONSULTED_DAYS_MIN = 14
"""Calendar days that a public consultation lasts at least; of no published source."""


class RulebookState(StrEnum):
    """How far a version is; one that is in force from a day stays so until the next one is."""

    DRAFT = "draft"
    CONSULTATION = "consultation"
    ADOPTED = "adopted"
    WITHDRAWN = "withdrawn"


class NotInState(Refusal):
    """A version goes from draft through consultation into force, and by no other way."""

    template: ClassVar[str] = "{rulebook}/{version} is {state}, not {needed}."


class ConsultationEnded(Refusal):
    """Comments are taken up to and with the last day of the consultation."""

    template: ClassVar[str] = "Comments on {rulebook}/{version} were taken until {until}."


@dataclass(frozen=True, slots=True)
class Commented:
    """The number that a comment has among those on its version."""

    number: int
    again: bool


def find_version(
    connection: Connection, programme: str, rulebook: str, version: int, *, lock: bool = False
) -> Row[Any]:
    """A version of a rulebook.  Refuses `NotFound`."""
    query = sql.select(rulebook_version).where(
        rulebook_version.c.programme == programme,
        rulebook_version.c.rulebook == rulebook,
        rulebook_version.c.version == version,
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NotFound(thing="rulebook", value=f"{rulebook}/{version}")
    return row


def require_state(row: Row[Any], *needed: RulebookState) -> None:
    """Refuse `NotInState` unless a version is in one of these states."""
    if row.state not in needed:
        raise NotInState(
            rulebook=row.rulebook,
            version=row.version,
            state=Word(row.state),
            needed=Word(" or ".join(needed)),
        )


def take_comment(
    store: Store,
    business_date: Callable[[Connection, str], date],
    programme: str,
    stated: Mapping[str, Any],
    visitor: Visitor,
) -> Commented:
    """Take a comment of somebody of the public on a version that is consulted on.

    `stated` has the fields of `PublicComment`.  Refuses, in order: every fault of the fields at
    once, `TextNotPlain`, `TooManyLetters`, `NotFound`, `NotInState`, `ConsultationEnded`.
    """
    given: PublicComment = parse(PublicComment, stated)
    require_plain(given.model_dump(mode="json"))

    def work(uow: UnitOfWork, now: datetime, today: date) -> Commented:
        row = find_version(uow.connection, programme, given.rulebook, given.version, lock=True)
        former = _former(uow.connection, programme, given.key)
        if former is not None:
            return Commented(former, again=True)
        require_state(row, RulebookState.CONSULTATION)
        if today.isoformat() > row.consulted_until:
            raise ConsultationEnded(
                rulebook=row.rulebook,
                version=row.version,
                until=date.fromisoformat(row.consulted_until),
            )
        return Commented(_enter(uow, programme, row, given, now, today), again=False)

    return take_letter(store, business_date, programme, "comment", visitor, work)


def _former(connection: Connection, programme: str, key: str | None) -> int | None:
    if key is None:
        return None
    found: int | None = connection.execute(
        sql.select(rulebook_comment.c.number).where(
            rulebook_comment.c.programme == programme, rulebook_comment.c.key == key
        )
    ).scalar_one_or_none()
    return found


def _enter(
    uow: UnitOfWork,
    programme: str,
    row: Row[Any],
    given: PublicComment,
    now: datetime,
    today: date,
) -> int:
    last: int | None = uow.connection.execute(
        sql.select(sql.func.max(rulebook_comment.c.number)).where(
            rulebook_comment.c.version == row.id
        )
    ).scalar_one()
    number = (last or 0) + 1
    entry = uow.journal.append(
        events.RULEBOOK_COMMENTED,
        {
            "rulebook": row.rulebook,
            "version": row.version,
            "number": number,
            "name": given.name,
            "digest": digest({"text": given.text}).hex(),
            "mail": given.mail,
        },
        subject=f"rulebook:{row.rulebook}",
    )
    uow.connection.execute(
        rulebook_comment.insert().values(
            id=new_id(),
            programme=programme,
            version=row.id,
            number=number,
            name=given.name,
            text=given.text,
            key=given.key,
            institution=NOBODY,
            person=NOBODY,
            recorded_at=now.isoformat(),
            recorded_on=today.isoformat(),
            entry=entry,
        )
    )
    return number
