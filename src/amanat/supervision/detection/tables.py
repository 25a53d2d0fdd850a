"""Trained models by digest, and what each says of alerts.  Nothing here is ever deleted."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

detection_model = sql.Table(
    "supervision_model",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("digest", sql.String(64), primary_key=True, comment="SHA-256 of its content"),
    sql.Column("state", sql.String(8), nullable=False, comment="kept, live or retired"),
    sql.Column("content", sql.LargeBinary, nullable=False, comment="gzip of JSON"),
    sql.Column("trained", sql.JSON, nullable=False, comment="split, figures, settings"),
    sql.Column("kept_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("live_from", sql.String(10), comment="business date"),
    sql.Column("retired_from", sql.String(10), comment="business date"),
    sql.Column("reason", sql.Text, nullable=False, comment="of the last change of its state"),
    sql.Column("entry", sql.String(36), nullable=False),
)

alert_score = sql.Table(
    "supervision_alert_score",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("alert", sql.String(32), primary_key=True),
    sql.Column("model", sql.String(64), primary_key=True, comment="digest"),
    sql.Column("score", sql.String(8), comment="0 to 1; null: no movement between accounts"),
    sql.Column("movement", sql.BigInteger, comment="the transaction with that score"),
    sql.Column("movements", sql.Integer, nullable=False, comment="so many of it were scored"),
    sql.Column("reasons", sql.JSON, nullable=False, comment="measure, value, effect"),
    sql.Column("until", sql.String(10), nullable=False, comment="last day that was looked at"),
    sql.Column("scored_at", sql.String(32), nullable=False, comment="UTC"),
)
