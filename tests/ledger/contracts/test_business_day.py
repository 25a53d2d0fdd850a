"""The day moves forward, by two institutions, and not ahead of time."""

from __future__ import annotations

from typing import Any

import pytest

from amanat.ledger import typed_data as td
from amanat.ledger.refusals import decode


def test_moves_forward_by_phase_and_day(world: Any, kit: Any) -> None:
    outcome = world.open_day(kit.DAY_ONE, td.Phase.CLOSED)
    assert world.business_day.events(outcome, "DayAdvanced") == [
        {"day": kit.DAY_ONE, "phase": td.Phase.CLOSED}
    ]
    world.open_day(kit.DAY_ONE + 1)
    assert world.directory.ask("today") == (kit.DAY_ONE + 1, 1)
    _, moment = world.business_day.ask("moment_of", kit.DAY_ONE + 1, 1)
    assert moment == world.chain.now()


@pytest.mark.parametrize(("days", "phase"), [(-1, 1), (-1, 3), (2**32, 1)])
def test_never_back(world: Any, kit: Any, refuses: Any, days: int, phase: int) -> None:
    with refuses("DayNotForward", current_day=kit.DAY_ONE):
        world.open_day(kit.DAY_ONE + days, phase)


@pytest.mark.parametrize("phase", [0, 4])
def test_phases_are_known(world: Any, kit: Any, refuses: Any, phase: int) -> None:
    with refuses("PhaseUnknown", phase=phase):
        world.open_day(kit.DAY_ONE + 1, phase)


def test_two_institutions_that_keep_the_day(world: Any, kit: Any, refuses: Any) -> None:
    values = (1, kit.DAY_ONE + 1, 1)
    for signers in ([(2, 0), (2, 1)], [(2, 0), (1, 0)]):
        keys = [world.key(*one) for one in signers]
        seals = world.sign(world.business_day, td.DAY_ADVANCE, values, *keys)
        with refuses("QuorumNotMet", required=2, present=1):
            world.business_day.call("advance", values, seals)


def test_ahead_of_time_only_in_a_simulation(kit: Any, refuses: Any) -> None:
    world = kit.World(kit.BoaChain(), simulation=False).found()
    latest = world.business_day.ask("latest_day")
    assert latest == (world.chain.now() + 18_000) // 86_400
    with refuses("DayAheadOfTime", day=latest + 1, latest=latest):
        world.open_day(latest + 1)
    assert decode(world.business_day.ask("can_advance", latest + 1, 1)).name == "DayAheadOfTime"
    assert world.business_day.ask("can_advance", latest, 1) == b""
    world.open_day(latest)


def test_simulation_may_run_ahead(world: Any) -> None:
    world.open_day(world.business_day.ask("latest_day") + 400)
    assert world.directory.ask("simulation")
