"""The index loses nothing that logic-v2 finds exhaustively, over names changed in every way."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[3] / "bench" / "screening.py"
ENTRIES, NAMES = 60, 72


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    """The bench of screening, whose names and ways of changing them are used here."""
    spec = importlib.util.spec_from_file_location("bench_screening", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [3, 11])
def test_recall_is_that_of_the_exhaustive_comparison_or_better(bench, seed) -> None:
    listed, asked = bench.make(ENTRIES, NAMES, seed)
    found, _, _ = bench.ours(listed, asked, 1)
    theirs, _ = bench.exhaustive(listed, asked, range(NAMES))
    assert bench.quality(asked, found)[0] >= bench.quality(asked, theirs)[0] - 0.005
    by_change = bench.by_change(asked, found)
    assert by_change["Urdu"] == by_change["tricks"] == by_change["father behind"] == 1.0


def test_half_of_the_names_are_strangers_and_the_rest_are_listed(bench) -> None:
    listed, asked = bench.make(ENTRIES, NAMES, 5)
    assert len({one.names[0] for one in listed}) == ENTRIES
    assert sum(one.entry is None for one in asked) == NAMES // 2
    assert {one.change for one in asked} == {"stranger", *bench.changes(bench.Words(1))}
