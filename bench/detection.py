"""What the learned score is worth on a labelled file, and what scoring costs at three sizes.

    python bench/detection.py FILE [--train-days 60] [--threshold-days 75] [--sizes 1,3,10]
                              [--quick] [--json FILE]

Labels of the first 60 days train, those up to day 75 fix the threshold, later ones judge.  Measures
look both ways in time, as a run over closed days does.  Beside the score stand the same score with
a dated list of earlier cases, without what it says of accounts' withdrawals (in which synthetic
data may give launderers away), and as it stood at most five days after each movement.  Peer:
LightGBM on Snap ML's graph features (20-day window) on the set of seed 10, as measured before.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent))
from amanat.supervision.detection.comparing import compared, trained
from amanat.supervision.detection.features import Features
from amanat.supervision.detection.labelled import adapt
from amanat.supervision.detection.model import Figures, Split
from amanat.supervision.detection.scoring import read_model
from detection_scenarios import found_by_scenarios
from detection_scenarios import show as show_scenarios

PEER = "Snap ML graph features with LightGBM"
PEER_FIGURES = {"ap": 0.251, "f1": 0.337}
console = Console(width=110)


def cost(file: Path, model: Path, repeats: int) -> dict[str, Any]:
    """Rows, seconds and peak memory of scoring every movement of the file so many times repeated.

    Measured in a process of its own.
    """
    answer = subprocess.run(
        [sys.executable, __file__, str(file), "--score-only", str(model), str(repeats)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def score_only(file: Path, model: Path, repeats: int) -> None:
    """Score and print the cost as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = subprocess.run(
            [sys.executable, __file__, str(file), "--adapt-only", temporary, str(repeats)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        rows = int(made.stdout.splitlines()[-1])
        begun = time.perf_counter()
        kept = read_model(model)
        movements = 0
        with Features(
            sorted(folder.glob("transactions*.parquet")), folder / "features"
        ) as features:
            features.prepare()
            features.lend(kept.likenesses(features))
            for _, measures in features.measures():
                movements += len(kept.scores(measures))
        seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "movements": movements, "seconds": seconds, "peak_mib": peak}))


def adapt_only(file: Path, folder: Path, repeats: int) -> None:
    """Write the repeated file, in a process whose memory is not counted."""
    import pyarrow.parquet as parquet

    files = adapt(file, folder, repeats).transactions
    print(sum(parquet.read_metadata(one).num_rows for one in files))


def shown(title: str, rows: list[tuple[str, Figures]]) -> None:
    """Figures beside each other."""
    table = Table(title=title)
    for name in ("", "AP", "F1", "precision", "recall", "confirmed", "of movements"):
        table.add_column(name, justify="left" if not name else "right")
    for name, one in rows:
        table.add_row(
            name,
            f"{one.average_precision:.3f}",
            f"{one.f1:.3f}",
            f"{one.precision:.3f}",
            f"{one.recall:.3f}",
            str(one.confirmed),
            str(one.movements),
        )
    console.print(table)


def shown_typologies(figures: Figures) -> None:
    """Recall per typology at the threshold."""
    table = Table(title="The score at its threshold, per typology")
    for name in ("typology", "confirmed", "found", "recall"):
        table.add_column(name, justify="left" if name == "typology" else "right")
    for name, (of, found) in sorted(figures.typologies.items()):
        table.add_row(name, str(of), str(found), f"{found / of:.2f}" if of else "")
    console.print(table)


def shown_cost(costs: list[dict[str, Any]]) -> None:
    """Time and memory at each size."""
    table = Table(title="Scoring: both stages, every movement")
    for name in ("transactions", "movements", "seconds", "transactions per s", "peak MiB"):
        table.add_column(name, justify="right")
    for one in costs:
        table.add_row(
            f"{one['rows']:,}",
            f"{one['movements']:,}",
            f"{one['seconds']:.1f}",
            f"{one['rows'] / one['seconds']:,.0f}",
            f"{one['peak_mib']:.0f}",
        )
    console.print(table)


def figures_of(judgements: dict[str, Figures], costs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As `--json` writes them."""
    main = judgements["score"]
    found: list[dict[str, Any]] = [
        {"key": "ap", "value": main.average_precision, "unit": "share"},
        {"key": "f1", "value": main.f1, "unit": "share"},
    ]
    for one in found:
        one |= {"peer": PEER, "peer_value": PEER_FIGURES[one["key"]]}
    for name, (of, hit) in sorted(main.typologies.items()):
        found.append({"key": f"recall_{name}", "value": hit / of if of else 0.0, "unit": "share"})
    for name, other in judgements.items():
        if name != "score":
            key = name.replace(" ", "_")
            found.append({"key": f"ap_{key}", "value": other.average_precision, "unit": "share"})
            found.append({"key": f"f1_{key}", "value": other.f1, "unit": "share"})
    for one in costs:
        size = one["rows"]
        rate = {"key": "scored_per_s", "value": size / one["seconds"], "unit": "1/s", "size": size}
        peak = {"key": "peak_mib", "value": one["peak_mib"], "unit": "MiB", "size": size}
        found += [rate, peak]
    return found


def options() -> argparse.Namespace:
    """What was asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--train-days", type=int, default=60)
    parser.add_argument("--threshold-days", type=int, default=75)
    parser.add_argument("--sizes", default="1,3,10", help="repeats of the file; empty for none")
    parser.add_argument("--quick", action="store_true", help="the score alone, one size")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--score-only", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--adapt-only", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Run the bench."""
    asked = options()
    if asked.score_only:
        return score_only(asked.file, Path(asked.score_only[0]), int(asked.score_only[1]))
    if asked.adapt_only:
        return adapt_only(asked.file, Path(asked.adapt_only[0]), int(asked.adapt_only[1]))
    judgements: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        adapted = adapt(asked.file, folder)
        split = Split(
            adapted.first_day + timedelta(asked.train_days),
            adapted.first_day + timedelta(asked.threshold_days),
        )
        files, labels = adapted.transactions, adapted.labels
        main_training = trained(files, labels, split, folder / "score")
        judgements["score"] = main_training.figures
        if not asked.quick:
            judgements |= compared(files, labels, split, folder)
        shown(f"{asked.file.name}: days from {split.threshold_before} on", list(judgements.items()))
        shown_typologies(main_training.figures)
        console.print(f"{PEER}, seed 10: AP .251, F1 .337")
        if not asked.quick:
            # Scenarios learn nothing: all days judge them, and the score's days stand beside.
            for first in (adapted.first_day, split.threshold_before):
                place = folder / f"scenarios-{first}"
                found, there = found_by_scenarios(adapted, place, first)
                show_scenarios(found, there, first)
        model = main_training.model.write(folder)
        sizes = [int(one) for one in asked.sizes.split(",") if one][: 1 if asked.quick else None]
        costs = [cost(asked.file, model, repeats) for repeats in sizes]
        shown_cost(costs)
    if asked.json:
        found = figures_of(judgements, costs)
        asked.json.write_text(json.dumps({"figures": found}, indent=2), encoding="utf-8")
    return None


if __name__ == "__main__":
    main()
