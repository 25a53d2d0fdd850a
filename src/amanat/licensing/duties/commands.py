"""Conditions, duties, incidents and notifications, as pages, API and command line write them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Instant, Whole
from amanat.licensing.commands import AMOUNT_MAX, PAGE_MAX, Identifier, Prose
from amanat.licensing.complaints.commands import Digest, Mail
from amanat.participants.commands import Code


class IncidentKind(StrEnum):
    """What happened."""

    OUTAGE = "outage"
    BREACH_OF_SECURITY = "breach_of_security"
    LOSS_OF_ASSETS = "loss_of_assets"
    LOSS_OF_DATA = "loss_of_data"
    OTHER = "other"


class GiveEvidence(Command):
    """Show that a condition is met; the authority looks at it."""

    condition: Identifier
    text: Prose
    document: Digest | None = None


class JudgeEvidence(Command):
    """Find that the last evidence of a condition meets it, or does not, and why."""

    condition: Identifier
    accepted: bool
    finding: Prose


class MeetDuty(Command):
    """Hand in what a periodic duty asks for, such as the annual return; the earliest open period.

    `document` is the SHA-256 of what was handed in.
    """

    duty: Code
    text: Prose
    document: Digest | None = None


class StateNetCapital(Command):
    """State one's net capital at the end of a day, in minor units of the licence's currency.

    It meets the earliest open period of the duty that had ended by that day.

    `document` is the SHA-256 of the computation.
    """

    as_of: Day
    amount: Annotated[Whole, Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
    document: Digest | None = None


class NetCapitalAsked(Query):
    """Statements of net capital, the newest day first: of all providers, or of one."""

    provider: Code | None = None
    short: bool | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class ReportedVolumesAsked(Query):
    """What was reported from a day to a day (without them, three months), of one provider or all.

    `exceeded`: only what was more than its cap, or only what was not.
    """

    provider: Code | None = None
    first_day: Day | None = None
    last_day: Day | None = None
    exceeded: bool | None = None


class NoteBreach(Command):
    """Note that a condition, or a period of a duty, was not met in time; nothing else follows yet.

    Give the condition, or the duty and the end of its period; of net capital that was short, the
    day as of which it was stated; or the cap that was exceeded and the last day of the month.
    """

    provider: Code
    condition: Identifier | None = None
    duty: Code | None = None
    cap: Code | None = None
    period_end: Day | None = None
    reason: Prose


class ReportIncident(Command):
    """Report an incident; the rules give some hours from when it was detected."""

    kind: IncidentKind
    detected_at: Instant
    clients: Annotated[Whole, Field(ge=0, le=2**31 - 1)]
    text: Prose


class SetMailAddress(Command):
    """Say where to write to oneself what is due, and in which language; none stops it."""

    address: Mail | None = None
    language: Literal["en", "ur"] = "en"


class ConditionsAsked(Query):
    """Which conditions: of a provider, only those that are open."""

    provider: Code | None = None
    open: bool | None = None
    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 100


class IncidentsAsked(Query):
    """Of which provider; without one, of all that one may see."""

    provider: Code | None = None


class NotificationsAsked(Query):
    """One's own notifications, newest first."""

    limit: Annotated[Whole, Field(ge=1, le=PAGE_MAX)] = 50
