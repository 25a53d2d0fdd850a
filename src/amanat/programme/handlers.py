"""What the ledger's final events and outcomes mean for the programme."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sql

from amanat.access.key_register import end_key, enter_key, find_key
from amanat.access.tables import institution, person
from amanat.core.canonical import canonical_bytes
from amanat.core.dates import date_from_business_day
from amanat.core.ids import new_id
from amanat.ledger.completion import raise_alarm
from amanat.ledger.orders import Order
from amanat.ledger.registry import HandlerRegistry, LedgerEvent
from amanat.ledger.typed_data import CONTRACT_NUMBERS
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.participants.handlers import REFUSAL_MAX, block_time
from amanat.participants.tables import participant_class
from amanat.programme.acts_day import SCOPES
from amanat.programme.acts_senders import begin_sending
from amanat.programme.model import Phase, isin_of_word
from amanat.programme.records import find_programme, first_business_date, terms_in
from amanat.programme.tables import (
    authorisation,
    authorisation_withdrawal,
    business_day,
    day_move,
    directory_change,
    halt,
    issuance,
    programme,
    security,
)
from amanat.programme.terms import LEDGER_CAPACITIES
from amanat.store.uow import UnitOfWork

DIRECTORY_ORDERS = ("announce_change", "execute_change", "cancel_change", "revoke_key")
PUBLIC_ORDERS = (
    "create_contract",
    "found_programme",
    "open_first_day",
    "authorise_security",
    "withdraw_authorisation",
    "issue_nominal",
    "cancel_unsold",
    "release_headroom",
    "release_redeemed",
    "attest_reserves",
    "move_day",
    "create_successor",
    "halt",
    "resume",
    *DIRECTORY_ORDERS,
)
PUBLIC_EVENTS = (
    "SecurityCreated",
    "NominalAuthorised",
    "AuthorisationWithdrawn",
    "NominalIssued",
    "UnsoldCancelled",
    "HeadroomReleased",
    "CeilingChanged",
    "KindRuleChanged",
    "ReservesAttested",
    "HaltChanged",
)


def register(registry: HandlerRegistry) -> None:
    """Register this room's functions; called once, when the application is put together."""
    registry.make_public("Programme", *PUBLIC_EVENTS)
    registry.make_public("BusinessDay", "DayAdvanced")
    registry.make_public(
        "Directory", "Founded", "ContractChanged", "CapacitiesChanged", "QuorumChanged",
        "EpochChanged", "TokenListed", "KeyChanged", "ChangeAnnounced", "ChangeCancelled",
        "ChangeExecuted",
    )  # fmt: skip
    registry.make_public_orders(*PUBLIC_ORDERS)
    registry.creates(
        "Programme",
        "SecurityCreated",
        "Security",
        address=lambda told: str(told["security"]),
        label=lambda told: isin_of_word(told["isin"]),
    )
    registry.places_contract("Directory", "ContractChanged", _placed)
    registry.moves_day("BusinessDay", "DayAdvanced", lambda told: int(told["day"]))
    registry.opens_on(first_business_date)
    on_event = {
        "SecurityCreated": security_created,
        "NominalAuthorised": nominal_authorised,
        "NominalIssued": nominal_issued,
        "UnsoldCancelled": unsold_cancelled,
        "HeadroomReleased": headroom_released,
        "CeilingChanged": ceiling_changed,
        "ReservesAttested": reserves_attested,
        "HaltChanged": halt_changed,
    }
    for name, function in on_event.items():
        registry.on_event("Programme", name)(function)
    registry.on_event("BusinessDay", "DayAdvanced")(day_advanced)
    for name, noted in _DIRECTORY_EVENTS.items():
        registry.on_event("Directory", name)(noted)
    for kind in DIRECTORY_ORDERS:
        registry.on_refused(kind)(directory_refused)
    registry.on_event("Security", "Transfer")(nominal_burnt)
    registry.on_done("open_first_day")(programme_founded)
    for kind, table in _TABLES.items():
        registry.on_done(kind)(_done(table))
        registry.on_refused(kind)(_refused(table))
    registry.on_done("endow_sender")(sender_endowed)
    registry.on_refused("endow_sender")(directory_refused)
    registry.on_refused("create_successor")(directory_refused)
    registry.on_refused("halt")(halt_refused)
    registry.on_refused("resume")(resume_refused)


_TABLES = {
    "authorise_security": authorisation,
    "withdraw_authorisation": authorisation_withdrawal,
    "issue_nominal": issuance,
    "cancel_unsold": issuance,
    "release_headroom": issuance,
    "move_day": day_move,
}
"""Where the row of each kind of order waits for its outcome."""


# -- outcomes -------------------------------------------------------------------------------------


def _done(table: sql.Table) -> Any:
    def note(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
        values: dict[str, Any] = {"done_at": block_time(events[0])}
        if table is authorisation:
            values["state"] = "done"
        uow.connection.execute(
            sql.update(table).where(table.c.order_id == order.id).values(**values)
        )

    return note


def _refused(table: sql.Table) -> Any:
    def note(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
        now = uow.store.clock().isoformat()
        told = str(refusal["message"])[:REFUSAL_MAX]
        values: dict[str, Any] = {"refused_at": now, "refusal": told}
        if table is authorisation:
            values["state"] = "refused"
        uow.connection.execute(
            sql.update(table).where(table.c.order_id == order.id).values(**values)
        )
        raise_alarm(uow.connection, f"{order.kind}_refused", order.journal_subject, told, now)

    return note


def programme_founded(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The first day is open: the programme is founded."""
    uow.connection.execute(
        sql.update(programme)
        .where(programme.c.code == order.programme)
        .values(founded_at=block_time(events[0]))
    )


def halt_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The ledger did not halt: what was halted binds here all the same, and people are told."""
    told = str(refusal["message"])[:REFUSAL_MAX]
    uow.connection.execute(sql.update(halt).where(halt.c.order_id == order.id).values(refusal=told))
    now = uow.store.clock().isoformat()
    raise_alarm(uow.connection, "halt_refused", order.journal_subject, told, now)


def resume_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The halt stands, and may be lifted by another request."""
    uow.connection.execute(
        sql.update(halt)
        .where(halt.c.resume_order == order.id)
        .values(resume_order=None, resume_requested_at=None)
    )
    now = uow.store.clock().isoformat()
    told = str(refusal["message"])[:REFUSAL_MAX]
    raise_alarm(uow.connection, "resume_refused", order.journal_subject, told, now)


# -- the day --------------------------------------------------------------------------------------


def day_advanced(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The programme's day or phase has moved, whoever sent it."""
    uow.connection.execute(
        business_day.insert().values(
            programme=event.programme,
            position=event.position,
            business_date=date_from_business_day(event.arguments["day"]).isoformat(),
            phase=Phase.numbered(event.arguments["phase"]).value,
            block_number=event.block_number,
            block_time=block_time(event),
            entry=event.entry_id,
        )
    )


# -- securities -----------------------------------------------------------------------------------


def security_created(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A security exists.  Its terms are those of the authorisation that created it.

    Where nobody here ordered that, the terms are unknown until a person enters them: the row
    carries their hash, and an alarm is raised.
    """
    told = event.arguments
    isin = isin_of_word(told["isin"])
    row = uow.connection.execute(
        sql.select(authorisation)
        .where(
            authorisation.c.programme == event.programme,
            authorisation.c.isin == isin,
            authorisation.c.terms_hash == told["terms_hash"].removeprefix("0x"),
        )
        .order_by(authorisation.c.id.desc())
        .limit(1)
    ).one_or_none()
    maturity = date_from_business_day(told["maturity_day"])
    if row is None:
        detail = f"{isin} was created with terms {told['terms_hash']} that are not known here"
        raise_alarm(uow.connection, "terms_unknown", f"programme:{isin}", detail, block_time(event))
    uow.connection.execute(
        security.insert().values(
            programme=event.programme,
            isin=isin,
            kind=row.kind if row is not None else "unknown",
            terms=row.terms if row is not None else canonical_bytes({}),
            terms_hash=told["terms_hash"].removeprefix("0x"),
            classes=_classes_of(told["classes"], event, uow),
            asset=row.asset if row is not None else "unknown",
            address=told["security"],
            number=told["number"],
            issue_date=(terms_in(row).issue_date if row is not None else maturity).isoformat(),
            maturity_date=maturity.isoformat(),
            authorised=0,
            issued=0,
            cancelled=0,
            redeemed=0,
            created_at=block_time(event),
        )
    )


def nominal_authorised(event: LedgerEvent, uow: UnitOfWork) -> None:
    """More nominal of a security may be issued."""
    told = event.arguments
    _add(uow, event.programme, isin_of_word(told["isin"]), authorised=told["nominal"])
    if event.observed:
        detail = f"authorisation {told['number']} was not ordered here"
        subject = f"programme:{isin_of_word(told['isin'])}"
        raise_alarm(uow.connection, "authorisation_observed", subject, detail, block_time(event))


def nominal_issued(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nominal was created under an authorisation."""
    told = event.arguments
    _add(uow, event.programme, isin_of_word(told["isin"]), issued=told["nominal"])
    _add_to_authorisation(uow, event, issued=told["nominal"])


def unsold_cancelled(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nominal was destroyed unsold: its burning, told just before, was no redemption."""
    told = event.arguments
    nominal = told["nominal"]
    isin = isin_of_word(told["isin"])
    _add(uow, event.programme, isin, cancelled=nominal, redeemed=-nominal)
    _add_to_authorisation(uow, event, issued=-nominal)


def nominal_burnt(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nominal that goes to nobody is redeemed, unless `UnsoldCancelled` follows."""
    if event.arguments["receiver"] == ZERO_ADDRESS:
        _add(uow, event.programme, event.label, redeemed=event.arguments["value"])


def headroom_released(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Headroom came free: by giving up what was not issued, or (number 0) by redemption."""
    told = event.arguments
    if told["authorisation"] == 0:
        uow.connection.execute(
            sql.update(programme)
            .where(programme.c.code == event.programme)
            .values(usd_freed_cents=programme.c.usd_freed_cents + told["usd_value"])
        )
        return
    _add(uow, event.programme, isin_of_word(told["isin"]), authorised=-told["nominal"])
    _add_to_authorisation(
        uow, event, released=told["nominal"], released_usd_cents=told["usd_value"]
    )


def _add(uow: UnitOfWork, code: str, isin: str, **amounts: int) -> None:
    uow.connection.execute(
        sql.update(security)
        .where(security.c.programme == code, security.c.isin == isin)
        .values({name: security.c[name] + amount for name, amount in amounts.items()})
    )


def _add_to_authorisation(uow: UnitOfWork, event: LedgerEvent, **amounts: int) -> None:
    table = authorisation
    uow.connection.execute(
        sql.update(table)
        .where(
            table.c.programme == event.programme,
            table.c.number == event.arguments["authorisation"],
            table.c.state == "done",
        )
        .values({name: table.c[name] + amount for name, amount in amounts.items()})
    )


def _placed(told: Mapping[str, Any]) -> tuple[str, str]:
    """Kind and address of the contract that the Directory names from now on."""
    kinds = {number: kind for kind, number in CONTRACT_NUMBERS.items()}
    return kinds[int(told["contract_id"])], str(told["at"]).lower()


def _classes_of(mask: int, event: LedgerEvent, uow: UnitOfWork) -> list[str]:
    rows = uow.connection.execute(
        sql.select(participant_class.c.code, participant_class.c.number).where(
            participant_class.c.programme == event.programme
        )
    )
    return sorted(row.code for row in rows if mask >> row.number & 1)


# -- rules and halts ------------------------------------------------------------------------------


def ceiling_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """The ceiling is another from now on."""
    uow.connection.execute(
        sql.update(programme)
        .where(programme.c.code == event.programme)
        .values(ceiling_usd_cents=event.arguments["ceiling"])
    )


def reserves_attested(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Reserves were attested, with the last day of their evidence."""
    uow.connection.execute(
        sql.update(programme)
        .where(programme.c.code == event.programme)
        .values(
            reserves_usd_cents=event.arguments["reserves"],
            reserves_valid_until=date_from_business_day(event.arguments["valid_until"]).isoformat(),
        )
    )


def halt_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Something was halted or resumed, by us, by another, or by itself for want of reserves."""
    told = event.arguments
    scope = _scope_of(told["contract_id"], event, uow)
    standing = [
        halt.c.programme == event.programme,
        halt.c.scope == scope,
        halt.c.refused_at.is_(None),
        halt.c.resumed_at.is_(None),
    ]
    when = block_time(event)
    if not told["halted"]:
        uow.connection.execute(sql.update(halt).where(*standing).values(resumed_at=when))
        return
    noted = uow.connection.execute(
        sql.update(halt).where(*standing, halt.c.done_at.is_(None)).values(done_at=when)
    )
    known = uow.connection.execute(sql.select(halt.c.id).where(*standing)).first()
    if noted.rowcount == 0 and known is None:
        uow.connection.execute(
            halt.insert().values(
                id=new_id(),
                programme=event.programme,
                scope=scope,
                reason=f"on the ledger: {told['reason']}",
                requested_at=when,
                done_at=when,
                entry=event.entry_id,
            )
        )


def _scope_of(contract_id: int, event: LedgerEvent, uow: UnitOfWork) -> str:
    for scope, number in SCOPES.items():
        if number == contract_id:
            return scope
    isin: str | None = uow.connection.execute(
        sql.select(security.c.isin).where(
            security.c.programme == event.programme, security.c.number == contract_id
        )
    ).scalar_one_or_none()
    return isin or f"contract {contract_id}"


# -- the Directory --------------------------------------------------------------------------------


def change_announced(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A change waits for its delay; one that nobody here asked for raises an alarm."""
    delay = json.loads(find_programme(uow.connection, event.programme).terms)["delay_seconds"]
    due = datetime.fromtimestamp(event.block_time, UTC) + timedelta(seconds=delay)
    known = _note_change(
        event, uow, state="announced", due_at=due.isoformat(), done_at=block_time(event)
    )
    if not known:
        detail = f"change {event.arguments['change']} of the Directory was not announced from here"
        subject = f"programme:{event.programme}"
        raise_alarm(uow.connection, "change_observed", subject, detail, block_time(event))


def change_executed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A change has taken effect."""
    _note_change(event, uow, state="done")


def change_cancelled(event: LedgerEvent, uow: UnitOfWork) -> None:
    """A change will never take effect."""
    _note_change(event, uow, state="cancelled")


def _note_change(event: LedgerEvent, uow: UnitOfWork, **values: Any) -> bool:
    done = uow.connection.execute(
        sql.update(directory_change)
        .where(
            directory_change.c.programme == event.programme,
            directory_change.c.digest == event.arguments["change"].removeprefix("0x"),
        )
        .values(**values)
    )
    return done.rowcount > 0


def key_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """Nobody signs here any more with a key that the Directory has removed; a new one stands by."""
    key, now = event.arguments["key"].lower(), uow.store.clock()
    if event.arguments["institution"] == 0:
        end_key(uow.connection, event.programme, key, "revoked", now)
    elif find_key(uow.connection, event.programme, key) is None:
        owner = uow.connection.execute(
            sql.select(institution.c.code).where(
                institution.c.programme == event.programme,
                institution.c.number == event.arguments["institution"],
            )
        ).scalar_one_or_none()
        enter_key(
            uow.connection,
            event.programme,
            key,
            institution=owner or "unknown",
            holder="",
            state="standby",
            now=now,
        )
    if event.arguments["institution"] == 0:
        uow.connection.execute(
            sql.update(person)
            .where(
                person.c.programme == event.programme,
                person.c.address == event.arguments["key"].lower(),
            )
            .values(address=None)
        )


def capacities_changed(event: LedgerEvent, uow: UnitOfWork) -> None:
    """An institution acts in the capacities that the ledger gives it, beside those kept here."""
    told = event.arguments
    row = uow.connection.execute(
        sql.select(institution).where(
            institution.c.programme == event.programme,
            institution.c.number == told["institution"],
            institution.c.number > 0,
        )
    ).one_or_none()
    if row is None:
        return
    given = {word for word, bit in LEDGER_CAPACITIES.items() if told["capacities"] >> bit & 1}
    kept = set(row.capacities) - set(LEDGER_CAPACITIES)
    uow.connection.execute(
        sql.update(institution)
        .where(institution.c.programme == event.programme, institution.c.code == row.code)
        .values(capacities=sorted(given | kept))
    )


def sender_endowed(order: Order, events: Sequence[LedgerEvent], uow: UnitOfWork) -> None:
    """The key that was appointed has what it needs for its fees: it sends from now on."""
    del events
    assert order.subject is not None
    key, sender = order.subject[1].split(":")
    begin_sending(uow, key, sender, order.programme)


def directory_refused(order: Order, refusal: Mapping[str, Any], uow: UnitOfWork) -> None:
    """The ledger did not change the Directory; what an order withdrew here stays withdrawn."""
    now = uow.store.clock().isoformat()
    told = str(refusal["message"])[:REFUSAL_MAX]
    if order.kind == "announce_change":
        uow.connection.execute(
            sql.update(directory_change)
            .where(directory_change.c.order_id == order.id)
            .values(state="refused", refused_at=now, refusal=told)
        )
    raise_alarm(uow.connection, f"{order.kind}_refused", order.journal_subject, told, now)


_DIRECTORY_EVENTS = {
    "ChangeAnnounced": change_announced,
    "ChangeExecuted": change_executed,
    "ChangeCancelled": change_cancelled,
    "KeyChanged": key_changed,
    "CapacitiesChanged": capacities_changed,
}
