"""The picture of a network: rings, bounds, and the same rows the same picture."""

from __future__ import annotations

import re
from typing import Any

from amanat.supervision.cases.network import NODES_MAX, network_of
from amanat.web.supervision_pages import network_svg


def flow(source: int, target: int, value: int = 100) -> dict[str, Any]:
    """A row from one party to another."""
    return {
        "from_party": str(source), "from_account": "1", "from_exchange": "x", "from_country": "PK",
        "to_party": str(target), "to_account": "2", "to_exchange": "x", "to_country": "PK",
        "value": str(value), "day": "2026-03-09",
    }  # fmt: skip


def test_rings_count_hops_and_flows_of_a_pair_are_one() -> None:
    found = network_of([flow(1, 2), flow(1, 2, 50), flow(2, 3), flow(3, 3)], "party:1")
    assert {one.key: one.ring for one in found.nodes} == {"party:1": 0, "party:2": 1, "party:3": 2}
    assert [(one.source, one.value, one.count) for one in found.edges] == [
        ("party:1", 150, 2), ("party:2", 100, 1),
    ]  # fmt: skip
    assert (found.nodes[0].x, found.nodes[0].y) == (500, 500)


def test_the_gravest_are_drawn_and_the_rest_is_counted() -> None:
    rows = [flow(1, 10 + number, value=number) for number in range(1, 101)]
    found = network_of(rows, "party:1")
    assert len(found.nodes) == NODES_MAX
    assert found.left_out == 101 - NODES_MAX
    assert min(one.value for one in found.edges) > 100 - NODES_MAX
    assert network_of(list(reversed(rows)), "party:1") == found


def test_a_customer_known_by_its_own_number_is_the_one_with_most_flows() -> None:
    found = network_of([flow(1, 2), flow(1, 3)], "customer:17")
    assert found.nodes[0].key == "party:1"


def test_nothing_is_drawn_of_nothing() -> None:
    found = network_of([], "party:1")
    assert found.edges == ()
    assert network_svg({"nodes": [], "edges": []}) is None


def test_what_is_drawn_is_escaped() -> None:
    node = {"node": "party:<script>", "ring": 0, "x": 1, "y": 1, "outside": False}
    drawn = network_svg({"nodes": [node], "edges": []})
    assert drawn is not None
    assert "<script>" not in drawn


def test_names_of_a_full_ring_point_away_from_the_middle_and_never_lie_over_each_other() -> None:
    """Each at its own angle, beside the next by more than a line's height."""
    found = network_of([flow(1, number) for number in range(2, 26)], "party:1")
    drawn = network_svg({
        "nodes": [{"node": one.key, "ring": one.ring, "x": one.x, "y": one.y, "outside": False}
                  for one in found.nodes],
        "edges": [],
    })  # fmt: skip
    assert drawn is not None
    angles = [int(one) for one in re.findall(r"rotate\((-?[0-9]+)\)", drawn)]
    ends = re.findall(r'text-anchor="(start|end)"', drawn)
    assert len(angles) == len(ends) == 24
    places = {(angle, end) for angle, end in zip(angles, ends, strict=True)}
    assert len(places) == 24
    assert all(-90 <= angle <= 90 or end == "end" for angle, end in places)
    few = network_svg({"nodes": [{"node": "party:1", "ring": 1, "x": 500, "y": 200,
                                  "outside": False}], "edges": []})  # fmt: skip
    assert "rotate" not in str(few)
