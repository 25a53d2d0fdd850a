"""What a provider reported that it did, beside the caps that its status gave it on the day.

    supervision (returns) -> @measures_orders -> here -> view `reported_volumes`, act `NoteBreach`

The caps of an order are kept by who takes it; here is seen who did not keep them.  Rooms that know
what was reported say so by `measures_orders`, so that nothing here reads a return.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import TypeVar

from sqlalchemy.engine import Connection

from amanat.core.dates import month_end
from amanat.jurisdictions.licensing import Cap
from amanat.jurisdictions.licensing_model import DAY, MONTH
from amanat.licensing.records import pack_of
from amanat.licensing.standing import standings

ORDERS = "client_order"


@dataclass(frozen=True, slots=True)
class Reported:
    """The clients' orders of one day that a provider reported, in minor units of `currency`."""

    provider: str
    day: date
    orders: int
    total: int
    largest: int
    currency: str


Measures = Callable[[Connection, str, date, date], Iterable[Reported]]
M = TypeVar("M", bound=Measures)
_MEASURES: list[Measures] = []


def measures_orders(given: M) -> M:
    """Let a room say which clients' orders were reported, from a day to a day."""
    _MEASURES.append(given)
    return given


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a cap was used in a month, by what was reported on the days on which it bound.

    `done` is the sum of a month, or of a cap that counts each time the largest.
    """

    provider: str
    month: date
    cap: Cap
    orders: int
    done: int

    @property
    def last_day(self) -> date:
        """The month's last day, by which a breach is named."""
        return month_end(self.month)

    @property
    def exceeded(self) -> bool:
        """Whether more was reported than the cap lets be done."""
        return self.done > self.cap.amount


def uses_of_caps(
    connection: Connection, programme: str, first: date, last: date, provider: str | None = None
) -> list[Use]:
    """Of each provider and month every cap on clients' orders that bound on a day with some.

    The months are whole, from that of `first` to that of `last`: a part of one would be compared
    with the cap of all of it.  A cap of one category is left out: what is reported says none.
    """
    caps = [one for one in pack_of(connection, programme).caps if _on_orders(one)]
    if not caps:
        return []
    days = [
        one
        for measure in _MEASURES
        for one in measure(connection, programme, first.replace(day=1), month_end(last))
        if provider in (None, one.provider)
    ]
    statuses = _statuses(connection, programme, days)
    found: list[Use] = []
    days.sort(key=_month_of)
    for (code, month), of_month in groupby(days, key=_month_of):
        reported = list(of_month)
        for cap in caps:
            bound = [
                one
                for one in reported
                if one.currency == cap.unit and statuses[code, one.day] == cap.status
            ]
            if bound:
                orders = sum(one.orders for one in bound)
                found.append(Use(code, month, cap, orders, _done(cap, bound)))
    return found


def _on_orders(cap: Cap) -> bool:
    return ORDERS in cap.activities and not cap.category


def _month_of(one: Reported) -> tuple[str, date]:
    return one.provider, one.day.replace(day=1)


def _done(cap: Cap, days: list[Reported]) -> int:
    if cap.period == MONTH:
        return sum(one.total for one in days)
    return max(one.total if cap.period == DAY else one.largest for one in days)


def _statuses(
    connection: Connection, programme: str, days: list[Reported]
) -> dict[tuple[str, date], str]:
    """The status of each provider on each of its days; none of who is no provider."""
    found: dict[tuple[str, date], str] = {}
    for day in {one.day for one in days}:
        codes = sorted({one.provider for one in days if one.day == day})
        on = standings(connection, programme, day, codes)
        found |= {(code, day): on[code].status if code in on else "" for code in codes}
    return found
