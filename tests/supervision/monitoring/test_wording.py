"""Composed rules and changed parameters in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.supervision.monitoring.test_composed import STATED

from amanat.supervision.monitoring.composed import rule_from
from amanat.supervision.monitoring.wording import changes_in_words, rule_in_words


def said(**changes: Any) -> list[str]:
    """A rule's sentences."""
    return list(map(str, rule_in_words(rule_from(json.dumps(STATED | changes)), "PKR")))


def said_of(condition: dict[str, Any]) -> str:
    """The sentence of one condition."""
    having = [{"measure": "count", "is": ">=", "value": 1}]
    _, sentence = said(where=[condition], having=having)
    return sentence


def test_a_rule_says_from_what_on_it_alerts() -> None:
    having = [
        {"measure": "total", "is": ">=", "value": 150_000_050},
        {"measure": "count", "is": ">=", "value": 10},
    ]
    assert said(subject="sender", window_days=3, where=[], having=having) == [
        "An alert comes where a sender has within 3 days: PKR 1,500,000.50 or more in total, "
        "10 transactions or more",
        "Its score rises with the first of these: total",
    ]
    assert said(subject="customer", window_days=1, where=[], having=having[1:]) == [
        "An alert comes where a customer has on one day: 10 transactions or more"
    ]


CONDITIONS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"field": "value", "is": "<", "value": 5_000_000}, "Only values under PKR 50,000.00 count"),
    ({"field": "value", "is": "<=", "value": 1}, "Only values up to PKR 0.01 count"),
    ({"field": "value", "is": "==", "value": 100}, "Only values of exactly PKR 1.00 count"),
    ({"field": "value", "is": ">=", "value": 100}, "Only values from PKR 1.00 count"),
    ({"field": "value", "is": ">", "value": 100}, "Only values over PKR 1.00 count"),
    ({"field": "kind", "is": "in", "value": ["fiat_in", "trade"]},
     "Only these kinds count: fiat in, trade"),
    ({"field": "kind", "is": "not in", "value": ["trade"]}, "These kinds do not count: trade"),
    ({"field": "from_country", "is": "in", "value": ["IR"]},
     "Only what comes from these countries counts: Iran"),
    ({"field": "to_country", "is": "not in", "value": ["PK", "AE"]},
     "What goes to these countries does not count: Pakistan, United Arab Emirates"),
    ({"field": "cash", "is": False}, "Cash does not count"),
    ({"field": "told", "is": False},
     "Transfers that the travel rule told of do not count"),
    ({"field": "unhosted", "is": True},
     "Only transfers with a wallet that its owner keeps count"),
    ({"field": "sender", "is": "listed"}, "Only senders on the supervisor's list count"),
)  # fmt: skip


@pytest.mark.parametrize(("condition", "sentence"), CONDITIONS, ids=lambda one: str(one)[:30])
def test_each_condition_is_a_sentence(condition: dict[str, Any], sentence: str) -> None:
    assert said_of(condition) == sentence


def test_every_condition_reads_otherwise_than_its_contrary() -> None:
    both = [
        said_of({"field": name, "is": so})
        for name in ("cash", "between", "told", "hosted", "unhosted")
        for so in (True, False)
    ]
    both += [
        said_of({"field": name, "is": among, "value": ["PK"]})
        for name in ("from_country", "to_country")
        for among in ("in", "not in")
    ]
    assert len(set(both)) == len(both)


def test_changed_parameters_are_told_with_what_is_in_force() -> None:
    before = {"threshold_minor": 200_000_000, "count_min": 3, "cash_only": False, "countries": []}
    after = {"threshold_minor": 100_000_000, "count_min": 3, "cash_only": True,
             "countries": ["IR", "KP"]}  # fmt: skip
    assert list(map(str, changes_in_words(before, after, "PKR"))) == [
        "threshold: PKR 1,000,000.00 instead of PKR 2,000,000.00",
        "cash only: yes instead of no",
        "countries: Iran, North Korea instead of none",
    ]
    assert list(changes_in_words(before, before, "PKR")) == ["Every parameter is as it is in force"]
