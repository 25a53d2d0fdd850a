"""`amanat detection`: training writes a model and its card; refusals are one line."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as parquet
from tests.supervision.detection.rings import SPLIT, months
from typer.testing import CliRunner, Result

from amanat.cli.root import app
from amanat.supervision.detection.scoring import read_model

RUNNER = CliRunner()


def train(folder: Path, *more: str, before: str = SPLIT.train_before.isoformat()) -> Result:
    """Train on the rings in a folder."""
    where = ["--labels", str(folder / "labels.parquet"), "--out", str(folder / "models")]
    days = ["--train-before", before, "--threshold-before", SPLIT.threshold_before.isoformat()]
    rows = str(folder / "transactions.parquet")
    return RUNNER.invoke(app, ["detection", "train", rows, *where, *days, *more])


def test_training_writes_a_model_and_its_card(tmp_path: Path) -> None:
    months(tmp_path)
    card = tmp_path / "card.md"
    done = train(tmp_path, "--card", str(card), "--source", "Rings.", "--note", "Seen.", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert read_model(Path(answer["file"]), answer["model"]).threshold > 0
    text = card.read_text(encoding="utf-8")
    assert "- Rings." in text
    assert "- Seen." in text


def test_what_is_no_day_and_too_few_labels_are_refused_in_a_line(tmp_path: Path) -> None:
    made = months(tmp_path)
    done = train(tmp_path, before="soon")
    assert (done.exit_code, "soon is no day" in done.output) == (1, True)
    parquet.write_table(parquet.read_table(made.labels).slice(0, 4), made.labels)
    done = train(tmp_path)
    assert done.exit_code == 1
    assert "4 confirmed movements; 20 are needed" in " ".join(done.output.split())
    assert not (tmp_path / "models").exists()
