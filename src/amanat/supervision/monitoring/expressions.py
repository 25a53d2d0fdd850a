"""Building blocks of scenarios: expressions over staged rows, the same on every engine.

Only integers, and only operations whose result does not depend on the order of rows: sums, counts,
least and greatest.  Windows go back over days, never over rows, so that a run by day and a run
over a year say the same.
"""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

LOW = 0xFFFFFFFF
"""Ids are summed in two halves, which no engine's 64 bits overflow."""


def tallied(table: ir.Table, *by: str) -> ir.Table:
    """Rows and the two halves of the sum of ids, by columns."""
    return table.group_by(*by).agg(
        n=_.count(), hi=(_.id >> 32).sum().cast("int64"), lo=(_.id & LOW).sum().cast("int64")
    )


def over_days(expression: Any, days: int, by: list[str], order: str = "day") -> Any:
    """An aggregate over the last `days` days up to each row's own."""
    window = ibis.range_window(preceding=days - 1, following=0, group_by=by, order_by=order)
    return expression.over(window)


def within(table: ir.Table, first: int, last: int) -> ir.Table:
    """The rows of the days from `first` to `last`."""
    return table.filter(_.day >= first, _.day <= last)


def coming_and_going(pairs: ir.Table, keys: list[str], other: str, days: int) -> ir.Table:
    """When an `other` begins and ceases to count for the keys, each counted once in the window.

    From columns keys, other, day.  Gives keys, day, `change` (others more or fewer from this day
    on) and `begins` (1 on days with a pair).  The running sum of `change` is the exact number of
    distinct others in the last `days` days, which no engine's window functions count.
    """
    each = pairs.select(*keys, other, "day").distinct()
    following = _.day.lead().over(ibis.window(group_by=[*keys, other], order_by="day"))
    dated = each.mutate(next_day=following)
    starts = dated.select(
        *keys, day=_.day, change=ibis.literal(1, "int64"), begins=ibis.literal(1, "int64")
    )
    until = ibis.least(ibis.coalesce(_.next_day, _.day + days), _.day + days)
    ends = dated.select(
        *keys,
        day=until.cast("int32"),
        change=ibis.literal(-1, "int64"),
        begins=ibis.literal(0, "int64"),
    )
    return (
        starts.union(ends)
        .group_by(*keys, "day")
        .agg(change=_.change.sum().cast("int64"), begins=_.begins.max())
    )


def running(changes: ir.Table, keys: list[str], **sums: str) -> ir.Table:
    """Running sums over days: names of new columns, each of a column of changes."""
    window = ibis.cumulative_window(group_by=keys, order_by="day")
    return changes.mutate(**{name: _[column].sum().over(window) for name, column in sums.items()})


def distinct_in_window(pairs: ir.Table, keys: list[str], other: str, days: int) -> ir.Table:
    """keys, day, `others`: distinct others in the last `days` days, on days with a pair."""
    counted = running(coming_and_going(pairs, keys, other, days), keys, others="change")
    return counted.filter(_.begins == 1).select(*keys, "day", "others")


def with_several(pairs: ir.Table, keys: list[str], other: str, least: int) -> ir.Table:
    """Only pairs of keys that have that many distinct others at all: cheap, and loses nothing."""
    enough = (
        pairs.select(*keys, other)
        .distinct()
        .group_by(*keys)
        .agg(reached=_.count())
        .filter(_.reached >= least)
    )
    return pairs.semi_join(enough, keys)
