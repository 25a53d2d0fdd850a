"""How soon the register's pages and the lists of licensing answer, with up to 10,000 applications.

    python bench/licensing.py [--sizes 100,1000,10000] [--looks 100]
                              [--databases sqlite postgresql] [--quick] [--json FILE]

A pilot's providers go through their histories at the desk, as people would: forms, reviews,
consultations, decisions, permissions, a suspension.  At a desk 10,000 of these would take hours;
so what these acts recorded is copied, row by row, under other names, numbers and ids, and the
register's changes are chained anew by the register's own functions.  The journal is not copied: no
list reads it.  The pages are then asked of a real server, by everybody and by people signed in.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

sys.path.insert(0, str(Path(__file__).parent))
from amanat.access.tables import institution, person
from amanat.app import Application
from amanat.core.ids import new_id
from amanat.licensing import tables
from amanat.licensing.documents.tables import document
from amanat.licensing.register.book import change_of, row_of
from amanat.licensing.register.model import Change, chained, time_text
from amanat.licensing.register.tables import register_change, register_head
from amanat.replay.acting import licensing as acting
from amanat.replay.licensing_model import Event, What
from amanat.replay.loading import load_pilot
from amanat.replay.model import Pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, steps_of
from amanat.replay.runner import replay
from amanat.settings import Settings
from pages import Looked, Page, Rows, command, console, insert, measure, served
from settlement import database

PILOT = Path(__file__).parents[1] / "pilots" / "vasp-2025-12"
SIZES = (100, 1_000, 10_000)
ROWS_AT_ONCE = 5_000
OF_A_FILE = (
    tables.file_step,
    tables.file_section,
    tables.file_document,
    tables.file_question,
    tables.file_review,
    tables.consultation,
    tables.recommendation,
)
OF_A_PROVIDER = (
    tables.provider,
    tables.licensing_file,
    tables.decision,
    tables.confirmation,
    tables.reporting_entity,
    tables.permission,
    tables.permission_change,
    tables.condition,
    tables.obligation,
    tables.direction,
)
OF_AN_INSTITUTION = (institution, person, document)
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class History:
    """Everything that the acts recorded of one provider, by table, and its register changes."""

    code: str
    number: int
    rows: Mapping[sql.Table, Rows]
    changes: tuple[Change, ...]

    def ids(self) -> list[str]:
        """The ids of all its rows, the oldest first."""
        found = [row["id"] for rows in self.rows.values() for row in rows if "id" in row]
        return sorted(found)


# -- histories ------------------------------------------------------------------------------------


def capture(connection: Connection, programme: str, code: str) -> History:
    """What the acts recorded of one provider."""
    rows: dict[sql.Table, Rows] = {}
    for table, column in (
        *((one, "code" if "code" in one.c and one is tables.provider else "provider")
          for one in OF_A_PROVIDER),
        (institution, "code"),
        (person, "institution"),
        (document, "institution"),
    ):  # fmt: skip
        query = sql.select(table).where(table.c.programme == programme, table.c[column] == code)
        rows[table] = [dict(row._mapping) for row in connection.execute(query)]
    files = [row["id"] for row in rows[tables.licensing_file]]
    for table in OF_A_FILE:
        query = sql.select(table).where(table.c.file.in_(files))
        rows[table] = [dict(row._mapping) for row in connection.execute(query)]
    contents = connection.execute(
        sql.select(register_change.c.content)
        .where(register_change.c.programme == programme, register_change.c.subject == code)
        .order_by(register_change.c.number)
    ).scalars()
    number = int(rows[tables.provider][0]["number"])
    return History(code, number, rows, tuple(change_of(one) for one in contents))


def copied(history: History, place: int) -> tuple[dict[sql.Table, Rows], list[Change]]:
    """The same history under another code, name, numbers and ids; `place` is unique."""
    code = f"applicant_{place:05d}"
    renamed: dict[str, str] = dict(zip(history.ids(), _ids(len(history.ids())), strict=True))
    renamed[history.code] = code
    for row in history.rows[person]:
        renamed[row["code"]] = f"{code}_{row['role']}"
    for row in history.rows[tables.licensing_file]:
        prefix, year, _ = row["number"].split("-")
        renamed[row["number"]] = f"{prefix}-{year}-9{place:05d}"
    for row in history.rows[tables.permission]:
        renamed[row["number"]] = f"P{place:05d}-{row['number'].split('-')[1]}"
    name = f"Applicant {place:05d} of the bench"

    def anew(table: sql.Table, row: Mapping[str, Any]) -> dict[str, Any]:
        found = {
            key: renamed.get(value, value) if isinstance(value, str) else value
            for key, value in row.items()
        }
        if table is institution:
            found["name"] = name
        if table is tables.provider:
            found["number"] = place + 1_000
        if table is person:
            found["address"] = None
        return found

    rows = {table: [anew(table, row) for row in all_] for table, all_ in history.rows.items()}
    return rows, [_renamed(one, code, name, renamed) for one in history.changes]


def _ids(count: int) -> list[str]:
    return [new_id() for _ in range(count)]


def _renamed(change: Change, code: str, name: str, renamed: Mapping[str, str]) -> Change:
    assert change.entry is not None
    held = tuple(replace(one, number=renamed[one.number]) for one in change.entry.permissions)
    return replace(
        change,
        id=new_id(),
        entry=replace(change.entry, provider=code, name=name, permissions=held),
    )


def write(
    connection: Connection, histories: Sequence[History], first: int, last: int
) -> list[Change]:
    """Store copies of histories, in turn; the register's changes that belong to them."""
    batches: dict[sql.Table, Rows] = defaultdict(list)
    changes: list[Change] = []
    for place in range(first, last):
        rows, own = copied(histories[place % len(histories)], place)
        changes += own
        for table, found in rows.items():
            batches[table] += found
        if len(batches[tables.file_section]) >= ROWS_AT_ONCE or place == last - 1:
            # People belong to institutions, which come first.
            for table in sorted(batches, key=lambda one: one is not institution):
                if batches[table]:
                    insert(connection, table, batches[table])
            batches.clear()
    return changes


def write_register(connection: Connection, programme: str, changes: list[Change]) -> None:
    """The register anew, from all changes in the order of their days, chained from the first."""
    ordered = sorted(changes, key=lambda one: one.day)
    found = chained(
        [replace(one, at=BEGAN + timedelta(seconds=n)) for n, one in enumerate(ordered)]
    )
    latest = {one.subject: one.number for one in found}
    connection.execute(sql.delete(register_change).where(register_change.c.programme == programme))
    for start in range(0, len(found), ROWS_AT_ONCE):
        rows = [
            row_of(one) | {"programme": programme, "latest": latest[one.subject] == one.number}
            for one in found[start : start + ROWS_AT_ONCE]
        ]
        insert(connection, register_change, rows)
    last = found[-1]
    connection.execute(
        sql.update(register_head)
        .where(register_head.c.programme == programme)
        .values(
            size=last.number,
            digest=last.digest(),
            at=time_text(last.at),
            day=last.day.isoformat(),
        )
    )


# -- asking ---------------------------------------------------------------------------------------


def pages_of(history: History, authority: str, consulted: str) -> list[Page]:
    """The register's pages, and every list and page of the console that is about licensing."""
    code = "applicant_00042"
    file = copied_number(history)
    return [
        Page("register", "register"),
        Page("register of a status", "register?status=licensed"),
        Page("register of a service", "register?category=exchange"),
        Page("register searched", "register?q=00042"),
        Page("register of a past day", "register?as_of=2025-12-16"),
        Page("register, last page", "register?start=50"),
        Page("provider on the register", f"register/{history.code}"),
        Page("warnings", "warnings"),
        Page("decisions", "v/decisions"),
        Page("agreements", "v/agreements"),
        Page("complaints counted", "v/complaint_counts"),
        Page("files", "v/files", authority),
        Page("files that are open", "v/files?open=true", authority),
        Page("files of a stage", "v/files?kind=noc&stage=submitted", authority),
        Page("files searched", f"v/files?words={code}", authority),
        Page("one file", f"v/file?file={file}", authority),
        Page("providers", "v/providers", authority),
        Page("providers of a status", "v/providers?status=suspended", authority),
        Page("providers searched", "v/providers?words=00042", authority),
        Page("one provider", f"v/provider?provider={history.code}", authority),
        Page("calendar", "v/licensing_calendar", authority),
        Page("consultations", "v/consultations?open=false", authority),
        Page("work", "licensing", authority),
        Page("work of a stage", "licensing?kind=noc&stage=submitted", authority),
        Page("work, consulted", "licensing", consulted),
        Page("providers' desk", "licensing/providers", authority),
        Page("complaints", "v/complaints", authority),
        Page("recusals", "v/recusals", authority),
        Page("files, consulted", "v/files", consulted),
        Page("consultations, consulted", "v/consultations", consulted),
        Page("my files", "v/my_files", f"{history.code}_officer"),
        Page("apply", "apply", f"{history.code}_officer"),
        Page("my application", f"v/application?file={file}", f"{history.code}_officer"),
        Page("my calendar", "v/licensing_calendar", f"{history.code}_officer"),
    ]


def copied_number(history: History) -> str:
    """The number of the first file of a provider."""
    return str(min(row["number"] for row in history.rows[tables.licensing_file]))


# -- all of it ------------------------------------------------------------------------------------


def played(app: Application, pilot: Pilot) -> list[History]:
    """The histories of a pilot's providers, and one more that is being consulted on.

    Auctions, and what follows them, are no part of this: of those days only the suspension.
    """
    steps = steps_of(pilot)
    events = [(n, one) for n, one in enumerate(steps) if one.kind is Kind.LICENSING]
    last = max(place for place, one in events if one.about.what is What.HAND_OVER)
    replay(app, pilot, until=last + 1)
    performer = Performer(app, pilot)
    for _, step in events:
        if step.about.what is What.SUSPEND:
            acting.happen(performer, step)
            app.pump()
    assert pilot.licensing is not None
    with app.engine.begin() as connection:
        histories = [
            capture(connection, pilot.programme.code, code) for code in pilot.licensing.providers
        ]
    consult(performer, next(one for _, one in events if one.about.what is What.ASK).about)
    with app.engine.begin() as connection:
        found = [
            capture(connection, pilot.programme.code, code) for code in pilot.licensing.providers
        ]
    return [*histories, *(one for one in found if one not in histories)]


def consult(performer: Performer, asked: Event) -> None:
    """Answer the question on an application, find it complete, and consult two stakeholders."""
    assert performer.pilot.licensing is not None
    file = acting.file_of(performer, asked.provider, "noc")
    with performer.application.store.reading() as connection:
        question = connection.execute(
            sql.select(tables.file_question.c.id)
            .join(tables.licensing_file, tables.licensing_file.c.id == tables.file_question.c.file)
            .where(tables.licensing_file.c.number == file)
        ).scalar_one()
    answer = {"file": file, "question": question, "answer": "made for the bench"}
    performer.perform("bench/answer", "AnswerQuestion", answer, institution=asked.provider)
    authority = performer.pilot.licensing.authority
    complete = {"file": file, "outcome": "complete"}
    performer.perform("bench/check", "CheckCompleteness", complete, institution=authority)
    for one in ("sbp", "secp"):
        fields = {"file": file, "stakeholder": one, "question": "any objection?"}
        performer.perform(f"bench/{one}", "OpenConsultation", fields, institution=authority)


def measure_database(kind: str, sizes: Sequence[int], looks: int) -> Iterator[Looked]:
    """Found a programme in an empty database, fill it to each size, ask for every page."""
    pilot = load_pilot(PILOT)
    assert pilot.licensing is not None
    programme = pilot.programme.code
    folder = Path(tempfile.mkdtemp(prefix="amanat-bench-"))
    try:
        with database(kind, folder) as (url, _pids):
            settings = replace(Settings.at(folder / "data", light_keys=True), database_url=url)
            with Application(settings) as app:
                histories = played(app, pilot)
                licensed = next(
                    one
                    for one in histories
                    if any(row["kind"] == "licence" for row in one.rows[tables.licensing_file])
                )
                bank = pilot.with_capacity("consulted.sbp")[0].proposes
                pages = pages_of(licensed, pilot.licensing.recommends, bank)
                changes = [one for history in histories for one in history.changes]
                reached = 0
                with served(app) as address:
                    for size in sizes:
                        with app.engine.begin() as connection:
                            changes += write(connection, histories, reached, size)
                            write_register(connection, programme, changes)
                        reached = size
                        console.print(f"{kind}: {size:,} applications stored")
                        yield from measure(app, kind, size, programme, pages, looks, address)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    command(__doc__, "applications", SIZES, 100, measure_database)
