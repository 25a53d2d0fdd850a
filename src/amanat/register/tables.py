"""Tables of the register: freezes and forced movements by order, and where each order stands."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

hold = sql.Table(
    "register_hold",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("number", sql.BigInteger, nullable=False, comment="of the order on the ledger"),
    sql.Column("account", sql.String(42), nullable=False),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("nominal", sql.BigInteger, comment="absent: all, also what arrives later"),
    sql.Column("order_hash", sql.String(64), nullable=False, comment="SHA-256 of the paper"),
    sql.Column("reason", sql.String(200), nullable=False),
    sql.Column("state", sql.String(10), nullable=False, comment="requested, held, released..."),
    sql.Column("requested_at", sql.String(32), nullable=False),
    sql.Column("done_at", sql.String(32)),
    sql.Column("released_at", sql.String(32)),
    sql.Column("order_id", sql.String(36)),
    sql.Column("release_order", sql.String(36)),
    sql.Column("failure", sql.Text),
    sql.UniqueConstraint("programme", "number", "isin"),
    sql.Index(None, "programme", "account", "isin", "state"),
)

movement = sql.Table(
    "register_movement",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("number", sql.BigInteger, nullable=False, comment="of the order on the ledger"),
    sql.Column("kind", sql.String(16), nullable=False, comment="forced or reregistration"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("from_account", sql.String(42), nullable=False),
    sql.Column("to_account", sql.String(42), nullable=False),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("order_hash", sql.String(64), nullable=False),
    sql.Column("reason", sql.String(200), nullable=False),
    sql.Column("state", sql.String(10), nullable=False, comment="requested, done or refused"),
    sql.Column("requested_at", sql.String(32), nullable=False),
    sql.Column("done_at", sql.String(32)),
    sql.Column("order_id", sql.String(36)),
    sql.Column("failure", sql.Text),
    sql.UniqueConstraint("programme", "number"),
)

pledge = sql.Table(
    "register_pledge",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("digest", sql.String(64), primary_key=True, comment="by which the ledger knows it"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("account", sql.String(42), nullable=False),
    sql.Column("beneficiary", sql.String(42), nullable=False, comment="whose key releases it"),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("reason", sql.String(200)),
    sql.Column("state", sql.String(10), nullable=False, comment="as the holds above"),
    sql.Column("requested_at", sql.String(32), nullable=False),
    sql.Column("done_at", sql.String(32)),
    sql.Column("released_at", sql.String(32)),
    sql.Column("order_id", sql.String(36)),
    sql.Column("failure", sql.Text),
    sql.Index(None, "programme", "account", "isin", "state"),
)
