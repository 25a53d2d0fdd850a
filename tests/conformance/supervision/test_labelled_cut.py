"""The pilot of three exchanges is cut from the labelled set, byte for byte.

The set (AMLGentex, seed 10) is read from the folder named by AMANAT_REFERENCE_DATA.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bench.labelled_cut import COLUMNS, write

pytestmark = pytest.mark.conformance
PILOT = Path(__file__).parents[3] / "pilots" / "exchanges-2026"


def test_the_pilots_tables_are_cut_from_the_set(tmp_path: Path) -> None:
    folder = Path(os.environ["AMANAT_REFERENCE_DATA"])
    write(folder / "aml" / "transactions-seed10.parquet", tmp_path)
    for name in COLUMNS:
        file = f"{name}.csv"
        assert (tmp_path / file).read_bytes() == (PILOT / file).read_bytes()
