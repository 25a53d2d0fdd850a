"""Scenarios over layers: parties between that pass value on to the same others.

Edges are as in `scenarios_graph`: transfers between two parties, bounded in the window and in
degree before anything is joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.core.messages import Message
from amanat.jurisdictions.supervision import Bipartite, ScatterGather, Stack
from amanat.supervision.monitoring.expressions import distinct_in_window, with_several, within
from amanat.supervision.monitoring.findings import Findings, scenario
from amanat.supervision.monitoring.staging import Step
from amanat.supervision.monitoring.transfers import (
    either,
    lookback_of,
    network,
    without_dealings,
)


def _fresh(step: Step, edges: ir.Table, p: ScatterGather | Stack) -> ir.Table:
    """Edges from two windows before the step on, whose sender had not paid the receiver lately."""
    days = p.window_days

    def made() -> ir.Table:
        return within(without_dealings(edges, days), step.first - 2 * days, step.last)

    return step.share(f"fresh:{p.minimum_minor}:{p.degree_max}:{days}", made)


def two_hops(
    step: Step, edges: ir.Table, p: ScatterGather | Stack, reach_days: int, key: str
) -> ir.Table:
    """From `s` over `m` to `t`, the second transfer not before the first and within the window.

    It is of the `reach_days` before the step or of the step's own days.
    """
    days, since = p.window_days, step.first - reach_days

    def made() -> ir.Table:
        first = edges.select(
            s=_.s, m=_.t, at1=_.at, id1=_.id, file1=_.file, day1=_.day, value1=_.value
        )
        second = edges.filter(_.day > since).select(
            m2=_.s, t=_.t, at2=_.at, id2=_.id, file2=_.file, day=_.day, value2=_.value
        )
        return (
            first.join(second, first.m == second.m2)
            .filter(_.at2 >= _.at1, _.day - _.day1 < days, _.s != _.t)
            .drop("m2", "at1", "at2")
        )

    return step.share(f"{key}:{p.minimum_minor}:{p.degree_max}:{days}:{reach_days}", made)


def hop_members(flags: ir.Table, hops: ir.Table, days: int) -> ir.Table:
    """The transfers behind flagged pairs (s, t, day), for the alerts of `s`."""
    keys = flags.select("s", "t", flagged=_.day)
    joined = keys.join(hops, ["s", "t"]).filter(_.day <= _.flagged, _.day > _.flagged - days)
    first = joined.select(subject=_.s, day=_.flagged, id=_.id1, file=_.file1, of=_.day1)
    second = joined.select(subject=_.s, day=_.flagged, id=_.id2, file=_.file2, of=_.day)
    return first.union(second)


def _scatter_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "Over {middles} parties to the same destination, each within {days} days",
        middles=v["middles"],
        days=v["window_days"],
    )


@scenario(
    "scatter_gather",
    ScatterGather,
    lookback=lambda p: lookback_of(3 * p.window_days),
    figures=("middles", "destinations"),
    says=_scatter_says,
)
def scatter_gather(step: Step, p: ScatterGather) -> Findings:
    """One party sends to several, and they all send on to the same destination.

    Each of those between passes on most of what it got.  Fewer are enough where neither they nor
    the source had paid their receiver in the window before: habits meet by chance.  That is also
    the smallest piece of stacked layers.  The alert names the source.
    """
    graph = network(step, p.minimum_minor, p.degree_max, 3 * p.window_days)
    fresh = _fresh(step, graph.edges, p)
    lately = within(graph.edges, step.first - 2 * p.window_days, step.last)
    whole = two_hops(step, lately, p, p.window_days, "hops")
    found = [
        _scattered(step, whole, p, p.middles_min, "scatter"),
        _scattered(
            step,
            two_hops(step, fresh, p, 2 * p.window_days, "fresh_hops"),
            p,
            p.fresh_middles_min,
            "fresh_scatter",
        ),
    ]
    pairs = either([flagged for flagged, _several in found])
    each = pairs.group_by("s", "t", "day").agg(others=_.others.max())
    flags = each.group_by(subject=_.s, day=_.day).agg(
        measure=_.others.max(), middles=_.others.max(), destinations=_.count()
    )
    return Findings(
        graph.scoped,
        flags.mutate(limit=ibis.literal(p.fresh_middles_min, "int64")),
        either([hop_members(*one, p.window_days) for one in found]),
        graph.taken,
    )


def _scattered(
    step: Step, hops: ir.Table, p: ScatterGather, least: int, name: str
) -> tuple[ir.Table, ir.Table]:
    """Pairs (s, t, day, others) with enough between who passed most on, and hops of such pairs."""
    kept = hops.filter(
        _.value2 * 100 >= _.value1 * p.kept_percent_min,
        _.value2 * 100 <= _.value1 * p.kept_percent_max,
    )
    several = step.keep(with_several(kept, ["s", "t"], "m", least), name)
    counted = distinct_in_window(several, ["s", "t"], "m", p.window_days)
    flagged = within(counted, step.first, step.last).filter(_.others >= least)
    return step.keep(flagged, f"{name}_flags"), several


def _bipartite_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{senders} senders pay this party and the same other one within {days} days",
        senders=v["senders"],
        days=v["window_days"],
    )


@scenario(
    "bipartite",
    Bipartite,
    lookback=lambda p: lookback_of(2 * p.window_days),
    figures=("senders", "partners"),
    says=_bipartite_says,
)
def bipartite(step: Step, p: Bipartite) -> Findings:
    """Several senders all pay the same receivers, as if by one plan.

    Two receivers that share senders by chance share one or two; a layer of a scheme shares most.
    """
    graph = network(step, p.minimum_minor, p.degree_max, 2 * p.window_days)
    days = p.window_days
    a = graph.edges.select(s=_.s, r1=_.t, day1=_.day, id1=_.id, file1=_.file)
    b = graph.edges.select(s2=_.s, r2=_.t, day2=_.day, id2=_.id, file2=_.file)
    near = (_.day2 - _.day1 < days) & (_.day1 - _.day2 < days)
    lately = (_.day1 > step.first - days) | (_.day2 > step.first - days)
    shared = a.join(b, [a.s == b.s2, a.r1 < b.r2]).filter(near, lately)
    dated = shared.drop("s2").mutate(day=ibis.greatest(_.day1, _.day2))
    several = step.keep(with_several(dated, ["r1", "r2"], "s", p.senders_min), "bipartite")
    counted = distinct_in_window(several, ["r1", "r2"], "s", days)
    pairs = step.keep(
        within(counted, step.first, step.last).filter(_.others >= p.senders_min),
        "bipartite_flags",
    )
    each = pairs.select(subject=_.r1, day=_.day, others=_.others).union(
        pairs.select(subject=_.r2, day=_.day, others=_.others)
    )
    flags = each.group_by("subject", "day").agg(
        measure=_.others.max(), senders=_.others.max(), partners=_.count()
    )
    keys = pairs.select("r1", "r2", flagged=_.day)
    joined = keys.join(several, ["r1", "r2"]).filter(_.day <= _.flagged, _.day > _.flagged - days)
    members = [
        joined.select(subject=_[who], day=_.flagged, id=_[f"id{n}"], file=_[f"file{n}"],
                      of=_[f"day{n}"])
        for who in ("r1", "r2")
        for n in (1, 2)
    ]  # fmt: skip
    return Findings(
        graph.scoped,
        flags.mutate(limit=ibis.literal(p.senders_min, "int64")),
        either(members),
        graph.taken,
    )


def _stack_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{total} passed on in layers, over {middles} parties between, each within {days} days",
        total=v["total_minor"],
        middles=v["middles"],
        days=v["window_days"],
    )


@scenario(
    "stack",
    Stack,
    lookback=lambda p: lookback_of(3 * p.window_days),
    figures=("middles", "total_minor"),
    says=_stack_says,
)
def stack(step: Step, p: Stack) -> Findings:
    """Layers: value reaches a party over several between, and that is one layer of more.

    Those between jointly pass on most of what they got, and nobody had dealt with whom they pay in
    the window before.  A further layer is a transfer of most of it, to the source before or on from
    the destination after; or several such sources that reach the same several destinations.  The
    alert names the source.
    """
    graph = network(step, p.minimum_minor, p.degree_max, 3 * p.window_days)
    fresh = _fresh(step, graph.edges, p)
    hops = two_hops(step, fresh, p, 2 * p.window_days, "fresh_hops")
    several = with_several(hops, ["s", "t"], "m", p.middles_min)
    inside = step.keep(_inside(several, p.window_days), "stack_inside")
    passed = step.keep(_passed_jointly(inside, p), "stack_passed")
    further = step.keep(_further_layers(passed, fresh, p, step), "stack_further")
    layered = further.select("s", "t", "ended", "day").union(_shared_ends(passed, p, step))
    pairs = step.keep(layered.distinct(), "stack_pairs")
    flags = (
        pairs.join(passed, ["s", "t", "ended"])
        .group_by(subject=_.s, day=_.day)
        .agg(
            measure=_.middles.max(),
            middles=_.middles.max(),
            total_minor=_.went.max(),
        )
        .mutate(limit=ibis.literal(p.middles_min, "int64"))
    )
    between = pairs.join(inside, ["s", "t", "ended"])
    members = [
        between.select(subject=_.s, day=_.day, id=_.id1, file=_.file1, of=_.day1),
        between.select(subject=_.s, day=_.day, id=_.id2, file=_.file2, of=_.day2),
        further.select(subject=_.s, day=_.day, id=_.id, file=_.file, of=_.of),
    ]
    return Findings(graph.scoped, flags, either(members), graph.taken)


def _inside(hops: ir.Table, days: int) -> ir.Table:
    """Of each pair and day on which something arrived the hops in the window up to `ended`."""
    ends = hops.select("s", "t", ended=_.day).distinct()
    dated = hops.mutate(day2=_.day).drop("day")
    return ends.join(dated, ["s", "t"]).filter(_.day2 <= _.ended, _.day1 > _.ended - days)


def _passed_jointly(inside: ir.Table, p: Stack) -> ir.Table:
    """s, t, ended, began, middles, came, went: where those between passed on most of what came.

    One transfer may lie in several hops and counts once.
    """
    pair = ["s", "t", "ended"]
    came = (
        inside.select(*pair, "m", "id1", "day1", "value1")
        .distinct()
        .group_by(*pair)
        .agg(came=_.value1.sum().cast("int64"), began=_.day1.min())
    )
    went = (
        inside.select(*pair, "m", "id2", "value2")
        .distinct()
        .group_by(*pair)
        .agg(went=_.value2.sum().cast("int64"))
    )
    middles = inside.select(*pair, "m").distinct().group_by(*pair).agg(middles=_.count())
    joined = middles.join(came, pair).join(went, pair)
    return joined.filter(_.middles >= p.middles_min, _passes_on(_.came, _.went, p))


def _passes_on(came: Any, went: Any, p: Stack) -> Any:
    """Whether what went is most of what came: between the two bounds in per cent."""
    least, most = came * p.passed_percent_min, came * p.passed_percent_max
    return (went * 100 >= least) & (went * 100 <= most)


def _further_layers(passed: ir.Table, fresh: ir.Table, p: Stack, step: Step) -> ir.Table:
    """s, t, ended, day (of the alert), id, file, of: the transfers before s, and those after t."""
    row = ("s", "t", "ended", "day", "id", "file", "of")
    sent = fresh.select(at_end=_.s, onward=_.t, id=_.id, file=_.file, of=_.day, value=_.value)
    after = passed.join(sent, passed.t == sent.at_end).filter(
        _.onward != _.s,
        _.of >= _.ended,
        _.of - _.ended <= p.window_days,
        _passes_on(_.went, _.value, p),
    )
    got = fresh.select(origin=_.s, at_start=_.t, id=_.id, file=_.file, of=_.day, value=_.value)
    before = passed.join(got, passed.s == got.at_start).filter(
        _.origin != _.t,
        _.of <= _.began,
        _.began - _.of <= p.window_days,
        _passes_on(_.value, _.came, p),
    )
    found = after.mutate(day=_.of).select(*row).union(before.mutate(day=_.ended).select(*row))
    return within(found, step.first, step.last)


def _shared_ends(passed: ir.Table, p: Stack, step: Step) -> ir.Table:
    """s, t, ended, day: pairs of several sources and the same several destinations."""
    pairs = passed.select("s", "t", day=_.ended)
    reached = distinct_in_window(pairs, ["s"], "t", p.window_days)
    reaching = distinct_in_window(pairs, ["t"], "s", p.window_days)
    wide = reached.filter(_.others >= p.ends_min).select("s", "day")
    deep = reaching.filter(_.others >= p.ends_min).select("t", "day")
    several = pairs.semi_join(wide, ["s", "day"]).semi_join(deep, ["t", "day"])
    return within(several, step.first, step.last).select("s", "t", ended=_.day, day=_.day)
