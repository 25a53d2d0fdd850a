"""Compares what is published: the register's chain, the journal, standings, credentials."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.canonical import canonical_bytes
from amanat.ledger.fsck import Difference
from amanat.licensing.credentials.book import LIST_SIZE, list_address
from amanat.licensing.credentials.jose import TokenUnreadable, unverified
from amanat.licensing.credentials.licence import status_place
from amanat.licensing.register.book import (
    change_of,
    changes_between,
    changes_from_journal,
    row_of,
)
from amanat.licensing.register.entries import entry_of
from amanat.licensing.register.model import (
    Change,
    ChangeInvalid,
    ChangesDiffer,
    as_of,
    change_bytes,
    entry_json,
)
from amanat.licensing.register.tables import (
    credential,
    credential_key,
    register_change,
    register_head,
)
from amanat.licensing.tables import provider
from amanat.store.journal import read_entries


def check_register(connection: Connection, programme: str, today: date) -> Iterator[Difference]:
    """Every difference; none where all that is published follows from what was decided."""
    try:
        changes = changes_between(connection, programme)
        as_of(changes, today)
    except (ChangeInvalid, ChangesDiffer, ValueError) as error:
        yield Difference("register = its chain", "register", "one chain", str(error))
        return
    yield from _head(connection, programme, changes)
    yield from _journal(connection, programme, changes)
    yield from _columns(connection, programme)
    yield from _standings(connection, programme, today, changes)
    yield from _credentials(connection, programme)


def _head(connection: Connection, programme: str, changes: list[Change]) -> Iterator[Difference]:
    head = connection.execute(
        sql.select(register_head).where(register_head.c.programme == programme)
    ).one_or_none()
    found = "none" if head is None else f"{head.size} {head.digest}"
    expected = f"{changes[-1].number} {changes[-1].digest()}" if changes else "none"
    if found != expected:
        yield Difference("head = last change", "register", expected, found)


def _journal(connection: Connection, programme: str, changes: list[Change]) -> Iterator[Difference]:
    entries = read_entries(connection, programme=programme, kinds=["RegisterChanged"])
    told = {one.number: change_bytes(one).decode() for one in changes_from_journal(entries)}
    kept = {one.number: change_bytes(one).decode() for one in changes}
    for number in sorted(told.keys() | kept.keys()):
        if told.get(number) != kept.get(number):
            yield Difference(
                "register = journal",
                f"change {number}",
                told.get(number, "none"),
                kept.get(number, "none"),
            )


def _columns(connection: Connection, programme: str) -> Iterator[Difference]:
    """What rows are found by follows from their content; the last of each subject is marked."""
    rows = (
        connection.execute(
            sql.select(register_change)
            .where(register_change.c.programme == programme)
            .order_by(register_change.c.number)
        )
        .mappings()
        .all()
    )
    last = {row["subject"]: row["number"] for row in rows}
    for row in rows:
        derived = row_of(change_of(row["content"])) | {
            "latest": last[row["subject"]] == row["number"]
        }
        for name, expected in derived.items():
            if row[name] != expected:
                yield Difference(
                    "columns = change",
                    f"change {row['number']}, {name}",
                    str(expected)[:200],
                    str(row[name])[:200],
                )


def _standings(
    connection: Connection, programme: str, today: date, changes: list[Change]
) -> Iterator[Difference]:
    """The register of today says of each provider what its standing is."""
    shown = {one.provider: one for one in as_of(changes, today).entries}
    codes = set(
        connection.execute(
            sql.select(provider.c.code).where(provider.c.programme == programme)
        ).scalars()
    )
    for code in sorted(shown.keys() - codes):
        yield Difference("register = standing", f"provider {code}", "no provider", "an entry")
    for code in sorted(codes):
        own = entry_of(connection, programme, code, today)
        if code not in shown and not own.permissions:
            continue
        said = canonical_bytes(entry_json(shown[code])).decode() if code in shown else "none"
        expected = canonical_bytes(entry_json(own)).decode()
        if said != expected:
            yield Difference("register = standing", f"provider {code}", expected, said)


def _credentials(connection: Connection, programme: str) -> Iterator[Difference]:
    """Each credential names the place in the status list that it has, and a key that there was."""
    issuers = {
        row.kid: row.issuer
        for row in connection.execute(
            sql.select(credential_key.c.kid, credential_key.c.issuer).where(
                credential_key.c.programme == programme
            )
        )
    }
    rows = connection.execute(
        sql.select(credential).where(credential.c.programme == programme)
    ).all()
    for row in rows:
        issuer = issuers.get(row.kid, "")
        expected = f"{row.kid} {list_address(issuer, row.place)} {row.place % LIST_SIZE}"
        try:
            header, payload = unverified(row.token.split("~")[0])
            place = status_place(payload)
            found = f"{header.get('kid')} {place.uri} {place.index}"
        except TokenUnreadable as error:
            found = str(error)
        if row.kid not in issuers or found != expected:
            yield Difference("credential = its row", f"place {row.place}", expected, found)
