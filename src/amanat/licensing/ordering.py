"""Moves a provider's standing on the ledger with its permissions, in one transaction.

What the ledger has to say follows from the permissions as they will stand (`deriving`).  An act
plans the change, lets the class authority sign it (two keys for what grants, one for what only
withdraws, as on the ledger), and orders it through the functions of participants.  Where the
ledger has nothing to say, a second person approves and the change takes effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection, Row

from amanat.access.acts import ActContext, Ask
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.jurisdictions.licensing import Citation
from amanat.ledger.orders import next_numbers
from amanat.licensing import events
from amanat.licensing.deriving import (
    APPLICANT,
    NO_LEVEL,
    Changed,
    Granted,
    Standing,
    standing_from,
)
from amanat.licensing.model import Change, StandingMoved
from amanat.licensing.records import find_provider, pack_of
from amanat.licensing.register.book import note_provider
from amanat.licensing.standing import changes_of, granted_of, standings
from amanat.licensing.tables import licensing_file, permission, permission_change, provider
from amanat.participants import acts as participants
from amanat.participants.acts_people import second_person
from amanat.participants.commands import AdmitParticipant
from amanat.participants.model import ChangePending, Level
from amanat.participants.records import check_authority, find_class, level_of, valid_until
from amanat.participants.tables import participant

PLAN = "licensing_plan"
_FAR = "9999-12-31T23:59:59+00:00"


@dataclass(frozen=True, slots=True)
class New:
    """A permission that an act grants; `id` is None until it is recorded."""

    kind: str
    categories: tuple[str, ...]
    file: str | None = None
    decision: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One change of a provider's permissions as an act decides it.

    `permission` is the id of the one that it concerns, None for all of the provider's, or of the
    one that `grants` describes.
    """

    change: Change
    reason: str
    citation: Citation
    permission: str | None = None
    grants: New | None = None
    level: str | None = None
    suspension: str | None = None
    expires_on: date | None = None
    file: str | None = None
    accounts: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What the ledger is to say: `none` where it has nothing to, `admit` or `change`."""

    kind: str
    level: Level | None = None
    last_day: date | None = None

    def fixed(self) -> tuple[Level, date]:
        """Level and last day, of a plan that has them."""
        if self.level is None or self.last_day is None:
            raise LookupError("this plan tells the ledger nothing")
        return self.level, self.last_day

    def memo(self) -> str:
        """The plan as a proposal's memo keeps it."""
        level = self.level.value if self.level else ""
        return f"{self.kind} {level} {self.last_day.isoformat() if self.last_day else ''}"


_NOTHING = Plan("none")


# -- planning -------------------------------------------------------------------------------------


def plan_moves(context: ActContext, code: str, moves: Sequence[Move]) -> Plan:
    """What the ledger has to be told once these moves stand.

    Refuses, in order: `NotClassAuthority`, `ChangePending`.
    """
    connection, programme = context.uow.connection, context.programme
    wanted = foreseen(context, code, moves, context.business_date)
    if wanted.level == NO_LEVEL:
        return _NOTHING
    pack = pack_of(connection, programme)
    check_authority(find_class(connection, programme, pack.participant_class), context)
    row = _participant(connection, programme, code)
    level = Level(wanted.level)
    if row is None or (row.level is None and row.refused_at is not None):
        if wanted.valid_until is None:
            return _NOTHING
        return Plan("admit", level, wanted.valid_until)
    if row.level is None:
        raise ChangePending(thing=code, pending="its admission")
    return _plan_change(context, row, level, wanted, any(one.change.grants for one in moves))


def _plan_change(
    context: ActContext, row: Row[Any], level: Level, wanted: Standing, grants: bool
) -> Plan:
    binding = date.fromisoformat(valid_until(row))
    last_day = wanted.valid_until if grants and wanted.valid_until is not None else binding
    waits = participants.change_waits(row, context)
    there = level_of(row) if waits else Level(row.level)
    if level is there and level is level_of(row) and last_day == binding:
        return _NOTHING
    if waits and (level.number < level_of(row).number or last_day > binding):
        raise ChangePending(thing=row.code, pending="an earlier change")
    return Plan("change", level, last_day)


def foreseen(context: ActContext, code: str, moves: Sequence[Move], day: date) -> Standing:
    """The standing as it would be on `day` with these moves in effect."""
    connection, programme = context.uow.connection, context.programme
    pack = pack_of(connection, programme)
    granted = granted_of(connection, programme, [code]).get(code, [])
    changes = changes_of(connection, programme, [code]).get(code, [])
    for index, move in enumerate(moves):
        wanted = move.permission
        if move.grants is not None:
            wanted = f"new-{index}"
            granted.append(Granted(wanted, move.grants.kind, "~", move.grants.categories))
        changes.append(
            Changed(
                permission=wanted,
                change=move.change,
                effective_at=_FAR,
                effective_on=context.business_date,
                order=f"~{index:03d}",
                level=move.level,
                suspension=move.suspension or f"new-{index}",
                expires_on=move.expires_on,
                accounts=move.accounts,
            )
        )
    return standing_from(pack, code, granted, changes, day)


def _participant(connection: Connection, programme: str, code: str) -> Row[Any] | None:
    return connection.execute(
        sql.select(participant).where(
            participant.c.programme == programme, participant.c.code == code
        )
    ).one_or_none()


# -- asking ---------------------------------------------------------------------------------------


def ask_moves(context: ActContext, code: str, moves: Sequence[Move]) -> Ask:
    """Who has to sign: the class authority for the ledger, or a second person."""
    subject = f"licensing:{code}"
    plan = plan_moves(context, code, moves)
    if plan.kind == "none":
        ask = second_person(context, subject)
    elif plan.kind == "admit":
        ask = participants.ask_admission(_admission(context, code, plan), context)
    else:
        row = _participant(context.uow.connection, context.programme, code)
        level, last_day = plan.fixed()
        assert row is not None
        ask = participants.ask_change(context, row, level, last_day)
    return replace(ask, memo={**ask.memo, PLAN: plan.memo()}, subject=subject)


def _admission(context: ActContext, code: str, plan: Plan) -> AdmitParticipant:
    connection, programme = context.uow.connection, context.programme
    row = find_provider(connection, programme, code)
    level, last_day = plan.fixed()
    return AdmitParticipant(
        participant=code,
        participant_class=pack_of(connection, programme).participant_class,
        country=row.country,
        valid_until=last_day,
        level=level,
        lei=row.lei,
    )


# -- recording ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order to the chain, and the journal entry that asked for it."""

    order: str
    entry: str


@dataclass(frozen=True, slots=True)
class Carried:
    """What was recorded: ids of permissions by the moves' order, the order to the chain."""

    permissions: tuple[str | None, ...]
    numbers: tuple[str | None, ...]
    order: str | None
    entry: str


def carry_moves(context: ActContext, code: str, moves: Sequence[Move]) -> Carried:
    """Order what was signed and record the moves, all in the act's transaction.

    Refuses `StandingMoved` where the permissions have changed since the proposal, and as
    `plan_moves`.
    """
    plan = plan_moves(context, code, moves)
    if context.approved.memo[PLAN] != plan.memo():
        raise StandingMoved(provider=code)
    order = _order(context, code, plan, "; ".join(move.reason for move in moves)[:200])
    return record_moves(context, code, moves, order)


def _order(context: ActContext, code: str, plan: Plan, reason: str) -> Ordered | None:
    if plan.kind == "none":
        return None
    if plan.kind == "admit":
        done = participants.order_admission(_admission(context, code, plan), context)
    else:
        row = _participant(context.uow.connection, context.programme, code)
        level, last_day = plan.fixed()
        assert row is not None
        done = participants.change_standing(context, row, level, last_day, reason)
    return Ordered(done["order"], done["entry"])


def record_moves(
    context: ActContext, code: str, moves: Sequence[Move], ordered: Ordered | None
) -> Carried:
    """Record moves that were ordered, or that need no order; the provider's status follows."""
    identifiers, numbers, entries = [], [], []
    order = ordered.order if ordered else None
    for move in moves:
        identifier, number = move.permission, _number(context, code, move)
        entry = _journal(context, code, move, number, ordered)
        if move.grants is not None:
            identifier = new_id()
            _enter_permission(context, code, identifier, str(number), move, entry)
        _note(context, code, move, identifier, order, entry)
        identifiers.append(identifier)
        numbers.append(number)
        entries.append(entry)
    refresh_status(context.uow.connection, context.programme, code, context.business_date)
    last = moves[-1]
    note_provider(
        context.uow,
        code,
        programme=context.programme,
        day=context.business_date,
        law=last.citation.text,
        reason=last.reason,
    )
    return Carried(tuple(identifiers), tuple(numbers), order, entries[0])


def _number(context: ActContext, code: str, move: Move) -> str | None:
    """The number of the permission that a move concerns: its own, or the next of the provider."""
    connection, programme = context.uow.connection, context.programme
    if move.grants is not None:
        row = find_provider(connection, programme, code)
        count = next_numbers(connection, f"licensing:{programme}:permission:{code}", 1, 1)
        return f"P{row.number:04d}-{count:02d}"
    if move.permission is None:
        return None
    return str(
        connection.execute(
            sql.select(permission.c.number).where(permission.c.id == move.permission)
        ).scalar_one()
    )


def _journal(
    context: ActContext, code: str, move: Move, number: str | None, ordered: Ordered | None
) -> str:
    granted = move.grants
    return context.uow.journal.append(
        events.PERMISSION_CHANGED,
        {
            "provider": code,
            "change": move.change.value,
            "permission": number,
            "kind": granted.kind if granted else None,
            "categories": sorted(granted.categories) if granted else None,
            "level": move.level,
            "accounts": move.accounts,
            "suspension": _suspension_number(context, move),
            "expires_on": move.expires_on.isoformat() if move.expires_on else None,
            "section": move.citation.code,
            "law": move.citation.text,
            "reason": move.reason,
            "awaits_ledger": ordered is not None and move.change.grants,
        },
        subject=f"licensing:{code}",
        cause=ordered.entry if ordered else None,
    )


def _suspension_number(context: ActContext, move: Move) -> str | None:
    if move.suspension is None:
        return None
    return str(
        context.uow.connection.execute(
            sql.select(licensing_file.c.number).where(licensing_file.c.id == move.suspension)
        ).scalar_one()
    )


def _enter_permission(
    context: ActContext, code: str, identifier: str, number: str, move: Move, entry: str
) -> None:
    assert move.grants is not None
    context.uow.connection.execute(
        permission.insert().values(
            id=identifier,
            programme=context.programme,
            provider=code,
            kind=move.grants.kind,
            number=number,
            categories=sorted(move.grants.categories),
            file=move.grants.file,
            decision=move.grants.decision,
            section=move.citation.code,
            law=move.citation.text,
            first_day=context.business_date.isoformat(),
            **written(context, entry),
        )
    )


def written(context: ActContext, entry: str) -> Mapping[str, str]:
    """Who writes a row, when, and by which journal entry."""
    return {
        "institution": context.actor.institution,
        "person": context.actor.person,
        "recorded_at": context.now.isoformat(),
        "recorded_on": context.business_date.isoformat(),
        "entry": entry,
    }


def _note(
    context: ActContext,
    code: str,
    move: Move,
    identifier: str | None,
    order: str | None,
    entry: str,
) -> None:
    now, today = context.now.isoformat(), context.business_date.isoformat()
    waits = order is not None and move.change.grants
    context.uow.connection.execute(
        permission_change.insert().values(
            id=new_id(),
            programme=context.programme,
            provider=code,
            permission=identifier,
            change=move.change.value,
            level=move.level,
            accounts=move.accounts,
            suspension=move.suspension,
            expires_on=move.expires_on.isoformat() if move.expires_on else None,
            file=move.file,
            section=move.citation.code,
            law=move.citation.text,
            reason=move.reason,
            effective_at=None if waits else now,
            effective_on=None if waits else today,
            order_id=order,
            requested_at=now,
            done_at=None if order is not None else now,
            entry=entry,
        )
    )


def refresh_status(connection: Connection, programme: str, code: str, day: date) -> None:
    """Let the provider's row say the status that follows from its permissions on `day`."""
    found = standings(connection, programme, day, [code])
    if code not in found:
        raise NotFound(thing="provider", value=code)
    standing = found[code]
    ends = [one.expires_on for one in standing.held if one.expires_on is not None]
    ends += [one.until for one in standing.suspensions if one.until is not None]
    until = min(ends).isoformat() if ends else None
    if standing.status == APPLICANT:
        until = None
    connection.execute(
        sql.update(provider)
        .where(provider.c.programme == programme, provider.c.code == code)
        .values(status=standing.status, status_until=until)
    )
