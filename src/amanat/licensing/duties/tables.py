"""How conditions and duties are met or broken, incidents, and the notifications about all of it."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.licensing.columns import authorship, of_provider, programme_column, row_column
from amanat.store.tables import metadata

condition_evidence = sql.Table(
    "licensing_condition_evidence",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("condition", sql.String(36), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("document", sql.String(64), comment="SHA-256"),
    sql.Column("accepted", sql.Boolean, comment="null: not looked at yet"),
    sql.Column("finding", sql.Text, comment="why it was accepted or not"),
    sql.Column("found_on", sql.String(10)),
    sql.Column("found_entry", sql.String(36)),
    *authorship(),
    sql.Index(None, "condition"),
)

breach = sql.Table(
    "licensing_breach",
    metadata,
    row_column(),
    programme_column(),
    of_provider(),
    sql.Column("kind", sql.String(16), nullable=False, comment="condition or duty"),
    sql.Column("thing", sql.String(80), nullable=False, comment="condition, or duty@period_end"),
    sql.Column("due_on", sql.String(10), nullable=False),
    sql.Column("consequence", sql.String(200), comment="as the condition says"),
    sql.Column("reason", sql.Text, nullable=False),
    *authorship(),
    sql.UniqueConstraint("programme", "thing", "provider"),
    sql.Index(None, "programme", "provider"),
)

incident = sql.Table(
    "licensing_incident",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("number", sql.String(24), nullable=False, comment="for people: INC-2026-0001"),
    of_provider(),
    sql.Column("kind", sql.String(24), nullable=False),
    sql.Column("detected_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("due_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("late", sql.Boolean, nullable=False),
    sql.Column("clients", sql.Integer, nullable=False, comment="who are affected"),
    sql.Column("text", sql.Text, nullable=False),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "provider"),
)

net_capital = sql.Table(
    "licensing_net_capital",
    metadata,
    row_column("the last one of a day counts"),
    programme_column(),
    of_provider(),
    sql.Column("as_of", sql.String(10), nullable=False),
    sql.Column("amount", sql.BigInteger, nullable=False, comment="minor units"),
    sql.Column("required", sql.BigInteger, nullable=False, comment="minor units, on that day"),
    sql.Column("currency", sql.String(3), nullable=False),
    sql.Column("document", sql.String(64), comment="SHA-256"),
    *authorship(),
    sql.Index(None, "programme", "provider", "as_of"),
)

mail_address = sql.Table(
    "licensing_mail_address",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("person", sql.String(64), primary_key=True),
    sql.Column("address", sql.String(254), nullable=False),
    sql.Column("language", sql.String(2), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
)

notification = sql.Table(
    "licensing_notification",
    metadata,
    row_column("also in the mail's Message-ID"),
    programme_column(),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("key", sql.String(64), nullable=False, comment="what it is about, and how near"),
    sql.Column("message", sql.JSON, nullable=False, comment="key and typed arguments"),
    sql.Column("due_on", sql.String(10), nullable=False),
    sql.Column("created_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("next_at", sql.String(32), comment="UTC; null: not to be sent any more"),
    sql.Column("sent_at", sql.String(32), comment="UTC; the mail server took it"),
    sql.Column("failure", sql.String(400)),
    sql.UniqueConstraint("programme", "person", "key"),
    sql.Index(None, "next_at"),
)
