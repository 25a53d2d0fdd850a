"""Complaints and declarations of clients' assets, as pages, API and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.licensing.commands import PAGE_MAX, Prose
from amanat.participants.commands import Code, Words

ComplaintNumber = Annotated[str, StringConstraints(pattern=r"^CMP-[0-9]{4}-[0-9]{4,7}$")]
"""A complaint as people call it, such as `CMP-2026-0001`."""
Mail = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s<>,;]{1,64}@[^@\s<>,;]+$")]
"""An address of electronic mail."""
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9 ()-]{5,30}$")]
"""A telephone number."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
FormKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{16,64}$")]


class Topic(StrEnum):
    """What a complaint is about."""

    WITHDRAWAL = "withdrawal"
    ACCESS = "access"
    FEES = "fees"
    CONDUCT = "conduct"
    SECURITY = "security"
    ADVERTISING = "advertising"
    NO_PERMISSION = "no_permission"
    OTHER = "other"


class ComplaintOutcome(StrEnum):
    """How a complaint ended."""

    UPHELD = "upheld"
    PARTLY_UPHELD = "partly_upheld"
    NOT_UPHELD = "not_upheld"
    OUT_OF_SCOPE = "out_of_scope"


class PublicComplaint(BaseModel):
    """What somebody of the public complains of; who does not say who they are is heard as well.

    `provider` is its code on the register, `about` whom it is about in the complainant's words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: Code | None = None
    about: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    topic: Topic
    happened_on: Day | None = None
    text: Prose
    remedy: Words | None = None
    name: Words | None = None
    mail: Mail | None = None
    phone: Phone | None = None
    may_name: bool = False
    key: FormKey | None = None


class RecordComplaint(Command):
    """Record a complaint that came by letter or in person; it goes the same way as any other."""

    provider: Code | None = None
    about: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    topic: Topic
    happened_on: Day | None = None
    text: Prose
    remedy: Words | None = None
    name: Words | None = None
    mail: Mail | None = None
    phone: Phone | None = None
    may_name: bool = False


class AcknowledgeComplaint(Command):
    """Tell the complainant that the complaint is looked into."""

    complaint: ComplaintNumber
    note: Words | None = None


class ForwardComplaint(Command):
    """Let the provider see a complaint and answer it; who complained only where they agreed."""

    complaint: ComplaintNumber
    note: Words | None = None


class AnswerComplaint(Command):
    """Answer a complaint about one's own institution."""

    complaint: ComplaintNumber
    answer: Prose


class CloseComplaint(Command):
    """Close a complaint with what was found; the complainant reads the findings."""

    complaint: ComplaintNumber
    outcome: ComplaintOutcome
    findings: Prose


class ReopenComplaint(Command):
    """Look into a closed complaint again."""

    complaint: ComplaintNumber
    reason: Words


class ReadComplainant(Command):
    """Read who complained and how to reach them; that it was read is journalled."""

    complaint: ComplaintNumber
    reason: Words


class Holding(Command):
    """Of one asset: what clients are owed, what is held for them apart, and where.

    Quantities are in whole units of the asset with its decimals.
    """

    asset: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,12}$")]
    owed: Annotated[PlainDecimal, Field(ge=0)]
    held: Annotated[PlainDecimal, Field(ge=0)]
    where: Words


class DeclareClientAssets(Command):
    """Declare what is owed to clients and what is held apart for them, as of a day.

    `duty` is an obligation of the jurisdiction such as `segregation` or `reserve_proof`.
    """

    duty: Code
    as_of: Day
    holdings: Annotated[tuple[Holding, ...], Field(min_length=1, max_length=200)]
    auditor: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    document: Digest | None = None


class ComplaintsAsked(Query):
    """Which complaints to list, newest first."""

    provider: Code | None = None
    stage: Code | None = None
    open: bool | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class ComplaintAsked(Query):
    """One complaint by its number."""

    complaint: ComplaintNumber


class CountsAsked(Query):
    """Of which provider; without one, of all."""

    provider: Code | None = None


class DeclarationsAsked(Query):
    """Of which provider; without one, of all."""

    provider: Code | None = None
