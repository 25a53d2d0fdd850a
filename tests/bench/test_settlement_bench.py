"""The settlement bench measures what it says: real instructions, all settled, spread and slope."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

BENCH = str(Path(__file__).resolve().parents[2] / "bench")


@pytest.fixture(scope="module")
def bench() -> Any:
    """The bench's module; its processes import it from the same folder."""
    sys.path.insert(0, BENCH)
    try:
        import settlement

        yield settlement
    finally:
        sys.path.remove(BENCH)


def test_the_slope_is_the_exponent_of_growth(bench: Any) -> None:
    # Time that grows as the square of the size has the exponent 2, proportional time has 1.
    square = [bench.Measured(size, size**2 / 1e6, 0.0) for size in (10, 100, 1_000)]
    assert bench.slope(square) == pytest.approx(2)
    straight = [bench.Measured(size, size / 500, 0.0) for size in (10, 100, 100, 1_000)]
    assert bench.slope(straight) == pytest.approx(1)
    assert math.isnan(bench.slope(straight[:1]))


def test_the_figure_of_the_bar_is_the_slower_databases_median(bench: Any) -> None:
    results = {
        "sqlite": [bench.Measured(1_000, seconds, 0.0) for seconds in (0.5, 1.0, 4.0)],
        "postgresql": [bench.Measured(1_000, seconds, 0.0) for seconds in (0.8, 2.0, 2.5)],
    }
    found = {one["key"]: one["value"] for one in bench.figures(results)}
    assert found == {
        "dvp_per_s_sqlite": 1_000,
        "dvp_per_s_postgresql": 500,
        "dvp_per_s": 500,
    }


def test_what_does_not_commit_durably_is_not_measured(bench: Any) -> None:
    bench.require_durable({"synchronous": "2", "journal_mode": "wal"})
    bench.require_durable({"synchronous_commit": "on", "fsync": "on"})
    for said in ({"synchronous": "1"}, {"synchronous_commit": "off"}, {"fsync": "off"}):
        with pytest.raises(bench.BenchFailed, match="durably"):
            bench.require_durable(said)


def test_what_others_used_is_told(bench: Any) -> None:
    measured = bench.Measured(1_000, 2.0, 3.0, {"the server, all of its threads": [1.0, 0.0]})
    import os

    assert measured.others_share == pytest.approx(2.0 / (2.0 * (os.cpu_count() or 1)))


def test_a_small_run_settles_every_instruction_and_writes_its_figures(
    bench: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "figures.json"
    given = ["--databases", "sqlite", "--sizes", "20", "40", "--rounds", "1", "--per-act", "15"]
    # `main` itself refuses a run in which not all settled, or in which fsck finds a difference.
    assert bench.main([*given, "--accounts", "20", "--json", str(written)]) == 0
    figures = json.loads(written.read_text())["figures"]
    rates = {one["size"]: one["value"] for one in figures if one["key"] == "dvp_per_s"}
    assert set(rates) == {20, 40}
    assert all(rate > 0 for rate in rates.values())
    assert "act: verify signatures" in capsys.readouterr().out
