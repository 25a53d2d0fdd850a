"""The commands and queries of the programme room."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.participants.commands import Code, Words
from amanat.programme.model import Phase

IsinText = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]
"""An ISIN's form; its check digit is checked where terms are read."""
NominalUnits = Annotated[int, Field(gt=0, le=2**53 - 1)]
"""Nominal in units of one rupee."""


class RecordExchangeRate(Command):
    """Record the rate of a day, in units of the programme's currency to the US dollar."""

    rate_date: date
    rate: Annotated[Decimal, Field(gt=0)]
    source: Words
    assumed: bool = False


class AuthoriseSecurity(Command):
    """Authorise a nominal of a security with its terms, asset, dollar value and expiry.

    `terms` are the plain fields that `amanat.instruments.model.terms_from` reads.  The value in
    dollars is taken from the recorded rate of `rate_date`.  The issuer signs `authorise`, each
    clearance that the kind needs is signed by its institution, and each of `agents` confirms.
    """

    terms: dict[str, str]
    nominal: NominalUnits
    rate_date: date
    asset: Code
    authority: Words
    classes: Annotated[tuple[Code, ...], Field(min_length=1)]
    expires_on: date
    agents: tuple[Code, ...] = ()


class WithdrawAuthorisation(Command):
    """Withdraw what is left of an authorisation; it binds here from the request."""

    number: Annotated[int, Field(gt=0)]
    reason: Words


class IssueNominal(Command):
    """Create nominal that is authorised, in the issuer's distribution account."""

    isin: IsinText
    nominal: NominalUnits


class CancelUnsold(Command):
    """Cancel nominal that lies unsold in the issuer's distribution account."""

    isin: IsinText
    nominal: NominalUnits


class MoveDay(Command):
    """Move the programme to a later day or phase; two institutions sign."""

    business_date: date
    phase: Phase = Phase.OPEN


class Halt(Command):
    """Halt the programme or one security; it binds here from the request."""

    scope: Annotated[str, StringConstraints(pattern=r"^(programme|[A-Z]{2}[A-Z0-9]{9}[0-9])$")]
    reason: Words


class Resume(Command):
    """Resume what was halted, once the ledger has done so; signed by a quorum."""

    scope: Annotated[str, StringConstraints(pattern=r"^(programme|[A-Z]{2}[A-Z0-9]{9}[0-9])$")]
    reason: Words


class ProgrammeAsked(Query):
    """The programme of this installation in which the actor acts."""


class SecuritiesAsked(Query):
    """All securities of the programme."""


class SecurityAsked(Query):
    """One security by its ISIN."""

    isin: IsinText
