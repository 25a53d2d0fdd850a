"""Tokenised central-bank money: created and withdrawn by two key holders of the central bank."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.core.errors import Refusal
from amanat.core.ids import new_id
from amanat.ledger.sender_names import PAYMENTS
from amanat.ledger.things import Things
from amanat.ledger.typed_data import CASH_CREATION, CASH_WITHDRAWAL
from amanat.licensing.caps import require_account
from amanat.licensing.model import Accounts
from amanat.participants import things
from amanat.participants.model import Level
from amanat.participants.records import find_account, require_level
from amanat.participants.signing import ToSign
from amanat.programme.records import money_in, require_running
from amanat.register.signing import epoch_of, struct_to_sign
from amanat.settlement import events
from amanat.settlement.commands import CreateCash, WithdrawCash
from amanat.settlement.tables import cash_movement
from amanat.store.journal import Provenance

CASH_ISSUER = "cash_issuer"


class RtgsReferenceUsed(Refusal):
    """One payment in the RTGS system creates or withdraws tokenised cash once."""

    template = "RTGS reference {rtgs_reference} has been used: {state}."


def reference_hash(rtgs_reference: str) -> bytes:
    """What the ledger knows of an RTGS reference: its SHA-256."""
    return hashlib.sha256(rtgs_reference.encode()).digest()


def _signed(command: CreateCash | WithdrawCash, context: ActContext, address: str) -> ToSign:
    struct = CASH_CREATION if isinstance(command, CreateCash) else CASH_WITHDRAWAL
    epoch = epoch_of(context.ledger)
    reference = reference_hash(command.rtgs_reference)
    return struct_to_sign(
        context, "Cash", struct, epoch, address, command.amount_paisa, reference, epoch=epoch
    )


def _require_account(context: ActContext, row: Row[Any]) -> None:
    """Refuse `AccountNotAllowed` where a provider's status gives it no account for new money."""
    require_account(
        context.uow.connection,
        context.programme,
        row.participant,
        context.business_date,
        holds=Accounts(row.kind) if row.kind in set(Accounts) else None,
        money_in=True,
    )


def _check_reference(command: CreateCash | WithdrawCash, context: ActContext) -> None:
    former = context.uow.connection.execute(
        sql.select(cash_movement.c.state).where(
            cash_movement.c.programme == context.programme,
            cash_movement.c.rtgs_reference == command.rtgs_reference,
            cash_movement.c.state != "refused",
        )
    ).first()
    if former is not None:
        raise RtgsReferenceUsed(rtgs_reference=command.rtgs_reference, state=former.state)


def _ask(command: CreateCash | WithdrawCash, context: ActContext) -> Ask:
    """Two key holders of the bank sign; for a withdrawal the account's own key as well."""
    require_running(context.uow.connection, context.programme, "cash")
    _check_reference(command, context)
    row = find_account(context.uow.connection, context.programme, command.account)
    if isinstance(command, CreateCash):
        _require_account(context, row)
    signed = _signed(command, context, row.address)
    bank = context.actor.institution
    needs = [
        signed.requirement(bank, CASH_ISSUER, proposer_counts=True),
        signed.requirement(bank, CASH_ISSUER),
    ]
    if isinstance(command, WithdrawCash):
        needs.append(
            Requirement(
                row.participant,
                "participant",
                signs=signed.digest,
                shows=signed.shows,
                key=row.address,
            )
        )
    if isinstance(command, WithdrawCash):
        require_level(
            context.uow.connection,
            context.programme,
            row.participant,
            context.business_date,
            at_least=Level.WIND_DOWN,
            reason="its cash stays",
        )
    # Whose account it is stays out of the public log, so the subject is the movement.
    identifier = new_id()
    return Ask(
        needs,
        memo={"epoch": signed.epoch, "movement": identifier},
        subject=f"cash:{identifier}",
    )


@act(capacities=[CASH_ISSUER], approvals=_ask)
def create_cash(command: CreateCash, context: ActContext) -> Result:
    """Order the creation of cash.

    Refuses, in order: `Halted`, `RtgsReferenceUsed`, `NotFound`, `AccountNotAllowed`.
    """
    return _request(command, context)


@act(capacities=[CASH_ISSUER], approvals=_ask, confidential=True)
def withdraw_cash(command: WithdrawCash, context: ActContext) -> Result:
    """Order the withdrawal of cash, which its holder signs too.

    Refuses, in order: `Halted`, `RtgsReferenceUsed`, `NotFound`, `ParticipantNotActive`.
    """
    return _request(command, context)


def _request(command: CreateCash | WithdrawCash, context: ActContext) -> Result:
    _check_reference(command, context)
    connection, programme = context.uow.connection, context.programme
    row = find_account(connection, programme, command.account)
    creates = isinstance(command, CreateCash)
    if creates:
        _require_account(context, row)
    approved = context.approved
    identifier: str = approved.memo["movement"]
    entry = context.uow.journal.append(
        events.CASH_CREATION_REQUESTED if creates else events.CASH_WITHDRAWAL_REQUESTED,
        {
            "movement": identifier,
            "amount": money_in(connection, programme, command.amount_paisa),
            "rtgs_reference": command.rtgs_reference,
        },
        subject=f"cash:{identifier}",
        provenance=_without_holder(context),
    )
    movement = (
        approved.memo["epoch"],
        row.address,
        command.amount_paisa,
        reference_hash(command.rtgs_reference),
    )
    held = things.accounts([row.address])
    args: list[object] = [movement, approved.signatures(CASH_ISSUER)]
    if not creates:
        args.append(approved.signatures("participant")[0])
    order = context.uow.orders.request(
        "create_cash" if creates else "withdraw_cash",
        programme,
        "Cash",
        "create" if creates else "withdraw",
        args,
        subject=("settlement", identifier),
        cause=entry,
        sender=PAYMENTS,
        things=Things(
            needs=[things.DAY, things.EPOCH, *things.participants([row.participant])],
            brings=held if creates else (),
            changes=() if creates else held,
        ),
    )
    connection.execute(
        cash_movement.insert().values(
            programme=programme,
            id=identifier,
            direction="created" if creates else "withdrawn",
            account=row.address,
            institution=row.participant,
            amount_paisa=command.amount_paisa,
            rtgs_reference=command.rtgs_reference,
            state="requested",
            order_id=order,
            requested_on=context.business_date.isoformat(),
        )
    )
    return {"movement": identifier, "order": order, "entry": entry}


def _without_holder(context: ActContext) -> Provenance:
    """Who acts, without the holder whose account it is: its signature recovers to the account."""
    source = context.uow.journal.provenance
    banks = tuple(one for one in source.approval if one["capacity"] == CASH_ISSUER)
    return replace(source, approval=banks)
