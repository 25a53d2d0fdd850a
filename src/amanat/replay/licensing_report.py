"""What became of the providers of a pilot, as plain facts: for tables, for `--json`, for tests.

Everything is read from where the system keeps it; from the pilot's folder come names, sources,
what was published, what was expected of refusals, and what is awaited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.core.money import money_text
from amanat.jurisdictions.licensing import LicensingPack, SectionNotInForce
from amanat.licensing.register.book import changes_between
from amanat.licensing.register.model import Change, Register, as_of, entry_json
from amanat.licensing.tables import (
    confirmation,
    decision,
    file_step,
    licensing_file,
    permission_change,
    reporting_entity,
)
from amanat.replay.acting.trying import PASSED, attempts_of
from amanat.replay.licensing import ABSENT
from amanat.replay.licensing_model import Attempt, Licensing, What
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, steps_of

Facts = dict[str, Any]


def licensing_facts(performer: Performer) -> Facts | None:
    """Everything that is printed of a pilot's licensing; None where it licenses nobody."""
    licensing = performer.pilot.licensing
    if licensing is None:
        return None
    with performer.application.store.reading() as connection:
        changes = changes_between(connection, performer.programme)
        last = performer.pilot.programme.last_day
        return {
            "pack": f"{licensing.pack.title}, version {licensing.pack.version}",
            "providers": [
                {
                    "provider": one.code,
                    "name": performer.pilot.institutions[one.code].name,
                    "invented": one.invented,
                    "country": one.country,
                    "country_assumed": one.assumed,
                    "source": one.source,
                }
                for one in licensing.providers.values()
            ],
            "register": [entry_json(one) for one in as_of(changes, last).entries],
            "register_of_days": registers_of_days(licensing, changes),
            "timeline": timeline(connection, performer.programme),
            "decisions": _decisions(connection, performer.programme),
            "statuses": _statuses(licensing.pack, last),
            "refusals": _refusals(performer, licensing),
            "published": _published(licensing, changes),
            "reporters": _reporters(connection, performer.programme),
            "agreements": [
                {
                    "agreement": one.code,
                    "party": one.party,
                    "title": one.title,
                    "binding": one.binding,
                    "advises": one.advises,
                    "scope": one.scope,
                    "up_to_usd_cents": one.up_to_usd_cents,
                    "signed_on": one.signed_on.isoformat(),
                    "source": one.source,
                }
                for one in licensing.agreements
            ],
            "awaited": _awaited(connection, performer, licensing),
        }


# -- the register ---------------------------------------------------------------------------------


def registers_of_days(licensing: Licensing, changes: Sequence[Change]) -> list[Facts]:
    """The public status of every provider on each day on which one changed, or was published.

    Before its first permission a provider is `absent`, and so is one that was refused.
    """
    days = {one.day for one in changes} | {one.on for one in licensing.published}
    found: list[Facts] = []
    for day in sorted(days):
        known = statuses_in(as_of(changes, day))
        row = {code: known.get(code, ABSENT) for code in licensing.providers}
        if not found or row != found[-1]["statuses"] or _published_on(licensing, day):
            found.append({"day": day.isoformat(), "statuses": row})
    return found


def _published_on(licensing: Licensing, day: date) -> bool:
    return any(one.on == day for one in licensing.published)


def statuses_in(register: Register) -> dict[str, str]:
    """The public status of whoever is on the register."""
    return {one.provider: one.status for one in register.entries}


def _published(licensing: Licensing, changes: Sequence[Change]) -> list[Facts]:
    """What was published of a day against the register of that day."""
    found = []
    for one in licensing.published:
        ours = statuses_in(as_of(changes, one.on)).get(one.provider, ABSENT)
        found.append(
            {
                "day": one.on.isoformat(),
                "provider": one.provider,
                "published": one.status,
                "ours": ours,
                "same": ours == one.status,
                "permits": list(one.permits),
                "source": one.source,
            }
        )
    return found


# -- what happened --------------------------------------------------------------------------------


def timeline(connection: Connection, programme: str) -> list[Facts]:
    """What happened to each provider, in its order: stages, confirmations, handovers, changes."""
    rows = [
        *_stages(connection, programme),
        *_confirmed(connection, programme),
        *_handed_over(connection, programme),
        *_changed(connection, programme),
    ]
    # One act may write several rows, and what it permits stands after what it decides.
    rows.sort(key=lambda row: (row["at"], row["order"]))
    return [{k: v for k, v in row.items() if k not in ("at", "order")} for row in rows]


def _row(row: Any, order: int, what: str, law: str = "") -> Facts:
    return {
        "at": row.recorded_at,
        "order": order,
        "day": row.recorded_on,
        "provider": row.provider,
        "what": what,
        "law": law,
    }


def _stages(connection: Connection, programme: str) -> Iterator[Facts]:
    query = (
        sql.select(file_step, licensing_file.c.number, licensing_file.c.provider)
        .join(licensing_file, licensing_file.c.id == file_step.c.file)
        .where(file_step.c.programme == programme)
    )
    for row in connection.execute(query):
        if row.to_stage != row.from_stage:
            yield _row(row, 0, f"{row.number}: {row.to_stage}", row.law)
        elif row.act == "AskApplicant":
            yield _row(row, 0, f"{row.number}: the applicant is asked", row.law)


def _confirmed(connection: Connection, programme: str) -> Iterator[Facts]:
    for row in connection.execute(
        sql.select(confirmation).where(confirmation.c.programme == programme)
    ):
        about = " ".join(filter(None, (row.category, row.entity_name)))
        verb = "confirms" if row.holds else "takes back"
        yield _row(row, 1, f"{row.institution} {verb} {row.fact}{f' ({about})' if about else ''}")


def _handed_over(connection: Connection, programme: str) -> Iterator[Facts]:
    for row in connection.execute(
        sql.select(reporting_entity).where(reporting_entity.c.programme == programme)
    ):
        yield _row(row, 2, f"{row.entity_name} ({row.entity}) reports from {row.first_day}")


def _changed(connection: Connection, programme: str) -> Iterator[Facts]:
    table = permission_change
    for row in connection.execute(sql.select(table).where(table.c.programme == programme)):
        level = f" ({row.level})" if row.level else ""
        ledger = " with the ledger" if row.order_id is not None and row.done_at else ""
        day = row.effective_on or "awaits the ledger"
        yield {
            # Block time counts whole seconds, and may lie before the act that ordered it.
            "at": max(row.requested_at, row.effective_at or ""),
            "order": 3,
            "day": day,
            "provider": row.provider,
            "what": f"{row.change}{level} stands{ledger}: {row.reason}",
            "law": row.law,
        }


def _decisions(connection: Connection, programme: str) -> list[Facts]:
    """What is published of every decision."""
    query = (
        sql.select(decision, licensing_file.c.number)
        .join(licensing_file, licensing_file.c.id == decision.c.file)
        .where(decision.c.programme == programme)
        .order_by(decision.c.id)
    )
    return [
        {
            "day": row.recorded_on,
            "file": row.number,
            "provider": row.provider,
            "outcome": row.outcome,
            "law": row.law,
            "reasons": row.reasons,
            "criteria": row.criteria,
            "conflicts": row.conflicts,
            "applicants": row.applicants,
            "appeal_until": row.appeal_until,
        }
        for row in connection.execute(query)
    ]


def _reporters(connection: Connection, programme: str) -> list[Facts]:
    """Who reports on goAML for each provider from which day on."""
    table = reporting_entity
    rows = connection.execute(
        sql.select(table)
        .where(table.c.programme == programme)
        .order_by(table.c.provider, table.c.first_day)
    )
    return [
        {
            "provider": row.provider,
            "from": row.first_day,
            "entity": row.entity,
            "entity_name": row.entity_name,
            "recorded_on": row.recorded_on,
        }
        for row in rows
    ]


# -- what it means --------------------------------------------------------------------------------


def _statuses(pack: LicensingPack, day: date) -> list[Facts]:
    """What each public status opens, and what the next one needs."""
    titles = {one.fact: one.title for one in pack.confirmations}
    titles |= {one.code: one.title for one in pack.permissions}
    found = []
    for one in pack.statuses:
        try:
            law = pack.section_on(one.section, day).text
        except SectionNotInForce as refusal:
            law = refusal.message
        found.append(
            {
                "status": one.code,
                "title": one.title,
                "opens": [pack.activities[activity] for activity in one.opens],
                "services": one.services,
                "level": one.level,
                "account": pack.account(one.account).title,
                "caps": [
                    f"{cap.title}: {money_text(cap.amount, cap.unit)}"
                    for cap in pack.caps_of(one.code)
                ],
                "lacks": titles.get(one.lacks, one.lacks),
                "law": law,
            }
        )
    return found


def _refusals(performer: Performer, licensing: Licensing) -> list[Facts]:
    """What was tried, what the pilot expects to be said to it, and what was said."""
    known = attempts_of(performer.application.settings.data_dir)
    keys = {
        step.about.code: step.key
        for step in steps_of(performer.pilot)
        if step.kind is Kind.LICENSING
    }
    found = []
    for event in licensing.events:
        if event.what is not What.TRY or keys[event.code] not in known:
            continue
        assert isinstance(event.said, Attempt)
        said = known[keys[event.code]]
        found.append(
            {
                "day": event.on.isoformat(),
                "provider": event.provider,
                "tried": event.said.activity,
                "expected": event.said.expects,
                "code": said["code"],
                "said": said["said"],
                "same": said["said"] == PASSED
                or (
                    said["code"] == event.said.expects
                    and all(one in said["said"] for one in event.said.names)
                ),
            }
        )
    return found


def _awaited(connection: Connection, performer: Performer, licensing: Licensing) -> list[Facts]:
    """What is still to come: open files with what is due, and what the pilot says of the rest."""
    table = licensing_file
    last = performer.pilot.programme.last_day
    rows = connection.execute(
        sql.select(table)
        .where(table.c.programme == performer.programme, table.c.closed_on.is_(None))
        .order_by(table.c.id)
    )
    found = [
        {
            "provider": row.provider,
            "what": f"{row.number} is {row.stage}",
            "by": f"{row.due_on} ({row.due_clock}, {row.due_by})" if row.due_on else "no day",
            "law": "",
            "source": "",
        }
        for row in rows
    ]
    for one in licensing.awaited:
        try:
            law = licensing.pack.section_on(one.section, last).text
        except SectionNotInForce as refusal:
            law = refusal.message
        found.append(
            {
                "provider": one.provider,
                "what": one.what,
                "by": "unknown",
                "law": law,
                "source": one.source,
            }
        )
    return found
