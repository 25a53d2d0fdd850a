"""Killed at any instant among grants, suspensions, a revocation and a surrender: the same end.

The story runs once undisturbed; then, for each kill, on a copy of the same installation to the
kill, and again from its start to its end.  Standings, files, permissions with their changes, the
register's changes, orders, levels and the number of journal entries of each kind must be those of
the undisturbed run, and tables, journal, register and contracts must agree.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from tests.e2e.drills import Kill, Runner, end_of_text, kills
from tests.e2e.licensing_story import prepare

SEED = int(os.environ.get("AMANAT_DRILL_SEED", "20251212"))
AT_ONCE = 2


@dataclass(frozen=True)
class Told:
    """The installation before the story, how often each point is reached, and the end."""

    before: Path
    counts: dict[str, int]
    end: dict[str, Any]


def play(runner: Runner, data: Path, kill: Kill | None, *, resume: bool) -> int:
    """The story in a folder; the exit code of the process."""
    log = data.with_suffix(".log")
    log.with_suffix(".json").unlink(missing_ok=True)
    return runner.run(
        story=str(data),
        kill=[kill.point, kill.number, kill.victim] if kill else None,
        resume=resume,
        counts=str(log.with_suffix(".json")),
        log=str(log),
    )


def end_of(runner: Runner, data: Path) -> dict[str, Any]:
    """Where the story ended in a folder; everything agrees there."""
    log, end = data.with_suffix(".log"), data.with_suffix(".end")
    code = runner.run(state=str(data), of="story", end=str(end), log=str(log))
    assert code == 0, end_of_text(log)
    found: dict[str, Any] = json.loads(end.read_text())
    return found


@pytest.fixture(scope="module")
def runners() -> Iterator[SimpleQueue[Runner]]:
    """Runners that are free."""
    made = [Runner() for _ in range(AT_ONCE)]
    free: SimpleQueue[Runner] = SimpleQueue()
    for one in made:
        free.put(one)
    yield free
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def told(runners: SimpleQueue[Runner], tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The story as nobody disturbs it."""
    folder = tmp_path_factory.mktemp("licensing-story")
    prepare(folder / "before")
    shutil.copytree(folder / "before", folder / "undisturbed")
    runner = runners.get()
    try:
        code = play(runner, folder / "undisturbed", None, resume=False)
        assert code == 0, end_of_text(folder / "undisturbed.log")
        counts = json.loads((folder / "undisturbed.json").read_text())
        end = end_of(runner, folder / "undisturbed")
    finally:
        runners.put(runner)
    assert end["providers"] != []
    return Told(folder / "before", counts, end)


def drill(how_many: int, runners: SimpleQueue[Runner], told: Told, folder: Path) -> None:
    """Kill, play again, compare."""

    def one(numbered: tuple[int, Kill]) -> str | None:
        number, kill = numbered
        runner = runners.get()
        try:
            survives(runner, told, folder / str(number), kill)
        except AssertionError as error:
            return f"kill {number}, {kill}: {error}"
        finally:
            runners.put(runner)
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        drawn = enumerate(kills(told.counts, SEED, how_many))
        broken = [text for text in pool.map(one, drawn) if text]
    assert not broken, f"{len(broken)} of {how_many}\n" + "\n\n".join(broken)


def survives(runner: Runner, told: Told, data: Path, kill: Kill) -> None:
    """Kill the story once, play it again until it ends, and compare."""
    shutil.copytree(told.before, data)
    code = play(runner, data, kill, resume=False)
    log = data.with_suffix(".log")
    noted = data.with_suffix(".json")
    assert noted.exists(), f"it was never reached (exit {code})\n{end_of_text(log)}"
    for _again in range(3):
        if code == 0:
            break
        code = play(runner, data, None, resume=True)
    assert code == 0, f"it did not end\n{end_of_text(log)}"
    end = end_of(runner, data)
    for name, expected in told.end.items():
        assert end[name] == expected, f"{name} differ\n{end_of_text(log)}"
    shutil.rmtree(data)


def test_the_story_ends_as_it_should(told: Told) -> None:
    assert [one[:2] for one in told.end["providers"] if one[0].startswith("exchange")] == [
        ["exchange_x", "revoked"],
        ["exchange_y", "surrendered"],
    ]
    changes = [one[1] for one in told.end["changes"] if one[0] == "exchange_x"]
    assert sorted(set(changes)) == ["grant", "lift", "revoke", "suspend"]


def test_six_kills(runners: SimpleQueue[Runner], told: Told, tmp_path: Path) -> None:
    drill(6, runners, told, tmp_path)


@pytest.mark.soak
def test_two_hundred_kills(runners: SimpleQueue[Runner], told: Told, tmp_path: Path) -> None:
    drill(int(os.environ.get("AMANAT_DRILL_KILLS", "200")), runners, told, tmp_path)
