"""Training: the same twice, no look at later labels, better than chance, refused on too little."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from tests.supervision.detection.rings import FIRST, SPLIT, Months

from amanat.supervision.detection.card import card
from amanat.supervision.detection.comparing import provisional, trained
from amanat.supervision.detection.features import Features
from amanat.supervision.detection.measures import WORDS
from amanat.supervision.detection.model import (
    DaysOutOfOrder,
    NotAModel,
    NotLabels,
    OtherDigest,
    Split,
    TooFewConfirmed,
)
from amanat.supervision.detection.scoring import read_model
from amanat.supervision.detection.training import Training, read_labels


def test_rings_are_found_among_the_days_after_training(training: Training) -> None:
    figures = training.figures
    chance = figures.confirmed / figures.movements
    assert figures.confirmed >= 20
    assert figures.average_precision > 10 * chance
    assert figures.typologies["cycle"][0] == figures.confirmed


def test_the_same_input_gives_the_same_model(
    training: Training, ringed: Months, tmp_path: Path
) -> None:
    again = trained([ringed.transactions], ringed.labels, SPLIT, tmp_path)
    assert again.model.digest == training.model.digest


def test_labels_after_training_do_not_enter_the_trees(
    training: Training, ringed: Months, tmp_path: Path
) -> None:
    table = parquet.read_table(ringed.labels)
    kept = [day < SPLIT.threshold_before for day in table["day"].to_pylist()]
    parquet.write_table(table.filter(kept), tmp_path / "early.parquet")
    other = trained([ringed.transactions], tmp_path / "early.parquet", SPLIT, tmp_path / "f").model
    assert other.movements == training.model.movements
    assert other.accounts == training.model.accounts
    assert other.threshold == training.model.threshold


def test_earlier_cases_are_read_only_where_asked(
    training: Training, ringed: Months, tmp_path: Path
) -> None:
    assert "from_earlier" not in training.model.columns
    known = trained([ringed.transactions], ringed.labels, SPLIT, tmp_path, earlier=True)
    assert known.model.columns[-2:] == ("from_earlier", "to_earlier")


def test_what_is_provisional_is_judged_on_all_later_days(
    training: Training, ringed: Months, tmp_path: Path
) -> None:
    figures = provisional([ringed.transactions], ringed.labels, SPLIT, tmp_path)
    assert figures.movements == training.figures.movements
    assert figures.confirmed == training.figures.confirmed


def test_too_few_confirmed_movements_are_refused(ringed: Months, tmp_path: Path) -> None:
    few = parquet.read_table(ringed.labels).slice(0, 19)
    parquet.write_table(few, tmp_path / "few.parquet")
    with pytest.raises(TooFewConfirmed, match=r"training's days holds 19"):
        trained([ringed.transactions], tmp_path / "few.parquet", SPLIT, tmp_path / "f")


def test_a_split_goes_forward_in_time() -> None:
    with pytest.raises(DaysOutOfOrder):
        Split(FIRST + timedelta(50), FIRST + timedelta(50))


def test_a_model_is_read_back_as_it_was_kept(training: Training, tmp_path: Path) -> None:
    path = training.model.write(tmp_path)
    assert read_model(path, training.model.digest).content() == training.model.content()


def test_a_damaged_model_and_another_one_are_refused(training: Training, tmp_path: Path) -> None:
    path = training.model.write(tmp_path)
    with pytest.raises(OtherDigest):
        read_model(path, "0" * 64)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(NotAModel):
        read_model(path)
    with pytest.raises(NotAModel):
        read_model(tmp_path / "nowhere.json.gz")


def test_reasons_come_strongest_first_and_in_words(
    training: Training, ringed: Months, tmp_path: Path
) -> None:
    model = training.model
    with Features([ringed.transactions], tmp_path / "f") as features:
        features.prepare()
        features.lend(model.likenesses(features))
        _, rows = next(features.measures())
    reasons = model.reasons(rows[:20])
    assert all(len(one) == 6 for one in reasons)
    for one in reasons:
        effects = [abs(moved.effect) for moved in one]
        assert effects == sorted(effects, reverse=True)
        assert all(moved.code in WORDS for moved in one)


def test_the_card_tells_figures_split_and_limits(training: Training) -> None:
    text = card(training, "Rings.", {"provisional": training.figures})
    assert f"{training.figures.average_precision:.3f}" in text
    assert f"Judged from {date.isoformat(SPLIT.threshold_before)} on" in text
    assert "hides no alert" in text
    assert "$" not in text


def test_files_that_hold_no_labels_are_refused(tmp_path: Path, ringed: Months) -> None:
    (tmp_path / "torn.json").write_text('[{"id": "1"}]', encoding="utf-8")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    without = parquet.read_table(ringed.labels).drop_columns(["to_account"])
    parquet.write_table(without, tmp_path / "without.parquet")
    for name in ("torn.json", "torn.parquet", "without.parquet", "nowhere.json"):
        with pytest.raises(NotLabels, match=name):
            read_labels(tmp_path / name)
