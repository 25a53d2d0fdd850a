"""Freezes, releases, forced transfers and re-registrations, each by a quorum of institutions.

A freeze binds here as soon as it is requested; what an order grants or moves takes effect when
the ledger has carried it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.errors import NotFound
from amanat.core.identifiers import Isin
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.core.quantities import Nominal
from amanat.ledger.things import Things
from amanat.ledger.wire import ZERO_ADDRESS
from amanat.participants import things
from amanat.participants.model import ChangePending
from amanat.participants.records import find_account, institutions_with
from amanat.participants.signing import ToSign, act_number, to_sign
from amanat.programme.records import face_in, require_running
from amanat.register import events
from amanat.register.commands import (
    FreezeAccount,
    FreezeHolding,
    OrderForcedTransfer,
    Release,
    Reregister,
)
from amanat.register.model import (
    RELEASABLE,
    HoldingIsHeld,
    HoldState,
    MovementKind,
    NotReleasable,
    OrderKind,
    QuorumNotReached,
    check_order,
    frozen_amount,
)
from amanat.register.records import find_security, holding_of, holds_on
from amanat.register.tables import hold, movement

ORDERS = "orders"
"""Capacity of the institutions that make up the quorum."""

Freeze = FreezeHolding | FreezeAccount


def _limit(connection: Connection, programme: str, nominal: int | None) -> str:
    """Nominal as the journal writes it; `all` where a hold has no limit."""
    return "all" if nominal is None else face_in(connection, programme, nominal)


def _signers(context: ActContext, named: Sequence[str]) -> list[str]:
    """The institutions that sign: those named, or the proposer's and others up to the quorum.

    Refuses `Halted`, `NotFound` (one that has no such capacity), `QuorumNotReached`.
    """
    require_running(context.uow.connection, context.programme, "orders")
    quorum = int(context.ledger.call("Orders", "quorum"))
    rows = institutions_with(context.uow.connection, context.programme, ORDERS)
    members = [row.code for row in rows]
    for code in named:
        if code not in members:
            raise NotFound(thing="institution that orders", value=code)
    own = context.actor.institution
    members.sort(key=lambda code: code != own)  # stable: the others stay in their order
    signing = list(dict.fromkeys(named)) or members[:quorum]
    if len(signing) < quorum:
        raise QuorumNotReached(given=len(signing), quorum=quorum)
    return signing


def ask_quorum(context: ActContext, named: Sequence[str], signed: ToSign, **memo: Any) -> Ask:
    """A quorum signs; refuses `Halted`, `NotFound` (institution), `QuorumNotReached`."""
    return Ask(
        [
            signed.requirement(code, ORDERS, proposer_counts=code == context.actor.institution)
            for code in _signers(context, named)
        ],
        memo={"epoch": signed.epoch, **memo},
        subject=f"register:{memo['account']}",
    )


def _order_to_sign(
    context: ActContext,
    kind: OrderKind,
    *,
    number: int,
    isin: str,
    sender: str,
    receiver: str = ZERO_ADDRESS,
    amount: int = 0,
    order_hash: str,
) -> ToSign:
    security = find_security(context.uow.connection, context.programme, isin)
    return to_sign(
        context,
        "Orders",
        "Order",
        number=number,
        kind=kind.value,
        security=security.address,
        **{"from": sender},
        to=receiver,
        amount=amount,
        order_hash=bytes.fromhex(order_hash),
        reason=0,
    )


def _things_of(kind: OrderKind, sender: str, receiver: str) -> Things:
    """A freeze waits for nothing; what moves a holding waits for what was ordered of it before."""
    if kind is OrderKind.FREEZE:
        return Things(brings=things.accounts([sender]))
    return Things(changes=things.accounts([sender, receiver]))


def _request(
    context: ActContext,
    order_kind: str,
    kind: OrderKind,
    *,
    isin: str,
    sender: str,
    receiver: str = ZERO_ADDRESS,
    amount: int = 0,
    order_hash: str,
    thing: str,
    entry: str,
) -> str:
    approved = context.approved
    security = find_security(context.uow.connection, context.programme, isin)
    order = (
        approved.memo["number"],
        approved.memo["epoch"],
        kind.value,
        security.address,
        sender,
        receiver,
        amount,
        bytes.fromhex(order_hash),
        0,
    )
    request: str = context.uow.orders.request(
        order_kind,
        context.programme,
        "Orders",
        "execute",
        [order, approved.signatures()],
        subject=("register", thing),
        cause=entry,
        things=_things_of(kind, sender, receiver),
    )
    return request


# -- freezes --------------------------------------------------------------------------------------


def _frozen_with(context: ActContext, command: Freeze) -> int:
    connection, programme = context.uow.connection, context.programme
    nominal = command.nominal if isinstance(command, FreezeHolding) else None
    address = command.account.lower()
    return frozen_amount([*holds_on(connection, programme, command.isin, address), nominal])


def _ask_freeze(command: Freeze, context: ActContext) -> Ask:
    """A quorum of the institutions with the capacity `orders`; the proposer signs for one."""
    check_order(command.order_hash, command.reason)
    address = find_account(context.uow.connection, context.programme, command.account).address
    number, amount = act_number(context), _frozen_with(context, command)
    signed = _order_to_sign(
        context,
        OrderKind.FREEZE,
        number=number,
        isin=command.isin,
        sender=address,
        amount=amount,
        order_hash=command.order_hash,
    )
    return ask_quorum(
        context, command.signers, signed, number=number, amount=str(amount), account=address
    )


def _freeze(command: Freeze, context: ActContext) -> Result:
    connection, programme = context.uow.connection, context.programme
    memo, identifier = context.approved.memo, new_id()
    address: str = memo["account"]
    # Others may have been frozen or released since the institutions signed this sum.
    if _frozen_with(context, command) != int(memo["amount"]):
        raise ChangePending(
            thing=Message("the holding of {account}", account=address), pending="another order"
        )
    nominal = command.nominal if isinstance(command, FreezeHolding) else None
    entry = context.uow.journal.append(
        events.HOLD_REQUESTED,
        {
            "hold": identifier,
            "number": memo["number"],
            "account": address,
            "isin": command.isin,
            "nominal": _limit(connection, programme, nominal),
            "order_hash": command.order_hash,
            "reason": command.reason,
        },
        subject=f"register:{address}",
    )
    order = _request(
        context,
        "freeze",
        OrderKind.FREEZE,
        isin=command.isin,
        sender=address,
        amount=int(memo["amount"]),
        order_hash=command.order_hash,
        thing=identifier,
        entry=entry,
    )
    connection.execute(
        hold.insert().values(
            programme=programme,
            id=identifier,
            number=memo["number"],
            account=address,
            isin=command.isin,
            nominal=nominal,
            order_hash=command.order_hash,
            reason=command.reason,
            state=HoldState.REQUESTED.value,
            requested_at=context.now.isoformat(),
            order_id=order,
        )
    )
    return {"hold": identifier, "order": order, "entry": entry}


@act(capacities=[ORDERS], approvals=_ask_freeze, confidential=True)
def freeze_holding(command: FreezeHolding, context: ActContext) -> Result:
    """Order the freeze of part of a holding.

    Refuses, in order: `InvalidOrder`, `NotFound` (account, security, institution),
    `QuorumNotReached`, `ChangePending`.
    """
    return _freeze(command, context)


@act(capacities=[ORDERS], approvals=_ask_freeze, confidential=True)
def freeze_account(command: FreezeAccount, context: ActContext) -> Result:
    """Order the freeze of an account in a security.  Refuses as `freeze_holding`."""
    return _freeze(command, context)


def _load_hold(context: ActContext, identifier: str) -> Any:
    row = context.uow.connection.execute(
        sql.select(hold).where(hold.c.programme == context.programme, hold.c.id == identifier)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="hold", value=identifier)
    if HoldState(row.state) not in RELEASABLE:
        raise NotReleasable(hold=identifier, state=row.state)
    return row


def _frozen_without(context: ActContext, row: Any) -> int:
    others = holds_on(context.uow.connection, context.programme, row.isin, row.account)
    others.remove(row.nominal)
    return frozen_amount(others)


def _ask_release(command: Release, context: ActContext) -> Ask:
    """A quorum of the institutions with the capacity `orders`; the proposer signs for one."""
    check_order(command.order_hash, command.reason)
    row = _load_hold(context, command.hold)
    number, amount = act_number(context), _frozen_without(context, row)
    signed = _order_to_sign(
        context,
        OrderKind.FREEZE,
        number=number,
        isin=row.isin,
        sender=row.account,
        amount=amount,
        order_hash=command.order_hash,
    )
    return ask_quorum(
        context, command.signers, signed, number=number, amount=str(amount), account=row.account
    )


@act(capacities=[ORDERS], approvals=_ask_release, confidential=True)
def release(command: Release, context: ActContext) -> Result:
    """Order the release of a hold.

    Refuses, in order: `InvalidOrder`, `NotFound` (hold, institution), `NotReleasable`,
    `QuorumNotReached`, `ChangePending`.
    """
    row = _load_hold(context, command.hold)
    memo = context.approved.memo
    if _frozen_without(context, row) != int(memo["amount"]):
        raise ChangePending(
            thing=Message("the holding of {account}", account=row.account), pending="another order"
        )
    entry = context.uow.journal.append(
        events.HOLD_RELEASE_REQUESTED,
        {
            "hold": row.id,
            "number": memo["number"],
            "account": row.account,
            "isin": row.isin,
            "order_hash": command.order_hash,
            "reason": command.reason,
        },
        subject=f"register:{row.account}",
    )
    order = _request(
        context,
        "release",
        OrderKind.FREEZE,
        isin=row.isin,
        sender=row.account,
        amount=int(memo["amount"]),
        order_hash=command.order_hash,
        thing=row.id,
        entry=entry,
    )
    context.uow.connection.execute(
        sql.update(hold)
        .where(hold.c.programme == context.programme, hold.c.id == row.id)
        .values(state=HoldState.RELEASING.value, release_order=order)
    )
    return {"hold": row.id, "order": order, "entry": entry}


# -- movements without the holder -----------------------------------------------------------------


def _ask_movement(command: OrderForcedTransfer | Reregister, context: ActContext) -> Ask:
    """A quorum of the institutions with the capacity `orders`; the proposer signs for one."""
    check_order(command.order_hash, command.reason)
    connection, programme = context.uow.connection, context.programme
    sender = find_account(connection, programme, command.from_account).address
    receiver = find_account(connection, programme, command.to_account).address
    forced = isinstance(command, OrderForcedTransfer)
    kind = OrderKind.FORCED_TRANSFER if forced else OrderKind.REREGISTRATION
    amount = _moved(command, context)
    number = act_number(context)
    signed = _order_to_sign(
        context,
        kind,
        number=number,
        isin=command.isin,
        sender=sender,
        receiver=receiver,
        amount=amount if forced else 0,
        order_hash=command.order_hash,
    )
    return ask_quorum(
        context, command.signers, signed, number=number, account=sender, receiver=receiver
    )


def _moved(command: OrderForcedTransfer | Reregister, context: ActContext) -> int:
    """The nominal that moves.  Refuses `NotFound`, `HoldingIsHeld`, `InvalidNominal`."""
    connection, programme = context.uow.connection, context.programme
    holding = holding_of(connection, programme, command.isin, command.from_account.lower())
    if isinstance(command, Reregister):
        if holding.nominal == 0:
            raise NotFound(
                thing=Message("holding of {isin}", isin=command.isin), value=command.from_account
            )
        return holding.nominal
    Nominal(Isin(command.isin), command.nominal)
    if command.nominal > holding.free:
        raise HoldingIsHeld(
            account=command.from_account,
            isin=command.isin,
            nominal=command.nominal,
            free=holding.free,
            held=holding.held,
        )
    return command.nominal


def _move(
    command: OrderForcedTransfer | Reregister, context: ActContext, kind: MovementKind
) -> Result:
    memo, identifier = context.approved.memo, new_id()
    nominal = _moved(command, context)
    forced = kind is MovementKind.FORCED
    entry = context.uow.journal.append(
        events.FORCED_TRANSFER_REQUESTED if forced else events.REREGISTRATION_REQUESTED,
        {
            "movement": identifier,
            "number": memo["number"],
            "isin": command.isin,
            "from_account": memo["account"],
            "to_account": memo["receiver"],
            "nominal": face_in(context.uow.connection, context.programme, nominal),
            "order_hash": command.order_hash,
            "reason": command.reason,
        },
        subject=f"register:{memo['account']}",
    )
    order = _request(
        context,
        "forced_transfer" if forced else "reregister",
        OrderKind.FORCED_TRANSFER if forced else OrderKind.REREGISTRATION,
        isin=command.isin,
        sender=memo["account"],
        receiver=memo["receiver"],
        amount=nominal if forced else 0,
        order_hash=command.order_hash,
        thing=identifier,
        entry=entry,
    )
    context.uow.connection.execute(
        movement.insert().values(
            programme=context.programme,
            id=identifier,
            number=memo["number"],
            kind=kind.value,
            isin=command.isin,
            from_account=memo["account"],
            to_account=memo["receiver"],
            nominal=nominal,
            order_hash=command.order_hash,
            reason=command.reason,
            state="requested",
            requested_at=context.now.isoformat(),
            order_id=order,
        )
    )
    return {"movement": identifier, "order": order, "entry": entry}


@act(capacities=[ORDERS], approvals=_ask_movement, confidential=True)
def order_forced_transfer(command: OrderForcedTransfer, context: ActContext) -> Result:
    """Order a movement without the holder.

    Refuses, in order: `InvalidOrder`, `NotFound` (accounts, security, institution),
    `HoldingIsHeld`, `QuorumNotReached`.
    """
    return _move(command, context, MovementKind.FORCED)


@act(capacities=[ORDERS], approvals=_ask_movement, confidential=True)
def reregister(command: Reregister, context: ActContext) -> Result:
    """Order that a holding whose key is lost go to the same participant's other account.

    Refuses, in order: `InvalidOrder`, `NotFound` (accounts, security, an empty holding,
    institution), `QuorumNotReached`; another participant's account is refused by the ledger.
    """
    return _move(command, context, MovementKind.REREGISTRATION)
