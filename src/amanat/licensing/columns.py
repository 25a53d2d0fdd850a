"""Columns that the tables of licensing share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql


def programme_column() -> sql.Column[Any]:
    """The programme of a row."""
    return sql.Column("programme", sql.String(64), nullable=False)


def authorship() -> list[sql.Column[Any]]:
    """Who wrote a row, when, and the journal entry that says so."""
    return [
        sql.Column("institution", sql.String(64), nullable=False),
        sql.Column("person", sql.String(64), nullable=False),
        sql.Column("recorded_at", sql.String(32), nullable=False, comment="UTC"),
        sql.Column("recorded_on", sql.String(10), nullable=False, comment="business date"),
        sql.Column("entry", sql.String(36), nullable=False),
    ]


def row_column(comment: str | None = None) -> sql.Column[Any]:
    """The key of a row: UUIDv7, so that later rows sort after earlier ones."""
    return sql.Column("id", sql.String(36), primary_key=True, comment=comment)


def of_file() -> sql.Column[Any]:
    """The file that a row belongs to."""
    return sql.Column("file", sql.String(36), nullable=False)


def of_provider() -> sql.Column[Any]:
    """The provider that a row is about."""
    return sql.Column("provider", sql.String(64), nullable=False)


def law_columns() -> list[sql.Column[Any]]:
    """The rule of the pack by which something was done, and the law as cited on the day."""
    return [
        sql.Column("section", sql.String(64), nullable=False),
        sql.Column("law", sql.String(200), nullable=False),
    ]


def answer_columns() -> list[sql.Column[Any]]:
    """What was answered, by whom and when; empty until then."""
    return [
        sql.Column("answer", sql.Text),
        sql.Column("answered_by", sql.String(64)),
        sql.Column("answered_at", sql.String(32)),
        sql.Column("answered_on", sql.String(10)),
        sql.Column("answer_entry", sql.String(36)),
    ]
