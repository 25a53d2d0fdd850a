"""Tables of servicing: payments, entitlements, dated tax rates and the cost of what is held."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

payment = sql.Table(
    "servicing_payment",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("number", sql.BigInteger, comment="of its run on the ledger, once funded"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("kind", sql.String(12), nullable=False, comment="coupon or redemption"),
    sql.Column("due_date", sql.String(10), nullable=False, comment="by the terms"),
    sql.Column("payment_date", sql.String(10), nullable=False, comment="rolled to business"),
    sql.Column("record_date", sql.String(10), nullable=False),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("holders", sql.Integer, nullable=False),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("gross_paisa", sql.BigInteger, nullable=False),
    sql.Column("tax_paisa", sql.BigInteger, nullable=False),
    sql.Column("net_paisa", sql.BigInteger, nullable=False),
    sql.Column("paid_paisa", sql.BigInteger, nullable=False),
    sql.Column("tax_paid_paisa", sql.BigInteger, nullable=False),
    sql.Column("escrow_paisa", sql.BigInteger, nullable=False, comment="funded, not yet paid"),
    sql.Column("outside_paisa", sql.BigInteger, nullable=False, comment="paid by other systems"),
    sql.Column("outside_chunk", sql.Integer, comment="the first that is listed to be paid outside"),
    sql.Column("outside_digest", sql.String(64), comment="of the list, SHA-256"),
    sql.Column("outside_reference", sql.String(140), comment="what the RTGS confirmed"),
    sql.Column("cursor", sql.Integer, nullable=False, comment="next chunk to ask for"),
    sql.Column("chunks_paid", sql.Integer, nullable=False, comment="as the ledger has it"),
    sql.Column("root", sql.String(64), nullable=False),
    sql.Column("payer", sql.String(42), comment="account that funds"),
    sql.Column("tax_account", sql.String(42)),
    sql.Column("assumed", sql.Boolean, nullable=False, comment="a rate or day is assumed"),
    sql.Column("reason", sql.Text),
    sql.Column("order_id", sql.String(36)),
    sql.Column("funded_on", sql.String(10)),
    sql.Column("completed_on", sql.String(10)),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry that fixed it"),
    sql.UniqueConstraint("programme", "isin", "kind", "due_date"),
    sql.Index(None, "programme", "number"),
)

entitlement = sql.Table(
    "servicing_entitlement",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("payment", sql.String(36), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True, comment="leaf number, from 0"),
    sql.Column("account", sql.String(42), nullable=False),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("holder_class", sql.String(40), nullable=False),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("gross_paisa", sql.BigInteger, nullable=False),
    sql.Column("tax_base_paisa", sql.BigInteger, nullable=False),
    sql.Column("tax_rate", sql.String(16), nullable=False, comment="per cent"),
    sql.Column("tax_basis", sql.String(60), nullable=False, comment="why this rate"),
    sql.Column("tax_source", sql.String(400), nullable=False),
    sql.Column("tax_paisa", sql.BigInteger, nullable=False),
    sql.Column("net_paisa", sql.BigInteger, nullable=False),
    sql.Column("state", sql.String(10), nullable=False, comment="due, paid, escrow, outside"),
    sql.Column("reason", sql.Text),
    sql.Column("paid_on", sql.String(10)),
    sql.Index(None, "programme", "account"),
)

tax_rate = sql.Table(
    "servicing_tax_rate",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    sql.Column("instrument", sql.String(40), nullable=False, comment="government_security ..."),
    sql.Column("holder_classes", sql.JSON, nullable=False),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("active_percent", sql.String(16), nullable=False),
    sql.Column("inactive_percent", sql.String(16), nullable=False),
    sql.Column("final", sql.Boolean, nullable=False),
    sql.Column("source", sql.String(400), nullable=False),
    sql.Column("assumed", sql.Boolean, nullable=False),
    sql.Column("entry", sql.String(36), nullable=False),
)

lot = sql.Table(
    "servicing_lot",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("payment", sql.String(36), primary_key=True),
    sql.Column("position", sql.Integer, primary_key=True, comment="of the entitlement"),
    sql.Column("part", sql.Integer, primary_key=True, comment="oldest first, from 0"),
    sql.Column("acquired_on", sql.String(10), nullable=False),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("cost_paisa", sql.BigInteger, nullable=False),
)
