"""Writes the fixtures of this version's data: `python -m tests.store.make_fixtures`.

A small SQL dump of a founded programme, and beside it the state of its embedded node, with which
`fsck` compares it.  A release freezes them under its version's name (docs/how-to/developer.md);
from then on they are never made again, and `test_upgrades.py` brings each of them to the latest
tables.
"""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

from amanat import __version__
from amanat.app import Application, declare_rooms
from amanat.settings import Settings
from amanat.store.migrate import migrate

FIXTURES = Path(__file__).parent / "fixtures"


def main() -> None:
    """Write the SQLite dump of a founded programme at this version, and its node's state."""
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
        state = (settings.data_dir / "node" / "state.json").read_bytes()
        (FIXTURES / f"{__version__}.node.json.gz").write_bytes(gzip.compress(state, 9, mtime=0))


if __name__ == "__main__":
    main()
