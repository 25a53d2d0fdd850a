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


class Runner:
    """A process that has the product imported and runs one job after the other in its children."""

    def __init__(self) -> None:
        self._driver = subprocess.Popen(
            [sys.executable, str(HERE / "kill_driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
        )

    def close(self) -> None:
        """Let it end."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.close()
        self._driver.stdout.close()
        self._driver.wait(30)

    def run(self, **job: Any) -> int:
        """Exit code of one job; its times are bounded in the driver."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps(job) + "\n")
        self._driver.stdin.flush()
        return int(self._driver.stdout.readline())

    def pilot(
        self, folder: Path, directory: Path, *, kill: Kill | None, resume: bool, log: Path
    ) -> tuple[int, dict[str, Any]]:
        """Exit code of one run, and what the driver wrote down."""
        counts = log.with_suffix(".json")
        counts.unlink(missing_ok=True)
        command = ["pilot", str(folder), "--data", str(directory)]
        code = self.run(
            command=command + (["--resume"] if resume else []),
            kill=[kill.point, kill.number, kill.victim] if kill else None,
            counts=str(counts),
            log=str(log),
        )
        return code, json.loads(counts.read_text()) if counts.exists() else {}

    def end_state(self, directory: Path, log: Path) -> dict[str, Any]:
        """The end of a run to the last unit, without times, ids, salts, hashes and addresses."""
        end = log.with_suffix(".end")
        code = self.run(state=str(directory), end=str(end), log=str(log))
        assert code == 0, log.read_text(errors="replace")[-3000:]
        state: dict[str, Any] = json.loads(end.read_text())
        return state


def kills(counts: dict[str, int], seed: int, how_many: int) -> Iterator[Kill]:
    """Kills spread over all points and victims, at places that the seed draws.

    How often a point is reached differs a little between runs, so the last tenth is left out.
    """
    draw = random.Random(seed)
    for position in range(how_many):
        point = POINTS[position % len(POINTS)]
        victim = VICTIMS[(position // len(POINTS) + position) % len(VICTIMS)]
        yield Kill(point, draw.randint(1, max(1, counts.get(point, 1) * 9 // 10)), victim)


def survives(
    runner: Runner, folder: Path, scratch: Path, kill: Kill, expected: dict[str, Any]
) -> None:
    """Kill one run, start it again until it ends, and compare its end with the undisturbed one."""
    directory = scratch / "data"
    log = scratch / "run.log"
    code, noted = runner.pilot(folder, directory, kill=kill, resume=False, log=log)
    assert "killed" in noted, f"it was never reached (exit {code})\n{end_of_text(log)}"
    for _again in range(3):
        if code == 0:
            break
        code, _ = runner.pilot(folder, directory, kill=None, resume=True, log=log)
    assert code == 0, f"it did not end\n{end_of_text(log)}"
    found = runner.end_state(directory, log)
    assert found == expected, f"{differences(expected, found)}"
    shutil.rmtree(directory)


def end_of_text(log: Path) -> str:
    """What was said last."""
    return log.read_text(errors="replace")[-3000:]


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is not the same, for a person to read."""
    keys = sorted(set(expected) | set(found))
    return [
        f"{key}: {expected.get(key)!r:.300} became {found.get(key)!r:.300}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]
