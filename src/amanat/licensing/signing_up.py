"""How an applicant comes in by itself: an institution, its first person, a link for their passkey.

What signs up may file for itself and nothing else; whoever licenses finds out in the review who it
really is.  Sign-ups are counted in the database, from a network and over all, so that neither a
restart nor a second process forgets them.  Every one is in the confidential log.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sql
from pydantic import BaseModel, ConfigDict
from sqlalchemy.engine import Connection

from amanat.access import attempts, passkeys
from amanat.access.actors import Role, add_institution, add_person
from amanat.access.attempts import ComeBackLater
from amanat.access.desk import parse
from amanat.access.entrance import Entrance, Note, Visitor
from amanat.access.fields import require_plain
from amanat.access.shown_once import ShownOnce
from amanat.access.tables import institution, person
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.licensing import events
from amanat.licensing.model import APPLICANT
from amanat.licensing.records import authority_of, pack_of
from amanat.licensing.tables import sign_up as sign_ups
from amanat.participants.commands import Words

FROM_A_NETWORK = 5
OF_ALL = 200
WINDOW = timedelta(days=1)
LINK_LIFETIME = timedelta(hours=24)
_CODE_MAX = 40


class TooManySignUps(ComeBackLater):
    """From one network, and over all, only so many applicants sign up in a day."""

    template: ClassVar[str] = (
        "Too many applicants signed up; come back in {seconds} seconds, or write to the authority."
    )


class Wish(BaseModel):
    """What whoever signs up says: the applicant's name, and their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    applicant: Words
    name: Words


@dataclass(frozen=True, slots=True)
class SignedUp:
    """The new institution and person, and the path of the link that serves once until a time."""

    institution: str
    person: str
    link: str
    expires_at: datetime


def sign_up(
    entrance: Entrance, programme: str, stated: dict[str, object], visitor: Visitor
) -> SignedUp:
    """Enter an applicant that nobody here knows yet.

    `stated` has the fields of `Wish`.  Refuses, in order: `LockedOut`, every fault of the fields
    at once, `TextNotPlain`, `NotFound` (the programme licenses nobody), `TooManySignUps`.
    """
    entrance.require_unlocked(visitor)
    wish: Wish = parse(Wish, stated)
    require_plain(wish.model_dump())
    with entrance.store.reading() as connection:
        _require_licensing(connection, programme)

    def work(connection: Connection, note: Note) -> SignedUp:
        now = entrance.store.clock()
        code = _free_code(connection, programme, wish.applicant)
        _count(connection, programme, code, visitor, now)
        who = f"{code}_1"
        add_institution(
            connection, programme, code, number=0, name=wish.applicant, capacities=[APPLICANT]
        )
        add_person(connection, programme, who, institution=code, role=Role.OFFICER, name=wish.name)
        identifier, secret = passkeys.invite(connection, programme, who, now, LINK_LIFETIME)
        expires_at = now + LINK_LIFETIME
        note(
            events.APPLICANT_SIGNED_UP,
            institution=code,
            first_person=who,
            invitation=identifier,
            expires_at=expires_at.isoformat(),
            name=wish.applicant,
        )
        return SignedUp(code, who, ShownOnce(f"/join/{secret}"), expires_at)

    return entrance.journalled(programme, visitor, work)


def _require_licensing(connection: Connection, programme: str) -> None:
    known = connection.execute(
        sql.select(institution.c.code).where(institution.c.programme == programme).limit(1)
    )
    if known.first() is None:
        raise NotFound(thing="programme", value=programme)
    authority_of(connection, programme, pack_of(connection, programme))


def _count(
    connection: Connection, programme: str, code: str, visitor: Visitor, now: datetime
) -> None:
    """Note a sign-up, unless there were too many.  Refuses `TooManySignUps`."""
    subject = attempts.of_address(visitor.address)
    since = (now - WINDOW).isoformat()
    for most, query in (
        (FROM_A_NETWORK, sql.select(sign_ups.c.at).where(sign_ups.c.visitor == subject)),
        (OF_ALL, sql.select(sign_ups.c.at)),
    ):
        recent = list(
            connection.execute(
                query.where(sign_ups.c.at > since).order_by(sign_ups.c.at.desc()).limit(most)
            ).scalars()
        )
        if len(recent) == most:
            free = datetime.fromisoformat(recent[-1]) + WINDOW
            raise TooManySignUps(seconds=max(1, int((free - now).total_seconds())))
    connection.execute(
        sign_ups.insert().values(
            id=new_id(),
            programme=programme,
            institution=code,
            visitor=subject,
            at=now.isoformat(),
        )
    )


def _free_code(connection: Connection, programme: str, name: str) -> str:
    """A code from the name's Latin letters that neither institution nor person has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_CODE_MAX].strip("_")
    stem = stem if stem[:1].isalpha() else f"applicant_{stem}".strip("_")
    taken = set(
        connection.execute(
            sql.select(institution.c.code).where(
                institution.c.programme == programme, institution.c.code.startswith(stem)
            )
        ).scalars()
    ) | set(
        connection.execute(
            sql.select(person.c.code).where(
                person.c.programme == programme, person.c.code.startswith(stem)
            )
        ).scalars()
    )
    number, code = 1, stem
    while code in taken or f"{code}_1" in taken:
        number += 1
        code = f"{stem}_{number}"
    return code
