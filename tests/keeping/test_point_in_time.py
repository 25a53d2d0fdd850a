"""Point in time on PostgreSQL: the guide's own commands, run against a server of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sql
from tests.e2e.own_postgres import GIVE_UP_AFTER_S, PORT, PROGRAMS, OwnPostgres
from tests.programme.world import CODE
from tests.settlement.trading import BOND_ISIN, MILLION, Trading, open_trading

from amanat.app import Application
from amanat.core.errors import NotFound
from amanat.ledger.reconciliation import UNKNOWN_ORDER
from amanat.ledger.tables import alarm
from amanat.operating.doctor.examination import examine
from amanat.operating.doctor.findings import Verdict

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "backup-and-restore.md"
MOMENT = "2026-03-01 17:59:30+00"


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    """A PostgreSQL of this test's own, not started."""
    made = OwnPostgres.create()
    yield made
    made.remove()


class Guide:
    """The commands of the guide's section, with this test's folders for its own."""

    def __init__(self, server: OwnPostgres) -> None:
        self._server = server
        section = GUIDE.read_text().partition("## Point in time")[2].partition("\n## ")[0]
        self.settings, self.base, self.recovery = (
            text.replace("/srv", str(server.root))
            for text in re.findall(r"```(?:ini|sh)\n(.*?)```", section, re.DOTALL)
        )

    def run(self, commands: str) -> None:
        """As PostgreSQL's own user, with its programs on the path."""
        environment = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "PGHOST": str(self._server.root),
            "PGPORT": str(PORT),
            "PGUSER": "postgres",
            "PGDATA": str(self._server.data),
        }
        subprocess.run(
            ["/bin/sh", "-euc", commands], check=True, **self._server.as_server(env=environment)
        )


def archived(server: OwnPostgres) -> None:
    """Wait until the log written so far lies in the archive."""
    name = server.ask("SELECT pg_walfile_name(pg_switch_wal())")
    until = time.monotonic() + GIVE_UP_AFTER_S
    while not (server.root / "wal" / str(name)).exists():
        assert time.monotonic() < until, server.words()
        time.sleep(0.05)


def test_the_guides_commands_return_to_an_instant(server: OwnPostgres, tmp_path: Path) -> None:
    guide = Guide(server)
    guide.run(f"mkdir {server.root}/wal {server.root}/base")
    server.configure(*guide.settings.splitlines())
    server.start()
    trading = next(opened := open_trading(tmp_path, server.url))
    trade = {"nominal": MILLION, "paisa": 95 * MILLION}
    before_base = trading.trade("ministry.distribution", "bank_a.own", **trade)
    guide.run(guide.base)
    kept = trading.trade("ministry.distribution", "bank_b.own", **trade)
    moment = str(server.ask("SELECT clock_timestamp()::text"))
    time.sleep(1.1)
    lost = trading.trade("ministry.distribution", "fund_c.own", **trade)
    archived(server)
    settings = trading.app.settings
    with pytest.raises(StopIteration):
        next(opened)  # the application ends; its node's state stays as it is

    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.data)
    guide.run("mkdir -m 700 $PGDATA")
    assert guide.recovery.count(MOMENT) == 1
    guide.run(guide.recovery.replace(MOMENT, moment))
    server.start()
    until = time.monotonic() + GIVE_UP_AFTER_S
    while server.ask("SELECT pg_is_in_recovery()"):
        assert time.monotonic() < until, server.words()
        time.sleep(0.05)

    with Application(replace(settings, database_url=server.url)) as app:
        app.pump()
        assert app.ledger.check() == []
        again = Trading(replace(trading.world, app=app))
        assert [again.instruction(one)["state"] for one in (before_base, kept)] == ["settled"] * 2
        with pytest.raises(NotFound):
            again.instruction(lost)
        # The chain has the third trade: it took effect, and an alarm says that its act is lost.
        assert again.holds(BOND_ISIN, "fund_c.own") == MILLION
        with app.store.reading() as connection:
            kinds = set(connection.execute(sql.select(alarm.c.kind)).scalars())
        assert UNKNOWN_ORDER in kinds
        assert again.world.view("programme")["programme"] == CODE
        again.trade("bank_a.own", "bank_b.own", nominal=1_000, paisa=1_000)
        assert app.ledger.check() == []
        found = examine(settings.data_dir, {"AMANAT_DATABASE": server.url})
        wrong = [one for one in found if one.verdict is Verdict.WRONG]
        assert {one.check for one in wrong} <= {"alarms"}, wrong
