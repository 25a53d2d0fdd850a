"""Returns that were accepted, with their files; and those that were refused, with their errors."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

manifest = sql.Table(
    "supervision_manifest",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="of the return"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of its manifest"),
    sql.Column("sequence", sql.Integer, nullable=False, comment="dense per exchange, from 1"),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("rows", sql.BigInteger, nullable=False, comment="of the stored file"),
    sql.Column("id_sum", sql.String(40), nullable=False, comment="of its ids, modulo 2^128"),
    sql.Column("path", sql.String(200), nullable=False, comment="under the folder of supervision"),
    sql.Column(
        "scope", sql.String(8), nullable=False, comment="period, or a correction: whole, rows"
    ),
    sql.Column("supersedes", sql.String(36), comment="the return that it corrects"),
    sql.Column(
        "reason", sql.Text, comment="of a correction, as the exchange gave it; null: not kept"
    ),
    sql.Column("superseded_by", sql.String(36)),
    sql.Column("received_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("settled_at", sql.String(32), comment="UTC; when all its persons were in the vault"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("received", sql.JSON, nullable=False, comment="rows of each record as received"),
    sql.Column(
        "totals", sql.JSON, comment="control totals of each kind: stated, counted; null: not kept"
    ),
    sql.Column("quality", sql.JSON, nullable=False, comment="parts of its score"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.UniqueConstraint("programme", "exchange", "sequence"),
    sql.UniqueConstraint("programme", "exchange", "digest"),
    sql.Index(None, "programme", "last_day"),
)

refused = sql.Table(
    "supervision_refused_return",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("digest", sql.String(64), comment="of its manifest, where that could be read"),
    sql.Column("sequence", sql.Integer),
    sql.Column("received_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("errors", sql.BigInteger, nullable=False, comment="how many there were"),
    sql.Column(
        "shown", sql.JSON, nullable=False, comment="the first ones, none with a person's data"
    ),
    sql.Column("by_rule", sql.JSON, nullable=False, comment="how many of each rule"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "programme", "exchange"),
)
