"""Scenarios are composed, changed, run in shadow and put live; pseudonyms are listed.

A version goes one way: draft, back-tested on history, shadow, live with a second person, retired.
Nothing is overwritten: the history of a scenario is its versions.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy.engine import Row

from amanat.access.acts import ActContext, Ask, Result, act
from amanat.core.canonical import digest
from amanat.core.errors import Invalid, NotFound, Refusal, Refused
from amanat.jurisdictions.supervision import (
    PARAMETERS,
    SupervisionTable,
    load_supervision,
    parameters_from,
)
from amanat.licensing.records import pack_of
from amanat.participants.acts_people import second_person
from amanat.supervision.identities.model import SUPERVISES
from amanat.supervision.monitoring import events
from amanat.supervision.monitoring.commands import (
    AdoptScenario,
    ChangeScenario,
    ComposeScenario,
    DelistPseudonym,
    ListPseudonym,
    RetireScenario,
    ShadowScenario,
)
from amanat.supervision.monitoring.composed import rule_from, rule_text
from amanat.supervision.monitoring.planning import (
    COMPOSED,
    DRAFT,
    LIVE,
    RETIRED,
    SHADOW,
    plain_parameters,
)
from amanat.supervision.monitoring.records import (
    backtests_of,
    shadow_runs_of,
    version_row,
)
from amanat.supervision.monitoring.tables import listed, scenario_version


class ScenarioIsOurs(Invalid):
    """A composed scenario has a code of its own."""

    template: ClassVar[str] = "{scenario} is a scenario that there is; change its parameters."


class NotTheirState(Refusal):
    """A version goes from draft to shadow, from shadow to live, and ends once."""

    template: ClassVar[str] = "Version {version} of {scenario} is {state}, not {wanted}."


class NotBacktested(Refusal):
    """A version looks at transactions only once it was tried on history."""

    template: ClassVar[str] = "Version {version} of {scenario} was not back-tested."


class NotRunInShadow(Refusal):
    """A version goes live only once it ran in shadow beside the live one."""

    template: ClassVar[str] = "Version {version} of {scenario} has not run in shadow yet."


class AlreadyListed(Refusal):
    """A pseudonym is listed once."""

    template: ClassVar[str] = "The {kind} {pseudonym} is listed."


def supervision_of(context: Any) -> SupervisionTable:
    """The parameters of the programme's jurisdiction."""
    connection = context.uow.connection if hasattr(context, "uow") else context.connection
    return load_supervision(pack_of(connection, context.programme).code)


@act(capacities=[SUPERVISES], confidential=True)
def compose_scenario(command: ComposeScenario, context: ActContext) -> Result:
    """Store a rule as a draft.  Refuses, in order: `ScenarioIsOurs`, `RuleInvalid`."""
    if command.scenario in PARAMETERS:
        raise ScenarioIsOurs(scenario=command.scenario)
    rule = rule_from(command.rule)
    return _state(context, command.scenario, COMPOSED, json.loads(rule_text(rule)), command.reason)


@act(capacities=[SUPERVISES], confidential=True)
def change_scenario(command: ChangeScenario, context: ActContext) -> Result:
    """Store parameters as a draft.  Refuses, in order: `NotFound`, `InvalidTable` all at once."""
    if command.scenario not in PARAMETERS:
        raise NotFound(thing="scenario", value=command.scenario)
    parameters = stated_parameters(command.scenario, command.parameters)
    content = plain_parameters(parameters)
    return _state(context, command.scenario, "parameters", content, command.reason)


class ParametersNotJson(Invalid):
    """Parameters are a JSON object of names and values."""

    template: ClassVar[str] = "The parameters of {scenario} are no JSON object."


def stated_parameters(scenario: str, text: str) -> Any:
    """Parameters from JSON.  Refuses, in order: `ParametersNotJson`, `InvalidTable` all at once."""
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        raise ParametersNotJson(scenario=scenario) from None
    if not isinstance(stated, dict):
        raise ParametersNotJson(scenario=scenario)
    refused = Refused()
    parameters = parameters_from(scenario, stated, scenario, "parameters", refused)
    refused.raise_if_any()
    return parameters


def _state(context: ActContext, code: str, kind: str, content: Any, reason: str) -> Result:
    connection, table = context.uow.connection, scenario_version
    known = connection.execute(
        sql.select(sql.func.count()).where(
            table.c.programme == context.programme, table.c.code == code
        )
    ).scalar_one()
    version = f"v{known + 1}"
    # Integers beyond JavaScript's have no canonical form: the digest is over the text.
    stated = digest(json.dumps(content, sort_keys=True)).hex()
    entry = context.uow.journal.append(
        events.SCENARIO_STATED,
        {
            "scenario": code,
            "version": version,
            "kind": kind,
            "digest": stated,
            "reason": reason,
        },
        subject=f"monitoring:{code}",
    )
    connection.execute(
        table.insert().values(
            programme=context.programme,
            code=code,
            version=version,
            kind=kind,
            content=content,
            reason=reason,
            state=DRAFT,
            proposed_by=context.actor.person,
            proposed_at=context.now.isoformat(),
            entry=entry,
        )
    )
    return {"scenario": code, "version": version, "state": DRAFT, "digest": stated}


Moves = ShadowScenario | AdoptScenario | RetireScenario


def _require(command: Moves, context: ActContext, *wanted: str) -> Row[Any]:
    """The version, in one of these states.  Refuses, in order: `NotFound`, `NotTheirState`."""
    row = version_row(context.uow.connection, context.programme, command.scenario, command.version)
    if row.state not in wanted:
        raise NotTheirState(
            version=command.version, scenario=command.scenario, state=row.state, wanted=wanted[0]
        )
    return row


def _move(command: Moves, context: ActContext, state: str, **values: Any) -> str:
    table = scenario_version
    context.uow.connection.execute(
        table.update()
        .where(
            table.c.programme == context.programme,
            table.c.code == command.scenario,
            table.c.version == command.version,
        )
        .values(state=state, **values)
    )
    return context.uow.journal.append(
        events.SCENARIO_MOVED,
        {
            "scenario": command.scenario,
            "version": command.version,
            "state": state,
            "reason": command.reason,
        },
        subject=f"monitoring:{command.scenario}",
    )


@act(capacities=[SUPERVISES], confidential=True)
def shadow_scenario(command: ShadowScenario, context: ActContext) -> Result:
    """Let a draft run in shadow.

    Refuses, in order: `NotFound`, `NotTheirState`, `NotBacktested`.
    """
    _require(command, context, DRAFT)
    named = (command.scenario, command.version)
    if not backtests_of(context.uow.connection, context.programme, *named):
        raise NotBacktested(scenario=command.scenario, version=command.version)
    today = context.business_date.isoformat()
    _move(command, context, SHADOW, shadow_from=today)
    return {"scenario": command.scenario, "version": command.version, "shadow_from": today}


def _check_adopting(command: AdoptScenario, context: ActContext) -> None:
    _require(command, context, SHADOW)
    named = (command.scenario, command.version)
    if not shadow_runs_of(context.uow.connection, context.programme, *named):
        raise NotRunInShadow(scenario=command.scenario, version=command.version)


def _ask_adopting(command: AdoptScenario, context: ActContext) -> Ask:
    """A second person of the supervisor."""
    _check_adopting(command, context)
    return second_person(context, f"monitoring:{command.scenario}")


@act(capacities=[SUPERVISES], approvals=_ask_adopting, confidential=True)
def adopt_scenario(command: AdoptScenario, context: ActContext) -> Result:
    """Put a version live.  Refuses, in order: `NotFound`, `NotTheirState`, `NotRunInShadow`."""
    _check_adopting(command, context)
    tomorrow = (context.business_date + timedelta(days=1)).isoformat()
    table = scenario_version
    before = sql.and_(
        table.c.programme == context.programme,
        table.c.code == command.scenario,
        table.c.live_from.is_not(None),
        table.c.retired_from.is_(None),
    )
    context.uow.connection.execute(
        table.update().where(before).values(state=RETIRED, retired_from=tomorrow)
    )
    _move(command, context, LIVE, live_from=tomorrow, approved_by=context.approved.given[0].person)
    return {"scenario": command.scenario, "version": command.version, "live_from": tomorrow}


def _ask_retiring(command: RetireScenario, context: ActContext) -> Ask:
    """A second person of the supervisor."""
    _require(command, context, LIVE, SHADOW, DRAFT)
    return second_person(context, f"monitoring:{command.scenario}")


@act(capacities=[SUPERVISES], approvals=_ask_retiring, confidential=True)
def retire_scenario(command: RetireScenario, context: ActContext) -> Result:
    """Take a version out of use.  Refuses, in order: `NotFound`, `NotTheirState`."""
    _require(command, context, LIVE, SHADOW, DRAFT)
    tomorrow = (context.business_date + timedelta(days=1)).isoformat()
    _move(command, context, RETIRED, retired_from=tomorrow)
    return {"scenario": command.scenario, "version": command.version, "retired_from": tomorrow}


@act(capacities=[SUPERVISES], confidential=True)
def list_pseudonym(command: ListPseudonym, context: ActContext) -> Result:
    """Put a pseudonym on the list.  Refuses `AlreadyListed`."""
    row = _listed_row(command, context)
    if row is not None and row.delisted_on is None:
        raise AlreadyListed(kind=command.kind, pseudonym=command.pseudonym)
    entry = _note_listed(command, context, on_list=True)
    values = {
        "reason": command.reason,
        "listed_on": context.business_date.isoformat(),
        "delisted_on": None,
        "person": context.actor.person,
        "entry": entry,
    }
    key = {
        "programme": context.programme,
        "kind": command.kind,
        "pseudonym": _number(command.pseudonym),
    }
    if row is None:
        context.uow.connection.execute(listed.insert().values(**key, **values))
    else:
        context.uow.connection.execute(listed.update().where(_is(key)).values(**values))
    return {"kind": command.kind, "pseudonym": command.pseudonym, "listed": True}


class PseudonymTooLarge(Invalid):
    """A pseudonym has 63 bits."""

    template: ClassVar[str] = "{pseudonym} has more than 63 bits."


def _number(text: str) -> int:
    number = int(text)
    if number >= 2**63:
        raise PseudonymTooLarge(pseudonym=text)
    return number


def _is(key: dict[str, Any]) -> Any:
    return sql.and_(*(listed.c[name] == value for name, value in key.items()))


def _listed_row(command: ListPseudonym | DelistPseudonym, context: ActContext) -> Row[Any] | None:
    key = {
        "programme": context.programme,
        "kind": command.kind,
        "pseudonym": _number(command.pseudonym),
    }
    return context.uow.connection.execute(sql.select(listed).where(_is(key))).one_or_none()


def _note_listed(
    command: ListPseudonym | DelistPseudonym, context: ActContext, *, on_list: bool
) -> str:
    return context.uow.journal.append(
        events.PSEUDONYM_LISTED,
        {
            "kind": command.kind,
            "listed": "yes" if on_list else "no",
            "pseudonym": command.pseudonym,
            "reason": command.reason,
        },
        subject="monitoring:lists",
    )


def _require_listed(command: DelistPseudonym, context: ActContext) -> Row[Any]:
    row = _listed_row(command, context)
    if row is None or row.delisted_on is not None:
        raise NotFound(thing=command.kind, value=command.pseudonym)
    return row


def _ask_delisting(command: DelistPseudonym, context: ActContext) -> Ask:
    """A second person of the supervisor: what is off the list is looked for no more."""
    _require_listed(command, context)
    return second_person(context, "monitoring:lists")


@act(capacities=[SUPERVISES], approvals=_ask_delisting, confidential=True)
def delist_pseudonym(command: DelistPseudonym, context: ActContext) -> Result:
    """Take a pseudonym off the list.  Refuses `NotFound`."""
    row = _require_listed(command, context)
    _note_listed(command, context, on_list=False)
    key = {"programme": context.programme, "kind": row.kind, "pseudonym": row.pseudonym}
    context.uow.connection.execute(
        listed.update().where(_is(key)).values(delisted_on=context.business_date.isoformat())
    )
    return {"kind": command.kind, "pseudonym": command.pseudonym, "listed": False}
