"""What came of steps that are no acts, kept beside the data of the replay, in `supervised.json`.

Acts are found again under their keys.  Returns and runs of monitoring have none, so that what came
of each is kept here by the key of its step, and a run that goes on does not do them again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from amanat.replay.performing import Performer
from amanat.replay.plan import Step

KEPT_FILE = "supervised.json"


def kept_in(folder: Path) -> dict[str, dict[str, Any]]:
    """What came of steps, by their keys."""
    file = folder / KEPT_FILE
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def kept_of(performer: Performer) -> dict[str, dict[str, Any]]:
    """What came of the steps of this replay, by their keys."""
    return kept_in(performer.application.settings.data_dir)


def keep(performer: Performer, step: Step, what: dict[str, Any]) -> None:
    """Keep what came of a step; the file is there as it was, or as it is now, never in between."""
    folder = performer.application.settings.data_dir
    known = kept_in(folder) | {step.key: what}
    made = folder / f"{KEPT_FILE}.new"
    made.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    made.replace(folder / KEPT_FILE)
