"""Spark gives the alerts and the classes of DuckDB, of every scenario and of a composed one.

Run by `make spark-test`, where Java is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.supervision.monitoring.ledger_of_rows import FIRST, source_files
from tests.supervision.monitoring.looking import look, parameters_of
from tests.supervision.monitoring.months import DAYS, weeks
from tests.supervision.monitoring.test_composed import RULE
from tests.supervision.monitoring.test_reported import chained, cycle_over_exchanges, sides

from amanat.supervision.monitoring.composed import composed_scenario, rule_from
from amanat.supervision.monitoring.engines import DuckEngine
from amanat.supervision.monitoring.findings import Scenario
from amanat.supervision.monitoring.model import SourceFile
from amanat.supervision.monitoring.scenarios import SCENARIOS
from amanat.supervision.monitoring.spark import LOCAL, SparkEngine
from amanat.supervision.monitoring.staging import Lists

pytestmark = pytest.mark.spark
LISTS = Lists(frozenset({10**12 + 7}), frozenset({5}))


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    engine = SparkEngine(LOCAL, tmp_path_factory.mktemp("spark"), partitions=2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[SourceFile]:
    both = [*cycle_over_exchanges(), *sides(30, 101, 102, 900_000, later=1), *chained()]
    return source_files(weeks() + both, tmp_path_factory.mktemp("files"))


def every_scenario() -> list[tuple[Scenario, Any]]:
    rule = rule_from(RULE)
    composed = [(composed_scenario("composed", rule), rule)]
    return [(one, parameters_of(code)) for code, one in SCENARIOS.items()] + composed


@pytest.mark.parametrize(
    ("scenario", "parameters"), every_scenario(), ids=lambda one: str(getattr(one, "code", ""))
)
def test_both_engines_say_the_same(
    scenario: Scenario,
    parameters: Any,
    spark: SparkEngine,
    engine_of_scenarios: DuckEngine,
    files: list[SourceFile],
):
    span = (FIRST + timedelta(days=14), FIRST + timedelta(days=DAYS - 1))
    here = look(engine_of_scenarios, scenario, parameters, files, *span, lists=LISTS)
    there = look(spark, scenario, parameters, files, *span, lists=LISTS)
    assert there == here
    assert here[0]
