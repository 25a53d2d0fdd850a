"""What many instructions of one act are checked against, read once, and their acceptance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ActContext
from amanat.core.dates import business_day_from_date
from amanat.core.errors import Invalid, NotFound, Refused
from amanat.core.messages import Message
from amanat.ledger.typed_data import Domain, recover
from amanat.participants.tables import account
from amanat.programme.records import currency_of
from amanat.register.signing import domain_of
from amanat.settlement import events
from amanat.settlement.acts_instructions import new_row
from amanat.settlement.capping import Caps
from amanat.settlement.commands import ListedInstruction, PresignedInstruction
from amanat.settlement.finality import require_accounts, withheld_accounts
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


class Submission:
    """What every instruction of a submission is checked against, read once."""

    def __init__(self, context: ActContext) -> None:
        connection, programme = context.uow.connection, context.programme
        self._context = context
        self.domain: Domain = domain_of(connection, context.ledger, programme, "Settlement")
        self._securities = securities_of(connection, programme)
        self._given = numbers_given(connection, programme)
        self._days: dict[date, int] = {}
        self._shut = withheld_accounts(connection, programme, context.business_date)
        self._caps = Caps(connection, programme)
        self._no_delivery, self._no_receipt = map(
            frozenset, withheld(connection, programme, context.business_date)
        )
        self.owner: dict[str, str] = {
            row.address: row.participant
            for row in connection.execute(
                sql.select(account.c.address, account.c.participant).where(
                    account.c.programme == programme
                )
            )
        }

    def leg(self, one: PresignedInstruction | ListedInstruction) -> Leg:
        """The ledger's form.  Refuses `NotFound`."""
        security = self._securities.get(one.isin)
        if security is None:
            raise NotFound(thing="security", value=one.isin)
        deliverer, receiver = one.deliverer.lower(), one.receiver.lower()
        for address in (deliverer, receiver):
            if address not in self.owner:
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

    def checked(
        self, one: PresignedInstruction | ListedInstruction, leg: Leg
    ) -> tuple[InstructionTerms, tuple[str, str]]:
        """The terms and the parties of a sound instruction; raises the first refusal of another."""
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
        parties = (self.owner[leg.deliverer], self.owner[leg.receiver])
        if leg.consideration == 0 and parties[0] != parties[1]:
            raise FreeDeliveryForbidden(deliverer=leg.deliverer, receiver=leg.receiver)
        if parties[0] in self._no_delivery or parties[1] in self._no_receipt:
            today = self._context.business_date
            require_standing(self._context.uow.connection, self._context.programme, *parties, today)
        if leg.deliverer in self._shut.deliver or leg.receiver in self._shut.acquire:
            require_accounts(
                self._context.uow.connection,
                self._context.programme,
                leg.deliverer,
                leg.receiver,
                self._context.business_date,
            )
        self._caps.require(parties, leg.consideration, one.trade_date)
        if leg.number >= self._given.get(leg.deliverer, 0):
            raise NumberNotGiven(
                number=leg.number, account=leg.deliverer, reason="it has not been given"
            )
        return terms, parties

    def row(
        self, one: PresignedInstruction | ListedInstruction, leg: Leg, **values: Any
    ) -> dict[str, Any]:
        """The row of a sound instruction that both have signed; refuses as `checked`."""
        terms, parties = self.checked(one, leg)
        return new_row(
            self._context,
            terms,
            number=leg.number,
            purpose=Purpose.TRADE,
            reference=one.reference,
            digest=leg.digest(self.domain),
            parties=parties,
            deliverer_spoke=True,
            receiver_spoke=True,
            state=InstructionState.MATCHED.value,
            **values,
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

    def accept(self, rows: Sequence[dict[str, Any]], legs: Sequence[Leg]) -> None:
        """Write the instructions, each with a journal entry, or refuse those with used numbers.

        Looking every number up beforehand would cost more than the insertion, which looks anyway.
        """
        uow = self._context.uow
        currency = currency_of(uow.connection, self._context.programme)
        for row in rows:
            row["entry"] = uow.journal.append(
                events.INSTRUCTION_ACCEPTED,
                terms_content(row, currency),
                subject=f"instruction:{row['id']}",
            )
        try:
            with uow.connection.begin_nested():
                insert_many(uow.connection, instruction, rows)
        except sql.exc.DBAPIError:
            self.refuse_used_numbers(legs, Refused())
            raise


def check_signature(digest: bytes, signature: bytes, signer: str, side: str, leg: Leg) -> None:
    """Refuse `SignatureNotOfAccount` unless the key of `signer` signed `digest`."""
    recovered = recovered_from(digest, signature)
    if recovered != signer:
        raise SignatureNotOfAccount(
            number=leg.number, deliverer=leg.deliverer, side=side, recovered=recovered
        )


def recovered_from(digest: bytes, signature: bytes) -> str:
    """The address whose key signed, or "nobody"."""
    try:
        return "0x" + recover(digest, signature).hex()
    except Invalid:
        return "nobody"


def signature_bytes(text: str) -> bytes:
    """65 bytes of their hexadecimal form."""
    return bytes.fromhex(text.removeprefix("0x"))
