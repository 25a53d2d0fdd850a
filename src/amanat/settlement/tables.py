"""Tables of settlement: counters of numbers, instructions, cycles, claims and central-bank cash."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

number_counter = sql.Table(
    "settlement_number",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("account", sql.String(42), primary_key=True, comment="lower case"),
    sql.Column("next_number", sql.BigInteger, nullable=False, comment="dense, from 0"),
)

instruction = sql.Table(
    "settlement_instruction",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    sql.Column("digest", sql.String(64), comment="EIP-712, what both sign; none in a cycle"),
    sql.Column("isin", sql.String(12), nullable=False),
    sql.Column("deliverer", sql.String(42), nullable=False),
    sql.Column("receiver", sql.String(42), nullable=False),
    sql.Column("number", sql.BigInteger, comment="of the deliverer's account; none in a cycle"),
    sql.Column("nominal", sql.BigInteger, nullable=False, comment="units of 1 rupee face"),
    sql.Column("consideration_paisa", sql.BigInteger, nullable=False),
    sql.Column("trade_date", sql.String(10), nullable=False),
    sql.Column("first_day", sql.String(10), nullable=False),
    sql.Column("last_day", sql.String(10), nullable=False),
    sql.Column("purpose", sql.String(8), nullable=False, comment="trade, primary or claim"),
    sql.Column("reference", sql.String(80), comment="of the trade, the award or the claim"),
    sql.Column("deliverer_institution", sql.String(64), nullable=False),
    sql.Column("receiver_institution", sql.String(64), nullable=False),
    sql.Column("deliverer_signature", sql.LargeBinary),
    sql.Column("receiver_signature", sql.LargeBinary),
    sql.Column("deliverer_spoke", sql.Boolean, nullable=False, comment="has proposed or signed"),
    sql.Column("receiver_spoke", sql.Boolean, nullable=False),
    sql.Column("state", sql.String(10), nullable=False),
    sql.Column("reason", sql.Text, comment="why it failed the last time, in words"),
    sql.Column("said", sql.JSON, comment="that reason with its key and arguments"),
    sql.Column("reason_code", sql.String(64), comment="declared error of the ledger"),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("cycle", sql.String(36), comment="the netted cycle that carries it"),
    sql.Column("list", sql.String(36), comment="the list in which both signed it"),
    sql.Column("place", sql.Integer, comment="in that list, from 0"),
    sql.Column("order_id", sql.String(36), comment="the order that carries it to the ledger"),
    sql.Column("entry", sql.String(36), nullable=False, comment="journal entry that began it"),
    sql.Column("requested_at", sql.String(32)),
    sql.Column("settled_on", sql.String(10), comment="business date"),
    sql.Column("settled_at", sql.String(32)),
    sql.UniqueConstraint("programme", "deliverer", "number"),
    sql.UniqueConstraint("programme", "digest"),
    sql.Index(None, "programme", "state"),
    sql.Index(None, "order_id"),
    sql.Index(None, "programme", "list"),
)

signed_list = sql.Table(
    "settlement_list",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7"),
    sql.Column("digest", sql.String(64), nullable=False, comment="EIP-712, what both signed"),
    sql.Column("first", sql.String(42), nullable=False, comment="account, lower case"),
    sql.Column("second", sql.String(42), nullable=False, comment="account, lower case"),
    sql.Column("first_signature", sql.LargeBinary, nullable=False),
    sql.Column("second_signature", sql.LargeBinary, nullable=False),
    sql.Column("instructions", sql.Integer, nullable=False, comment="how many"),
    sql.UniqueConstraint("programme", "digest"),
)

cycle = sql.Table(
    "settlement_cycle",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("digest", sql.String(64), nullable=False, comment="of its trades, on the ledger"),
    sql.Column("purpose", sql.String(8), nullable=False, comment="trade or claim"),
    sql.Column("state", sql.String(10), nullable=False, comment="requested, settled or failed"),
    sql.Column("trades", sql.Integer, nullable=False),
    sql.Column("positions", sql.JSON, nullable=False, comment="what each account signed"),
    sql.Column("gross_paisa", sql.BigInteger, nullable=False),
    sql.Column("net_paisa", sql.BigInteger, nullable=False),
    sql.Column("reason", sql.Text),
    sql.Column("order_id", sql.String(36)),
    sql.Column("settled_on", sql.String(10)),
    sql.UniqueConstraint("programme", "digest"),
)

claim = sql.Table(
    "settlement_claim",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("instruction", sql.String(36), primary_key=True, comment="the trade it follows"),
    sql.Column("payment", sql.String(36), primary_key=True, comment="the coupon it compensates"),
    sql.Column("debtor", sql.String(42), nullable=False, comment="account that was paid"),
    sql.Column("creditor", sql.String(42), nullable=False),
    sql.Column("amount_paisa", sql.BigInteger, nullable=False),
    sql.Column("state", sql.String(10), nullable=False, comment="due, requested or paid"),
    sql.Column("cycle", sql.String(36), comment="the cash-only cycle that pays it"),
    sql.Column("raised_on", sql.String(10), nullable=False),
    sql.Column("paid_on", sql.String(10)),
)

cash_movement = sql.Table(
    "settlement_cash",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("id", sql.String(36), primary_key=True),
    sql.Column("direction", sql.String(10), nullable=False, comment="created or withdrawn"),
    sql.Column("account", sql.String(42), nullable=False),
    sql.Column("institution", sql.String(64), nullable=False),
    sql.Column("amount_paisa", sql.BigInteger, nullable=False),
    sql.Column("rtgs_reference", sql.String(80), nullable=False),
    sql.Column("state", sql.String(10), nullable=False, comment="requested, done or refused"),
    sql.Column("reason", sql.Text),
    sql.Column("order_id", sql.String(36)),
    sql.Column("requested_on", sql.String(10), nullable=False),
    sql.Column("done_on", sql.String(10)),
    sql.Index(None, "programme", "rtgs_reference"),
)
