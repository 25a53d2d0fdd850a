"""The ledger's tables: contracts, orders and their attempts, what the indexer saw, balances.

Addresses and hashes are lower-case hexadecimal with `0x`.  Times are UTC, RFC 3339.  `position`
numbers the events of one chain in the order in which they happened, densely and for good.
"""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata

_ADDRESS = sql.String(42)
_HASH = sql.String(66)
_ID = sql.String(36)
_TIME = sql.String(32)
_CODE = sql.String(64)

contract = sql.Table(
    "ledger_contract",
    metadata,
    sql.Column("address", _ADDRESS, primary_key=True),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("kind", _CODE, nullable=False, comment="the artifact: Security, Cash, ..."),
    sql.Column("label", _CODE, nullable=False, comment="an ISIN; empty where there is one"),
    sql.Column("order_id", _ID, comment="the order that created it"),
    sql.Column("block_number", sql.BigInteger, nullable=False),
    sql.Column("replaced", sql.Boolean, nullable=False, default=False),
    sql.Index(None, "programme", "kind", "label"),
)

order = sql.Table(
    "ledger_order",
    metadata,
    sql.Column("id", _ID, primary_key=True, comment="UUIDv7"),
    sql.Column("sequence", sql.BigInteger, nullable=False, unique=True),
    sql.Column("kind", _CODE, nullable=False),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("contract", _CODE, nullable=False, comment="the artifact"),
    sql.Column("label", _CODE, nullable=False),
    sql.Column("address", _ADDRESS, comment="null until known; of a creation, what it created"),
    sql.Column("function", _CODE, nullable=False, comment="empty for a creation"),
    sql.Column("call_bytes", sql.LargeBinary, comment="null until every address is known"),
    sql.Column("unresolved", sql.Text, comment="arguments that name contracts not yet created"),
    sql.Column("subject_room", _CODE),
    sql.Column("subject_id", sql.String(120)),
    sql.Column("cause", _ID, comment="the journal entry that asked for it"),
    sql.Column("sender", _CODE, nullable=False, comment="the signer's name"),
    sql.Column("gas", sql.BigInteger, comment="the limit; null: ask the node"),
    sql.Column("value_wei", sql.String(80), comment="what the call brings along; null: nothing"),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("sender_address", _ADDRESS),
    sql.Column("nonce", sql.BigInteger),
    sql.Column("requested_at", _TIME, nullable=False),
    sql.Column("signed_at", _TIME),
    sql.Column("sent_at", _TIME),
    sql.Column("completed_at", _TIME),
    sql.Column("tx_hash", _HASH, comment="of the attempt that was mined"),
    sql.Column("block_number", sql.BigInteger),
    sql.Column("gas_used", sql.BigInteger),
    sql.Column("refusal", sql.Text, comment="JSON: error, fields"),
    sql.Column("trace", sql.String(55), comment="W3C traceparent of what asked for it"),
    # No nonce serves two orders, whatever the program does.
    sql.UniqueConstraint("sender_address", "nonce"),
    sql.Index(None, "state", "sequence"),
    sql.Index(None, "subject_room", "subject_id"),
)

dependency = sql.Table(
    "ledger_order_dependency",
    metadata,
    sql.Column("order_id", _ID, sql.ForeignKey("ledger_order.id"), primary_key=True),
    sql.Column("depends_on", _ID, sql.ForeignKey("ledger_order.id"), primary_key=True),
    sql.Column(
        "needed", sql.Boolean, nullable=False, comment="refused with it; else only sent after it"
    ),
    sql.Index(None, "depends_on"),
)

thing = sql.Table(
    "ledger_order_thing",
    metadata,
    sql.Column("order_id", _ID, primary_key=True),
    sql.Column("thing", sql.String(120), primary_key=True, comment="account:0x…, day, ..."),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("sequence", sql.BigInteger, nullable=False),
    sql.Column("sender", _CODE, nullable=False),
    sql.Column("use", sql.String(8), nullable=False, comment="brings, needs, changes"),
    # Rows go when their order ends: this table holds what is open.
    sql.Index(None, "programme", "thing"),
)

attempt = sql.Table(
    "ledger_attempt",
    metadata,
    sql.Column("tx_hash", _HASH, primary_key=True),
    sql.Column("order_id", _ID, sql.ForeignKey("ledger_order.id"), nullable=False),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Column("nonce", sql.BigInteger, nullable=False),
    sql.Column("gas", sql.BigInteger, nullable=False),
    sql.Column("max_fee", sql.String(32), nullable=False, comment="wei per unit of gas"),
    sql.Column("priority_fee", sql.String(32), nullable=False),
    sql.Column("raw", sql.LargeBinary, nullable=False, comment="the exact bytes sent"),
    sql.Column("signed_at", _TIME, nullable=False),
    sql.UniqueConstraint("order_id", "number"),
)

counter = sql.Table(
    "ledger_counter",
    metadata,
    sql.Column("name", sql.String(120), primary_key=True, comment="orders; nonce:ADDRESS"),
    sql.Column("next", sql.BigInteger, nullable=False),
)

cursor = sql.Table(
    "ledger_cursor",
    metadata,
    sql.Column("chain_id", sql.BigInteger, primary_key=True),
    sql.Column("block_number", sql.BigInteger, nullable=False),
    sql.Column("block_hash", _HASH, nullable=False),
    sql.Column("position", sql.BigInteger, nullable=False, comment="of the next event"),
    sql.Column("forgotten_after", sql.BigInteger, comment="set while forgotten ones are missing"),
    sql.Column("stopped", sql.Text, comment="why the indexer stopped; a person clears it"),
)

block = sql.Table(
    "ledger_block",
    metadata,
    sql.Column("number", sql.BigInteger, primary_key=True),
    sql.Column("hash", _HASH, nullable=False, index=True),
    sql.Column("time", sql.BigInteger, nullable=False, comment="seconds since 1970"),
)

chain_transaction = sql.Table(
    "ledger_chain_transaction",
    metadata,
    sql.Column("tx_hash", _HASH, primary_key=True),
    sql.Column("block_number", sql.BigInteger, nullable=False, index=True),
    sql.Column("block_hash", _HASH, nullable=False),
    sql.Column("tx_index", sql.Integer, nullable=False),
    sql.Column("status", sql.Integer, nullable=False),
    sql.Column("order_id", _ID, comment="null: nobody here ordered it"),
    sql.Column("logs_digest", _HASH, nullable=False, comment="of what it logged, in order"),
    sql.Column("raw", sql.LargeBinary, comment="bytes of one that was only observed"),
)

event = sql.Table(
    "ledger_event",
    metadata,
    sql.Column("position", sql.BigInteger, primary_key=True),
    sql.Column("chain_id", sql.BigInteger, nullable=False),
    sql.Column("block_number", sql.BigInteger, nullable=False, index=True),
    sql.Column("block_hash", _HASH, nullable=False),
    sql.Column("log_index", sql.Integer, nullable=False),
    sql.Column("tx_hash", _HASH, nullable=False, index=True),
    sql.Column("tx_log", sql.Integer, nullable=False, comment="its place in its transaction"),
    sql.Column("address", _ADDRESS, nullable=False),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("contract", _CODE, nullable=False),
    sql.Column("name", _CODE, nullable=False),
    sql.Column("arguments", sql.Text, nullable=False, comment="canonical JSON"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("order_id", _ID),
    sql.Column("entry_id", _ID, nullable=False, comment="its one journal entry"),
    sql.UniqueConstraint("chain_id", "block_hash", "log_index"),
    sql.Index(None, "address", "name", "position"),
)

business_day = sql.Table(
    "ledger_business_day",
    metadata,
    sql.Column("programme", _CODE, primary_key=True),
    sql.Column("position", sql.BigInteger, primary_key=True, comment="of the event that said it"),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Column("block_number", sql.BigInteger, nullable=False),
)

holding = sql.Table(
    "ledger_holding",
    metadata,
    sql.Column("token", _ADDRESS, primary_key=True),
    sql.Column("account", _ADDRESS, primary_key=True),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("units", sql.BigInteger, nullable=False, comment="now; minted less burnt for 0x0"),
)

balance_change = sql.Table(
    "ledger_balance_change",
    metadata,
    sql.Column("token", _ADDRESS, primary_key=True),
    sql.Column("account", _ADDRESS, primary_key=True),
    sql.Column("position", sql.BigInteger, primary_key=True),
    sql.Column("programme", _CODE, nullable=False),
    sql.Column("change", sql.BigInteger, nullable=False),
    sql.Column("units", sql.BigInteger, nullable=False, comment="after the change"),
    sql.Column("block_number", sql.BigInteger, nullable=False),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Index(None, "token", "block_number"),
    sql.Index(None, "token", "business_date"),
    sql.Index(None, "position"),
)

alarm = sql.Table(
    "ledger_alarm",
    metadata,
    sql.Column("id", _ID, primary_key=True),
    sql.Column("kind", _CODE, nullable=False, comment="order_overdue, reorganisation, ..."),
    sql.Column("subject", sql.String(120), nullable=False),
    sql.Column("detail", sql.Text, nullable=False),
    sql.Column("raised_at", _TIME, nullable=False),
    sql.Column("settled_at", _TIME),
    sql.UniqueConstraint("kind", "subject", "raised_at"),
)
