"""What acts of monitoring will do, said before they are sent or approved."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message
from amanat.supervision.monitoring.acts import stated_parameters, supervision_of
from amanat.supervision.monitoring.commands import (
    AdoptScenario,
    ChangeScenario,
    ComposeScenario,
    DelistPseudonym,
    RetireScenario,
)
from amanat.supervision.monitoring.composed import rule_from
from amanat.supervision.monitoring.planning import (
    COMPOSED,
    in_force,
    plain_parameters,
    versions_of,
)
from amanat.supervision.monitoring.records import backtests_of, version_row
from amanat.supervision.monitoring.tables import scenario_version
from amanat.supervision.monitoring.wording import changes_in_words, rule_in_words


@effects(ComposeScenario)
def scenario_composed(command: ComposeScenario, seen: Seen) -> Iterator[Message]:
    """What the rule looks for, in words."""
    yield from rule_in_words(rule_from(command.rule), supervision_of(seen).currency)
    yield Message("As a draft it looks at no transaction until it was back-tested")


@effects(ChangeScenario)
def scenario_changed(command: ChangeScenario, seen: Seen) -> Iterator[Message]:
    """What would differ from the parameters in force."""
    after = plain_parameters(stated_parameters(command.scenario, command.parameters))
    yield from _changes(command.scenario, after, seen)
    yield Message("As a draft it looks at no transaction until it was back-tested")


def _changes(scenario: str, after: Mapping[str, Any], seen: Seen) -> Iterator[Message]:
    table = supervision_of(seen)
    versions = versions_of(seen.connection, seen.programme)
    live = {
        one.scenario.code: plain_parameters(one.parameters)
        for one in in_force(versions, table, seen.business_date)
        if one.state == "live"
    }
    yield from changes_in_words(live[scenario], after, table.currency)


@effects(AdoptScenario)
def scenario_adopted(command: AdoptScenario, seen: Seen) -> Iterator[Message]:
    """From when it is live, what it looks for, what it found on history, and what ends."""
    row = version_row(seen.connection, seen.programme, command.scenario, command.version)
    yield Message(
        "Version {version} of {scenario} is live from {day}",
        version=row.version,
        scenario=row.code,
        day=seen.business_date + timedelta(days=1),
    )
    if row.kind == COMPOSED:
        rule = rule_from(json.dumps(row.content))
        yield from rule_in_words(rule, supervision_of(seen).currency)
    else:
        yield from _changes(row.code, row.content, seen)
    for tried in backtests_of(seen.connection, seen.programme, row.code, row.version)[:1]:
        yield Message(
            "On history it had {alerts} alerts, and lost {lost} that the live version has",
            alerts=tried.alerts,
            lost=tried.lost,
        )
    table = scenario_version
    before = seen.connection.execute(
        sql.select(table.c.version).where(
            table.c.programme == seen.programme,
            table.c.code == command.scenario,
            table.c.live_from.is_not(None),
            table.c.retired_from.is_(None),
        )
    ).scalar_one_or_none()
    if before is not None:
        yield Message("Version {version} is retired", version=before)


@effects(RetireScenario)
def scenario_retired(command: RetireScenario, seen: Seen) -> Iterator[Message]:
    """From when it looks at nothing."""
    row = version_row(seen.connection, seen.programme, command.scenario, command.version)
    yield Message(
        "Version {version} of {scenario} looks at no transaction from {day}",
        version=row.version,
        scenario=row.code,
        day=seen.business_date + timedelta(days=1),
    )


@effects(DelistPseudonym)
def pseudonym_delisted(command: DelistPseudonym, seen: Seen) -> Iterator[Message]:
    """What is no longer looked for."""
    yield Message(
        "The {kind} {pseudonym} is looked for no more from {day}",
        kind=command.kind,
        pseudonym=command.pseudonym,
        day=seen.business_date,
    )
