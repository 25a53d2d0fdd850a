"""Scenarios over what one party moves: sums per day and over windows of days.

A docstring is what the analyst reads beside an alert.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.core.messages import Message
from amanat.jurisdictions.supervision import (
    CtrThreshold,
    Dormant,
    PassThrough,
    RoundAmounts,
    Structuring,
    Velocity,
)
from amanat.supervision.monitoring.expressions import LOW, over_days, within
from amanat.supervision.monitoring.findings import (
    Findings,
    considered,
    members_of,
    scenario,
    scoped,
)
from amanat.supervision.monitoring.model import Classed
from amanat.supervision.monitoring.staging import (
    DEPOSIT,
    FIAT_IN,
    FIAT_OUT,
    INCOMING,
    OUTGOING,
    TRADE,
    Step,
    once,
)


def customer_side() -> Any:
    """Whose transaction it is: the receiver's where value came from outside, else the sender's."""
    return ibis.cases((_.kind.isin((FIAT_IN, DEPOSIT)), _.to_who), else_=_.from_who)


def other_side() -> Any:
    """Who stands on the other side of the customer."""
    return ibis.cases((_.kind.isin((FIAT_IN, DEPOSIT)), _.from_who), else_=_.to_who)


def _whether(fits: Any) -> Any:
    """1 where it fits, else 0, in 64 bits."""
    return ibis.cases((fits, ibis.literal(1, "int64")), else_=ibis.literal(0, "int64"))


def _fiat(rows: ir.Table, cash_only: bool, *further: tuple[Any, Classed]) -> ir.Table:
    """Fiat legs, or only those in cash, are in scope."""
    reasons = [(~_.kind.isin((FIAT_IN, FIAT_OUT)), Classed.NOT_FIAT)]
    if cash_only:
        reasons.append((~_.cash, Classed.NOT_CASH))
    return scoped(rows, *reasons, *further)


def _taken(sums: ir.Table, step: Step) -> ir.Table:
    own = within(sums, step.first, step.last)
    return own.agg(n=_.n.sum(), hi=_.hi.sum(), lo=_.lo.sum())


def _ctr_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{legs} fiat legs of {total} on one day, of at least {threshold}",
        legs=v["legs"],
        total=v["total_minor"],
        threshold=v["threshold_minor"],
    )


@scenario("ctr_threshold", CtrThreshold, figures=("total_minor", "legs"), says=_ctr_says)
def ctr_threshold(step: Step, p: CtrThreshold) -> Findings:
    """Fiat money of one customer on one day reaches the threshold for a currency report.

    Legs are added up over all exchanges, because the same person has the same pseudonym at each.
    Money in and money out are added apart unless the parameters say otherwise.  This is a duty to
    report, not a suspicion.
    """
    classed = _fiat(step.own(), p.cash_only)
    direction = ibis.literal(0, "int8") if p.directions_together else _.kind
    legs = considered(classed).select(
        who=customer_side(), day=_.day, direction=direction, value=_.value, id=_.id, file=_.file
    )
    sums = step.keep(
        legs.group_by("who", "day", "direction").agg(
            total=_.value.sum(), n=_.count(), hi=(_.id >> 32).sum(), lo=(_.id & LOW).sum()
        ),
        "ctr",
    )
    over = sums.filter(_.total >= p.threshold_minor)
    flags = over.group_by(subject=_.who, day=_.day).agg(
        measure=_.total.max(), total_minor=_.total.sum(), legs=_.n.sum()
    )
    members = legs.semi_join(over, ["who", "day", "direction"])
    return Findings(
        scoped=classed,
        flags=flags.mutate(limit=ibis.literal(p.threshold_minor, "int64")),
        members=members.select(subject=_.who, day=_.day, id=_.id, file=_.file, of=_.day),
        taken=_taken(sums, step),
    )


def _structuring_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{legs} fiat legs under {threshold} within {days} days make {total}",
        legs=v["legs"],
        threshold=v["threshold_minor"],
        days=v["window_days"],
        total=v["total_minor"],
    )


@scenario(
    "structuring",
    Structuring,
    lookback=lambda p: int(p.window_days) - 1,
    figures=("total_minor", "legs"),
    says=_structuring_says,
)
def structuring(step: Step, p: Structuring) -> Findings:
    """Several fiat legs, each under the threshold, that reach it together within few days.

    Who wants no report splits the sum, over days and over exchanges.  Legs at all exchanges count,
    by the person's pseudonym.  Legs under the floor do not: they are everyday payments.
    """
    classed = _fiat(
        step.back(p.window_days - 1),
        p.cash_only,
        (_.value >= p.threshold_minor, Classed.FROM_THRESHOLD),
        (_.value < p.floor_minor, Classed.BELOW_MINIMUM),
    )
    legs = considered(classed).select("id", "file", "day", who=customer_side(), value=_.value)
    sums = step.keep(
        legs.group_by("who", "day").agg(
            total=_.value.sum(), n=_.count(), hi=(_.id >> 32).sum(), lo=(_.id & LOW).sum()
        ),
        "structuring",
    )
    windows = sums.mutate(
        total_minor=over_days(_.total.sum(), p.window_days, ["who"]),
        legs=over_days(_.n.sum(), p.window_days, ["who"]),
    )
    flags = step.keep(
        within(windows, step.first, step.last)
        .filter(_.legs >= p.count_min, _.total_minor >= p.threshold_minor)
        .select(
            subject=_.who,
            day=_.day,
            measure=_.total_minor,
            limit=ibis.literal(p.threshold_minor, "int64"),
            total_minor=_.total_minor,
            legs=_.legs,
        ),
        "structuring_flags",
    )
    members = members_of(flags, legs, "who", p.window_days)
    return Findings(within(classed, step.first, step.last), flags, members, _taken(sums, step))


def _round_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{rounds} of {legs} fiat legs within {days} days are whole multiples of {unit}",
        rounds=v["rounds"],
        legs=v["legs"],
        days=v["window_days"],
        unit=v["unit_minor"],
    )


@scenario(
    "round_amounts",
    RoundAmounts,
    lookback=lambda p: int(p.window_days) - 1,
    figures=("rounds", "legs"),
    says=_round_says,
)
def round_amounts(step: Step, p: RoundAmounts) -> Findings:
    """Most fiat legs of a customer within few days are whole multiples of a large unit.

    Prices, wages and bills are seldom round; sums that somebody decides on to move money are.
    """
    classed = _fiat(step.back(p.window_days - 1), False)
    legs = considered(classed).select(
        "id", "file", "day", who=customer_side(), is_round=_.value % p.unit_minor == 0
    )
    sums = step.keep(
        legs.group_by("who", "day").agg(
            round_n=_whether(_.is_round).sum(),
            n=_.count(),
            hi=(_.id >> 32).sum(),
            lo=(_.id & LOW).sum(),
        ),
        "round",
    )
    windows = sums.mutate(
        rounds=over_days(_.round_n.sum(), p.window_days, ["who"]),
        legs=over_days(_.n.sum(), p.window_days, ["who"]),
    )
    enough = _.rounds * 100 >= _.legs * p.share_percent_min
    flags = step.keep(
        within(windows, step.first, step.last)
        .filter(_.round_n > 0, _.rounds >= p.count_min, enough)
        .select(
            subject=_.who,
            day=_.day,
            measure=_.rounds,
            limit=ibis.literal(p.count_min, "int64"),
            rounds=_.rounds,
            legs=_.legs,
        ),
        "round_flags",
    )
    members = members_of(flags, legs.filter(_.is_round), "who", p.window_days)
    return Findings(within(classed, step.first, step.last), flags, members, _taken(sums, step))


def _flows(rows: ir.Table) -> ir.Table:
    """What moves value into or out of a customer's account; a trade does neither."""
    return scoped(rows, (_.kind == TRADE, Classed.TRADE))


def _both_sides(flags: ir.Table, rows: ir.Table, days: int) -> ir.Table:
    """What came to and went from each flag's subject in the window."""
    rows = once(rows)
    gone = members_of(flags, rows.filter(_.kind.isin(OUTGOING)), "from_who", days)
    come = members_of(flags, rows.filter(_.kind.isin(INCOMING)), "to_who", days)
    return gone.union(come)


def _pass_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{gone} went out within {days} days of {come} that came in",
        gone=v["gone_minor"],
        come=v["come_minor"],
        days=v["window_days"],
    )


@scenario(
    "rapid_pass_through",
    PassThrough,
    lookback=lambda p: int(p.window_days) - 1,
    history=lambda p: int(p.window_days) - 1,
    figures=("come_minor", "gone_minor"),
    says=_pass_says,
)
def rapid_pass_through(step: Step, p: PassThrough) -> Findings:
    """Nearly all value that came to a party left it again within few days.

    An account that only hands on serves somebody else: a mule, or a layer of a longer chain.  What
    went out lies between the stated share of what came in and as much above it.
    """
    reach = p.window_days - 1
    sums = within(step.daily, step.first - reach, step.last)
    windows = sums.mutate(
        come_minor=over_days(_.in_value.sum(), p.window_days, ["who"]),
        gone_minor=over_days(_.out_value.sum(), p.window_days, ["who"]),
    )
    flags = step.keep(
        within(windows, step.first, step.last)
        .filter(
            _.out_n > 0,
            _.come_minor >= p.minimum_minor,
            _.gone_minor * 100 >= _.come_minor * p.passed_percent_min,
            _.gone_minor * 100 <= _.come_minor * (200 - p.passed_percent_min),
        )
        .select(
            subject=_.who,
            day=_.day,
            measure=_.come_minor,
            limit=ibis.literal(p.minimum_minor, "int64"),
            come_minor=_.come_minor,
            gone_minor=_.gone_minor,
        ),
        "pass_flags",
    )
    members = _both_sides(flags, step.back(reach), p.window_days)
    return Findings(_flows(step.own()), flags, members, _taken(step.daily, step))


def _dormant_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{total} moved on the first day after {silent} days without a transaction",
        total=v["total_minor"],
        silent=v["silent_days"],
    )


@scenario(
    "dormant_then_active",
    Dormant,
    history=lambda p: int(p.known_days),
    figures=("total_minor", "silent_days"),
    says=_dormant_says,
)
def dormant_then_active(step: Step, p: Dormant) -> Findings:
    """A party known from before moved nothing for long, then moves much on one day.

    Sleeping accounts are bought, lent or taken over.  A party that was never seen before is new
    and not dormant; a silence longer than the history looked at is not seen.
    """
    sums = within(step.daily, step.first - p.known_days, step.last)
    totals = sums.select("who", "day", total_minor=_.in_value + _.out_value)
    before = _.day.lag().over(ibis.window(group_by="who", order_by="day"))
    dated = _of_who_moves(totals, step, p.minimum_minor).mutate(
        silent_days=(_.day - before).cast("int64")
    )
    flags = step.keep(
        within(dated, step.first, step.last)
        .filter(
            _.silent_days > p.silence_days,
            _.silent_days <= p.known_days,
            _.total_minor >= p.minimum_minor,
        )
        .select(
            subject=_.who,
            day=_.day,
            measure=_.total_minor,
            limit=ibis.literal(p.minimum_minor, "int64"),
            total_minor=_.total_minor,
            silent_days=_.silent_days,
        ),
        "dormant_flags",
    )
    members = _both_sides(flags, step.own(), 1)
    return Findings(_flows(step.own()), flags, members, _taken(step.daily, step))


def _of_who_moves(totals: ir.Table, step: Step, minimum_minor: int) -> ir.Table:
    """The whole history of those alone who move the minimum on one of the step's days."""
    much = within(totals, step.first, step.last).filter(_.total_minor >= minimum_minor)
    return totals.semi_join(much.select("who").distinct(), "who")


def _velocity_says(v: Mapping[str, Any]) -> Message:
    return Message(
        "{total} moved on one day, against {before} on {active} active days before it",
        total=v["total_minor"],
        before=v["before_minor"],
        active=v["active_days"],
    )


@scenario(
    "velocity",
    Velocity,
    history=lambda p: int(p.history_days),
    figures=("total_minor", "before_minor", "active_days"),
    says=_velocity_says,
)
def velocity(step: Step, p: Velocity) -> Findings:
    """One day of a party is many times what its active days were until then.

    The measure is the party's own history, not that of others: who always moves much is not
    alerted, and who suddenly does is.
    """
    sums = within(step.daily, step.first - p.history_days, step.last)
    days = p.history_days + 1
    totals = sums.select("who", "day", total_minor=_.in_value + _.out_value)
    dated = _of_who_moves(totals, step, p.minimum_minor).mutate(
        before_minor=over_days(_.total_minor.sum(), days, ["who"]) - _.total_minor,
        active_days=over_days(_.total_minor.count(), days, ["who"]) - 1,
    )
    flags = step.keep(
        within(dated, step.first, step.last)
        .filter(
            _.active_days >= p.active_days_min,
            _.total_minor >= p.minimum_minor,
            _.total_minor * _.active_days >= _.before_minor * p.times,
        )
        .select(
            subject=_.who,
            day=_.day,
            measure=_.total_minor * _.active_days,
            limit=_.before_minor * p.times,
            total_minor=_.total_minor,
            before_minor=_.before_minor,
            active_days=_.active_days,
        ),
        "velocity_flags",
    )
    members = _both_sides(flags, step.own(), 1)
    return Findings(_flows(step.own()), flags, members, _taken(step.daily, step))
