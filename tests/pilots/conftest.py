"""Whole pilots, replayed once for all tests that look at what they came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from amanat.app import Application
from amanat.replay.loading import load_pilot
from amanat.replay.model import Pilot
from amanat.replay.performing import Performer
from amanat.replay.report import report_of
from amanat.replay.runner import replay
from amanat.settings import Settings

ROOT = Path(__file__).parents[2]
PILOTS = ROOT / "pilots"


@dataclass(frozen=True)
class Replayed:
    """A pilot that has run to its end, its application still open."""

    pilot: Pilot
    application: Application
    report: dict[str, Any]


def folder_of(kind: str) -> Path:
    """The shipped pilot with a security of this kind."""
    for one in sorted(PILOTS.iterdir()):
        text = one / "instruments.toml"
        if text.exists() and f'kind = "{kind}"' in text.read_text(encoding="utf-8"):
            return one
    raise LookupError(kind)


@pytest.fixture(scope="session")
def shipped() -> Callable[[str], Path]:
    """The shipped pilot with a security of a kind."""
    return folder_of


@pytest.fixture(scope="session", params=["bond", "bill"])
def replayed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replayed]:
    """Each shipped pilot, from an empty ledger to its last day."""
    pilot = load_pilot(folder_of(request.param))
    data = tmp_path_factory.mktemp(f"pilot-{request.param}")
    with Application(Settings.at(data, light_keys=True)) as application:
        replay(application, pilot)
        yield Replayed(pilot, application, report_of(Performer(application, pilot)))
