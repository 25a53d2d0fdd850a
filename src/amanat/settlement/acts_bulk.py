"""Many instructions in one act: signed by both accounts beforehand, verified before acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ActContext, Result, act
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Invalid, NotFound, Place, Refusal, Refused
from amanat.core.messages import Message
from amanat.ledger.typed_data import Domain, recover
from amanat.participants.tables import account
from amanat.programme.records import currency_of
from amanat.register.signing import domain_of
from amanat.settlement import events
from amanat.settlement.acts_instructions import PARTIES, new_row
from amanat.settlement.commands import PresignedInstruction, SubmitInstructions
from amanat.settlement.model import (
    FreeDeliveryForbidden,
    InstructionState,
    InstructionTerms,
    InvalidInstruction,
    NumberNotGiven,
    Purpose,
    SignatureNotOfAccount,
    refusals_of,
)
from amanat.settlement.records import (
    numbers_given,
    require_standing,
    securities_of,
    terms_content,
    withheld,
)
from amanat.settlement.signing import Leg
from amanat.settlement.tables import instruction
from amanat.store.engine import insert_many


@act(capacities=(*PARTIES, "operator"), confidential=True)
def submit_instructions(command: SubmitInstructions, context: ActContext) -> Result:
    """Accept instructions that both accounts have signed: all of them, or none.

    The signatures of the accounts are the parties' consent; who submits adds nothing to it.
    Refuses, all at once and each with its place: `NotFound` (account, security),
    `InvalidInstruction`, `FreeDeliveryForbidden`, `ParticipantNotActive`, `NumberNotGiven`,
    `SignatureNotOfAccount`.
    """
    submission = _Submission(context)
    refused = Refused()
    rows: list[dict[str, Any]] = []
    legs: list[Leg] = []
    for position, one in enumerate(command.instructions):
        try:
            leg = submission.leg(one)
            rows.append(submission.row(one, leg))
            legs.append(leg)
        except Refusal as refusal:
            refused.add(refusal.at(Place(field=f"instructions[{position}]")))
    if refused.refusals:
        submission.refuse_used_numbers(legs, refused)
    journal = context.uow.journal
    currency = currency_of(context.uow.connection, context.programme)
    for row in rows:
        row["entry"] = journal.append(
            events.INSTRUCTION_ACCEPTED,
            terms_content(row, currency),
            subject=f"instruction:{row['id']}",
        )
    # Looking every number up beforehand would cost more than the insertion, which looks anyway.
    try:
        with context.uow.connection.begin_nested():
            insert_many(context.uow.connection, instruction, rows)
    except sql.exc.DBAPIError:
        submission.refuse_used_numbers(legs, refused)
        raise
    return {"accepted": len(rows), "first": rows[0]["id"], "last": rows[-1]["id"]}


class _Submission:
    """What every instruction of a submission is checked against, read once."""

    def __init__(self, context: ActContext) -> None:
        connection, programme = context.uow.connection, context.programme
        self._context = context
        self._domain: Domain = domain_of(connection, context.ledger, programme, "Settlement")
        self._securities = securities_of(connection, programme)
        self._given = numbers_given(connection, programme)
        self._days: dict[date, int] = {}
        self._no_delivery, self._no_receipt = map(
            frozenset, withheld(connection, programme, context.business_date)
        )
        self._owner: dict[str, str] = {
            row.address: row.participant
            for row in connection.execute(
                sql.select(account.c.address, account.c.participant).where(
                    account.c.programme == programme
                )
            )
        }

    def leg(self, one: PresignedInstruction) -> Leg:
        """The ledger's form.  Refuses `NotFound`."""
        security = self._securities.get(one.isin)
        if security is None:
            raise NotFound(thing="security", value=one.isin)
        deliverer, receiver = one.deliverer.lower(), one.receiver.lower()
        for address in (deliverer, receiver):
            if address not in self._owner:
                raise NotFound(thing="account", value=address)
        return Leg(
            security=security,
            deliverer=deliverer,
            receiver=receiver,
            nominal=one.nominal,
            consideration=one.consideration_paisa,
            number=one.number,
            first_day=self._day(one.first_day),
            last_day=self._day(one.last_day),
        )

    def _day(self, day: date) -> int:
        if day not in self._days:
            self._days[day] = business_day_from_date(day)
        return self._days[day]

    def row(self, one: PresignedInstruction, leg: Leg) -> dict[str, Any]:
        """The row of a sound instruction; raises the first refusal of an unsound one."""
        terms = InstructionTerms(
            isin=one.isin,
            deliverer=leg.deliverer,
            receiver=leg.receiver,
            nominal=leg.nominal,
            consideration_paisa=leg.consideration,
            trade_date=one.trade_date,
            first_day=one.first_day,
            last_day=one.last_day,
        )
        for refusal in refusals_of(terms):
            raise refusal
        if one.last_day < self._context.business_date:
            raise InvalidInstruction(
                reason=Message("its last day {day} has passed", day=one.last_day)
            )
        parties = (self._owner[leg.deliverer], self._owner[leg.receiver])
        if leg.consideration == 0 and parties[0] != parties[1]:
            raise FreeDeliveryForbidden(deliverer=leg.deliverer, receiver=leg.receiver)
        if parties[0] in self._no_delivery or parties[1] in self._no_receipt:
            today = self._context.business_date
            require_standing(self._context.uow.connection, self._context.programme, *parties, today)
        if leg.number >= self._given.get(leg.deliverer, 0):
            raise NumberNotGiven(
                number=leg.number, account=leg.deliverer, reason="it has not been given"
            )
        digest = leg.digest(self._domain)
        signatures = {
            "deliverer": bytes.fromhex(one.deliverer_signature.removeprefix("0x")),
            "receiver": bytes.fromhex(one.receiver_signature.removeprefix("0x")),
        }
        for side, signer in (("deliverer", leg.deliverer), ("receiver", leg.receiver)):
            _check_signature(digest, signatures[side], signer, side, leg)
        return new_row(
            self._context,
            terms,
            number=leg.number,
            purpose=Purpose.TRADE,
            reference=one.reference,
            digest=digest,
            parties=parties,
            deliverer_signature=signatures["deliverer"],
            receiver_signature=signatures["receiver"],
            deliverer_spoke=True,
            receiver_spoke=True,
            state=InstructionState.MATCHED.value,
        )

    def refuse_used_numbers(self, legs: Sequence[Leg], refused: Refused) -> None:
        """Raise all refusals, with `NumberNotGiven` for each number used here twice or before."""
        by_account: dict[str, list[int]] = {}
        for leg in legs:
            by_account.setdefault(leg.deliverer, []).append(leg.number)
        for address, numbers in by_account.items():
            used = set(
                self._context.uow.connection.execute(
                    sql.select(instruction.c.number).where(
                        instruction.c.programme == self._context.programme,
                        instruction.c.deliverer == address,
                        instruction.c.number.between(min(numbers), max(numbers)),
                    )
                ).scalars()
            )
            for number in numbers:
                if number in used:
                    refused.add(NumberNotGiven(number=number, account=address, reason="it is used"))
                used.add(number)
        refused.raise_if_any()


def _check_signature(digest: bytes, signature: bytes, signer: str, side: str, leg: Leg) -> None:
    try:
        recovered = "0x" + recover(digest, signature).hex()
    except Invalid:
        recovered = "nobody"
    if recovered != signer:
        raise SignatureNotOfAccount(
            number=leg.number, deliverer=leg.deliverer, side=side, recovered=recovered
        )
