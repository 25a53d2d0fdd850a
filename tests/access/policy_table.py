"""The table of roles and acts that the reference prints, read back for the tests that walk it."""

from __future__ import annotations

import re
from pathlib import Path

from amanat.access.actors import Role
from amanat.access.acts import ACTS
from amanat.app import declare_rooms

declare_rooms()

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "policies.md"
KINDS = {name: kind for name, kind in ACTS.items() if kind.body.__module__.startswith("amanat.")}
CAPACITIES = sorted({one for kind in KINDS.values() for one in kind.capacities})


def printed() -> dict[tuple[str, Role, str], set[str]]:
    """What the page says: for each act, role and capacity the actions that are permitted."""
    found: dict[tuple[str, Role, str], set[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [one.strip() for one in line.strip("|").split("|")]
        if len(cells) != 2 + len(Role) or not re.fullmatch(r"`\w+`", cells[0]):
            continue
        named = re.findall(r"`(\w+)`", cells[1])
        for role, cell in zip(Role, cells[2:], strict=True):
            for capacity in CAPACITIES:
                said = set(re.findall(r"submits|approves", cell))
                if cells[1] != "any" and capacity not in named:
                    said.discard("submits")
                found[cells[0].strip("`"), role, capacity] = said
    return found
