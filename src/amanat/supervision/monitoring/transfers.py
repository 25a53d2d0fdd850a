"""Transfers between parties as edges of a graph, bounded in degree before anything is joined.

A party with more transfers in `DEGREE_DAYS` than the bound is a hub: an exchange's own wallet, a
payment provider.  Its transfers are classed as beyond the bound and reported as left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.supervision.monitoring.expressions import LOW, over_days, within
from amanat.supervision.monitoring.findings import considered, scoped
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.staging import DEPOSIT, TRANSFER, WITHDRAWAL, Step

DEGREE_DAYS = 7
EDGE_KINDS = (TRANSFER, DEPOSIT, WITHDRAWAL)
_ROUND = 14


def reach_of(days: int) -> int:
    """Days back that edges are held for windows of `days`: whole fortnights, so as to be shared."""
    return -(-days // _ROUND) * _ROUND


def lookback_of(days: int) -> int:
    """Days of rows before its own that a scenario on edges reads."""
    return reach_of(days) + DEGREE_DAYS - 1


@dataclass(frozen=True, slots=True)
class Network:
    """Edges of the days of a step and of what reaches into them."""

    scoped: ir.Table
    """The step's rows with their class."""
    edges: ir.Table
    """id, file, day, at, s (from), t (to), value; none beyond the bound of degree."""
    taken: ir.Table


def network(step: Step, minimum_minor: int, degree_max: int, days: int) -> Network:
    """The edges from `minimum_minor` on, with windows of `days` before the step's first day."""
    reach = reach_of(days)
    key = f":{minimum_minor}:{degree_max}:{reach}"
    plain = step.share(f"transfers{key}", lambda: _plain(step, minimum_minor, reach))
    senders = step.share(f"senders{key}", lambda: _hubs(plain, "s", degree_max))
    receivers = step.share(f"receivers{key}", lambda: _hubs(plain, "t", degree_max))

    def bounded() -> ir.Table:
        rows = within(plain, step.first - reach, step.last)
        rest = rows.anti_join(senders, ["s", "day"])
        return rest.anti_join(receivers, ["t", "day"])

    edges = step.share(f"edges{key}", bounded)
    beyond = step.share(f"beyond{key}", lambda: _beyond(step, plain, senders, receivers))
    taken = within(edges, step.first, step.last).agg(
        n=_.count(), hi=(_.id >> 32).sum(), lo=(_.id & LOW).sum()
    )
    return Network(_classed(step, minimum_minor, beyond), edges, taken)


def _in_scope(rows: ir.Table, minimum_minor: int) -> ir.Table:
    return scoped(
        rows,
        (~_.kind.isin(EDGE_KINDS), Classed.NOT_TRANSFER),
        (_.from_who == _.to_who, Classed.SAME_PARTY),
        (_.value < minimum_minor, Classed.BELOW_MINIMUM),
    )


def _plain(step: Step, minimum_minor: int, reach: int) -> ir.Table:
    rows = step.back(reach + DEGREE_DAYS - 1)
    return considered(_in_scope(rows, minimum_minor)).select(
        "id", "file", "day", "at", s=_.from_who, t=_.to_who, value=_.value
    )


def _hubs(plain: ir.Table, side: str, degree_max: int) -> ir.Table:
    """The side's parties on the days on which they are beyond the bound."""
    days = plain.group_by(side, "day").agg(n=_.count())
    degrees = days.mutate(degree=over_days(_.n.sum(), DEGREE_DAYS, [side]))
    return degrees.filter(_.degree > degree_max).select(side, "day")


def _beyond(step: Step, plain: ir.Table, senders: ir.Table, receivers: ir.Table) -> ir.Table:
    own = within(plain, step.first, step.last)
    sent = own.semi_join(senders, ["s", "day"]).select(beyond=_.id)
    received = own.semi_join(receivers, ["t", "day"]).select(beyond=_.id)
    return sent.union(received, distinct=True)


def _classed(step: Step, minimum_minor: int, beyond: ir.Table) -> ir.Table:
    base = _in_scope(step.own(), minimum_minor)
    joined = base.left_join(beyond, base.id == beyond.beyond)
    code = ibis.literal(int(Classed.BEYOND_DEGREE), "int8")
    return joined.mutate(classed=ibis.cases((_.beyond.notnull(), code), else_=_.classed))


def without_dealings(edges: ir.Table, days: int) -> ir.Table:
    """Edges whose sender sent nothing to the same receiver in the `days` days before."""
    before = _.day.lag().over(ibis.window(group_by=["s", "t"], order_by="day"))
    dated = edges.select("s", "t", "day").distinct().mutate(before=before)
    return edges.semi_join(
        dated.filter(_.before.isnull() | (_.day - _.before > days)), ["s", "t", "day"]
    )


def either(tables: list[ir.Table]) -> ir.Table:
    """The rows of all of them, each as often as it stands."""
    return tables[0] if len(tables) == 1 else ibis.union(tables[0], *tables[1:])
