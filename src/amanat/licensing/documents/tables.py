"""Documents that were received: whose, what, and how they are called; the content lies in files."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

document = sql.Table(
    "licensing_document",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), primary_key=True, comment="who gave it"),
    sql.Column("digest", sql.String(64), primary_key=True, comment="SHA-256 of its content"),
    sql.Column("name", sql.String(200), nullable=False, comment="as it was first called"),
    sql.Column("size", sql.BigInteger, nullable=False, comment="bytes"),
    sql.Column("media_type", sql.String(80), nullable=False, comment="as its content shows"),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("received_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "digest"),
)
