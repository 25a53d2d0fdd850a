"""Lists and their versions, hits and what was decided of them, freezes with all that follows.

No row here holds a name, number or birth date of a party: a hit has the party's pseudonym, the
listed side, and of each feature whether it agrees.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

from amanat.store.tables import metadata


def _key() -> sql.Column[Any]:
    return sql.Column("id", sql.String(36), primary_key=True, comment="UUIDv7")


def _programme() -> sql.Column[Any]:
    return sql.Column("programme", sql.String(64), nullable=False)


def _customer() -> sql.Column[Any]:
    said = "of licensing's people: their pseudonym as customers"
    return sql.Column("customer", sql.BigInteger, comment=said)


def _authorship() -> list[sql.Column[Any]]:
    return [
        sql.Column("institution", sql.String(64), nullable=False),
        sql.Column("person", sql.String(64), nullable=False),
        sql.Column("recorded_at", sql.String(32), nullable=False, comment="UTC"),
        sql.Column("entry", sql.String(36), nullable=False),
    ]


list_version = sql.Table(
    "screening_list_version",
    metadata,
    _key(),
    _programme(),
    sql.Column("list", sql.String(64), nullable=False),
    sql.Column("number", sql.Integer, nullable=False, comment="of this list's, from 1"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the file"),
    sql.Column("format", sql.String(16), nullable=False),
    sql.Column("dated_on", sql.String(10), nullable=False, comment="of the list itself"),
    sql.Column("size", sql.BigInteger, nullable=False, comment="bytes of the file"),
    sql.Column("counts", sql.JSON, nullable=False, comment="entries by kind"),
    sql.Column("added", sql.Integer, nullable=False),
    sql.Column("changed", sql.Integer, nullable=False),
    sql.Column("removed", sql.Integer, nullable=False),
    sql.Column("content", sql.LargeBinary, nullable=False, comment="the file, zlib"),
    *_authorship(),
    sql.UniqueConstraint("programme", "list", "number"),
    sql.Index(None, "programme", "list", "digest"),
)

list_entry = sql.Table(
    "screening_list_entry",
    metadata,
    _key(),
    _programme(),
    sql.Column("list", sql.String(64), nullable=False),
    sql.Column("reference", sql.String(160), nullable=False, comment="the list's own"),
    sql.Column("digest", sql.String(64), nullable=False, comment="SHA-256 of the content"),
    sql.Column("content", sql.JSON, nullable=False, comment="the entry as it was read"),
    sql.Column("since", sql.Integer, nullable=False, comment="version that first has it so"),
    sql.Column("until", sql.Integer, comment="version that has it no longer so"),
    sql.Index(None, "programme", "list", "reference"),
    sql.Index(None, "programme", "until"),
)

screened = sql.Table(
    "screening_party",
    metadata,
    sql.Column("programme", sql.String(64), primary_key=True),
    sql.Column("party", sql.String(120), primary_key=True, comment="pseudonym, or licensing's"),
    sql.Column("revision", sql.String(64), nullable=False, comment="what was known of it"),
    sql.Column("versions", sql.String(2000), nullable=False, comment="JSON, by list"),
    sql.Column("screened_at", sql.String(32), nullable=False),
)

hit = sql.Table(
    "screening_hit",
    metadata,
    _key(),
    _programme(),
    sql.Column("party", sql.String(120), nullable=False),
    _customer(),
    sql.Column("roles", sql.JSON, nullable=False, comment="customer, controller, ..."),
    sql.Column("list", sql.String(64), nullable=False),
    sql.Column("reference", sql.String(160), nullable=False, comment="of the entry"),
    sql.Column("entry_digest", sql.String(64), nullable=False),
    sql.Column("topics", sql.JSON, nullable=False),
    sql.Column("grade", sql.Integer, nullable=False, comment="1 the strongest"),
    sql.Column("strength", sql.Integer, nullable=False, comment="order within a grade"),
    sql.Column("name_permille", sql.Integer, nullable=False, comment="score of the names"),
    sql.Column("score_permille", sql.Integer, nullable=False, comment="logic-v2's own"),
    sql.Column("evidence", sql.JSON, nullable=False, comment="by feature: verdict, listed side"),
    sql.Column("features", sql.JSON, nullable=False, comment="logic-v2: score by feature"),
    sql.Column("evidence_digest", sql.String(64), nullable=False, comment="decisions rest on it"),
    sql.Column("state", sql.String(12), nullable=False, comment="open, true_match, ..."),
    sql.Column("decided_until", sql.String(10), comment="last day of the decision"),
    sql.Column("run", sql.String(36), nullable=False, comment="that found it"),
    sql.Column("found_at", sql.String(32), nullable=False),
    sql.Column("found_on", sql.String(10), nullable=False, comment="business date"),
    sql.Column("gone_at", sql.String(32)),
    sql.UniqueConstraint("programme", "party", "list", "reference"),
    sql.Index(None, "programme", "state", "grade", "strength"),
    sql.Index(None, "programme", "list", "reference"),
    sql.Index(None, "programme", "customer"),
)

disposition = sql.Table(
    "screening_disposition",
    metadata,
    _key(),
    _programme(),
    sql.Column("hit", sql.String(36), nullable=False),
    sql.Column("verdict", sql.String(12), nullable=False, comment="true_match or false_match"),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("until", sql.String(10), nullable=False, comment="its last day"),
    sql.Column("evidence_digest", sql.String(64), nullable=False),
    sql.Column("approved_by", sql.String(64), comment="second person, of a true match"),
    *_authorship(),
    sql.Index(None, "hit"),
)

run = sql.Table(
    "screening_run",
    metadata,
    _key(),
    _programme(),
    sql.Column("reason", sql.String(24), nullable=False, comment="list, intake, rescreening"),
    sql.Column("parties", sql.BigInteger, nullable=False),
    sql.Column("entries", sql.BigInteger, nullable=False, comment="that parties were held to"),
    sql.Column("new", sql.JSON, nullable=False, comment="hits found"),
    sql.Column("gone", sql.JSON, nullable=False, comment="hits that no longer are"),
    sql.Column("reopened", sql.JSON, nullable=False, comment="evidence changed, or lapsed"),
    sql.Column("ran_at", sql.String(32), nullable=False),
    sql.Column("business_date", sql.String(10), nullable=False),
    sql.Index(None, "programme", "ran_at"),
)

freeze = sql.Table(
    "screening_freeze",
    metadata,
    _key(),
    _programme(),
    sql.Column("number", sql.String(24), nullable=False, comment="FRZ- and eight letters"),
    sql.Column("hit", sql.String(36), nullable=False),
    sql.Column("party", sql.String(120), nullable=False),
    _customer(),
    sql.Column("authority", sql.String(200), nullable=False),
    sql.Column("basis", sql.String(64), nullable=False),
    sql.Column("law", sql.String(300), nullable=False, comment="as cited on the day"),
    sql.Column("order_hash", sql.String(64), nullable=False, comment="SHA-256 of the paper"),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("until", sql.String(10), nullable=False, comment="its last day"),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("ledger", sql.JSON, nullable=False, comment="accounts here, by participant"),
    sql.Column("ordered_at", sql.String(32), nullable=False),
    sql.Column("ordered_on", sql.String(10), nullable=False),
    sql.Column("served_at", sql.String(32)),
    sql.Column("report_due_at", sql.String(32), nullable=False),
    sql.Column("reported_fiu_at", sql.String(32)),
    sql.Column("reported_authority_at", sql.String(32)),
    sql.Column("report_reference", sql.String(120)),
    sql.Column("released_at", sql.String(32)),
    sql.Column("release_reason", sql.Text),
    *_authorship(),
    sql.UniqueConstraint("programme", "number"),
    sql.Index(None, "programme", "state"),
    sql.Index(None, "programme", "party"),
    sql.Index(None, "programme", "customer"),
)

freeze_order = sql.Table(
    "screening_freeze_order",
    metadata,
    _key(),
    _programme(),
    sql.Column("freeze", sql.String(36), nullable=False),
    sql.Column("exchange", sql.String(64), nullable=False),
    sql.Column("accounts", sql.JSON, nullable=False, comment="as the exchange calls them"),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("acknowledge_by", sql.String(32), nullable=False, comment="UTC"),
    sql.Column("acknowledged_at", sql.String(32)),
    sql.Column("acknowledged_by", sql.String(64)),
    sql.Column("frozen_accounts", sql.Integer, comment="as the exchange says"),
    sql.Column("frozen_value", sql.BigInteger, comment="minor units, as the exchange says"),
    sql.Column("currency", sql.String(3)),
    sql.Column("release_acknowledged_at", sql.String(32)),
    sql.UniqueConstraint("freeze", "exchange"),
    sql.Index(None, "programme", "exchange", "state"),
)

freeze_change = sql.Table(
    "screening_freeze_change",
    metadata,
    _key(),
    _programme(),
    sql.Column("freeze", sql.String(36), nullable=False),
    sql.Column("kind", sql.String(16), nullable=False, comment="extended, licensed, drawn, ..."),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("until", sql.String(10)),
    sql.Column("amount", sql.BigInteger, comment="minor units"),
    sql.Column("currency", sql.String(3)),
    sql.Column("reference", sql.String(120)),
    *_authorship(),
    sql.Index(None, "freeze"),
)
