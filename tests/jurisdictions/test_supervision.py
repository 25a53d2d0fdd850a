"""Parameters of monitoring: dated, typed, never carried beyond their days."""

from dataclasses import asdict
from datetime import date

import pytest

from amanat.core.errors import Refused
from amanat.jurisdictions.reading import InvalidTable
from amanat.jurisdictions.supervision import (
    PARAMETERS,
    NoParametersForDate,
    load_supervision,
    parameters_from,
    supervision_table_from,
)

GOOD = """
[monitoring]
currency = "PKR"
[[scenario]]
code = "ctr_threshold"
first_day = 2025-01-01
last_day = 2025-12-31
source = "circular"
assumed = false
[scenario.parameters]
threshold_minor = 200_000_000
cash_only = false
directions_together = false
"""


def test_pakistan_gives_every_scenario_its_parameters():
    table = load_supervision("pk")
    assert {row.scenario for row in table.rows} == set(PARAMETERS)
    # FMU Circular 01/2025: PKR 2.0 million, which is 200,000,000 paisa.
    assert table.on("ctr_threshold", date(2025, 6, 1)).parameters.threshold_minor == 200_000_000


def test_a_past_day_is_judged_by_the_rule_of_that_day():
    # FATF put Myanmar under its call for action on 21 October 2022.
    table = load_supervision("pk")
    assert "MM" not in table.on("high_risk", date(2022, 10, 20)).parameters.countries
    assert "MM" in table.on("high_risk", date(2022, 10, 21)).parameters.countries
    assert [row.version for row in table.history("high_risk")][:2] == ["2020-01-01", "2022-10-21"]


def test_a_day_without_parameters_is_refused():
    table = supervision_table_from(GOOD, "supervision.toml")
    assert table.on("ctr_threshold", date(2025, 12, 31)).parameters.cash_only is False
    with pytest.raises(NoParametersForDate):
        table.on("ctr_threshold", date(2026, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("threshold_minor = 200_000_000\n", "", "threshold_minor is missing"),
        ("200_000_000", "2e8", "not a whole number"),
        ("200_000_000", "-1", "not a whole number"),
        ("cash_only = false", 'cash_only = "no"', "neither true nor false"),
        ("cash_only = false", "cash_only = false\nspeed = 3", "no field speed"),
        ('"ctr_threshold"', '"guessing"', "no scenario"),
        ("2025-12-31", "2024-12-31", "ends before it begins"),
        ("[monitoring]\n", "[monitored]\n", "no table"),
    ],
)
def test_a_wrong_table_is_refused(old, new, said):
    with pytest.raises(Exception, match=said):
        supervision_table_from(GOOD.replace(old, new), "supervision.toml")


@pytest.mark.parametrize(
    ("scenario", "changed", "said"),
    [
        ("structuring", {"window_days": 401}, "window_days is at most 400"),
        ("structuring", {"window_days": 0}, "window_days is at least 1"),
        ("structuring", {"floor_minor": 200_000_000}, "floor_minor is less than threshold_minor"),
        ("ctr_threshold", {"threshold_minor": 2**53 + 1}, "threshold_minor is at most"),
        ("round_amounts", {"unit_minor": 0}, "unit_minor is at least 1"),
        ("round_amounts", {"share_percent_min": 101}, "share_percent_min is at most 100"),
        ("fan_in", {"counterparties_min": 0}, "counterparties_min is at least 1"),
        ("fan_in", {"counterparties_min": 2**70}, "counterparties_min is at most 1000000"),
        ("scatter_gather", {"kept_percent_max": 49}, "kept_percent_min is more than"),
        ("dormant_then_active", {"silence_days": 120}, "silence_days is less than known_days"),
        ("high_risk", {"countries": ["pk", "IR"]}, "no country 'pk'"),
        ("high_risk", {"countries": ["Iran"]}, "no country 'Iran'"),
    ],
)
def test_what_no_scenario_can_mean_is_refused(scenario, changed, said):
    """A run would end with it, or look for nothing and say that nothing was found."""
    held = load_supervision("pk").on(scenario, date(2026, 3, 9)).parameters
    stated = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(held).items()
    }
    refused = Refused()
    assert parameters_from(scenario, stated, scenario, "parameters", refused) == held
    assert parameters_from(scenario, stated | changed, scenario, "parameters", refused) is None
    (one,) = refused.refusals
    assert said in str(one)


def test_two_rows_for_a_day_are_refused():
    again = GOOD.split("[monitoring]\n")[1].split('"PKR"\n')[1]
    with pytest.raises(InvalidTable, match="two rows for ctr_threshold"):
        supervision_table_from(GOOD + again, "supervision.toml")
