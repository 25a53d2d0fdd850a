"""The pilot on five validators: the same holdings, cash and journal as on the embedded node.

Then once more with one validator killed in the midst of settlement: nothing stops, and the node
that comes back catches up.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.end_state import end_in
from tests.network.conftest import PILOT

from amanat.app import Application
from amanat.cli.pilots import application_of, prepare
from amanat.network.home import Home
from amanat.network.status import status_of, wait_ready
from amanat.network.supervisor import HELD, release, running
from amanat.replay.business import business_content, business_digest
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, Step
from amanat.replay.runner import Watch, replay

pytestmark = pytest.mark.network

KILLED = "secp"
END = dict[str, Any]


def played(data: Path, network: Path | None, watch: Watch | None = None) -> END:
    """The end of the pilot on these nodes, with what its journal says as business."""
    pilot = load_pilot(PILOT)
    prepare(data, resume=False)
    with application_of(data, network) as application:
        replay(application, pilot, watch)
        return ended(application, pilot.programme.code)


def ended(application: Application, programme: str) -> END:
    state, wrong = end_in(application)
    assert wrong == []
    with application.store.reading() as connection:
        state["business"] = business_content(connection, programme)
        state["digest"] = business_digest(connection, programme)
    return state


def differences(found: END, expected: END) -> list[str]:
    """Where two ends differ, named: a whole end is too long to read."""
    told = [name for name in expected if name != "business" and found[name] != expected[name]]
    for ours, theirs in zip(found["business"], expected["business"], strict=False):
        if ours != theirs:
            told.append(f"business {ours[0]}/{theirs[0]}")
    return told


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> END:
    return played(tmp_path_factory.mktemp("embedded") / "data", None)


def test_the_pilot_ends_the_same_on_five_validators(
    validators: Home, embedded: END, tmp_path: Path
) -> None:
    found = played(tmp_path / "data", validators.folder)
    assert differences(found, embedded) == []
    assert found["digest"] == embedded["digest"]
    status = status_of(validators)
    assert status.agree
    assert [one.healthy for one in status.nodes] == [True] * 5


@pytest.fixture
def killer(validators: Home) -> Iterator[Any]:
    """Kills one validator at the third settlement and keeps it down; steps with their seconds."""
    seconds: list[tuple[str, float]] = []
    settlements = 0

    def watch(step: Step, place: int, count: int) -> None:
        nonlocal settlements
        del place, count
        seconds.append((step.key, time.monotonic()))
        if step.kind is Kind.SETTLE:
            settlements += 1
            if settlements == 3:
                (validators.node_folder(KILLED) / HELD).touch()
                os.kill(running(validators)["nodes"][KILLED]["pid"], signal.SIGKILL)

    yield watch, seconds
    release(validators, KILLED)


def test_one_of_five_killed_in_the_midst_of_settlement_stops_nothing(
    validators: Home, embedded: END, tmp_path: Path, killer: Any
) -> None:
    watch, seconds = killer
    found = played(tmp_path / "data", validators.folder, watch)
    assert differences(found, embedded) == []
    down = {one.institution for one in status_of(validators).nodes if one.height is None}
    assert down == {KILLED}
    gaps = [(later - earlier, key) for (key, earlier), (_, later) in pairwise(seconds)]
    print(f"longest step with one of five down: {max(gaps)[0]:.1f} s ({max(gaps)[1]})")
    release(validators, KILLED)
    status = wait_ready(validators)
    assert status.agree
    assert max(one.behind or 0 for one in status.nodes) <= 1
