"""The pilot on five validators: the same holdings, cash and journal as on the embedded node.

Then a smaller programme with one validator killed in the midst of settlement: nothing stops, and
the node that comes back catches up.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.end_state import end_in
from tests.network.conftest import PILOT

from amanat.app import Application
from amanat.cli.pilots import application_of, play, prepare
from amanat.network.home import Home
from amanat.network.status import status_of, wait_ready
from amanat.network.supervisor import HELD, release, running
from amanat.replay.business import business_content, business_digest
from amanat.replay.loading import load_pilot
from amanat.replay.plan import Kind, Step
from amanat.replay.runner import Watch

pytestmark = pytest.mark.network

KILLED = "secp"
DRILL = Path(__file__).parents[1] / "e2e" / "drill"
END = dict[str, Any]


def played(folder: Path, data: Path, network: Path | None, watch: Watch | None = None) -> END:
    """The end of a pilot's folder on these nodes, with what its journal says as business."""
    pilot = load_pilot(folder)
    # A tender that runs short on a busy machine is extended, which is an act more.
    patient = replace(pilot.programme, bidding_window_seconds=12)
    pilot = replace(pilot, programme=patient)
    prepare(data, resume=False)
    with application_of(data, network) as application:
        play(application, pilot, watch, network)
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


def test_the_pilot_ends_the_same_on_five_validators(validators: Home, tmp_path: Path) -> None:
    embedded = played(PILOT, tmp_path / "embedded", None)
    found = played(PILOT, tmp_path / "data", validators.folder)
    assert differences(found, embedded) == []
    assert found["digest"] == embedded["digest"]
    # A node on a busy machine may call itself unwell for a moment.
    status = wait_ready(validators)
    assert status.agree
    assert [one.healthy for one in status.nodes] == [True] * 5


@dataclass(slots=True)
class Killer:
    """Kills one validator in the midst of a settlement and keeps it down; notes when steps began.

    Only after the last auction: whether bids come in time depends on real seconds.
    """

    home: Home
    began: list[tuple[str, float]] = field(default_factory=list)
    killed_at: float | None = None

    def __call__(self, step: Step, place: int, count: int) -> None:
        del place, count
        self.began.append((step.key, time.monotonic()))
        last_auction = max(one.settles_on for one in load_pilot(DRILL).tenders)
        if step.kind is Kind.SETTLE and step.day > last_auction and self.killed_at is None:
            self.killed_at = time.monotonic()
            threading.Timer(0.1, self.kill).start()

    def kill(self) -> None:
        (self.home.node_folder(KILLED) / HELD).touch()
        os.kill(running(self.home)["nodes"][KILLED]["pid"], signal.SIGKILL)

    def longest(self) -> tuple[float, str]:
        """Seconds of the longest step since the kill, and which it was."""
        assert self.killed_at is not None
        return max(
            (later - earlier, key)
            for (key, earlier), (_, later) in pairwise(self.began)
            if earlier >= self.killed_at - 1
        )


@pytest.fixture
def killer(validators: Home) -> Iterator[Killer]:
    yield Killer(validators)
    release(validators, KILLED)


def test_one_of_five_killed_in_the_midst_of_settlement_stops_nothing(
    validators: Home, tmp_path: Path, killer: Killer
) -> None:
    embedded = played(DRILL, tmp_path / "embedded", None)
    found = played(DRILL, tmp_path / "data", validators.folder, killer)
    assert differences(found, embedded) == []
    down = {one.institution for one in status_of(validators).nodes if one.height is None}
    assert down == {KILLED}
    seconds, step = killer.longest()
    print(f"longest step with one of five down: {seconds:.1f} s ({step})")
    release(validators, KILLED)
    began = time.monotonic()
    status = wait_ready(validators)
    print(f"back and healthy after {time.monotonic() - began:.1f} s")
    assert status.agree
    assert max(one.behind or 0 for one in status.nodes) == 0
