"""All scenarios of ours, in the order in which they run."""

from __future__ import annotations

from amanat.supervision.monitoring import (
    scenarios_flows,
    scenarios_graph,
    scenarios_layers,
    scenarios_rows,
)
from amanat.supervision.monitoring.findings import SCENARIOS, Scenario

__all__ = [
    "SCENARIOS",
    "Scenario",
    "scenarios_flows",
    "scenarios_graph",
    "scenarios_layers",
    "scenarios_rows",
]
