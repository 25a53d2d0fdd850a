"""Scenarios over who sends to whom: fans, cycles, and layers of parties between.

Edges are transfers between two parties, on a chain or in the books.  All are bounded: in the
window, in hops, and in degree before anything is joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.core.messages import Message
from amanat.jurisdictions.supervision import (
    Bipartite,
    Cycle,
    Fan,
    GatherScatter,
    ScatterGather,
    Stack,
)
from amanat.supervision.monitoring.expressions import (
    coming_and_going,
    distinct_in_window,
    over_days,
    running,
    with_several,
    within,
)
from amanat.supervision.monitoring.findings import Findings, members_of, scenario
from amanat.supervision.monitoring.staging import Step
from amanat.supervision.monitoring.transfers import lookback_of, network, reach_of


def _fan_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{counterparties} counterparties and {total} within {days} days",
        counterparties=v["counterparties"],
        total=v["total_minor"],
        days=v["window_days"],
    )


def _fan(step: Step, p: Fan, centre: str, other: str) -> Findings:
    graph = network(step, 0, p.degree_max, p.window_days)
    several = with_several(graph.edges, [centre], other, p.counterparties_min)
    edges = step.keep(several, "fan_edges")
    counted = distinct_in_window(edges, [centre], other, p.window_days)
    days = edges.group_by(centre, "day").agg(value=_.value.sum())
    sums = days.select(centre, "day", total_minor=over_days(_.value.sum(), p.window_days, [centre]))
    flags = step.keep(
        within(counted, step.first, step.last)
        .filter(_.others >= p.counterparties_min)
        .join(sums, [centre, "day"])
        .filter(_.total_minor >= p.minimum_minor)
        .select(
            subject=_[centre],
            day=_.day,
            measure=_.others,
            limit=ibis.literal(p.counterparties_min, "int64"),
            counterparties=_.others,
            total_minor=_.total_minor,
        ),
        "fan_flags",
    )
    members = members_of(flags, edges, centre, p.window_days)
    return Findings(graph.scoped, flags, members, graph.taken)


@scenario(
    "fan_in",
    Fan,
    lookback=lambda p: lookback_of(p.window_days),
    figures=("counterparties", "total_minor"),
    says=_fan_says,
)
def fan_in(step: Step, p: Fan) -> Findings:
    """Many parties send to one within few days.

    A collector of proceeds, or of deposits for a scheme, has many senders who have nothing else
    in common.  Distinct senders are counted, not transfers.
    """
    return _fan(step, p, "t", "s")


@scenario(
    "fan_out",
    Fan,
    lookback=lambda p: lookback_of(p.window_days),
    figures=("counterparties", "total_minor"),
    says=_fan_says,
)
def fan_out(step: Step, p: Fan) -> Findings:
    """One party sends to many within few days.

    Value is spread so that no receiver stands out.  Distinct receivers are counted.
    """
    return _fan(step, p, "s", "t")


def _gather_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{come} came from {senders} parties and {gone} went to {receivers} within {days} days",
        come=v["come_minor"],
        senders=v["senders"],
        gone=v["gone_minor"],
        receivers=v["receivers"],
        days=v["window_days"],
    )


@scenario(
    "gather_scatter",
    GatherScatter,
    lookback=lambda p: lookback_of(p.window_days),
    figures=("senders", "receivers", "come_minor", "gone_minor"),
    says=_gather_says,
)
def gather_scatter(step: Step, p: GatherScatter) -> Findings:
    """Many send to one party, and the same party sends to many, within the window.

    The party between gathers value and scatters it again; most of what came in must have gone out.
    """
    graph = network(step, 0, p.degree_max, p.window_days)
    edges, least = graph.edges, p.counterparties_min
    incoming = with_several(edges, ["t"], "s", least).select("day", "s", who=_.t, value=_.value)
    outgoing = with_several(edges, ["s"], "t", least).select("day", "t", who=_.s, value=_.value)
    incoming = step.keep(incoming.semi_join(outgoing, "who"), "gather_in")
    outgoing = step.keep(outgoing.semi_join(incoming, "who"), "gather_out")
    none = ibis.literal(0, "int64")
    come = _changes(incoming, "s", p.window_days).mutate(came=_.change, went=none, sent=none)
    gone = _changes(outgoing, "t", p.window_days).mutate(came=none, went=_.change, sent=_.begins)
    columns = ("came", "went", "sent", "come_value", "gone_value")
    come = come.mutate(come_value=_.value, gone_value=none).select("who", "day", *columns)
    gone = gone.mutate(come_value=none, gone_value=_.value).select("who", "day", *columns)
    both = (
        come.union(gone)
        .group_by("who", "day")
        .agg(**{name: _[name].sum().cast("int64") for name in columns})
    )
    counted = running(
        both,
        ["who"],
        senders="came",
        receivers="went",
        come_minor="come_value",
        gone_minor="gone_value",
    )
    flags = step.keep(
        within(counted, step.first, step.last)
        .filter(
            _.sent > 0,
            _.senders >= least,
            _.receivers >= least,
            _.come_minor >= p.minimum_minor,
            _.gone_minor * 100 >= _.come_minor * p.passed_percent_min,
        )
        .select(
            subject=_.who,
            day=_.day,
            measure=ibis.least(_.senders, _.receivers),
            limit=ibis.literal(least, "int64"),
            senders=_.senders,
            receivers=_.receivers,
            come_minor=_.come_minor,
            gone_minor=_.gone_minor,
        ),
        "gather_flags",
    )
    members = members_of(flags, edges, "s", p.window_days).union(
        members_of(flags, edges, "t", p.window_days)
    )
    return Findings(graph.scoped, flags, members, graph.taken)


def _changes(edges: ir.Table, other: str, days: int) -> ir.Table:
    """Distinct others and value that begin and cease to count: who, day, change, begins, value."""
    zero = ibis.literal(0, "int64")
    counted = coming_and_going(edges, ["who"], other, days).mutate(value=zero)
    sums = edges.group_by("who", "day").agg(value=_.value.sum().cast("int64"))
    rises = sums.select("who", "day", change=zero, begins=zero, value=_.value)
    falls = sums.select(
        "who", day=(_.day + days).cast("int32"), change=zero, begins=zero, value=-_.value
    )
    return counted.select("who", "day", "change", "begins", "value").union(rises).union(falls)


def _cycle_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{total} came back over up to {hops} transfers within {days} days",
        total=v["total_minor"],
        hops=v["hops"],
        days=v["window_days"],
    )


@scenario(
    "cycle",
    Cycle,
    lookback=lambda p: lookback_of(2 * p.window_days),
    figures=("total_minor", "hops", "cycles"),
    says=_cycle_says,
)
def cycle(step: Step, p: Cycle) -> Findings:
    """Value leaves a party and comes back to it over others who had not dealt with each other.

    Nobody is paid by it: the way round hides where the value is from.  Each transfer is between two
    parties without one in the window before it, and follows the last within few days.  A short way
    round comes about by chance, so there each must pass on most of what it got; a longer one seldom
    does, and counts whatever was kept or added on the way.  Longer ways than the bound of hops,
    slower ones than the window, ways over hubs and over habitual payments are not sought.
    """
    graph = network(step, p.minimum_minor, p.degree_max, 2 * p.window_days)
    fresh = _without_dealings(graph.edges, p.window_days)
    edges = step.keep(within(fresh, step.first - p.window_days + 1, step.last), "fresh")
    paths = edges.select(
        origin=_.s, node=_.t, at=_.at, value=_.value, day=_.day, began=_.day, i1=_.id, f1=_.file,
        kept=ibis.literal(1, "int8"),
    )  # fmt: skip
    closed = []
    for hops in range(2, p.hops_max + 1):
        extended = step.keep(_extended(paths, edges, hops, p), f"paths{hops}")
        if hops >= p.hops_min:
            own = within(extended, step.first, step.last).filter(_.node == _.origin)
            closed.append((hops, own if hops >= p.any_value_hops_min else own.filter(_.kept == 1)))
        paths = extended.filter(_.node != _.origin)
    rows = [
        found.select(
            subject=_.origin,
            day=_.day,
            value=_.value,
            hops=ibis.literal(hops, "int64"),
        )
        for hops, found in closed
    ]
    flags = (
        _all(rows)
        .group_by("subject", "day")
        .agg(total_minor=_.value.max(), hops=_.hops.max(), cycles=_.count())
        .mutate(measure=_.total_minor, limit=ibis.literal(max(p.minimum_minor, 1), "int64"))
    )
    members = [
        found.select(subject=_.origin, day=_.day, id=_[f"i{at}"], file=_[f"f{at}"], of=_[f"d{at}"])
        for hops, found in ((hops, _dated(found, hops)) for hops, found in closed)
        for at in range(1, hops + 1)
    ]
    return Findings(graph.scoped, step.keep(flags, "cycle_flags"), _all(members), graph.taken)


def _without_dealings(edges: ir.Table, days: int) -> ir.Table:
    """Edges whose sender sent nothing to the same receiver in the `days` days before."""
    before = _.day.lag().over(ibis.window(group_by=["s", "t"], order_by="day"))
    dated = edges.select("s", "t", "day").distinct().mutate(before=before)
    return edges.semi_join(
        dated.filter(_.before.isnull() | (_.day - _.before > days)), ["s", "t", "day"]
    )


def _extended(paths: ir.Table, edges: ir.Table, hops: int, p: Cycle) -> ir.Table:
    """Paths by one edge further: later, in the window, over no party again but the origin."""
    further = edges.select(
        from_node=_.s,
        next_node=_.t,
        next_at=_.at,
        next_value=_.value,
        next_day=_.day,
        next_id=_.id,
        next_file=_.file,
    )
    joined = paths.join(further, paths.node == further.from_node).filter(
        _.next_at >= _.at,
        _.next_day - _.day <= p.gap_days,
        _.next_day - _.began < p.window_days,
    )
    middles = [f"m{at}" for at in range(1, hops - 1)]
    for middle in middles:
        joined = joined.filter(_.next_node != _[middle])
    passed = (_.next_value * 100 >= _.value * p.kept_percent_min) & (
        _.next_value * 100 <= _.value * p.kept_percent_max
    )
    ids = [name for at in range(1, hops) for name in (f"i{at}", f"f{at}")]
    days = [f"d{at}" for at in range(2, hops)]
    return joined.select(
        "origin", "began", *middles, *ids, *days,
        **{
            f"m{hops - 1}": _.node, f"i{hops}": _.next_id, f"f{hops}": _.next_file,
            f"d{hops}": _.next_day, "node": _.next_node, "at": _.next_at,
            "value": _.next_value, "day": _.next_day,
            "kept": ibis.cases((passed, _.kept), else_=ibis.literal(0, "int8")),
        },
    )  # fmt: skip


def _dated(found: ir.Table, hops: int) -> ir.Table:
    del hops
    return found.mutate(d1=_.began)


def _all(tables: list[ir.Table]) -> ir.Table:
    return tables[0] if len(tables) == 1 else ibis.union(tables[0], *tables[1:])


def two_hops(
    step: Step, edges: ir.Table, p: ScatterGather | Stack, reach_days: int, key: str = "hops"
) -> ir.Table:
    """From `s` over `m` to `t`, the second transfer not before the first and within the window."""
    days = p.window_days

    def made() -> ir.Table:
        first = edges.select(
            s=_.s, m=_.t, at1=_.at, id1=_.id, file1=_.file, day1=_.day, value1=_.value
        )
        second = edges.select(
            m2=_.s, t=_.t, at2=_.at, id2=_.id, file2=_.file, day=_.day, value2=_.value
        )
        return (
            first.join(second, first.m == second.m2)
            .filter(_.at2 >= _.at1, _.day - _.day1 < days, _.s != _.t)
            .drop("m2", "at1", "at2")
        )

    return step.share(f"{key}:{p.minimum_minor}:{p.degree_max}:{days}:{reach_of(reach_days)}", made)


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
    fresh = within(
        _without_dealings(graph.edges, p.window_days), step.first - 2 * p.window_days, step.last
    )
    whole = two_hops(step, graph.edges, p, 3 * p.window_days)
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
    pairs = _all([flagged for flagged, _several in found])
    each = pairs.group_by("s", "t", "day").agg(others=_.others.max())
    flags = each.group_by(subject=_.s, day=_.day).agg(
        measure=_.others.max(), middles=_.others.max(), destinations=_.count()
    )
    return Findings(
        graph.scoped,
        flags.mutate(limit=ibis.literal(p.fresh_middles_min, "int64")),
        _all([hop_members(*one, p.window_days) for one in found]),
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
    shared = a.join(b, [a.s == b.s2, a.r1 < b.r2]).filter(near)
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
        _all(members),
        graph.taken,
    )


def _stack_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{destinations} destinations, each over {middles} or more parties between",
        destinations=v["destinations"],
        middles=v["middles"],
    )


@scenario(
    "stack",
    Stack,
    lookback=lambda p: lookback_of(3 * p.window_days),
    figures=("destinations", "middles"),
    says=_stack_says,
)
def stack(step: Step, p: Stack) -> Findings:
    """Layers: several sources reach the same several destinations over several parties between.

    Each source has several destinations that it reaches over enough parties, and each of these
    destinations is reached so by several sources, on one day's view of the window.
    """
    graph = network(step, p.minimum_minor, p.degree_max, 3 * p.window_days)
    hops = two_hops(step, graph.edges, p, 3 * p.window_days)
    several = step.keep(with_several(hops, ["s", "t"], "m", p.middles_min), "stack")
    changes = coming_and_going(several, ["s", "t"], "m", p.window_days)
    linked = running(changes, ["s", "t"], others="change").select("s", "t", "day", "others")
    spans = step.keep(_spans(linked, p.middles_min, step), "stack_spans")
    sources = running(_span_changes(spans, "s"), ["s"], reached="change", begun="begins")
    targets = running(_span_changes(spans, "t"), ["t"], reached="change", begun="begins")
    own = within(spans, step.first, step.last)
    begun = own.join(sources.select("s", "day", destinations=_.reached), ["s", "day"]).join(
        targets.select("t", "day", sources=_.reached), ["t", "day"]
    )
    pairs = step.keep(
        begun.filter(_.destinations >= p.ends_min, _.sources >= p.ends_min), "stack_flags"
    )
    flags = pairs.group_by(subject=_.s, day=_.day).agg(
        measure=_.destinations.max(), destinations=_.destinations.max(), middles=_.others.max()
    )
    return Findings(
        graph.scoped,
        flags.mutate(limit=ibis.literal(p.ends_min, "int64")),
        hop_members(pairs, several, p.window_days),
        graph.taken,
    )


def _spans(linked: ir.Table, least: int, step: Step) -> ir.Table:
    """Spans of days on which a pair is linked: from `day` until before `until`."""
    following = _.day.lead().over(ibis.window(group_by=["s", "t"], order_by="day"))
    dated = linked.mutate(until=ibis.coalesce(following, ibis.literal(step.last + 1, "int32")))
    return dated.filter(_.others >= least, _.day < _.until)


def _span_changes(spans: ir.Table, side: str) -> ir.Table:
    one = ibis.literal(1, "int64")
    starts = spans.select(side, day=_.day, change=one, begins=one)
    ends = spans.select(
        side, day=_.until.cast("int32"), change=-one, begins=ibis.literal(0, "int64")
    )
    return (
        starts.union(ends)
        .group_by(side, "day")
        .agg(change=_.change.sum().cast("int64"), begins=_.begins.sum().cast("int64"))
    )
