"""The commands and queries of screening, as the API, files and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.licensing.commands import Prose, Reference
from amanat.participants.commands import Address, Code
from amanat.register.commands import Identifier, OrderHash
from amanat.register.commands import Signers as Signers
from amanat.supervision.screening.model import HitState

FreezeNumber = Annotated[str, StringConstraints(pattern=r"^FRZ-[A-Z2-7]{8}$")]
"""A freeze as people call it, such as `FRZ-GX4TQ2AB`."""
Party = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,120}$")]
"""Somebody who is screened: a pseudonym, or licensing's own name of a provider and its people."""
AccountNumber = Annotated[str, StringConstraints(min_length=1, max_length=64)]
"""An account as its exchange calls it."""
MinorUnits = Annotated[Whole, Field(ge=0, le=2**62)]
"""Money in minor units."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
ListContent = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=220 * 2**20)
]
"""The file of a list in base64, at most 160 MiB of it."""


class TakeInList(Command):
    """Take in a version of a list: whole or not at all; everybody is screened against changes.

    `taken_off` says how many entries the publisher took off, where they are many.
    """

    list: Code
    dated_on: Day
    content: ListContent
    taken_off: Annotated[Whole, Field(ge=0, le=10_000_000)] | None = None


class Rescreen(Command):
    """Screen whom changes of lists or of themselves concern: providers, their people, customers.

    `everybody` compares providers and their people with every entry; of customers who wait, at
    most `customers_max` are compared, so that one act ends in a time that can be told.
    """

    everybody: bool = False
    customers_max: Annotated[Whole, Field(ge=1, le=100_000)] = 20_000


class Verdict(StrEnum):
    """What is decided of a hit."""

    TRUE_MATCH = "true_match"
    FALSE_MATCH = "false_match"


class DismissHit(Command):
    """Decide that a hit is another person; asked again when the evidence changes or it expires."""

    hit: Identifier
    reason: Prose
    until: Day


class ConfirmHit(Command):
    """Decide that a hit is the listed person; a second person confirms."""

    hit: Identifier
    reason: Prose
    until: Day


class AccountsToFreeze(Command):
    """Accounts at one exchange; named as the exchange knows them."""

    exchange: Code
    accounts: Annotated[tuple[AccountNumber, ...], Field(max_length=200)] = ()


class OrderFreeze(Command):
    """Freeze all that a confirmed match has: by order to its exchanges, and on the ledger.

    Exchanges where the vault knows accounts of the party, or of companies it owns, are ordered by
    themselves; `exchanges` adds others, or the numbers of accounts.  A ledger account is frozen in
    every security, by a quorum that signs with the second person.
    """

    hit: Identifier
    authority: Annotated[str, StringConstraints(min_length=3, max_length=200)]
    basis: Code
    order_hash: OrderHash
    until: Day
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    exchanges: Annotated[tuple[AccountsToFreeze, ...], Field(max_length=60)] = ()
    ledger_account: Address | None = None
    signers: Annotated[tuple[Code, ...], Field(max_length=16)] = ()


class AcknowledgeFreeze(Command):
    """Say, as an exchange, that an order to freeze was carried out, and what was frozen."""

    freeze: FreezeNumber
    accounts: Annotated[Whole, Field(ge=0, le=100_000)]
    value: MinorUnits
    currency: Currency


class ReportedTo(StrEnum):
    """To whom a freeze is reported."""

    FIU = "fiu"
    AUTHORITY = "authority"


class ReportFreeze(Command):
    """Record that a freeze was reported to the FIU, or to the competent authority."""

    freeze: FreezeNumber
    to: ReportedTo
    reference: Reference


class ExtendFreeze(Command):
    """Extend a freeze beyond its last day; a second person approves."""

    freeze: FreezeNumber
    until: Day
    reason: Prose


class LicenseExpenses(Command):
    """Allow withdrawals for basic expenses, up to an amount; a second person approves."""

    freeze: FreezeNumber
    amount: Annotated[Whole, Field(ge=1, le=2**62)]
    currency: Currency
    until: Day
    reason: Prose


class DrawExpenses(Command):
    """Record, as an exchange, what was paid out for basic expenses."""

    freeze: FreezeNumber
    amount: Annotated[Whole, Field(ge=1, le=2**62)]
    currency: Currency
    reference: Reference


class ReleaseGround(StrEnum):
    """Why a freeze ends."""

    DELISTED = "delisted"
    COURT = "court"
    MISTAKEN = "mistaken"


class ReleaseFreeze(Command):
    """End a freeze: delisted, by a court's order, or mistaken; a second person approves."""

    freeze: FreezeNumber
    ground: ReleaseGround
    reason: Prose


class AcknowledgeRelease(Command):
    """Say, as an exchange, that what was frozen is free again."""

    freeze: FreezeNumber


class HitsAsked(Query):
    """Hits in the order of the queue: by grade, strength and age."""

    state: HitState | None = HitState.OPEN
    list: Code | None = None
    party: Party | None = None
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 200


class HitAsked(Query):
    """One hit with its explanation and what was decided of it."""

    hit: Identifier


class ListsAsked(Query):
    """Lists and their versions."""

    list: Code | None = None


class RunsAsked(Query):
    """What screening found, run by run."""

    limit: Annotated[Whole, Field(ge=1, le=500)] = 50


class FreezesAsked(Query):
    """Freezes, with the clocks that run."""

    freeze: FreezeNumber | None = None
