"""What was published: the register's changes in their chain, credentials, and the keys for them."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.licensing.columns import of_provider
from amanat.store.tables import metadata

register_head = sql.Table(
    "provider_register",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("size", sql.Integer, nullable=False, comment="number of the last change"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the last change"),
    sql.Column("at", sql.String(32), nullable=False, comment="UTC, of the last change"),
    sql.Column("day", sql.String(10), nullable=False, comment="business date of it"),
)

register_change = sql.Table(
    "provider_register_change",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True, comment="dense, from 1"),
    sql.Column("entry", sql.String(36), nullable=False, comment="id of the journal entry"),
    sql.Column("subject", sql.String(64), nullable=False, comment="provider, or warning"),
    sql.Column("kind", sql.String(24), nullable=False),
    sql.Column("day", sql.String(10), nullable=False, comment="business date"),
    sql.Column("warns", sql.Boolean, nullable=False, comment="it is a warning"),
    sql.Column("latest", sql.Boolean, nullable=False, comment="no later one of its subject"),
    sql.Column("name", sql.String(2000), nullable=False, comment="small letters, to sort by"),
    sql.Column("sought", sql.Text, nullable=False, comment="small letters, to be searched"),
    sql.Column("status", sql.String(40), comment="public status, of a provider"),
    sql.Column("categories", sql.String(400), comment="|exchange|custody|, open to clients"),
    sql.Column("status_ends", sql.String(10), comment="day on which the status becomes another"),
    sql.Column("content", sql.LargeBinary, nullable=False, comment="canonical bytes of the change"),
    sql.Index(None, "programme", "subject", "number"),
    sql.Index(None, "programme", "latest", "warns", "name"),
    sql.Index(None, "programme", "day"),
)

credential_key = sql.Table(
    "licence_credential_key",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("kid", sql.String(64), primary_key=True, comment="RFC 7638 thumbprint"),
    sql.Column("jwk", sql.JSON, nullable=False, comment="the public key"),
    sql.Column("certificate", sql.LargeBinary, nullable=False, comment="X.509, DER"),
    sql.Column("issuer", sql.String(400), nullable=False, comment="iss of what it signs"),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("name", sql.String(64), nullable=False, comment="in keystore or device"),
    sql.Column("place", sql.String(120), nullable=False, comment="keystore, or device LABEL"),
    sql.Column("created_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("retired_at", sql.String(32), comment="UTC; from then on it signs nothing"),
    sql.Column("revoked_at", sql.String(32), comment="UTC; what it signed is void"),
    sql.Column("reason", sql.String(400)),
)

credential = sql.Table(
    "licence_credential",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True, comment="index in the status lists"),
    of_provider(),
    sql.Column("permission", sql.String(32), nullable=False, comment="its number"),
    sql.Column("kid", sql.String(64), nullable=False),
    sql.Column("token", sql.Text, nullable=False, comment="as issued, with all disclosures"),
    sql.Column("issued_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("expires_at", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("superseded_at", sql.String(32), comment="UTC; another took its place"),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "programme", "provider"),
    sql.Index(None, "programme", "permission"),
)
