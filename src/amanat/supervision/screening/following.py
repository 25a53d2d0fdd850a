"""Screens whom accepted returns brought, and whom new versions of lists concern, by itself.

What waits is what `persons_behind` finds, so nothing is remembered between rounds: killed anywhere,
the next round finds who is left.  A transaction holds a few hundred parties, so that others write
in between; who was screened meanwhile by somebody else is passed over.
"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.store.journal import Provenance
from amanat.store.uow import Store
from amanat.supervision.identities import tables as vault_tables
from amanat.supervision.identities.vault import Vault
from amanat.supervision.returns.tables import manifest
from amanat.supervision.screening import events
from amanat.supervision.screening.running import (
    Run,
    run_content,
    screen_parties,
    written_versions,
)
from amanat.supervision.screening.sources import count_behind, persons_behind, vault_parties

AT_ONCE = 500
"""Parties of one transaction: half a second's work."""
LOOKED_UP = 20_000
"""Whose turn it is, looked up at once."""


def mark(connection: Connection, programme: str) -> tuple[str, ...]:
    """Changes whenever somebody may wait: another return, its persons kept, a list's version."""
    last = connection.execute(
        sql.select(
            sql.func.max(manifest.c.id), sql.func.max(manifest.c.settled_at), sql.func.count()
        ).where(manifest.c.programme == programme)
    ).one()
    return (*(str(one) for one in last), written_versions(connection, programme))


def screen_waiting(store: Store, vault: Vault, programme: str, day: date) -> int:
    """Screen those who wait, at most `LOOKED_UP` of them; how many that were."""
    done = 0
    with store.reading() as connection:
        versions = written_versions(connection, programme)
        waiting = persons_behind(connection, programme, versions, LOOKED_UP)
    for begin in range(0, len(waiting), AT_ONCE):
        run = _screen(store, vault, programme, day, waiting[begin : begin + AT_ONCE])
        done += run.parties + run.skipped
    return done


def _screen(store: Store, vault: Vault, programme: str, day: date, persons: list[int]) -> Run:
    by = Provenance(programme, "installation", "operator", "operator", "screening", day)
    with store.work(by) as uow:
        done = screen_parties(
            uow.connection,
            programme,
            vault_parties(vault, uow.connection, programme, persons),
            now=store.clock(),
            day=day,
            reason="intake",
        )
        uow.journal.append(events.PARTIES_SCREENED, run_content(done), subject="screening")
        uow.commit()
    return done


def waiting(connection: Connection, programme: str) -> tuple[int, str | None]:
    """How many customers wait, and since when the first return with one of them does."""
    count = count_behind(connection, programme, written_versions(connection, programme))
    if not count:
        return 0, None
    persons = persons_behind(
        connection, programme, written_versions(connection, programme), AT_ONCE
    )
    record = vault_tables.record
    since = connection.execute(
        sql.select(sql.func.min(manifest.c.received_at))
        .join(record, record.c.return_id == manifest.c.id)
        .where(record.c.programme == programme, record.c.person.in_(persons))
    ).scalar_one_or_none()
    return count, since
