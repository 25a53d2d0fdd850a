"""Killed at any point and sent again, an intake ends the same, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from amanat.supervision.returns.tables import manifest

from .conftest import IntakeWorld
from .exchanges import written

DRIVER = Path(__file__).with_name("killed_intake.py")
STEPS = ("received", "rows_written", "before_rename", "renamed", "manifest_entered",
         "before_commit", "committed")  # fmt: skip


def test_killed_anywhere_and_sent_again(world: IntakeWorld, tmp_path: Path) -> None:
    given = written(tmp_path / "r", format="parquet")
    url = str(world.desk.store.engine.url)
    died = subprocess.run(
        [sys.executable, str(DRIVER), url, str(world.folder), str(given), *STEPS],
        capture_output=True,
        timeout=300,
        check=False,
        text=True,
    )
    # Killed by signal 9 at each; returns and records of persons are there after the commit alone.
    told = [line.split() for line in died.stdout.splitlines()]
    nothing = [[step, "-9", "0", "0"] for step in STEPS[:-1]]
    assert told == [*nothing, ["committed", "-9", "1", "4"]], died.stderr[-2000:]
    # The last one was committed: its receipt is the answer, as if nothing had happened.
    receipt = world.take(given)
    assert receipt["return"] == world.rows(manifest)[0].id
    assert receipt["rows"] == 7
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
