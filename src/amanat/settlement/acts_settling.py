"""Giving what is due to the ledger: batches of instructions, and netted cycles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.orders import OrderRequest
from amanat.ledger.sender_names import SETTLEMENT
from amanat.ledger.things import Things
from amanat.ledger.typed_data import (
    POSITION,
    SignedInstruction,
    SignedPosition,
    pack_batch,
    pack_cycle,
)
from amanat.participants import things
from amanat.participants.records import find_account
from amanat.programme.records import currency_of, money_in, require_running
from amanat.register.signing import struct_to_sign
from amanat.settlement import events
from amanat.settlement.acts_instructions import PARTIES, new_row
from amanat.settlement.capping import Caps
from amanat.settlement.commands import CycleTrade, NetCycle, SettleDay
from amanat.settlement.finality import cancel_matched, require_accounts, withheld_accounts
from amanat.settlement.lists import packed_lists, runs
from amanat.settlement.model import (
    InstructionState,
    InstructionTerms,
    InvalidInstruction,
    NetPosition,
    Purpose,
    Trade,
    check_balanced,
    net_positions,
    refusals_of,
)
from amanat.settlement.records import (
    deliverer_is_frozen,
    require_standing,
    securities_of,
    security_address,
    take_numbers,
    terms_content,
    withheld,
)
from amanat.settlement.signing import (
    CYCLE_SECURITIES_MAX,
    POSITIONS_MAX,
    Leg,
    batch_gas,
    split_batches,
    trades_digest,
)
from amanat.settlement.tables import cycle, instruction
from amanat.store.engine import insert_many

_WAITING = (InstructionState.MATCHED, InstructionState.FAILED)
_NOT_SETTLED = (*_WAITING, InstructionState.RESERVED, InstructionState.ALLEGED)


# -- the day's settlement -------------------------------------------------------------------------


@act(capacities=["operator", "registrar", "cash_issuer"])
def settle_day(command: SettleDay, context: ActContext) -> Result:
    """Send what is due in the order in which it was accepted, then what failed before.

    What was matched before a suspension settles, waits or is cancelled as its level says.

    Whoever sends adds no authority: every instruction carries its parties' signatures.
    Refuses `Halted`; what waits on a halted security is refused one by one, by the ledger.
    """
    connection, programme = context.uow.connection, context.programme
    require_running(connection, programme, "settlement", "cash")
    expired, cancelled = _expire(context), cancel_matched(context)
    today = context.business_date.isoformat()
    table = instruction
    no_delivery, no_receipt = withheld(connection, programme, context.business_date)
    shut = withheld_accounts(connection, programme, context.business_date)
    rows = connection.execute(
        sql.select(table)
        .where(
            table.c.programme == programme,
            table.c.state.in_([state.value for state in _WAITING]),
            table.c.first_day <= today,
            table.c.number.is_not(None),
            # A withdrawal binds from its request: these wait, and expire if it stays.
            table.c.deliverer_institution.not_in(no_delivery),
            table.c.receiver_institution.not_in(no_receipt)
            | (table.c.receiver_institution == table.c.deliverer_institution),
            table.c.deliverer.not_in(shut.deliver),
            table.c.receiver.not_in(shut.acquire),
            ~deliverer_is_frozen(),
        )
        # What failed comes after what is new, which may bring what it lacked.
        .order_by(table.c.attempts, table.c.id)
        .limit(command.instructions_max)
        .with_for_update()
    ).all()
    orders = _order_batches(context, rows, command.batch)
    entry = context.uow.journal.append(
        events.SETTLEMENT_REQUESTED,
        {"batches": len(orders), "instructions": len(rows), "expired": expired},
    )
    return {
        "batches": len(orders),
        "instructions": len(rows),
        "expired": expired,
        "cancelled": cancelled,
        "orders": orders,
        "entry": entry,
    }


def _things_of(rows: Sequence[Row[Any]]) -> Things:
    """What a batch of these instructions has to do with."""
    parties = {one for row in rows for one in (row.deliverer_institution, row.receiver_institution)}
    return Things(
        needs=[
            things.DAY,
            *things.securities({row.isin for row in rows}),
            *things.participants(parties),
        ],
        changes=things.accounts({one for row in rows for one in (row.deliverer, row.receiver)}),
    )


def _things_of_cycle(context: ActContext, isins: Sequence[str], accounts: Sequence[str]) -> Things:
    connection, programme = context.uow.connection, context.programme
    parties = {find_account(connection, programme, one).participant for one in accounts}
    return Things(
        needs=[things.DAY, *things.securities(isins), *things.participants(parties)],
        changes=things.accounts(accounts),
    )


def _order_batches(context: ActContext, rows: Sequence[Row[Any]], size: int) -> list[str]:
    """Order what is due, in its order; the orders' ids.

    What was signed one by one goes in batches, and what was signed as a list, list by list.
    """
    if not rows:
        return []
    connection, programme = context.uow.connection, context.programme
    parts = runs(rows, size)
    lists = [(key, part) for key, part in parts if key is not None]
    packed = iter(packed_lists(connection, programme, lists) if lists else ())
    contents: list[tuple[str, list[Row[Any]], bytes]] = []
    for key, part in parts:
        if key is None:
            contents += _batches(context, part, size)
        else:
            contents.append(("settle_list", part, next(packed)))
    orders: list[str] = context.uow.orders.request_many(
        [
            OrderRequest(
                kind,
                programme,
                "Settlement",
                kind,
                [content],
                subject=("settlement", f"batch:{part[0].id}"),
                gas=batch_gas(len(part)),
                sender=SETTLEMENT,
                things=_things_of(part),
            )
            for kind, part, content in contents
        ]
    )
    for (_, part, _), order in zip(contents, orders, strict=True):
        connection.execute(
            sql.update(instruction)
            .where(
                instruction.c.programme == programme,
                instruction.c.id.in_([row.id for row in part]),
            )
            .values(
                state=InstructionState.REQUESTED.value,
                order_id=order,
                attempts=instruction.c.attempts + 1,
                requested_at=context.now.isoformat(),
            )
        )
    return orders


def _batches(
    context: ActContext, rows: Sequence[Row[Any]], size: int
) -> list[tuple[str, list[Row[Any]], bytes]]:
    """What was signed one by one, in batches within their bounds: kind of order, rows, calldata."""
    securities = securities_of(context.uow.connection, context.programme)
    legs = [Leg.of(row, securities[row.isin]) for row in rows]
    return [
        (
            "settle_batch",
            [rows[at] for at in batch],
            pack_batch([_signed(legs[at], rows[at]) for at in batch]),
        )
        for batch in split_batches(legs, size)
    ]


def _signed(leg: Leg, row: Row[Any]) -> SignedInstruction:
    return SignedInstruction(
        security=bytes.fromhex(leg.security[2:]),
        deliverer=bytes.fromhex(leg.deliverer[2:]),
        receiver=bytes.fromhex(leg.receiver[2:]),
        nominal=leg.nominal,
        consideration=leg.consideration,
        number=leg.number,
        first_day=leg.first_day,
        last_day=leg.last_day,
        deliverer_signature=bytes(row.deliverer_signature),
        receiver_signature=bytes(row.receiver_signature),
    )


def _expire(context: ActContext) -> int:
    """Let everything whose last day has passed expire; how many there were."""
    connection, table = context.uow.connection, instruction
    rows = connection.execute(
        sql.update(table)
        .where(
            table.c.programme == context.programme,
            table.c.state.in_([state.value for state in _NOT_SETTLED]),
            table.c.last_day < context.business_date.isoformat(),
        )
        .values(state=InstructionState.EXPIRED.value)
        .returning(table.c.id, table.c.last_day, table.c.reason)
    ).all()
    for row in sorted(rows, key=lambda one: str(one.id)):
        context.uow.journal.append(
            events.INSTRUCTION_EXPIRED,
            {"instruction": row.id, "last_day": row.last_day, "reason": row.reason},
            subject=f"instruction:{row.id}",
        )
    return len(rows)


# -- netted cycles --------------------------------------------------------------------------------


def _trade_record(trade: CycleTrade) -> dict[str, Any]:
    return {
        "isin": trade.isin,
        "deliverer": trade.deliverer.lower(),
        "receiver": trade.receiver.lower(),
        "nominal": str(trade.nominal),
        "consideration_paisa": str(trade.consideration_paisa),
        "trade_date": trade.trade_date.isoformat(),
        "reference": trade.reference,
    }


def _terms(trade: CycleTrade, command: NetCycle) -> InstructionTerms:
    return InstructionTerms(
        isin=trade.isin,
        deliverer=trade.deliverer.lower(),
        receiver=trade.receiver.lower(),
        nominal=trade.nominal,
        consideration_paisa=trade.consideration_paisa,
        trade_date=trade.trade_date,
        first_day=command.first_day,
        last_day=command.last_day,
    )


def _check_cycle(command: NetCycle, context: ActContext) -> tuple[NetPosition, ...]:
    connection, programme = context.uow.connection, context.programme
    refused = Refused()
    for position, trade in enumerate(command.trades):
        for refusal in refusals_of(_terms(trade, command)):
            refused.add(
                InvalidInstruction(
                    reason=Message(
                        "trade {line}: {refusal}", line=position + 1, refusal=refusal.said
                    )
                )
            )
    isins = sorted({trade.isin for trade in command.trades})
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
    if len(isins) > CYCLE_SECURITIES_MAX or len(net) > POSITIONS_MAX:
        refused.add(
            InvalidInstruction(
                reason=Message(
                    "a cycle has at most {accounts_max} accounts and {securities_max} securities, "
                    "not {accounts} and {securities}",
                    accounts_max=POSITIONS_MAX,
                    securities_max=CYCLE_SECURITIES_MAX,
                    accounts=len(net),
                    securities=len(isins),
                )
            )
        )
    if command.last_day < context.business_date:
        refused.add(
            InvalidInstruction(
                reason=Message("its last day {day} has passed", day=command.last_day)
            )
        )
    refused.raise_if_any()
    for isin in isins:
        security_address(connection, programme, isin)
    check_balanced(net)
    return net


def ask_positions(
    context: ActContext,
    net: Sequence[NetPosition],
    trades: Sequence[dict[str, Any]],
    first_day: date,
    last_day: date,
) -> Ask:
    """Numbers for the positions of a cycle, and what each account signs of it."""
    connection, programme = context.uow.connection, context.programme
    identifier = new_id()
    digest = trades_digest(identifier, trades)
    isins = sorted({isin for one in net for isin in one.nominal})
    addresses = [security_address(connection, programme, isin) for isin in isins]
    days = (business_day_from_date(first_day), business_day_from_date(last_day))
    needs, positions = [], []
    for one in net:
        institution = find_account(connection, programme, one.account).participant
        number = take_numbers(connection, programme, one.account, 1)
        nominals = [one.nominal.get(isin, 0) for isin in isins]
        signed = struct_to_sign(
            context, "Settlement", POSITION,
            digest, one.account, number, addresses, nominals, one.cash_paisa, *days,
        )  # fmt: skip
        needs.append(
            Requirement(
                institution,
                "participant",
                signs=signed.digest,
                shows=signed.shows,
                key=one.account,
            )
        )
        positions.append(
            {
                "account": one.account,
                "number": number,
                "cash": str(one.cash_paisa),
                "nominals": [str(units) for units in nominals],
            }
        )
    memo = {
        "cycle": identifier,
        "digest": digest.hex(),
        "isins": isins,
        "positions": positions,
        "days": list(days),
    }
    return Ask(needs, memo=memo, subject=f"cycle:{identifier}")


def request_cycle(context: ActContext, *, purpose: Purpose, trades: int, gross_paisa: int) -> str:
    """Order the cycle that the accounts have signed; the order's id."""
    connection, programme = context.uow.connection, context.programme
    memo = context.approved.memo
    signatures = {one.address: one.signature for one in context.approved.given}
    positions = [
        SignedPosition(
            account=bytes.fromhex(one["account"][2:]),
            number=one["number"],
            cash=int(one["cash"]),
            nominals=tuple(int(units) for units in one["nominals"]),
            signature=signatures[one["account"]] or b"",
        )
        for one in memo["positions"]
    ]
    addresses = [
        bytes.fromhex(security_address(connection, programme, isin)[2:]) for isin in memo["isins"]
    ]
    net_paisa = sum(position.cash for position in positions if position.cash > 0)
    entry = context.uow.journal.append(
        events.CYCLE_REQUESTED,
        {
            "cycle": memo["cycle"],
            "digest": memo["digest"],
            "trades": trades,
            "positions": len(positions),
            "gross": money_in(connection, programme, gross_paisa),
            "net": money_in(connection, programme, net_paisa),
        },
        subject=f"cycle:{memo['cycle']}",
    )
    content = pack_cycle(
        bytes.fromhex(memo["digest"]), addresses, memo["days"][0], memo["days"][1], positions
    )
    order: str = context.uow.orders.request(
        "settle_cycle",
        programme,
        "Settlement",
        "settle_cycle",
        [content],
        subject=("settlement", f"cycle:{memo['cycle']}"),
        cause=entry,
        sender=SETTLEMENT,
        things=_things_of_cycle(
            context, memo["isins"], [one["account"] for one in memo["positions"]]
        ),
    )
    connection.execute(
        cycle.insert().values(
            programme=programme,
            id=memo["cycle"],
            digest=memo["digest"],
            purpose=purpose.value,
            state=InstructionState.REQUESTED.value,
            trades=trades,
            positions=memo["positions"],
            gross_paisa=gross_paisa,
            net_paisa=net_paisa,
            order_id=order,
        )
    )
    return order


def _ask_cycle(command: NetCycle, context: ActContext) -> Ask:
    """The key of each account signs its net position, by a person of its participant."""
    require_running(
        context.uow.connection,
        context.programme,
        "settlement",
        "cash",
        *sorted({trade.isin for trade in command.trades}),
    )
    net = _check_cycle(command, context)
    connection, programme = context.uow.connection, context.programme
    accounts = {one for trade in command.trades for one in (trade.deliverer, trade.receiver)}
    owner = {one: find_account(connection, programme, one).participant for one in accounts}
    parties = sorted({(owner[trade.deliverer], owner[trade.receiver]) for trade in command.trades})
    for deliverer, receiver in parties:
        require_standing(connection, programme, deliverer, receiver, context.business_date)
    caps = Caps(connection, programme)
    for trade in command.trades:
        sides = (trade.deliverer.lower(), trade.receiver.lower())
        require_accounts(connection, programme, *sides, context.business_date)
        caps.require(
            (owner[trade.deliverer], owner[trade.receiver]),
            trade.consideration_paisa,
            trade.trade_date,
        )
    trades = [_trade_record(trade) for trade in command.trades]
    return ask_positions(context, net, trades, command.first_day, command.last_day)


@act(capacities=(*PARTIES, "registrar", "agent"), approvals=_ask_cycle, confidential=True)
def net_cycle(command: NetCycle, context: ActContext) -> Result:
    """Settle trades by their net positions: all of them, or none.

    Refuses `Halted`; then, all at once, `InvalidInstruction`; then `NotFound` (account, security),
    `ParticipantNotActive`, `CapExceeded`.
    """
    _check_cycle(command, context)
    memo = context.approved.memo
    gross = sum(trade.consideration_paisa for trade in command.trades)
    order = request_cycle(
        context, purpose=Purpose.TRADE, trades=len(command.trades), gross_paisa=gross
    )
    connection, programme = context.uow.connection, context.programme
    owner = {
        address: find_account(connection, programme, address).participant
        for address in {one["account"] for one in memo["positions"]}
    }
    rows = []
    for trade in command.trades:
        terms = _terms(trade, command)
        rows.append(
            new_row(
                context,
                terms,
                number=None,
                purpose=Purpose.TRADE,
                reference=trade.reference,
                digest=None,
                parties=(owner[terms.deliverer], owner[terms.receiver]),
                deliverer_spoke=True,
                receiver_spoke=True,
                state=InstructionState.REQUESTED.value,
                cycle=memo["cycle"],
                order_id=order,
                attempts=1,
                requested_at=context.now.isoformat(),
            )
        )
    currency = currency_of(connection, programme)
    for row in rows:
        row["entry"] = context.uow.journal.append(
            events.INSTRUCTION_ACCEPTED,
            terms_content(row, currency),
            subject=f"instruction:{row['id']}",
        )
    insert_many(connection, instruction, rows)
    return {"cycle": memo["cycle"], "order": order, "instructions": [row["id"] for row in rows]}
