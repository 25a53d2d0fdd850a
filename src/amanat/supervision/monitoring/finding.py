"""Turn what a scenario flagged into alerts, the same on every engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pyarrow as pa

from amanat.access.effects import as_json
from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.supervision.monitoring.findings import Findings, Scenario
from amanat.supervision.monitoring.model import Found, as_values, day_of, score_beyond
from amanat.supervision.monitoring.staging import Step

TRANSACTIONS_MAX = 1_000
"""An alert names at most so many transactions: the latest, and among one day's the least ids."""


def found_in(scenario: Scenario, version: str, findings: Findings, step: Step) -> list[Found]:
    """The alerts of one scenario in one step, by day and subject."""
    flags = step.engine.fetch(findings.flags)
    if not flags.num_rows:
        return []
    columns = ["subject", "day", "id", "file", "of"]
    members = _by_alert(step.engine.fetch(findings.members.select(*columns)))
    alerts = []
    for row in flags.to_pylist():
        named = members[(row["subject"], row["day"])]
        alerts.append(
            Found(
                scenario=scenario.code,
                version=version,
                subject=row["subject"],
                day=day_of(row["day"]),
                score=score_beyond(int(row["measure"]), int(row["limit"])),
                values=as_values(row, scenario.figures) | {"named_of": len(named)},
                transactions=tuple(sorted(one for _of, one, _file in named[:TRANSACTIONS_MAX])),
                files=tuple(sorted({file for _of, _one, file in named})),
            )
        )
    return sorted(alerts, key=lambda one: (one.day, one.subject))


def _by_alert(members: pa.Table) -> Mapping[tuple[int, int], list[tuple[int, int, int]]]:
    grouped: defaultdict[tuple[int, int], set[tuple[int, int, int]]] = defaultdict(set)
    columns = [members.column(name).to_pylist() for name in ("subject", "day", "of", "id", "file")]
    for subject, day, of, one, file in zip(*columns, strict=True):
        grouped[(subject, day)].add((-of, one, file))
    ordered: defaultdict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
    for key, rows in grouped.items():
        ordered[key] = sorted(rows)
    return ordered


def explained(
    scenario: Scenario, values: Mapping[str, int], parameters: Any, currency: str
) -> dict[str, Any]:
    """The alert in words, as JSON of a message key and typed arguments."""
    stated: dict[str, Any] = dict(values)
    for one in fields(parameters):
        stated.setdefault(one.name, getattr(parameters, one.name))
    typed = {
        name: Money(value, currency) if name.endswith("_minor") else value
        for name, value in stated.items()
    }
    typed |= {"threshold": typed.get("threshold_minor"), "unit": typed.get("unit_minor")}
    message: Message = scenario.says(typed)
    return as_json([message])[0]
