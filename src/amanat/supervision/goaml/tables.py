"""Reports to the FIU: drafts, what was submitted, what the FIU answered, what was handed over.

What a report says of people is sealed under the installation's key for openings, bound to its row.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata
from amanat.supervision.cases.tables import authorship, programme_column

report = sql.Table(
    "goaml_report",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("number", sql.String(16), nullable=False, comment="for people: RPT-2026-0001"),
    sql.Column("case", sql.String(36), nullable=False),
    sql.Column("report_code", sql.String(12), nullable=False),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False, comment="submissions so far"),
    sql.Column("content", sql.LargeBinary, nullable=False, comment="sealed JSON"),
    sql.Column("oldest_day", sql.String(10), comment="of its transactions; null: an activity"),
    sql.Column("answers", sql.String(36), comment="the FIU's request for information behind it"),
    *authorship(),
    sql.UniqueConstraint("programme", "institution", "number"),
    sql.Index(None, "programme", "institution", "state"),
)

submission = sql.Table(
    "goaml_submission",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("report", sql.String(36), nullable=False),
    sql.Column("attempt", sql.Integer, nullable=False, comment="from 1"),
    sql.Column("reference", sql.String(255), nullable=False, comment="entity_reference"),
    sql.Column("registration", sql.String(64), nullable=False, comment="of the entity on goAML"),
    sql.Column("entity_name", sql.String(200), nullable=False),
    sql.Column("former", sql.String(264), comment="who reported when a transaction was older"),
    sql.Column("xml", sql.LargeBinary, nullable=False, comment="sealed"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the XML"),
    sql.Column("approved_by", sql.String(200), nullable=False),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("fiu_number", sql.String(120), comment="of the acknowledgement"),
    sql.Column("reasons", sql.JSON, comment="of a rejection"),
    sql.Column("answered_on", sql.String(10)),
    *authorship(),
    sql.UniqueConstraint("report", "attempt"),
    sql.UniqueConstraint("programme", "reference"),
    sql.Index(None, "programme", "recorded_on"),
)

handed_over = sql.Table(
    "goaml_handed_over",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("report", sql.String(36), nullable=False),
    sql.Column("from_registration", sql.String(64), nullable=False),
    sql.Column("from_name", sql.String(200), nullable=False),
    sql.Column("to_registration", sql.String(64), nullable=False),
    sql.Column("to_name", sql.String(200), nullable=False),
    sql.Column("state", sql.String(12), nullable=False, comment="of the report on that day"),
    *authorship(),
    sql.UniqueConstraint("report", "to_registration"),
)
