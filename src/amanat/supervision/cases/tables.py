"""Cases of each desk, and what passes between desks.  No row is anybody's but its desks'."""

from __future__ import annotations

import sqlalchemy as sql

from amanat.store.tables import metadata


def authorship() -> list[sql.Column[str]]:
    """Who wrote a row, when, and its journal entry."""
    return [
        sql.Column("institution", sql.String(64), nullable=False),
        sql.Column("person", sql.String(64), nullable=False),
        sql.Column("recorded_at", sql.String(32), nullable=False, comment="UTC"),
        sql.Column("recorded_on", sql.String(10), nullable=False, comment="business date"),
        sql.Column("entry", sql.String(36), nullable=False),
    ]


def programme_column() -> sql.Column[str]:
    """The programme of a row."""
    return sql.Column("programme", sql.String(64), nullable=False)


case = sql.Table(
    "supervision_case",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("desk", sql.String(64), nullable=False, comment="the institution whose case it is"),
    sql.Column("number", sql.String(16), nullable=False, comment="for people: CAS-2026-0001"),
    sql.Column("subject", sql.String(60), nullable=False, comment="party:, account:, customer:"),
    sql.Column("title", sql.String(400), nullable=False),
    sql.Column("source", sql.String(12), nullable=False, comment="findings, own or referral"),
    sql.Column("state", sql.String(8), nullable=False, comment="open or closed"),
    sql.Column("risk", sql.String(8), nullable=False, comment="0 to 1, four decimals"),
    sql.Column("officer", sql.String(64), comment="who works it; null: nobody yet"),
    sql.Column("opened_on", sql.String(10), nullable=False),
    sql.Column("assigned_on", sql.String(10), comment="first"),
    sql.Column("suspicion_on", sql.String(10)),
    sql.Column("reported_on", sql.String(10), comment="first report, referral or dissemination"),
    sql.Column("closed_on", sql.String(10)),
    sql.Column("disposition", sql.String(24)),
    *authorship(),
    sql.UniqueConstraint("programme", "desk", "number"),
    sql.Index(None, "programme", "desk", "state"),
    sql.Index(None, "programme", "desk", "subject"),
)

case_finding = sql.Table(
    "supervision_case_finding",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("case", sql.String(36), nullable=False),
    sql.Column("desk", sql.String(64), nullable=False),
    sql.Column("kind", sql.String(8), nullable=False, comment="alert or hit"),
    sql.Column("finding", sql.String(64), nullable=False, comment="its id in its own room"),
    sql.Column("scenario", sql.String(64), nullable=False),
    sql.Column("exchange", sql.String(200), nullable=False),
    sql.Column("day", sql.String(10), nullable=False),
    sql.Column("score", sql.String(8), nullable=False),
    sql.Column("explanation", sql.JSON, nullable=False),
    sql.Column("transactions", sql.JSON, nullable=False, comment="ids as strings"),
    sql.UniqueConstraint("programme", "desk", "kind", "finding"),
    sql.Index(None, "case"),
)

alert_dismissal = sql.Table(
    "supervision_alert_dismissal",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("desk", sql.String(64), nullable=False, comment="the institution that dismissed it"),
    sql.Column("alert", sql.String(32), nullable=False),
    sql.Column("scenario", sql.String(64), nullable=False),
    sql.Column("disposition", sql.String(24), nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("approved_by", sql.String(64), nullable=False, comment="the second person"),
    sql.Column("reopened_on", sql.String(10), comment="business date; null: it stands"),
    sql.Column("reopened_by", sql.String(64)),
    *authorship(),
    sql.Index(None, "programme", "alert"),
    sql.Index(None, "programme", "desk", "recorded_on"),
)

# Also of a referral, under its own id: what was referred, until it is received.
case_transaction = sql.Table(
    "supervision_case_transaction",
    metadata,
    sql.Column("case", sql.String(36), primary_key=True),
    sql.Column("transaction", sql.String(20), primary_key=True, comment="id of the stored row"),
    programme_column(),
    sql.Column("day", sql.String(10), nullable=False),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("row", sql.JSON, nullable=False, comment="as stored on the day that it was cited"),
)

case_step = sql.Table(
    "supervision_case_step",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True, comment="later ones sort after earlier"),
    programme_column(),
    sql.Column("case", sql.String(36), nullable=False),
    sql.Column("act", sql.String(64), nullable=False),
    sql.Column("text", sql.Text),
    sql.Column("digest", sql.String(64), comment="SHA-256 of a document that is evidence"),
    sql.Column("refers_to", sql.String(80), comment="number of a referral, request, report"),
    *authorship(),
    sql.Index(None, "case"),
)

referral = sql.Table(
    "supervision_referral",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("number", sql.String(12), nullable=False, comment="REF- and eight letters"),
    sql.Column("from_desk", sql.String(64), nullable=False),
    sql.Column("from_case", sql.String(36), nullable=False),
    sql.Column("to_desk", sql.String(64), nullable=False),
    sql.Column("to_case", sql.String(36), comment="null: not yet received"),
    sql.Column("subject", sql.String(60), nullable=False),
    sql.Column("grounds", sql.Text, nullable=False),
    sql.Column("risk", sql.String(8), nullable=False),
    sql.Column("received_on", sql.String(10)),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "to_desk"),
)

information_request = sql.Table(
    "supervision_information_request",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("number", sql.String(12), nullable=False, comment="RFI- and eight letters"),
    sql.Column("desk", sql.String(64), nullable=False, comment="who asks"),
    sql.Column("case", sql.String(36), nullable=False),
    sql.Column("asked", sql.String(64), nullable=False, comment="the provider that is asked"),
    sql.Column("question", sql.Text, nullable=False),
    sql.Column("days", sql.Integer, nullable=False, comment="working days to answer"),
    sql.Column("answer", sql.Text),
    sql.Column("documents", sql.JSON, comment="SHA-256 of each"),
    sql.Column("answered_on", sql.String(10)),
    sql.Column("answered_by", sql.String(64)),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "asked"),
    sql.Index(None, "programme", "desk"),
)

dissemination = sql.Table(
    "supervision_dissemination",
    metadata,
    sql.Column("id", sql.String(36), primary_key=True),
    programme_column(),
    sql.Column("number", sql.String(12), nullable=False, comment="DIS- and eight letters"),
    sql.Column("desk", sql.String(64), nullable=False),
    sql.Column("case", sql.String(36), nullable=False),
    sql.Column("recipient", sql.String(64), nullable=False, comment="institution here"),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("digest", sql.String(64), comment="SHA-256 of a document that goes with it"),
    *authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "recipient"),
)
