"""The tables of the store itself: the journal, its openings, the sizes of the logs.

Every room adds its own tables to `metadata`; a migration makes all of them.
"""

from __future__ import annotations

import sqlalchemy as sql

metadata = sql.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

journal_entry = sql.Table(
    "journal_entry",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    sql.Column("log", sql.String(16), nullable=False, comment="public or confidential"),
    sql.Column("leaf", sql.BigInteger, nullable=False, comment="dense number within its log"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("kind", sql.String(64), nullable=False),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("subject", sql.String(120), comment="what it is about, as room:identifier"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("recorded_at", sql.String(32), nullable=False, comment="UTC, RFC 3339"),
    sql.Column("entry", sql.LargeBinary, nullable=False, comment="the exact RFC 8785 bytes"),
    sql.UniqueConstraint("log", "leaf"),
    sql.Index(None, "programme", "kind"),
    sql.Index(None, "programme", "subject"),
)

journal_opening = sql.Table(
    "journal_opening",
    metadata,
    sql.Column("entry_id", sql.String(36), primary_key=True),
    sql.Column("path", sql.String(120), primary_key=True),
    sql.Column("sealed", sql.LargeBinary, nullable=False, comment="salt and value, encrypted"),
)

probe = sql.Table(
    "store_probe",
    metadata,
    sql.Column("name", sql.String(16), primary_key=True),
    sql.Column("written_at", sql.String(32), nullable=False, comment="UTC; says that writes work"),
)

log_size = sql.Table(
    "log_size",
    metadata,
    sql.Column("log", sql.String(16), primary_key=True),
    sql.Column("size", sql.BigInteger, nullable=False),
)
