"""The commands and queries of the public register, as the API and the command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.licensing.register.model import WarningReason
from amanat.participants.commands import Code

OneLine = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\r\n]*$")]
Website = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
WarningNumber = Annotated[str, StringConstraints(pattern=r"^W-[0-9]{4}-[0-9]{4}$")]
Sought = Annotated[str, StringConstraints(max_length=120)]


class PublishWarning(Command):
    """Warn the public of somebody who offers services without permission."""

    name: OneLine
    also_known_as: Annotated[tuple[OneLine, ...], Field(max_length=20)] = ()
    websites: Annotated[tuple[Website, ...], Field(max_length=20)] = ()
    reason: WarningReason
    text: OneLine


class WithdrawWarning(Command):
    """Withdraw a warning; it stays in the register's history."""

    warning: WarningNumber
    reason: OneLine


class RegisterAsked(Query):
    """Which part of the register: sought in names and numbers, by status, by category, of a day."""

    q: Sought = ""
    status: Code | None = None
    category: Code | None = None
    as_of: Day | None = None
    start: Annotated[Whole, Field(ge=0, le=1_000_000)] = 0
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 50


class RegisteredAsked(Query):
    """One provider of the register."""

    provider: Code
    as_of: Day | None = None


class WarningsAsked(Query):
    """Which warnings: sought in names and addresses, of a day."""

    q: Sought = ""
    as_of: Day | None = None


class ChangesAsked(Query):
    """The register's changes after a number."""

    after: Annotated[Whole, Field(ge=0, le=1_000_000_000)] = 0
    limit: Annotated[Whole, Field(ge=1, le=1_000)] = 500


PermissionNumber = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9/._-]{0,31}$")]


class IssueCredential(Command):
    """Have the credential of a permission signed anew, as its provider or its authority."""

    permission: PermissionNumber


class CredentialsAsked(Query):
    """The credentials of one's own permissions; the authority sees those of all providers."""

    provider: Code | None = None


class KeysAsked(Query):
    """The public keys of the authority."""
