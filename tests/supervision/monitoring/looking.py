"""Runs one scenario over a few rows without a database, on any engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from amanat.jurisdictions.supervision import load_supervision
from amanat.supervision.monitoring.covering import check_coverage, coverage_of, input_of
from amanat.supervision.monitoring.engines import DuckEngine, Engine
from amanat.supervision.monitoring.finding import flagged_in, found_in
from amanat.supervision.monitoring.findings import Scenario
from amanat.supervision.monitoring.model import (
    NOTHING,
    Classed,
    Found,
    SourceFile,
    Tally,
    day_number,
)
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.staging import Lists, Pieces

TABLE = load_supervision("pk")
PARAMETERS_ON = date(2025, 6, 1)


def parameters_of(code: str) -> Any:
    """Pakistan's, as tests use them."""
    return TABLE.on(code, PARAMETERS_ON).parameters


def look(
    engine: Engine,
    scenario: Scenario,
    parameters: Any,
    files: Sequence[SourceFile],
    first: date,
    last: date,
    *,
    days_per_step: int = 1_000,
    lists: Lists | None = None,
) -> tuple[list[Found], dict[Classed, Tally]]:
    """Its alerts and the classes of all rows, with the proof of every step checked."""
    pieces = Pieces(engine, files, scenario.lookback(parameters), scenario.history(parameters))
    alerts: list[Found] = []
    classed: dict[Classed, Tally] = {}
    begin = first
    while begin <= last:
        end = min(last, begin + timedelta(days=days_per_step - 1))
        step = pieces.step(day_number(begin), day_number(end), lists or Lists())
        expected = input_of(step)
        findings = scenario.judge(step, parameters)
        covered = coverage_of(scenario.code, findings, step)
        check_coverage(
            scenario.code, covered, expected, findings, step, {one.number: one for one in files}
        )
        alerts += found_in(scenario, "v", flagged_in(findings, step))
        for one in covered:
            for name, tally in one.classed.items():
                classed[name] = classed.get(name, NOTHING) + tally
        step.end()
        begin = end + timedelta(days=1)
    pieces.end()
    return alerts, classed


def duck(folder: Path) -> DuckEngine:
    """DuckDB with little memory."""
    return DuckEngine(folder / "spill", "256MB", 1)


def all_codes() -> list[str]:
    """Every scenario of ours."""
    return list(SCENARIOS)
