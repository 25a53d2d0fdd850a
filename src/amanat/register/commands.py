"""The commands and queries of the register, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.participants.commands import Address, Code, Words
from amanat.programme.commands import IsinText, NominalUnits

OrderHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A digest of 32 bytes, such as the SHA-256 of an order on paper, in small hexadecimal letters."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
"""UUIDv7 of a thing in the store."""


Signers = Annotated[tuple[Code, ...], Field(max_length=16)]
"""Institutions that sign an order; none named: the proposer's and others up to the quorum."""


class FreezeHolding(Command):
    """Freeze part of a holding, by an order; it binds from the request."""

    isin: IsinText
    account: Address
    nominal: NominalUnits
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class FreezeAccount(Command):
    """Freeze an account in a security with all that it holds or receives, by an order."""

    isin: IsinText
    account: Address
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class FreezeEverything(Command):
    """Freeze an account in every security that there is, by one order, all or none."""

    account: Address
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class Release(Command):
    """Release what was frozen, by an order; it is free once the ledger has released it."""

    hold: Identifier
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class OrderForcedTransfer(Command):
    """Move a holding without its holder, by an order of a court or authority.

    What is frozen stays until it is released: an order to move it names what is free.
    """

    isin: IsinText
    from_account: Address
    to_account: Address
    nominal: NominalUnits
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class Reregister(Command):
    """Move a whole holding, its freezes included, to the same participant's other account."""

    isin: IsinText
    from_account: Address
    to_account: Address
    order_hash: OrderHash
    reason: Words
    signers: Signers = ()


class PlaceHold(Command):
    """Set part of an own holding aside for a beneficiary, until it is released or lapses."""

    isin: IsinText
    account: Address
    beneficiary: Address
    nominal: NominalUnits
    last_day: Day
    reason: Words


class ReleaseHold(Command):
    """Release what was set aside: its beneficiary may at any time, anyone after its last day."""

    hold: OrderHash


class HoldersAsked(Query):
    """Who holds a security at the close of a day or after a block; else now."""

    isin: IsinText
    on: Day | None = None
    block: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None


class HoldingsAsked(Query):
    """What the accounts that the actor may see hold, and what of it is free."""

    account: Address | None = None


class HistoryAsked(Query):
    """Every change of one account's holding of a security."""

    isin: IsinText
    account: Address


class HoldsAsked(Query):
    """Holds and forced movements, with where each stands."""

    account: Address | None = None
