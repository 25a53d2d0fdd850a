"""Killed at any point and sent again, an intake ends the same, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amanat.supervision.identities import tables
from amanat.supervision.returns.tables import manifest

from .conftest import IntakeWorld
from .exchanges import written

DRIVER = Path(__file__).with_name("killed_intake.py")
BEFORE = ("received", "rows_written", "sealed", "before_rename", "renamed", "arriving",
          "manifest_entered", "before_commit")  # fmt: skip
AFTER = {"committed": "0", "settling": "0", "part_settled": "2", "settled": "4"}
"""Once it counts: how many records of persons are in the vault then."""


def later(world: IntakeWorld, days: int) -> None:
    """Let the clock be past now, by which files are aged."""
    zone = world.desk.clock.now.tzinfo
    world.desk.clock.now = world.desk.clock.now.fromtimestamp(time.time() + days * 86_400, tz=zone)


def test_killed_anywhere_and_sent_again(world: IntakeWorld, tmp_path: Path) -> None:
    given = written(tmp_path / "r", format="parquet")
    url = str(world.desk.store.engine.url)
    died = subprocess.run(
        [sys.executable, str(DRIVER), url, str(world.folder), str(given), *BEFORE, *AFTER],
        capture_output=True,
        timeout=300,
        check=False,
        text=True,
    )
    # Killed by signal 9 at each; returns and records of persons are there after the commit alone.
    told = [line.split() for line in died.stdout.splitlines()]
    nothing = [[step, "-9", "0", "0"] for step in BEFORE]
    settled = [[step, "-9", "1", records] for step, records in AFTER.items()]
    assert told == [*nothing, *settled], died.stderr[-2000:]
    # It was accepted: its receipt is the answer, as if nothing had happened.
    receipt = world.take(given)
    assert receipt["return"] == world.rows(manifest)[0].id
    assert receipt["rows"] == 7
    assert world.rows(manifest)[0].settled_at is not None
    assert (len(world.rows(tables.record)), len(world.rows(tables.account))) == (4, 3)
    assert len(world.rows(tables.owner)) == 1
    # What was sealed for it is noise within a day of its end, and gone after it.
    assert {one.split("/")[1] for one in world.files()} == {"arriving", "transactions"}
    later(world, days=2)
    world.intake.sweep()
    assert world.files() == [f"supervision/{world.rows(manifest)[0].path}"]


def test_files_of_an_intake_that_was_killed_are_removed(world: IntakeWorld, tmp_path: Path) -> None:
    world.take(written(tmp_path / "r"))
    kept = world.folder / "supervision" / world.rows(manifest)[0].path
    orphan = kept.with_name("0" * 64 + ".parquet")
    orphan.write_bytes(b"PAR1")
    young = kept.with_name("1" * 64 + ".parquet")
    young.write_bytes(b"PAR1")
    world.desk.clock.now = world.desk.clock.now.fromtimestamp(
        time.time(), tz=world.desk.clock.now.tzinfo
    )
    os.utime(orphan, (time.time() - 2 * 86_400,) * 2)
    os.utime(kept, (time.time() - 2 * 86_400,) * 2)
    world.intake.sweep()
    assert (kept.exists(), orphan.exists(), young.exists()) == (True, False, True)


@pytest.mark.parametrize("name", ["0-abc", "not_a_pid-abc"])
def test_places_that_are_nobody_s_do_not_stop_an_intake(
    world: IntakeWorld, tmp_path: Path, name: str
) -> None:
    (world.folder / "supervision" / "incoming" / name).mkdir(parents=True)
    assert world.take(written(tmp_path / "r"))["state"] == "accepted"
