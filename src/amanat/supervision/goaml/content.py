"""What a report says, as a compliance officer writes it; `building` makes goAML's XML of it.

Names may be in any script: the report has them in Latin letters, with what was written beside it.
Amounts are integers in minor units of the programme's currency.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from amanat.access.acts import Command
from amanat.access.fields import Day, PlainDecimal, Whole
from amanat.participants.commands import Country

Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
"""A name in any script."""
Line = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""One line of text."""
Short = Annotated[str, StringConstraints(min_length=1, max_length=50)]
"""A number or code."""
Narrative = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
"""A longer text, as long as goAML takes one."""
Coded = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,12}$")]
"""A code of one of goAML's lists."""
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]
"""A party or account as stored transactions name it: decimal digits, 63 bits."""
Minor = Annotated[Whole, Field(ge=0, le=10**18)]
"""An amount in minor units of the programme's currency."""


class ReportedAddress(Command):
    """An address; `district` is spelt as on the FIU's list where the country is its own."""

    address_type: Coded = "1"
    address: Line
    district: Line
    country: Country = "PK"
    province: Line | None = None


class ReportedPhone(Command):
    """A telephone number."""

    contact_type: Coded = "1"
    communication_type: Coded = "M"
    number: Short


class ReportedPerson(Command):
    """A natural person; `identifier` is the number of the identity card, digits alone."""

    first_name: Name
    last_name: Name
    original_name: Line | None = None
    gender: Coded | None = None
    birthdate: Day | None = None
    identifier: Short | None = None
    passport: Short | None = None
    passport_country: Country | None = None
    nationality: Country | None = None
    residence: Country | None = None
    phones: Annotated[tuple[ReportedPhone, ...], Field(max_length=5)] = ()
    addresses: Annotated[tuple[ReportedAddress, ...], Field(max_length=5)] = ()
    email: Line | None = None
    occupation: Line | None = None


class ReportedEntity(Command):
    """A legal person."""

    name: Line
    original_name: Line | None = None
    legal_form: Coded | None = None
    number: Short | None = None
    business: Line | None = None
    phones: Annotated[tuple[ReportedPhone, ...], Field(max_length=5)] = ()
    addresses: Annotated[tuple[ReportedAddress, ...], Field(max_length=5)] = ()
    country: Country | None = None


class ReportedAccount(Command):
    """An account, with who owns it; a wallet's address stands where its number would."""

    institution_name: Line
    institution_code: Short | None = None
    bank: bool = False
    branch: Line = "HEAD OFFICE"
    account: Short
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{3,12}$")] = "PKR"
    account_name: Line | None = None
    client_number: Annotated[str, StringConstraints(max_length=30)] | None = None
    account_type: Coded = "A"
    status: Coded = "A"
    opened: Day | None = None
    owner: ReportedPerson | None = None
    entity: ReportedEntity | None = None


class ReportedParty(Command):
    """Who stands behind a pseudonym of the case's transactions.

    `my_client` says whether it is a customer of who reports.
    """

    pseudonym: Pseudonym
    my_client: bool = False
    account: ReportedAccount | None = None
    person: ReportedPerson | None = None
    entity: ReportedEntity | None = None
    country: Country = "PK"


class FilledParty(Command):
    """A party whom the vault filled in: by which opening, from which return, and what of it."""

    account: Pseudonym
    opening: Short
    source_return: Short
    elements: tuple[Short, ...]


class ForeignAmount(Command):
    """An amount in a currency other than the local one."""

    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
    amount: Annotated[PlainDecimal, Field(gt=0)]
    rate: Annotated[PlainDecimal, Field(gt=0)]


class ReportedSide(Command):
    """One side of a transaction: an account, a person or an entity."""

    my_client: bool = False
    funds: Coded
    funds_comment: Line | None = None
    foreign: ForeignAmount | None = None
    account: ReportedAccount | None = None
    person: ReportedPerson | None = None
    entity: ReportedEntity | None = None
    country: Country = "PK"


class ReportedTransaction(Command):
    """One customer transaction: what moved from one side to the other."""

    number: Short
    internal_number: Short | None = None
    location: Line | None = None
    description: Narrative
    day: Day
    transmode: Coded
    amount: Annotated[Minor, Field(description="In paisa: 100 are one rupee.")]
    source: ReportedSide
    target: ReportedSide
    comments: Narrative | None = None


class ActivityParty(Command):
    """Somebody whose activity is reported."""

    account: ReportedAccount | None = None
    person: ReportedPerson | None = None
    entity: ReportedEntity | None = None
    significance: Annotated[Whole, Field(ge=0, le=10)] = 5
    reason: Narrative | None = None


class ReportContent(Command):
    """All of a report but what its submission fixes: entity, reference and date."""

    report_code: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,11}$")]
    branch: Line = "HEAD OFFICE"
    submission_code: Literal["E", "M"] = "E"
    reporting_person: ReportedPerson
    location: ReportedAddress
    reason: Narrative
    action: Narrative
    transactions: Annotated[tuple[ReportedTransaction, ...], Field(max_length=2_000)] = ()
    activity: Annotated[tuple[ActivityParty, ...], Field(max_length=200)] = ()
    indicators: Annotated[tuple[Coded, ...], Field(min_length=1, max_length=40)]
    filled: tuple[FilledParty, ...] = ()


class ReportState(StrEnum):
    """Where a report stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
