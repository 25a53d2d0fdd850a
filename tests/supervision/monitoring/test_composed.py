"""Rules that an analyst composes: checked against the schema, and then like any other scenario."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
from tests.supervision.monitoring.ledger_of_rows import FIRST, moved, source_files
from tests.supervision.monitoring.looking import look

from amanat.core.errors import AmanatError, Refusals
from amanat.supervision.monitoring.composed import (
    composed_scenario,
    rule_from,
    rule_text,
    schema,
)
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.staging import Lists

STATED = {
    "name": "Many middling withdrawals",
    "explains": "Several withdrawals of middling value within three days, to several addresses.",
    "subject": "sender",
    "window_days": 3,
    "where": [
        {"field": "kind", "is": "in", "value": ["withdrawal", "transfer"]},
        {"field": "value", "is": "<", "value": 26_000_000},
    ],
    "having": [
        {"measure": "count", "is": ">=", "value": 3},
        {"measure": "counterparties", "is": ">=", "value": 2},
    ],
}
RULE = json.dumps(STATED)
A, B, C = 11, 12, 13


def test_a_rule_finds_what_it_says(engine_of_scenarios: DuckEngine, tmp_path: Path):
    rows = [moved(20 + n, "transfer", A, 20 + n % 2, 100_000) for n in range(3)]
    rows += [moved(20 + n, "transfer", B, 20, 100_000) for n in range(3)]
    rows += [moved(20 + 2 * n, "transfer", C, 20 + n, 100_000) for n in range(3)]
    rows += [moved(22, "transfer", A, 30, 260_000)]
    rule = rule_from(RULE)
    scenario = composed_scenario("x", rule)
    files = source_files(rows, tmp_path)
    last = FIRST + timedelta(days=30)
    alerts, classed = look(engine_of_scenarios, scenario, rule, files, FIRST, last)
    assert [(one.subject, one.values["count"]) for one in alerts] == [(A, 3)]
    assert classed[Classed.OUTSIDE_RULE].rows == 1
    assert scenario.explanation == STATED["explains"]


def test_a_rule_about_customers_takes_pseudonyms_of_63_bits(
    engine_of_scenarios: DuckEngine, tmp_path: Path
):
    """As intake makes them: two of them do not add up to an integer of 64 bits."""
    stated = STATED | {
        "subject": "customer",
        "where": [],
        "having": [{"measure": "counterparties", "is": ">=", "value": 2}],
    }
    rule = rule_from(json.dumps(stated))
    customer, others = 2**63 - 10**10, [2**62 + n for n in range(2)]
    rows = [moved(20, "transfer", customer, one, 10) for one in others]
    rows += [moved(20, kind, None, others[0], 10) for kind in ("fiat_in", "deposit")]
    last = FIRST + timedelta(days=30)
    alerts, _classed = look(
        engine_of_scenarios, composed_scenario("x", rule), rule, source_files(rows, tmp_path),
        FIRST, last,
    )  # fmt: skip
    assert [(one.subject, one.values["counterparties"]) for one in alerts] == [(customer, 2)]


def test_a_rule_over_a_list(engine_of_scenarios: DuckEngine, tmp_path: Path):
    stated = STATED | {
        "where": [{"field": "address", "is": "listed"}, {"field": "cash", "is": False}],
        "having": [{"measure": "total", "is": ">=", "value": 1}],
    }
    rule = rule_from(json.dumps(stated))
    rows = [
        moved(20, "withdrawal", A, None, 10, to_account=777),
        moved(20, "withdrawal", B, None, 10, to_account=778),
    ]
    files = source_files(rows, tmp_path)
    alerts, _classed = look(
        engine_of_scenarios,
        composed_scenario("x", rule),
        rule,
        files,
        FIRST,
        FIRST + timedelta(days=30),
        lists=Lists(frozenset({777})),
    )
    assert [one.subject for one in alerts] == [A]


def test_the_schema_takes_what_the_reader_takes():
    jsonschema.validate(STATED, schema())
    assert json.loads(rule_text(rule_from(RULE))) == STATED


@pytest.mark.parametrize(
    "change",
    [
        {"window_days": 0},
        {"window_days": 61},
        {"window_days": "3"},
        {"having": []},
        {"subject": "everybody"},
        {"where": [{"field": "name", "is": "==", "value": "x"}]},
        {"where": [{"field": "value", "is": "<", "value": 1.5}]},
        {"where": [{"field": "to_country", "is": "in", "value": ["XX"]}]},
        {"name": "many\x00 withdrawals"},
        {"name": "\u202eslawardhtiw ynam"},
        {"name": "\u200b\u200b\u200b\u200b"},
        {"explains": " " * 12},
        {"where": [{"field": "value", "is": "<", "value": 2**63}]},
        {"where": [{"field": "from_country", "is": "in", "value": ["Pakistan"]}]},
        {"having": [{"measure": "count", "is": "<", "value": 1}]},
        {"having": [{"measure": "count", "is": ">=", "value": 1}] * 2},
        {"sql": "DROP TABLE supervision_alert"},
    ],
)
def test_what_the_schema_does_not_know_is_refused(change: dict[str, object]):
    with pytest.raises(AmanatError):
        rule_from(json.dumps(STATED | change))


def test_what_is_no_json_is_refused():
    with pytest.raises(AmanatError):
        rule_from("{'name'")
    with pytest.raises(AmanatError, match="characters"):
        rule_from(" " * 20_001)


def test_each_fault_is_told_once_with_its_place_and_what_was_found():
    wrong = STATED | {
        "window_days": 99,
        "where": [{"field": "kind", "is": "in", "value": ["gift"]}],
        "having": [{"measure": "count", "is": ">=", "value": 0}],
    }
    with pytest.raises(Refusals) as refused:
        rule_from(json.dumps(wrong))
    told = [str(one) for one in refused.value.refusals]
    assert len(told) == 3
    for place, found in (
        ("window_days", "99"),
        ("where.0.kind.value.0", "'gift'"),
        ("having.0", "0"),
    ):
        assert any(one.startswith(place) and f"(found {found})" in one for one in told), told
