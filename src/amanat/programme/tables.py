"""The programme, what was authorised and issued in it, its day, its halts, its rates."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.participants.tables import life
from amanat.store.tables import metadata

programme = sql.Table(
    "programme",
    metadata,
    sql.Column("code", sql.String(64), primary_key=True),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("currency", sql.String(3), nullable=False),
    sql.Column("zone", sql.String(64), nullable=False, comment="IANA time zone shown to people"),
    sql.Column("calendar", sql.String(64), nullable=False, comment="gazette of settlement days"),
    sql.Column("ceiling_usd_cents", sql.BigInteger, nullable=False),
    sql.Column("simulation", sql.Boolean, nullable=False, comment="for good; shown everywhere"),
    sql.Column("redemption_frees_headroom", sql.Boolean, nullable=False),
    sql.Column("first_business_date", sql.String(10), nullable=False),
    sql.Column("usd_freed_cents", sql.BigInteger, nullable=False, comment="by redemption"),
    sql.Column("reserves_usd_cents", sql.BigInteger, comment="as last attested"),
    sql.Column("reserves_valid_until", sql.String(10)),
    sql.Column("terms", sql.LargeBinary, nullable=False, comment="canonical bytes"),
    sql.Column("chain_id", sql.BigInteger, nullable=False),
    sql.Column("founding_at", sql.String(32), nullable=False),
    sql.Column("founded_at", sql.String(32), comment="when the ledger had every contract"),
)

gazette = sql.Table(
    "gazette",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("version", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), nullable=False),
    sql.Column("content", sql.Text, nullable=False, comment="TOML, exactly as it was given"),
    sql.Column("adopted_at", sql.String(32), nullable=False),
)

kind_rule = sql.Table(
    "kind_rule",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("code", sql.String(64), primary_key=True, comment="bill, bond ..."),
    sql.Column("number", sql.Integer, nullable=False, comment="on the chain"),
    sql.Column("clearances", sql.JSON, nullable=False, comment="mandatory, by word"),
    sql.Column("confirmations", sql.JSON, nullable=False, comment="institutions that confirm"),
)

business_day = sql.Table(
    "business_day",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("position", sql.BigInteger, primary_key=True, comment="of the event that said it"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("phase", sql.String(16), nullable=False),
    sql.Column("block_number", sql.BigInteger, nullable=False),
    sql.Column("block_time", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry of the event"),
)

day_move = sql.Table(
    "day_move",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("phase", sql.String(16), nullable=False),
    *life(),
    sql.Index(None, "programme", "done_at"),
    sql.Index(None, "order_id"),
)

exchange_rate = sql.Table(
    "exchange_rate",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("currency", sql.String(3), primary_key=True),
    sql.Column("rate_date", sql.String(10), primary_key=True),
    sql.Column("rate", sql.String(40), nullable=False, comment="units per US dollar, decimal text"),
    sql.Column("source", sql.String(200), nullable=False),
    sql.Column("assumed", sql.Boolean, nullable=False),
    sql.Column("recorded_at", sql.String(32), nullable=False),
)

authorisation = sql.Table(
    "authorisation",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("number", sql.BigInteger, nullable=False, comment="dense from 1 among those done"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("kind", sql.String(64), nullable=False),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("usd_value_cents", sql.BigInteger, nullable=False),
    sql.Column("rate", sql.String(40), nullable=False),
    sql.Column("rate_date", sql.String(10), nullable=False),
    sql.Column("rate_assumed", sql.Boolean, nullable=False),
    sql.Column("asset", sql.String(64), nullable=False),
    sql.Column("authority", sql.String(400), nullable=False, comment="what the issuer cites"),
    sql.Column("authority_hash", sql.String(64), nullable=False),
    sql.Column("terms", sql.LargeBinary, nullable=False, comment="canonical bytes"),
    sql.Column("terms_hash", sql.String(64), nullable=False),
    sql.Column("classes", sql.JSON, nullable=False, comment="classes that may hold it"),
    sql.Column("expires_on", sql.String(10), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, comment="by which it is withdrawn"),
    sql.Column("state", sql.String(12), nullable=False, comment="requested, done or refused"),
    sql.Column("issued", sql.BigInteger, nullable=False, comment="less what was cancelled"),
    sql.Column("released", sql.BigInteger, nullable=False, comment="nominal given up"),
    sql.Column("released_usd_cents", sql.BigInteger, nullable=False),
    *life(),
    sql.Index(None, "programme", "isin"),
    sql.Index(None, "programme", "number"),
    sql.Index(None, "order_id"),
)

authorisation_withdrawal = sql.Table(
    "authorisation_withdrawal",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False, comment="of the authorisation"),
    sql.Column("proposal", sql.String(36), nullable=False),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("reason", sql.String(400), nullable=False),
    *life(),
    sql.Index(None, "programme", "digest"),
    sql.Index(None, "order_id"),
)

security = sql.Table(
    "security",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("isin", sql.String(12), primary_key=True),
    sql.Column("kind", sql.String(64), nullable=False),
    sql.Column("terms", sql.LargeBinary, nullable=False, comment="canonical bytes"),
    sql.Column("terms_hash", sql.String(64), nullable=False),
    sql.Column("classes", sql.JSON, nullable=False),
    sql.Column("asset", sql.String(64), nullable=False),
    sql.Column("address", sql.String(42), nullable=False, comment="lower case"),
    sql.Column("number", sql.Integer, nullable=False, comment="on the board of the Directory"),
    sql.Column("issue_date", sql.String(10), nullable=False),
    sql.Column("maturity_date", sql.String(10), nullable=False),
    sql.Column("authorised", sql.BigInteger, nullable=False, comment="less what was given up"),
    sql.Column("issued", sql.BigInteger, nullable=False, comment="nominal ever created"),
    sql.Column("cancelled", sql.BigInteger, nullable=False, comment="nominal cancelled unsold"),
    sql.Column("redeemed", sql.BigInteger, nullable=False, comment="nominal burnt against cash"),
    sql.Column("created_at", sql.String(32), nullable=False, comment="when the ledger had it"),
    sql.UniqueConstraint("programme", "address"),
)

issuance = sql.Table(
    "issuance",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("action", sql.String(8), nullable=False, comment="issue, cancel or release"),
    sql.Column("nominal", sql.BigInteger, nullable=False),
    sql.Column("authorisation", sql.BigInteger, nullable=False, comment="number"),
    *life(),
    sql.Index(None, "programme", "isin"),
    sql.Index(None, "order_id"),
)

halt = sql.Table(
    "halt",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("programme", sql.String(64), nullable=False),
    sql.Column("scope", sql.String(64), nullable=False, comment="programme, cash ... or an ISIN"),
    sql.Column("reason", sql.String(400), nullable=False),
    *life(),
    sql.Column("resume_order", sql.String(36)),
    sql.Column("resume_requested_at", sql.String(32)),
    sql.Column("resumed_at", sql.String(32), comment="when the ledger had resumed"),
    sql.Index(None, "programme", "scope"),
    sql.Index(None, "order_id"),
)

directory_change = sql.Table(
    "directory_change",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("digest", sql.String(64), primary_key=True, comment="by which the ledger knows it"),
    sql.Column("number", sql.BigInteger, nullable=False),
    sql.Column("epoch", sql.BigInteger, nullable=False),
    sql.Column("kind", sql.String(16), nullable=False, comment="key, capacities, quorum, contract"),
    sql.Column("subject", sql.String(64), nullable=False, comment="word of 32 bytes"),
    sql.Column("value", sql.String(64), nullable=False, comment="word of 32 bytes"),
    sql.Column("reason", sql.String(400), nullable=False),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("due_at", sql.String(32), comment="when the ledger may carry it out"),
    *life(),
    sql.Index(None, "order_id"),
)
