"""What faces show of an opened book: its sheet, its demand curve and its tally, as plain JSON.

Of a published result this is stored once it has been verified against the root that the chain
holds, so that looking at it opens no sealed bid again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from amanat.auctions.recompute import Recomputed, tally
from amanat.auctions.sheet import demand_curve, result_sheet

NOTHING_OPENED: dict[str, Any] = {"sheet": None, "demand_curve": [], "tally": None}


def shown_of(found: Recomputed, currency: str) -> dict[str, Any]:
    """`sheet`, `demand_curve` and `tally` of a result; amounts of the sheet in its own unit."""
    return {
        "sheet": plain(asdict(result_sheet(found.result, currency=currency))),
        "demand_curve": [plain(asdict(point)) for point in demand_curve(found.result)],
        "tally": plain(asdict(tally(found))),
    }


def stored(shown: dict[str, Any]) -> bytes:
    """What is shown, as it is kept beside the result."""
    return json.dumps(shown, separators=(",", ":")).encode()


def plain(value: Any) -> Any:
    """Decimals and large integers as text, enumerations as their words."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    return str(value)
