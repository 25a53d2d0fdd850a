"""The commands and queries of servicing, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.core.quantities import Rounding
from amanat.participants.commands import Address, Code
from amanat.programme.commands import IsinText
from amanat.servicing.model import PaymentKind
from amanat.settlement.commands import Identifier


class TaxRateRow(Command):
    """Rates in per cent of the gross for classes of holders on one instrument, for some days."""

    instrument: Code
    holder_classes: Annotated[tuple[Code, ...], Field(min_length=1)]
    first_day: Day
    last_day: Day
    active_percent: Annotated[PlainDecimal, Field(ge=0, le=100)]
    inactive_percent: Annotated[PlainDecimal, Field(ge=0, le=100)]
    final: bool = False
    source: Annotated[str, StringConstraints(min_length=1, max_length=400)]
    assumed: bool = False


class RecordTaxRates(Command):
    """Record rates of tax at source for their dates; a second person approves them."""

    rows: Annotated[tuple[TaxRateRow, ...], Field(min_length=1, max_length=500)]


class FixEntitlements(Command):
    """Fix who is paid what on a due date: holders of the record date, gross, tax and net.

    `due_date` is the date of the terms; a payment falls on the next settlement day.
    """

    isin: IsinText
    kind: PaymentKind
    due_date: Day
    amount_rounding: Rounding = Rounding.HALF_UP
    tax_rounding: Rounding = Rounding.HALF_UP
    instrument: Code = "government_security"


class FundPayment(Command):
    """Fund a payment whole into escrow, with the root of its entitlements."""

    payment: Identifier
    payer: Address
    tax_account: Address


class PayChunk(Command):
    """Pay the next entitlements of a funded payment, 64 a chunk; repeating pays nobody twice.

    `chunk` names one to be sent again, whatever became of it.
    """

    payment: Identifier
    chunks_max: Annotated[Whole, Field(ge=1, le=10_000)] = 10_000
    chunk: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None


class RetryEscrow(Command):
    """Try again to pay what stayed in escrow."""

    payment: Identifier
    positions: tuple[Annotated[Whole, Field(ge=0, le=2**53 - 1)], ...] = ()


class ListOutside(Command):
    """List what is due of a payment, to be paid by other systems while the ledger is down."""

    payment: Identifier
    reason: Annotated[str, StringConstraints(min_length=1, max_length=400)]


class WithdrawOutsideList(Command):
    """Withdraw a list that was not carried out, so that the ledger pays after all."""

    payment: Identifier
    reason: Annotated[str, StringConstraints(min_length=1, max_length=400)]


class RecordPaidOutside(Command):
    """Record on the ledger that a whole list was paid by other systems, never to be paid again."""

    payment: Identifier
    reference: Annotated[str, StringConstraints(min_length=1, max_length=140)]


class RaiseClaims(Command):
    """Raise the claims of trades that settled on the wrong side of a payment's record date."""

    payment: Identifier


class SettleClaim(Command):
    """Pay a claim: its debtor's and its creditor's accounts sign a payment of cash alone."""

    trade: Identifier
    payment: Identifier
    last_day: Day | None = None


class PaymentsAsked(Query):
    """Payments of one security or of all, by payment date."""

    isin: IsinText | None = None


class PaymentAsked(Query):
    """One payment with its lines, as far as the actor may see them."""

    payment: Identifier


class OutsideListAsked(Query):
    """The list of a payment that is to be paid, or was paid, by other systems."""

    payment: Identifier


class CalendarAsked(Query):
    """The payments to come of one security or of all, from a day on."""

    isin: IsinText | None = None
    first_day: Day | None = None
    last_day: Day | None = None


class WithholdingAsked(Query):
    """Tax withheld on payments of a period, both days included."""

    first_day: Day
    last_day: Day


class ClaimsAsked(Query):
    """Claims of trades across a record date."""

    payment: Identifier | None = None
