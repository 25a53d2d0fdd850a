"""What the pages of supervision draw: the network of a case, and the market in pictures.

Drawn on the server, like every picture here; each stands beside the table of what it shows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from amanat.access.effects import from_json
from amanat.web import charts
from amanat.web.messages import Reader, message_text
from amanat.web.texts import words

PAGES = frozenset({"case", "market_overview"})
"""Views with a page of their own here."""
UNIT = "PKR million"
_WIDTHS = (1.5, 3, 5, 8)
_BARS_MAX = 12
_MARGIN, _MARGIN_CROWDED = 110, 200
"""Above and below the outermost parties: their circle and name, and the bend of arrows."""
_RING_MAX = 8
"""Parties in a ring whose names stand side by side; of more each points away from the middle."""
_GROUPED = "findings"
"""Where a case comes from that was opened for what was found: its title lists scenarios."""
_OUTSIDE = frozenset({"bank", "hosted_wallet", "unhosted_wallet"})
Say = Callable[[str], str]
Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class MarketPictures:
    """The pictures of a market; None where there is nothing to draw."""

    volumes: Markup | None
    assets: Markup | None
    flows: Markup | None
    alerts: Markup | None


def in_words(
    name: str, shown: Any, found: Mapping[str, Rows], reader: Reader
) -> tuple[Any, Mapping[str, Rows]]:
    """Cases as their pages show them: scenarios by their names, and findings in words.

    A case that was opened for its findings is stored with their scenarios' codes as its title.
    """
    if name == "cases":
        return shown, {**found, "rows": [_titled(one, reader) for one in found["rows"]]}
    if name != "case":
        return shown, found
    told = [one | {"said": _told(one, reader)} for one in found.get("findings_shown", ())]
    steps = [
        one | {"text": _listed(one["text"], reader)} if one["act"] == "GroupFindings" else one
        for one in shown["steps"]
    ]
    kind, _, number = shown["subject"].partition(":")
    about = f"{reader.worded(words(kind))} {number}"
    said = _titled(shown, reader) | {"steps": steps, "subject_said": about}
    return said, {**found, "findings_shown": told}


def _titled(one: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    title = _listed(one["title"], reader) if one["source"] == _GROUPED else one["title"]
    return {**one, "title": title}


def _listed(codes: str, reader: Reader) -> str:
    joint = reader.worded(", ")
    return joint.join(reader.worded(words(code)) for code in codes.split(", "))


def _told(one: Mapping[str, Any], reader: Reader) -> str | None:
    explained = one["explanation"]
    if "key" in explained:
        return message_text(reader, from_json([explained])[0])
    said: str | None = one["said"]
    return said


def network_svg(network: Mapping[str, Any]) -> Markup | None:
    """The network around a subject: circles in rings, arrows as broad as the value they carry.

    A filled circle is the subject, a hollow one a customer, a square somebody outside all
    exchanges; None where there is nobody.
    """
    nodes = {one["node"]: one for one in network["nodes"]}
    if not nodes:
        return None
    most = max((int(one["value_minor"]) for one in network["edges"]), default=1)
    rings = Counter(one["ring"] for one in network["nodes"])
    crowded = {ring for ring, count in rings.items() if count > _RING_MAX}
    # As high as what is drawn: few parties in a row leave no empty square.
    margin = _MARGIN_CROWDED if max(rings) in crowded else _MARGIN
    top = min(one["y"] for one in nodes.values()) - margin
    height = max(one["y"] for one in nodes.values()) + margin - top
    parts = [
        f'<svg class="network" viewBox="-130 {top} 1260 {height}" aria-hidden="true">'
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="14" '
        'markerHeight="14" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0 10 5 0 10z"/></marker></defs>'
    ]
    for edge in network["edges"]:
        parts.append(
            _arrow(nodes[edge["source"]], nodes[edge["target"]], int(edge["value_minor"]), most)
        )
    parts += [_circle(one, crowded=one["ring"] in crowded) for one in network["nodes"]]
    return Markup("".join(parts) + "</svg>")


def _arrow(source: Mapping[str, Any], target: Mapping[str, Any], value: int, most: int) -> str:
    x1, y1, x2, y2 = source["x"], source["y"], target["x"], target["y"]
    length = max(((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5, 1)
    # Bent a little, so that there and back are two lines; it ends before the circle.
    bend = 0.12 * length
    mx, my = (x1 + x2) / 2 - (y2 - y1) / length * bend, (y1 + y2) / 2 + (x2 - x1) / length * bend
    end = max(((x2 - mx) ** 2 + (y2 - my) ** 2) ** 0.5, 1)
    ex, ey = x2 - (x2 - mx) / end * 34, y2 - (y2 - my) / end * 34
    width = _WIDTHS[min(len(_WIDTHS) - 1, value * len(_WIDTHS) // (most + 1))]
    return (
        f'<path class="flow" d="M{x1} {y1}Q{mx:.0f} {my:.0f} {ex:.0f} {ey:.0f}" '
        f'stroke-width="{width}" marker-end="url(#tip)"/>'
    )


def _circle(one: Mapping[str, Any], *, crowded: bool) -> str:
    kind = "subject" if one["ring"] == 0 else "outside" if one["outside"] else "customer"
    x, y = one["x"], one["y"]
    shape = (
        f'<rect class="{kind}" x="{x - 22}" y="{y - 22}" width="44" height="44"/>'
        if kind == "outside"
        else f'<circle class="{kind}" cx="{x}" cy="{y}" r="{30 if kind == "subject" else 24}"/>'
    )
    label = escape(short_of(one["node"]))
    if crowded:
        return shape + _along_the_radius(x, y, label)
    above = y < 500 and one["ring"] > 0
    at = y - 40 if above else y + 62
    return f'{shape}<text x="{x}" y="{at}" text-anchor="middle">{label}</text>'


def _along_the_radius(x: int, y: int, label: Markup) -> str:
    """A name that points away from the middle: beside each other there is room for many."""
    turned = math.degrees(math.atan2(y - 500, x - 500))
    leftwards = abs(turned) > 90
    place, anchor = (-34, "end") if leftwards else (34, "start")
    angle = turned + (180 if leftwards else 0)
    return (
        f'<text transform="translate({x} {y}) rotate({angle:.0f})" x="{place}" dy=".35em" '
        f'text-anchor="{anchor}">{label}</text>'
    )


def short_of(node: str) -> str:
    """A pseudonym as it is written on a picture: its last six digits."""
    kind, _, number = node.partition(":")
    return f"{kind[0].upper()}…{number[-6:]}" if len(number) > 8 else f"{kind[0].upper()} {number}"


def market_pictures(shown: Mapping[str, Any], say: Say) -> MarketPictures:
    """Volumes by day, assets by exchange, flows and alerts, as bars from nought."""
    assets = [
        {
            "name": f"{one['traded_asset']} · {one['exchange']}",
            "value": _millions(one["value_minor"]),
        }
        for one in shown["assets"][:_BARS_MAX]
    ]
    flows = [
        {
            "name": f"{_place(one['source'], say)} → {_place(one['target'], say)}",
            "value": _millions(one["value_minor"]),
        }
        for one in shown["flows"][:_BARS_MAX]
    ]
    alerts = [
        {"name": say(words(one["scenario"])), "value": one["alerts"]}
        for one in shown["alerts"][:_BARS_MAX]
    ]
    unit = say(UNIT)
    return MarketPictures(
        volumes=_days(shown["volumes"], unit),
        assets=_bars(assets, unit),
        flows=_bars(flows, unit),
        alerts=_bars(alerts, say(words("alerts"))),
    )


def _place(code: str, say: Say) -> str:
    """An exchange by its code, and what is outside in words."""
    return say(words(code)) if code in _OUTSIDE else code


def _millions(minor: str) -> float:
    # A length on a picture, not an amount: the table has the exact figure.
    return round(int(minor) / 100_000_000, 3)


def _bars(values: Sequence[Mapping[str, Any]], unit: str) -> Markup | None:
    """Bars with their figures at the end, the longest first; once for wide, once for narrow."""
    if not values:
        return None
    y = {"field": "name", "type": "nominal", "sort": None, "title": None}
    x = {"field": "value", "type": "quantitative", "title": unit, "axis": {"tickCount": 4}}
    pictures = []
    for name, width, label in (("wide", 620, 260), ("narrow", 130, 170)):
        axis = {"labelLimit": label, "ticks": False, "domain": False, "labelPadding": 8}
        bar = {
            "mark": {"type": "bar", "color": charts.GREEN, "height": {"band": 0.7}},
            "encoding": {"x": x, "y": y | {"axis": axis}},
        }
        figure = {
            "mark": {
                "type": "text",
                "align": "left",
                "dx": 5,
                "fontSize": 13,
                "color": charts.GREY,
            },
            "encoding": {
                "x": {"field": "value", "type": "quantitative"},
                "y": y,
                "text": {"field": "value", "type": "quantitative", "format": ",.4~r"},
            },
        }
        picture = charts.draw(
            {
                "config": charts.CONFIG,
                "data": {"values": list(values)},
                "width": width,
                "height": {"step": 26},
                "layer": [bar, figure],
            }
        )
        pictures.append(Markup('<div class="{}">{}</div>').format(name, picture))
    return Markup("").join(pictures)


def _days(volumes: Sequence[Mapping[str, Any]], unit: str) -> Markup | None:
    """Volume of each day as one bar, of all exchanges together."""
    if not volumes:
        return None
    days: dict[str, int] = {}
    for one in volumes:
        days[one["day"]] = days.get(one["day"], 0) + int(one["value_minor"])
    values = [
        {"day": day[5:], "value": _millions(str(value))} for day, value in sorted(days.items())
    ]
    pictures = []
    for name, width, ticks in (("wide", 820, 8), ("narrow", 255, 12)):
        bar = {
            "config": charts.CONFIG,
            "data": {"values": values},
            "width": width,
            "height": 240,
            "mark": {"type": "bar", "color": charts.GREEN, "width": {"band": 0.8}},
            "encoding": {
                "x": {
                    "field": "day",
                    "type": "ordinal",
                    "title": None,
                    "sort": None,
                    "axis": {"labelAngle": 0, "labelOverlap": "greedy", "labelSeparation": ticks},
                },
                "y": {
                    "field": "value",
                    "type": "quantitative",
                    "title": unit,
                    "axis": {"tickCount": 4},
                },
            },
        }
        pictures.append(Markup('<div class="{}">{}</div>').format(name, charts.draw(bar)))
    return Markup("").join(pictures)
