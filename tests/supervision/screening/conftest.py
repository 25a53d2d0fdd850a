"""A desk that screens: the supervisor, the FIU, exchanges and a vault of identities, no node."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sql
from tests.licensing.without_ledger import DeskWorld, desk_world
from tests.programme.world import CODE

from amanat.access.tables import institution
from amanat.licensing.tables import provider


def secret(name: str) -> bytes:
    """A secret of the installation."""
    return hashlib.sha256(name.encode()).digest()


@pytest.fixture
def desk(database_url: str) -> Iterator[DeskWorld]:
    """Acts and views on either database; exchange_x and exchange_y are providers."""
    with desk_world(database_url) as world:
        world.store._secret = secret
        with world.store.engine.begin() as connection:
            for code, word in (("pvara", "supervises"), ("fmu", "fiu")):
                row = connection.execute(
                    sql.select(institution.c.capacities).where(
                        institution.c.programme == CODE, institution.c.code == code
                    )
                ).scalar_one()
                connection.execute(
                    sql.update(institution)
                    .where(institution.c.programme == CODE, institution.c.code == code)
                    .values(capacities=sorted({*row, word}))
                )
            names = {"exchange_x": "Invented Exchange X", "exchange_y": "Zargun Trading Y"}
            for number, (code, name) in enumerate(names.items(), 1):
                connection.execute(
                    sql.update(institution).where(institution.c.code == code).values(name=name)
                )
                connection.execute(
                    provider.insert().values(
                        programme=CODE, code=code, number=number, country="PK",
                        lei="5493001KJTIIGC8Y1R12", status="applicant",
                        institution=code, person=f"{code}_officer", entry="e" * 36,
                        recorded_at="2026-03-09T06:00:00+00:00", recorded_on="2026-03-09",
                    )
                )  # fmt: skip
        yield world
