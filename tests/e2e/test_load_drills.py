"""Drills under load: nothing is lost or doubled, and contracts, index and journal agree after each.

`make soak` runs them with a figure each; `AMANAT_DRILL_KILLS` shortens the first.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.load import (
    DrillFailed,
    Served,
    Stream,
    catch_up,
    founded_installation,
    require_whole,
)
from tests.e2e.own_postgres import OwnPostgres

pytestmark = pytest.mark.soak
SEED = int(os.environ.get("AMANAT_DRILL_SEED", "20210304"))
KILLS = int(os.environ.get("AMANAT_DRILL_KILLS", "200"))
RESTARTS = int(os.environ.get("AMANAT_DRILL_RESTARTS", "10"))
HOUR_S = 3_600
FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
)


def told(figure: str) -> None:
    """Print a drill's figure at once."""
    print(f"\n{figure}", flush=True)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


@pytest.fixture
def server() -> Iterator[OwnPostgres]:
    """A PostgreSQL of this drill's own, running."""
    made = OwnPostgres.create()
    try:
        made.start()
        yield made
    finally:
        made.remove()


def test_the_application_is_killed_two_hundred_times_under_load(tmp_path: Path) -> None:
    """SIGKILL at instants that the seed draws, while instructions stream in."""
    database = f"sqlite:///{tmp_path / 'amanat.sqlite'}"
    draw = random.Random(SEED)
    with founded_installation(tmp_path, database) as (served, founding, before):
        stream = Stream(served.port, founding, SEED)
        alive_after = [served.begin()]
        stream.start()
        for kill in range(KILLS):
            time.sleep(draw.uniform(0.05, 1.5))
            served.end()
            alive_after.append(served.begin())
            if (kill + 1) % 20 == 0:
                told(f"{kill + 1} kills, {len(stream.sent)} instructions sent")
        time.sleep(1.0)
        stream.finish()
        served.end(signal.SIGTERM)
        require_whole(served, stream, founding, before)
    told(
        f"{KILLS} kills: {len(stream.sent)} instructions settled once each, {stream.repeated}"
        f" requests repeated, answers again after {median(alive_after):.2f} s (median),"
        f" {max(alive_after):.2f} s (longest)"
    )


def test_the_database_is_restarted_under_load(tmp_path: Path, server: OwnPostgres) -> None:
    """PostgreSQL ends at once, and as in a crash, while instructions stream in."""
    down: list[float] = []
    with founded_installation(tmp_path, server.url) as (served, founding, before):
        stream = Stream(served.port, founding, SEED)
        served.begin()
        stream.start()
        for turn in range(RESTARTS):
            time.sleep(2.0)
            began = time.monotonic()
            server.stop((signal.SIGINT, signal.SIGQUIT)[turn % 2])
            server.start()
            catch_up(served, stream, founding, before["settled_on_chain"])
            down.append(time.monotonic() - began)
        stream.finish()
        served.end(signal.SIGTERM)
        require_whole(served, stream, founding, before)
    told(
        f"{RESTARTS} restarts of PostgreSQL, half of them crashes: {len(stream.sent)} settled"
        f" once each; from the stop until all sent is settled {median(down):.2f} s (median),"
        f" {max(down):.2f} s (longest)"
    )


def test_the_disk_is_full(tmp_path: Path) -> None:
    """The database's own small file system fills up under load, and is emptied again.

    Needs the right to mount (root); where the kernel refuses, the drill fails and says so.
    """
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(small)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        raise DrillFailed(f"this kernel mounts nothing here: {mounted.stderr.strip()}")
    try:
        fill_up(tmp_path, small)
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)


def fill_up(folder: Path, small: Path) -> None:
    database = f"sqlite:///{small / 'amanat.sqlite'}"
    ballast = small / "ballast"
    with founded_installation(folder, database) as (served, founding, before):
        stream = Stream(served.port, founding, SEED)
        served.begin()
        stream.start()
        full_for: list[float] = []
        for _ in range(3):
            time.sleep(2.0)
            began = time.monotonic()
            fill(ballast)
            time.sleep(3.0)
            ballast.unlink()
            full_for.append(time.monotonic() - began)
            catch_up(served, stream, founding, before["settled_on_chain"])
        stream.finish()
        served.end(signal.SIGTERM)
        require_whole(served, stream, founding, before)
    told(
        f"the disk full three times, {sum(full_for):.1f} s in all: {len(stream.sent)} instructions"
        f" settled once each; {sum(stream.refused.values())} acts refused meanwhile and sent again"
    )


def fill(ballast: Path) -> None:
    """Write until the file system has no byte left."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_applications_clock_is_an_hour_off_from_the_nodes(tmp_path: Path, hours: int) -> None:
    """By the application's own clock source; node and client keep the machine's time."""
    database = f"sqlite:///{tmp_path / 'amanat.sqlite'}"
    with founded_installation(tmp_path, database) as (served, founding, before):
        settle_a_while(served, founding, before, f"application {hours:+d} h", hours * HOUR_S)


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_databases_clock_is_an_hour_off_from_the_nodes(
    tmp_path: Path, server: OwnPostgres, hours: int
) -> None:
    """By libfaketime, which the system must have (Debian: `apt install libfaketime`)."""
    library = next((one for one in FAKETIME if Path(one).is_file()), None)
    if library is None:
        raise DrillFailed("libfaketime is not installed here")
    with founded_installation(tmp_path, server.url) as (served, founding, before):
        server.stop()
        server.start(
            {
                "LD_PRELOAD": library,
                "FAKETIME": f"{hours * HOUR_S:+d}s",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )
        off = float(server.ask("SELECT extract(epoch FROM clock_timestamp())")) - time.time()
        assert abs(off - hours * HOUR_S) < 60
        settle_a_while(served, founding, before, f"database {hours:+d} h", 0)


def settle_a_while(
    served: Served, founding: dict[str, Any], before: dict[str, Any], whose: str, off_s: int
) -> None:
    """Stream for a while, let all of it settle, and compare."""
    stream = Stream(served.port, founding, SEED)
    served.begin(clock_off_s=off_s)
    stream.start()
    time.sleep(5.0)
    catch_up(served, stream, founding, before["settled_on_chain"])
    stream.finish()
    served.end(signal.SIGTERM)
    report = require_whole(served, stream, founding, before)
    assert len(stream.sent) > 0
    told(
        f"{whose}: {len(stream.sent)} instructions settled once each, alarms:"
        f" {', '.join(report['alarms']) or 'none'}"
    )
