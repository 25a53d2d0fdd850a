"""One instruction at a time: each party by its own people, signed by the account's key.

The number is given before anybody signs: the first party to propose takes it, and the other signs
the same terms under the same number.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.errors import NotFound, Refused
from amanat.core.ids import new_id
from amanat.core.messages import Message
from amanat.ledger.gateway import former_addresses
from amanat.ledger.sender_names import SETTLEMENT
from amanat.ledger.things import Things
from amanat.ledger.typed_data import INSTRUCTION
from amanat.participants import things
from amanat.participants.records import find_account
from amanat.participants.signing import ToSign
from amanat.programme.records import currency_of
from amanat.register.signing import struct_to_sign
from amanat.settlement import events
from amanat.settlement.capping import Caps
from amanat.settlement.commands import (
    CancelInstruction,
    ConfirmInstruction,
    Instruct,
    Side,
    TakeNumbers,
)
from amanat.settlement.finality import require_accounts
from amanat.settlement.lists import packed_list
from amanat.settlement.model import (
    NUMBER_UNBURNED,
    FreeDeliveryForbidden,
    InstructionState,
    InstructionTerms,
    InvalidInstruction,
    NothingToSign,
    Purpose,
    follow,
    refusals_of,
    state_after_signatures,
)
from amanat.settlement.records import (
    find_instruction,
    own_account,
    require_party,
    require_standing,
    security_address,
    take_numbers,
    terms_content,
    update_instruction,
)
from amanat.settlement.signing import Leg, burn_to_sign
from amanat.settlement.tables import instruction

PARTIES = ("participant", "primary_dealer", "issuer", "cash_issuer")
"""Institutions that have accounts and may therefore be a party."""

_OPEN = (InstructionState.RESERVED, InstructionState.ALLEGED)


# -- instructing ----------------------------------------------------------------------------------


def new_row(
    context: ActContext,
    terms: InstructionTerms,
    *,
    number: int | None,
    purpose: Purpose,
    reference: str | None,
    digest: bytes | None,
    parties: tuple[str, str],
    **values: Any,
) -> dict[str, Any]:
    """A row of instructions for these terms, nobody's signature on it yet."""
    row = {
        "programme": context.programme,
        "id": new_id(),
        "digest": digest.hex() if digest is not None else None,
        "isin": terms.isin,
        "deliverer": terms.deliverer,
        "receiver": terms.receiver,
        "number": number,
        "nominal": terms.nominal,
        "consideration_paisa": terms.consideration_paisa,
        "trade_date": terms.trade_date.isoformat(),
        "first_day": terms.first_day.isoformat(),
        "last_day": terms.last_day.isoformat(),
        "purpose": purpose.value,
        "reference": reference,
        "deliverer_institution": parties[0],
        "receiver_institution": parties[1],
        "deliverer_signature": None,
        "receiver_signature": None,
        "deliverer_spoke": False,
        "receiver_spoke": False,
        "state": InstructionState.RESERVED.value,
        "reason": None,
        "reason_code": None,
        "attempts": 0,
        "cycle": None,
        "list": None,
        "place": None,
        "order_id": None,
        "entry": "",
        "requested_at": None,
        "settled_on": None,
        "settled_at": None,
    }
    return row | values


def leg_of(context: ActContext, row: Any) -> Leg:
    """The ledger's form of an instruction.  Refuses `NotFound`."""
    return Leg.of(row, security_address(context.uow.connection, context.programme, row.isin))


def leg_to_sign(context: ActContext, leg: Leg, digest: str | None = None) -> ToSign:
    """What both parties of an instruction sign; with `digest`, what one of them signed already.

    An instruction that began before the contract was replaced is signed for the former one by both,
    and the one in its place settles it.
    """
    signed = struct_to_sign(context, "Settlement", INSTRUCTION, *leg.struct)
    if digest is None or signed.digest.hex() == digest:
        return signed
    for former in former_addresses(context.uow.connection, context.programme, "Settlement"):
        earlier = struct_to_sign(context, "Settlement", INSTRUCTION, *leg.struct, address=former)
        if earlier.digest.hex() == digest:
            return earlier
    return signed


def reserve(
    context: ActContext,
    terms: InstructionTerms,
    *,
    purpose: Purpose,
    reference: str | None,
    parties: tuple[str, str],
    **values: Any,
) -> Row[Any]:
    """A new instruction with the next number of its deliverer, in the store."""
    connection, programme = context.uow.connection, context.programme
    number = take_numbers(connection, programme, terms.deliverer, 1)
    leg = Leg(
        security=security_address(connection, programme, terms.isin),
        deliverer=terms.deliverer,
        receiver=terms.receiver,
        nominal=terms.nominal,
        consideration=terms.consideration_paisa,
        number=number,
        first_day=_day(terms.first_day),
        last_day=_day(terms.last_day),
    )
    row = new_row(
        context,
        terms,
        number=number,
        purpose=purpose,
        reference=reference,
        digest=leg_to_sign(context, leg).digest,
        parties=parties,
        **values,
    )
    connection.execute(instruction.insert().values(**row))
    return find_instruction(connection, programme, row["id"])


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _ask_instruct(command: Instruct, context: ActContext) -> Ask:
    """A second person of the participant has the account's key sign."""
    terms, parties = _checked(command, context)
    row = _counterpart(context, terms, command.side)
    _require_caps(context, terms, parties, row.id if row is not None else "")
    spoke = f"{_party(command.side)}_spoke"
    if row is None:
        row = reserve(
            context,
            terms,
            purpose=Purpose.TRADE,
            reference=command.reference,
            parties=parties,
            **{spoke: True},
        )
    else:
        update_instruction(context.uow.connection, context.programme, row.id, **{spoke: True})
    return _ask_signature(context, row, command.side)


def _ask_signature(context: ActContext, row: Row[Any], side: Side) -> Ask:
    signed = leg_to_sign(context, leg_of(context, row), row.digest)
    account = row.deliverer if side is Side.DELIVER else row.receiver
    return Ask(
        [
            Requirement(
                context.actor.institution,
                "participant",
                signs=signed.digest,
                shows=signed.shows,
                key=account,
            )
        ],
        memo={"instruction": row.id, "side": side.value},
        subject=f"instruction:{row.id}",
    )


@act(capacities=PARTIES, approvals=_ask_instruct, confidential=True)
def instruct(command: Instruct, context: ActContext) -> Result:
    """Sign one side of an instruction.

    Refuses, in order: `NotFound` (account, also another's; security), `InvalidInstruction`
    (all at once), `FreeDeliveryForbidden`, `ParticipantNotActive`, `CapExceeded`, `NotInThisState`.
    """
    terms, parties = _checked(command, context)
    memo = context.approved.memo
    _require_caps(context, terms, parties, memo["instruction"])
    return sign_side(context, memo["instruction"], Side(memo["side"]))


def sign_side(context: ActContext, identifier: str, side: Side) -> Result:
    """Put the approved signature of one side on an instruction, and match it with the other's."""
    connection, programme = context.uow.connection, context.programme
    row = find_instruction(connection, programme, identifier)
    party = _party(side)
    signature = context.approved.signatures()[0]
    both = {
        "deliverer": row.deliverer_signature,
        "receiver": row.receiver_signature,
    } | {party: signature}
    state = state_after_signatures(both["deliverer"], both["receiver"])
    follow(identifier, InstructionState(row.state), state)
    currency = currency_of(context.uow.connection, context.programme)
    content = terms_content(dict(row._mapping), currency)
    if state is InstructionState.ALLEGED:
        kind, content = events.INSTRUCTION_ALLEGED, content | {"side": side.value}
    else:
        kind = events.INSTRUCTION_MATCHED
        content = {"instruction": identifier, "digest": row.digest, "side": side.value}
    entry = context.uow.journal.append(
        kind, content, subject=f"instruction:{identifier}", cause=row.entry or None
    )
    update_instruction(
        connection,
        programme,
        identifier,
        state=state.value,
        entry=row.entry or entry,
        **{f"{party}_signature": signature, f"{party}_spoke": True},
    )
    return {
        "instruction": identifier,
        "state": state.value,
        "number": row.number,
        "digest": row.digest,
        "entry": entry,
    }


def _party(side: Side) -> str:
    return "deliverer" if side is Side.DELIVER else "receiver"


def _checked(command: Instruct, context: ActContext) -> tuple[InstructionTerms, tuple[str, str]]:
    connection, programme = context.uow.connection, context.programme
    deliverer = find_account(connection, programme, command.deliverer)
    receiver = find_account(connection, programme, command.receiver)
    mine = deliverer if command.side is Side.DELIVER else receiver
    own_account(connection, programme, mine.address, context.actor.institution)
    security_address(connection, programme, command.isin)
    terms = InstructionTerms(
        isin=command.isin,
        deliverer=deliverer.address,
        receiver=receiver.address,
        nominal=command.nominal,
        consideration_paisa=command.consideration_paisa,
        trade_date=command.trade_date,
        first_day=command.first_day,
        last_day=command.last_day,
    )
    refused = Refused()
    for refusal in refusals_of(terms):
        refused.add(refusal)
    if command.last_day < context.business_date:
        refused.add(
            InvalidInstruction(
                reason=Message("its last day {day} has passed", day=command.last_day)
            )
        )
    refused.raise_if_any()
    if terms.consideration_paisa == 0 and deliverer.participant != receiver.participant:
        raise FreeDeliveryForbidden(deliverer=deliverer.address, receiver=receiver.address)
    parties = (deliverer.participant, receiver.participant)
    require_standing(connection, programme, *parties, context.business_date)
    require_accounts(connection, programme, terms.deliverer, terms.receiver, context.business_date)
    return terms, parties


def _require_caps(
    context: ActContext, terms: InstructionTerms, parties: tuple[str, str], known: str = ""
) -> None:
    caps = Caps(context.uow.connection, context.programme)
    caps.require(parties, terms.consideration_paisa, terms.trade_date, known=known)


def _counterpart(context: ActContext, terms: InstructionTerms, side: Side) -> Row[Any] | None:
    """The other party's open instruction of the same terms; signed ones before reserved ones."""
    table = instruction
    spoke = table.c.deliverer_spoke if side is Side.DELIVER else table.c.receiver_spoke
    rows = context.uow.connection.execute(
        sql.select(table)
        .where(
            table.c.programme == context.programme,
            table.c.deliverer == terms.deliverer,
            table.c.receiver == terms.receiver,
            table.c.isin == terms.isin,
            table.c.nominal == terms.nominal,
            table.c.consideration_paisa == terms.consideration_paisa,
            table.c.trade_date == terms.trade_date.isoformat(),
            table.c.first_day == terms.first_day.isoformat(),
            table.c.last_day == terms.last_day.isoformat(),
            table.c.state.in_([state.value for state in _OPEN]),
            sql.not_(spoke),
        )
        .order_by(table.c.state, table.c.id)
        .limit(1)
        .with_for_update()
    )
    return rows.one_or_none()


# -- confirming an allegation ---------------------------------------------------------------------


def _open_side(context: ActContext, row: Row[Any]) -> Side:
    institution = context.actor.institution
    require_party(row, institution)
    if InstructionState(row.state) in _OPEN:
        require_standing(
            context.uow.connection,
            context.programme,
            row.deliverer_institution,
            row.receiver_institution,
            context.business_date,
        )
        require_accounts(
            context.uow.connection,
            context.programme,
            row.deliverer,
            row.receiver,
            context.business_date,
        )
        Caps(context.uow.connection, context.programme).require(
            (row.deliverer_institution, row.receiver_institution),
            row.consideration_paisa,
            date.fromisoformat(row.trade_date),
            known=row.id,
        )
        if row.receiver_institution == institution and row.receiver_signature is None:
            return Side.RECEIVE
        if row.deliverer_institution == institution and row.deliverer_signature is None:
            return Side.DELIVER
    raise NothingToSign(instruction=row.id, state=row.state, institution=institution)


def _ask_confirm(command: ConfirmInstruction, context: ActContext) -> Ask:
    """A second person of the participant has the account's key sign."""
    row = find_instruction(context.uow.connection, context.programme, command.instruction)
    return _ask_signature(context, row, _open_side(context, row))


@act(capacities=PARTIES, approvals=_ask_confirm, confidential=True)
def confirm_instruction(command: ConfirmInstruction, context: ActContext) -> Result:
    """Sign what the other party has signed.

    Refuses, in order: `NotFound`, `ParticipantNotActive`, `NothingToSign`,
    `NotInThisState`.
    """
    row = find_instruction(context.uow.connection, context.programme, command.instruction)
    side = _open_side(context, row)
    if side.value != context.approved.memo["side"]:  # another proposal has signed that side
        raise NothingToSign(
            instruction=row.id, state=row.state, institution=context.actor.institution
        )
    return sign_side(context, row.id, side)


# -- cancelling -----------------------------------------------------------------------------------


def _require_cancellable(row: Row[Any]) -> None:
    """Refuse `NotInThisState` but for what is open, or was cancelled without its number burned."""
    if row.state != InstructionState.CANCELLED.value or row.reason_code != NUMBER_UNBURNED:
        follow(row.id, InstructionState(row.state), InstructionState.CANCELLED)


def _ask_cancel(command: CancelInstruction, context: ActContext) -> Ask:
    """A second person of the participant has the account's key sign."""
    row = find_instruction(context.uow.connection, context.programme, command.instruction)
    institution = context.actor.institution
    require_party(row, institution)
    _require_cancellable(row)
    delivers = row.deliverer_institution == institution
    account = row.deliverer if delivers else row.receiver
    if row.number is None:
        raise NotFound(thing="number to burn of instruction", value=row.id)
    signed = burn_to_sign(context, row.deliverer, row.number, account)
    return Ask(
        [
            Requirement(
                institution, "participant", signs=signed.digest, shows=signed.shows, key=account
            )
        ],
        memo={"account": account},
        subject=f"instruction:{row.id}",
    )


@act(capacities=PARTIES, approvals=_ask_cancel, confidential=True)
def cancel_instruction(command: CancelInstruction, context: ActContext) -> Result:
    """Cancel an instruction and burn its number; it binds here at once.

    Where the deliverer has not signed there is nothing that could settle, and nothing is burned.
    What a suspension's rule of finality cancelled is burned so by either party.
    The ledger has the last word: what settles before the burn is settled.
    Refuses, in order: `NotFound`, `NotInThisState`.
    """
    connection, programme = context.uow.connection, context.programme
    row = find_instruction(connection, programme, command.instruction)
    _require_cancellable(row)
    account: str = context.approved.memo["account"]
    entry = context.uow.journal.append(
        events.INSTRUCTION_CANCELLED,
        {
            "instruction": row.id,
            "digest": row.digest,
            "party": account,
            "reason": command.reason,
        },
        subject=f"instruction:{row.id}",
    )
    order = None
    if row.deliverer_signature is not None or row.list is not None:
        order = _order_burn(context, row, account, entry)
    update_instruction(
        connection,
        programme,
        row.id,
        state=InstructionState.CANCELLED.value,
        reason=command.reason,
        reason_code=None,
    )
    return {"instruction": row.id, "order": order, "entry": entry}


def _order_burn(context: ActContext, row: Row[Any], account: str, entry: str) -> str:
    signature = context.approved.signatures()[0]
    if account == row.deliverer:
        function, args = "burn_number", [row.deliverer, row.number, signature]
    elif row.list is not None:
        function = "burn_listed"
        args = [
            packed_list(context.uow.connection, context.programme, row.list),
            row.place,
            signature,
        ]
    else:
        function = "burn_instruction"
        args = [leg_of(context, row).struct, bytes(row.deliverer_signature), signature]
    order: str = context.uow.orders.request(
        "burn_number",
        context.programme,
        "Settlement",
        function,
        args,
        subject=("settlement", row.id),
        cause=entry,
        sender=SETTLEMENT,
        things=Things(changes=things.accounts([row.deliverer])),
    )
    return order


# -- numbers for signing elsewhere ----------------------------------------------------------------


@act(capacities=PARTIES, confidential=True)
def take_own_numbers(command: TakeNumbers, context: ActContext) -> Result:
    """Take numbers of an own account.  Refuses `NotFound`."""
    connection, programme = context.uow.connection, context.programme
    row = own_account(connection, programme, command.deliverer, context.actor.institution)
    first = take_numbers(connection, programme, row.address, command.count)
    entry = context.uow.journal.append(
        events.NUMBERS_TAKEN,
        {"account": row.address, "first_number": first, "count": command.count},
        subject=f"account:{row.address}",
    )
    return {"account": row.address, "first_number": first, "count": command.count, "entry": entry}
