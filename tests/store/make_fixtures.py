"""Writes the fixtures of this version's data: `python -m tests.store.make_fixtures`.

One small SQL dump for each dialect, of a founded programme with trades.  A release freezes them
under its version's name (docs/how-to/developer.md); from then on they are never made again, and
`test_upgrades.py` brings each of them to the latest tables.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from amanat import __version__
from amanat.app import Application, declare_rooms
from amanat.settings import Settings
from amanat.store.migrate import migrate

FIXTURES = Path(__file__).parent / "fixtures"


def main() -> None:
    """Write the SQLite dump of a founded programme at this version."""
    import tempfile

    from tests.programme.world import found_world

    declare_rooms()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.at(Path(folder) / "home", light_keys=True)
        with Application(settings) as application:
            migrate(application.engine)
            found_world(application)
            application.pump()
        FIXTURES.mkdir(exist_ok=True)
        source = sqlite3.connect(settings.data_dir / "amanat.sqlite")
        text = "\n".join(source.iterdump()) + "\n"
        source.close()
        (FIXTURES / f"{__version__}.sqlite.sql").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
