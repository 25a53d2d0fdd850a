"""Checks of the database: does it answer and write, is it current, whole, durable, and in time."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.errors import AmanatError
from amanat.ledger import tables as ledger
from amanat.ledger.orders import OPEN_STATES
from amanat.operating.doctor.findings import Finding, Patient, skipped, watch, well, wrong
from amanat.store.engine import open_engine
from amanat.store.migrate import pending_migrations
from amanat.store.tables import journal_entry, log_size, probe

CLOCKS_APART_S = 2.0
_ENTRIES_READ = 1_000
_OVERDUE = timedelta(minutes=15)
Check = Callable[[Patient], list[Finding]]
Look = Callable[[Patient, Connection], list[Finding]]


def database(patient: Patient) -> list[Finding]:
    """The database answers."""
    name = "database"
    settings = patient.settings
    if settings is None:
        return skipped(name, "the configuration cannot be read")
    url = sql.make_url(settings.database_url)
    told = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        mend = "Start the server or run a pilot: the first start makes it."
        return watch(name, f"{told} is not there yet", mend)
    try:
        engine = open_engine(settings.database_url)
        with engine.connect().execution_options(reads_only=True) as connection:
            connection.execute(sql.text("SELECT 1"))
    except (sql.exc.SQLAlchemyError, AmanatError, OSError) as error:
        inner = getattr(error, "orig", None) or error
        mend = "Look whether it runs, and at AMANAT_DATABASE, its user and its password."
        return wrong(name, f"{told} does not answer: {type(inner).__name__}", mend)
    patient.engine = engine
    return well(name, told)


def _looks(name: str, *, tables: bool = True) -> Callable[[Look], Check]:
    """A check that needs the database, and its tables unless it says otherwise."""

    def wrap(look: Look) -> Check:
        @wraps(look)
        def check(patient: Patient) -> list[Finding]:
            if patient.engine is None:
                return skipped(name, "the database cannot be asked")
            if tables and not patient.tables:
                return skipped(name, "the database has not this version's tables")
            try:
                with patient.engine.connect().execution_options(reads_only=True) as connection:
                    return look(patient, connection)
            except sql.exc.SQLAlchemyError as error:
                inner = getattr(error, "orig", None) or error
                mend = "Look at the database's own log; restore a backup if it is damaged."
                return wrong(name, f"the database fails: {type(inner).__name__}", mend)

        return check

    return wrap


@_looks("migrations", tables=False)
def migrations(patient: Patient, connection: Connection) -> list[Finding]:
    """The database has the tables of this version, no fewer and no newer."""
    if not pending_migrations(connection):
        patient.tables = True
        return well("migrations", "the tables are this version's")
    mend = "Start the server of this version once: it brings the tables up. A newer database needs"
    return wrong(
        "migrations", "the tables are another version's", f"{mend} its own, newer version."
    )


def database_writes(patient: Patient) -> list[Finding]:
    """The database takes a write; it is taken back."""
    name = "database_writes"
    if patient.engine is None or not patient.tables:
        return skipped(name, "the database cannot be asked, or lacks tables")
    mend = "Look at its disk, at the rights of its user, and whether it is a read-only replica."
    try:
        with patient.engine.connect() as connection, connection.begin() as transaction:
            connection.execute(
                probe.insert().values(name="doctor", written_at=patient.now().isoformat())
            )
            transaction.rollback()
    except sql.exc.SQLAlchemyError as error:
        inner = getattr(error, "orig", None) or error
        return wrong(name, f"it takes no write: {type(inner).__name__}", mend)
    return well(name, "it takes writes")


@_looks("durability", tables=False)
def durability(patient: Patient, connection: Connection) -> list[Finding]:
    """A commit survives the loss of power, and the SQLite file is closed to others."""
    del patient
    name = "durability"
    if connection.dialect.name == "sqlite":
        level = int(connection.execute(sql.text("PRAGMA synchronous")).scalar_one())
        file = Path(str(connection.engine.url.database))
        open_to_all = file.exists() and all(
            stat.S_IMODE(one.stat().st_mode) & stat.S_IRWXO for one in (file, file.parent)
        )
        if open_to_all:
            return wrong(name, f"{file} is open to everyone", f"chmod 600 {file}")
        if level < 2:
            return wrong(name, f"synchronous is {level}", "Set PRAGMA synchronous=FULL.")
        return well(name, "synchronous=FULL")
    off = [
        setting
        for setting in ("fsync", "synchronous_commit", "full_page_writes")
        if str(connection.execute(sql.text(f"SHOW {setting}")).scalar_one()) == "off"
    ]
    if off:
        mend = "Set them to on in postgresql.conf: a committed act must survive the loss of power."
        return wrong(name, f"{', '.join(off)}: off", mend)
    return well(name, "fsync and synchronous_commit are on")


@_looks("database_clock", tables=False)
def database_clock(patient: Patient, connection: Connection) -> list[Finding]:
    """The database's clock and this machine's say the same."""
    name = "database_clock"
    if connection.dialect.name == "sqlite":
        return well(name, "this machine's")
    before = patient.now()
    found: datetime = connection.execute(sql.text("SELECT clock_timestamp()")).scalar_one()
    apart = (found.astimezone(UTC) - before).total_seconds()
    if abs(apart) > CLOCKS_APART_S:
        mend = "Let both machines follow the same time servers (chrony, systemd-timesyncd)."
        return wrong(name, f"{apart:+.0f} s against this machine's", mend)
    return well(name, f"{apart:+.1f} s against this machine's")


@_looks("journal")
def journal(patient: Patient, connection: Connection) -> list[Finding]:
    """Leaves are numbered without gaps up to the log's size, and entries are what rows say."""
    del patient
    name = "journal"
    mend = "Stop the server, keep everything as it is, and restore the last good backup elsewhere."
    table, found, entries = journal_entry, [], 0
    for log, size in connection.execute(sql.select(log_size.c.log, log_size.c.size)).all():
        count, last = connection.execute(
            sql.select(sql.func.count(), sql.func.max(table.c.leaf)).where(table.c.log == log)
        ).one()
        entries += count
        if count != size or (size and last != size - 1):
            held = f"{count} entries, the last leaf {last}"
            found += wrong(name, f"the {log} log has size {size} and holds {held}", mend)
    recent = sql.select(table).order_by(table.c.recorded_at.desc()).limit(_ENTRIES_READ)
    for row in connection.execute(recent):
        try:
            entry = json.loads(row.entry)
            same = (entry["id"], entry["kind"]) == (row.id, row.kind)
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            found += wrong(name, f"leaf {row.leaf} of the {row.log} log is not its entry", mend)
            break
    return found or well(name, f"{entries:,} entries without a gap")


@_looks("alarms")
def alarms(patient: Patient, connection: Connection) -> list[Finding]:
    """No alarm stands."""
    del patient
    table = ledger.alarm
    rows = connection.execute(
        sql.select(table.c.kind, table.c.subject, table.c.raised_at)
        .where(table.c.settled_at.is_(None))
        .order_by(table.c.raised_at)
        .limit(20)
    ).all()
    mend = "See the operator's page or `amanat` for the detail, and docs/how-to/operator.md."
    found: list[Finding] = []
    for row in rows:
        told = f"{row.kind} of {row.subject} since {row.raised_at}"
        grave = row.subject.startswith("chain:")
        found += wrong("alarms", told, mend) if grave else watch("alarms", told, mend)
    return found or well("alarms", "none stands")


@_looks("orders")
def orders(patient: Patient, connection: Connection) -> list[Finding]:
    """No order to the ledger waits for long."""
    table = ledger.order
    before = (patient.now() - _OVERDUE).isoformat()
    count, oldest = connection.execute(
        sql.select(sql.func.count(), sql.func.min(table.c.requested_at)).where(
            table.c.state.in_(OPEN_STATES), table.c.requested_at < before
        )
    ).one()
    if count:
        mend = "Start the server if it does not run; else look at the nodes and at the alarms."
        return watch("orders", f"{count} wait since {oldest} or later", mend)
    return well("orders", "none waits for long")
