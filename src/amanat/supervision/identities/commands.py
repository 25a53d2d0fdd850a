"""Opening an identity, and asking who did, as pages, API and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from amanat.access.acts import Command, Query
from amanat.access.fields import Whole

PAGE_MAX = 500
Person = Annotated[str, Field(pattern=r"^[0-9]{1,19}$", description="Pseudonym of the person.")]
CaseNumber = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9/-]{0,39}$")]
Reason = Annotated[str, Field(min_length=10, max_length=400)]


class OpenIdentity(Command):
    """Look at who is behind a pseudonym, for a case and with a reason; that one did is kept."""

    person: Person
    case_number: CaseNumber
    reason: Reason


class OpeningsAsked(Query):
    """Which openings of identities are shown."""

    person: Person | None = None
    case_number: CaseNumber | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100
