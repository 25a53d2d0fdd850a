"""Which files a reader may see, and how they are found, as conditions of a query."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sql

from amanat.access.acts import ViewContext
from amanat.access.tables import institution
from amanat.licensing.records import is_provider
from amanat.licensing.tables import consultation, licensing_file

_LIKE_MEANS = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


def own_or_consulted(
    context: ViewContext, *among: sql.ColumnElement[bool]
) -> sql.ColumnElement[bool]:
    """The files of a provider, or those on which who is none was consulted, `among` these.

    One of the two and not both at once: a database can then look either up by its index.
    """
    assert context.actor is not None
    own = context.actor.institution
    if is_provider(context.connection, context.programme, own):
        return licensing_file.c.provider == own
    asked = sql.select(consultation.c.file).where(
        consultation.c.programme == context.programme, consultation.c.consulted == own, *among
    )
    return licensing_file.c.id.in_(asked)


def matching(words: str, *columns: sql.Column[Any]) -> sql.ColumnElement[bool]:
    """Whether one of these columns has the words in it, in whatever case."""
    pattern = f"%{words.strip().lower().translate(_LIKE_MEANS)}%"
    return sql.or_(*(sql.func.lower(one).like(pattern, escape="\\") for one in columns))


def names_of(context: ViewContext, codes: Collection[str]) -> dict[str, str]:
    """The names of institutions by their codes."""
    rows = context.connection.execute(
        sql.select(institution.c.code, institution.c.name).where(
            institution.c.programme == context.programme, institution.c.code.in_(list(codes))
        )
    )
    return {row.code: row.name for row in rows}
