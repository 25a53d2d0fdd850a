"""Notifications of what is due: written once each into an outbox, and sent from there by mail.

Everyone is told of what their institution owes, as far as their calendar shows it to them, so that
nobody learns by mail what they may not read.  The outbox is in the database: a letter that could
not be sent is tried again, and none is lost with a process.
"""

from __future__ import annotations

import hashlib
import smtplib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.actors import Actor, Role, load_actor
from amanat.access.desk import Desk
from amanat.access.effects import as_json, from_json
from amanat.access.tables import person
from amanat.core.ids import new_id
from amanat.core.messages import Message, Word
from amanat.licensing.duties.mail import Letter, Postbox
from amanat.licensing.duties.tables import mail_address, notification
from amanat.licensing.tables import provider
from amanat.participants.records import institutions_with
from amanat.participants.signing import AUTHORITY
from amanat.store.uow import Store

REMINDED_DAYS = (14, 3, 0)
"""Calendar days before the due day on which one is reminded; once more when it is over."""
ATTEMPTS_MAX = 8
_FAILURE_MAX = 400
_FIRST_WAIT = timedelta(minutes=2)
Compose = Callable[[str, str, Message, date], tuple[str, str]]
"""Words a letter: programme, language, what is told, the due day; answers subject and text."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How many letters were sent, how many wait for another attempt, how many were given up."""

    sent: int
    waiting: int
    given_up: int


# -- writing --------------------------------------------------------------------------------------


def remind(desk: Desk, store: Store, programme: str, today: date) -> int:
    """Write what is due and was not told before; how many notifications are new."""
    with store.reading() as connection:
        actors = list(_readers(connection, programme))
    found = []
    for actor in actors:
        asked = {"days": max(REMINDED_DAYS), "limit": 1_000}
        rows = desk.view(actor, programme, "licensing_calendar", asked)
        found += [
            _notification(actor, row, today, store.clock())
            for row in rows
            if row["owed_by"] == actor.institution
        ]
    with store.engine.begin() as connection:
        return sum(_enter(connection, one) for one in found)


def _readers(connection: Connection, programme: str) -> Iterable[Actor]:
    """People of providers, of the authority and of who is consulted, who propose or approve."""
    codes = {
        row.code
        for capacity in (AUTHORITY, "consulted")
        for row in institutions_with(connection, programme, capacity)
    }
    codes |= set(
        connection.execute(
            sql.select(provider.c.code).where(provider.c.programme == programme)
        ).scalars()
    )
    rows = connection.execute(
        sql.select(person.c.code, person.c.institution)
        .where(
            person.c.programme == programme,
            person.c.active,
            person.c.role.in_([Role.OFFICER.value, Role.APPROVER.value]),
        )
        .order_by(person.c.code)
    )
    for row in rows.all():
        if row.institution in codes:
            yield load_actor(connection, programme, row.code, "reminder")


def _notification(
    actor: Actor, row: Mapping[str, Any], today: date, now: datetime
) -> dict[str, Any]:
    due = date.fromisoformat(row["due_on"])
    left = (due - today).days
    near = "over" if left < 0 else str(min(one for one in REMINDED_DAYS if left <= one))
    about = row["file"] or row["provider"]
    thing = "/".join(str(row[name]) for name in ("what", "file", "provider", "text", "due_on"))
    what = Word(row["text"] if row["what"] == "obligation" else row["what"])
    if left < 0:
        message = Message("{about}: {what} was due on {due_on}", about=about, what=what, due_on=due)
    else:
        message = Message("{about}: {what} is due on {due_on}", about=about, what=what, due_on=due)
    return {
        "id": new_id(),
        "programme": actor.programme,
        "person": actor.person,
        "key": hashlib.sha256(f"{near}/{thing}".encode()).hexdigest(),
        "message": as_json([message]),
        "due_on": row["due_on"],
        "created_at": now.isoformat(),
        "attempts": 0,
        "next_at": now.isoformat(),
    }


def _enter(connection: Connection, values: Mapping[str, Any]) -> bool:
    """Enter a notification unless the same was entered before."""
    known = connection.execute(
        sql.select(notification.c.id).where(
            notification.c.programme == values["programme"],
            notification.c.person == values["person"],
            notification.c.key == values["key"],
        )
    )
    if known.first() is not None:
        return False
    connection.execute(notification.insert().values(**values))
    return True


# -- sending --------------------------------------------------------------------------------------


def send_waiting(
    store: Store, open_postbox: Callable[[], Postbox], compose: Compose, most: int = 500
) -> Sent:
    """Send what waits to whoever said where to write; one connection for all of it.

    A letter that the server refuses is tried again after 2, 4, 8 … minutes, eight times in all; who
    gave no address reads theirs on the page.  Raises `OSError` where the server does not answer.
    """
    now = store.clock()
    with store.reading() as connection:
        rows = _waiting(connection, now, most)
    counted = {"sent": 0, "waiting": 0, "given_up": 0}
    if not rows:
        return Sent(**counted)
    with open_postbox() as postbox:
        for row in rows:
            (message,) = from_json(row.message)
            due = date.fromisoformat(row.due_on)
            subject, text = compose(row.programme, row.language, message, due)
            failure = _send(postbox, Letter(row.id, row.address, subject, text))
            counted[_note(store, row, failure, now)] += 1
    return Sent(**counted)


def _waiting(connection: Connection, now: datetime, most: int) -> list[Row[Any]]:
    table = notification
    return list(
        connection.execute(
            sql.select(table, mail_address.c.address, mail_address.c.language)
            .join(
                mail_address,
                (mail_address.c.programme == table.c.programme)
                & (mail_address.c.person == table.c.person),
            )
            .where(table.c.sent_at.is_(None), table.c.next_at <= now.isoformat())
            .order_by(table.c.id)
            .limit(most)
        )
    )


def _send(postbox: Postbox, letter: Letter) -> str | None:
    """Why a letter was refused; None where it was taken."""
    try:
        postbox.send(letter)
    except smtplib.SMTPServerDisconnected:
        raise
    except smtplib.SMTPException as error:
        return " ".join(str(error).split())[:_FAILURE_MAX]
    return None


def _note(store: Store, row: Row[Any], failure: str | None, now: datetime) -> str:
    attempts = row.attempts + 1
    over = failure is None or attempts >= ATTEMPTS_MAX
    values = {
        "attempts": attempts,
        "sent_at": now.isoformat() if failure is None else None,
        "failure": failure,
        "next_at": None if over else (now + _FIRST_WAIT * 2 ** (attempts - 1)).isoformat(),
    }
    with store.engine.begin() as connection:
        connection.execute(
            sql.update(notification).where(notification.c.id == row.id).values(**values)
        )
    return "sent" if failure is None else "given_up" if over else "waiting"
