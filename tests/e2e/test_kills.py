"""Killed at any instant, the application, the node or both: the same end to the last unit.

The pilot in `drill/` runs once undisturbed; then, for each kill, from an empty ledger to the kill
and again, resumed, to its end.  Balances of every account on every day, the states of all orders,
instructions, allotments and payments, and the number of journal entries of each kind must be those
of the undisturbed run, and contracts, index and journal must agree.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from tests.e2e.drills import HERE, Kill, Runner, end_of_text, kills, survives

DRILL = HERE / "drill"
SEED = int(os.environ.get("AMANAT_DRILL_SEED", "20210304"))
# The drill waits for its bidding window most of the time, so several share the processor.
AT_ONCE = 6

Undisturbed = tuple[dict[str, int], dict[str, Any]]


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
def undisturbed(
    runners: SimpleQueue[Runner], tmp_path_factory: pytest.TempPathFactory
) -> Undisturbed:
    """How often each point is reached in a run that nobody disturbs, and its end."""
    scratch = tmp_path_factory.mktemp("undisturbed")
    log = scratch / "run.log"
    runner = runners.get()
    try:
        code, counts = runner.pilot(DRILL, scratch / "data", kill=None, resume=False, log=log)
        assert code == 0, end_of_text(log)
        return counts, runner.end_state(scratch / "data", log)
    finally:
        runners.put(runner)


def drill(
    how_many: int, runners: SimpleQueue[Runner], undisturbed: Undisturbed, folder: Path
) -> None:
    counts, expected = undisturbed

    def one(numbered: tuple[int, Kill]) -> str | None:
        number, kill = numbered
        scratch = folder / str(number)
        scratch.mkdir()
        runner = runners.get()
        try:
            survives(runner, DRILL, scratch, kill, expected)
        except AssertionError as error:
            print(f"kill {number}, {kill}: BROKEN", flush=True)
            return f"kill {number}, {kill}: {error}"
        finally:
            runners.put(runner)
        print(f"kill {number}, {kill}: the same end", flush=True)
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        broken = [text for text in pool.map(one, enumerate(kills(counts, SEED, how_many))) if text]
    assert not broken, f"{len(broken)} of {how_many}\n" + "\n\n".join(broken)


def test_six_kills(runners: SimpleQueue[Runner], undisturbed: Undisturbed, tmp_path: Path) -> None:
    drill(6, runners, undisturbed, tmp_path)


@pytest.mark.soak
def test_five_hundred_kills(
    runners: SimpleQueue[Runner], undisturbed: Undisturbed, tmp_path: Path
) -> None:
    drill(int(os.environ.get("AMANAT_DRILL_KILLS", "500")), runners, undisturbed, tmp_path)
