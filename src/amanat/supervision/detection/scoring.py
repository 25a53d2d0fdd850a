"""Scores by a trained model, and why: two LightGBM stages over `features`.

habits -> likeness of each account (by the model that never saw it) -> measures -> score
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa

from amanat.supervision.detection.features import Features, Matrix
from amanat.supervision.detection.model import ACCOUNT_FOLDS, SCHEMA, NotAModel, OtherDigest

Numbers = np.ndarray[Any, Any]
SHOWN = 6
"""So many measures are shown beside a score: those that moved it most."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One measure of one movement: what it was, and by how much it moved the score's log-odds."""

    code: str
    value: float | None
    effect: float


@dataclass(frozen=True)
class DetectionModel:
    """A trained model: text of its boosters, columns, threshold and what it was trained on."""

    accounts: tuple[str, ...]
    """One per fold: the fold of an account is its pseudonym modulo `ACCOUNT_FOLDS`."""
    movements: tuple[str, ...]
    """Differ in their seed alone; the score is their mean."""
    columns: tuple[str, ...]
    threshold: float
    trained: Mapping[str, Any]
    """Split, window in days, counts, figures, parameters, digests of the inputs; as JSON."""

    def content(self) -> bytes:
        """The bytes that are kept and whose SHA-256 is the model's name."""
        body = {
            "schema": SCHEMA,
            "accounts": self.accounts,
            "movements": self.movements,
            "columns": self.columns,
            "threshold": self.threshold,
            "trained": self.trained,
        }
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of `content`, in hexadecimal."""
        return hashlib.sha256(self.content()).hexdigest()

    @cached_property
    def _of_accounts(self) -> list[lgb.Booster]:
        return [lgb.Booster(model_str=text) for text in self.accounts]

    @cached_property
    def _of_movements(self) -> list[lgb.Booster]:
        return [lgb.Booster(model_str=text) for text in self.movements]

    def write(self, folder: Path) -> Path:
        """Keep it as `<digest>.json.gz` in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.digest}.json.gz"
        path.write_bytes(gzip.compress(self.content(), mtime=0))
        return path

    def likenesses(self, features: Features) -> Iterator[pa.RecordBatch]:
        """Each account's likeness to accounts of confirmed cases, 0 to 1."""
        for accounts, habits in features.habits():
            yield pa.record_batch(
                {"account": accounts, "likeness": likeness(self._of_accounts, accounts, habits)}
            )

    def scores(self, measures: Matrix) -> Numbers:
        """One score, 0 to 1, for each row."""
        return mean_score(self._of_movements, measures)

    def reasons(self, measures: Matrix) -> list[list[Moved]]:
        """For each row the measures that moved its score most, strongest first.

        An effect is the mean of the boosters' exact Shapley values (LightGBM's `pred_contrib`).
        """
        effects = np.mean(
            [
                one.predict(measures, pred_contrib=True, num_threads=_threads(measures))
                for one in self._of_movements
            ],
            axis=0,
        )[:, :-1]
        found = []
        for row, effect in zip(measures, effects, strict=True):
            strongest = np.argsort(-np.abs(effect), kind="stable")[:SHOWN]
            found.append(
                [
                    Moved(
                        self.columns[place],
                        None if np.isnan(row[place]) else float(row[place]),
                        float(effect[place]),
                    )
                    for place in strongest
                ]
            )
        return found


def _threads(rows: Matrix) -> int:
    """Two, but one where waiting for the other would take longer than the work."""
    return 2 if len(rows) >= 20_000 else 1


def likeness(boosters: Sequence[lgb.Booster], accounts: Numbers, habits: Matrix) -> Numbers:
    """Likeness of accounts, each by the booster of its own fold, which did not see it."""
    found = np.zeros(len(accounts))
    for fold, booster in enumerate(boosters):
        own = accounts % ACCOUNT_FOLDS == fold
        if own.any():
            found[own] = booster.predict(habits[own], num_threads=_threads(habits))
    return found


def mean_score(boosters: Sequence[lgb.Booster], measures: Matrix) -> Numbers:
    """Mean of the boosters' scores."""
    if not len(measures):
        return np.zeros(0)
    answers = [
        np.asarray(one.predict(measures, num_threads=_threads(measures))) for one in boosters
    ]
    return np.asarray(np.mean(answers, axis=0))


def read_model(path: Path, digest: str | None = None) -> DetectionModel:
    """A model's file.  Refuses `NotAModel`, and `OtherDigest` where it is not the one expected."""
    try:
        content = path.read_bytes()
    except OSError:
        raise NotAModel(file=path.name) from None
    return model_of(content, path.name, digest)


def model_of(kept: bytes, name: str, digest: str | None = None) -> DetectionModel:
    """As `read_model`, from the file's bytes; it is called `name` in refusals."""
    try:
        content = gzip.decompress(kept)
        body = json.loads(content)
        if body["schema"] != SCHEMA:
            raise NotAModel(file=name)
        model = DetectionModel(
            tuple(body["accounts"]),
            tuple(body["movements"]),
            tuple(body["columns"]),
            float(body["threshold"]),
            body["trained"],
        )
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        raise NotAModel(file=name) from None
    found = hashlib.sha256(content).hexdigest()
    if digest is not None and found != digest:
        raise OtherDigest(digest=digest, found=found)
    return model
