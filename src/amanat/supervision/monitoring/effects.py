"""What acts of monitoring will do, said before they are approved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sql

from amanat.access.effects import Seen, effects
from amanat.core.messages import Message
from amanat.supervision.monitoring.commands import (
    AdoptScenario,
    DelistPseudonym,
    RetireScenario,
)
from amanat.supervision.monitoring.records import backtests_of, version_row
from amanat.supervision.monitoring.tables import scenario_version


@effects(AdoptScenario)
def scenario_adopted(command: AdoptScenario, seen: Seen) -> Iterator[Message]:
    """From when it is live, what it found on history, and what ends."""
    row = version_row(seen.connection, seen.programme, command.scenario, command.version)
    yield Message(
        "Version {version} of {scenario} is live from {day}",
        version=row.version,
        scenario=row.code,
        day=seen.business_date + timedelta(days=1),
    )
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
