"""What a scenario answers with, and how scenarios are declared.

@scenario("fan_in", Fan, lookback=…, figures=(…), says=…)
def fan_in(step: Step, p: Fan) -> Findings:
    \"\"\"What the analyst reads.\"\"\"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.core.messages import Message
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.reported import ONCE
from amanat.supervision.monitoring.staging import Step


@dataclass(frozen=True, slots=True)
class Findings:
    """What a scenario found in one step."""

    scoped: ir.Table
    """id, file, `classed` of every row of the step's days: `CONSIDERED`, or why out of scope."""
    flags: ir.Table
    """subject, day, measure, limit and the scenario's own figures, one row per alert."""
    members: ir.Table
    """subject, day of the alert, id, file, `of` (the transaction's own day); perhaps doubled."""
    taken: ir.Table | None = None
    """n, hi, lo: what the scenario added up of the rows considered; None where it adds nothing."""


Judge = Callable[[Step, Any], Findings]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One declared scenario."""

    code: str
    parameters: type
    lookback: Callable[[Any], int]
    """Days of rows before its own day that it reads."""
    history: Callable[[Any], int]
    """Days of daily sums before its own day that it reads."""
    figures: tuple[str, ...]
    says: Callable[[Mapping[str, Any]], Message]
    """The alert in words, from its figures (money as `Money`) and the parameters."""
    judge: Judge

    @property
    def explanation(self) -> str:
        """What the analyst reads of it: the docstring."""
        return " ".join((self.judge.__doc__ or "").split())


def _no_days(_parameters: Any) -> int:
    return 0


SCENARIOS: dict[str, Scenario] = {}
"""By code, in the order of their declaration."""


def scenario(
    code: str,
    parameters: type,
    *,
    lookback: Callable[[Any], int] = _no_days,
    history: Callable[[Any], int] = _no_days,
    figures: tuple[str, ...] = (),
    says: Callable[[Mapping[str, Any]], Message],
) -> Callable[[Judge], Judge]:
    """Declare a scenario."""

    def declare(judge: Judge) -> Judge:
        SCENARIOS[code] = Scenario(code, parameters, lookback, history, figures, says, judge)
        return judge

    return declare


def scoped(rows: ir.Table, *reasons: tuple[Any, Classed], both_reports: bool = False) -> ir.Table:
    """Every row with its class so far: the first reason that fits, or considered.

    The second report of a transfer between exchanges is out of scope, but for who asks what each
    exchange reports (`both_reports`).
    """
    if not both_reports:
        reasons = ((_.second != ONCE, Classed.SECOND_REPORT), *reasons)
    cases = [(fits, ibis.literal(int(reason), "int8")) for fits, reason in reasons]
    considered = ibis.literal(int(Classed.CONSIDERED), "int8")
    classed = ibis.cases(*cases, else_=considered) if cases else considered
    return rows.mutate(classed=classed)


def considered(rows: ir.Table) -> ir.Table:
    """The rows that a scenario looks at."""
    return rows.filter(_.classed == int(Classed.CONSIDERED))


def members_of(flags: ir.Table, rows: ir.Table, who: str, days: int) -> ir.Table:
    """The rows of each flag's subject in the last `days` days up to the flag's."""
    keys = flags.select(subject=_.subject, flagged=_.day)
    sides = rows.select(subject=_[who], of=_.day, id=_.id, file=_.file)
    joined = keys.join(sides, "subject").filter(_.of <= _.flagged, _.of > _.flagged - days)
    return joined.select(subject=_.subject, day=_.flagged, id=_.id, file=_.file, of=_.of)
