"""Acts before the announcement: the calendar, and the target that the ministry fixes."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.auctions import acts_chain as chain
from amanat.auctions import events, tables
from amanat.auctions.acts_book import security_terms
from amanat.auctions.acts_rules import (
    BiddingOver,
    CalendarExists,
    TargetUnchanged,
    TenderExists,
    TenderState,
    check_order,
    instant,
    institution_with,
    load_tender,
    require_part,
    subject,
    update_tender,
)
from amanat.auctions.acts_shares import make_share
from amanat.auctions.commands import AmendTarget, PublishCalendar, SetTarget
from amanat.auctions.laws import TermsInvalid
from amanat.core.canonical import digest
from amanat.core.errors import NotFound
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.programme.records import face_in
from amanat.store.uow import UnitOfWork


def approve_calendar(command: PublishCalendar, context: ActContext) -> Ask:
    """A second person of the central bank."""
    _check_calendar(command, context)
    return Ask(
        [Requirement(context.actor.institution, "auctioneer")],
        subject=f"calendar:{command.calendar}",
    )


@act(capacities=["auctioneer"], approvals=approve_calendar)
def publish_calendar(command: PublishCalendar, context: ActContext) -> Result:
    """Publish a calendar.

    Refuses, in order: `CalendarExists`, `NotFound` (the calendar to replace), `TimesDisorderly`.
    """
    _check_calendar(command, context)
    connection, programme = context.uow.connection, context.programme
    lines = [line.model_dump(mode="json") for line in command.lines]
    entry = context.uow.journal.append(
        events.CALENDAR_PUBLISHED,
        {
            "calendar": command.calendar,
            "replaces": command.replaces,
            "lines": [
                line | {"target": face_in(connection, programme, line["target"])} for line in lines
            ],
        },
        subject=f"calendar:{command.calendar}",
    )
    connection.execute(
        tables.auction_calendar.insert().values(
            programme=programme,
            code=command.calendar,
            published_at=context.now.isoformat(),
            replaces=command.replaces,
            entry=entry,
        )
    )
    for position, line in enumerate(lines, 1):
        connection.execute(
            tables.auction_calendar_line.insert().values(
                programme=programme, calendar=command.calendar, position=position, **line
            )
        )
    if command.replaces is not None:
        calendar = tables.auction_calendar
        connection.execute(
            sql.update(calendar)
            .where(calendar.c.programme == programme, calendar.c.code == command.replaces)
            .values(replaced_by=command.calendar)
        )
    return {"calendar": command.calendar, "lines": len(lines)}


def approve_target(command: SetTarget, context: ActContext) -> Ask:
    """A second person of the ministry."""
    _check_target(command, context)
    return Ask([Requirement(context.actor.institution, "issuer")], subject=subject(command.tender))


@act(capacities=["issuer"], approvals=approve_target)
def set_target(command: SetTarget, context: ActContext) -> Result:
    """Fix the target of a coming tender.

    Refuses, in order: `TenderExists`, `NotFound` (security, calendar), `TermsInvalid`,
    `TimesDisorderly`, `KeyNotHeld`.
    """
    _check_target(command, context)
    connection, programme = context.uow.connection, context.programme
    chain_id = digest({"programme": programme, "tender": command.tender, "id": new_id()}).hex()
    ministry = context.actor.institution
    connection.execute(
        tables.tender.insert().values(
            programme=programme,
            code=command.tender,
            chain_id=chain_id,
            isin=command.isin,
            state=TenderState.TARGET_SET.value,
            target=command.target,
            auction_date=command.auction_date.isoformat(),
            calendar=command.calendar,
            ministry=ministry,
            central_bank=institution_with(connection, programme, "auctioneer"),
        )
    )
    public = make_share(context, command.tender, ministry, command.sealing_key)
    entry = context.uow.journal.append(
        events.TARGET_SET,
        {
            "tender": command.tender,
            "isin": command.isin,
            "auction_date": command.auction_date.isoformat(),
            "target": face_in(connection, programme, command.target),
            "calendar": command.calendar,
            "sealing_key": public,
        },
        subject=subject(command.tender),
    )
    _record_target(context.uow, programme, command.tender, 1, command.target, entry)
    return {"tender": command.tender, "chain_id": chain_id, "sealing_key": public}


def approve_amended_target(command: AmendTarget, context: ActContext) -> Ask:
    """A second person of the ministry; once it is announced, the central bank signs as well."""
    row = _check_amended(command, context)
    if row.announced_at is not None:
        return chain.ask_both(row, chain.target(context, row, command.target))
    return Ask([Requirement(context.actor.institution, "issuer")], subject=subject(command.tender))


@act(capacities=["issuer"], approvals=approve_amended_target)
def amend_target(command: AmendTarget, context: ActContext) -> Result:
    """Change the target while bids come in, or before; on the chain once it is announced.

    Refuses, in order: `NotFound`, `TenderStateForbids`, `OrderUnderWay`, `NotTheirPart`,
    `BiddingOver`, `TargetUnchanged`, `TermsInvalid`.
    """
    row = _check_amended(command, context)
    if row.announced_at is None:
        change_target(context.uow, row, command.target)
        return {"tender": row.code, "target": str(command.target)}
    entry = context.uow.journal.append(
        events.TENDER_CHANGE_REQUESTED,
        {
            "tender": row.code,
            "change": "amend_tender_target",
            "reason": None,
            "to": {"target": face_in(context.uow.connection, row.programme, command.target)},
        },
        subject=subject(row.code),
    )
    order = chain.order(
        context,
        "amend_tender_target",
        context.approved.signatures(),
        entry,
        ("tender", row.code),
    )
    update_tender(context.uow.connection, row, pending="amend_tender_target", refusal=None)
    return {"tender": row.code, "pending": "amend_tender_target", "order": order}


def change_target(uow: UnitOfWork, row: Row[Any], target: int) -> None:
    """Note a new version of the target."""
    targets = tables.tender_target
    version = uow.connection.execute(
        sql.select(sql.func.max(targets.c.version)).where(
            targets.c.programme == row.programme, targets.c.tender == row.code
        )
    ).scalar_one()
    entry = uow.journal.append(
        events.TARGET_AMENDED,
        {
            "tender": row.code,
            "version": version + 1,
            "former": face_in(uow.connection, row.programme, row.target),
            "target": face_in(uow.connection, row.programme, target),
        },
        subject=subject(row.code),
    )
    _record_target(uow, row.programme, row.code, version + 1, target, entry)
    update_tender(uow.connection, row, target=target)


def _check_calendar(command: PublishCalendar, context: ActContext) -> None:
    calendar = tables.auction_calendar
    known = set(
        context.uow.connection.execute(
            sql.select(calendar.c.code).where(calendar.c.programme == context.programme)
        ).scalars()
    )
    if command.calendar in known:
        raise CalendarExists(calendar=command.calendar)
    if command.replaces is not None and command.replaces not in known:
        raise NotFound(thing="calendar", value=command.replaces)
    for line in command.lines:
        check_order(
            command.calendar,
            ("auction_date", line.auction_date),
            ("settlement_date", line.settlement_date),
        )


def _check_target(command: SetTarget, context: ActContext) -> None:
    connection, programme = context.uow.connection, context.programme
    tender, calendar = tables.tender, tables.auction_calendar
    known = connection.execute(
        sql.select(tender.c.code).where(
            tender.c.programme == programme, tender.c.code == command.tender
        )
    ).scalar_one_or_none()
    if known is not None:
        raise TenderExists(tender=command.tender)
    security_terms(connection, programme, command.isin)
    if command.calendar is not None:
        found = connection.execute(
            sql.select(calendar.c.code).where(
                calendar.c.programme == programme, calendar.c.code == command.calendar
            )
        ).scalar_one_or_none()
        if found is None:
            raise NotFound(thing="calendar", value=command.calendar)


def _check_amended(command: AmendTarget, context: ActContext) -> Row[Any]:
    row = load_tender(
        context,
        command.tender,
        TenderState.TARGET_SET,
        TenderState.OPEN,
    )
    require_part(context, row, "ministry")
    if row.announced_at is not None and instant(context.now) >= row.bids_due:
        raise BiddingOver(tender=row.code, bids_due=row.bids_due)
    if row.target == command.target:
        raise TargetUnchanged(tender=row.code, target=row.target)
    if row.rules is not None:
        multiple = int(json.loads(row.rules)["bid_multiple"])
        if command.target % multiple:
            raise TermsInvalid(
                term="target",
                value=command.target,
                rule=Message("it must be a multiple of {multiple}", multiple=multiple),
            )
    return row


def _record_target(
    uow: UnitOfWork, programme: str, code: str, version: int, target: int, entry: str
) -> None:
    uow.connection.execute(
        tables.tender_target.insert().values(
            programme=programme,
            tender=code,
            version=version,
            target=target,
            set_at=uow.store.clock().isoformat(),
            entry=entry,
        )
    )
