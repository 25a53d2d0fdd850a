"""The model card: what a trained score is, what it is worth, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from string import Template
from typing import Any

from amanat.supervision.detection.features import CONFIRMED_AFTER_DAYS
from amanat.supervision.detection.measures import EARLIER, HABITS, MEASURES, WORDS
from amanat.supervision.detection.model import Figures
from amanat.supervision.detection.training import Training


def _figures(rows: Iterable[tuple[str, Figures]]) -> list[str]:
    lines = [
        "| from the test's first day on | average precision | F1 | precision | recall | confirmed"
        " | movements |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, one in rows:
        lines.append(
            f"| {name} | {one.average_precision:.3f} | {one.f1:.3f} | {one.precision:.3f}"
            f" | {one.recall:.3f} | {one.confirmed} | {one.movements} |"
        )
    return lines


def _typologies(figures: Figures) -> list[str]:
    lines = ["| typology | confirmed | found at the threshold | recall |", "|---|---|---|---|"]
    for name, (of, found) in sorted(figures.typologies.items()):
        shown = name.replace("_", " ") or "not told"
        lines.append(f"| {shown} | {of} | {found} | {found / of:.2f} |" if of else "")
    return [line for line in lines if line]


def _trained(trained: Mapping[str, Any]) -> list[str]:
    return [
        f"- Rows from {trained['first_day']} to {trained['last_day']}"
        f" ({trained['window_days']} days).",
        f"- Trained on confirmed movements before {trained['train_before']}:"
        f" {trained['confirmed_trained']} among {trained['rows_trained']} rows.",
        f"- Threshold fixed on days before {trained['threshold_before']}:"
        f" {trained['figures']['threshold']}.",
        f"- Judged from {trained['threshold_before']} on.",
        f"- LightGBM {trained['lightgbm']}, seed {trained['seed']};"
        f" trees {trained['rounds'][0]} and {trained['rounds'][1]};"
        f" {trained['settings']['num_leaves']} leaves.",
    ]


def card(
    training: Training,
    source: str,
    comparisons: Mapping[str, Figures] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The card in Markdown, on `card.md`.

    `source` says what the rows and labels are; `notes` are told beside the figures.
    """
    trained = training.model.trained
    rows = [("the score", training.figures), *(comparisons or {}).items()]
    text = resources.files("amanat.supervision.detection").joinpath("card.md").read_text("utf-8")
    strongest = (f"{at}. {WORDS[code]}" for at, code in enumerate(trained["strongest"], 1))
    return Template(text).substitute(
        split="\n".join((f"- {source}", *_trained(trained))),
        figures="\n".join(_figures(rows)),
        typologies="\n".join(_typologies(training.figures)),
        notes="".join(f"- {one}\n" for one in notes),
        delay=CONFIRMED_AFTER_DAYS,
        strongest="\n".join(strongest),
        habits="\n".join(f"- {one.words}" for one in HABITS),
        measures="\n".join(f"- {one.words}" for one in MEASURES),
        earlier="\n".join(f"- {one.words}" for one in EARLIER),
    )
