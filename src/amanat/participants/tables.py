"""What is known of participants: classes and their authorities, levels, accounts, tax standing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.store.tables import metadata


def life() -> list[sql.Column[Any]]:
    """The columns of a row whose effect waits for the ledger: when it was asked, and what came."""
    return [
        sql.Column("order_id", sql.String(36), comment="order to the chain"),
        sql.Column("requested_at", sql.String(32), nullable=False),
        sql.Column("done_at", sql.String(32)),
        sql.Column("refused_at", sql.String(32)),
        sql.Column("refusal", sql.String(400), comment="what the ledger answered"),
        sql.Column("entry", sql.String(36), comment="journal entry that requested it"),
    ]


participant_class = sql.Table(
    "participant_class",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True, comment="bank, fund, broker ..."),
    sql.Column("number", sql.Integer, nullable=False, comment="on the chain"),
    sql.Column("authority", sql.String(64), nullable=False, comment="institution that writes it"),
    sql.UniqueConstraint("programme", "number"),
)

participant = sql.Table(
    "participant",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True, comment="of its institution"),
    sql.Column("number", sql.Integer, nullable=False, comment="on the chain, from 1"),
    sql.Column("participant_class", sql.String(64), nullable=False),
    sql.Column("country", sql.String(2), nullable=False, comment="ISO 3166-1 alpha-2"),
    sql.Column("lei", sql.String(20)),
    sql.Column("level", sql.String(16), comment="as the ledger has it; null before admission"),
    sql.Column("level_requested", sql.String(16), comment="while an order is under way"),
    sql.Column("valid_until", sql.String(10), comment="as the ledger has it"),
    sql.Column("valid_until_requested", sql.String(10)),
    *life(),
    sql.UniqueConstraint("programme", "number"),
)

participant_change = sql.Table(
    "participant_change",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("participant", sql.String(64), nullable=False),
    sql.Column("change", sql.String(16), nullable=False, comment="admission, renewal or level"),
    sql.Column("level", sql.String(16), nullable=False, comment="the level asked for"),
    sql.Column("valid_until", sql.String(10), nullable=False, comment="the validity asked for"),
    sql.Column("reason", sql.String(400)),
    *life(),
    sql.Index(None, "programme", "participant"),
    sql.Index(None, "order_id"),
)

account = sql.Table(
    "account",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("address", sql.String(42), primary_key=True, comment="lower case"),
    sql.Column("participant", sql.String(64), nullable=False),
    sql.Column("kind", sql.String(16), nullable=False),
    sql.Column("label", sql.String(64), nullable=False, comment="short name, never the holder's"),
    sql.Column("holder", sql.String(200), comment="client's name: private, never on the chain"),
    sql.Column("holder_class", sql.String(64), nullable=False, comment="class for tax"),
    sql.Column("tax_residency", sql.String(2), nullable=False, comment="ISO 3166-1 alpha-2"),
    sql.Column("closed_at", sql.String(32), comment="when the ledger closed it for good"),
    *life(),
    sql.UniqueConstraint("programme", "participant", "label"),
    sql.Index(None, "order_id"),
)

tax_status = sql.Table(
    "tax_status",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="later ones sort after earlier"),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("address", sql.String(42), nullable=False, comment="the holder's account"),
    sql.Column("holder_class", sql.String(64), nullable=False),
    sql.Column("active_taxpayer", sql.Boolean, nullable=False),
    sql.Column("valid_from", sql.String(10), nullable=False),
    sql.Column("valid_to", sql.String(10)),
    sql.Column("tax_residency", sql.String(2), nullable=False),
    sql.Column("certificate", sql.String(16), comment="exemption or reduction"),
    sql.Column("certificate_number", sql.String(64)),
    sql.Column("reduced_rate", sql.String(20), comment="per cent, decimal text"),
    sql.Column("source", sql.String(200), nullable=False),
    sql.Column("recorded_at", sql.String(32), nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
    sql.Index(None, "programme", "address"),
)
