"""What acts will do to cash, instructions and cycles, whatever room they come from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.effects import Seen, effects
from amanat.auctions.tables import allotment
from amanat.core.errors import NotFound
from amanat.core.messages import Message
from amanat.ledger.balances import balance_at, supply_at
from amanat.licensing.commands import LiftSuspension, Suspend
from amanat.licensing.deriving import Changed
from amanat.licensing.model import Change
from amanat.licensing.standing import level_after, standing_on
from amanat.licensing.tables import licensing_file
from amanat.participants.commands import SetLevel
from amanat.participants.effects import account_name
from amanat.participants.model import Level
from amanat.participants.records import account_of_kind, find_account, find_participant, level_of
from amanat.programme.commands import AnnounceChange, Halt, MoveDay, Replaceable, Resume
from amanat.programme.effects import cash_of, face_of, holding_change
from amanat.programme.records import WHOLE_PROGRAMME
from amanat.register.commands import FreezeAccount, FreezeEverything
from amanat.settlement.commands import (
    CancelInstruction,
    ConfirmInstruction,
    CreateCash,
    Instruct,
    InstructAllotments,
    NetCycle,
    SettleDay,
    Side,
    WithdrawCash,
)
from amanat.settlement.finality import withheld_accounts
from amanat.settlement.model import NUMBER_UNBURNED, InstructionState, Trade, net_positions
from amanat.settlement.records import (
    DELIVERS,
    RECEIVES,
    deliverer_is_frozen,
    own_account,
    withheld,
)
from amanat.settlement.tables import instruction

WAITING = (InstructionState.MATCHED.value, InstructionState.FAILED.value)
"""States of an instruction that the day's settlement takes up."""
OPEN = (*WAITING, InstructionState.RESERVED.value, InstructionState.ALLEGED.value)
"""States of an instruction that can still settle, or expire."""


# -- cash -----------------------------------------------------------------------------------------


def cash_change(seen: Seen, address: str, change: int) -> Message:
    """Cash of an account before and after, in minor units."""
    before = balance_at(seen.connection, seen.ledger.address("Cash"), address.lower())
    return Message(
        "Cash of {account}: {before} before, {after} after",
        account=account_name(seen, address),
        before=cash_of(seen, before),
        after=cash_of(seen, before + change),
    )


@effects(CreateCash, WithdrawCash)
def cash(command: CreateCash | WithdrawCash, seen: Seen) -> Iterator[Message]:
    """Cash of the account, and all that exists, before and after."""
    row = find_account(seen.connection, seen.programme, command.account)
    change = command.amount_paisa if isinstance(command, CreateCash) else -command.amount_paisa
    yield cash_change(seen, row.address, change)
    before = supply_at(seen.connection, seen.ledger.address("Cash"))
    yield Message(
        "Tokenised cash in existence: {before} before, {after} after",
        before=cash_of(seen, before),
        after=cash_of(seen, before + change),
    )


# -- instructions ---------------------------------------------------------------------------------


def _trade(
    seen: Seen, isin: str, parties: tuple[str, str], side: Side, nominal: int, paid: int
) -> Iterator[Message]:
    """What a trade does to the side that speaks; the other's balances are not shown to it.

    Refuses `NotFound` where the account of that side is another's.
    """
    delivers = side is Side.DELIVER
    own = parties[0 if delivers else 1]
    own_account(seen.connection, seen.programme, own, seen.institution)
    yield Message("When it settles, and not before:")
    yield holding_change(seen, isin, own.lower(), -nominal if delivers else nominal)
    yield cash_change(seen, own, paid if delivers else -paid)


@effects(Instruct)
def instructed(command: Instruct, seen: Seen) -> Iterator[Message]:
    """What settlement will do to the own account."""
    yield from _trade(
        seen,
        command.isin,
        (command.deliverer, command.receiver),
        command.side,
        command.nominal,
        command.consideration_paisa,
    )


def _instruction(seen: Seen, identifier: str) -> Row[Any]:
    row = seen.connection.execute(
        sql.select(instruction).where(
            instruction.c.programme == seen.programme, instruction.c.id == identifier
        )
    ).one_or_none()
    if row is None or seen.institution not in (row.deliverer_institution, row.receiver_institution):
        raise NotFound(thing="instruction", value=identifier)
    return row


@effects(ConfirmInstruction)
def confirmed(command: ConfirmInstruction, seen: Seen) -> Iterator[Message]:
    """What settlement will do to the own account."""
    row = _instruction(seen, command.instruction)
    delivers = row.deliverer_institution == seen.institution
    yield from _trade(
        seen,
        str(row.isin),
        (str(row.deliverer), str(row.receiver)),
        Side.DELIVER if delivers else Side.RECEIVE,
        int(row.nominal),
        int(row.consideration_paisa),
    )


@effects(CancelInstruction)
def cancelled(command: CancelInstruction, seen: Seen) -> Iterator[Message]:
    """What will not settle any more."""
    row = _instruction(seen, command.instruction)
    yield Message(
        "{nominal} of {isin} against {amount} will not settle",
        nominal=face_of(seen, int(row.nominal)),
        isin=str(row.isin),
        amount=cash_of(seen, int(row.consideration_paisa)),
    )


@effects(InstructAllotments)
def allotments(command: InstructAllotments, seen: Seen) -> Iterator[Message]:
    """How many winners are asked to pay, how much, and what leaves the distribution account."""
    rows = seen.connection.execute(
        sql.select(allotment).where(
            allotment.c.programme == seen.programme,
            allotment.c.tender == command.tender,
            allotment.c.state == "awaiting_settlement",
            allotment.c.instruction.is_(None),
            allotment.c.nominal > 0,
        )
    ).all()
    yield Message(
        "Instructions made: {count}, for {nominal} against {amount}",
        count=len(rows),
        nominal=face_of(seen, sum(row.nominal for row in rows)),
        amount=cash_of(seen, sum(row.realised_minor + row.accrued_minor for row in rows)),
    )
    address = account_of_kind(seen.connection, seen.programme, "distribution")
    for isin in sorted({row.isin for row in rows}):
        nominal = sum(row.nominal for row in rows if row.isin == isin)
        yield Message("When all of them settle, and not before:")
        yield holding_change(seen, isin, address, -nominal)


@effects(NetCycle)
def cycle(command: NetCycle, seen: Seen) -> Iterator[Message]:
    """The trades, what is paid gross and net, and the accounts whose keys sign."""
    net = net_positions(
        Trade(
            one.isin,
            one.deliverer.lower(),
            one.receiver.lower(),
            one.nominal,
            one.consideration_paisa,
        )
        for one in command.trades
    )
    yield Message(
        "Trades that settle together, or not at all: {count}, by {accounts} accounts",
        count=len(command.trades),
        accounts=len(net),
    )
    yield Message(
        "Money that moves: {net} instead of {gross}",
        net=cash_of(seen, sum(max(0, one.cash_paisa) for one in net)),
        gross=cash_of(seen, sum(one.consideration_paisa for one in command.trades)),
    )


# -- what other acts do to instructions -----------------------------------------------------------


def _sums(seen: Seen, rows: Sequence[Row[Any]]) -> dict[str, Any]:
    """How many instructions, and over how much money."""
    amount = sum(int(row.consideration_paisa) for row in rows)
    return {"count": len(rows), "amount": cash_of(seen, amount)}


def _stopped(seen: Seen, rows: Sequence[Row[Any]]) -> Message:
    return Message(
        "Matched instructions that cannot settle while it lasts: {count}, over {amount}",
        **_sums(seen, rows),
    )


def _freed(seen: Seen, rows: Sequence[Row[Any]]) -> Message:
    return Message(
        "Matched instructions that can settle again: {count}, over {amount}", **_sums(seen, rows)
    )


def _waiting(seen: Seen, *conditions: sql.ColumnElement[bool]) -> list[Row[Any]]:
    return list(
        seen.connection.execute(
            sql.select(instruction).where(
                instruction.c.programme == seen.programme,
                instruction.c.state.in_(WAITING),
                instruction.c.number.is_not(None),
                *conditions,
            )
        )
    )


def _barred(level: Level, code: str) -> sql.ColumnElement[bool]:
    """Instructions that a participant at this level may not settle (as `withheld`)."""
    table = instruction
    found: sql.ColumnElement[bool] = sql.false()
    if level.number > DELIVERS.number:
        found = found | (table.c.deliverer_institution == code)
    if level.number > RECEIVES.number:
        found = found | (
            (table.c.receiver_institution == code) & (table.c.deliverer_institution != code)
        )
    return found


@effects(SetLevel)
def instructions_of_level(command: SetLevel, seen: Seen) -> Iterator[Message]:
    """Open instructions that the new level keeps from settling, or lets settle again."""
    row = find_participant(seen.connection, seen.programme, command.participant)
    former = _barred(level_of(row), row.code)
    after = _barred(command.level, row.code)
    stopped = _waiting(seen, after, ~former)
    freed = _waiting(seen, former, ~after)
    yield _stopped(seen, stopped)
    if freed:
        yield _freed(seen, freed)


@effects(Suspend)
def instructions_of_suspension(command: Suspend, seen: Seen) -> Iterator[Message]:
    """Open instructions that a suspension keeps from settling."""
    standing = standing_on(seen.connection, seen.programme, command.provider, seen.business_date)
    licence = [one.id for one in standing.held if command.category in one.categories]
    if command.category is not None and not licence:
        return
    suspended = Changed(
        permission=licence[0] if licence else None,
        change=Change.SUSPEND,
        effective_at="",
        effective_on=seen.business_date,
        order="~",
        level=command.level,
        suspension="~",
        accounts=command.accounts.value if command.accounts else None,
    )
    level = level_after(seen.connection, seen.programme, command.provider, suspended)
    if level is None:
        return
    row = find_participant(seen.connection, seen.programme, command.provider)
    yield _stopped(
        seen, _waiting(seen, _barred(level, row.code), ~_barred(level_of(row), row.code))
    )


@effects(LiftSuspension)
def unburned_numbers(command: LiftSuspension, seen: Seen) -> Iterator[Message]:
    """Cancelled trades that could be taken to the ledger after this, since nobody burned them."""
    table = instruction
    provider = (
        sql.select(licensing_file.c.provider)
        .where(
            licensing_file.c.programme == seen.programme, licensing_file.c.number == command.file
        )
        .scalar_subquery()
    )
    count = seen.connection.execute(
        sql.select(sql.func.count()).where(
            table.c.programme == seen.programme,
            table.c.reason_code == NUMBER_UNBURNED,
            sql.or_(
                table.c.deliverer_institution == provider, table.c.receiver_institution == provider
            ),
        )
    ).scalar_one()
    if count:
        yield Message(
            "{count} trades that were cancelled could be taken to the ledger by a party:"
            " their numbers are not burned.",
            count=count,
        )


@effects(FreezeAccount, FreezeEverything)
def instructions_of_freeze(
    command: FreezeAccount | FreezeEverything, seen: Seen
) -> Iterator[Message]:
    """Open deliveries from the account."""
    conditions = [instruction.c.deliverer == command.account.lower(), ~deliverer_is_frozen()]
    if isinstance(command, FreezeAccount):
        conditions.append(instruction.c.isin == command.isin)
    yield _stopped(seen, _waiting(seen, *conditions))


@effects(Halt, Resume)
def instructions_of_halt(command: Halt | Resume, seen: Seen) -> Iterator[Message]:
    """Open instructions in what is halted or resumed."""
    if command.scope in (WHOLE_PROGRAMME, "settlement", "cash"):
        rows = _waiting(seen)
    elif len(command.scope) == 12:
        rows = _waiting(seen, instruction.c.isin == command.scope)
    else:
        return
    yield _stopped(seen, rows) if isinstance(command, Halt) else _freed(seen, rows)


@effects(MoveDay)
def instructions_of_day(command: MoveDay, seen: Seen) -> Iterator[Message]:
    """What becomes due on the new day, and what has passed its last day."""
    day, today = command.business_date.isoformat(), seen.business_date.isoformat()
    if day == today:
        return
    due = _waiting(seen, instruction.c.first_day <= day, instruction.c.last_day >= day)
    yield Message("Instructions to settle on that day: {count}, over {amount}", **_sums(seen, due))
    expiring = seen.connection.execute(
        sql.select(instruction).where(
            instruction.c.programme == seen.programme,
            instruction.c.state.in_(OPEN),
            instruction.c.last_day < day,
        )
    ).all()
    yield Message(
        "Instructions whose last day has passed by then: {count}, over {amount}",
        **_sums(seen, expiring),
    )


@effects(SettleDay)
def settling(command: SettleDay, seen: Seen) -> Iterator[Message]:
    """What is given to the ledger, what waits, and what expires."""
    today = seen.business_date.isoformat()
    no_delivery, no_receipt = withheld(seen.connection, seen.programme, seen.business_date)
    shut = withheld_accounts(seen.connection, seen.programme, seen.business_date)
    table = instruction
    may = (
        table.c.deliverer_institution.not_in(no_delivery)
        & (
            table.c.receiver_institution.not_in(no_receipt)
            | (table.c.receiver_institution == table.c.deliverer_institution)
        )
        & table.c.deliverer.not_in(shut.deliver)
        & table.c.receiver.not_in(shut.acquire)
        & ~deliverer_is_frozen()
    )
    due = _waiting(seen, table.c.first_day <= today, table.c.last_day >= today)
    given = _waiting(seen, table.c.first_day <= today, table.c.last_day >= today, may)
    sent = sorted(given, key=lambda row: (row.attempts, row.id))[: command.instructions_max]
    yield Message("Instructions given to the ledger: {count}, over {amount}", **_sums(seen, sent))
    if len(due) > len(given):
        yield Message(
            "Instructions that wait, since a party may not: {count}", count=len(due) - len(given)
        )
    expired = seen.connection.execute(
        sql.select(sql.func.count()).where(
            table.c.programme == seen.programme,
            table.c.state.in_(OPEN),
            table.c.last_day < today,
        )
    ).scalar_one()
    yield Message("Instructions that expire: {count}", count=int(expired))


@effects(AnnounceChange)
def settlement_replaced(command: AnnounceChange, seen: Seen) -> Iterator[Message]:
    """How many instructions settle in the new contract as they were signed."""
    if command.contract is not Replaceable.SETTLEMENT:
        return
    signed = seen.connection.execute(
        sql.select(sql.func.count()).where(
            instruction.c.programme == seen.programme,
            instruction.c.state.in_(OPEN),
            instruction.c.deliverer_signature.is_not(None)
            | instruction.c.receiver_signature.is_not(None),
        )
    ).scalar_one()
    yield Message(
        "Instructions that settle in the new contract as they were signed: {count}",
        count=int(signed),
    )
