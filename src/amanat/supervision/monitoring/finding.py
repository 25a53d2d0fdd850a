"""Turn what a scenario flagged into alerts, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from amanat.access.effects import as_json
from amanat.core.errors import Corrupt
from amanat.core.messages import Message
from amanat.core.money import Money
from amanat.supervision.monitoring.findings import Findings, Scenario
from amanat.supervision.monitoring.model import Found, as_values, day_of, score_beyond
from amanat.supervision.monitoring.staging import Step

TRANSACTIONS_MAX = 1_000
"""An alert names at most so many transactions: the latest, and among one day's the least ids."""


class MembersMissing(Corrupt):
    """Every alert names the transactions that it rests on."""


@dataclass(frozen=True, slots=True)
class Flagged:
    """What a scenario flagged, away from the engine."""

    flags: pa.Table
    """As `Findings.flags`."""
    members: pa.Table | None
    """As `Findings.members`; None where nothing was flagged."""


_MEMBERS = ("subject", "day", "id", "file", "of")


def flagged_in(findings: Findings, step: Step) -> Flagged:
    """Fetch what a scenario flagged in one step."""
    flags = step.engine.fetch(findings.flags)
    if not flags.num_rows:
        return Flagged(flags, None)
    return Flagged(flags, step.engine.fetch(findings.members.select(*_MEMBERS)))


def found_in(scenario: Scenario, version: str, flagged: Flagged) -> list[Found]:
    """The alerts of one scenario in one step, by subject and day.

    Raises `MembersMissing`: a flag without transactions is a mistake in the scenario.
    """
    if flagged.members is None:
        return []
    members = _by_alert(flagged.members)
    alerts = []
    for row in flagged.flags.to_pylist():
        named = members.get((row["subject"], row["day"]))
        if named is None:
            raise MembersMissing(f"{scenario.code} flags {row['subject']} without a transaction")
        transactions, files, of_all = named
        alerts.append(
            Found(
                scenario=scenario.code,
                version=version,
                subject=row["subject"],
                day=day_of(row["day"]),
                score=score_beyond(int(row["measure"]), int(row["limit"])),
                values=as_values(row, scenario.figures) | {"named_of": of_all},
                transactions=transactions,
                files=files,
            )
        )
    return sorted(alerts, key=lambda one: (one.subject, one.day))


Named = tuple[tuple[int, ...], tuple[int, ...], int]
"""Ids (the latest ones), numbers of files, and how many ids there are."""


def _by_alert(members: pa.Table) -> dict[tuple[int, int], Named]:
    """By subject and day; each transaction once, the latest first where there are too many."""
    subject, day, ids, file, of = (members.column(name).to_numpy() for name in _MEMBERS)
    order = np.lexsort((ids, -of.astype(np.int64), day, subject))
    subject, day, ids, file = subject[order], day[order], ids[order], file[order]
    if not len(ids):
        return {}
    same = (subject[1:] == subject[:-1]) & (day[1:] == day[:-1])
    fresh = np.concatenate(([True], ~(same & (ids[1:] == ids[:-1]))))
    subject, day, ids, file = subject[fresh], day[fresh], ids[fresh], file[fresh]
    begins = np.flatnonzero(
        np.concatenate(([True], (subject[1:] != subject[:-1]) | (day[1:] != day[:-1])))
    )
    ends = np.append(begins[1:], len(ids))
    keys = zip(subject[begins].tolist(), day[begins].tolist(), strict=True)
    all_ids, all_files = ids.tolist(), file.tolist()
    return {
        key: (
            tuple(sorted(all_ids[begin : min(end, begin + TRANSACTIONS_MAX)])),
            tuple(sorted(set(all_files[begin:end]))),
            end - begin,
        )
        for key, begin, end in zip(keys, begins.tolist(), ends.tolist(), strict=True)
    }


def explaining(scenario: Scenario, parameters: Any, currency: str) -> Explains:
    """Says alerts of one scenario in words: figures in, JSON of key and typed arguments out."""
    fixed = _typed(_stated(parameters), currency)
    fixed |= {"threshold": fixed.get("threshold_minor"), "unit": fixed.get("unit_minor")}

    def explain(values: Mapping[str, int]) -> dict[str, Any]:
        message: Message = scenario.says(fixed | _typed(values, currency))
        return as_json([message])[0]

    return explain


Explains = Callable[[Mapping[str, int]], dict[str, Any]]


def _stated(parameters: Any) -> dict[str, Any]:
    """Parameters by name; a composed rule says its own."""
    if not is_dataclass(parameters):
        return {}
    return {one.name: getattr(parameters, one.name) for one in fields(parameters)}


def _typed(stated: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        name: Money(value, currency) if name.endswith("_minor") else value
        for name, value in stated.items()
    }
