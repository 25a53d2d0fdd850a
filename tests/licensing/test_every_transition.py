"""Every kind of file × stage × act × capacity × role: allowed exactly where the table says so.

The table is read here a second time, straight from its TOML, so that a mistake of the reader or of
the path shows as a difference.
"""

from __future__ import annotations

import itertools
import tomllib
from datetime import date
from typing import Any

import pytest

from amanat.access.actors import Role
from amanat.core.errors import Refusal, Refusals
from amanat.jurisdictions import reading
from amanat.jurisdictions.licensing import load_licensing
from amanat.licensing.model import (
    NotTheirStep,
    OwnWork,
    RequirementMissing,
    StepNotAllowed,
    WrongStatus,
)
from amanat.licensing.path import Mover, Situation, allowed, open_steps

DAY = date(2026, 4, 1)
PACKS = ("pk", "eu")
CAPACITIES = ("authority", "applicant", "confirms.incorporated", "consulted.fmu", "participant")
DEFAULT_ROLES = ["officer", "approver"]


def table(code: str) -> dict[str, Any]:
    """The pack as its file has it."""
    return tomllib.loads(reading.read_table(code, "licensing")[0])


def tried(code: str) -> Any:
    """Every combination there is: kind of file, stage, act with outcome, capacity, role."""
    raw = table(code)
    acts = sorted({(one["act"], one.get("outcome", "")) for one in raw["steps"]})
    kinds = [(one["code"], ["new", *one["stages"]]) for one in raw["files"]]
    kinds.append(("provider", [one["code"] for one in raw["statuses"]]))
    for kind, stages in kinds:
        yield from itertools.product([kind], stages, acts, CAPACITIES, [*Role])


def all_facts(code: str) -> frozenset[str]:
    """Everything that a step may require, for every category."""
    raw = table(code)
    categories = [one["code"] for one in raw["categories"]]
    return frozenset(
        [*raw["requirements"], *(f"{a}:{b}" for a in raw["requirements"] for b in categories)]
    )


def expected(code: str) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    """The row of the table for a kind of file, stage, act and outcome."""
    return {
        (one["file"], stage, one["act"], one.get("outcome", "")): one
        for one in table(code)["steps"]
        for stage in one["from"]
    }


def fits(capacity: str, wanted: str) -> bool:
    """Whether a capacity is the one that a step wants, or of its family."""
    return capacity == wanted or (
        wanted in ("confirms", "consulted") and capacity.startswith(f"{wanted}.")
    )


@pytest.mark.parametrize("code", PACKS)
def test_a_transition_is_allowed_exactly_where_the_table_has_it(code: str) -> None:
    pack, rows, facts = load_licensing(code), expected(code), all_facts(code)
    category = pack.categories[0].code
    counted = {"allowed": 0, "no_step": 0, "not_theirs": 0}
    for kind, stage, (act, outcome), capacity, role in tried(code):
        row = rows.get((kind, stage, act, outcome))
        statuses = (row or {}).get("statuses") or ["applicant"]
        situation = Situation(kind, "F-1", stage, "exchange_x", statuses[0], facts)
        mover = Mover("somebody", role.value, frozenset({capacity}))
        asked = (pack, situation, mover, act)
        if row is None:
            counted["no_step"] += 1
            with pytest.raises(StepNotAllowed) as refusal:
                allowed(*asked, day=DAY, outcome=outcome, category=category)
            said = str(refusal.value)
            assert refusal.value.status == 409
            assert act in said
            assert ("not opened" if stage == "new" else stage.replace("_", " ")) in said.replace(
                "_", " "
            )
        elif not fits(capacity, row["capacity"]) or role.value not in row.get(
            "roles", DEFAULT_ROLES
        ):
            counted["not_theirs"] += 1
            with pytest.raises(NotTheirStep) as refusal:
                allowed(*asked, day=DAY, outcome=outcome, category=category)
            assert refusal.value.status == 403
        else:
            counted["allowed"] += 1
            step = allowed(*asked, day=DAY, outcome=outcome, category=category)
            assert (step.act, step.to) == (act, row.get("to", ""))
    assert min(counted.values()) > 0
    assert sum(counted.values()) == len(list(tried(code))) > 1_000


@pytest.mark.parametrize("code", PACKS)
def test_each_requirement_by_itself_stops_its_step(code: str) -> None:
    pack, facts = load_licensing(code), all_facts(code)
    # The first category that needs everything that the rules may ask for.
    category = next((one.code for one in pack.categories if one.clearance), pack.categories[0].code)
    tried_here = 0
    for (kind, stage, act, outcome), row in expected(code).items():
        statuses = row.get("statuses") or ["applicant"]
        who = {"confirms": "confirms.incorporated", "consulted": "consulted.fmu"}
        capacity = who.get(row["capacity"], row["capacity"])
        mover = Mover("somebody", row.get("roles", DEFAULT_ROLES)[0], frozenset({capacity}))
        for name in row.get("requires", []):
            missing = name.replace("{category}", category)
            situation = Situation(kind, "F-1", stage, "x", statuses[0], facts - {missing})
            with pytest.raises(RequirementMissing) as refusal:
                allowed(pack, situation, mover, act, day=DAY, outcome=outcome, category=category)
            words = table(code)["requirements"][name.partition(":")[0]]
            assert words.partition("{")[0] in str(refusal.value)
            tried_here += 1
    assert tried_here > 1


def test_all_that_is_missing_is_told_at_once() -> None:
    pack = load_licensing("pk")
    situation = Situation("licence", "LIC-2026-0001", "approved", "x", "noc")
    mover = Mover("somebody", "officer", frozenset({"authority"}))
    with pytest.raises(Refusals) as refusal:
        allowed(pack, situation, mover, "GrantLicence", day=DAY, category="exchange")
    assert len(refusal.value.refusals) == 5
    # Advisory services need no clearance by the interior ministry.
    with pytest.raises(Refusals) as refusal:
        allowed(pack, situation, mover, "GrantLicence", day=DAY, category="advisory")
    assert len(refusal.value.refusals) == 4


def test_a_status_that_a_step_needs() -> None:
    pack = load_licensing("pk")
    mover = Mover("somebody", "officer", frozenset({"applicant"}))
    for status, kind in (("applicant", "licence"), ("licensed", "noc"), ("noc", "variation")):
        situation = Situation(kind, "x", "new", "x", status)
        with pytest.raises(WrongStatus, match=status):
            allowed(pack, situation, mover, "OpenFile", day=DAY)


@pytest.mark.parametrize("code", PACKS)
def test_nobody_decides_what_they_recommended(code: str) -> None:
    pack, facts = load_licensing(code), all_facts(code)
    kind = "licence"
    recommended = Situation(
        kind, "F-1", "recommended", "x", "noc", facts, (("Recommend", "first"),)
    )
    for outcome in ("grant", "refuse"):
        other = Mover("second", "officer", frozenset({"authority"}))
        assert allowed(pack, recommended, other, "Decide", day=DAY, outcome=outcome)
        own = Mover("first", "officer", frozenset({"authority"}))
        with pytest.raises(OwnWork, match="first did Recommend"):
            allowed(pack, recommended, own, "Decide", day=DAY, outcome=outcome)


@pytest.mark.parametrize("code", PACKS)
def test_what_is_offered_next_is_what_is_allowed(code: str) -> None:
    pack, rows, facts = load_licensing(code), expected(code), all_facts(code)
    for kind, stage in {(one[0], one[1]) for one in rows}:
        for capacity, role in itertools.product(CAPACITIES, Role):
            mover = Mover("somebody", role.value, frozenset({capacity}))
            situation = Situation(kind, "F-1", stage, "x", "noc", facts)
            offered = {
                (step.act, step.outcome)
                for step, hindrance in open_steps(pack, situation, mover, day=DAY)
                if hindrance is None
            }
            possible = set()
            for act, outcome in {(one[2], one[3]) for one in rows if one[:2] == (kind, stage)}:
                try:
                    allowed(pack, situation, mover, act, day=DAY, outcome=outcome,
                            category=pack.categories[0].code)  # fmt: skip
                except (Refusal, Refusals):
                    continue
                possible.add((act, outcome))
            assert offered == possible, (kind, stage, capacity, role)
