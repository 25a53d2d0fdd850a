"""What the ledger's final events and outcomes mean for participants and accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.key_register import end_key
from amanat.core.dates import date_from_business_day
from amanat.ledger.completion import raise_alarm
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.ledger.tables import order as orders
from amanat.participants.model import AccountKind, Level, country_code, withdraws
from amanat.participants.tables import (
    account,
    participant,
    participant_change,
    participant_class,
)
from amanat.store.uow import UnitOfWork

STANDING_ORDERS = ("admit_participant", "renew_participant", "set_level")
REFUSAL_MAX = 400


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.make_public("Eligibility", "ParticipantChanged", "ClassAuthorityChanged")
    registry.make_public_orders(*STANDING_ORDERS)
    registry.on_event("Eligibility", "ParticipantChanged")(participant_changed)
    registry.on_event("Eligibility", "AccountOpened")(account_opened)
    registry.on_event("Eligibility", "AccountWasClosed")(account_closed)
    for kind in STANDING_ORDERS:
        registry.on_done(kind)(standing_done)
        registry.on_refused(kind)(standing_refused)
    registry.on_done("enrol_accounts")(accounts_enrolled)
    registry.on_refused("enrol_accounts")(enrolment_refused)


def block_time(event: LedgerEvent) -> str:
    """The time of the event's block, UTC."""
    return datetime.fromtimestamp(event.block_time, UTC).isoformat()


def participant_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The ledger's standing of a participant is ours from now on, whoever ordered it."""
    told = event.arguments
    found = uow.connection.execute(
        sql.update(participant)
        .where(
            participant.c.programme == event.programme,
            participant.c.number == told["participant"],
        )
        .values(
            level=Level.numbered(told["level"]).value,
            valid_until=date_from_business_day(told["valid_until"]).isoformat(),
            country=country_code(told["country"]),
            participant_class=_class_code(uow.connection, event),
        )
    )
    if found.rowcount == 0:
        _enter_observed(event, uow)


def account_opened(event: LedgerEvent, uow: UnitOfWork) -> None:
    """An account is enrolled; one that nobody here asked for is entered as observed.

    Those that were ordered here are enrolled together, with the order (`accounts_enrolled`).
    """
    if _is_enrolment(event, uow.connection):
        return
    told = event.arguments
    done = uow.connection.execute(
        sql.update(account)
        .where(account.c.programme == event.programme, account.c.address == told["account"])
        .values(done_at=block_time(event), refused_at=None, refusal=None)
    )
    if done.rowcount:
        return
    row = uow.connection.execute(
        sql.select(participant).where(
            participant.c.programme == event.programme,
            participant.c.number == told["participant"],
        )
    ).one()
    uow.connection.execute(
        account.insert().values(
            programme=event.programme,
            address=told["account"],
            participant=row.code,
            kind=AccountKind.OWN.value,
            label=f"observed_{told['account'][2:14]}",
            holder_class="unknown",
            tax_residency=row.country,
            requested_at=block_time(event),
            done_at=block_time(event),
            entry=event.entry_id,
        )
    )


def _is_enrolment(event: LedgerEvent, connection: Connection) -> bool:
    """Whether an act here enrols the account, so that the order's outcome books it."""
    if event.order_id is None:
        return False
    kind = connection.execute(
        sql.select(orders.c.kind).where(orders.c.id == event.order_id)
    ).scalar_one()
    return bool(kind == "enrol_accounts")


def accounts_enrolled(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """All accounts of an order are enrolled."""
    opened = [event for event in events if event.name == "AccountOpened"]
    uow.connection.execute(
        sql.update(account)
        .where(
            account.c.programme == order.programme,
            account.c.address.in_([event.arguments["account"] for event in opened]),
        )
        .values(done_at=block_time(opened[0]), refused_at=None, refusal=None)
    )


def account_closed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A closed account stays known, and is never used again."""
    uow.connection.execute(
        sql.update(account)
        .where(
            account.c.programme == event.programme,
            account.c.address == event.arguments["account"],
        )
        .values(closed_at=block_time(event))
    )
    now = datetime.fromisoformat(block_time(event))
    end_key(uow.connection, event.programme, event.arguments["account"], "retired", now)


def standing_done(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """A change has taken effect; what was requested meanwhile still binds."""
    when = block_time(events[0])
    code = _settle_change(uow.connection, order, done_at=when)
    if order.kind == "admit_participant":
        uow.connection.execute(
            sql.update(participant)
            .where(participant.c.programme == order.programme, participant.c.code == code)
            .values(done_at=when)
        )
    _refresh_requested(uow.connection, order.programme, code)


def standing_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """A change will not take effect on the ledger; what it withdrew binds here all the same."""
    now = uow.store.clock().isoformat()
    told = str(refusal["message"])[:REFUSAL_MAX]
    code = _settle_change(uow.connection, order, refused_at=now, refusal=told)
    if order.kind == "admit_participant":
        uow.connection.execute(
            sql.update(participant)
            .where(participant.c.programme == order.programme, participant.c.code == code)
            .values(refused_at=now, refusal=told)
        )
    _refresh_requested(uow.connection, order.programme, code)
    # A withdrawal that the ledger did not take is not to be lost among the refusals.
    raise_alarm(uow.connection, "participant_change_refused", f"participants:{code}", told, now)


def enrolment_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """None of the order's accounts is enrolled."""
    uow.connection.execute(
        sql.update(account)
        .where(account.c.programme == order.programme, account.c.order_id == order.id)
        .values(
            refused_at=uow.store.clock().isoformat(),
            refusal=str(refusal["message"])[:REFUSAL_MAX],
        )
    )


def _settle_change(connection: Connection, order: Order, **values: Any) -> str:
    code: str = connection.execute(
        sql.update(participant_change)
        .where(participant_change.c.order_id == order.id)
        .values(**values)
        .returning(participant_change.c.participant)
    ).scalar_one()
    return code


def _refresh_requested(connection: Connection, programme: str, code: str) -> None:
    """What still binds besides what the ledger has.

    Of several changes that wait it is the last one.  Where the last one of all was refused and
    would have withdrawn something, it binds here until another change takes its place.
    """
    changes = connection.execute(
        sql.select(participant_change)
        .where(
            participant_change.c.programme == programme,
            participant_change.c.participant == code,
            participant_change.c.change != "admission",
        )
        .order_by(participant_change.c.id.desc())
    ).all()
    waiting = next((one for one in changes if one.done_at is None and one.refused_at is None), None)
    level = waiting.level if waiting else None
    if waiting is None and changes and changes[0].refused_at is not None:
        ledger = connection.execute(
            sql.select(participant.c.level).where(
                participant.c.programme == programme, participant.c.code == code
            )
        ).scalar_one()
        if ledger is not None and withdraws(Level(ledger), Level(changes[0].level)):
            level = changes[0].level
    connection.execute(
        sql.update(participant)
        .where(participant.c.programme == programme, participant.c.code == code)
        .values(
            level_requested=level,
            valid_until_requested=waiting.valid_until if waiting else None,
        )
    )


def _class_code(connection: Connection, event: LedgerEvent) -> str:
    code: str = connection.execute(
        sql.select(participant_class.c.code).where(
            participant_class.c.programme == event.programme,
            participant_class.c.number == event.arguments["participant_class"],
        )
    ).scalar_one()
    return code


def _enter_observed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A participant that the authority admitted without this system; its name is not known."""
    told = event.arguments
    uow.connection.execute(
        participant.insert().values(
            programme=event.programme,
            code=f"observed_{told['participant']}",
            number=told["participant"],
            participant_class=_class_code(uow.connection, event),
            country=country_code(told["country"]),
            level=Level.numbered(told["level"]).value,
            valid_until=date_from_business_day(told["valid_until"]).isoformat(),
            requested_at=block_time(event),
            done_at=block_time(event),
            entry=event.entry_id,
        )
    )
