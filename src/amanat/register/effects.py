"""What orders about holdings will do: what is held and free, what moves."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.participants.effects import account_name
from amanat.participants.records import find_account
from amanat.programme.effects import face_of, holding_change
from amanat.programme.records import securities_of
from amanat.register.commands import (
    FreezeAccount,
    FreezeEverything,
    FreezeHolding,
    OrderForcedTransfer,
    PlaceHold,
    Release,
    ReleaseHold,
    Reregister,
)
from amanat.register.model import held_of
from amanat.register.records import holding_of, holds_on, pledged_of
from amanat.register.tables import hold, pledge


def _free(seen: Seen, isin: str, address: str, before: int, after: int) -> Message:
    return Message(
        "{account} may dispose of {isin}: {before} before, {after} after",
        account=account_name(seen, address),
        isin=isin,
        before=face_of(seen, before),
        after=face_of(seen, after),
    )


def _with(seen: Seen, isin: str, address: str, *, added: list[int | None]) -> Message:
    connection, programme = seen.connection, seen.programme
    holding = holding_of(connection, programme, isin, address)
    pledged = pledged_of(connection, programme, isin, address)
    holds = holds_on(connection, programme, isin, address)
    held = held_of(holding.nominal, [*holds, pledged, *added])
    return _free(seen, isin, address, holding.free, holding.nominal - held)


def _owner(seen: Seen, address: str) -> str:
    """Whose an account is.  Refuses `NotFound`."""
    return str(find_account(seen.connection, seen.programme, address).participant)


@effects(FreezeHolding, FreezeAccount)
def frozen(command: FreezeHolding | FreezeAccount, seen: Seen) -> Iterator[Message]:
    """What the holder may dispose of before and after."""
    address = command.account.lower()
    nominal = command.nominal if isinstance(command, FreezeHolding) else None
    yield Message("It binds here from the request, before the ledger has it")
    yield _with(seen, command.isin, address, added=[nominal])
    if nominal is None:
        yield Message(
            "Whatever {account} receives of {isin} is frozen too",
            account=account_name(seen, address),
            isin=command.isin,
        )


@effects(FreezeEverything)
def all_frozen(command: FreezeEverything, seen: Seen) -> Iterator[Message]:
    """What the holder may dispose of, in every security of which it has any."""
    address = command.account.lower()
    find_account(seen.connection, seen.programme, address)
    yield Message("It binds here from the request, before the ledger has it")
    securities = securities_of(seen.connection, seen.programme)
    for row in securities:
        if holding_of(seen.connection, seen.programme, row.isin, address).nominal:
            yield _with(seen, row.isin, address, added=[None])
    yield Message(
        "Securities in which whatever {account} receives is frozen too: {count}",
        account=account_name(seen, address),
        count=len(securities),
    )


@effects(Release)
def released(command: Release, seen: Seen) -> Iterator[Message]:
    """What the holder may dispose of before and after."""
    row = seen.connection.execute(
        sql.select(hold).where(hold.c.programme == seen.programme, hold.c.id == command.hold)
    ).one_or_none()
    if row is None:
        raise NotFound(thing="hold", value=command.hold)
    connection, programme = seen.connection, seen.programme
    holding = holding_of(connection, programme, row.isin, row.account)
    left = holds_on(connection, programme, row.isin, row.account)
    left.remove(row.nominal)
    pledged = pledged_of(connection, programme, row.isin, row.account)
    held = held_of(holding.nominal, [*left, pledged])
    yield _free(seen, row.isin, row.account, holding.free, holding.nominal - held)


@effects(OrderForcedTransfer, Reregister)
def moved(command: OrderForcedTransfer | Reregister, seen: Seen) -> Iterator[Message]:
    """What both accounts hold before and after."""
    giver, taker = command.from_account.lower(), command.to_account.lower()
    whole = holding_of(seen.connection, seen.programme, command.isin, giver).nominal
    nominal = command.nominal if isinstance(command, OrderForcedTransfer) else whole
    yield holding_change(seen, command.isin, giver, -nominal)
    yield holding_change(seen, command.isin, taker, nominal)
    if isinstance(command, Reregister):
        held = holding_of(seen.connection, seen.programme, command.isin, giver).held
        yield Message("What was held of it stays held: {nominal}", nominal=face_of(seen, held))


@effects(PlaceHold)
def set_aside(command: PlaceHold, seen: Seen) -> Iterator[Message]:
    """What the holder may dispose of before and after."""
    if _owner(seen, command.account) != seen.institution:
        raise NotFound(thing="account", value=command.account)
    yield _with(seen, command.isin, command.account.lower(), added=[command.nominal])


@effects(ReleaseHold)
def given_back(command: ReleaseHold, seen: Seen) -> Iterator[Message]:
    """What its holder may dispose of again."""
    row = seen.connection.execute(
        sql.select(pledge).where(
            pledge.c.programme == seen.programme, pledge.c.digest == command.hold
        )
    ).one_or_none()
    parties = [] if row is None else [_owner(seen, row.account), _owner(seen, row.beneficiary)]
    if row is None or seen.institution not in parties:
        raise NotFound(thing="hold", value=command.hold)
    yield Message(
        "{account} may dispose again of {nominal} of {isin}",
        account=account_name(seen, row.account),
        nominal=face_of(seen, row.nominal),
        isin=row.isin,
    )
