"""Holds that a holder places itself, such as collateral, released by whom they favour."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.ledger.things import Things
from amanat.ledger.typed_data import HOLD, HOLD_RELEASE
from amanat.participants import things
from amanat.participants.records import find_account
from amanat.participants.signing import ToSign, act_number
from amanat.programme.records import face_in, require_running
from amanat.register import events
from amanat.register.commands import PlaceHold, ReleaseHold
from amanat.register.model import HoldingIsHeld, HoldState, InvalidOrder, NotReleasable
from amanat.register.records import holding_of
from amanat.register.signing import struct_to_sign
from amanat.register.tables import pledge

PARTIES = ("participant", "primary_dealer", "issuer")


def _hold_to_sign(command: PlaceHold, context: ActContext, number: int) -> ToSign:
    return struct_to_sign(
        context,
        "Security",
        HOLD,
        command.account.lower(),
        command.nominal,
        command.beneficiary.lower(),
        number,
        business_day_from_date(command.last_day),
        label=command.isin,
    )


def _check_placing(command: PlaceHold, context: ActContext) -> None:
    connection, programme = context.uow.connection, context.programme
    require_running(connection, programme, command.isin)
    own = find_account(connection, programme, command.account)
    if own.participant != context.actor.institution:
        raise NotFound(thing="account", value=command.account)
    find_account(connection, programme, command.beneficiary)
    if command.last_day < context.business_date:
        raise InvalidOrder(
            reason=Message("the hold's last day {day} has passed", day=command.last_day)
        )
    holding = holding_of(connection, programme, command.isin, own.address)
    if command.nominal > holding.free:
        raise HoldingIsHeld(
            account=own.address,
            isin=command.isin,
            nominal=command.nominal,
            free=holding.free,
            held=holding.held,
        )


def _ask_placing(command: PlaceHold, context: ActContext) -> Ask:
    """A second person of the participant has the account's key sign."""
    _check_placing(command, context)
    number = act_number(context)
    signed = _hold_to_sign(command, context, number)
    account = command.account.lower()
    return Ask(
        [signed.requirement(context.actor.institution, "participant", key=account)],
        memo={"number": number, "hold": signed.digest.hex()},
        subject=f"register:{account}",
    )


@act(capacities=PARTIES, approvals=_ask_placing, confidential=True)
def place_hold(command: PlaceHold, context: ActContext) -> Result:
    """Order that part of an own holding be set aside; it binds here at once.

    Refuses, in order: `Halted`, `NotFound` (accounts, security), `InvalidOrder`, `HoldingIsHeld`.
    """
    _check_placing(command, context)
    memo, programme = context.approved.memo, context.programme
    account, beneficiary = command.account.lower(), command.beneficiary.lower()
    last_day = command.last_day.isoformat()
    entry = context.uow.journal.append(
        events.PLEDGE_REQUESTED,
        {
            "hold": memo["hold"],
            "account": account,
            "beneficiary": beneficiary,
            "isin": command.isin,
            "nominal": face_in(context.uow.connection, context.programme, command.nominal),
            "number": memo["number"],
            "last_day": last_day,
            "reason": command.reason,
        },
        subject=f"register:{account}",
    )
    placed = (
        account,
        command.nominal,
        beneficiary,
        memo["number"],
        business_day_from_date(command.last_day),
    )
    order = context.uow.orders.request(
        "place_hold",
        programme,
        "Security",
        "place_hold",
        [placed, context.approved.signatures()[0]],
        label=command.isin,
        subject=("register", memo["hold"]),
        cause=entry,
        things=Things(changes=things.accounts([account])),
    )
    context.uow.connection.execute(
        pledge.insert().values(
            programme=programme,
            digest=memo["hold"],
            isin=command.isin,
            account=account,
            beneficiary=beneficiary,
            nominal=command.nominal,
            number=memo["number"],
            last_day=last_day,
            reason=command.reason,
            state=HoldState.REQUESTED.value,
            requested_at=context.now.isoformat(),
            order_id=order,
        )
    )
    return {"hold": memo["hold"], "order": order, "entry": entry}


def _load_pledge(command: ReleaseHold, context: ActContext) -> Any:
    connection, programme = context.uow.connection, context.programme
    row = connection.execute(
        sql.select(pledge).where(pledge.c.programme == programme, pledge.c.digest == command.hold)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="hold", value=command.hold)
    lapsed = row.last_day < context.business_date.isoformat()
    named = [row.beneficiary, row.account] if lapsed else [row.beneficiary]
    owners = {find_account(connection, programme, one).participant for one in named}
    if context.actor.institution not in owners:
        raise NotFound(thing="hold", value=command.hold)
    if row.state != HoldState.HELD.value:
        raise NotReleasable(hold=command.hold, state=row.state)
    return row


def _ask_release(command: ReleaseHold, context: ActContext) -> Ask:
    """A second person; the beneficiary's key signs where it is the beneficiary who releases."""
    row = _load_pledge(command, context)
    signed = struct_to_sign(
        context, "Security", HOLD_RELEASE, bytes.fromhex(row.digest), label=row.isin
    )
    institution = context.actor.institution
    connection, programme = context.uow.connection, context.programme
    mine = find_account(connection, programme, row.beneficiary).participant == institution
    # After its last day the ledger asks for no signature of the beneficiary's.
    need = (
        signed.requirement(institution, "participant", key=row.beneficiary)
        if mine
        else Requirement(institution, "participant")
    )
    return Ask([need], subject=f"register:{row.account}")


@act(capacities=PARTIES, approvals=_ask_release, confidential=True)
def release_hold(command: ReleaseHold, context: ActContext) -> Result:
    """Order the release of what was set aside.

    Refuses, in order: `NotFound` (also where it is another's to release), `NotReleasable`.
    """
    row = _load_pledge(command, context)
    entry = context.uow.journal.append(
        events.PLEDGE_RELEASE_REQUESTED,
        {
            "hold": row.digest,
            "account": row.account,
            "beneficiary": row.beneficiary,
            "isin": row.isin,
        },
        subject=f"register:{row.account}",
    )
    order = context.uow.orders.request(
        "release_hold",
        context.programme,
        "Security",
        "release_hold",
        [bytes.fromhex(row.digest), context.approved.signatures()[0]],
        label=row.isin,
        subject=("register", row.digest),
        cause=entry,
        things=Things(brings=things.accounts([row.account])),
    )
    context.uow.connection.execute(
        sql.update(pledge)
        .where(pledge.c.programme == context.programme, pledge.c.digest == row.digest)
        .values(state=HoldState.RELEASING.value)
    )
    return {"hold": row.digest, "order": order, "entry": entry}
