"""What a score rests on: the same training with more and with less to look at.

with earlier cases     also the dated list of confirmed movements
without withdrawals    nothing of payments to banks outside
provisional            nothing later than five days after a movement
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from amanat.supervision.detection.features import MEMORY_LIMIT, Features
from amanat.supervision.detection.judging import Scored, judged
from amanat.supervision.detection.measures import HABITS
from amanat.supervision.detection.model import Figures, Split
from amanat.supervision.detection.training import (
    EPOCH,
    Training,
    day_number,
    known_of,
    read_labels,
    scored_by,
    train,
)

WITHDRAWALS = frozenset(
    {one.code for one in HABITS if one.code.startswith("fiat_out")} | {"value_of_spending"}
)
STEP_DAYS = 5


def trained(
    files: Sequence[Path],
    labels: Path,
    split: Split,
    folder: Path,
    memory_limit: str = MEMORY_LIMIT,
    *,
    without: frozenset[str] = frozenset(),
    earlier: bool = False,
) -> Training:
    """One training and its test.  Refuses `TooFewConfirmed`."""
    with Features(files, folder, memory_limit, without) as features:
        features.prepare()
        return train(features, read_labels(labels), split, earlier=earlier)


def compared(
    files: Sequence[Path],
    labels: Path,
    split: Split,
    folder: Path,
    memory_limit: str = MEMORY_LIMIT,
) -> dict[str, Figures]:
    """Figures by what was different, on the same days."""
    earlier = trained(files, labels, split, folder / "earlier", memory_limit, earlier=True)
    less = trained(files, labels, split, folder / "less", memory_limit, without=WITHDRAWALS)
    return {
        "with earlier cases": earlier.figures,
        "without withdrawals": less.figures,
        "provisional": provisional(files, labels, split, folder / "provisional", memory_limit),
    }


def provisional(
    files: Sequence[Path],
    labels: Path,
    split: Split,
    folder: Path,
    memory_limit: str = MEMORY_LIMIT,
) -> Figures:
    """The score as it stood at most five days after each movement.

    Trained on rows before the test alone; each five days are judged on rows up to their last day.
    """
    table = read_labels(labels)
    known = known_of(table)
    first = split.threshold_before
    with Features(files, folder / "before", memory_limit) as features:
        features.prepare(last_day=(first - timedelta(1)).isoformat())
        model = train(features, table, split).model
    with Features(files, folder / "all", memory_limit) as features:
        features.prepare()
        end = EPOCH + timedelta(days=features.days()[1])
    found: list[Scored] = []
    while first <= end:
        last = min(first + timedelta(STEP_DAYS - 1), end)
        with Features(files, folder / first.isoformat(), memory_limit) as features:
            features.prepare(last_day=last.isoformat())
            features.lend(model.likenesses(features))
            found.append(scored_by(model, features, known, day_number(first), day_number(last) + 1))
        first = last + timedelta(1)
    there = known.between(day_number(split.threshold_before), day_number(end) + 1)
    return judged(Scored.joined(found), there, model.threshold)
