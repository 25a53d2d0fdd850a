"""Primary settlement: what a tender allotted, delivered against cash from the issuer's account."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Requirement, Result, act
from amanat.auctions.tables import allotment
from amanat.core.errors import Invalid, Refusal, Refused
from amanat.core.messages import Message
from amanat.participants.records import account_of_kind, find_account
from amanat.programme.records import currency_of
from amanat.settlement import events
from amanat.settlement.acts_instructions import leg_of, leg_to_sign, reserve
from amanat.settlement.commands import InstructAllotments
from amanat.settlement.model import (
    InstructionState,
    InstructionTerms,
    InvalidInstruction,
    Purpose,
    follow,
    refusals_of,
)
from amanat.settlement.records import find_instruction, terms_content, update_instruction


class NothingAllotted(Refusal):
    """Only allotments that await settlement, and have no instruction yet, are instructed."""

    template: ClassVar[str] = "Tender {tender} has no allotment that awaits an instruction."


class AfterLastSettlement(Invalid):
    """What is not paid by the tender's last settlement date is a default, and never settles."""

    template: ClassVar[str] = (
        "Allotment {allotment} could settle until {last_day}, after its tender's last settlement "
        "date {last_settlement_date}."
    )


def _refusals(terms: InstructionTerms, row: Row[Any], context: ActContext) -> list[Refusal]:
    found = refusals_of(terms)
    if terms.last_day.isoformat() > row.last_settlement_date:
        found.append(
            AfterLastSettlement(
                allotment=row.id,
                last_day=terms.last_day,
                last_settlement_date=row.last_settlement_date,
            )
        )
    if terms.last_day < context.business_date:
        found.append(
            InvalidInstruction(reason=Message("its last day {day} has passed", day=terms.last_day))
        )
    return found


def _awaiting(context: ActContext, tender: str) -> list[Row[Any]]:
    return list(
        context.uow.connection.execute(
            sql.select(allotment)
            .where(
                allotment.c.programme == context.programme,
                allotment.c.tender == tender,
                allotment.c.state == "awaiting_settlement",
                allotment.c.instruction.is_(None),
                allotment.c.nominal > 0,
            )
            .order_by(allotment.c.sequence, allotment.c.line)
        )
    )


def _ask(command: InstructAllotments, context: ActContext) -> Ask:
    """A second person of the issuer has the distribution account's key sign."""
    connection, programme = context.uow.connection, context.programme
    rows = _awaiting(context, command.tender)
    if not rows:
        raise NothingAllotted(tender=command.tender)
    distribution = account_of_kind(connection, programme, "distribution")
    issuer = find_account(connection, programme, distribution).participant
    needs, reserved, refused = [], [], Refused()
    for row in rows:
        receiver = find_account(connection, programme, row.account)
        settles = date.fromisoformat(row.settlement_date)
        terms = InstructionTerms(
            isin=row.isin,
            deliverer=distribution,
            receiver=receiver.address,
            nominal=row.nominal,
            consideration_paisa=row.realised_minor + row.accrued_minor,
            trade_date=min(settles, context.business_date),
            first_day=settles,
            last_day=command.last_day or date.fromisoformat(row.last_settlement_date),
        )
        for refusal in _refusals(terms, row, context):
            refused.add(refusal)
        if refused.refusals:
            continue
        made = reserve(
            context,
            terms,
            purpose=Purpose.PRIMARY,
            reference=row.id,
            parties=(issuer, receiver.participant),
            deliverer_spoke=True,
        )
        signed = leg_to_sign(context, leg_of(context, made))
        needs.append(
            Requirement(
                issuer,
                "participant",
                signs=signed.digest,
                shows=signed.shows,
                key=distribution,
            )
        )
        reserved.append({"allotment": row.id, "instruction": made.id})
    refused.raise_if_any()
    return Ask(needs, memo={"reserved": reserved}, subject=f"tender:{command.tender}")


@act(capacities=["issuer"], approvals=_ask)
def instruct_allotments(command: InstructAllotments, context: ActContext) -> Result:
    """Sign delivery of every allotment; each winner confirms its own instruction to pay.

    Refuses, in order: `NothingAllotted`, `NotFound` (distribution account, a winner's account),
    then all at once `AfterLastSettlement`, `InvalidInstruction`; `NotInThisState`.
    """
    connection, programme = context.uow.connection, context.programme
    approved = context.approved
    currency, instructions = currency_of(connection, programme), []
    for made, given in zip(approved.memo["reserved"], approved.given, strict=True):
        row = find_instruction(connection, programme, made["instruction"])
        follow(row.id, InstructionState(row.state), InstructionState.ALLEGED)
        entry = context.uow.journal.append(
            events.INSTRUCTION_ALLEGED,
            terms_content(dict(row._mapping), currency) | {"side": "deliver"},
            subject=f"instruction:{row.id}",
        )
        update_instruction(
            connection,
            programme,
            row.id,
            state=InstructionState.ALLEGED.value,
            deliverer_signature=given.signature,
            entry=entry,
        )
        taken = connection.execute(
            sql.update(allotment)
            .where(
                allotment.c.programme == programme,
                allotment.c.id == made["allotment"],
                allotment.c.instruction.is_(None),
                allotment.c.state == "awaiting_settlement",
            )
            .values(instruction=row.id)
        )
        if taken.rowcount == 0:  # another proposal was approved in the meantime
            raise NothingAllotted(tender=command.tender)
        instructions.append(row.id)
    return {"tender": command.tender, "instructions": instructions}
