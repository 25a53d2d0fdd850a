"""Objections of clients to being moved, taken from themselves, without an account.

A client has the number of the winding-down, its reference number with the provider, and a code that
the provider sent it.  Of the code only a SHA-256 stands here, which the provider gave with its
list; reference and code open nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.desk import parse
from amanat.access.entrance import Visitor
from amanat.access.fields import require_plain
from amanat.access.shown_once import matches
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.licensing.enforcement import events
from amanat.licensing.enforcement.acts_winding_down import (
    WINDING_DOWN,
    ObjectionsOver,
    require_open,
)
from amanat.licensing.enforcement.commands import PublicObjection
from amanat.licensing.enforcement.tables import winding_client, winding_down
from amanat.licensing.openness.public_letters import take_letter
from amanat.licensing.records import pack_of
from amanat.licensing.tables import licensing_file
from amanat.store.uow import Store, UnitOfWork

KIND = "objection"
_ACT = "ObjectToTransfer"


class NoSuchClient(NotFound):
    """An objection opens to winding-down, reference number and code together."""

    template: ClassVar[str] = (
        "No client whose transfer is proposed has this number, reference and code."
    )


@dataclass(frozen=True, slots=True)
class Objected:
    """An objection that stands: of which case, since when; `again` where it was there before."""

    file: str
    objected_on: str
    again: bool


def take_objection(
    store: Store,
    business_date: Callable[[Connection, str], date],
    programme: str,
    stated: Mapping[str, Any],
    visitor: Visitor | None,
) -> Objected:
    """Take an objection of a client.

    `stated` has the fields of `PublicObjection`.  Refuses, in order: every fault of the fields at
    once, `TextNotPlain`, `TooManyLetters`, `NoSuchClient` (also with another's code, and where
    nothing is proposed), `ObjectionsOver`, `ClientSettled`.
    """
    given: PublicObjection = parse(PublicObjection, stated)
    require_plain(given.model_dump(mode="json"))

    def work(uow: UnitOfWork, now: datetime, today: date) -> Objected | None:
        del now
        row = _client(uow.connection, programme, given)
        if row is None:
            return None
        until = date.fromisoformat(row.objections_until)
        if today > until:
            raise ObjectionsOver(until=until)
        require_open(row)
        if row.objected_on is not None:
            return Objected(given.file, row.objected_on, again=True)
        uow.journal.append(
            events.OBJECTED,
            {
                "file": given.file,
                "client": given.client,
                "digest": digest({"reason": given.reason}).hex(),
            },
            subject=f"licensing:{given.file}",
        )
        uow.connection.execute(
            sql.update(winding_client)
            .where(winding_client.c.file == row.file, winding_client.c.client == given.client)
            .values(objection=given.reason, objected_on=today.isoformat())
        )
        return Objected(given.file, today.isoformat(), again=False)

    taken = take_letter(store, business_date, programme, KIND, visitor, work)
    if taken is None:
        # Only now, so that an attempt with a wrong code is counted with the letters of a network.
        raise NoSuchClient
    return taken


def _client(connection: Connection, programme: str, given: PublicObjection) -> Row[Any] | None:
    """The client with its case, locked; None for whatever does not fit."""
    stages = {
        stage
        for step in pack_of(connection, programme).steps
        if (step.file, step.act) == (WINDING_DOWN, _ACT)
        for stage in step.from_stages
    }
    row = connection.execute(
        sql.select(winding_client, winding_down.c.objections_until)
        .join(licensing_file, licensing_file.c.id == winding_client.c.file)
        .join(winding_down, winding_down.c.file == winding_client.c.file)
        .where(
            licensing_file.c.programme == programme,
            licensing_file.c.number == given.file,
            licensing_file.c.stage.in_(stages),
            winding_client.c.client == given.client,
        )
        .with_for_update()
    ).one_or_none()
    fits = row is not None and row.code is not None and matches(given.code, row.code)
    return row if fits else None
