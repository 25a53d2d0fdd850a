"""The commands and queries of the learned score, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Whole
from amanat.licensing.commands import PAGE_MAX
from amanat.participants.commands import Code, Words

ModelDigest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A trained model: SHA-256 of its content."""
AlertId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
OFFSET_MAX = 10**9


class PutModelLive(Command):
    """Let a trained model order the queue of alerts; the one before it is retired."""

    digest: ModelDigest
    reason: Words


class RetireModel(Command):
    """Take a model out of use; without one the queue is ordered by the scenarios' own scores."""

    digest: ModelDigest
    reason: Words


class ModelsAsked(Query):
    """Every trained model that was kept here."""


class FollowedAsked(Query):
    """How far screening, monitoring and scores are behind accepted returns."""


class ReturnFollowedAsked(Query):
    """How far screening, monitoring and scores have followed one accepted return."""

    accepted: Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]


class QueueAsked(Query):
    """Open alerts in their order, from a place in the queue; of a scenario, exchange or age."""

    scenario: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,40}$")] | None = None
    exchange: Code | None = None
    age_days_min: Annotated[Whole, Field(ge=0, le=36_600)] | None = None
    after: AlertId | None = None
    offset: Annotated[Whole, Field(ge=0, le=OFFSET_MAX)] = 0
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class ScoreAsked(Query):
    """One alert's score and what moved it."""

    alert: AlertId
