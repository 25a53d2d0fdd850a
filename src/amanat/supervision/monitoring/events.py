"""What the journal says of monitoring: all of it confidential.

A run names no subject and no number of alerts: who reads the second log learns that transactions
were looked at, by which scenarios, and that nothing was left out.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

_CONFIDENTIAL = Audience.CONFIDENTIAL

RUN_DONE = declare(
    "TransactionsMonitored",
    ("run", "first_day", "last_day", "plan"),
    audience=_CONFIDENTIAL,
)
RUN_FAILED = declare(
    "MonitoringFailed", ("run", "first_day", "last_day", "plan", "rule"), audience=_CONFIDENTIAL
)
SCENARIO_STATED = declare(
    "ScenarioStated", ("code", "version", "kind", "digest"), audience=_CONFIDENTIAL
)
SCENARIO_MOVED = declare(
    "ScenarioMoved", ("code", "version", "state", "reason"), audience=_CONFIDENTIAL
)
LISTED = declare(
    "PseudonymListed",
    ("kind", "listed", "digest"),
    private=(),
    audience=_CONFIDENTIAL,
)
