"""What views of returns are asked, as pages, API and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from amanat.access.acts import Query
from amanat.access.fields import Day, Whole

PAGE_MAX = 500
Exchange = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ReturnId = Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
Limit = Annotated[Whole, Field(ge=1, le=PAGE_MAX)]


class ReturnsAsked(Query):
    """Which accepted returns are shown."""

    exchange: Exchange | None = None
    first_day: Day | None = None
    last_day: Day | None = None
    in_force: bool | None = None
    limit: Limit = 100


class RefusedAsked(Query):
    """Which refused returns are shown."""

    exchange: Exchange | None = None
    limit: Limit = 100


class ErrorsAsked(Query):
    """Of which refused return the errors are shown."""

    refused: ReturnId


class ReturnAsked(Query):
    """One accepted return."""

    accepted: ReturnId


class QualityAsked(Query):
    """Of which exchange the data quality is shown."""

    exchange: Exchange | None = None
    limit: Limit = 100


class SpecificationAsked(Query):
    """The specification of returns; one record of it, where it is named."""

    record: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] | None = None
