"""Charts: Vega-Lite specifications drawn to SVG on the server, so that no script is needed.

The colours are names of roles: the stylesheet puts those of the reader's ground in their place.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup

_ROLES = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')
GREEN = "#0b7a4c"
_AMBER = "#b36b00"
GREY = "#7d8983"
_LINE = "#888833"
CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": "Plex Sans, system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": GREY,
        "titleColor": GREY,
        "gridColor": _LINE,
        "domainColor": GREY,
        "tickColor": GREY,
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
}
_kept_in: list[Path] = []
_DOTS_MAX = 60
"""More quotes than this are drawn as a line alone: dots would touch, and the page grow."""
_SIZES = {"wide": (820, 330), "narrow": (255, 260)}


@dataclass(frozen=True, slots=True)
class DemandPoint:
    """All bids at one quote: the quote, and what was bid there or better, in millions."""

    quote: str
    cumulative: str


def draw(specification: dict[str, Any]) -> Markup:
    """The SVG of a specification; the same one is drawn once."""
    return Markup(_draw(json.dumps(specification, sort_keys=True)))


@cache
def _drawn_by() -> str:
    return version("vl-convert-python")


@lru_cache(maxsize=256)
def _draw(specification: str) -> str:
    folder = _kept_in[0] if _kept_in else None
    named = hashlib.sha256(f"{_drawn_by()}\n{specification}".encode()).hexdigest()
    if folder is not None:
        with contextlib.suppress(OSError):
            return (folder / f"{named}.svg").read_text(encoding="utf-8")
    drawn: str = vl_convert.vegalite_to_svg(json.loads(specification))
    # The figure around it says in words what it shows; its parts are no things of their own.
    svg = _ROLES.sub("", drawn).replace("<svg ", '<svg aria-hidden="true" ', 1)
    if folder is not None:
        _keep(folder / f"{named}.svg", svg)
    return svg


def keep_in(folder: Path) -> None:
    """Keep what is drawn in this folder, by the digest of its specification.

    Drawing takes a tenth of a second, and a published result is drawn the same for ever.
    """
    _kept_in[:] = [folder]


def _keep(path: Path, svg: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with contextlib.suppress(OSError):  # it is drawn again where it cannot be kept
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(svg, encoding="utf-8")
        fresh.replace(path)


def warm_up() -> None:
    """Draw once, so that the first reader does not wait for the drawing engine to start."""
    demand_curve([DemandPoint("1", "1")], None, "", "", "")


def demand_curve(
    points: Sequence[DemandPoint], cut_off: str | None, unit: str, across: str, cut_words: str
) -> Markup:
    """Cumulative demand as steps, the best quote first, with the cut-off drawn in.

    `unit` titles the upright axis, `across` the other; `cut_words` labels the cut-off's line.
    Once for wide and once for narrow screens; the stylesheet shows one of them.
    """
    # Places on a picture, not amounts: the table below has the exact figures.
    quotes = [float(point.quote) for point in points]
    sums = [float(point.cumulative) for point in points]
    steps: list[dict[str, float]] = []
    for place, (quote, total) in enumerate(zip(quotes, sums, strict=True)):
        for across_at in (sums[place - 1] if place else 0.0, total):
            steps.append({"x": across_at, "y": quote, "n": len(steps)})
    pictures = []
    for name, (width, height) in _SIZES.items():
        layers = _demand_layers(steps, unit, across, ticks=8 if name == "wide" else 3)
        if cut_off is not None and points:
            layers += _cut_layers(float(cut_off), cut_words)
        picture = draw({"config": CONFIG, "width": width, "height": height, "layer": layers})
        pictures.append(Markup('<div class="{}">{}</div>').format(name, picture))
    return Markup("").join(pictures)


def _demand_layers(
    steps: list[dict[str, float]], unit: str, across: str, ticks: int
) -> list[dict[str, Any]]:
    dots = steps[1::2]
    x = {
        "field": "x",
        "type": "quantitative",
        "title": across,
        "axis": {"tickCount": ticks, "grid": False, "format": ",.0f"},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "title": unit,
        "scale": {"zero": False, "nice": True, "padding": 12},
        "axis": {"tickCount": 5},
    }
    line = {"type": "line", "color": GREEN, "strokeWidth": 2.5}
    curve = {
        "data": {"values": steps},
        "mark": line,
        "encoding": {"x": x, "y": y, "order": {"field": "n", "type": "quantitative"}},
    }
    if len(dots) > _DOTS_MAX:
        return [curve]
    return [
        curve,
        {
            "data": {"values": dots},
            "mark": {"type": "point", "filled": True, "color": GREEN, "size": 34, "opacity": 1},
            "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": y},
        },
    ]


def _cut_layers(cut: float, words: str) -> list[dict[str, Any]]:
    label = {"align": "left", "dx": 8, "dy": -9, "fontWeight": 600, "fontSize": 13, "fill": _AMBER}
    y = {"field": "y", "type": "quantitative"}
    return [
        {
            "data": {"values": [{"y": cut}]},
            "mark": {"type": "rule", "color": _AMBER, "strokeDash": [6, 4], "strokeWidth": 2},
            "encoding": {"y": y},
        },
        {
            "data": {"values": [{"y": cut, "x": 0, "t": words}]},
            "mark": {"type": "text", "color": _AMBER, **label},
            "encoding": {
                "x": {"field": "x", "type": "quantitative"},
                "y": y,
                "text": {"field": "t"},
            },
        },
    ]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: the class that fills it and its share from the start, in thousandths."""

    name: str
    start: int
    width: int


def parts_of_bar(whole: int, amounts: Sequence[tuple[str, int]]) -> list[Part]:
    """Shares of a whole as places on a bar of 1000; what passes the whole is cut at its end."""
    parts, run = [], 0
    for name, amount in amounts:
        start = min(1000, run * 1000 // whole) if whole > 0 else 0
        run += max(0, amount)
        end = min(1000, run * 1000 // whole) if whole > 0 else 0
        if amount > 0:
            parts.append(Part(name, start, max(2, end - start)))
    return parts
