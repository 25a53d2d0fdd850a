"""The learned score on the labelled set: it holds its bars, and beats the published kind of peer.

The set (AMLGentex, seed 10) is read from the folder named by AMANAT_REFERENCE_DATA.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from amanat.supervision.detection.comparing import trained
from amanat.supervision.detection.labelled import adapt
from amanat.supervision.detection.model import Split

pytestmark = pytest.mark.conformance


def test_the_score_holds_its_bars_on_days_after_training(tmp_path: Path) -> None:
    folder = Path(os.environ["AMANAT_REFERENCE_DATA"])
    adapted = adapt(folder / "aml" / "transactions-seed10.parquet", tmp_path / "in")
    split = Split(adapted.first_day + timedelta(60), adapted.first_day + timedelta(75))
    figures = trained(adapted.transactions, adapted.labels, split, tmp_path / "f").figures
    assert figures.confirmed == 85
    assert figures.average_precision >= 0.60
    assert figures.f1 >= 0.45
