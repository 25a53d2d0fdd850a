"""Who may act: institutions, their people, tokens; proposals and what became of each request."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

institution = sql.Table(
    "institution",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("number", sql.Integer, nullable=False, comment="on the chain; 0 where it has none"),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("capacities", sql.JSON, nullable=False, comment="sorted list of words"),
)

person = sql.Table(
    "person",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("role", sql.String(16), nullable=False),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("address", sql.String(42), comment="of the key with which they sign, small letters"),
    sql.Column("active", sql.Boolean, nullable=False, default=True),
    sql.ForeignKeyConstraint(
        ["programme", "institution"], ["institution.programme", "institution.code"]
    ),
    sql.UniqueConstraint("programme", "address"),
)

access_token = sql.Table(
    "access_token",
    metadata,
    sql.Column("hash", sql.String(64), primary_key=True, comment="SHA-256 of the token"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("issued_at", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False),
    sql.Column("revoked_at", sql.String(32)),
    sql.ForeignKeyConstraint(["programme", "person"], ["person.programme", "person.code"]),
)

proposal = sql.Table(
    "proposal",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("act", sql.String(64), nullable=False),
    sql.Column("command", sql.LargeBinary, nullable=False, comment="canonical bytes"),
    sql.Column("memo", sql.LargeBinary, nullable=False, comment="what the act fixed beforehand"),
    sql.Column("digest", sql.String(64), nullable=False, comment="what the approvers approve"),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("person", sql.String(64), nullable=False),
    sql.Column("subject", sql.String(120)),
    sql.Column("proposed_at", sql.String(32), nullable=False),
    sql.Column("expires_at", sql.String(32), nullable=False),
    sql.Column("state", sql.String(12), nullable=False, comment="open, carried_out, withdrawn"),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry ActProposed"),
    sql.Column("result", sql.LargeBinary),
    sql.Index(None, "programme", "state"),
)

requirement = sql.Table(
    "proposal_requirement",
    metadata,
    sql.Column("proposal", sql.ForeignKey("proposal.id"), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("capacity", sql.String(64), nullable=False),
    sql.Column("signs", sql.String(64), comment="digest to sign for the chain, hexadecimal"),
    sql.Column("key", sql.String(42), comment="account that must sign; else the person's own key"),
    sql.Column("shows", sql.JSON, comment="the typed data behind the digest"),
    sql.Column("proposer_counts", sql.Boolean, nullable=False, comment="the proposer may meet it"),
    sql.Column("person", sql.String(64), comment="who met it"),
    sql.Column("address", sql.String(42)),
    sql.Column("signature", sql.String(132)),
    sql.Column("met_at", sql.String(32)),
)

idempotency = sql.Table(
    "idempotency",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("institution", sql.String(64), primary_key=True),
    sql.Column("key", sql.String(120), primary_key=True),
    sql.Column("request", sql.String(64), nullable=False, comment="digest of the command"),
    sql.Column("outcome", sql.LargeBinary, nullable=False, comment="canonical bytes"),
)
