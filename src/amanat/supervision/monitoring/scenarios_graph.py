"""Scenarios over who sends to whom: fans, and ways that come back.

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
from amanat.jurisdictions.supervision import Cycle, Fan, GatherScatter
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
from amanat.supervision.monitoring.transfers import either, lookback_of, network, without_dealings


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
    fresh = without_dealings(graph.edges, p.window_days)
    edges = step.keep(within(fresh, step.first - p.window_days + 1, step.last), "fresh")
    paths = edges.select(
        origin=_.s, node=_.t, at=_.at, value=_.value, day=_.day, began=_.day, i1=_.id, f1=_.file,
        kept=ibis.literal(1, "int8"),
    )  # fmt: skip
    closed = []
    for hops in range(2, p.hops_max + 1):
        # What is too early by now for the hops that are left closes no cycle in these days.
        late = step.first - p.gap_days * (p.hops_max - hops)
        extended = step.keep(_extended(paths, edges, hops, p, late), f"paths{hops}")
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
        either(rows)
        .group_by("subject", "day")
        .agg(total_minor=_.value.max(), hops=_.hops.max(), cycles=_.count())
        .mutate(measure=_.total_minor, limit=ibis.literal(max(p.minimum_minor, 1), "int64"))
    )
    members = [
        found.select(subject=_.origin, day=_.day, id=_[f"i{at}"], file=_[f"f{at}"], of=_[f"d{at}"])
        for hops, found in ((hops, _dated(found, hops)) for hops, found in closed)
        for at in range(1, hops + 1)
    ]
    return Findings(graph.scoped, step.keep(flags, "cycle_flags"), either(members), graph.taken)


def _extended(paths: ir.Table, edges: ir.Table, hops: int, p: Cycle, late: int) -> ir.Table:
    """Paths by one edge further: later, in the window, over no party again but the origin.

    The further edge is of the day `late` or after.
    """
    further = edges.filter(_.day >= late).select(
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
