"""What the state owns, where it lies, and the documents that prove it."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

asset = sql.Table(
    "asset",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("kind", sql.String(64), nullable=False, comment="full_faith, gold, oil, land ..."),
    sql.Column("description", sql.String(400), nullable=False),
    sql.Column("place", sql.String(200), nullable=False, comment="where it lies"),
    sql.Column("quantity", sql.String(60), comment="decimal text"),
    sql.Column("unit", sql.String(20)),
    sql.Column("required_evidence", sql.JSON, nullable=False, comment="kinds, besides the title"),
    sql.Column("custodian", sql.String(64), comment="appointed institution"),
    sql.Column("institution", sql.String(64), nullable=False, comment="that registered it"),
    sql.Column("registered_at", sql.String(32), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
)

evidence = sql.Table(
    "evidence",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("asset", sql.String(64), nullable=False),
    sql.Column("kind", sql.String(32), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the document"),
    sql.Column("issuer", sql.String(200), nullable=False, comment="who gave the document"),
    sql.Column("reference", sql.String(200), nullable=False),
    sql.Column("issued_on", sql.String(10), nullable=False),
    sql.Column("expires_on", sql.String(10), comment="last day on which it counts"),
    sql.Column("recorded_at", sql.String(32), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.UniqueConstraint("programme", "asset", "digest"),
)
