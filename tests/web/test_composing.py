"""The forms of scenarios: what is typed becomes a rule or parameters, and these fill the form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amanat.access.acts import ACTS
from amanat.app import declare_rooms
from amanat.jurisdictions.supervision import PARAMETERS, load_supervision
from amanat.supervision.monitoring.acts import stated_parameters
from amanat.supervision.monitoring.composed import rule_from, rule_text
from amanat.supervision.monitoring.planning import plain_parameters
from amanat.web.composing import (
    COMPARISONS,
    FACTS,
    LISTED,
    gathered,
    parameters_given,
    parameters_of,
    problems_in,
    rule_given,
    rule_of,
)
from amanat.web.messages import Reader

declare_rooms()
COMPOSE, CHANGE = ACTS["ComposeScenario"], ACTS["ChangeScenario"]
TYPED = {
    "name": "Many small withdrawals",
    "explains": "Ten or more withdrawals under PKR 50,000 within three days.",
    "subject": "sender",
    "window_days": "۳",
    "kind.is": "in",
    "kind.value": "withdrawal",
    "value_1.is": ">=",
    "value_1.value": "",
    "value_2.is": "<",
    "value_2.value": "۵۰٬۰۰۰",
    "from_country.is": "in",
    "from_country.value": "",
    "to_country.is": "not in",
    "to_country.value": "pk، AE",
    "cash": "",
    "told": "false",
    "listed": "address",
    "count": "10",
    "total": "1,500,000.50",
    "counterparties": " ",
    "first": "total",
}
RULE = {
    "name": "Many small withdrawals",
    "explains": "Ten or more withdrawals under PKR 50,000 within three days.",
    "subject": "sender",
    "window_days": 3,
    "where": [
        {"field": "kind", "is": "in", "value": ["withdrawal"]},
        {"field": "value", "is": "<", "value": 5_000_000},
        {"field": "to_country", "is": "not in", "value": ["PK", "AE"]},
        {"field": "told", "is": False},
        {"field": "address", "is": "listed"},
    ],
    "having": [
        {"measure": "total", "is": ">=", "value": 150_000_050},
        {"measure": "count", "is": ">=", "value": 10},
    ],
}


def sent(typed: Mapping[str, str]) -> dict[str, str]:
    """What the form of a rule sends beside the act's other fields."""
    return {"scenario": "small"} | {f"rule.{name}": text for name, text in typed.items()}


def faults(typed: Mapping[str, str], language: str = "en") -> dict[str | None, str]:
    """What a sent form has wrong, by the field that is marked."""
    values = gathered(COMPOSE, sent(typed), "PKR")
    return {one.field: one.text for one in problems_in(COMPOSE, values, Reader(language))}


def test_a_rule_is_what_was_typed_in_rupees_urdu_digits_and_any_case() -> None:
    values = gathered(COMPOSE, sent(TYPED), "PKR")
    assert set(values) == {"scenario", "rule"}
    assert json.loads(values["rule"]) == RULE
    assert problems_in(COMPOSE, values, Reader()) == []


def test_each_fault_is_marked_at_its_field_and_all_at_once() -> None:
    wrong = TYPED | {
        "name": "",
        "window_days": "three",
        "value_2.value": "50.001",
        "to_country.value": "PK XX",
        "count": "0",
        "total": "much",
    }
    assert faults(wrong) == {
        "rule-name": "Name: it must be given",
        "rule-window_days": "Window days: a whole number is needed",
        "rule-value_1": "Value: 50.001 is no amount",
        "rule-to_country": "To country: no country of ISO 3166 has this code",
        "rule-total": "Total: much is no amount",
        "rule-count": "Count: it must be at least 1",
    }


def test_a_rule_without_anything_to_reach_is_refused_at_the_first_measure() -> None:
    nothing = TYPED | {"count": "", "total": "", "counterparties": ""}
    assert faults(nothing) == {"rule-count": "Count: at least 1 entries are needed"}


def test_figures_beyond_reason_are_kept_as_typed_and_refused() -> None:
    huge = "9" * 5_000
    told = faults(TYPED | {"count": huge, "total": huge, "window_days": huge})
    assert set(told) == {"rule-count", "rule-total", "rule-window_days"}


@pytest.mark.parametrize(
    "further",
    [
        [{"field": "kind", "is": "in", "value": [kind]} for kind in ("trade", "transfer")],
        [{"field": "value", "is": ">", "value": at} for at in (1, 2, 3)],
        [{"field": "sender", "is": "listed"}] * 2,
        [{"field": "colour", "is": "in", "value": ["red"]}],
    ],
)
def test_what_the_form_has_no_field_for_is_left_to_json(further: list[dict[str, Any]]) -> None:
    assert rule_given(json.dumps(RULE | {"where": further}), "PKR") is None


@pytest.mark.parametrize(
    "text", ["[", "[]", "null", '{"where": 7}', '{"sql": "DROP"}', "[" * 9_000]
)
def test_what_is_no_rule_is_left_to_json(text: str) -> None:
    assert rule_given(text, "PKR") is None


AMOUNTS = st.integers(0, 2**53)
CODES = st.lists(st.sampled_from(["PK", "AE", "IR", "KP"]), min_size=1, unique=True)
AMONG = st.sampled_from(["in", "not in"])


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Rules that the form has fields for."""
    kinds = draw(st.lists(st.sampled_from(["trade", "deposit"]), unique=True))
    where: list[dict[str, Any]] = [
        {"field": "kind", "is": draw(AMONG), "value": kinds} for _ in kinds[:1]
    ]
    where += [
        {"field": "value", "is": draw(st.sampled_from(COMPARISONS)), "value": draw(AMOUNTS)}
        for _ in range(draw(st.integers(0, 2)))
    ]
    where += [
        {"field": name, "is": draw(AMONG), "value": draw(CODES)}
        for name in ("from_country", "to_country")
        if draw(st.booleans())
    ]
    where += [{"field": name, "is": draw(st.booleans())} for name in FACTS if draw(st.booleans())]
    where += [{"field": name, "is": "listed"} for name in LISTED if draw(st.booleans())]
    having = [
        {"measure": name, "is": ">=", "value": draw(st.integers(1, 2**53))}
        for name in ("total", "count", "counterparties")
        if draw(st.booleans())
    ]
    return {
        "name": "Composed", "explains": "Whatever was drawn.",
        "subject": draw(st.sampled_from(["customer", "sender", "receiver"])),
        "window_days": draw(st.integers(1, 60)), "where": draw(st.permutations(where)),
        "having": having or [{"measure": "count", "is": ">=", "value": 1}],
    }  # fmt: skip


@given(rules())
def test_a_rule_fills_the_form_that_makes_it_again(rule: dict[str, Any]) -> None:
    text = rule_text(rule_from(json.dumps(rule)))
    found = rule_given(text, "PKR")
    # The form has the measure of the score and then the others in one order: so had the rule?
    order = ["count", "total", "counterparties"]
    first, *others = (one["measure"] for one in rule["having"])
    if others != sorted(others, key=order.index):
        assert found is None
        return
    assert found is not None
    assert found["first"] == first
    assert found["window_days"] == str(rule["window_days"])


def test_every_parameter_of_the_jurisdiction_fills_a_form_that_makes_it_again() -> None:
    table = load_supervision("pk")
    for scenario in PARAMETERS:
        held = plain_parameters(table.history(scenario)[-1].parameters)
        parts = parameters_given(scenario, held, table.currency)
        typed = {one["name"]: one["value"] for one in parts}
        assert parameters_of(scenario, typed, table.currency) == held, scenario
        stated_parameters(scenario, json.dumps(held))


def test_parameters_are_refused_at_their_fields() -> None:
    held = plain_parameters(load_supervision("pk").history("structuring")[-1].parameters)
    parts = parameters_given("structuring", held, "PKR")
    typed = {one["name"]: one["value"] for one in parts}
    assert typed["threshold_minor"] == "2,000,000.00"  # FMU Circular 01/2025: PKR 2.0 million
    wrong = typed | {"threshold_minor": "two million", "count_min": "-3", "cash_only": "perhaps"}
    values = {"scenario": "structuring"} | {f"parameters.{k}": v for k, v in wrong.items()}
    values = gathered(CHANGE, values, "PKR")
    found = {one.field: one.text for one in problems_in(CHANGE, values, Reader())}
    assert found == {
        "parameters-threshold_minor": "Threshold: 'two million' is not a whole number from 0.",
        "parameters-count_min": "Count min: '-3' is not a whole number from 0.",
        "parameters-cash_only": "Cash only: 'perhaps' is neither true nor false.",
    }


def test_other_acts_are_left_as_they_were_sent() -> None:
    values = {"rule.name": "x", "scenario": "structuring"}
    assert gathered(ACTS["AdoptScenario"], values, "PKR") == values
    assert rule_of({}, "PKR")["having"] == []
