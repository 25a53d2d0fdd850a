"""Parameters of a jurisdiction's supervision, each a dated row with its source.

A scenario of monitoring asks what was in force on the day that it looks at: a threshold that
changes is a second row, so that a past day is judged by the rule of that day.  Money is in minor
units of the table's currency.  A day in no row is refused; nothing is carried on.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from amanat.core.errors import Place, Refusal, Refused
from amanat.jurisdictions import reading
from amanat.jurisdictions.countries import COUNTRIES
from amanat.jurisdictions.reading import InvalidTable

PERCENT_MAX = 1_000
DAYS_MAX = 400
"""Windows and histories reach back at most so far: what is longer no run could read each day."""
NUMBER_MAX = 1_000_000
MINOR_MAX = 2**53


class NoParametersForDate(Refusal):
    """A scenario runs only on days for which the jurisdiction gives its parameters."""

    template: ClassVar[str] = "No parameters of {scenario} on {day}."


@dataclass(frozen=True, slots=True)
class CtrThreshold:
    """Currency transaction report: what one customer moves on one day, from `threshold_minor`."""

    threshold_minor: int
    cash_only: bool
    """Only notes and coin; otherwise all fiat legs."""
    directions_together: bool
    """Money in and money out count as one sum; otherwise each is a sum of its own."""


@dataclass(frozen=True, slots=True)
class Structuring:
    """Several fiat legs, each under the threshold, that reach it together within the window."""

    threshold_minor: int
    floor_minor: int
    """Smaller legs are not what somebody who splits a sum makes of it."""
    count_min: int
    window_days: int
    cash_only: bool


@dataclass(frozen=True, slots=True)
class PassThrough:
    """Value that leaves within the window in which it came."""

    window_days: int
    minimum_minor: int
    passed_percent_min: int


@dataclass(frozen=True, slots=True)
class Fan:
    """Many counterparties of one party within the window."""

    counterparties_min: int
    window_days: int
    minimum_minor: int
    degree_max: int
    """Transfers of one party in the window beyond which it is a hub, which no path is sought
    through; they are reported as left out."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """Value that comes back to where it left, over several parties."""

    hops_min: int
    hops_max: int
    any_value_hops_min: int
    """From so many hops on a way round counts whatever was passed on."""
    window_days: int
    gap_days: int
    """Days between a transfer and the next one of the way, at most."""
    kept_percent_min: int
    """Of each transfer of a shorter way this much is passed on, at least."""
    kept_percent_max: int
    minimum_minor: int
    degree_max: int


@dataclass(frozen=True, slots=True)
class ScatterGather:
    """One source, several parties between, one destination."""

    middles_min: int
    fresh_middles_min: int
    """So many are enough who had no dealings with source and destination in the window before."""
    window_days: int
    kept_percent_min: int
    kept_percent_max: int
    minimum_minor: int
    degree_max: int


@dataclass(frozen=True, slots=True)
class GatherScatter:
    """Many senders to one party, which sends to many receivers."""

    counterparties_min: int
    window_days: int
    minimum_minor: int
    passed_percent_min: int
    degree_max: int


@dataclass(frozen=True, slots=True)
class Bipartite:
    """Several senders that all pay the same several receivers."""

    senders_min: int
    window_days: int
    minimum_minor: int
    degree_max: int


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers: parties between jointly pass value on, in one layer of several."""

    middles_min: int
    ends_min: int
    window_days: int
    passed_percent_min: int
    passed_percent_max: int
    minimum_minor: int
    degree_max: int


@dataclass(frozen=True, slots=True)
class Dormant:
    """A party known before that moved nothing for `silence_days`, then moves much."""

    silence_days: int
    known_days: int
    """How far back a party may have been active to be known; longer silences are not seen."""
    minimum_minor: int


@dataclass(frozen=True, slots=True)
class Velocity:
    """A day far beyond the party's own history."""

    history_days: int
    active_days_min: int
    times: int
    """The day against the average of the active days in the history."""
    minimum_minor: int


@dataclass(frozen=True, slots=True)
class RoundAmounts:
    """Mostly whole multiples of a unit."""

    unit_minor: int
    count_min: int
    window_days: int
    share_percent_min: int


@dataclass(frozen=True, slots=True)
class HighRisk:
    """Countries subject to a call for action; listed addresses and counterparties besides."""

    countries: tuple[str, ...]
    minimum_minor: int


@dataclass(frozen=True, slots=True)
class TravelRule:
    """Who sends and who receives must be said of transfers of assets from this value."""

    threshold_minor: int
    unhosted: bool
    """Also where nobody keeps the outside address for its owner."""


PARAMETERS: Mapping[str, type] = {
    "ctr_threshold": CtrThreshold,
    "structuring": Structuring,
    "rapid_pass_through": PassThrough,
    "fan_in": Fan,
    "fan_out": Fan,
    "cycle": Cycle,
    "scatter_gather": ScatterGather,
    "gather_scatter": GatherScatter,
    "bipartite": Bipartite,
    "stack": Stack,
    "dormant_then_active": Dormant,
    "velocity": Velocity,
    "round_amounts": RoundAmounts,
    "high_risk": HighRisk,
    "travel_rule_gap": TravelRule,
}
"""What each scenario is told, by its code."""


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """One scenario's parameters for some days, and where they come from."""

    scenario: str
    first_day: date
    last_day: date
    parameters: Any
    source: str
    assumed: bool

    @property
    def version(self) -> str:
        """Which row this is, as alerts name it: the first day on which it holds."""
        return self.first_day.isoformat()


@dataclass(frozen=True, slots=True)
class SupervisionTable:
    """All parameters of monitoring of a jurisdiction."""

    currency: str
    rows: tuple[ScenarioRow, ...]

    def on(self, scenario: str, day: date) -> ScenarioRow:
        """What holds on a day.  Refuses `NoParametersForDate`."""
        for row in self.rows:
            if row.scenario == scenario and row.first_day <= day <= row.last_day:
                return row
        raise NoParametersForDate(scenario=scenario, day=day)

    def history(self, scenario: str) -> tuple[ScenarioRow, ...]:
        """Every row of a scenario, by first day."""
        found = (row for row in self.rows if row.scenario == scenario)
        return tuple(sorted(found, key=lambda row: row.first_day))


def supervision_table_from(content: str, file: str) -> SupervisionTable:
    """Parameters in TOML: a table `[monitoring]` with the currency, and rows `[[scenario]]`.

    Refuses `InvalidTable`, all at once: fields that are missing, wrong or unknown, an unknown
    scenario, and rows that give one scenario two sets of parameters for a day.
    """
    parsed = reading.parse(content, file)
    refused = Refused()
    head = parsed.get("monitoring")
    if not isinstance(head, dict):
        raise InvalidTable(place=Place(file=file), reason="there is no table [monitoring]")
    heading = reading.Row(head, file, "monitoring", refused)
    currency = heading.take("currency", reading.text, "")
    heading.finish()
    found: list[ScenarioRow] = []
    for index, stated in enumerate(reading.rows(parsed, "scenario", file)):
        name = f"scenario[{index}]"
        row = _row(stated, file, name, refused)
        if row is None:
            continue
        for reason in _faults(row, found):
            refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        found.append(row)
    refused.raise_if_any()
    return SupervisionTable(currency, tuple(found))


def parameters_from(
    scenario: str, stated: Mapping[str, Any], file: str, name: str, refused: Refused
) -> Any:
    """The parameters of one scenario from plain values; None where something was refused."""
    kind = PARAMETERS.get(scenario)
    if kind is None:
        reason = f"there is no scenario {scenario[:40]!r}"
        refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
        return None
    before = len(refused.refusals)
    row = reading.Row(stated, file, name, refused)
    taken: dict[str, Any] = {}
    for one in fields(kind):
        read, default = _READERS[str(one.type)]
        taken[one.name] = row.take(one.name, read, default)
    row.finish()
    if len(refused.refusals) > before:
        return None
    for reason in _wrong(taken):
        refused.add(InvalidTable(place=Place(file=file, field=name), reason=reason))
    return kind(**taken) if len(refused.refusals) == before else None


_READERS: Mapping[str, tuple[Any, Any]] = {
    "int": (reading.count, 0),
    "bool": (reading.flag, False),
    "tuple[str, ...]": (reading.texts, ()),
}


def _wrong(taken: Mapping[str, Any]) -> list[str]:
    """What no scenario can mean: no window or an endless one, nobody, a range turned round."""
    faults = [reason for name, value in taken.items() for reason in _beyond(name, value)]
    for low, high in _ORDERED:
        if low in taken and high in taken and taken[low] > taken[high]:
            faults.append(f"{low} is more than {high}")
    if "silence_days" in taken and taken["silence_days"] >= taken["known_days"]:
        faults.append("silence_days is less than known_days, or no silence is seen")
    if "floor_minor" in taken and taken["floor_minor"] >= taken["threshold_minor"]:
        faults.append("floor_minor is less than threshold_minor, or no leg lies between")
    if "hops_min" in taken and not 2 <= taken["hops_min"] <= taken["hops_max"] <= 10:
        faults.append("hops_min and hops_max lie between 2 and 10, in this order")
    return faults


_ORDERED = (
    ("kept_percent_min", "kept_percent_max"),
    ("passed_percent_min", "passed_percent_max"),
)
_SHARES = ("share_percent_min",)


def _beyond(name: str, value: Any) -> list[str]:
    """Why one parameter cannot be so, by what its name says that it is."""
    if name == "countries":
        return [f"there is no country {one[:10]!r}" for one in value if one not in COUNTRIES]
    if isinstance(value, bool):
        return []
    if "percent" in name:
        most = 100 if name in _SHARES else PERCENT_MAX
        return [f"{name} is at most {most}"] * (value > most)
    if name.endswith("_minor"):
        least, most = int(name == "unit_minor"), MINOR_MAX
    else:
        least, most = 1, DAYS_MAX if name.endswith("_days") else NUMBER_MAX
    if least <= value <= most:
        return []
    return [f"{name} is at least {least}" if value < least else f"{name} is at most {most}"]


def _row(stated: Mapping[str, Any], file: str, name: str, refused: Refused) -> ScenarioRow | None:
    before = len(refused.refusals)
    row = reading.Row(stated, file, name, refused)
    scenario = row.take("code", reading.text, "")
    first_day = row.take("first_day", reading.day, date.min)
    last_day = row.take("last_day", reading.day, date.min)
    source = row.take("source", reading.text, "")
    assumed = row.take("assumed", reading.flag, True)
    given: dict[str, Any] = row.take("parameters", _table, {})
    row.finish()
    parameters = parameters_from(scenario, given, file, f"{name}.parameters", refused)
    if len(refused.refusals) > before:
        return None
    return ScenarioRow(scenario, first_day, last_day, parameters, source, assumed)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidTable(reason=f"{value!r} is not a table")
    return value


def _faults(row: ScenarioRow, others: list[ScenarioRow]) -> list[str]:
    faults = []
    if row.first_day > row.last_day:
        faults.append("it ends before it begins")
    for other in others:
        overlap = row.first_day <= other.last_day and other.first_day <= row.last_day
        if row.scenario == other.scenario and overlap:
            faults.append(f"two rows for {row.scenario} from {row.first_day}")
    return faults


@functools.cache
def load_supervision(jurisdiction: str) -> SupervisionTable:
    """The table that ships with Amanat, such as `pk`.  Refuses `NotFound`."""
    return supervision_table_from(*reading.read_table(jurisdiction, "supervision"))


def supervision_of_file(path: Path) -> SupervisionTable:
    """The table of a file, such as a pilot's own.  Refuses as `supervision_table_from`."""
    return supervision_table_from(*reading.read_file(path))
