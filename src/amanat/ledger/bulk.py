"""Changes many rows of a table in few statements, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import Connection

# One statement never carries more values than PostgreSQL's protocol allows (65,535).
_VALUES_MAX = 30_000


def update_many(
    connection: Connection, table: sql.Table, key: str, rows: Sequence[dict[str, Any]]
) -> None:
    """Set the other columns of `rows` (all of one shape) in the rows whose `key` they name."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != key]
    if connection.dialect.name == "sqlite":
        settings = ", ".join(f"{name} = ?" for name in columns)
        connection.exec_driver_sql(
            f"UPDATE {table.name} SET {settings} WHERE {key} = ?",
            [(*(row[name] for name in columns), row[key]) for row in rows],
        )
        return
    settings = ", ".join(f"{name} = given.{name}" for name in columns)
    names = [key, *columns]
    # A parameter alone has no type in a list of values, hence the casts.
    types = [table.c[name].type.compile(connection.dialect) for name in names]
    mark = "(" + ", ".join(f"CAST(%s AS {kind})" for kind in types) + ")"
    width = _VALUES_MAX // len(names)
    for start in range(0, len(rows), width):
        part = rows[start : start + width]
        connection.exec_driver_sql(
            f"UPDATE {table.name} SET {settings} FROM (VALUES "
            + ", ".join([mark] * len(part))
            + f") AS given ({', '.join(names)}) WHERE {table.name}.{key} = given.{key}",
            tuple(row[name] for row in part for name in names),
        )
