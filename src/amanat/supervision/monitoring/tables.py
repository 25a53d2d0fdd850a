"""Scenarios with their history, runs with the proof of what they covered, alerts, lists, decisions.

An alert is never changed but in its state, and never deleted.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata
from amanat.supervision.monitoring.model import rank_of


def _programme() -> sql.Column[str]:
    return sql.Column("programme", sql.String(64), nullable=False)


scenario_version = sql.Table(
    "supervision_scenario",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("version", sql.String(16), primary_key=True, comment="dense per code: v1, v2, …"),
    sql.Column("kind", sql.String(12), nullable=False, comment="parameters or composed"),
    sql.Column("content", sql.JSON, nullable=False, comment="parameters, or the rule"),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("state", sql.String(12), nullable=False, comment="draft, shadow, live or retired"),
    sql.Column("proposed_by", sql.String(64), nullable=False),
    sql.Column("proposed_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("shadow_from", sql.String(10), comment="business date"),
    sql.Column("live_from", sql.String(10), comment="business date"),
    sql.Column("retired_from", sql.String(10), comment="business date"),
    sql.Column("approved_by", sql.String(64), comment="the second person"),
    sql.Column("entry", sql.String(36), nullable=False),
)

backtest = sql.Table(
    "supervision_backtest",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    _programme(),
    sql.Column("code", sql.String(64), nullable=False),
    sql.Column("version", sql.String(16), nullable=False),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("transactions", sql.BigInteger, nullable=False),
    sql.Column("alerts", sql.BigInteger, nullable=False),
    sql.Column("subjects", sql.BigInteger, nullable=False),
    sql.Column("shared", sql.BigInteger, nullable=False, comment="alerts that live has too"),
    sql.Column("lost", sql.BigInteger, nullable=False, comment="alerts that only live has"),
    sql.Column("classed", sql.JSON, nullable=False, comment="rows by class"),
    sql.Column("run_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Index(None, "programme", "code", "version"),
)

backtest_asked = sql.Table(
    "supervision_backtest_asked",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7; that of its result too"),
    _programme(),
    sql.Column("code", sql.String(64), nullable=False),
    sql.Column("version", sql.String(16), nullable=False),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column(
        "state", sql.String(8), nullable=False, comment="requested, running, done or failed"
    ),
    sql.Column("plan", sql.String(64), comment="digest of files and scenarios, once it runs"),
    sql.Column("done_to", sql.String(10), comment="last day of the steps that are done"),
    sql.Column("found", sql.JSON, comment="of the steps that are done, until all are"),
    sql.Column("failure", sql.JSON, comment="message of why it failed"),
    sql.Column("asked_by", sql.String(64), nullable=False),
    sql.Column("asked_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("started_at", sql.String(32), comment="UTC"),
    sql.Column("ended_at", sql.String(32), comment="UTC"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "programme", "code"),
    sql.Index(None, "programme", "state"),
)

run = sql.Table(
    "supervision_run",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    _programme(),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("plan", sql.String(64), nullable=False, comment="digest of files and scenarios"),
    sql.Column("scenarios", sql.JSON, nullable=False, comment="code, version and state of each"),
    sql.Column("state", sql.String(8), nullable=False, comment="running, done or failed"),
    sql.Column("engine", sql.String(8), nullable=False, comment="duckdb or spark"),
    sql.Column("transactions", sql.BigInteger, nullable=False, comment="of the days, once done"),
    sql.Column("failure", sql.JSON, comment="message of why it failed"),
    sql.Column("started_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("ended_at", sql.String(32), comment="UTC"),
    sql.UniqueConstraint("programme", "first_day", "last_day", "plan"),
)

run_step = sql.Table(
    "supervision_run_step",
    metadata,
    sql.Column("run", sql.String(36), primary_key=True),
    sql.Column("scenario", sql.String(64), primary_key=True),
    sql.Column("version", sql.String(16), primary_key=True),
    sql.Column("first_day", sql.String(10), primary_key=True),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("alerts", sql.BigInteger, nullable=False),
    sql.Column("done_at", sql.String(32), nullable=False, comment="UTC"),
)

coverage = sql.Table(
    "supervision_coverage",
    metadata,
    sql.Column("run", sql.String(36), primary_key=True),
    sql.Column("scenario", sql.String(64), primary_key=True),
    sql.Column("version", sql.String(16), primary_key=True),
    sql.Column("first_day", sql.String(10), primary_key=True, comment="of the step"),
    sql.Column("source", sql.String(64), primary_key=True, comment="the return"),
    sql.Column("classed", sql.String(24), primary_key=True, comment="or input: what was read"),
    sql.Column("rows", sql.BigInteger, nullable=False),
    sql.Column("id_sum", sql.String(40), nullable=False, comment="modulo 2^128"),
)

alert = sql.Table(
    "supervision_alert",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(32), primary_key=True, comment="its day, digest of what was found"),
    sql.Column("scenario", sql.String(64), nullable=False),
    sql.Column("version", sql.String(16), nullable=False),
    sql.Column("run", sql.String(36), nullable=False, comment="that found it first"),
    sql.Column("subject", sql.String(60), nullable=False, comment="party: or account:, pseudonym"),
    sql.Column("exchanges", sql.JSON, nullable=False, comment="whose returns it rests on"),
    sql.Column("day", sql.String(10), nullable=False),
    sql.Column("score", sql.String(8), nullable=False, comment="0 to 1, three decimals"),
    sql.Column("explanation", sql.JSON, nullable=False, comment="message key, typed arguments"),
    sql.Column("transactions", sql.JSON, nullable=False, comment="ids, the latest 1,000"),
    sql.Column("transactions_all", sql.Integer, nullable=False, comment="how many there are"),
    sql.Column("state", sql.String(8), nullable=False, comment="open, shadow or closed"),
    sql.Column("found_at", sql.String(32), nullable=False, comment="UTC"),
    # The scenario's own score orders the queue until a learned one does.
    sql.Column(
        "rank",
        sql.Integer,
        nullable=False,
        default=lambda row: rank_of(row.get_current_parameters()["score"]),
        comment="place in the queue: 10,000 less ten thousand times its score",
    ),
    sql.Index(None, "programme", "subject"),
    sql.Index(None, "programme", "scenario", "version"),
    # Whole pages, counts and their order come from these alone.
    sql.Index(None, "programme", "state", "day", "id", "scenario"),
    sql.Index(None, "programme", "state", "rank", "day", "id"),
    sql.Index(None, "programme", "state", "scenario", "rank", "day", "id"),
)

listed = sql.Table(
    "supervision_listed",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("kind", sql.String(8), primary_key=True, comment="address or party"),
    sql.Column("pseudonym", sql.BigInteger, primary_key=True),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("listed_on", sql.String(10), nullable=False, comment="business date"),
    sql.Column("delisted_on", sql.String(10), comment="business date"),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
)

decision = sql.Table(
    "supervision_decision",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.BigInteger, primary_key=True, comment="transaction_id"),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("reference", sql.String(200), nullable=False),
    sql.Column("asked_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("answer", sql.String(8), nullable=False, comment="allow, review or block"),
    sql.Column("reasons", sql.JSON, nullable=False, comment="messages, typed"),
    sql.Column("transaction", sql.JSON, nullable=False, comment="as it was asked"),
)
