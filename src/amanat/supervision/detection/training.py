"""Trains the learned score from stored rows and confirmed movements; same input, same model.

Labels of the training days alone are learned from, those of the threshold's days fix the threshold,
and later ones only judge.  Few settings, fixed beforehand: nothing is searched for, so that nothing
fits one file of examples.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from amanat.supervision.detection.features import Features, Matrix
from amanat.supervision.detection.judging import Scored, best_threshold, judged
from amanat.supervision.detection.labelled import LABELS
from amanat.supervision.detection.model import (
    ACCOUNT_FOLDS,
    CONFIRMED_MIN,
    Figures,
    NotLabels,
    Split,
    TooFewConfirmed,
)
from amanat.supervision.detection.scoring import DetectionModel, Numbers, likeness, mean_score

EPOCH = date(1970, 1, 1)
SEED = 7
BOOSTERS = 3
SETTINGS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
ACCOUNT_ROUNDS, MOVEMENT_ROUNDS = 150, 200
THREADS = 2
ROWS_ALONE = 200_000
"""Below so many rows one thread is faster than waiting for another."""
ROWS_MAX = 500_000
"""Rows that a model is trained on: all confirmed ones and an even sample of the others."""


@dataclass(frozen=True, slots=True)
class Known:
    """Confirmed movements, as arrays beside each other, by id."""

    ids: Numbers
    days: Numbers
    typologies: tuple[str, ...]
    accounts: tuple[Numbers, Numbers]

    def between(self, first: int, end: int) -> dict[str, int]:
        """How many per typology were on the days from `first` to before `end`."""
        found: dict[str, int] = {}
        for day, typology in zip(self.days, self.typologies, strict=True):
            if first <= day < end:
                found[typology] = found.get(typology, 0) + 1
        return found


def day_number(day: date) -> int:
    """Days since 1970-01-01, as the features have them."""
    return (day - EPOCH).days


def read_labels(path: Path) -> pa.Table:
    """Confirmed movements by id: Parquet, or JSON as the view `confirmed_movements` gives it.

    Refuses `NotLabels`.
    """
    try:
        table = _from_json(path) if path.suffix == ".json" else parquet.read_table(path)
        return table.select(LABELS.names).cast(LABELS).sort_by("id")
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise NotLabels(file=path.name, what=str(error).splitlines()[0]) from None


def _from_json(path: Path) -> pa.Table:
    """Ids and accounts are text there, since JavaScript rounds them."""
    rows = [
        {
            "id": int(one["id"]),
            "day": date.fromisoformat(one["day"]),
            "from_account": int(one["from_account"]),
            "to_account": int(one["to_account"]),
            "typology": one["typology"],
        }
        for one in json.loads(path.read_text(encoding="utf-8"))
    ]
    return pa.Table.from_pylist(rows, LABELS)


def known_of(labels: pa.Table) -> Known:
    """The labels as arrays."""
    return Known(
        labels["id"].to_numpy(),
        labels["day"].cast(pa.int32()).to_numpy(),
        tuple(one or "" for one in labels["typology"].to_pylist()),
        (labels["from_account"].to_numpy(), labels["to_account"].to_numpy()),
    )


def _learned(rows: Matrix, right: Numbers, weight: Numbers, seed: int, rounds: int) -> lgb.Booster:
    dataset = lgb.Dataset(rows, right.astype(np.int8), weight=weight)
    threads = THREADS if len(rows) >= ROWS_ALONE else 1
    return lgb.train(SETTINGS | {"seed": seed, "num_threads": threads}, dataset, rounds)


class _Sample:
    """Collects rows for training in bounded memory: all that are right, an even part of the rest.

    Keys are pseudonyms or digests, spread evenly: a row is kept where its key modulo a power of
    two is 0, and the power is doubled whenever there are too many.
    """

    def __init__(self, rows_max: int = ROWS_MAX) -> None:
        self._max, self._one_in = rows_max, 1
        self._kept: list[tuple[Numbers, Matrix, Numbers]] = []

    def add(self, keys: Numbers, rows: Matrix, right: Numbers) -> None:
        """Take some rows."""
        self._kept.append((keys, rows, right))
        self._thin()
        while sum(len(keys) for keys, _, _ in self._kept) > self._max and self._one_in < 2**40:
            self._one_in *= 2
            self._thin()

    def _thin(self) -> None:
        # Folds take the key modulo 5; the middle bits of it are used here.
        thinned = []
        for keys, rows, right in self._kept:
            keep = right | ((keys >> 20) % self._one_in == 0)
            thinned.append((keys[keep], rows[keep], right[keep]))
        self._kept = thinned

    def taken(self) -> tuple[Numbers, Matrix, Numbers, Numbers]:
        """Keys, rows, right or not, and weights."""
        keys = np.concatenate([one[0] for one in self._kept])
        rows = np.concatenate([one[1] for one in self._kept])
        right = np.concatenate([one[2] for one in self._kept])
        return keys, rows, right, np.where(right, 1.0, float(self._one_in))


def _account_boosters(features: Features, known: Known, end: int) -> list[lgb.Booster]:
    """One booster per fold of accounts, learned from the other folds."""
    early = known.days < end
    confirmed = np.unique(np.concatenate([ends[early] for ends in known.accounts]))
    sample = _Sample()
    for accounts, habits in features.habits():
        sample.add(accounts, habits, np.isin(accounts, confirmed))
    accounts, habits, right, weight = sample.taken()
    found = []
    for fold in range(ACCOUNT_FOLDS):
        others = accounts % ACCOUNT_FOLDS != fold
        found.append(
            _learned(habits[others], right[others], weight[others], SEED + fold, ACCOUNT_ROUNDS)
        )
    return found


def _likenesses(features: Features, boosters: list[lgb.Booster]) -> Iterator[pa.RecordBatch]:
    for accounts, habits in features.habits():
        yield pa.record_batch(
            {"account": accounts, "likeness": likeness(boosters, accounts, habits)}
        )


def scored_between(
    features: Features, boosters: list[lgb.Booster], known: Known, first: int, end: int
) -> Scored:
    """Scores of the movements of the days from `first` to before `end`."""
    typology = dict(zip(known.ids.tolist(), known.typologies, strict=True))
    found = []
    for keys, rows in features.measures(f"day >= {first} AND day < {end}"):
        confirmed = np.isin(keys, known.ids)
        names = tuple(typology[key] for key in keys[confirmed].tolist())
        found.append(Scored(mean_score(boosters, rows), confirmed, names))
    return Scored.joined(found)


def scored_by(
    model: DetectionModel, features: Features, known: Known, first: int, end: int
) -> Scored:
    """As `scored_between`, by a kept model whose likenesses were lent to the features."""
    boosters = [lgb.Booster(model_str=text) for text in model.movements]
    return scored_between(features, boosters, known, first, end)


@dataclass(frozen=True, slots=True)
class Training:
    """A trained model and what it is worth on days after its training and its threshold."""

    model: DetectionModel
    figures: Figures


def _require(known: Known, end: int) -> None:
    early = int((known.days < end).sum())
    if early < CONFIRMED_MIN:
        raise TooFewConfirmed(part="The training's days", found=early, needed=CONFIRMED_MIN)


def train(features: Features, labels: pa.Table, split: Split, *, earlier: bool = False) -> Training:
    """Learn from prepared features and confirmed movements.  Refuses `TooFewConfirmed`.

    `earlier` lets the model read the dated list of confirmed movements too: for each movement only
    what was confirmed `CONFIRMED_AFTER_DAYS` before it, and none of the threshold's days or later.
    """
    known = known_of(labels)
    end, later = day_number(split.train_before), day_number(split.threshold_before)
    _require(known, end)
    boosters = _account_boosters(features, known, end)
    features.lend(_likenesses(features, boosters))
    if earlier:
        features.know(labels.filter(pa.array(known.days < end)))
    sample = _Sample()
    for ids, rows in features.measures(f"day < {end}", ordered=True):
        sample.add(ids, rows, np.isin(ids, known.ids))
    _, rows, right, weight = sample.taken()
    movements = [
        _learned(rows, right, weight, SEED + place, MOVEMENT_ROUNDS) for place in range(BOOSTERS)
    ]
    first, last = features.days()
    before = scored_between(features, movements, known, end, later)
    threshold = best_threshold(before, sum(known.between(end, later).values()))
    scores = scored_between(features, movements, known, later, last + 1)
    figures = judged(scores, known.between(later, last + 1), threshold)
    gain = sum(one.feature_importance("gain") for one in movements)
    strongest = [features.columns[place] for place in np.argsort(-gain, kind="stable")[:20]]
    trained = {
        "first_day": (EPOCH + timedelta(days=first)).isoformat(),
        "last_day": (EPOCH + timedelta(days=last)).isoformat(),
        "train_before": split.train_before.isoformat(),
        "threshold_before": split.threshold_before.isoformat(),
        "window_days": last - first + 1,
        "confirmed_trained": int((known.days < end).sum()),
        "rows_trained": len(rows),
        "labels_digest": hashlib.sha256(known.ids.tobytes()).hexdigest(),
        "figures": figures.stated(),
        "strongest": strongest,
        "habits": features.habit_columns,
        "settings": {key: str(value) for key, value in sorted(SETTINGS.items())},
        "rounds": [ACCOUNT_ROUNDS, MOVEMENT_ROUNDS],
        "seed": SEED,
        "lightgbm": lgb.__version__,
    }
    model = DetectionModel(
        tuple(one.model_to_string() for one in boosters),
        tuple(one.model_to_string() for one in movements),
        tuple(features.columns),
        threshold,
        trained,
    )
    return Training(model, figures)
