"""Brings a database to this version's tables; safe to call at every start."""

from __future__ import annotations

from functools import cache
from typing import ClassVar

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.engine import Connection, Engine

from amanat.core.errors import Refusal
from amanat.store.journal import Audience
from amanat.store.tables import log_size, metadata


class RevisionUnknown(Refusal):
    """Only what this version or an earlier one wrote can be read."""

    template: ClassVar[str] = "Revision {revision} of the tables is of a later version."


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "amanat.store:migrations")
    config.attributes["connection"] = connection
    return config


@cache
def _last() -> str | None:
    """This version's last migration; the versions are compiled anew at every look."""
    config = Config()
    config.set_main_option("script_location", "amanat.store:migrations")
    return ScriptDirectory.from_config(config).get_current_head()


def migrate(engine: Engine) -> None:
    """Run every migration that this database has not had, in one transaction."""
    with engine.begin() as connection:
        if revision(connection) != _last():
            command.upgrade(_config(connection), "head")
        present = set(
            connection.execute(log_size.select().with_only_columns(log_size.c.log)).scalars()
        )
        for audience in Audience:
            if audience.value not in present:
                connection.execute(log_size.insert().values(log=audience.value, size=0))


def pending_migrations(connection: Connection) -> bool:
    """Whether the database lacks a migration of this version, or has one that this lacks."""
    return revision(connection) != _last()


def revision(connection: Connection) -> str | None:
    """The last migration that this database has had; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate_to(engine: Engine, wanted: str) -> None:
    """Bring an empty database to the tables of an earlier version, for what it wrote.

    Raises `RevisionUnknown` where a later version wrote it.
    """
    with engine.begin() as connection:
        config = _config(connection)
        try:
            ScriptDirectory.from_config(config).get_revision(wanted)
        except CommandError:
            raise RevisionUnknown(revision=wanted) from None
        command.upgrade(config, wanted)


def differences(engine: Engine) -> list[object]:
    """What the declared tables have and the migrated database has not, or the other way round."""
    with engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(found, metadata))


def take_back(engine: Engine) -> None:
    """Undo every migration: the tables and all that is in them are gone."""
    with engine.begin() as connection:
        command.downgrade(_config(connection), "base")
