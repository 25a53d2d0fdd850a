"""The drill of `make test` (30 kills) and of `make soak` (500): kill, start again, same end."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VICTIMS = ("application", "node", "both")
POINTS = (
    "before commit",
    "after commit",
    "before signing",
    "after signing",
    "before sending",
    "after sending",
    "before mining",
    "after mining",
    "before indexing",
    "after indexing",
    "before completion",
    "after completion",
)


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: the `number`-th time that `point` is reached, `victim` dies."""

    point: str
    number: int
    victim: str

    def __str__(self) -> str:
        return f"{self.victim} {self.point} #{self.number}"


def run_pilot(
    folder: Path, directory: Path, *, kill: Kill | None, resume: bool, log: Path
) -> tuple[int, dict[str, Any]]:
    """Exit code of one run, and what the driver wrote down."""
    counts = log.with_suffix(".json")
    counts.unlink(missing_ok=True)
    command = [sys.executable, str(HERE / "kill_driver.py"), str(counts)]
    command += [kill.point, str(kill.number), kill.victim] if kill else ["none", "0", "none"]
    command += ["--", "pilot", str(folder), "--data", str(directory)]
    command += ["--resume"] if resume else []
    with log.open("ab") as out:
        done = subprocess.run(
            command, stdout=out, stderr=out, timeout=300, env=os.environ | {"NO_COLOR": "1"}
        )
    noted = json.loads(counts.read_text()) if counts.exists() else {}
    return done.returncode, noted


def kills(counts: dict[str, int], seed: int, how_many: int) -> Iterator[Kill]:
    """Kills spread over all points and victims, at places that the seed draws."""
    draw = random.Random(seed)
    for position in range(how_many):
        point = POINTS[position % len(POINTS)]
        victim = VICTIMS[(position // len(POINTS) + position) % len(VICTIMS)]
        yield Kill(point, draw.randint(1, max(1, counts.get(point, 1))), victim)


def survives(folder: Path, scratch: Path, kill: Kill, expected: dict[str, Any]) -> None:
    """Kill one run, start it again until it ends, and compare its end with the undisturbed one."""
    directory = scratch / "data"
    shutil.rmtree(directory, ignore_errors=True)
    log = scratch / "run.log"
    log.unlink(missing_ok=True)
    code, noted = run_pilot(folder, directory, kill=kill, resume=False, log=log)
    text = log.read_text(errors="replace")[-3000:]
    assert "killed" in noted, f"{kill} was never reached (exit {code})\n{text}"
    for _again in range(3):
        if code == 0:
            break
        code, _ = run_pilot(folder, directory, kill=None, resume=True, log=log)
    assert code == 0, f"{kill}: it did not end\n{log.read_text(errors='replace')[-3000:]}"
    found = end_state(directory)
    assert found == expected, f"{kill}: {differences(expected, found)}"


def end_state(directory: Path) -> dict[str, Any]:
    """The end of a run to the last unit, without times, ids, salts, hashes and addresses."""
    out = subprocess.run(
        [sys.executable, str(HERE / "end_state.py"), str(directory)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert out.returncode == 0, out.stderr[-3000:]
    state: dict[str, Any] = json.loads(out.stdout)
    return state


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is not the same, for a person to read."""
    keys = sorted(set(expected) | set(found))
    return [
        f"{key}: {expected.get(key)!r:.300} became {found.get(key)!r:.300}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]
