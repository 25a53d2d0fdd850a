"""Selections, agreements, interests and rulebooks, as pages, API and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.licensing.commands import PAGE_MAX, Prose
from amanat.licensing.complaints.commands import Digest, FormKey, Mail
from amanat.participants.commands import Code, Words

SelectionNumber = Annotated[str, StringConstraints(pattern=r"^SEL-[0-9]{4}-[0-9]{4,6}$")]
"""A selection as people call it, such as `SEL-2025-0001`."""
AgreementNumber = Annotated[str, StringConstraints(pattern=r"^AGR-[0-9]{4}-[0-9]{4,6}$")]
"""An agreement as people call it, such as `AGR-2025-0001`."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Rules = Annotated[str, StringConstraints(min_length=1, max_length=400_000)]
"""The text of a rulebook."""


class AgreementKind(StrEnum):
    """What sort of paper it is."""

    MOU = "mou"
    CONTRACT = "contract"
    DATA_SHARING = "data_sharing"
    GRANT = "grant"
    OTHER = "other"


class Nature(StrEnum):
    """What an interest rests on."""

    FINANCIAL = "financial"
    FAMILY = "family"
    EMPLOYMENT = "employment"
    ADVISORY = "advisory"
    OTHER = "other"


class PublishCriteria(Command):
    """Publish by what a party to an agreement will be chosen, before anybody is chosen."""

    title: Words
    criteria: Prose


class Party(Command):
    """A party of an agreement; `party` is its institution here, where it has one."""

    name: Name
    party: Code | None = None


class Invited(Command):
    """Somebody else who was asked, and why they were not chosen."""

    name: Name
    reason: Words


class PublishAgreement(Command):
    """Enter a signed agreement into the public register: whole, or by the digest of its text.

    `amount` is in minor units of `currency`; none says that no money moves.  Either `selection`
    names the criteria that were published before, or `no_selection` says why nobody else was asked.
    `advises` says that a party advises the programme.
    """

    kind: AgreementKind
    title: Words
    parties: Annotated[tuple[Party, ...], Field(min_length=1, max_length=20)]
    binding: bool
    advises: bool = False
    scope: Prose
    signed_on: Day
    first_day: Day
    last_day: Day | None = None
    deliverables: Annotated[tuple[Words, ...], Field(max_length=60)] = ()
    amount: Annotated[Whole, Field(ge=0, le=2**53 - 1)] | None = None
    currency: Currency | None = None
    text: Rules | None = None
    digest: Digest
    selection: SelectionNumber | None = None
    no_selection: Prose | None = None
    invited: Annotated[tuple[Invited, ...], Field(max_length=60)] = ()


class NameParty(Command):
    """Say which institution here a party of an agreement is, where its name does not."""

    agreement: AgreementNumber
    name: Name
    party: Code


class EndAgreement(Command):
    """Say that an agreement is over, and why."""

    agreement: AgreementNumber
    reason: Prose


class DeclareInterest(Command):
    """Declare a conflict of interest with a provider; from now on its files are shut to oneself."""

    provider: Code
    nature: Nature
    reason: Words


class Recuse(Command):
    """Recuse a person from the files of a provider."""

    person: Code
    provider: Code
    nature: Nature
    reason: Words


class EndRecusal(Command):
    """Let a person take part in a provider's files again."""

    person: Code
    provider: Code
    reason: Words


class DraftRulebook(Command):
    """Draft the next version of a rulebook; it binds nobody."""

    rulebook: Code
    title: Words
    text: Rules


class ConsultOnRulebook(Command):
    """Let everyone comment on a draft until a day."""

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    until: Day


class AnswerComment(Command):
    """Answer a comment on a rulebook; `accepted` says that the text changes with it."""

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    number: Annotated[Whole, Field(ge=1, le=1_000_000)]
    answer: Prose
    accepted: bool


class BringIntoForce(Command):
    """Bring a rulebook into force from a day, with the text as the comments left it.

    Without `text` the draft's stands.
    """

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    from_day: Day
    summary: Prose
    text: Rules | None = None


class WithdrawDraft(Command):
    """Withdraw a version of a rulebook that is not in force."""

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    reason: Words


class PublicComment(BaseModel):
    """What somebody of the public says of a draft; name and text are published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)]
    name: Name
    text: Prose
    mail: Mail | None = None
    key: FormKey | None = None


class AgreementsAsked(Query):
    """Which agreements: sought in titles, parties and scope; those in force, or all."""

    q: Annotated[str, StringConstraints(max_length=80)] = ""
    open: bool | None = None


class AgreementAsked(Query):
    """One agreement by its number."""

    agreement: AgreementNumber


class DecisionsAsked(Query):
    """Which decisions, newest first."""

    provider: Code | None = None
    kind: Code | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50


class RulebookAsked(Query):
    """One rulebook; without a version the one in force, else the last."""

    rulebook: Code
    version: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None


class Everything(Query):
    """All of them."""
