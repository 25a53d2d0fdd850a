"""The commands and queries of monitoring, as the API, files and command line write them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from amanat.access.acts import Command, Query
from amanat.access.fields import Day, Whole
from amanat.participants.commands import Code, Words

ScenarioCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{2,40}$")]
Version = Annotated[str, StringConstraints(pattern=r"^v[1-9][0-9]{0,5}$")]
"""A version that was stated for the programme: v1, v2, …"""
RuleText = Annotated[str, StringConstraints(min_length=2, max_length=20_000)]
"""A composed rule as JSON, or the parameters of a scenario as a JSON object."""
PseudonymText = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}$")]
"""A pseudonym of 63 bits in decimal."""
ListKind = Literal["address", "party"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f-]{36}$")]
OwnText = Annotated[str, StringConstraints(min_length=1, max_length=200)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
MinorUnits = Annotated[Whole, Field(ge=0, le=2**53)]
Limit = Annotated[Whole, Field(ge=1, le=500)]


class ComposeScenario(Command):
    """State a scenario of your own from fields, windows and lists; a draft looks at nothing."""

    scenario: ScenarioCode
    rule: RuleText
    reason: Words


class ChangeScenario(Command):
    """State other parameters of one of the scenarios that there are; a draft looks at nothing."""

    scenario: ScenarioCode
    parameters: RuleText
    reason: Words


class BacktestScenario(Command):
    """Have a stated version tried on days of history, beside the live one; it writes no alert."""

    scenario: ScenarioCode
    version: Version
    first_day: Day
    last_day: Day


class ShadowScenario(Command):
    """Let a back-tested draft look at transactions beside the live version; nobody works alerts."""

    scenario: ScenarioCode
    version: Version
    reason: Words


class AdoptScenario(Command):
    """Put a version live that ran in shadow, from tomorrow; the one before is retired."""

    scenario: ScenarioCode
    version: Version
    reason: Words


class RetireScenario(Command):
    """Take a stated version out of use, from tomorrow; the jurisdiction's own holds again."""

    scenario: ScenarioCode
    version: Version
    reason: Words


class ListPseudonym(Command):
    """Put an address outside, a person or an account on the list that monitoring looks for."""

    kind: ListKind
    pseudonym: PseudonymText
    reason: Words


class DelistPseudonym(Command):
    """Take an address, a person or an account off the list that monitoring looks for."""

    kind: ListKind
    pseudonym: PseudonymText
    reason: Words


class DecideTransaction(Command):
    """Ask, before settling, whether a customer's transaction goes on: allow, review or block.

    The customer sends, or receives where money or an asset comes from outside.  `counterparty` is
    the other side: an IBAN, an address on the network, or an account at `counterparty_exchange`.
    """

    reference: OwnText
    kind: Literal["fiat_in", "fiat_out", "trade", "deposit", "withdrawal", "transfer"]
    account: OwnText
    counterparty: OwnText
    value_minor: MinorUnits
    counterparty_exchange: Code | None = None
    network: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")] | None = None
    country: CountryCode | None = None
    counterparty_country: CountryCode | None = None
    cash: bool = False
    hosted: bool | None = None
    travel_rule: OwnText | None = None


class ScenariosAsked(Query):
    """Scenarios as they look at one day; today's without it."""

    day: Day | None = None


class ScenarioAsked(Query):
    """One scenario with its history."""

    scenario: ScenarioCode


class AlertsAsked(Query):
    """Which alerts are shown, the highest score first."""

    scenario: ScenarioCode | None = None
    state: Literal["open", "shadow", "closed"] = "open"
    subject: Annotated[str, StringConstraints(pattern=r"^(party|account):[0-9]{1,19}$")] | None = (
        None
    )
    first_day: Day | None = None
    last_day: Day | None = None
    limit: Limit = 100


class AlertAsked(Query):
    """One alert."""

    alert: Identifier


class MonitoringRunsAsked(Query):
    """The latest runs."""

    limit: Limit = 50


class MonitoringRunAsked(Query):
    """One run with what it covered."""

    run: RunId


class PseudonymsAsked(Query):
    """What is listed; also what was, with `ended`."""

    ended: bool = False
