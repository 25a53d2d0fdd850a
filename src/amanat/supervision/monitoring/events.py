"""What the journal says of monitoring: all of it confidential.

An entry names no subject and no number of alerts: who reads the second log learns that transactions
were looked at, by which scenarios, and that nothing was left out.
"""

from __future__ import annotations

from amanat.store.journal import Audience, declare

_CONFIDENTIAL = Audience.CONFIDENTIAL

RUN_DONE = declare(
    "TransactionsMonitored", ("run", "first_day", "last_day", "plan"), audience=_CONFIDENTIAL
)
RUN_FAILED = declare(
    "MonitoringFailed", ("run", "first_day", "last_day", "plan", "rule"), audience=_CONFIDENTIAL
)
SCENARIO_STATED = declare(
    "ScenarioStated",
    ("scenario", "version", "kind", "digest", "reason"),
    private=("reason",),
    audience=_CONFIDENTIAL,
)
SCENARIO_MOVED = declare(
    "ScenarioMoved",
    ("scenario", "version", "state", "reason"),
    private=("reason",),
    audience=_CONFIDENTIAL,
)
BACKTEST_ASKED = declare(
    "BacktestAsked",
    ("backtest", "scenario", "version", "first_day", "last_day"),
    audience=_CONFIDENTIAL,
)
BACKTEST_ENDED = declare(
    "BacktestEnded", ("backtest", "scenario", "version", "state"), audience=_CONFIDENTIAL
)
PSEUDONYM_LISTED = declare(
    "PseudonymListed",
    ("kind", "listed", "pseudonym", "reason"),
    private=("pseudonym", "reason"),
    audience=_CONFIDENTIAL,
)
TRANSACTION_DECIDED = declare(
    "TransactionDecided", ("transaction", "answer"), private=("answer",), audience=_CONFIDENTIAL
)
