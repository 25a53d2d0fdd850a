"""Charts: Vega-Lite specifications drawn to SVG on the server, so that no script is needed."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import vl_convert

_GREEN = "#0b7a4c"
_AMBER = "#b36b00"
_GREY = "#7d8983"
_CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": "Plex Sans, system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _GREY,
        "titleColor": _GREY,
        "gridColor": "#8883",
        "domainColor": _GREY,
        "tickColor": _GREY,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "text": {"fontSize": 13, "fill": _GREEN},
}


def draw(specification: dict[str, Any]) -> str:
    """The SVG of a specification; the same one is drawn once."""
    return _draw(json.dumps(specification, sort_keys=True))


@lru_cache(maxsize=256)
def _draw(specification: str) -> str:
    svg: str = vl_convert.vegalite_to_svg(json.loads(specification))
    return svg


def demand_curve(points: list[dict[str, Any]], cut_off: str | None, unit: str) -> str:
    """Cumulative demand by yield or price as steps, with the cut-off drawn in.

    `points` are {"rate": text, "cumulative": text in millions}, the best bid first.
    """
    values = [{"rate": float(p["rate"]), "sum": float(p["cumulative"])} for p in points]
    rates = [value["rate"] for value in values]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": values},
            "mark": {
                "type": "line",
                "interpolate": "step-before",
                "color": _GREEN,
                "strokeWidth": 2.5,
            },
            "encoding": {
                "x": {
                    "field": "sum",
                    "type": "quantitative",
                    "title": "Cumulative nominal, PKR m",
                    "scale": {"zero": True},
                },
                "y": {
                    "field": "rate",
                    "type": "quantitative",
                    "title": unit,
                    "scale": {"zero": False, "nice": True},
                },
            },
        },
        {
            "data": {"values": values},
            "mark": {"type": "point", "filled": True, "color": _GREEN, "size": 45, "opacity": 1},
            "encoding": {
                "x": {"field": "sum", "type": "quantitative"},
                "y": {"field": "rate", "type": "quantitative"},
            },
        },
    ]
    if cut_off and rates:
        cut = float(cut_off)
        layers += [
            {
                "data": {"values": [{"y": cut}]},
                "mark": {"type": "rule", "color": _AMBER, "strokeDash": [6, 4], "strokeWidth": 2},
                "encoding": {"y": {"field": "y", "type": "quantitative"}},
            },
            {
                "data": {"values": [{"y": cut, "x": 0, "t": f"Cut-off {cut_off}"}]},
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 8,
                    "dy": -9,
                    "color": _AMBER,
                    "fill": _AMBER,
                    "fontWeight": 600,
                },
                "encoding": {
                    "x": {"field": "x", "type": "quantitative"},
                    "y": {"field": "y", "type": "quantitative"},
                    "text": {"field": "t"},
                },
            },
        ]
    return draw(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "config": _CONFIG,
            "width": 720,
            "height": 300,
            "layer": layers,
        }
    )
