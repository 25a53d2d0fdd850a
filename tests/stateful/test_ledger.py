"""Contracts against a model in plain Python, over random acts of many actors.

Laws: cash and every security are conserved; nothing is created outside the programme; nothing
moves to the ineligible; the ceiling is never passed; paid, tax and escrow are the funding.  The
model knows the order of refusals, so each act must succeed or fail for the very same reason in
both.  `test_mutations.py` shows that the model can fail.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from pathlib import Path
from secrets import randbits
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test


def _load(name: str) -> Any:
    qualified = f"amanat_tests_stateful_{name}"
    if qualified not in sys.modules:
        path = Path(__file__).with_name(f"{name}.py")
        spec = importlib.util.spec_from_file_location(qualified, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[qualified] = module
        spec.loader.exec_module(module)
    return sys.modules[qualified]


Ledger, walks = _load("machine").Ledger, _load("walk")
SEEDS = range(15)
STEPS = 150
# A mutant needs no smallest example, only one.
PHASES = [Phase.generate] if os.environ.get("AMANAT_TEST_ARTIFACTS") else list(Phase)
_outcomes: Counter[tuple[str, str | None]] = Counter()


@pytest.mark.parametrize("seed", SEEDS)
def test_random_life(seed: int) -> None:
    _outcomes.update(walks.walk(Ledger, seed, STEPS))


def test_every_act_was_seen_to_succeed_and_to_be_refused() -> None:
    """Else the lives above would prove little.  Run with them, in one process."""
    if not _outcomes:
        for seed in SEEDS:
            _outcomes.update(walks.walk(Ledger, seed, STEPS))
    seen: dict[str, set[str | None]] = {}
    for act, outcome in _outcomes:
        seen.setdefault(act, set()).add(outcome)
    assert {act for act, outcomes in seen.items() if None not in outcomes} == {
        "begin_epoch", "entitlement"
    }  # fmt: skip
    assert {act for act, outcomes in seen.items() if outcomes == {None}} == set()
    assert set(walks.ACTS) - set(seen) == {
        "pay_chunk", "pay_escrowed", "relieve", "sign_issue_ahead", "release_redeemed",
        "set_level", "resume_all",
    }  # fmt: skip
    assert len({outcome for outcomes in seen.values() for outcome in outcomes}) >= 25


def test_drawn_acts() -> None:
    """Independent rules, which hypothesis shrinks to the smallest example when they fail."""
    run_state_machine_as_test(
        Ledger,
        settings=settings(max_examples=5, stateful_step_count=25, deadline=None, phases=PHASES),
    )


@pytest.mark.soak
def test_many_random_lives() -> None:
    """Other ones in every run; a failure names its seed."""
    for _ in range(250):
        walks.walk(Ledger, randbits(32), 200)


@pytest.mark.soak
def test_many_drawn_acts() -> None:
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=200, stateful_step_count=80, deadline=None, derandomize=False
        ),
    )
