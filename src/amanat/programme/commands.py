"""The commands and queries of the programme room."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.participants.commands import Address, Code, Words
from amanat.programme.model import Phase

IsinText = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]
"""An ISIN's form; its check digit is checked where terms are read."""
NominalUnits = Annotated[Whole, Field(gt=0, le=2**53 - 1)]
"""Nominal in units of one rupee."""


Scope = Annotated[
    str,
    StringConstraints(
        pattern=r"^(programme|cash|orders|settlement|payments|tenders|[A-Z]{2}[A-Z0-9]{9}[0-9])$"
    ),
]
"""What is halted: the whole programme, one of its contracts, or a security by its ISIN."""


class RecordExchangeRate(Command):
    """Record the rate of a day, in units of the programme's currency to the US dollar."""

    rate_date: Day
    rate: Annotated[PlainDecimal, Field(gt=0)]
    source: Words
    assumed: bool = False


class AuthoriseSecurity(Command):
    """Authorise a nominal of a security with its terms, asset, dollar value and expiry.

    `terms` are the plain fields that `amanat.instruments.model.terms_from` reads.  The value in
    dollars is taken from the recorded rate of `rate_date`.  The issuer signs `authorise`, each
    mandatory clearance of the kind is signed `clear` by its institution, and each agent of the
    kind signs `confirm`.  To `classes` the issuer's own is added, since it holds what is unsold.
    """

    terms: dict[str, str]
    nominal: NominalUnits
    rate_date: Day
    asset: Code
    authority: Words
    classes: Annotated[tuple[Code, ...], Field(min_length=1)]
    expires_on: Day


class WithdrawAuthorisation(Command):
    """Take back one's institution's signature from an authorisation that is not yet executed."""

    proposal: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
    reason: Words


class ReleaseHeadroom(Command):
    """Give up nominal that was authorised and not issued; its dollar value becomes headroom."""

    authorisation: Annotated[Whole, Field(gt=0)]
    nominal: NominalUnits
    reason: Words


class IssueNominal(Command):
    """Create nominal that is authorised, in the issuer's distribution account.

    Without `authorisation` the earliest that has not expired and has enough left is used.
    """

    isin: IsinText
    nominal: NominalUnits
    authorisation: Annotated[Whole, Field(gt=0)] | None = None
    account: Address | None = None


class CancelUnsold(Command):
    """Cancel nominal that lies unsold in the issuer's distribution account, whose key signs too.

    Without `authorisation` the latest under which enough was issued is used.
    """

    isin: IsinText
    nominal: NominalUnits
    authorisation: Annotated[Whole, Field(gt=0)] | None = None
    account: Address | None = None


class AttestReserves(Command):
    """Attest what backs the programme, in US cents, and the last day of the evidence for it."""

    reserves_usd_cents: Annotated[Whole, Field(ge=0, le=2**53 - 1)]
    valid_until: Day


class MoveDay(Command):
    """Move the programme to a later day or phase; two institutions sign."""

    business_date: Day
    phase: Phase = Phase.OPEN


class Halt(Command):
    """Halt the programme, a contract or a security; a guardian signs, it binds from the request."""

    scope: Scope
    reason: Words


class Resume(Command):
    """Resume what was halted, once the ledger has done so; two guardians sign."""

    scope: Scope
    reason: Words


class DirectoryChange(StrEnum):
    """What of the Directory is changed."""

    KEY = "key"
    """`key` becomes one of `institution`; without an institution it is removed."""
    CAPACITIES = "capacities"
    """`institution` has `capacities`, those that the ledger knows, and no others."""
    QUORUM = "quorum"
    """`quorum` institutions sign later changes."""
    CONTRACT = "contract"
    """The contract at `at`, which was created for it, takes the place of `contract`."""


class Replaceable(StrEnum):
    """Contracts that another can replace; cash and securities hold balances and never are."""

    BUSINESS_DAY = "BusinessDay"
    ELIGIBILITY = "Eligibility"
    PROGRAMME = "Programme"
    ORDERS = "Orders"
    SETTLEMENT = "Settlement"
    PAYMENTS = "Payments"
    TENDER = "Tender"


class CreateSuccessor(Command):
    """Create the contract that shall replace one; it does nothing until the Directory names it."""

    contract: Replaceable
    reason: Words


Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in hexadecimal."""


class AnnounceChange(Command):
    """Announce a change of the Directory, which a quorum signs and which waits for its delay."""

    kind: DirectoryChange
    key: Address | None = None
    institution: Code | None = None
    capacities: Annotated[tuple[Code, ...], Field(max_length=16)] = ()
    quorum: Annotated[Whole, Field(ge=2, le=63)] | None = None
    contract: Replaceable | None = None
    at: Address | None = None
    reason: Words
    signers: Annotated[tuple[Code, ...], Field(max_length=16)] = ()


class ExecuteChange(Command):
    """Carry out an announced change of the Directory once its delay has passed."""

    change: Digest


class CancelChange(Command):
    """Cancel an announced change: a quorum, or alone whoever it would replace."""

    change: Digest
    reason: Words
    signers: Annotated[tuple[Code, ...], Field(max_length=16)] = ()


class RevokeKey(Command):
    """Remove a lost or stolen key of one's institution at once; another of its keys signs."""

    key: Address
    reason: Words


class AppointSender(Command):
    """Let another key send this installation's chain transactions; a quorum approves.

    `sender` says which: `operator`, or `settlement`, `payments`, `tenders`, `settlement_2` and so
    on, for a queue of its own.  So many whole coins of the network go to the key from the
    operator's beforehand, for its fees.  `former_lost` says that the former key signs nothing more,
    not even what hastens its last ones.
    """

    key: Address
    reason: Words
    sender: Code = "operator"
    endow_coins: Annotated[Whole, Field(ge=0, le=10**12)] = 0
    former_lost: bool = False
    signers: Annotated[tuple[Code, ...], Field(max_length=16)] = ()


class ChangesAsked(Query):
    """Changes of the Directory, latest first."""


class ContractsAsked(Query):
    """The programme's contracts: those in use, those replaced, those created to replace one."""


class ProgrammeAsked(Query):
    """The programme of this installation in which the actor acts."""


class SecuritiesAsked(Query):
    """All securities of the programme."""


class SecurityAsked(Query):
    """One security by its ISIN."""

    isin: IsinText
