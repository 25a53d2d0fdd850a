"""Enforcement and afterlife: findings, charges and penalties, stays by courts, winding down."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.licensing.columns import authorship, of_file, of_provider, programme_column, row_column
from amanat.store.tables import metadata

finding = sql.Table(
    "licensing_finding",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True, comment="the inspection"),
    sql.Column("number", sql.Integer, primary_key=True, comment="of the inspection, from 1"),
    programme_column(),
    sql.Column("severity", sql.String(12), nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("due_on", sql.String(10), nullable=False),
    sql.Column("remedy", sql.Text, comment="what the provider did, as it last said"),
    sql.Column("document", sql.String(64), comment="SHA-256"),
    sql.Column("remedied_on", sql.String(10)),
    sql.Column("accepted_on", sql.String(10)),
    sql.Column("verdict", sql.Text),
    *authorship(),
    sql.Index(None, "programme", "due_on"),
)

charge = sql.Table(
    "licensing_charge",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True, comment="the enforcement file"),
    programme_column(),
    of_provider(),
    sql.Column("grounds", sql.Text, nullable=False),
    sql.Column("answer_by", sql.String(10), nullable=False),
    sql.Column("answer", sql.Text),
    sql.Column("hearing", sql.Text, comment="record of it"),
    sql.Column("heard_on", sql.String(10)),
    sql.Column("order", sql.String(12), comment="penalty, warning, no_action"),
    sql.Column("reasons", sql.Text),
    sql.Column("ordered_on", sql.String(10)),
    sql.Column("amount", sql.BigInteger, comment="penalty, minor units"),
    sql.Column("currency", sql.String(3)),
    sql.Column("due_on", sql.String(10)),
    sql.Column("paid_on", sql.String(10)),
    sql.Column("payment", sql.String(120), comment="reference of the payment"),
    *authorship(),
    sql.Index(None, "programme", "due_on"),
)

control_change = sql.Table(
    "licensing_control_change",
    metadata,
    row_column("the last one of a file counts"),
    programme_column(),
    of_file(),
    sql.Column("acquirer", sql.String(200), nullable=False),
    sql.Column("country", sql.String(2), nullable=False, comment="ISO 3166-1 alpha-2"),
    sql.Column("percent_before", sql.String(8), nullable=False, comment="of votes"),
    sql.Column("percent_after", sql.String(8), nullable=False),
    sql.Column("source_of_funds", sql.Text, nullable=False),
    sql.Column("people", sql.JSON, nullable=False, comment="natural persons behind it"),
    *authorship(),
    sql.Index(None, "file"),
)

stay = sql.Table(
    "licensing_stay",
    metadata,
    row_column(),
    programme_column(),
    sql.Column("file", sql.String(36), nullable=False, comment="what is stayed"),
    sql.Column("court", sql.String(200), nullable=False),
    sql.Column("reference", sql.String(120), nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("ended_on", sql.String(10)),
    sql.Column("ended_entry", sql.String(36)),
    sql.Column("end_reason", sql.Text),
    *authorship(),
    sql.Index(None, "file"),
)

appeal = sql.Table(
    "licensing_appeal",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True, comment="the appeal"),
    programme_column(),
    sql.Column("against", sql.String(36), nullable=False, comment="file that was decided"),
    sql.Column("grounds", sql.Text, nullable=False),
    sql.Column("outcome", sql.String(12)),
    sql.Column("reasons", sql.Text),
    *authorship(),
    sql.Index(None, "against"),
)

lapse = sql.Table(
    "licensing_lapse",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True, comment="the urgent suspension"),
    programme_column(),
    of_provider(),
    sql.Column("until", sql.String(10), nullable=False, comment="its last day"),
    sql.Column("level", sql.String(16), comment="on the ledger after it; null: nothing is told"),
    sql.Column("last_day", sql.String(10), comment="of the standing on the ledger"),
    sql.Column("number", sql.BigInteger, comment="of the act that was signed"),
    sql.Column("epoch", sql.BigInteger, comment="of the institutions' keys"),
    sql.Column("signatures", sql.JSON, nullable=False, comment="of the authority, hexadecimal"),
    sql.Index(None, "programme", "until"),
)

winding_down = sql.Table(
    "licensing_winding_down",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True),
    programme_column(),
    of_provider(),
    sql.Column("cause", sql.String(16), nullable=False),
    sql.Column("administrator", sql.String(200), nullable=False),
    sql.Column("plan", sql.Text, nullable=False),
    sql.Column("deadline", sql.String(10), nullable=False),
    sql.Column("clients_digest", sql.String(64), comment="SHA-256 of the list as it was closed"),
    sql.Column("transfer_to", sql.String(64), comment="licensee that takes the clients on"),
    sql.Column("objections_until", sql.String(10)),
    sql.Column("transferred_on", sql.String(10)),
    sql.Column("statement", sql.Text, comment="final, published"),
    *authorship(),
)

winding_client = sql.Table(
    "licensing_winding_client",
    metadata,
    sql.Column("file", sql.String(36), primary_key=True),
    sql.Column("client", sql.String(64), primary_key=True, comment="pseudonym of the provider"),
    programme_column(),
    sql.Column("holdings", sql.JSON, nullable=False, comment="by asset: quantity as a string"),
    sql.Column("code", sql.String(64), comment="SHA-256 of the code that the client was sent"),
    sql.Column("objection", sql.Text),
    sql.Column("objected_on", sql.String(10)),
    sql.Column("fate", sql.String(16), comment="transferred, returned, unclaimed; null: open"),
    sql.Column("settled_on", sql.String(10)),
    sql.Column("reference", sql.String(200), comment="of the transfer or payment"),
)
