"""A replay that stops anywhere and is started again comes to the same end."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from amanat.app import Application
from amanat.replay.acting.auctioning import current_code, tender_row
from amanat.replay.loading import load_pilot
from amanat.replay.model import Pilot
from amanat.replay.performing import Performer
from amanat.replay.plan import Kind, steps_of
from amanat.replay.report import auction_facts
from amanat.replay.runner import replay
from amanat.settings import Settings


def place_of(pilot: Pilot, kind: Kind) -> int:
    return next(place for place, step in enumerate(steps_of(pilot)) if step.kind is kind)


def sheet_of(application: Application, pilot: Pilot) -> dict[str, Any]:
    performer = Performer(application, pilot)
    with application.store.reading() as connection:
        facts = auction_facts(connection, performer, pilot.tenders[0])
    sheet = facts["sheet"]
    return {
        "dealers": facts["dealers"],
        "totals": sheet["total"],
        "rows": [(row["offered"], row["face_value"], row["price"]) for row in sheet["rows"]],
    }


@pytest.mark.timeout(120)
def test_bids_that_were_due_meanwhile_are_taken_in_a_tender_announced_anew(
    shipped: Callable[[str], Path], tmp_path: Path
) -> None:
    pilot = load_pilot(shipped("bill"))
    announced, awarded = place_of(pilot, Kind.ANNOUNCE) + 1, place_of(pilot, Kind.AWARD) + 1
    with Application(Settings.at(tmp_path / "whole", light_keys=True)) as application:
        replay(application, pilot, until=awarded)
        expected = sheet_of(application, pilot)
    settings = Settings.at(tmp_path / "interrupted", light_keys=True)
    with Application(settings) as application:
        replay(application, pilot, until=announced)
    time.sleep(pilot.programme.bidding_window_seconds + 1.5)
    with Application(settings) as application:
        replay(application, pilot, until=awarded)
        performer = Performer(application, pilot)
        first = tender_row(performer, pilot.tenders[0].code)
        assert first is not None
        assert first.state == "cancelled"
        assert current_code(performer, pilot.tenders[0]) != pilot.tenders[0].code
        assert sheet_of(application, pilot) == expected
