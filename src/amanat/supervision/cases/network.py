"""The network of a case: who moved value to whom, laid out in rings around the subject.  Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NODES_MAX = 32
"""More than these are not drawn: the gravest flows are, and how many were left out is said."""
_RADII = (0, 255, 455, 500)


@dataclass(frozen=True, slots=True)
class Node:
    """One party or account, `ring` hops from the subject; `x`, `y` in thousandths of the width."""

    key: str
    ring: int
    x: int
    y: int
    exchange: str | None
    country: str | None
    outside: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """All value that went from one to another: minor units, and in how many transactions."""

    source: str
    target: str
    value: int
    count: int
    first_day: str
    last_day: str


@dataclass(frozen=True, slots=True)
class Network:
    """What is drawn, and what was left out."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int


def key_of(row: Mapping[str, Any], way: str) -> str:
    """The party of a side, or its account where nobody is known: as a case's subject is written."""
    party = row.get(f"{way}_party")
    return f"party:{party}" if party else f"account:{row[f'{way}_account']}"


def network_of(rows: Iterable[Mapping[str, Any]], subject: str) -> Network:
    """The network of these rows around a subject; the same rows give the same picture.

    A trade's two legs and any other row of one party with itself are no edges.
    """
    flows: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    facts: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        source, target = key_of(row, "from"), key_of(row, "to")
        facts.setdefault(source, _facts(row, "from"))
        facts.setdefault(target, _facts(row, "to"))
        if source != target:
            flows[source, target].append(row)
    edges = sorted(
        (_edge(source, target, some) for (source, target), some in flows.items()),
        key=lambda one: (-one.value, one.source, one.target),
    )
    centre = subject if subject in facts else _heaviest(edges)
    kept, shown = _kept(edges, centre)
    rings = _rings(shown, centre)
    nodes = _placed(rings, shown, facts)
    return Network(nodes, tuple(shown), len(facts) - len(kept) if facts else 0)


def _facts(row: Mapping[str, Any], way: str) -> Mapping[str, Any]:
    return {"exchange": row.get(f"{way}_exchange"), "country": row.get(f"{way}_country")}


def _edge(source: str, target: str, rows: Sequence[Mapping[str, Any]]) -> Edge:
    days = sorted(str(one["day"]) for one in rows)
    value = sum(int(one["value"]) for one in rows)
    return Edge(source, target, value, len(rows), days[0], days[-1])


def _heaviest(edges: Sequence[Edge]) -> str:
    """Where no row names the subject: who stands in the most flows."""
    counts: dict[str, int] = defaultdict(int)
    for one in edges:
        counts[one.source] += 1
        counts[one.target] += 1
    return min(counts, key=lambda key: (-counts[key], key)) if counts else ""


def _kept(edges: Sequence[Edge], centre: str) -> tuple[set[str], list[Edge]]:
    """The nodes that are drawn: the subject, then those of its gravest flows outwards."""
    kept, frontier = {centre} if centre else set(), {centre}
    while frontier and len(kept) < NODES_MAX:
        reached: set[str] = set()
        for one in edges:
            for near, far in ((one.source, one.target), (one.target, one.source)):
                if near in frontier and far not in kept and len(kept) < NODES_MAX:
                    kept.add(far)
                    reached.add(far)
        frontier = reached
    return kept, [one for one in edges if one.source in kept and one.target in kept]


def _rings(edges: Sequence[Edge], centre: str) -> dict[str, int]:
    rings, frontier, ring = ({centre: 0} if centre else {}), {centre}, 0
    while frontier:
        ring += 1
        reached = set()
        for one in edges:
            for near, far in ((one.source, one.target), (one.target, one.source)):
                if near in frontier and far not in rings:
                    reached.add(far)
        for key in reached:
            rings[key] = ring
        frontier = reached
    return rings


def _placed(
    rings: Mapping[str, int], edges: Sequence[Edge], facts: Mapping[str, Mapping[str, Any]]
) -> tuple[Node, ...]:
    """Each ring evenly filled, everybody near whom they deal with, so that few arrows cross."""
    by_ring: dict[int, list[str]] = defaultdict(list)
    for key, ring in rings.items():
        by_ring[ring].append(key)
    angles: dict[str, float] = {}
    nodes = []
    for ring, keys in sorted(by_ring.items()):
        radius = _RADII[min(ring, len(_RADII) - 1)]
        for place, key in enumerate(sorted(keys, key=lambda one: (_pull(one, edges, angles), one))):
            angle = 2 * math.pi * (place + 0.5 * (ring % 2)) / len(keys) - math.pi / 2
            angles[key] = angle
            found = facts.get(key, {})
            nodes.append(
                Node(
                    key,
                    ring,
                    round(500 + radius * math.cos(angle)),
                    round(500 + radius * math.sin(angle)),
                    found.get("exchange"),
                    found.get("country"),
                    found.get("exchange") is None,
                )
            )
    return tuple(nodes)


def _pull(key: str, edges: Sequence[Edge], angles: Mapping[str, float]) -> float:
    """The mean angle of those further in with whom a node deals; nought where there are none."""
    near = [
        angles[far]
        for one in edges
        for own, far in ((one.source, one.target), (one.target, one.source))
        if own == key and far in angles
    ]
    return sum(near) / len(near) if near else 0.0
