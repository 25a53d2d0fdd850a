"""Killed at any instant, the application, the node or both: the same end to the last unit.

The pilot in `drill/` runs once undisturbed; then, for each kill, from an empty ledger to the kill
and again, resumed, to its end.  Balances of every account on every day, the states of all orders,
instructions, allotments and payments, and the number of journal entries of each kind must be those
of the undisturbed run, and contracts, index and journal must agree.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.drills import HERE, Kill, end_state, kills, run_pilot, survives

DRILL = HERE / "drill"
SEED = 20_210_304
# The drill waits for its bidding window most of the time, so several share the processor.
AT_ONCE = 4


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, int], dict[str, Any]]:
    """How often each point is reached in a run that nobody disturbs, and its end."""
    scratch = tmp_path_factory.mktemp("undisturbed")
    log = scratch / "run.log"
    code, counts = run_pilot(DRILL, scratch / "data", kill=None, resume=False, log=log)
    assert code == 0, log.read_text()[-3000:]
    return counts, end_state(scratch / "data")


def drill(how_many: int, undisturbed: tuple[dict[str, int], dict[str, Any]], folder: Path) -> None:
    counts, expected = undisturbed

    def one(numbered: tuple[int, Kill]) -> str | None:
        number, kill = numbered
        scratch = folder / str(number)
        scratch.mkdir()
        try:
            survives(DRILL, scratch, kill, expected)
        except AssertionError as error:
            return f"{kill}: {error}"
        return None

    with ThreadPoolExecutor(AT_ONCE) as pool:
        broken = [text for text in pool.map(one, enumerate(kills(counts, SEED, how_many))) if text]
    assert not broken, "\n\n".join(broken)


def test_thirty_kills(undisturbed: tuple[dict[str, int], dict[str, Any]], tmp_path: Path) -> None:
    drill(30, undisturbed, tmp_path)


@pytest.mark.soak
def test_five_hundred_kills(
    undisturbed: tuple[dict[str, int], dict[str, Any]], tmp_path: Path
) -> None:
    drill(500, undisturbed, tmp_path)
