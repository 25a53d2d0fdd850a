"""Which addresses a day's monitoring stops: those of the version that was in force on that day."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sql

from amanat.app import declare_rooms
from amanat.store.engine import open_engine
from amanat.store.migrate import migrate
from amanat.supervision.monitoring.planning import lists_of
from amanat.supervision.screening.tables import list_entry, list_version

MIXER, THIEF, EXPOSED = 7, 8, 9


def filled(connection: sql.Connection) -> None:
    """Two versions: the second takes one address off and puts another on."""
    for number, dated in ((1, "2025-03-01"), (2, "2025-04-01")):
        connection.execute(
            list_version.insert().values(
                id=f"v{number}", programme="test", list="wallets", number=number,
                digest=str(number) * 64, format="csv", dated_on=dated, size=1, counts={},
                added=1, changed=0, removed=0, content=b"", recorded_at="2025-04-02T00:00:00+00:00",
                institution="pvara", person="officer", entry="e",
            )
        )  # fmt: skip
    for name, pseudonym, topic, since, until in (
        ("a", MIXER, "sanction", 1, 2),
        ("b", THIEF, "sanction", 2, None),
        ("c", EXPOSED, "role.pep", 1, None),
    ):
        connection.execute(
            list_entry.insert().values(
                id=name, programme="test", list="wallets", reference=name, digest=name * 64,
                content={"topics": [topic], "pseudonyms": [str(pseudonym)]},
                since=since, until=until,
            )
        )  # fmt: skip


def test_addresses_are_those_of_the_list_of_the_day(sqlite_url: str):
    declare_rooms()
    engine = open_engine(sqlite_url)
    migrate(engine)
    with engine.begin() as connection:
        filled(connection)
        on = {
            day: lists_of(connection, "test", date.fromisoformat(day)).addresses
            for day in ("2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01", "2025-03-15")
        }
        assert not lists_of(connection, "other", date(2025, 4, 1)).addresses
    engine.dispose()
    assert on == {
        "2025-02-28": frozenset(),
        "2025-03-01": {MIXER},
        "2025-03-31": {MIXER},
        "2025-04-01": {THIEF},
        "2025-03-15": {MIXER},
    }
