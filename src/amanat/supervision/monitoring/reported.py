"""A transfer between two exchanges: each side reports it with its own customer; it counts once.

    rows of either side -> who holds the other account, which report is the second of a transfer

An exchange knows its own customer and of the other side only the account (of what went over a
chain: the address).  The other exchange's rows name the person.  What is found here is joined to
the staged rows by their ids, in `staging`; no scenario asks again.

Two reports are of one transfer where accounts, asset and quantity agree (of a withdrawal and a
deposit: network, hash, asset and quantity) on one day; of several alike, the first of one side
goes with the first of the other.  What is left over of a day may be reported by the other side on
the next day, when midnight lay between; on a chain it stays two movements then.  Nothing looks at
later days, so that a run by day and a run over a year say the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from amanat.supervision.monitoring.engines import Engine
from amanat.supervision.monitoring.expressions import within
from amanat.supervision.monitoring.model import HOLDER_DAYS, SourceFile, day_of

ONCE, AFTER_TOLD, AFTER_UNTOLD = 0, 1, 2
"""The first or only report; the second, whose first names a travel-rule message, or does not."""

_COMPARED = (
    *("id", "exchange", "day", "at", "kind", "asset", "quantity", "network", "transaction_hash"),
    *("hosted", "travel_rule", "from_party", "from_account", "from_exchange", "from_country"),
    *("to_party", "to_account", "to_exchange", "to_country"),
)
_NAMED = ("day", "from_party", "from_account", "from_country", "to_party", "to_account",
          "to_country")  # fmt: skip
_YES, _NO = ibis.literal(1, "int64"), ibis.literal(0, "int64")
_OTHER_WAY = ibis.cases((_.sends == 1, _NO), else_=_YES)
_SAME = ("one", "other", "network", "hash", "asset", "quantity")
"""What both reports of a transfer say alike: `one` and `other` are its accounts, 0 on a chain."""


def of_days(files: Sequence[SourceFile], first: int, last: int) -> list[SourceFile]:
    """The files that may hold rows of these days."""
    return [one for one in files if one.first_day <= day_of(last) and day_of(first) <= one.last_day]


@contextmanager
def other_sides(
    engine: Engine,
    files: Sequence[SourceFile],
    first: int,
    last: int,
    only: ir.Table | None = None,
) -> Iterator[ir.Table | None]:
    """What rows of these days are told by the other side's; None where no row is of two sides.

    id, `from_person`, `from_home`, `to_person`, `to_home` (null where the row or nobody says),
    `second` (`ONCE`, `AFTER_TOLD` or `AFTER_UNTOLD`), `joined` (1 of a withdrawal that is
    another exchange's deposit), `came_to` and `came_by` (its account there, and that exchange),
    and of a second report the `first`.  One row per id; with `only`, of these ids and of what may
    be the same as they.  Given back at the end.
    """
    kept: list[ir.Table] = []

    def keep(expression: ir.Table, name: str) -> ir.Table:
        kept.append(engine.keep(expression, name))
        return kept[-1]

    try:
        chosen = of_days(files, first - 1, last)
        sides = keep(_sides(engine.scan(chosen, _COMPARED, first - 1, last)), "sides")
        if only is not None:
            alike = sides.semi_join(only, "id").select(*_SAME).distinct()
            sides = keep(sides.semi_join(alike, list(_SAME)), "alike")
        counted = engine.fetch(sides.agg(n=_.count())).to_pylist()
        if not counted[0]["n"]:
            yield None
            return
        same_day = keep(_same_day(sides), "same_day")
        # Each is computed before they are put together: then an engine's types agree.
        seconds = same_day.union(keep(_next_day(sides, same_day), "next_day"))
        own = within(sides, first, last)
        wanted = keep(_wanted(own), "wanted")
        chosen = of_days(files, first - HOLDER_DAYS + 1, last)
        named = _named(engine.scan(chosen, _NAMED, first - HOLDER_DAYS + 1, last), wanted)
        holders = keep(_holders(wanted, keep(named, "named")), "holders")
        yield keep(_told(own, holders, seconds), "other_sides")
    finally:
        for table in kept:
            engine.forget(table)


def _sides(scanned: ir.Table) -> ir.Table:
    """Reports of one side of what another exchange may report as well, narrow."""
    between = (
        (_.kind == "transfer")
        & _.from_exchange.notnull()
        & _.to_exchange.notnull()
        & (_.from_exchange != _.to_exchange)
        & (_.from_party.isnull() != _.to_party.isnull())
    )
    hosted = ibis.coalesce(_.hosted, True)
    chained = _.kind.isin(("withdrawal", "deposit")) & _.transaction_hash.notnull() & hosted
    sends = _.from_party.notnull() & (_.kind != "deposit")
    chain = _.kind != "transfer"
    zero = ibis.literal(0, "int64")
    return scanned.filter(between | chained).select(
        "id", "exchange", "day", "at", "asset", "quantity",
        sends=ibis.cases((sends, _YES), else_=_NO),
        chain=ibis.cases((chain, _YES), else_=_NO),
        one=ibis.cases((chain, zero), else_=_.from_account),
        other=ibis.cases((chain, zero), else_=_.to_account),
        network=ibis.cases((chain, ibis.coalesce(_.network, "")), else_=""),
        hash=ibis.cases((chain, ibis.coalesce(_.transaction_hash, "")), else_=""),
        told=ibis.cases((ibis.coalesce(_.travel_rule, "") != "", _YES), else_=_NO),
        asked=ibis.cases((sends, _.to_account), else_=_.from_account),
        own=ibis.cases((sends, _.from_account), else_=_.to_account),
        person=ibis.cases((sends, _.from_party), else_=_.to_party),
        home=ibis.cases((sends, _.from_country), else_=_.to_country),
    )  # fmt: skip


def _ranked(sides: ir.Table) -> ir.Table:
    """With `place`: which of several reports alike it is, of its side and day."""
    window = ibis.window(group_by=[*_SAME, "day", "sends"], order_by=["at", "id"])
    return sides.mutate(place=ibis.row_number().over(window))


def _paired(first: ir.Table, second: ir.Table) -> ir.Table:
    """first, id (of the second report), `second`, and of what went over a chain who it came to."""
    later = second.select(
        *_SAME, "day", "place", "id", "own", by=_.exchange, whose=_.person, from_where=_.home
    )
    earlier = first.select(
        *_SAME, "day", "place", "exchange", "told", "chain", first=_.id
    )  # fmt: skip
    joined = earlier.join(later, [*_SAME, "day", "place"]).filter(_.exchange != _.by)
    return joined.select(
        "first",
        "id",
        second=ibis.cases(
            (_.told == 1, ibis.literal(AFTER_TOLD, "int64")),
            else_=ibis.literal(AFTER_UNTOLD, "int64"),
        ),
        chain=_.chain,
        person=_.whose,
        home=_.from_where,
        account=_.own,
        keeper=_.by,
    )


def _same_day(sides: ir.Table) -> ir.Table:
    """The sender's report is the first, the receiver's the second."""
    ranked = _ranked(sides)
    return _paired(ranked.filter(_.sends == 1), ranked.filter(_.sends == 0))


def _next_day(sides: ir.Table, same_day: ir.Table) -> ir.Table:
    """What a day leaves over on one side, and the other side reports on the day after."""
    alone = (
        sides.filter(_.chain == 0)
        .anti_join(same_day.select(id=_.first), "id")
        .anti_join(same_day.select("id"), "id")
    )
    ranked = _ranked(alone)
    awaited: Any = ranked.mutate(day=(_.day + 1).cast("int32"), sends=_OTHER_WAY)
    found = [
        _paired(awaited.filter(_.sends == way), ranked.filter(_.sends == way)) for way in (0, 1)
    ]
    return found[0].union(found[1])


def _wanted(sides: ir.Table) -> ir.Table:
    """Accounts of the other side and the days on which somebody must be found for them."""
    return sides.filter(_.chain == 0).select(account=_.asked, asked_on=_.day).distinct()


def _named(scanned: ir.Table, wanted: ir.Table) -> ir.Table:
    """account, day, person, home: as the account's own exchange says."""
    ways = [
        scanned.filter(_[f"{way}_party"].notnull()).select(
            "day", account=_[f"{way}_account"], person=_[f"{way}_party"], home=_[f"{way}_country"]
        )
        for way in ("from", "to")
    ]
    return (
        ways[0].union(ways[1]).semi_join(wanted.select("account").distinct(), "account").distinct()
    )


def _holders(wanted: ir.Table, named: ir.Table) -> ir.Table:
    """account, `asked_on`, person, home: the latest that was said until that day."""
    joined = wanted.join(named, "account").filter(
        _.day <= _.asked_on, _.day > _.asked_on - HOLDER_DAYS
    )
    latest = ibis.window(
        group_by=["account", "asked_on"], order_by=[_.day.desc(), _.person, _.home]
    )
    ranked = joined.mutate(place=ibis.row_number().over(latest))
    return ranked.filter(_.place == 0).select("account", "asked_on", "person", "home")


def _told(own: ir.Table, holders: ir.Table, seconds: ir.Table) -> ir.Table:
    """Per row of two sides what is known by the other."""
    base = own.select("id", "sends", "chain", asked=_.asked, on=_.day)
    found = base.left_join(
        holders, [base.asked == holders.account, base.on == holders.asked_on]
    ).select("id", "sends", "chain", by_account=_.person, home_of_account=_.home)
    later = seconds.select(again=_.id, second=_.second, first=_.first)
    found = found.left_join(later, found.id == later.again).drop("again")
    # Only what was reported on one day is joined over a chain.
    over = seconds.filter(_.chain == 1).select(
        begun=_.first, whose=_.person, where=_.home, came_to=_.account, came_by=_.keeper
    )
    found = found.left_join(over, found.id == over.begun)
    person = ibis.coalesce(_.whose, _.by_account)
    home = ibis.coalesce(_.where, _.home_of_account)
    nobody, nowhere = ibis.null("int64"), ibis.null("string")
    return found.select(
        "id",
        from_person=ibis.cases((_.sends == 0, person), else_=nobody),
        from_home=ibis.cases((_.sends == 0, home), else_=nowhere),
        to_person=ibis.cases((_.sends == 1, person), else_=nobody),
        to_home=ibis.cases((_.sends == 1, home), else_=nowhere),
        second=ibis.coalesce(_.second, ibis.literal(ONCE, "int64")),
        joined=ibis.cases((_.begun.notnull(), _YES), else_=_NO),
        came_to=_.came_to,
        came_by=_.came_by,
        first=_.first,
    )
