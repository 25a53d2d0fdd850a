"""Compares what is said of each provider: tables, journal, participants' index, and the contract.

Every difference is reported, nothing is repaired.  The standing that follows from the tables must
equal, on every day on which something changed, the one that follows from the journal alone; the
provider's row must say its status; and the ledger must have the level that follows, unless an order
for it is under way or was refused (which has raised an alarm).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.core.dates import date_from_business_day
from amanat.ledger.fsck import Difference
from amanat.ledger.gateway import Gateway
from amanat.ledger.rpc import RpcFault
from amanat.licensing.checking_published import check_register
from amanat.licensing.deriving import (
    NO_LEVEL,
    Changed,
    Granted,
    Standing,
    standing_from,
)
from amanat.licensing.enforcement.lapses import check_lapses
from amanat.licensing.model import Change, Outcome
from amanat.licensing.records import pack_of
from amanat.licensing.standing import changes_of, granted_of, refused_on
from amanat.licensing.tables import provider
from amanat.participants.model import Level
from amanat.participants.tables import participant, participant_change
from amanat.store.journal import read_entries

_DONE = ("AdmitParticipantDone", "RenewParticipantDone", "SetLevelDone")


@dataclass(slots=True)
class Told:
    """What the journal alone says of a provider."""

    granted: list[Granted] = field(default_factory=list)
    changes: list[Changed] = field(default_factory=list)
    refused: list[date] = field(default_factory=list)


def check_licensing(
    connection: Connection,
    gateway: Callable[[str], Gateway],
    today: Callable[[Connection, str], date],
) -> list[Difference]:
    """Every difference, by programme and provider; empty where all is well."""
    programmes = connection.execute(
        sql.select(provider.c.programme).distinct().order_by(provider.c.programme)
    ).scalars()
    found: list[Difference] = []
    for programme in list(programmes):
        found.extend(
            _check(connection, programme, gateway(programme), today(connection, programme))
        )
        found.extend(check_register(connection, programme, today(connection, programme)))
        found.extend(check_lapses(connection, programme, today(connection, programme)))
    return found


def _check(
    connection: Connection, programme: str, ledger: Gateway, today: date
) -> Iterator[Difference]:
    pack = pack_of(connection, programme)
    granted, changes = granted_of(connection, programme), changes_of(connection, programme)
    told = standings_told(connection, programme)
    rows = connection.execute(
        sql.select(provider).where(provider.c.programme == programme).order_by(provider.c.number)
    ).all()
    refused_by = refused_on(connection, programme)
    standing: dict[str, Standing] = {}
    for row in rows:
        own, said = changes.get(row.code, []), told.get(row.code, Told())
        days = sorted(
            {one.effective_on for one in own} | {one.effective_on for one in said.changes} | {today}
        )
        for day in days:
            refused = any(one <= day for one in refused_by.get(row.code, ()))
            first = standing_from(
                pack, row.code, granted.get(row.code, ()), own, day, refused=refused
            )
            second = standing_from(
                pack,
                row.code,
                said.granted,
                said.changes,
                day,
                refused=any(one <= day for one in said.refused),
            )
            yield from _compare(row.code, day, first, second)
            if day == today:
                standing[row.code] = first
        yield from _status_kept(row, standing[row.code], today)
    yield from _ledger_agrees(connection, programme, ledger, standing)


def _compare(code: str, day: date, tables: Standing, journal: Standing) -> Iterator[Difference]:
    expected, found = _shown(tables), _shown(journal)
    if expected != found:
        yield Difference("permissions = journal", f"provider {code} on {day}", expected, found)


def _shown(standing: Standing) -> str:
    """A standing without the ids that only the tables have."""
    held = ", ".join(
        f"{one.number} {one.kind} {'/'.join(one.categories)} {one.since}..{one.expires_on or ''}"
        f"{' ' + one.suspended if one.suspended else ''}"
        for one in standing.held
    )
    over = ", ".join(
        f"{one.level} since {one.since}{f' of {one.accounts} accounts' if one.accounts else ''}"
        for one in standing.suspensions
    )
    services = "/".join(standing.services)
    opens = "/".join(sorted(standing.opens))
    return f"{standing.status} [{held}] [{over}] [{services}] [{opens}] {standing.level}"


def _status_kept(row: Row[Any], standing: Standing, today: date) -> Iterator[Difference]:
    lapsed = row.status_until is not None and row.status_until < today.isoformat()
    if not lapsed and row.status != standing.status:
        yield Difference(
            "status = permissions", f"provider {row.code}", standing.status, row.status
        )


# -- the journal ----------------------------------------------------------------------------------


def standings_told(connection: Connection, programme: str) -> dict[str, Told]:
    """What the journal alone says of each provider's permissions."""
    entries = read_entries(
        connection, programme=programme, kinds=["PermissionChanged", "FileDecided", *_DONE]
    )
    done = {one["cause"]: one for one in entries if one["kind"] in _DONE}
    found: dict[str, Told] = {}
    for entry in entries:
        content = entry["content"]
        if entry["kind"] == "FileDecided" and content["outcome"] == Outcome.REFUSE.value:
            day = date.fromisoformat(entry["business_date"])
            found.setdefault(content["provider"], Told()).refused.append(day)
        if entry["kind"] == "PermissionChanged":
            _hear(found.setdefault(content["provider"], Told()), entry, done)
    return found


def _hear(told: Told, entry: Mapping[str, Any], done: Mapping[str, Mapping[str, Any]]) -> None:
    content = entry["content"]
    change = Change(content["change"])
    if change is Change.GRANT:
        told.granted.append(
            Granted(
                content["permission"],
                content["kind"],
                content["permission"],
                tuple(content["categories"]),
            )
        )
    effective: Mapping[str, Any] | None = entry
    if content["awaits_ledger"]:
        effective = done.get(entry["cause"])
    if effective is None:
        return
    told.changes.append(
        Changed(
            permission=content["permission"],
            change=change,
            effective_at=effective["recorded_at"],
            effective_on=date.fromisoformat(effective["business_date"]),
            order=f"{entry['leaf']:020d}",
            level=content["level"],
            suspension=content["suspension"],
            expires_on=_day(content["expires_on"]),
            section=content["section"],
            law=content["law"],
            accounts=content["accounts"],
        )
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


# -- the ledger -----------------------------------------------------------------------------------


def _ledger_agrees(
    connection: Connection, programme: str, ledger: Gateway, standing: Mapping[str, Standing]
) -> Iterator[Difference]:
    """Level and last day in the index and in the contract are those that follow."""
    pack = pack_of(connection, programme)
    rows = connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme,
            participant.c.participant_class == pack.participant_class,
        )
    ).all()
    unsettled = _unsettled(connection, programme)
    there = {row.code: row for row in rows if row.level is not None}
    for code, one in standing.items():
        if code in unsettled:
            continue
        found = there[code].level if code in there else NO_LEVEL
        if one.level != found:
            yield Difference("level = permissions", f"provider {code}", one.level, str(found))
    for code in sorted(there.keys() - standing.keys()):
        yield Difference("level = permissions", f"provider {code}", NO_LEVEL, there[code].level)
    yield from _contract_agrees(ledger, [row for row in rows if row.level is not None])


def _unsettled(connection: Connection, programme: str) -> set[str]:
    """Providers with an order under way, or whose last one the ledger refused."""
    rows = connection.execute(
        sql.select(participant_change)
        .where(participant_change.c.programme == programme)
        .order_by(participant_change.c.id)
    ).all()
    last = {row.participant: row for row in rows}
    return {row.participant for row in rows if row.done_at is None and row.refused_at is None} | {
        code for code, row in last.items() if row.refused_at is not None
    }


def _contract_agrees(ledger: Gateway, rows: Sequence[Row[Any]]) -> Iterator[Difference]:
    answers = ledger.call_many(
        [("Directory", "standing_of", (row.number,), "", None) for row in rows]
    )
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, RpcFault):
            raise answer
        level = Level.numbered(answer[0]).value if answer[0] else NO_LEVEL
        said = f"{level} until {date_from_business_day(answer[3])}"
        expected = f"{row.level} until {row.valid_until}"
        if said != expected:
            yield Difference("contract = index", f"participant {row.code}", expected, said)
